//! What an engine tells about itself: counts, and that it cannot go on.

use tokio::sync::watch;

use super::counts::Counters;

/// Shared by an engine's threads and its handle.
#[derive(Default)]
pub(crate) struct Health {
    pub(super) counters: Counters,
    fatal: watch::Sender<Option<String>>,
}

impl Health {
    /// The engine cannot go on and the process must stop. The first reason is kept.
    pub(super) fn raise(&self, reason: String) {
        tracing::error!(%reason, "the database cannot go on");
        self.fatal.send_if_modified(|held| {
            let first = held.is_none();
            held.get_or_insert(reason);
            first
        });
    }

    /// Why the engine cannot go on, if so.
    pub(super) fn raised(&self) -> Option<String> {
        self.fatal.borrow().clone()
    }

    /// Waits until the engine cannot go on.
    pub(super) async fn fatal(&self) -> String {
        let mut watch = self.fatal.subscribe();
        let seen = watch.wait_for(Option::is_some).await;
        seen.ok().and_then(|reason| reason.clone()).unwrap_or_else(|| "the database is gone".into())
    }
}

/// Raises the alarm when a thread ends by a panic.
pub(super) struct DeathWatch<'a>(pub(super) &'a Health);

impl Drop for DeathWatch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.raise(format!("the thread {} died", std::thread::current().name().unwrap_or("of the database")));
        }
    }
}
