//! The entry to the library.

use crate::call::Caller;
use crate::clock::{Clock, Random, SystemClock, SystemRandom, TimeMark};
use crate::fingerprint::{self, Components, Fingerprint, Source};
use crate::folder::Folder;
use crate::keyring::Keyring;
use crate::shared::SeatFile;
use crate::token::{Expected, TokenError, verify};
use crate::{Account, Config, DEFAULT_SERVER, Error, Keys, Server, Session, State};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use time::OffsetDateTime;
use types::analytics::{FeatureUse, TrackRequest};
use types::licenses::{FingerprintTolerance, LicenseClaims};

/// After this time the server is asked for its keys again, so that a withdrawn key goes away.
const KEYS_FRESH: time::Duration = time::Duration::days(1);

/// One person's access to the licence service from this device. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) caller: Caller,
    pub(crate) folder: Folder,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) config: Config,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) keyring: Keyring,
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    #[serde(with = "time::serde::rfc3339")]
    fetched_at: OffsetDateTime,
    keys: Keys,
}

/// What [`Client::give_back`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// The server has freed the seat.
    Given,
    /// This device knew of no session.
    Nothing,
}

/// The seat of this device as far as its state folder knows.
#[derive(Clone, Debug)]
pub struct SeatView {
    pub session_id: types::SessionId,
    pub since: OffsetDateTime,
    /// Processes that use it and live.
    pub processes: Vec<u32>,
    pub state: State,
}

impl Client {
    /// With the machine's clock and random source.
    pub fn new(config: Config) -> Result<Self, Error> {
        Self::with(config, Arc::new(SystemClock), Arc::new(SystemRandom))
    }

    /// With a clock and a random source of the caller's, for tests.
    pub fn with(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, Error> {
        let home = Folder::new(config.home.clone(), random.clone());
        let components = Components::read(Path::new("/"), || fingerprint::installation(&home, random.as_ref()));
        let names = components.names();
        let keyring = Keyring::open(&home, components, random.as_ref())?;
        let folder = keyring.folder().clone();
        let fingerprint = match &config.hardware_id {
            Some(id) => Fingerprint { id: id.clone(), source: Source::Settings },
            None => Fingerprint { id: keyring.hardware_id(), source: Source::Device(names) },
        };
        let server = match &config.server {
            Some(server) => server.clone(),
            None => stored_server(&folder)?,
        };
        let caller = Caller::new(server, &config)?;
        Ok(Self { inner: Arc::new(Inner { caller, folder, clock, random, config, fingerprint, keyring }) })
    }

    /// The portal that this client talks to.
    pub fn server(&self) -> &Server {
        self.inner.caller.server()
    }

    /// How the server knows this device.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.inner.fingerprint
    }

    /// How much of this device may change before it counts as another one, by the licence that it last had a seat of.
    pub fn tolerance(&self) -> FingerprintTolerance {
        self.inner.keyring.tolerance()
    }

    /// The state folder.
    pub fn home(&self) -> &Path {
        &self.inner.config.home
    }

    /// Takes a seat, or joins the one that another process of the same person holds on this device, and keeps it in the background
    /// until [`Session::release`]. To be called on a Tokio runtime; an application without one uses [`crate::blocking`].
    pub async fn start(&self) -> Result<Session, Error> {
        Session::start(self.inner.clone()).await
    }

    /// The seat that processes of this person hold on this device.
    pub fn seat(&self) -> Result<Option<SeatView>, Error> {
        let account = self.inner.require_account()?;
        let seat = SeatFile::new(self.inner.clone(), account);
        let content = seat.load()?;
        Ok(content.current.as_ref().map(|current| SeatView {
            session_id: current.session_id,
            since: current.since,
            processes: current.holders.iter().filter(|h| self.inner.folder.is_alive(&h.sign)).map(|h| h.pid).collect(),
            state: seat.state(&content, current),
        }))
    }

    /// Until when the kept token lets this device work without the server, or why it does not. `None`: there is no token.
    pub fn offline_until(&self) -> Result<Option<Result<OffsetDateTime, TokenError>>, Error> {
        let account = self.inner.require_account()?;
        let seat = SeatFile::new(self.inner.clone(), account);
        Ok(seat.load()?.token.map(|token| seat.offline_end(&token)))
    }

    /// Gives this device's seat and its right to work offline back. Processes that use the seat learn it within seconds and stop.
    pub async fn give_back(&self) -> Result<Released, Error> {
        let account = self.inner.require_account()?;
        SeatFile::new(self.inner.clone(), account).give_back().await
    }

    /// Says which features of the application were used: at most 100 entries, now and then. `key` names this batch, say by a UUID: where the
    /// answer was lost, the same batch under the same key counts once. `false`: the organization does not want that counted; there is no need
    /// to say more before the next start.
    pub async fn track(&self, key: &str, uses: Vec<FeatureUse>) -> Result<bool, Error> {
        let account = self.inner.require_account()?;
        Ok(self.inner.track(&account, key, &TrackRequest { events: uses }).await?.0.enabled)
    }

    /// The machine's time, by its own clock.
    pub fn now(&self) -> OffsetDateTime {
        self.inner.clock.now()
    }
}

