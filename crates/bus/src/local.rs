use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::Envelope;
use tokio::sync::watch;
use uuid::Uuid;

use crate::streams::{StreamWatch, Streams};

/// A publisher's log could not be read now.
#[derive(Debug, thiserror::Error)]
#[error("the log of {source_name} cannot be read: {reason}")]
pub struct ReadError {
    /// The publisher.
    pub source_name: String,
    /// Why.
    pub reason: String,
}

/// What a log has after a position.
#[derive(Clone, Debug, Default)]
pub struct LogRun {
    /// In order, with nothing left out that could still be committed before them.
    pub events: Vec<Envelope>,
    /// There is more, behind something that may still be committed; ask again soon.
    pub held_back: bool,
}

/// Reads a publisher's log: up to `limit` events after `position`.
pub type LogReader = Arc<dyn Fn(i64, usize) -> Pin<Box<dyn Future<Output = Result<LogRun, ReadError>> + Send>> + Send + Sync>;

/// The bus within one process.
#[derive(Clone, Default)]
pub struct Local {
    sources: Arc<Mutex<BTreeMap<&'static str, Source>>>,
    streams: Streams,
}

struct Source {
    reader: Option<LogReader>,
    /// One for each who watches: a channel wakes its receivers in random order, and a run could not be repeated.
    woken: Vec<watch::Sender<u64>>,
    jobs: watch::Sender<u64>,
}

impl Local {
    /// A bus that knows no publisher.
    pub fn new() -> Local {
        Local::default()
    }

    /// Makes a publisher's log readable.
    pub fn register(&self, source: &'static str, reader: LogReader) {
        self.with(source, |s| s.reader = Some(reader));
    }

    /// Says that something was committed to the log of `source`, or that its readers have other work.
    pub fn wake(&self, source: &str) {
        if let Some(s) = self.lock().get(source) {
            s.woken.iter().for_each(|w| w.send_modify(|n| *n += 1));
        }
    }

    /// Says that something was committed to these streams of the log of `source`.
    pub fn said(&self, source: &str, streams: impl Iterator<Item = Uuid>) {
        self.streams.wake(streams);
        self.wake(source);
    }

    /// Sees what is committed to one stream in this process.
    pub fn watch_stream(&self, stream: Uuid) -> StreamWatch {
        self.streams.watch(stream)
    }

    /// Changes whenever something is committed to the log of `source`.
    pub fn watch(&self, source: &'static str) -> watch::Receiver<u64> {
        self.with(source, |s| {
            s.woken.retain(|w| !w.is_closed());
            let (sender, receiver) = watch::channel(0);
            s.woken.push(sender);
            receiver
        })
    }

    /// Says that a job of `service` was queued.
    pub fn wake_jobs(&self, service: &'static str) {
        self.with(service, |s| s.jobs.send_modify(|n| *n += 1));
    }

    /// Changes whenever a job of `service` is queued.
    pub fn watch_jobs(&self, service: &'static str) -> watch::Receiver<u64> {
        self.with(service, |s| s.jobs.subscribe())
    }

    /// The log of `source`, where that publisher is in this process.
    pub fn log(&self, source: &'static str) -> Option<LogReader> {
        self.with(source, |s| s.reader.clone())
    }

    fn with<T>(&self, source: &'static str, f: impl FnOnce(&mut Source) -> T) -> T {
        f(self.lock().entry(source).or_insert_with(|| Source { reader: None, woken: Vec::new(), jobs: watch::Sender::new(0) }))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
