//! Bounded queues before the threads of an engine: refuse at once rather than let callers wait for ever.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{DbError, Priority, Work};

/// How many closures may wait in each of the two queues.
pub(super) const WAITING_MAX: usize = 1_024;
/// After so many turns in a row of work that somebody waits for, work that nobody waits for gets one.
const TURNS_MAX: u32 = 64;

/// While fewer wait, nobody is turned away either: then it is not that too many came, but that the machine is slow.
const WAITING_FREE: usize = 64;
/// While closures and their answers wait for less than this, nobody is turned away: so long they wait where much is done at once.
const DELAY_FREE: Duration = Duration::from_millis(25);
/// While they wait for longer than this, nothing new begins: more would only make everybody wait.
const DELAY_MAX: Duration = Duration::from_millis(75);

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    normal: VecDeque<Waiting>,
    behind: VecDeque<Waiting>,
    /// Batches whose answers are not all given.
    settled: VecDeque<Settled>,
    /// Turns that the normal queue has had while something waited behind it.
    turns: u32,
    /// What is left of those who are admitted in part: below one.
    admitted: f64,
    /// Why nothing is taken any more.
    closed: Option<DbError>,
}

/// A closure, and since when it waits.
struct Waiting {
    work: Box<dyn Work>,
    since: Instant,
}

/// So many answers, and since when they could be given.
struct Settled {
    answers: usize,
    since: Instant,
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
                state.of(priority).push_back(Waiting { work, since: Instant::now() });
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
            let work = state.of(priority).pop_front()?.work;
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

    /// A batch has ended, and so many are to be answered: in the order of their batches.
    pub(super) fn settled(&self, answers: usize) {
        self.lock().settled.push_back(Settled { answers, since: Instant::now() });
    }

    /// All of the batch that ended first are answered.
    pub(super) fn answered(&self) {
        self.lock().settled.pop_front();
    }

    /// Whether something new may begin. Who waits first has waited as long as everybody will, for the writer and then for the
    /// answer: up to a time nobody is turned away, from another on everybody, and in between a part of those who come, so
    /// that as much is begun as is done.
    pub(super) fn admits(&self) -> bool {
        let mut state = self.lock();
        let waiting = state.normal.len() + state.settled.iter().map(|batch| batch.answers).sum::<usize>();
        let firsts = [state.normal.front().map(|first| first.since), state.settled.front().map(|batch| batch.since)];
        let delay: Duration = firsts.into_iter().flatten().map(|since| since.elapsed()).sum();
        if delay <= DELAY_FREE || waiting < WAITING_FREE {
            return true;
        }
        let room = DELAY_MAX.saturating_sub(delay).as_secs_f64() / (DELAY_MAX - DELAY_FREE).as_secs_f64();
        state.admitted += room;
        let admits = state.admitted >= 1.0;
        state.admitted -= f64::from(u8::from(admits));
        admits
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
        for waiting in normal.into_iter().chain(behind) {
            waiting.work.finish(Err(reason.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(&mut self, priority: Priority) -> &mut VecDeque<Waiting> {
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
            return self.behind.pop_front().map(|w| Taken { work: w.work, priority: Priority::Behind });
        }
        self.turns = if waits_behind { self.turns + 1 } else { 0 };
        self.normal.pop_front().map(|w| Taken { work: w.work, priority: Priority::Normal })
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
