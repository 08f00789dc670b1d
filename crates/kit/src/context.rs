//! What accompanies a call on its way: request id, trace, actor, deadline.

use std::future::Future;

use contracts::{Metadata, Time};

use crate::trace::Parent;

tokio::task_local! {
    static CURRENT: Context;
}

/// The circumstances of the work in hand; follows it through calls, transactions, events and sagas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The request's id as the caller sees it.
    pub request_id: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The event or saga that caused this work.
    pub causation_id: Option<String>,
    /// The user or service that acts.
    pub actor: Option<String>,
    /// When the caller stops waiting.
    pub deadline: Option<Time>,
}

impl Context {
    /// Of the work in hand; empty outside any.
    pub fn current() -> Context {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Only the place in the trace of the work in hand.
    pub fn current_traceparent() -> Option<String> {
        CURRENT.try_with(|c| c.traceparent.clone()).unwrap_or_default()
    }

    /// Only the deadline of the work in hand.
    pub fn current_deadline() -> Option<Time> {
        CURRENT.try_with(|c| c.deadline).unwrap_or_default()
    }

    /// The id of the trace, where it is recorded.
    pub fn recorded_trace(&self) -> Option<&str> {
        let traceparent = self.traceparent.as_deref()?;
        Parent::parse(traceparent).filter(Parent::is_sampled).and_then(|_| traceparent.get(3..35))
    }

    /// As written beside events.
    pub fn metadata(&self) -> Metadata {
        Metadata {
            traceparent: self.traceparent.clone(),
            correlation_id: self.request_id.clone(),
            causation_id: self.causation_id.clone(),
            actor: self.actor.clone(),
        }
    }

    /// Of work that an event causes.
    pub fn from_event(event: &contracts::Envelope) -> Context {
        Context {
            request_id: event.metadata.correlation_id.clone(),
            traceparent: event.metadata.traceparent.clone(),
            causation_id: Some(event.id.to_string()),
            actor: event.metadata.actor.clone(),
            deadline: None,
        }
    }
}

/// Runs `work` in `context`.
pub fn scope<F: Future>(context: Context, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(context, work)
}

/// As [`scope`], for what is done at once.
pub fn within<T>(context: Context, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(context, work)
}
