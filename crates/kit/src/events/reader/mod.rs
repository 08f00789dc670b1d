//! Subscriptions: one reader per subscriber and publisher.
//!
//! A reader takes what lies after its position in the publisher's log, up to 256 events at a time, and applies them in
//! one transaction with its new position, which is fenced on the old one: of two nodes with one subscription only one
//! applies an event. What fails is parked in the subscriber's inbox with the later events of its stream, and tried
//! again from there; the others go on. A subscription whose database is unavailable, or on which five streams fail in
//! a row, pauses: then it is not the events that are wrong.

mod apply;
mod backoff;
mod failure;
mod parked;
mod subscription;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::Consumer;
use super::consumer::Handler;
use crate::service::Env;
pub(super) use apply::{Move, Refusal, fence};
pub(super) use backoff::pause_ms;
pub(super) use parked::{clear_pause, place, release_next};
use subscription::Subscription;

/// A subscription or a read model, as seen from outside: how far it has come.
#[derive(Clone)]
pub struct Reader {
    subscriber: &'static str,
    source: &'static str,
    name: &'static str,
    position: Arc<AtomicI64>,
}

impl Reader {
    /// Who reads.
    pub fn subscriber(&self) -> &'static str {
        self.subscriber
    }

    /// Whose log.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Up to here everything has taken effect, is parked, or is of no interest.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    /// The publisher's name for a subscription, a read model's for a projection.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Of a service's read model, which reads the service's own log.
    pub(super) fn of_model(service: &'static str, name: &'static str) -> Reader {
        Reader { subscriber: service, source: service, name, position: Arc::default() }
    }

    pub(super) fn set_position(&self, position: i64) {
        self.position.store(position, Ordering::Release);
    }
}

/// What a subscriber does with the types of one publisher's events.
type Handlers = BTreeMap<&'static str, Vec<Handler>>;

/// A subscriber's interest in one publisher.
#[derive(Default)]
struct Interest {
    handlers: Handlers,
    hurried: bool,
}

/// Starts a service's subscriptions.
pub(crate) fn start_readers(env: &Env, bus: &bus::Local, consumers: Vec<Consumer>) -> Vec<Reader> {
    let mut by_source: BTreeMap<&'static str, Interest> = BTreeMap::new();
    for consumer in consumers {
        let interest = by_source.entry(consumer.source).or_default();
        interest.hurried |= !consumer.unhurried;
        interest.handlers.entry(consumer.kind).or_default().push(consumer.handler);
    }
    let mut readers = Vec::new();
    for (source, interest) in by_source {
        let reader = Reader { subscriber: env.db.service(), source, name: source, position: Arc::default() };
        let subscription = Subscription::new(env, bus, reader.clone(), interest);
        env.tasks.spawn_forever("event reader", subscription.run());
        readers.push(reader);
    }
    readers
}
