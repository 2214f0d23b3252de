//! Time and chance. Both are parameters, so that tests fix them; and the rule by which a clock that was turned back is noticed.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::OffsetDateTime;

/// How long the machine has been up, sleep included, and which start of the machine that refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// Changes with every start of the machine.
    pub boot: String,
    pub up: Duration,
}

impl BootTime {
    /// From `earlier` to now; `None` when the machine was started again in between.
    pub fn since(&self, earlier: &Self) -> Option<Duration> {
        if self.boot == earlier.boot { self.up.checked_sub(earlier.up) } else { None }
    }
}

/// What time it is.
pub trait Clock: Send + Sync {
    /// The wall clock, which people can set.
    fn now(&self) -> OffsetDateTime;
    /// The clock that nobody can set. Goes on while the machine sleeps.
    fn boot(&self) -> BootTime;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn boot(&self) -> BootTime {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
        let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        BootTime { boot, up: Duration::try_from(up).unwrap_or_default() }
    }
}

/// Unguessable bytes.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);

    /// Bytes as lower-case hexadecimal digits, two for each byte.
    fn hex(&self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.fill(&mut buffer);
        hex(&buffer)
    }

    /// A number from 0 up to, not including, 1.
    fn unit(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What may pass as a clock that was never set very exactly.
const TOLERANCE: time::Duration = time::Duration::minutes(5);

/// The latest moment that is proved to have come: the highest server time ever seen, plus what the unsettable clock has counted
/// since. Lies in the state folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimeMark {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// What the unsettable clock said then.
    boot: BootTime,
    /// Server time minus wall clock at the last contact, in seconds: a clock that is always slow was not turned back.
    offset_seconds: i64,
}

/// The wall clock lies before a moment that is known to have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TurnedBack {
    pub(crate) by: time::Duration,
}

impl TimeMark {
    /// After an answer of the server, which wrote it at `server`.
    pub(crate) fn contact(previous: Option<&Self>, server: OffsetDateTime, clock: &dyn Clock) -> Self {
        let boot = clock.boot();
        let proved = previous.map(|p| p.proved(&boot));
        let at = proved.map_or(server, |p| p.max(server));
        Self { at, boot, offset_seconds: (server - clock.now()).whole_seconds() }
    }

    /// The same mark carried forward by what the unsettable clock has counted, so that it survives a restart of the machine.
    pub(crate) fn carried(&self, clock: &dyn Clock) -> Self {
        let boot = clock.boot();
        Self { at: self.proved(&boot), boot, offset_seconds: self.offset_seconds }
    }

    fn proved(&self, now: &BootTime) -> OffsetDateTime {
        self.at.saturating_add(now.since(&self.boot).and_then(|d| d.try_into().ok()).unwrap_or(time::Duration::ZERO))
    }

    /// The time to judge a token by while the server cannot be asked. The wall clock or the wall clock with its old
    /// error must lie after what is proved, and the earlier one that does is believed: so a clock that is always wrong costs nobody anything,
    /// and neither does setting it right.
    pub(crate) fn judge(&self, clock: &dyn Clock) -> Result<OffsetDateTime, TurnedBack> {
        let proved = self.proved(&clock.boot());
        let wall = clock.now();
        let corrected = wall.saturating_add(time::Duration::seconds(self.offset_seconds));
        let earliest = proved.saturating_sub(TOLERANCE);
        match [wall, corrected].into_iter().filter(|time| *time >= earliest).min() {
            Some(time) => Ok(time.max(proved)),
            None => Err(TurnedBack { by: proved - wall.max(corrected) }),
        }
    }
}

#[cfg(test)]
pub(crate) mod fake {
    use super::*;
    use std::sync::Mutex;

    /// Both clocks, set by the test.
    pub(crate) struct FakeClock(pub(crate) Mutex<(OffsetDateTime, BootTime)>);

    impl FakeClock {
        pub(crate) fn new(unix: i64) -> Self {
            let wall = OffsetDateTime::from_unix_timestamp(unix).unwrap();
            Self(Mutex::new((wall, BootTime { boot: "a".into(), up: Duration::from_secs(1000) })))
        }

