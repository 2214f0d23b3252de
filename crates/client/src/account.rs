//! Who is signed in: the stored login, and the access token that is renewed before it ends.

use crate::call::Body;
use crate::client::Inner;
use crate::shared::SeatFile;
use crate::{Client, Error, Refusal};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use types::auth::{LoginRequest, MeResponse, TokenResponse};
use types::{Code, Role, TenantId, UserId};

const FILE: &str = "login.json";
const LOCK: &str = "login.lock";
/// An access token that ends sooner is renewed first, so that it does not end on the way.
const EARLY_SECONDS: i64 = 30;

/// The person who signed in on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub server: String,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    /// From here on as far as the server has told.
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub organization: Option<String>,
    #[serde(default)]
    pub slug: Option<String>,
    #[serde(default)]
    pub role: Option<Role>,
}

impl Account {
    /// The same login, whatever the names are now.
    fn is_same(&self, other: &Self) -> bool {
        (&self.server, self.user_id, self.tenant_id) == (&other.server, other.user_id, other.tenant_id)
    }

    /// How a person calls it.
    pub fn label(&self) -> String {
        let who = self.email.clone().or(self.name.clone()).unwrap_or_else(|| self.user_id.to_string());
        match &self.organization {
            Some(organization) => format!("{who} in {organization}"),
            None => who,
        }
    }
}

/// What one signs in with.
#[derive(Clone, Default)]
pub struct PasswordLogin {
    pub email: String,
    pub password: String,
    /// Slug or id of the organisation, for people who belong to several.
    pub tenant: Option<String>,
    /// Code of the second factor, where the account has one.
    pub totp: Option<String>,
}

/// What lies in the file. No `Debug`: it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    account: Account,
    /// `None` when the login has ended.
    tokens: Option<Tokens>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Tokens {
    refresh: String,
    access: String,
    /// Seconds since 1970, by this machine's clock.
    access_until: i64,
}

impl Client {
    /// Signs in with e-mail and password. `mfa_required` and `tenant_required` come as [`Error::Problem`].
    pub async fn login(&self, login: &PasswordLogin) -> Result<Account, Error> {
        let request = LoginRequest {
            email: login.email.clone(),
            password: login.password.clone(),
            hardware_id: Some(self.inner.fingerprint.id.clone()),
            tenant: login.tenant.clone(),
            totp: login.totp.clone(),
        };
        let (tokens, _) = self.inner.noted(self.inner.caller.login(&request).await)?;
        self.signed_in(tokens, Some(login.email.clone())).await
    }

    /// Stores a new login, and asks what the person and organisation are called.
    pub(crate) async fn signed_in(&self, tokens: TokenResponse, email: Option<String>) -> Result<Account, Error> {
        let inner = &self.inner;
        let mut account = Account {
            server: inner.caller.server().to_string(),
            user_id: tokens.user_id,
            tenant_id: tokens.tenant_id,
            email,
            name: None,
            organization: None,
            slug: None,
            role: None,
        };
        let access = tokens.access_token.clone();
        let mut stored = Stored { account: account.clone(), tokens: Some(inner.tokens(tokens)) };
        let _lock = inner.folder.lock(LOCK).await?;
        inner.folder.write(FILE, &stored)?;
        inner.trust_anew().await?;
        match inner.caller.me(&access).await {
            Ok((me, _)) => {
                account.name_after(me);
                stored.account = account.clone();
                inner.folder.write(FILE, &stored)?;
            }
            Err(error) => tracing::debug!(%error, "the names are not known yet"),
        }
        Ok(account)
    }

    /// Who is signed in here, if anybody; whether or not the server agrees.
    pub fn account(&self) -> Result<Option<Account>, Error> {
        Ok(self.inner.stored()?.filter(|s| s.tokens.is_some()).map(|s| s.account))
    }

    /// Asks the server who is signed in.
    pub async fn me(&self) -> Result<MeResponse, Error> {
        let inner = &self.inner;
        let account = inner.require_account()?;
        inner.me(&account).await.map(|(me, _)| me)
    }

