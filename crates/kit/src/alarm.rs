//! Wakes a loop at the next moment that matters, or sooner when an earlier one becomes known.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::Time;
use tokio::sync::Notify;

use crate::Clock;

/// The next moment at which a loop has something to do.
pub(crate) struct Alarm {
    clock: Clock,
    at: Mutex<Time>,
    rung: Notify,
}

const NEVER: Time = Time(i64::MAX);

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Alarm {
        Alarm { clock, at: Mutex::new(NEVER), rung: Notify::new() }
    }

    /// Forgets the moments known so far; call before looking for what is due, so that none is lost in between.
    pub(crate) fn clear(&self) {
        *self.lock() = NEVER;
    }

    /// There is something to do at `moment`.
    pub(crate) fn set(&self, moment: Time) {
        let mut at = self.lock();
        if moment < *at {
            *at = moment;
            self.rung.notify_one();
        }
    }

    /// Ends at the earliest moment set, or after `longest`.
    pub(crate) async fn wait(&self, longest: Duration) {
        let end = tokio::time::Instant::now() + longest;
        loop {
            let at = *self.lock();
            let micros = u64::try_from(at.0.saturating_sub(self.clock.now().0)).unwrap_or(0);
            if micros == 0 {
                return;
            }
            let wake = end.min(tokio::time::Instant::now() + Duration::from_micros(micros).min(longest));
            tokio::select! {
                biased;
                () = self.rung.notified() => {}
                () = tokio::time::sleep_until(wake) => if wake == end { return },
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
