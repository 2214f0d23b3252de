//! Reads the scripts' answers: flat arrays, the kind first, then fields in the order that `lua/*.lua` writes them.

use domain::ports::seats::{
    AcquireAnswer, Exhausted, Grant, HeartbeatAnswer, LicenseLimits, Missing, ReacquireAnswer, Refusal, SeatHolder, SeatsError,
};
use redis::Value;
use std::str::FromStr;

/// One array of an answer, read from front to back.
pub(crate) struct Reply(std::vec::IntoIter<Value>);

fn unreadable(what: &str) -> SeatsError {
    SeatsError(format!("unreadable answer: {what}"))
}

impl Reply {
    pub(crate) fn new(value: Value) -> Result<Self, SeatsError> {
        match value {
            Value::Array(values) => Ok(Self(values.into_iter())),
            other => Err(unreadable(&format!("{other:?} is no array"))),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    fn text(&mut self) -> Result<String, SeatsError> {
        match self.0.next() {
            Some(Value::BulkString(bytes)) => String::from_utf8(bytes).map_err(|_| unreadable("not UTF-8")),
            Some(Value::SimpleString(text)) => Ok(text),
            other => Err(unreadable(&format!("{other:?} is no text"))),
        }
    }

    /// Redis has no absent field in a hash of fixed shape: an empty text stands for it.
    fn optional(&mut self) -> Result<Option<String>, SeatsError> {
        Ok(Some(self.text()?).filter(|text| !text.is_empty()))
    }

    fn parsed<T: FromStr>(&mut self) -> Result<T, SeatsError> {
        let text = self.text()?;
        text.parse().map_err(|_| unreadable(&text))
    }

    /// A number, which comes as such or, out of a hash, as text.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, SeatsError> {
        let number = match self.0.next() {
            Some(Value::Int(number)) => Some(number),
            Some(Value::BulkString(bytes)) => std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()),
            _ => None,
        };
        number.and_then(|n| T::try_from(n).ok()).ok_or_else(|| unreadable("no number, or out of range"))
    }

    fn flag(&mut self) -> Result<bool, SeatsError> {
        Ok(self.number::<i64>()? != 0)
    }

    fn missing(mut self) -> Result<Missing, SeatsError> {
        Ok(Missing { entitlement: self.flag()?, member: self.flag()? })
    }

    fn grant(mut self) -> Result<Box<Grant>, SeatsError> {
        let session = self.parsed()?;
        let fence = self.number()?;
        let new_seat = self.flag()?;
        let license = self.parsed()?;
        let (active, now_ms, expires_at_ms, valid_until_ms) = (self.number()?, self.number()?, self.number()?, self.number()?);
        let license = LicenseLimits {
            id: license,
            key: self.text()?,
            tier: self.parsed()?,
            features: serde_json::from_str(&self.text()?).map_err(|_| unreadable("features"))?,
            status: self.parsed()?,
            max_seats: self.number()?,
            overage_percent: self.number()?,
            expires_at_ms: self.optional()?.map(|text| text.parse().map_err(|_| unreadable(&text))).transpose()?,
            lease_seconds: self.number()?,
            heartbeat_seconds: self.number()?,
            offline_seconds: self.number()?,
            offline_cap: self.number()?,
            show_holders: self.flag()?,
            fingerprint_tolerance: self.parsed()?,
        };
        Ok(Box::new(Grant { session, fence, new_seat, license, active, now_ms, expires_at_ms, valid_until_ms }))
    }

    fn refusal(mut self) -> Result<Refusal, SeatsError> {
        let code = self.text()?;
        match code.as_str() {
            "stale_epoch" => Ok(Refusal::StaleEpoch),
            "role_holds_no_seat" => Ok(Refusal::RoleHoldsNoSeat),
            "tenant_suspended" => Ok(Refusal::TenantSuspended),
            "license_not_found" => Ok(Refusal::LicenseNotFound),
            "license_suspended" => Ok(Refusal::LicenseSuspended),
            "license_expired" => Ok(Refusal::LicenseExpired),
            other => Err(unreadable(other)),
        }
    }

