//! The sagas that this process moves at the moment, for those who wait for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::Status;

/// Sagas with somebody driving them, and where they came to rest.
#[derive(Default)]
pub(super) struct Active(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    sagas: BTreeMap<Uuid, (u64, watch::Sender<Option<Status>>)>,
    drives: u64,
    idle: watch::Sender<()>,
}

/// Whose turn it is; a saga has one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drive(u64);

impl Active {
    /// A drive begins; one that went before no longer counts.
    pub(super) fn begin(&self, saga: Uuid) -> Drive {
        let mut entries = self.lock();
        entries.drives += 1;
        let drive = entries.drives;
        entries.sagas.insert(saga, (drive, watch::Sender::new(None)));
        Drive(drive)
    }

    /// A drive has ended: at rest, or because somebody else has the saga (`None`).
    pub(super) fn end(&self, saga: Uuid, drive: Drive, rest: Option<Status>) {
        let mut entries = self.lock();
        if entries.sagas.get(&saga).is_some_and(|(current, _)| *current == drive.0)
            && let Some((_, told)) = entries.sagas.remove(&saga)
        {
            told.send_replace(rest);
        }
        if entries.sagas.is_empty() {
            entries.idle.send_replace(());
        }
    }

    /// Changes to the status when the saga rests; ends without when the drive is lost. `None`: nobody drives it here.
    pub(super) fn watch(&self, saga: Uuid) -> Option<watch::Receiver<Option<Status>>> {
        self.lock().sagas.get(&saga).map(|(_, told)| told.subscribe())
    }

    /// Ends when nothing is driven here.
    pub(super) async fn idle(&self) {
        let mut changes = self.lock().idle.subscribe();
        while !self.is_idle() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether nothing is driven here.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().sagas.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
