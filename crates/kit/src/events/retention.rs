//! Logs that need not be kept for ever: what is older than that, and was read by everybody, is forgotten.

use contracts::Time;
use contracts::proto::log::PositionRequest;
use contracts::proto::log::log_client::LogClient;

use crate::channel::Channel;
use crate::db::{Db, DbError, Tx};
use crate::params;

/// How long a service's log is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogKept {
    /// It is what other data is made from, or what is owed and paid.
    #[default]
    Forever,
    /// It is told to others and then no longer needed: so many days, and until everybody who reads it has.
    Days(u16),
}

/// Events of one transaction.
const AT_ONCE: i64 = 500;

/// A log, and who reads it.
#[derive(Clone)]
pub(crate) struct Retention {
    pub db: Db,
    pub kept: LogKept,
    /// Every service that declares that it reads the log.
    pub subscribers: Vec<Channel>,
}

impl Retention {
    /// Forgets what is old and read. Where a reader cannot be asked nothing is forgotten.
    pub async fn prune(&self, now: Time) -> Result<(), String> {
        let LogKept::Days(days) = self.kept else { return Ok(()) };
        let mut read = i64::MAX;
        for subscriber in &self.subscribers {
            let request = PositionRequest { source: self.db.service().to_owned() };
            let answer = LogClient::new(subscriber.clone()).position(request).await;
            let answer = answer.map_err(|e| format!("how far a subscriber has read is not known: {}", e.message()))?;
            read = read.min(answer.into_inner().position);
        }
        let before = now.plus_seconds(-i64::from(days) * 24 * 3_600);
        while self.db.write_behind(move |tx| forget(tx, read, before)).await.map_err(|e: DbError| e.to_string())? > 0 {}
        Ok(())
    }
}

/// The oldest events up to `read` that happened before `before`; how many. The newest one stays: it says how far the log goes.
fn forget(tx: &mut Tx, read: i64, before: Time) -> Result<u64, DbError> {
    let oldest = "SELECT position, occurred_at FROM own.events WHERE position <= $1 ORDER BY position LIMIT $3";
    let sql = format!(
        "DELETE FROM own.events WHERE position IN (SELECT position FROM ({oldest}) AS oldest WHERE occurred_at < $2) \
         AND position < (SELECT MAX(position) FROM own.events)"
    );
    tx.execute(&sql, params![read, before, AT_ONCE])
}