    fn exhausted(mut self) -> Result<Refusal, SeatsError> {
        Ok(Refusal::Exhausted(Exhausted {
            license: self.parsed()?,
            active: self.number()?,
            max_seats: self.number()?,
            now_ms: self.number()?,
            next_free_at_ms: self.number()?,
            holders: self.shown()?,
            own: self.holders()?,
        }))
    }

    pub(crate) fn holder(mut self) -> Result<SeatHolder, SeatsError> {
        Ok(SeatHolder {
            session: self.parsed()?,
            license: self.parsed()?,
            user: self.parsed()?,
            user_name: self.text()?,
            user_email: self.text()?,
            hardware_id: self.text()?,
            instance_id: self.text()?,
            hostname: self.optional()?,
            client_version: self.optional()?,
            started_at_ms: self.number()?,
            last_beat_ms: self.number()?,
            expires_at_ms: self.number()?,
        })
    }

    /// Holders as JSON.
    fn shown(&mut self) -> Result<Vec<SeatHolder>, SeatsError> {
        let text = self.text()?;
        let list: Vec<Vec<String>> = serde_json::from_str(&text).map_err(|_| unreadable("holders"))?;
        let values = |fields: Vec<String>| fields.into_iter().map(|text| Value::BulkString(text.into())).collect::<Vec<_>>();
        list.into_iter().map(|fields| Self(values(fields).into_iter()).holder()).collect()
    }

    pub(crate) fn holders(self) -> Result<Vec<SeatHolder>, SeatsError> {
        self.0.map(|value| Reply::new(value)?.holder()).collect()
    }

    /// The moment, and licence, session and expiry of each hold as they came.
    pub(crate) fn snapshot(mut self) -> Result<(i64, Vec<String>), SeatsError> {
        let now_ms = self.number()?;
        let mut live = Vec::with_capacity(self.0.len());
        while !self.is_empty() {
            live.push(self.text()?);
        }
        Ok((now_ms, live))
    }

    pub(crate) fn acquire(mut self) -> Result<AcquireAnswer, SeatsError> {
        match self.text()?.as_str() {
            "granted" => self.grant().map(AcquireAnswer::Granted),
            "recovering" => Ok(AcquireAnswer::Recovering { now_ms: self.number()?, until_ms: self.number()? }),
            "refused" => self.refusal().map(AcquireAnswer::Refused),
            "exhausted" => self.exhausted().map(AcquireAnswer::Refused),
            "missing" => self.missing().map(AcquireAnswer::Missing),
            other => Err(unreadable(other)),
        }
    }

    pub(crate) fn heartbeat(mut self) -> Result<HeartbeatAnswer, SeatsError> {
        match self.text()?.as_str() {
            "extended" => {
                Ok(HeartbeatAnswer::Extended { now_ms: self.number()?, expires_at_ms: self.number()?, heartbeat_seconds: self.number()? })
            }
            "not_live" => Ok(HeartbeatAnswer::NotLive),
            "revoked" => Ok(HeartbeatAnswer::Revoked { reason: self.text()? }),
            "superseded" => Ok(HeartbeatAnswer::Superseded),
            "refused" => self.refusal().map(HeartbeatAnswer::Refused),
            "missing" => self.missing().map(HeartbeatAnswer::Missing),
            other => Err(unreadable(other)),
        }
    }

    pub(crate) fn reacquire(mut self) -> Result<ReacquireAnswer, SeatsError> {
        match self.text()?.as_str() {
            "granted" => self.grant().map(ReacquireAnswer::Granted),
            "revoked" => Ok(ReacquireAnswer::Revoked { reason: self.text()? }),
            "superseded" => Ok(ReacquireAnswer::Superseded),
            "refused" => self.refusal().map(ReacquireAnswer::Refused),
            "exhausted" => self.exhausted().map(ReacquireAnswer::Refused),
            "missing" => self.missing().map(ReacquireAnswer::Missing),
            other => Err(unreadable(other)),
        }
    }
}
