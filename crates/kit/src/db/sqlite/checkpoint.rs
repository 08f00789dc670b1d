//! Keeps the write-ahead log small, away from the writer's path.
//!
//! A passive checkpoint copies what no reader needs any more and waits for nobody; SQLite then begins the log anew
//! by itself when it finds everybody gone. Where it does not (there is always a reader or a writer), the log is
//! begun anew while nobody waits, or, when it has become too large, by the writer between two batches: any other thread
//! would have to find a moment in which nobody writes, and what is written until then is copied while nobody can.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::readers::Watched;
use super::session::BUSY_MS;
use super::{DbError, Link, Shared, errors};

/// From this size the log is copied back: a page that was written often meanwhile is copied once.
const PASSIVE: u64 = 16 << 20;
/// From this size the writer begins the log anew.
const FORCED: u64 = 64 << 20;
/// A log that has become larger than this is cut when it is begun anew. Others keep their length and are written over:
/// giving back 64 MB takes a file system a tenth of a second, while which nobody can write, and asking for them again more.
pub(super) const KEPT: u64 = 2 * FORCED;
/// How long others may be kept waiting for a new beginning, and how long once the log is larger than what is kept.
const PATIENCE: Duration = Duration::from_millis(10);
const PATIENCE_AT_LAST: Duration = Duration::from_secs(1);

/// What the writer tells the checkpoint thread.
pub(super) struct Maintenance {
    /// The log's length as of the last commit.
    bytes: Arc<AtomicU64>,
    /// The length from which the thread is woken.
    wake_at: Arc<AtomicU64>,
    /// Whether the writer is to begin the log anew: all of it is copied but what was written in the last moment.
    is_due: AtomicBool,
    stopped: AtomicBool,
    wake: (Mutex<bool>, Condvar),
}

impl Maintenance {
    /// Follows the log of the writer's connection. Replaces SQLite's own checkpoints, which run inside commits.
    pub(super) fn watch(writer: &mut Link) -> Result<Maintenance, DbError> {
        let page: i64 = writer.conn.pragma_query_value(None, "page_size", |r| r.get(0)).map_err(|e| errors::own(&e))?;
        let page = u64::try_from(page).unwrap_or(4096);
        let (bytes, wake_at) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(PASSIVE)));
        let (seen, next) = (bytes.clone(), wake_at.clone());
        let hook = writer.conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            let now = u64::try_from(pages).unwrap_or(0) * page;
            if now < seen.swap(now, Ordering::Relaxed) {
                next.store(PASSIVE, Ordering::Relaxed);
            }
            Ok(())
        }));
        hook.map_err(|e| errors::own(&e))?;
        Ok(Maintenance { bytes, wake_at, is_due: AtomicBool::new(false), stopped: AtomicBool::new(false), wake: Default::default() })
    }

    /// After each batch: wakes the thread when the log has grown enough.
    pub(super) fn committed(&self) {
        if self.bytes.load(Ordering::Relaxed) >= self.wake_at.load(Ordering::Relaxed) {
            self.notify();
        }
    }

    /// On the writer's connection between two batches: begins the log anew where that is due. While a reader needs the log,
    /// it stays, and is due again when it has grown further.
    pub(super) fn begin_anew(&self, conn: &Connection) {
        if !self.is_due.swap(false, Ordering::Relaxed) {
            return;
        }
        let patience = if self.bytes.load(Ordering::Relaxed) < KEPT { PATIENCE } else { PATIENCE_AT_LAST };
        let begun = conn.busy_timeout(patience).and_then(|()| step(conn, "PRAGMA wal_checkpoint(RESTART)"));
        if let Err(e) = begun.and(conn.busy_timeout(Duration::from_millis(BUSY_MS))) {
            tracing::warn!(error = %e, "the write-ahead log cannot be begun anew");
        }
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.notify();
    }

    fn notify(&self) {
        *self.wake.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.1.notify_one();
    }

    /// Waits until it is woken, a second at most: the metrics want to be renewed. Whether to go on.
    fn wait(&self) -> bool {
        let woken = self.wake.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.1.wait_timeout_while(woken, Duration::from_secs(1), |woken| !*woken);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        !self.stopped.load(Ordering::Acquire)
    }
}

