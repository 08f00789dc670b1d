//! What follows from a failure.

use crate::db::DbError;
use crate::events::ConsumerError;

/// After so many tries an event that keeps failing is a dead letter; with the pauses between them that is an hour.
const ATTEMPTS_MAX: i64 = 24;

/// What becomes of an event that had no effect.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// It waits for something; nobody is at fault.
    Later(String),
    /// It failed, perhaps not for ever.
    Retry(String),
    /// A dead letter.
    Dead(String),
    /// Not its fault: the database refuses everything at the moment.
    Pause(String),
}

impl Verdict {
    /// Of the failure of an event that was tried `attempts` times before.
    pub(super) fn of(error: &ConsumerError, attempts: i64) -> Verdict {
        match error {
            ConsumerError::Later(why) => Verdict::Later(why.clone()),
            ConsumerError::Permanent(why) => Verdict::Dead(why.clone()),
            ConsumerError::Db(e) if is_outage(e) => Verdict::Pause(e.to_string()),
            ConsumerError::Db(e) if attempts + 1 >= ATTEMPTS_MAX => Verdict::Dead(e.to_string()),
            ConsumerError::Db(e) => Verdict::Retry(e.to_string()),
        }
    }

    /// The state, the reason, and whether it is tried again by itself.
    pub(super) fn state(&self) -> (&'static str, &str) {
        match self {
            Verdict::Later(why) | Verdict::Retry(why) | Verdict::Pause(why) => ("parked", why),
            Verdict::Dead(why) => ("dead", why),
        }
    }
}

/// Whether a database error says nothing about what was tried.
pub(super) fn is_outage(e: &DbError) -> bool {
    match e {
        DbError::Unavailable(_) | DbError::Overloaded | DbError::StorageFull | DbError::Unknown(_) | DbError::Conflict => true,
        // With fewer events at once it may not take as long.
        DbError::TimedOut | DbError::Unique(_) | DbError::Check(_) | DbError::Internal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_permanent_or_fails_for_an_hour_is_dead() {
        let internal = ConsumerError::Db(DbError::Internal("x".into()));
        let cases = [
            (ConsumerError::Later("x".into()), 1_000, Verdict::Later("x".into())),
            (ConsumerError::Permanent("x".into()), 0, Verdict::Dead("x".into())),
            (internal.clone(), 0, Verdict::Retry("database: x".into())),
            (internal.clone(), 22, Verdict::Retry("database: x".into())),
            (internal, 23, Verdict::Dead("database: x".into())),
            (ConsumerError::Db(DbError::StorageFull), 1_000, Verdict::Pause("the disk is full".into())),
        ];
        for (error, attempts, expected) in cases {
            assert_eq!(Verdict::of(&error, attempts), expected);
        }
    }
}
