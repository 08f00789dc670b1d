//! What `kit` itself does regularly in every service.

use contracts::Time;

use super::{JobDef, JobOutcome};
use crate::db::{Db, DbError};
use crate::events::Retention;
use crate::{Clock, idempotency, saga};

/// How long idempotency keys are kept.
const KEYS_KEPT_SECONDS: i64 = 24 * 3_600;
/// How long sagas that have ended are kept, and signals: operators look at them, nobody else does.
const SAGAS_KEPT_SECONDS: i64 = 90 * 24 * 3_600;
/// How often they are looked through.
const EVERY_SECONDS: i64 = 3_600;

/// Forgets idempotency keys after a day, what has ended after some months, and of the log what need not be kept.
pub(crate) fn housekeeping(log: Retention, clock: &Clock) -> JobDef {
    let clock = clock.clone();
    let prune = JobDef::every("kit.prune", EVERY_SECONDS, move |_| {
        let (log, now) = (log.clone(), clock.now());
        async move {
            let pruned = match prune(&log.db, now).await {
                Ok(()) => log.prune(now).await,
                Err(e) => Err(e.to_string()),
            };
            pruned.map_or_else(JobOutcome::Retry, |()| JobOutcome::Done)
        }
    });
    JobDef { first_after_seconds: EVERY_SECONDS, ..prune }
}

/// In small transactions, behind everything else.
async fn prune(db: &Db, now: Time) -> Result<(), DbError> {
    let (keys_before, sagas_before) = (now.plus_seconds(-KEYS_KEPT_SECONDS), now.plus_seconds(-SAGAS_KEPT_SECONDS));
    while db.write_behind(move |tx| idempotency::prune(tx, keys_before)).await? > 0 {}
    while db.write_behind(move |tx| saga::prune(tx, sagas_before)).await? > 0 {}
    while db.write_behind(move |tx| saga::prune_signals(tx, sagas_before)).await? > 0 {}
    Ok(())
}
