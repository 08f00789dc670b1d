//! A service that cannot be reached is left alone for a while: callers learn at once that it does not answer, and it is
//! not met by all of them when it comes back. One request in a while finds out whether it has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::Time;

/// After so many failures in a row it is left alone.
const FAILURES_MAX: u32 = 5;
/// For how long, in seconds.
const OPEN_SECONDS: i64 = 5;

/// What is known of one service.
#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    /// In a row, up to now.
    failures: u32,
    /// Until when it is left alone; none while it answers.
    open_until: Option<Time>,
}

/// Those of all services that run elsewhere and were asked.
#[derive(Default)]
pub struct Breakers(Mutex<BTreeMap<&'static str, Arc<Breaker>>>);

impl Breakers {
    /// That of a service.
    pub fn of(&self, service: &'static str) -> Arc<Breaker> {
        self.known().entry(service).or_default().clone()
    }

    /// How those stand that were asked, by service.
    pub fn standings(&self) -> Vec<(&'static str, Standing)> {
        self.known().iter().map(|(service, breaker)| (*service, breaker.standing())).collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<&'static str, Arc<Breaker>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a service stands with its breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In a row, up to now.
    pub failures: u32,
    /// Until when it is left alone; none while it answers. What lies in the past: the next request finds out.
    pub open_until: Option<Time>,
}

impl Breaker {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        let state = self.state();
        Standing { failures: state.failures, open_until: state.open_until }
    }

    /// Whether a request may go there; the error says in how many seconds one may.
    pub fn admit(&self, now: Time) -> Result<(), u32> {
        let mut state = self.state();
        match state.open_until {
            Some(until) if now < until => Err(u32::try_from((until.0 - now.0 + 999_999) / 1_000_000).unwrap_or(1)),
            Some(_) => {
                // This one finds out; everybody else goes on waiting.
                state.open_until = Some(now.plus_seconds(OPEN_SECONDS));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// It has answered; true where it had been left alone.
    pub fn succeeded(&self) -> bool {
        let mut state = self.state();
        state.failures = 0;
        state.open_until.take().is_some()
    }

    /// It could not be reached; true where it is left alone from now on.
    pub fn failed(&self, now: Time) -> bool {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures < FAILURES_MAX {
            return false;
        }
        state.open_until.replace(now.plus_seconds(OPEN_SECONDS)).is_none()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time(0).plus_seconds(seconds)
    }

    #[test]
    fn it_is_left_alone_after_failures_in_a_row_and_tried_by_one() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES_MAX - 1 {
            assert!(!breaker.failed(at(0)));
        }
        assert!(!breaker.succeeded(), "an answer in between starts anew");
        for n in 1..=FAILURES_MAX {
            assert_eq!(breaker.admit(at(0)), Ok(()));
            assert_eq!(breaker.failed(at(0)), n == FAILURES_MAX);
        }
        assert_eq!(breaker.standing(), Standing { failures: FAILURES_MAX, open_until: Some(at(5)) });
        assert_eq!((breaker.admit(at(0)), breaker.admit(at(4))), (Err(5), Err(1)));
        assert_eq!((breaker.admit(at(5)), breaker.admit(at(5))), (Ok(()), Err(5)), "one finds out");
        assert!(!breaker.failed(at(6)), "it still is");
        assert_eq!(breaker.admit(at(10)), Err(1));
        assert_eq!(breaker.admit(at(11)), Ok(()));
        assert!(breaker.succeeded());
        assert_eq!((breaker.admit(at(11)), breaker.admit(at(11))), (Ok(()), Ok(())));
    }
}