    /// Ends the login, here and on the server, and gives the seat back. `Ok(false)`: nobody was signed in. The login is gone from this device even when
    /// the server cannot be told, which is then the error.
    pub async fn logout(&self) -> Result<bool, Error> {
        let inner = &self.inner;
        let Some(Stored { account, tokens: Some(_) }) = inner.stored()? else {
            inner.folder.remove(FILE)?;
            return Ok(false);
        };
        // While the login still counts: the seat must not outlive it, nor the right to work offline.
        if let Err(error) = SeatFile::new(inner.clone(), account.clone()).give_back().await {
            tracing::debug!(%error, "the seat ends by itself");
        }
        let told = inner.end_login(&account).await;
        let _lock = inner.folder.lock(LOCK).await?;
        inner.folder.remove(FILE)?;
        match told {
            Ok(_) | Err(Error::Refused(Refusal::NotSignedIn { .. })) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl Account {
    fn name_after(&mut self, me: MeResponse) {
        self.email = Some(me.user.email);
        self.name = Some(me.user.name);
        self.organization = Some(me.tenant.name);
        self.slug = Some(me.tenant.slug);
        self.role = Some(me.role);
    }
}

impl Inner {
    fn stored(&self) -> Result<Option<Stored>, Error> {
        self.folder.read(FILE)
    }

    fn tokens(&self, answer: TokenResponse) -> Tokens {
        let lifetime = i64::try_from(answer.expires_in).unwrap_or(i64::MAX / 2);
        Tokens {
            refresh: answer.refresh_token,
            access: answer.access_token,
            access_until: self.clock.now().unix_timestamp().saturating_add(lifetime),
        }
    }

    /// The account signed in to this client's server.
    pub(crate) fn require_account(&self) -> Result<Account, Error> {
        let here = self.caller.server().to_string();
        match self.stored()? {
            None => Err(Refusal::signed_out("Nobody is signed in on this device.").into()),
            Some(Stored { account, .. }) if account.server != here => Err(Refusal::NotSignedIn {
                detail: format!(
                    "You are signed in to {}, not to {here}. Sign in with: coditect-license login --server {here}",
                    account.server
                ),
            }
            .into()),
            Some(Stored { account, tokens: None }) => {
                Err(Refusal::signed_out(&format!("The login of {} has ended.", account.label())).into())
            }
            Some(Stored { account, .. }) => Ok(account),
        }
    }

    /// The stored tokens, if they are still those of `account`.
    fn tokens_of(&self, account: &Account) -> Result<Tokens, Error> {
        match self.stored()? {
            Some(Stored { account: now, tokens: Some(tokens) }) if now.is_same(account) => Ok(tokens),
            Some(Stored { account: now, tokens: None }) if now.is_same(account) => {
                Err(Refusal::signed_out(&format!("The login of {} has ended.", account.label())).into())
            }
            _ => Err(Refusal::signed_out(&format!("{} is no longer signed in on this device.", account.label())).into()),
        }
    }

    /// Makes a call with an access token, renewed before its end and, once, when the server no longer takes it.
    pub(crate) async fn authed<B: Serialize, T: DeserializeOwned>(
        &self,
        account: &Account,
        method: Method,
        path: &str,
        body: Body<'_, B>,
    ) -> Result<(T, time::OffsetDateTime), Error> {
        let send = |access: String| {
            let method = method.clone();
            async move { self.noted(self.caller.json(method, path, Some(&access), body).await) }
        };
        let access = self.access(account).await?;
        match send(access.clone()).await {
            Err(Error::Problem(problem)) if problem.status == 401 => {
                tracing::debug!(code = problem.code, "the access token is not taken any more");
            }
            other => return other,
        }
        match send(self.renew(account, &access).await?).await {
            Err(Error::Problem(problem)) if problem.status == 401 => Err(ended(&problem)),
            other => other,
        }
    }

    /// The access token, renewed where it is about to end.
    async fn access(&self, account: &Account) -> Result<String, Error> {
        let tokens = self.tokens_of(account)?;
        if self.ends_soon(tokens.access_until) { self.renew(account, &tokens.access).await } else { Ok(tokens.access) }
    }

    async fn end_login(&self, account: &Account) -> Result<(), Error> {
        let mut access = self.access(account).await?;
        for last in [false, true] {
            let refresh = self.tokens_of(account)?.refresh;
            match self.noted(self.caller.logout(&access, &refresh).await) {
                Err(Error::Problem(problem)) if problem.status == 401 && !last => access = self.renew(account, &access).await?,
                other => return other.map(|_| ()),
            }
        }
        Ok(())
    }

    fn ends_soon(&self, until: i64) -> bool {
        until.saturating_sub(self.clock.now().unix_timestamp()) < EARLY_SECONDS
    }

    /// A new access token in place of `stale`. Under the lock, because a refresh token works once: whoever comes second finds what
    /// the first has got. A refresh token is used only once it is on disk; if the answer is lost before that, the server gives a
    /// new one for the old.
    async fn renew(&self, account: &Account, stale: &str) -> Result<String, Error> {
        let _lock = self.folder.lock(LOCK).await?;
        let tokens = self.tokens_of(account)?;
        if tokens.access != stale && !self.ends_soon(tokens.access_until) {
            return Ok(tokens.access);
        }
        match self.noted(self.caller.refresh(&tokens.refresh).await) {
            Ok((answer, _)) => {
                let tokens = self.tokens(answer);
                let access = tokens.access.clone();
                let account = self.stored()?.map_or_else(|| account.clone(), |s| s.account);
                if let Err(error) = self.folder.write(FILE, &Stored { account, tokens: Some(tokens) }) {
                    // It must not cost the seat. The refresh token that is on disk gets another successor, since this one is never used.
                    tracing::warn!(%error, "a new login could not be kept");
                }
                Ok(access)
            }
            Err(Error::Problem(problem)) if problem.status == 401 || problem.is(Code::RefreshReused) => {
                self.folder.write(FILE, &Stored { account: account.clone(), tokens: None })?;
                Err(ended(&problem))
            }
            Err(other) => Err(other),
        }
    }
}

/// The server does not take the login any more.
fn ended(problem: &crate::ApiProblem) -> Error {
    Refusal::signed_out(&format!("{}.", problem.to_string().trim_end_matches('.'))).into()
}
