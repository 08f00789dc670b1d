//! Bounded queues before the threads of an engine: refuse at once rather than let callers wait for ever.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{DbError, Priority, Work};

/// How many closures may wait in each of the two queues.
pub(super) const WAITING_MAX: usize = 1_024;
/// After so many turns in a row of work that somebody waits for, work that nobody waits for gets one.
const TURNS_MAX: u32 = 64;

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    normal: VecDeque<Box<dyn Work>>,
    behind: VecDeque<Box<dyn Work>>,
    /// Turns that the normal queue has had while something waited behind it.
    turns: u32,
    /// Why nothing is taken any more.
    closed: Option<DbError>,
}

/// Which queue a closure came from.
pub(super) struct Taken {
    pub(super) work: Box<dyn Work>,
    pub(super) priority: Priority,
}

impl Queue {
    /// Queues `work`, or answers at once that there is no room.
    pub(super) fn push(&self, work: Box<dyn Work>, priority: Priority) {
        let mut state = self.lock();
        let full = state.of(priority).len() >= WAITING_MAX;
        let refused = state.closed.clone().or(full.then_some(DbError::Overloaded));
        match refused {
            Some(reason) => {
                drop(state);
                metrics::counter!("haat_db_overloaded_total").increment(1);
                work.finish(Err(reason));
            }
            None => {
                state.of(priority).push_back(work);
                drop(state);
                self.arrived.notify_one();
            }
        }
    }

    /// The next closure that somebody still wants; waits for one. `None` when the queue is closed and empty.
    /// `behind`: whether the taker may take work that nobody waits for.
    pub(super) fn take(&self, behind: impl Fn() -> bool) -> Option<Taken> {
        loop {
            let mut state = self.lock();
            let taken = loop {
                if let Some(taken) = state.next(behind()) {
                    break taken;
                }
                if state.closed.is_some() && state.is_empty() {
                    return None;
                }
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            if let Some(work) = wanted(taken.work) {
                return Some(Taken { work, ..taken });
            }
        }
    }

    /// The next closure from that queue that somebody still wants, if one waits. Work that nobody waits for
    /// is given only while nobody waits.
    pub(super) fn take_more(&self, priority: Priority) -> Option<Box<dyn Work>> {
        loop {
            let mut state = self.lock();
            if priority == Priority::Behind && !state.normal.is_empty() {
                return None;
            }
            let work = state.of(priority).pop_front()?;
            drop(state);
            if let Some(work) = wanted(work) {
                return Some(work);
            }
        }
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many closures wait, in both queues.
    pub(super) fn len(&self) -> usize {
        let state = self.lock();
        state.normal.len() + state.behind.len()
    }

    /// Whether nothing waits in that queue.
    pub(super) fn is_empty_of(&self, priority: Priority) -> bool {
        self.lock().of(priority).is_empty()
    }

    /// Lets the takers ask anew whether they may take work that nobody waits for.
    pub(super) fn nudge(&self) {
        self.arrived.notify_all();
    }

    /// Takes nothing more; what waits is still done.
    pub(super) fn close(&self, reason: DbError) {
        self.lock().closed.get_or_insert(reason);
        self.arrived.notify_all();
    }

    /// Takes nothing more, and refuses what waits.
    pub(super) fn abort(&self, reason: DbError) {
        self.close(reason.clone());
        let mut state = self.lock();
        let (normal, behind) = (std::mem::take(&mut state.normal), std::mem::take(&mut state.behind));
        drop(state);
        for work in normal.into_iter().chain(behind) {
            work.finish(Err(reason.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(&mut self, priority: Priority) -> &mut VecDeque<Box<dyn Work>> {
        match priority {
            Priority::Normal => &mut self.normal,
            Priority::Behind => &mut self.behind,
        }
    }

    fn is_empty(&self) -> bool {
        self.normal.is_empty() && self.behind.is_empty()
    }

    fn next(&mut self, behind: bool) -> Option<Taken> {
        let waits_behind = behind && !self.behind.is_empty();
        if waits_behind && (self.normal.is_empty() || self.turns >= TURNS_MAX) {
            self.turns = 0;
            return self.behind.pop_front().map(|work| Taken { work, priority: Priority::Behind });
        }
        self.turns = if waits_behind { self.turns + 1 } else { 0 };
        self.normal.pop_front().map(|work| Taken { work, priority: Priority::Normal })
    }
}

/// Work whose caller has gone away is dropped; work whose caller has stopped waiting is refused.
pub(super) fn wanted(work: Box<dyn Work>) -> Option<Box<dyn Work>> {
    if work.is_abandoned() {
        return None;
    }
    if work.is_expired() {
        work.finish(Err(DbError::Overloaded));
        return None;
    }
    Some(work)
}
