//! What `kit` itself does regularly in every service.

use super::{JobDef, JobOutcome};
use crate::db::{Db, DbError};
use crate::{Clock, idempotency};

/// How long idempotency keys are kept.
const KEYS_KEPT_SECONDS: i64 = 24 * 3_600;
/// How often they are looked through.
const EVERY_SECONDS: i64 = 3_600;

/// Forgets idempotency keys after a day.
pub(crate) fn housekeeping(db: &Db, clock: &Clock) -> JobDef {
    let (db, clock) = (db.clone(), clock.clone());
    let prune = JobDef::every("kit.prune", EVERY_SECONDS, move |_| {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            let before = clock.now().plus_seconds(-KEYS_KEPT_SECONDS);
            loop {
                match db.write_behind(move |tx| idempotency::prune(tx, before)).await {
                    Ok(0) => return JobOutcome::Done,
                    Ok(_) => {}
                    Err(e) => return JobOutcome::Retry(DbError::to_string(&e)),
                }
            }
        }
    });
    JobDef { first_after_seconds: EVERY_SECONDS, ..prune }
}
