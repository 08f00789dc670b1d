//! Who waits for something to happen to one stream.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

/// The streams that somebody waits for.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<BTreeMap<Uuid, watch::Sender<u64>>>>);

/// Sees what is committed to one stream in this process, from when it was made.
pub struct StreamWatch {
    streams: Streams,
    stream: Uuid,
    changes: watch::Receiver<u64>,
}

impl Streams {
    pub(crate) fn watch(&self, stream: Uuid) -> StreamWatch {
        let changes = self.lock().entry(stream).or_default().subscribe();
        StreamWatch { streams: self.clone(), stream, changes }
    }

    pub(crate) fn wake(&self, streams: impl Iterator<Item = Uuid>) {
        let watched = self.lock();
        for sender in streams.filter_map(|stream| watched.get(&stream)) {
            sender.send_modify(|n| *n += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, watch::Sender<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamWatch {
    /// Ends when something was committed to the stream since the last time.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // Its sender lives as long as somebody watches.
            std::future::pending().await
        }
    }
}

impl Drop for StreamWatch {
    fn drop(&mut self) {
        let mut watched = self.streams.lock();
        if watched.get(&self.stream).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_watches_is_told_of_that_stream_and_nobody_is_kept() {
        let streams = Streams::default();
        let (mut first, mut second, mut other) =
            (streams.watch(Uuid::from_u128(1)), streams.watch(Uuid::from_u128(1)), streams.watch(Uuid::from_u128(2)));
        streams.wake([1, 3].map(Uuid::from_u128).into_iter());
        first.changed().await;
        second.changed().await;
        assert!(!other.changes.has_changed().unwrap());
        drop(first);
        streams.wake([2, 1].map(Uuid::from_u128).into_iter());
        second.changed().await;
        other.changed().await;
        drop((second, other));
        assert!(streams.lock().is_empty());
    }
}
