//! What a platform has still to do.

use std::time::Duration;

use contracts::Time;

use super::Platform;
use crate::db::{DbError, Query};
use crate::events::newest;
use crate::params;

/// Waiting for a retry that is due within this time counts as unfinished.
const SOON_MS: i64 = 250;
/// After how long what is unfinished is looked at again.
const LOOK: Duration = Duration::from_millis(2);

impl Platform {
    /// What is not finished, in words: undelivered events, retries that are due, sagas that run, jobs that are due.
    /// Sagas that wait for somebody outside, dead letters and jobs of the future are not.
    pub async fn unfinished(&self) -> Result<Vec<String>, DbError> {
        let mut left: Vec<String> =
            self.jobs.iter().filter_map(|jobs| jobs.not_begun()).map(|s| format!("{s}: jobs have not begun")).collect();
        for reader in &self.readers {
            let Some(publisher) = self.env(reader.source()) else { continue };
            let end = publisher.db.read(newest).await?;
            if reader.position() < end {
                left.push(format!("{} has {} up to {} of {end}", reader.subscriber(), reader.name(), reader.position()));
            }
        }
        for env in self.envs.values() {
            let soon = env.clock.now().plus_millis(SOON_MS);
            left.extend(env.db.read(move |q| rows(q, soon)).await?);
        }
        Ok(left)
    }

    /// Waits until nothing is left to do at this moment, but no longer than `patience`. What is left then, in words; nothing
    /// where all rests.
    pub async fn rest(&self, patience: Duration) -> Result<Vec<String>, DbError> {
        match tokio::time::timeout(patience, self.rested()).await {
            Ok(rested) => rested.map(|()| Vec::new()),
            Err(_) => {
                let left = self.unfinished().await?;
                Ok(if left.is_empty() { vec!["something is said again and again".into()] } else { left })
            }
        }
    }

    /// Two looks in a row that find nothing, while nothing was said: what moves from one service to another between the
    /// parts of a look leaves an event behind.
    async fn rested(&self) -> Result<(), DbError> {
        let (mut quiet, mut said) = (0, self.said().await?);
        while quiet < 2 {
            let left = self.unfinished().await?;
            let now = self.said().await?;
            quiet = if left.is_empty() && now == said { quiet + 1 } else { 0 };
            said = now;
            if !left.is_empty() {
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// How far each service's log goes.
    async fn said(&self) -> Result<Vec<i64>, DbError> {
        let mut ends = Vec::new();
        for env in self.envs.values() {
            ends.push(env.db.read(newest).await?);
        }
        Ok(ends)
    }
}

fn rows(q: &mut Query, soon: Time) -> Result<Vec<String>, DbError> {
    let service = q.service();
    let mut left = Vec::new();
    let parked =
        "SELECT source, sequence, attempts, COALESCE(error, '') FROM own.inbox WHERE state = 'parked' AND due_at <= $1 ORDER BY event_id";
    for r in q.rows(parked, params![soon])? {
        let (source, sequence, attempts, error): (String, i64, i64, String) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
        left.push(format!("{service} will retry event {sequence} of a stream of {source} (tried {attempts} times): {error}"));
    }
    for r in q.rows("SELECT source, paused FROM own.readers WHERE paused IS NOT NULL ORDER BY source", &[])? {
        let (source, reason): (String, String) = (r.get(0)?, r.get(1)?);
        left.push(format!("{service} has paused {source}: {reason}"));
    }
    let replays = "SELECT model, position, target, COALESCE(error, '') FROM own.replays WHERE status = 'running' ORDER BY id";
    for r in q.rows(replays, &[])? {
        let (model, position, target, error): (String, i64, i64, String) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
        left.push(format!("{service} builds {model} anew, {position} of {target}: {error}"));
    }
    let sagas = "SELECT type, status, step, COALESCE(reason, '') FROM own.sagas WHERE due_at IS NOT NULL AND (status <> 'waiting' OR due_at <= $1) ORDER BY id";
    for r in q.rows(sagas, params![soon])? {
        let (kind, status, step, reason): (String, String, i64, String) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
        left.push(format!("{service}: saga {kind} is {status} at step {step} {reason}"));
    }
    let jobs =
        "SELECT kind, key, attempts, COALESCE(error, '') FROM own.jobs WHERE state IN ('queued', 'running') AND due_at <= $1 ORDER BY id";
    for r in q.rows(jobs, params![soon])? {
        let (kind, key, attempts, error): (String, String, i64, String) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
        left.push(format!("{service}: job {kind} {key} is due (tried {attempts} times) {error}"));
    }
    Ok(left)
}

/// What a service does not go on with by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abandoned {
    /// Sagas that are stuck.
    pub sagas: i64,
    /// Events that could not be taken in.
    pub dead_letters: i64,
    /// Jobs that failed for good.
    pub dead_jobs: i64,
}

/// How much waits for an operator.
pub fn abandoned(q: &mut Query) -> Result<Abandoned, DbError> {
    let mut count = |sql| q.row(sql, &[])?.map_or(Ok(0), |row| row.get(0));
    Ok(Abandoned {
        sagas: count("SELECT COUNT(*) FROM own.sagas WHERE status = 'stuck'")?,
        dead_letters: count("SELECT COUNT(*) FROM own.inbox WHERE state = 'dead'")?,
        dead_jobs: count("SELECT COUNT(*) FROM own.jobs WHERE state = 'dead'")?,
    })
}
