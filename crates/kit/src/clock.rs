//! Time and ids as things that are handed in, so that a run can be repeated exactly.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use contracts::Time;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use uuid::Uuid;

/// A setback of the machine's clock that is worth a word, in microseconds.
const SETBACK_US: i64 = 1_000_000;

/// Where the time comes from.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(Arc<Latest>),
    Shifted(Arc<AtomicI64>),
    Virtual { origin: Time, started: tokio::time::Instant },
}

impl Clock {
    /// The machine's clock, which does not go back: where the machine's does, time stands still until it has caught up.
    pub fn system() -> Clock {
        Clock(Source::System(Arc::default()))
    }

    /// The machine's clock plus as many microseconds as the counter says at the moment: for tests of what happens later, and for a demo of
    /// what happened before.
    pub fn shifted(by_us: Arc<AtomicI64>) -> Clock {
        Clock(Source::Shifted(by_us))
    }

    /// Follows the runtime's timers, which may be paused; begins at `origin`. Call inside a runtime.
    pub fn virtual_from(origin: Time) -> Clock {
        Clock(Source::Virtual { origin, started: tokio::time::Instant::now() })
    }

    /// Whether somebody moves it on by hand.
    pub fn is_shifted(&self) -> bool {
        matches!(self.0, Source::Shifted(_))
    }

    /// Now.
    pub fn now(&self) -> Time {
        match &self.0 {
            Source::System(latest) => latest.at_least(machine()),
            Source::Shifted(by_us) => Time(machine().0.saturating_add(by_us.load(Ordering::Relaxed))),
            Source::Virtual { origin, started } => {
                let passed = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
                Time(origin.0.saturating_add(passed))
            }
        }
    }
}

/// The latest moment that was given out.
#[derive(Debug, Default)]
struct Latest {
    given: AtomicI64,
    /// The moment at which time stood still when that was last said.
    told: AtomicI64,
}

impl Latest {
    fn at_least(&self, now: Time) -> Time {
        let before = self.given.fetch_max(now.0, Ordering::Relaxed);
        let behind_us = before.saturating_sub(now.0);
        if behind_us > SETBACK_US && self.told.swap(before, Ordering::Relaxed) != before {
            let seconds = behind_us / 1_000_000;
            tracing::warn!(seconds, "the machine's clock went back; time stands still until it has caught up");
        }
        Time(before.max(now.0))
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that asks the machine")]
fn machine() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Where ids and secrets come from.
#[derive(Clone)]
pub struct Ids(Arc<Mutex<ChaCha12Rng>>);

impl Ids {
    /// Seeded by the operating system.
    pub fn random() -> Ids {
        Ids(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Ids {
        Ids(Arc::new(Mutex::new(ChaCha12Rng::seed_from_u64(seed))))
    }

    /// 64 random bits.
    pub fn bits(&self) -> u64 {
        self.lock().next_u64()
    }

    /// `N` random bytes, fit for secrets.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.lock().fill_bytes(&mut bytes);
        bytes
    }

    /// A version 7 UUID of the moment `now`.
    pub fn uuid(&self, now: Time) -> Uuid {
        uuid_at(now, u128::from_le_bytes(self.bytes()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ChaCha12Rng> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A version 7 UUID (RFC 9562): milliseconds, then 74 of the bits given.
pub(crate) fn uuid_at(now: Time, bits: u128) -> Uuid {
    let value = u128::from(millis48(now)) << 80 | 7 << 76 | (bits >> 64 & 0xfff) << 64 | 2 << 62 | (bits & ((1 << 62) - 1));
    Uuid::from_u128(value)
}

/// Milliseconds since 1970 in the 48 bits that ids and secrets begin with.
pub(crate) fn millis48(now: Time) -> u64 {
    u64::try_from(now.0.div_euclid(1_000)).unwrap_or_default().min((1 << 48) - 1)
}

/// When a version 7 UUID was made, to the millisecond; `None` for other versions.
pub fn made_at(id: Uuid) -> Option<Time> {
    let millis = i64::try_from(id.as_u128() >> 80).unwrap_or_default();
    (id.get_version_num() == 7).then(|| Time(millis * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_knows_its_millisecond() {
        let now = Time(1_795_371_249_179_619);
        assert_eq!(made_at(uuid_at(now, u128::MAX)), Some(Time(1_795_371_249_179_000)));
        assert_eq!(made_at(uuid_at(Time(-5), 7)), Some(Time(0)));
        assert_eq!(made_at(uuid::Builder::from_custom_bytes([0xff; 16]).into_uuid()), None);
    }

    #[test]
    fn time_stands_still_while_the_machine_is_behind() {
        let latest = Latest::default();
        for (machine, expected) in [(5, 5), (9, 9), (2, 9), (8, 9), (9, 9), (10, 10), (-3_000_000, 10), (11, 11)] {
            assert_eq!(latest.at_least(Time(machine)), Time(expected), "{machine}");
        }
    }
}