        /// Real time goes by on both clocks.
        pub(crate) fn pass(&self, seconds: u64) {
            let mut c = self.0.lock().unwrap();
            c.0 += Duration::from_secs(seconds);
            c.1.up += Duration::from_secs(seconds);
        }

        /// Somebody sets the wall clock.
        pub(crate) fn set(&self, by_seconds: i64) {
            self.0.lock().unwrap().0 += time::Duration::seconds(by_seconds);
        }

        /// The machine is off for a while.
        pub(crate) fn reboot(&self, off_seconds: u64) {
            let mut c = self.0.lock().unwrap();
            c.0 += Duration::from_secs(off_seconds);
            c.1 = BootTime { boot: format!("{}x", c.1.boot), up: Duration::from_secs(30) };
        }
    }

    impl Clock for FakeClock {
        fn now(&self) -> OffsetDateTime {
            self.0.lock().unwrap().0
        }
        fn boot(&self) -> BootTime {
            self.0.lock().unwrap().1.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fake::FakeClock;
    use super::*;

    const T: i64 = 1_800_000_000;
    const HOUR: u64 = 3600;

    fn unix(t: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(t).unwrap()
    }

    #[test]
    fn a_clock_turned_back_is_noticed_with_and_without_a_restart() {
        let clock = FakeClock::new(T);
        let mark = TimeMark::contact(None, unix(T), &clock);
        clock.pass(10 * HOUR);
        assert_eq!(mark.judge(&clock), Ok(unix(T + 36_000)));
        clock.set(-7200);
        assert!(mark.judge(&clock).is_err(), "two hours back after ten hours in the same run of the machine");
        clock.set(7200);
        let carried = mark.carried(&clock);
        clock.reboot(60);
        assert!(carried.judge(&clock).is_ok());
        clock.set(-7200);
        assert!(carried.judge(&clock).is_err(), "two hours back over a restart");
    }

    #[test]
    fn a_slow_clock_and_its_correction_are_honest() {
        // Slow by three hours, always.
        let clock = FakeClock::new(T - 10_800);
        let mark = TimeMark::contact(None, unix(T), &clock);
        clock.pass(HOUR);
        assert_eq!(mark.judge(&clock), Ok(unix(T + 3600)));
        clock.reboot(HOUR);
        assert_eq!(mark.judge(&clock), Ok(unix(T + 7200)));
        // Now somebody sets it right.
        clock.set(10_800);
        assert_eq!(mark.judge(&clock), Ok(unix(T + 7200)));
    }

    #[test]
    fn a_fast_clock_may_be_set_right() {
        let clock = FakeClock::new(T + 7200);
        let mark = TimeMark::contact(None, unix(T), &clock);
        clock.pass(60);
        clock.set(-7200);
        assert_eq!(mark.judge(&clock), Ok(unix(T + 60)));
    }

    #[test]
    fn a_clock_that_is_always_ahead_takes_nothing() {
        let clock = FakeClock::new(T + 9 * 3600);
        let mark = TimeMark::contact(None, unix(T), &clock);
        assert_eq!(mark.judge(&clock), Ok(unix(T)));
        clock.pass(8 * 3600);
        assert_eq!(mark.judge(&clock), Ok(unix(T + 8 * 3600)));
        clock.reboot(60);
        assert_eq!(mark.judge(&clock), Ok(unix(T + 8 * 3600 + 60)));
    }

    #[test]
    fn the_mark_never_goes_back() {
        let clock = FakeClock::new(T);
        let first = TimeMark::contact(None, unix(T), &clock);
        let second = TimeMark::contact(Some(&first), unix(T - 500_000), &clock);
        assert_eq!(second.judge(&clock), Ok(unix(T)));
        clock.set(-3600);
        assert!(first.judge(&clock).is_err());
    }

    #[test]
    fn waiting_with_the_clock_stopped_gains_nothing() {
        let clock = FakeClock::new(T);
        let mark = TimeMark::contact(None, unix(T), &clock);
        clock.pass(4 * 60);
        clock.set(-4 * 60);
        assert_eq!(mark.judge(&clock), Ok(unix(T + 240)));
    }
}
