//! What identity does regularly.

use kit::jobs::{JobDef, JobOutcome};

use crate::app::{App, RESET_JOB};

/// How often the keys are looked at, in seconds; they turn far more rarely.
const TURN_KEYS_EVERY_SECONDS: i64 = 3600;
/// How often what has expired is forgotten, in seconds.
const PRUNE_EVERY_SECONDS: i64 = 3600;

/// Every job of the service.
pub fn all(app: &App) -> Vec<JobDef> {
    let (turning, pruning, linking) = (app.clone(), app.clone(), app.clone());
    vec![
        JobDef::queued(RESET_JOB, move |job| {
            let app = linking.clone();
            async move { app.make_reset_link(job).await }
        }),
        JobDef::every("turn_signing_keys", TURN_KEYS_EVERY_SECONDS, move |_| {
            let app = turning.clone();
            async move { outcome(app.keys.turn().await) }
        }),
        JobDef::every("prune_identity", PRUNE_EVERY_SECONDS, move |_| {
            let app = pruning.clone();
            async move { outcome(app.prune().await) }
        }),
    ]
}

fn outcome(done: Result<(), crate::error::Error>) -> JobOutcome {
    done.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done)
}
