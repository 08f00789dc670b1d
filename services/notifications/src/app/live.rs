//! Who listens for new messages in this process, so that a stream asks the database when there is something to be told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

/// How many streams one user may have open in a process.
const STREAMS_PER_USER_MAX: usize = 6;

/// The streams that are open here, by recipient.
#[derive(Clone, Default)]
pub(crate) struct Live(Arc<Mutex<BTreeMap<Uuid, Listeners>>>);

struct Listeners {
    streams: usize,
    told: watch::Sender<()>,
}

/// One stream's place among the listeners, given back when it is dropped.
pub(crate) struct Ear {
    live: Live,
    recipient: Uuid,
    told: watch::Receiver<()>,
}

impl Live {
    /// A place for one more stream of a recipient; `None` where there are too many.
    pub fn listen(&self, recipient: Uuid) -> Option<Ear> {
        let mut all = self.all();
        let listeners = all.entry(recipient).or_insert_with(|| Listeners { streams: 0, told: watch::Sender::new(()) });
        if listeners.streams >= STREAMS_PER_USER_MAX {
            return None;
        }
        listeners.streams += 1;
        Some(Ear { live: self.clone(), recipient, told: listeners.told.subscribe() })
    }

    /// There is something new for a recipient.
    pub fn tell(&self, recipient: Uuid) {
        if let Some(listeners) = self.all().get(&recipient) {
            listeners.told.send_replace(());
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Uuid, Listeners>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ear {
    /// From now on [`Ear::told`] waits for what comes later. To be called before looking.
    pub fn clear(&mut self) {
        self.told.mark_unchanged();
    }

    /// Ends when something new has come since [`Ear::clear`].
    pub async fn told(&mut self) {
        if self.told.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut all = self.live.all();
        if let Some(listeners) = all.get_mut(&self.recipient) {
            listeners.streams -= 1;
            if listeners.streams == 0 {
                all.remove(&self.recipient);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_listener_hears_what_comes_after_it_looked() {
        let (live, her) = (Live::default(), Uuid::from_u128(1));
        let mut ear = live.listen(her).unwrap();
        assert!(ear.told().now_or_never().is_none());
        live.tell(her);
        live.tell(Uuid::from_u128(2));
        assert!(ear.told().now_or_never().is_some());
        assert!(ear.told().now_or_never().is_none());
        live.tell(her);
        ear.clear();
        assert!(ear.told().now_or_never().is_none());
    }

    #[test]
    fn places_are_few_and_given_back() {
        let (live, her) = (Live::default(), Uuid::from_u128(1));
        let mut ears: Vec<Ear> = (0..STREAMS_PER_USER_MAX).map(|_| live.listen(her).unwrap()).collect();
        assert!(live.listen(her).is_none());
        assert!(live.listen(Uuid::from_u128(2)).is_some(), "somebody else has places of their own");
        ears.pop();
        ears.push(live.listen(her).unwrap());
        live.tell(her);
        assert!(ears.iter_mut().all(|ear| ear.told().now_or_never().is_some()));
        drop(ears);
        assert!(live.all().is_empty(), "nothing is left of those who went away");
    }
}
