//! Reads what the functions write, answers and events: the kind first, then fields in the order of `lua/*.lua`.

use crate::facts::{Device, Person};
use crate::keys;
use domain::ports::seats::{
    AcquireAnswer, Asked, Exhausted, Grant, GrantedLicense, HeartbeatAnswer, Missing, ReacquireAnswer, Refusal, SeatEvent, SeatEventKind,
    SeatHolder, SeatsError,
};
use serde::de::DeserializeOwned;
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

/// One text with a field in each line, read from front to back; `None` behind its end.
pub(crate) struct Reply<'a>(Option<&'a str>);

fn unreadable(what: &str) -> SeatsError {
    SeatsError(format!("unreadable answer: {what}"))
}

/// Holders, each as [`Reply::holder`] reads it.
pub(crate) fn holders(list: &[String]) -> Result<Vec<SeatHolder>, SeatsError> {
    list.iter().map(|text| Reply::new(text).holder()).collect()
}

/// An answer, or what it takes to make one.
pub(crate) enum Answer<T> {
    Whole(T),
    Full(Full),
    Missing(Missing),
}

/// Every seat is taken.
pub(crate) struct Full {
    pub facts: Exhausted,
    pub show_holders: bool,
    pub show_own: bool,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(Some(text))
    }

    fn text(&mut self) -> Result<&'a str, SeatsError> {
        let left = self.0.take().ok_or_else(|| unreadable("too short"))?;
        let (field, left) = left.split_once('\n').map_or((left, None), |(field, left)| (field, Some(left)));
        self.0 = left;
        Ok(field)
    }

    /// The last field, which may have lines of its own.
    fn rest(&mut self) -> &'a str {
        self.0.take().unwrap_or_default()
    }

    fn json<T: DeserializeOwned>(&mut self) -> Result<T, SeatsError> {
        let text = self.text()?;
        serde_json::from_str(text).map_err(|_| unreadable(text))
    }

    fn parsed<T: FromStr>(&mut self) -> Result<T, SeatsError> {
        let text = self.text()?;
        text.parse().map_err(|_| unreadable(text))
    }

    fn id<T: From<Uuid>>(&mut self) -> Result<T, SeatsError> {
        let text = self.text()?;
        keys::parse_id(text).map(T::from).ok_or_else(|| unreadable(text))
    }

    fn flag(&mut self) -> Result<bool, SeatsError> {
        Ok(self.text()? == "1")
    }

    fn missing(mut self) -> Result<Missing, SeatsError> {
        Ok(Missing { entitlement: self.flag()?, member: self.flag()? })
    }

    fn grant(mut self) -> Result<Box<Grant>, SeatsError> {
        let session = self.id()?;
        let fence = self.parsed()?;
        let new_seat = self.flag()?;
        let license = self.id()?;
        let (active, now_ms, expires_at_ms, valid_until_ms) = (self.parsed()?, self.parsed()?, self.parsed()?, self.parsed()?);
        let license = GrantedLicense {
            id: license,
            tier: self.parsed()?,
            features: self.json()?,
            max_seats: self.parsed()?,
            heartbeat_seconds: self.parsed()?,
            fingerprint_tolerance: self.parsed()?,
        };
        Ok(Box::new(Grant { session, fence, new_seat, license, active, now_ms, expires_at_ms, valid_until_ms }))
    }

    fn refusal(mut self) -> Result<Refusal, SeatsError> {
        match self.text()? {
            "stale_epoch" => Ok(Refusal::StaleEpoch),
            "role_holds_no_seat" => Ok(Refusal::RoleHoldsNoSeat),
            "tenant_suspended" => Ok(Refusal::TenantSuspended),
            "license_not_found" => Ok(Refusal::LicenseNotFound),
            "license_suspended" => Ok(Refusal::LicenseSuspended),
            "license_expired" => Ok(Refusal::LicenseExpired),
            other => Err(unreadable(other)),
        }
    }

    /// Without the lists of holders, of which it says whether they are wanted: those of everybody, and the caller's own.
    fn exhausted(mut self) -> Result<Full, SeatsError> {
        let facts = Exhausted {
            license: self.id()?,
            active: self.parsed()?,
            max_seats: self.parsed()?,
            now_ms: self.parsed()?,
            next_free_at_ms: self.parsed()?,
            holders: Arc::new([]),
            own: Arc::new([]),
        };
        Ok(Full { facts, show_holders: self.flag()?, show_own: self.flag()? })
    }

    pub(crate) fn holder(mut self) -> Result<SeatHolder, SeatsError> {
        let (session, license, user) = (self.id()?, self.id()?, self.id()?);
        let (user_name, user_email): Person = self.json()?;
        let (hardware_id, instance_id, hostname, client_version): Device = self.json()?;
        let (started_at_ms, last_beat_ms, expires_at_ms) = (self.parsed()?, self.parsed()?, self.parsed()?);
        Ok(SeatHolder {
            session,
            license,
            user,
            user_name,
            user_email,
            hardware_id,
            instance_id,
            hostname,
            client_version,
            started_at_ms,
            last_beat_ms,
            expires_at_ms,
        })
    }

    /// What `event` in base.lua writes.
    pub(crate) fn event(mut self) -> Result<SeatEvent, SeatsError> {
        let kind = self.text()?;
        let kind = SeatEventKind::parse(kind).ok_or_else(|| unreadable(kind))?;
        let (at_ms, tenant, license, session, user) = (self.parsed()?, self.id()?, self.id()?, self.id()?, self.id()?);
        let (fence, started_at_ms, active, max_seats) = (self.parsed()?, self.parsed()?, self.parsed()?, self.parsed()?);
        let (hardware_id, instance_id, hostname, client_version): Device = self.json()?;
        let reason = Some(self.rest()).filter(|reason| !reason.is_empty()).map(str::to_owned);
        Ok(SeatEvent {
            kind,
            at_ms,
            tenant,
            license,
            user,
            session,
            started_at_ms,
            fence,
            hardware_id,
            instance_id,
            hostname,
            client_version,
            active,
            max_seats,
            reason,
        })
    }

    pub(crate) fn acquire(mut self) -> Result<Answer<AcquireAnswer>, SeatsError> {
        Ok(Answer::Whole(match self.text()? {
            "granted" => AcquireAnswer::Granted(self.grant()?),
            "recovering" => AcquireAnswer::Recovering { now_ms: self.parsed()?, until_ms: self.parsed()? },
            "refused" => AcquireAnswer::Refused(self.refusal()?),
            "exhausted" => return self.exhausted().map(Answer::Full),
            "missing" => return self.missing().map(Answer::Missing),
            other => return Err(unreadable(other)),
        }))
    }

    pub(crate) fn heartbeat(mut self) -> Asked<HeartbeatAnswer> {
        Ok(Ok(match self.text()? {
            "extended" => {
                HeartbeatAnswer::Extended { now_ms: self.parsed()?, expires_at_ms: self.parsed()?, heartbeat_seconds: self.parsed()? }
            }
            "not_live" => HeartbeatAnswer::NotLive,
            "revoked" => HeartbeatAnswer::Revoked { reason: self.rest().to_owned() },
            "superseded" => HeartbeatAnswer::Superseded,
            "refused" => HeartbeatAnswer::Refused(self.refusal()?),
            "missing" => return self.missing().map(Err),
            other => return Err(unreadable(other)),
        }))
    }

    pub(crate) fn reacquire(mut self) -> Result<Answer<ReacquireAnswer>, SeatsError> {
        Ok(Answer::Whole(match self.text()? {
            "granted" => ReacquireAnswer::Granted(self.grant()?),
            "not_live" => ReacquireAnswer::NotLive,
            "revoked" => ReacquireAnswer::Revoked { reason: self.rest().to_owned() },
            "superseded" => ReacquireAnswer::Superseded,
            "refused" => ReacquireAnswer::Refused(self.refusal()?),
            "exhausted" => return self.exhausted().map(Answer::Full),
            "missing" => return self.missing().map(Answer::Missing),
            other => return Err(unreadable(other)),
        }))
    }
}
