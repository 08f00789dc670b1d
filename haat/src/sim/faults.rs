//! What goes wrong, and how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kit::channel::{CallInfo, Fault, LOG, OUTSIDE};
use kit::db::{Fate, Flush};
use kit::{DbError, Ids};
use tokio::sync::Notify;

/// A kind of misfortune.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call between services that never arrived.
    LostCall,
    /// A call that took effect and whose answer was lost.
    LostAnswer,
    /// A call that arrived late.
    LateCall,
    /// A call that arrived after its caller had given it up.
    StrayCall,
    /// A commit that took effect and whose answer was lost; sometimes the process dies of it.
    UnknownCommit,
    /// A commit that failed.
    FailedCommit,
    /// Events that could not be read, or came late.
    UnreadLog,
    /// A webhook that was lost, or whose answer was.
    LostWebhook,
    /// A request of a client whose answer was lost.
    LostReply,
    /// The process died while a call or a commit was under way.
    CrashAtWork,
    /// The process died at any other moment.
    Crash,
}

/// Every kind, in the order of their numbers, as the summary calls it.
pub const KINDS: [(Kind, &str); 11] = [
    (Kind::LostCall, "lost calls"),
    (Kind::LostAnswer, "lost answers"),
    (Kind::LateCall, "late calls"),
    (Kind::StrayCall, "stray calls"),
    (Kind::UnknownCommit, "commits without an answer"),
    (Kind::FailedCommit, "failed commits"),
    (Kind::UnreadLog, "unread logs"),
    (Kind::LostWebhook, "lost webhooks"),
    (Kind::LostReply, "lost replies"),
    (Kind::CrashAtWork, "crashes at work"),
    (Kind::Crash, "other crashes"),
];

/// What can be out: nearly every call of it goes wrong, for some seconds at a time. In half of the runs one of them is.
const OUTAGES: [&str; 12] = [
    "/Initiate",
    "/Void",
    "/CreateSession",
    "/CancelSession",
    "/Refund",
    "/CheckOut",
    "/Reserve",
    "/Commit",
    "/Release",
    "/Ship",
    "/Restock",
    "/GetOrder",
];

/// How often each kind happened.
pub type Counts = [u64; KINDS.len()];

/// Decides what goes wrong, from a seed.
pub struct Faults {
    dice: Ids,
    percent: AtomicU64,
    /// The calls that can be out.
    fragile: Option<&'static str>,
    is_out: AtomicBool,
    counts: [AtomicU64; KINDS.len()],
    /// Told when the process is to die in the midst of something.
    trip: Notify,
}

impl Faults {
    /// Nothing goes wrong yet.
    pub fn new(seed: u64) -> Arc<Faults> {
        let dice = Ids::seeded(seed ^ 0xfa17);
        let fragile = OUTAGES.get(dice.bits() as usize % (2 * OUTAGES.len())).copied();
        let (percent, is_out) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Faults { dice, percent, fragile, is_out, counts: Default::default(), trip: Notify::new() })
    }

    /// Whether what can be out is out.
    pub fn set_outage(&self, is_out: bool) {
        self.is_out.store(is_out, Ordering::Relaxed);
    }

    /// From now on so many of a hundred commits and calls go wrong; returns how many it were before.
    pub fn set(&self, percent: u64) -> u64 {
        self.percent.swap(percent, Ordering::Relaxed)
    }

    /// Notes that something went wrong.
    pub fn count(&self, kind: Kind) {
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often each kind happened.
    pub fn counts(&self) -> Counts {
        std::array::from_fn(|n| self.counts[n].load(Ordering::Relaxed))
    }

    /// Ends when the process is to die in the midst of something: within a few milliseconds.
    pub async fn tripped(&self) {
        self.trip.notified().await;
        tokio::time::sleep(Duration::from_micros(self.below(8_000))).await;
    }

    fn below(&self, sides: u64) -> u64 {
        self.dice.bits() % sides
    }

    fn strikes(&self) -> bool {
        self.below(100) < self.percent.load(Ordering::Relaxed)
    }

    /// How long the next batch lasts and how it ends.
    pub fn flush(&self) -> Flush {
        let after = Duration::from_micros(200 + self.below(5_000));
        let size = 1 + self.below(16) as usize;
        let (fate, kind, dies) = match (self.strikes(), self.below(7)) {
            (false, _) => (Fate::Durable, None, false),
            (true, 0..2) => (Fate::AnswerLost, Some(Kind::UnknownCommit), false),
            (true, 2) => (Fate::AnswerLost, Some(Kind::UnknownCommit), true),
            (true, 3..6) => (Fate::Undone(DbError::StorageFull), Some(Kind::FailedCommit), false),
            (true, _) => (Fate::Durable, None, true),
        };
        if let Some(kind) = kind {
            self.count(kind);
        }
        if dies {
            self.trip.notify_one();
        }
        Flush { size, after, fate }
    }

    /// What happens to the next call between services, to a webhook, to the reading of a log.
    pub fn call(&self, call: &CallInfo) -> Fault {
        if self.is_out.load(Ordering::Relaxed) && self.fragile.is_some_and(|m| call.method.ends_with(m)) && self.below(8) > 0 {
            let (fault, kind) = match self.below(4) {
                0 => (Fault::LoseRequest, Kind::LostCall),
                1 => (Fault::LoseAnswer, Kind::LostAnswer),
                _ => (Fault::Stray(self.below(10_000)), Kind::StrayCall),
            };
            self.count(kind);
            return fault;
        }
        // Logs are read far more often than anything else happens.
        if !self.strikes() || (call.method == LOG && self.below(4) > 0) {
            return Fault::None;
        }
        let (fault, kind) = match self.below(9) {
            0 | 1 => (Fault::LoseRequest, Kind::LostCall),
            2..5 => (Fault::LoseAnswer, Kind::LostAnswer),
            5 => (Fault::Delay(self.below(15_000)), Kind::LateCall),
            6 | 7 => (Fault::Stray(self.below(15_000)), Kind::StrayCall),
            _ => {
                self.trip.notify_one();
                return Fault::None;
            }
        };
        self.count(match (call.method, call.callee) {
            (LOG, _) => Kind::UnreadLog,
            (_, OUTSIDE) => Kind::LostWebhook,
            _ => kind,
        });
        fault
    }

    /// Whether the answer to a client is lost on its way.
    pub fn loses_reply(&self) -> bool {
        let lost = self.strikes();
        if lost {
            self.count(Kind::LostReply);
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_at_their_numbers() {
        for (n, (kind, _)) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, n);
        }
    }
}
