//! Spans: what was done in a trace, when, and for how long; sent to a collector by OTLP.
//!
//! A span hangs below the `traceparent` of the [`Context`] in which it begins. Work within it has a context of its own, so
//! calls, transactions, events, jobs and sagas hang below it in turn, in this process and in others. Only the gateway
//! begins traces. Where nothing collects, or the trace is not recorded, a span is nothing and costs a look at a pointer.

pub(crate) mod db;
pub(crate) mod event;
mod export;
pub mod http;
mod parent;
pub(crate) mod rpc;
mod sampler;
mod span;
mod wire;

use std::sync::OnceLock;

pub use export::{Collector, Exporter};
pub use parent::Parent;
pub use sampler::Sampler;
pub(crate) use span::Pending;
pub use span::{Kind, Span, Value, traced};

use crate::{Clock, Ids};

/// What records spans is the process's own, as what counts is.
static TRACER: OnceLock<Tracer> = OnceLock::new();

/// What every span needs.
struct Tracer {
    sampler: Sampler,
    clock: Clock,
    ids: Ids,
    queue: export::Queue,
}

/// Begins to record; for the binary, once. The exporter sends what is recorded until it is closed.
pub fn record(sampler: Sampler, collector: Collector) -> Result<Exporter, String> {
    let (queue, exporter) = export::start(collector)?;
    let tracer = Tracer { sampler, clock: Clock::system(), ids: Ids::random(), queue };
    TRACER.set(tracer).map_err(|_| "spans are recorded already".to_owned())?;
    Ok(exporter)
}

/// A place in a new trace that is not recorded.
pub fn unrecorded(ids: &Ids) -> Parent {
    Parent { trace: ids.bytes(), span: ids.bytes(), flags: 0 }
}

/// A request arrives from outside, with the `traceparent` that its sender may have given it: the trace goes on, or begins.
/// Returns where the request's own work hangs, and its span.
pub fn arrive(service: &'static str, sent: Option<&str>, ids: &Ids) -> (Parent, Span) {
    let sent = sent.and_then(Parent::parse);
    let trace = sent.map_or_else(|| ids.bytes(), |p| p.trace);
    let here = Parent { trace, span: ids.bytes(), flags: sent.map_or(0, |p| p.flags) };
    let Some(tracer) = TRACER.get() else { return (here, Span::nothing()) };
    if !tracer.sampler.takes(trace, sent) {
        return (here.sampled(false), Span::nothing());
    }
    let here = here.sampled(true);
    (here, Span::of(tracer, service, here, sent.map(|p| p.span)))
}
