//! Keeps the write-ahead log small, away from the writer's path.
//!
//! A passive checkpoint copies what no reader needs any more and waits for nobody; SQLite then begins the log anew
//! by itself when it finds everybody gone. Where it does not (there is always a reader or a writer), the log is
//! begun anew while nobody waits, or in any case when it has become too large.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::readers::Watched;
use super::{DbError, Link, Shared, errors};

/// From this size the log is copied back: a page that was written often meanwhile is copied once.
const PASSIVE: u64 = 16 << 20;
/// From this size the log is begun anew whoever has to wait.
const FORCED: u64 = 64 << 20;
/// A log that has become larger than this is cut when it is begun anew. Others keep their length and are written over:
/// giving back 64 MB takes a file system a tenth of a second, while which nobody can write, and asking for them again more.
pub(super) const KEPT: u64 = 2 * FORCED;
/// How long others may be kept waiting for a new beginning: while nobody waits, and when it must be.
const PATIENCE: Duration = Duration::from_millis(10);
const PATIENCE_FORCED: Duration = Duration::from_secs(1);

/// What the writer tells the checkpoint thread.
pub(super) struct Maintenance {
    /// The log's length as of the last commit.
    bytes: Arc<AtomicU64>,
    /// The length from which the thread is woken.
    wake_at: Arc<AtomicU64>,
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
        Ok(Maintenance { bytes, wake_at, stopped: AtomicBool::new(false), wake: Default::default() })
    }

    /// After each batch: wakes the thread when the log has grown enough.
    pub(super) fn committed(&self) {
        if self.bytes.load(Ordering::Relaxed) >= self.wake_at.load(Ordering::Relaxed) {
            self.notify();
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
                Ok(wake_at) => maintenance.wake_at.store(wake_at, Ordering::Relaxed),
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

/// Copies the log back; answers from which length to do so again.
fn checkpoint(shared: &Shared, conn: &mut Option<Connection>, bytes: u64) -> rusqlite::Result<u64> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(Connection::open(&shared.path)?),
    };
    conn.busy_timeout(Duration::ZERO)?;
    step(conn, "PRAGMA wal_checkpoint(PASSIVE)")?;
    let forced = bytes >= FORCED;
    if forced || shared.queue.is_empty() {
        conn.busy_timeout(if forced { PATIENCE_FORCED } else { PATIENCE })?;
        if step(conn, "PRAGMA wal_checkpoint(RESTART)")? {
            shared.maintenance.bytes.store(0, Ordering::Relaxed);
            return Ok(PASSIVE);
        }
    }
    // The log goes on from where it is, or SQLite begins it anew by itself.
    Ok(bytes + PASSIVE)
}

/// Whether nobody was in the way.
fn step(conn: &Connection, text: &str) -> rusqlite::Result<bool> {
    conn.query_row(text, [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}
