//! Events on their way to who takes them in.

use contracts::{Envelope, Time};

use super::{Kind, Span};

/// An event taken in by `subscriber` in a transaction of the moment `now`; the same span however often that is tried.
pub(crate) fn delivery(event: &Envelope, subscriber: &'static str, now: Time) -> Span {
    span(event, subscriber).known_by(&[event.id.as_bytes(), subscriber.as_bytes()]).began(now)
}

/// A try that failed.
pub(crate) fn failed(event: &Envelope, subscriber: &'static str, error: &dyn std::fmt::Display) {
    span(event, subscriber).fail(error);
}

fn span(event: &Envelope, subscriber: &'static str) -> Span {
    let traceparent = event.metadata.traceparent.as_deref();
    let mut span = Span::below(traceparent, subscriber, Kind::Consumer, || format!("process {}", event.kind).into());
    if span.is_recorded() {
        span.set("messaging.system", "haat");
        span.set("messaging.operation.type", "process");
        span.set("messaging.destination.name", event.source.to_string());
        span.set("messaging.message.id", event.id.to_string());
        span.set("haat.event.type", event.kind.to_string());
        span.set("haat.event.stream", event.stream.to_string());
        span.set("haat.event.position", event.position);
    }
    span
}
