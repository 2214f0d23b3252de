//! How often somebody may try. Counted per process; the attempt counts before it is known whether it succeeds.

use crate::error::Result;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;
use types::{Code, Problem, TenantId, UserId};

/// The limits of one process.
#[derive(Debug)]
pub struct Limits {
    sign_in: DefaultKeyedRateLimiter<(String, Option<IpAddr>)>,
    mail: DefaultKeyedRateLimiter<String>,
    invite: DefaultKeyedRateLimiter<TenantId>,
    hash: DefaultKeyedRateLimiter<Option<IpAddr>>,
    device: DefaultKeyedRateLimiter<Option<IpAddr>>,
    user_code: DefaultKeyedRateLimiter<UserId>,
    user_code_address: DefaultKeyedRateLimiter<Option<IpAddr>>,
    track: DefaultKeyedRateLimiter<UserId>,
}

/// So many at once, and then one a minute: a whole company, but not the world.
const INVITATIONS: u32 = 500;

fn quota(burst: u32, one_per: Duration) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    // A period of zero is the only refusal, and no caller passes it.
    Quota::with_period(one_per).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

/// One customer of an IPv6 provider owns a /64, so that counts as one address.
fn network(ip: Option<IpAddr>) -> Option<IpAddr> {
    match ip {
        Some(IpAddr::V6(v6)) => Some(IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into())),
        other => other,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sign_in: RateLimiter::keyed(quota(10, Duration::from_secs(12))),
            mail: RateLimiter::keyed(quota(5, Duration::from_secs(300))),
            invite: RateLimiter::keyed(quota(INVITATIONS, Duration::from_secs(60))),
            hash: RateLimiter::keyed(quota(200, Duration::from_millis(500))),
            device: RateLimiter::keyed(quota(100, Duration::from_secs(3))),
            user_code: RateLimiter::keyed(quota(20, Duration::from_secs(10))),
            user_code_address: RateLimiter::keyed(quota(200, Duration::from_secs(1))),
            track: RateLimiter::keyed(quota(60, Duration::from_secs(1))),
        }
    }
}

fn refuse(not_until: &governor::NotUntil<governor::clock::QuantaInstant>) -> Problem {
    let wait = not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
    Problem::new(Code::RateLimited, format!("Too many attempts. Try again in {wait} seconds.")).retry_after(wait)
}

impl Limits {
    /// Counts a password for this account from this address.
    pub fn sign_in(&self, email: &str, ip: Option<IpAddr>) -> Result<()> {
        self.hash(ip)?;
        Ok(self.sign_in.check_key(&(email.to_owned(), network(ip))).map_err(|n| refuse(&n))?)
    }

    /// Counts work with a password hash for this address.
    pub fn hash(&self, ip: Option<IpAddr>) -> Result<()> {
        Ok(self.hash.check_key(&network(ip)).map_err(|n| refuse(&n))?)
    }

    /// Counts the beginning of a login by device code from this address.
    pub fn device(&self, ip: Option<IpAddr>) -> Result<()> {
        Ok(self.device.check_key(&network(ip)).map_err(|n| refuse(&n))?)
    }

    /// Counts a user code that this person enters at this address. Some thousand million are possible, so nobody finds one that waits.
    pub fn user_code(&self, user: UserId, ip: Option<IpAddr>) -> Result<()> {
        self.user_code_address.check_key(&network(ip)).map_err(|n| refuse(&n))?;
        Ok(self.user_code.check_key(&user).map_err(|n| refuse(&n))?)
    }

    /// Counts a batch of feature use from the devices of this person.
    pub fn track(&self, user: UserId) -> Result<()> {
        Ok(self.track.check_key(&user).map_err(|n| refuse(&n))?)
    }

    /// Counts a mail to this address; `false` means: do not send, and do not tell.
    pub fn mail(&self, email: &str) -> bool {
        self.mail.check_key(&email.to_owned()).is_ok()
    }

    /// Counts an invitation of this organisation; its mail goes to somebody who has not asked for it.
    pub fn invite(&self, tenant: TenantId) -> Result<()> {
        Ok(self.invite.check_key(&tenant).map_err(|n| refuse(&n))?)
    }

    /// Forgets keys that have not been used for long. Whoever serves requests calls it now and then.
    pub fn tidy(&self) {
        self.sign_in.retain_recent();
        self.mail.retain_recent();
        self.invite.retain_recent();
        self.hash.retain_recent();
        self.device.retain_recent();
        self.user_code.retain_recent();
        self.user_code_address.retain_recent();
        self.track.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_from_one_address_is_limited_and_others_are_not() {
        let limits = Limits::default();
        let here = Some("192.0.2.1".parse().unwrap());
        for _ in 0..10 {
            limits.sign_in("a@b.example", here).unwrap();
        }
        let refused = limits.sign_in("a@b.example", here).unwrap_err().into_problem();
        assert_eq!(refused.code, Code::RateLimited);
        assert!(refused.retry_after.is_some());
        limits.sign_in("c@d.example", here).unwrap();
        limits.sign_in("a@b.example", Some("192.0.2.2".parse().unwrap())).unwrap();
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let limits = Limits::default();
        for i in 0..10 {
            limits.sign_in("a@b.example", Some(format!("2001:db8::{i}").parse().unwrap())).unwrap();
        }
        assert!(limits.sign_in("a@b.example", Some("2001:db8::ffff".parse().unwrap())).is_err());
        assert!(limits.sign_in("a@b.example", Some("2001:db8:0:1::1".parse().unwrap())).is_ok());
    }
}