fn stored_server(folder: &Folder) -> Result<Server, Error> {
    #[derive(Deserialize)]
    struct Only {
        account: Account,
    }
    match folder.read::<Only>("login.json")? {
        Some(stored) => Server::parse(&stored.account.server),
        None => Server::parse(DEFAULT_SERVER),
    }
}

/// Short names for files: no two keys share one.
pub(crate) fn short_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    crate::clock::hex(&hash.finalize())[..16].to_owned()
}

impl Inner {
    /// Remembers when the server wrote this answer, and returns that time; without one, the machine's.
    pub(crate) fn noted<T>(&self, reply: Result<(T, Option<OffsetDateTime>), Error>) -> Result<(T, OffsetDateTime), Error> {
        let server_time = match &reply {
            Ok((_, time)) => *time,
            Err(Error::Problem(problem)) => problem.server_time,
            Err(_) => None,
        };
        // A state folder that does not work must not come between the server's word and who has to hear it.
        if let Some(server_time) = server_time
            && let Err(error) = self.note_time(server_time)
        {
            tracing::warn!("{error}");
        }
        let (value, _) = reply?;
        Ok((value, server_time.unwrap_or_else(|| self.clock.now())))
    }

    fn note_time(&self, server_time: OffsetDateTime) -> Result<(), Error> {
        let previous: Option<TimeMark> = self.folder.read(&self.time_file())?;
        self.folder.write(&self.time_file(), &TimeMark::contact(previous.as_ref(), server_time, self.clock.as_ref()))
    }

    /// The time to judge tokens by while the server cannot be asked.
    pub(crate) fn offline_now(&self) -> Result<OffsetDateTime, TokenError> {
        let mark: Option<TimeMark> = self.folder.read(&self.time_file()).ok().flatten();
        match mark {
            Some(mark) => mark.judge(self.clock.as_ref()).map_err(|back| TokenError::ClockTurnedBack(back.by.whole_minutes())),
            // It is written with every answer, so somebody has removed it.
            None => Err(TokenError::TimeUnknown),
        }
    }

    /// Writes down that time has gone by without contact.
    pub(crate) fn carry_time(&self) -> Result<(), Error> {
        match self.folder.read::<TimeMark>(&self.time_file())? {
            Some(mark) => self.folder.write(&self.time_file(), &mark.carried(self.clock.as_ref())),
            None => Ok(()),
        }
    }

    fn keys_file(&self) -> String {
        format!("keys-{}.json", short_hash(&[&self.caller.server().to_string()]))
    }

    fn time_file(&self) -> String {
        format!("time-{}.json", short_hash(&[&self.caller.server().to_string()]))
    }

    /// The keys that were last fetched.
    pub(crate) fn kept_keys(&self) -> Result<Keys, Error> {
        if let Some(pinned) = &self.config.pinned_keys {
            return Ok(pinned.clone());
        }
        Ok(self.folder.read::<KeyFile>(&self.keys_file())?.map(|file| file.keys).unwrap_or_default())
    }

    /// Takes the server's keys as they are now: who signs in anew trusts the portal anew, also one that was set up again under the same
    /// address. They are fetched at once, because the token of whatever runs must be good without the network, too.
    pub(crate) async fn trust_anew(&self) -> Result<(), Error> {
        if self.config.pinned_keys.is_some() {
            return Ok(());
        }
        match self.caller.jwks().await {
            Ok(Ok(keys)) => self.keep_keys(keys),
            failed => {
                tracing::debug!(?failed, "the keys are fetched later");
                self.folder.remove(&self.keys_file())
            }
        }
    }

    fn keep_keys(&self, keys: Keys) -> Result<(), Error> {
        self.folder.write(&self.keys_file(), &KeyFile { fetched_at: self.clock.now(), keys })
    }

    async fn fetch_keys(&self) -> Result<Keys, Error> {
        let keys = self.caller.jwks().await?.map_err(TokenError::from)?;
        self.kept_keys()?.accepts(&keys).map_err(TokenError::from)?;
        self.keep_keys(keys.clone())?;
        Ok(keys)
    }

    /// Checks a token that has just come from the server; fetches keys where one is missing.
    pub(crate) async fn verify_new(&self, token: &str, expected: &Expected<'_>) -> Result<LicenseClaims, Error> {
        if let Some(pinned) = &self.config.pinned_keys {
            return Ok(verify(token, pinned, expected)?);
        }
        let file = self.folder.read::<KeyFile>(&self.keys_file())?;
        let stale = file.as_ref().is_none_or(|f| !(time::Duration::ZERO..KEYS_FRESH).contains(&(self.clock.now() - f.fetched_at)));
        let mut keys = file.map(|f| f.keys).unwrap_or_default();
        if stale {
            match self.fetch_keys().await {
                Ok(fetched) => keys = fetched,
                Err(Error::Unreachable(error)) if keys != Keys::default() => tracing::debug!(%error, "keeping the keys at hand"),
                Err(error) => return Err(error),
            }
        }
        match verify(token, &keys, expected) {
            Err(TokenError::UnknownKey(_)) if !stale => Ok(verify(token, &self.fetch_keys().await?, expected)?),
            other => Ok(other?),
        }
    }
}