/// The checkpoint thread.
pub(super) fn run(shared: &Shared, readers: &Watched) {
    let maintenance = &shared.maintenance;
    let mut conn = None;
    while maintenance.wait() {
        let bytes = maintenance.bytes.load(Ordering::Relaxed);
        let quiet = bytes >= PASSIVE && shared.queue.is_empty();
        if quiet || bytes >= maintenance.wake_at.load(Ordering::Relaxed) {
            match checkpoint(shared, &mut conn, bytes) {
                Ok(true) => maintenance.wake_at.store(PASSIVE, Ordering::Relaxed),
                Ok(false) => {
                    // The log goes on from where it is, or SQLite begins it anew by itself.
                    maintenance.wake_at.store(bytes + PASSIVE, Ordering::Relaxed);
                    maintenance.is_due.store(bytes >= FORCED, Ordering::Relaxed);
                }
                Err(e) => {
                    tracing::warn!(error = %e, "the write-ahead log cannot be copied back");
                    maintenance.wake_at.store(bytes + PASSIVE, Ordering::Relaxed);
                }
            }
        }
        let file_bytes = shared.path.metadata().map_or(0, |file| file.len());
        #[expect(clippy::cast_precision_loss, reason = "gauges")]
        {
            metrics::gauge!("haat_db_wal_bytes").set(maintenance.bytes.load(Ordering::Relaxed) as f64);
            metrics::gauge!("haat_db_file_bytes").set(file_bytes as f64);
            metrics::gauge!("haat_db_waiting_closures").set(shared.queue.len() as f64);
        }
        metrics::gauge!("haat_db_oldest_read_seconds").set(readers.oldest().as_secs_f64());
    }
}

/// Copies the log, which has so many bytes, back; whether it begins anew.
fn checkpoint(shared: &Shared, conn: &mut Option<Connection>, bytes: u64) -> rusqlite::Result<bool> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(Connection::open(&shared.path)?),
    };
    conn.busy_timeout(Duration::ZERO)?;
    step(conn, "PRAGMA wal_checkpoint(PASSIVE)")?;
    if shared.queue.is_empty() {
        conn.busy_timeout(PATIENCE)?;
        if step(conn, "PRAGMA wal_checkpoint(RESTART)")? {
            shared.maintenance.bytes.store(0, Ordering::Relaxed);
            return Ok(true);
        }
        conn.busy_timeout(Duration::ZERO)?;
    }
    if bytes >= FORCED {
        // What was written meanwhile, so that little is left for the writer.
        step(conn, "PRAGMA wal_checkpoint(PASSIVE)")?;
    }
    Ok(false)
}

/// Whether nobody was in the way.
fn step(conn: &Connection, text: &str) -> rusqlite::Result<bool> {
    conn.query_row(text, [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}

#[cfg(test)]
mod tests {
    use super::super::super::Durability;
    use super::*;

    #[test]
    fn a_log_that_is_due_begins_anew_once_no_reader_needs_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("haat.db");
        let mut link = Link::writing(&path, Durability::Machine).unwrap();
        let maintenance = Maintenance::watch(&mut link).unwrap();
        let write = |text: &str| {
            link.conn.execute_batch(text).unwrap();
            maintenance.bytes.load(Ordering::Relaxed)
        };
        let first = write("CREATE TABLE t (v BLOB); INSERT INTO t VALUES (zeroblob(100000))");
        maintenance.begin_anew(&link.conn);
        let second = write("INSERT INTO t VALUES (zeroblob(100000))");
        assert!(second > first, "it was not due: {first}, {second}");

        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT COUNT(*) FROM t").unwrap();
        maintenance.is_due.store(true, Ordering::Relaxed);
        maintenance.begin_anew(&link.conn);
        let third = write("INSERT INTO t VALUES (zeroblob(100000))");
        assert!(third > second, "a reader needs what is in it: {second}, {third}");

        reader.execute_batch("COMMIT").unwrap();
        maintenance.wake_at.store(u64::MAX, Ordering::Relaxed);
        maintenance.is_due.store(true, Ordering::Relaxed);
        maintenance.begin_anew(&link.conn);
        assert!(write("INSERT INTO t VALUES (zeroblob(1000))") < first, "it is begun anew");
        assert_eq!(maintenance.wake_at.load(Ordering::Relaxed), PASSIVE);
        let kept: i64 = link.conn.query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 4);
    }
}
