//! Browser sessions. Created once, saved only while present: a session that was ended stays ended, even when a request that began
//! before the end saves after it.

use crate::{Error, OpCtx, Store, SystemTx, Tx};
use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, SessionStore};
use types::UserId;

/// Key under which the session says whose it is.
pub const USER_KEY: &str = "user_id";

/// `tower-sessions` on the `web_sessions` table.
#[derive(Clone, Debug)]
pub struct WebSessions {
    store: Store,
}

impl WebSessions {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    async fn tx(&self) -> session_store::Result<SystemTx> {
        // A browser session belongs to a person, not to a tenant.
        SystemTx::begin(&OpCtx::system("web-sessions"), &self.store).await.map_err(backend)
    }
}

fn backend(error: Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

fn owner(record: &Record) -> Option<uuid::Uuid> {
    record.data.get(USER_KEY).and_then(|v| v.as_str()).and_then(|s| s.parse().ok())
}

fn encode(record: &Record) -> session_store::Result<serde_json::Value> {
    serde_json::to_value(&record.data).map_err(|e| session_store::Error::Encode(e.to_string()))
}

#[async_trait]
impl SessionStore for WebSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let mut tx = self.tx().await?;
        let data = encode(record)?;
        // The id is 128 random bits; should it exist all the same, take another.
        loop {
            let done = sqlx::query!(
                "INSERT INTO web_sessions (id, user_id, data, created_at, expires_at) VALUES ($1, $2, $3, now(), $4)
                 ON CONFLICT (id) DO NOTHING",
                record.id.to_string(),
                owner(record),
                data,
                record.expiry_date
            )
            .execute(tx.conn())
            .await
            .map_err(|e| backend(e.into()))?;
            if done.rows_affected() == 1 {
                break;
            }
            record.id = Id::default();
        }
        tx.commit().await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let mut tx = self.tx().await?;
        sqlx::query!(
            "UPDATE web_sessions SET user_id = $2, data = $3, expires_at = $4 WHERE id = $1",
            record.id.to_string(),
            owner(record),
            encode(record)?,
            record.expiry_date
        )
        .execute(tx.conn())
        .await
        .map_err(|e| backend(e.into()))?;
        tx.commit().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let mut tx = self.tx().await?;
        let row = sqlx::query!("SELECT data, expires_at FROM web_sessions WHERE id = $1 AND expires_at > now()", id.to_string())
            .fetch_optional(tx.conn())
            .await
            .map_err(|e| backend(e.into()))?;
        row.map(|r| {
            let data = serde_json::from_value(r.data).map_err(|e| session_store::Error::Decode(e.to_string()))?;
            Ok(Record { id: *id, data, expiry_date: r.expires_at })
        })
        .transpose()
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let mut tx = self.tx().await?;
        sqlx::query!("DELETE FROM web_sessions WHERE id = $1", id.to_string()).execute(tx.conn()).await.map_err(|e| backend(e.into()))?;
        tx.commit().await.map_err(backend)
    }
}

/// Ends every browser session of a person.
pub async fn end_all(tx: &mut SystemTx, user: UserId) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM web_sessions WHERE user_id = $1", user.0).execute(tx.conn()).await?.rows_affected())
}

/// Forgets sessions whose time is over.
pub async fn purge(tx: &mut SystemTx, now: OffsetDateTime) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM web_sessions WHERE expires_at < $1", now).execute(tx.conn()).await?.rows_affected())
}
