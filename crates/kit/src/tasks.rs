//! Tasks that are tracked: waited for at a graceful stop, aborted at a crash, never forgotten.

use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts tasks and knows all of them.
#[derive(Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    abort: CancellationToken,
    threads: Threads,
    died: Arc<tokio::sync::Notify>,
}

/// Where blocking work runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Threads {
    /// On the runtime's pool of blocking threads.
    Pool,
    /// At once, on the caller's thread: for one-threaded runs in virtual time.
    Inline,
}

impl Tasks {
    /// No tasks yet.
    pub fn new(threads: Threads) -> Tasks {
        Tasks {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            threads,
            died: Arc::new(tokio::sync::Notify::new()),
        }
    }

    /// Starts a task that ends by itself; a graceful stop waits for it.
    pub fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let abort = self.abort.clone();
        let context = crate::Context::current();
        // On its way into the runtime it is moved some ten times, and those of whole requests are large.
        let task = Box::pin(task);
        self.tracker.spawn(crate::context::scope(context, async move { abort.run_until_cancelled(task).await }))
    }

    /// Starts a task that runs for as long as the process; it must end soon after [`Tasks::stopping`].
    /// Where it ends earlier or panics, [`Tasks::died`] is told.
    pub fn spawn_forever<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, abort, died) = (self.stop.clone(), self.abort.clone(), self.died.clone());
        self.tracker.spawn(async move {
            let guard = DeathWatch { name, stop, died };
            abort.run_until_cancelled(task).await;
            drop(guard);
        });
    }

    /// Runs work that blocks or computes for long, off the runtime's threads.
    /// `None` where it panicked.
    pub async fn blocking<T, F>(&self, work: F) -> Option<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.threads {
            Threads::Inline => Some(work()),
            Threads::Pool => tokio::task::spawn_blocking(work).await.ok(),
        }
    }

    /// Ends when a graceful stop has begun.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether a graceful stop has begun.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Ends when a task that should run for ever has not.
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// Begins a graceful stop and waits until every task has ended.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Drops every task where it stands, as a crash would.
    pub fn abort(&self) {
        // First, so that no task's end is taken for an accident.
        self.stop.cancel();
        self.abort.cancel();
    }
}

struct DeathWatch {
    name: &'static str,
    stop: CancellationToken,
    died: Arc<tokio::sync::Notify>,
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            tracing::error!(task = self.name, "a task that should run for ever has ended");
            self.died.notify_one();
        }
    }
}
