use std::borrow::Cow;
use std::future::Future;

use contracts::Time;
use futures::future::Either;
use sha2::{Digest, Sha256};

use super::{Parent, TRACER, Tracer};
use crate::context::{self, Context};

/// What a span is to its parent, as OTLP numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A part of the same service's work.
    Internal = 1,
    /// Answers a request of another process.
    Server = 2,
    /// Asks somebody else, and waits.
    Client = 3,
    /// Takes in what was published.
    Consumer = 5,
}

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(Cow<'static, str>),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Value {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Cow::Owned(text))
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Value::Int(n)
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Value {
        Value::Bool(is)
    }
}

/// A span that is recorded.
#[derive(Debug)]
pub(super) struct Recorded {
    /// Whose work it is.
    pub service: &'static str,
    pub name: Cow<'static, str>,
    pub kind: Kind,
    pub at: Parent,
    pub parent: Option<[u8; 8]>,
    pub began: Time,
    pub ended: Time,
    pub attributes: Vec<(&'static str, Value)>,
    pub links: Vec<Parent>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A piece of work in a trace; it ends when it is dropped.
#[must_use = "a span that is dropped at once has no length"]
pub struct Span(Option<Box<Recorded>>);

impl Span {
    /// Of work that is not recorded.
    pub fn nothing() -> Span {
        Span(None)
    }

    /// Begins below the work in hand.
    pub fn begin(service: &'static str, kind: Kind, name: impl FnOnce() -> Cow<'static, str>) -> Span {
        match TRACER.get() {
            None => Span(None),
            Some(_) => Span::below(Context::current_traceparent().as_deref(), service, kind, name),
        }
    }

    /// Begins below what `traceparent` says.
    pub fn below(traceparent: Option<&str>, service: &'static str, kind: Kind, name: impl FnOnce() -> Cow<'static, str>) -> Span {
        let Some(tracer) = TRACER.get() else { return Span(None) };
        let Some(parent) = traceparent.and_then(Parent::parse).filter(Parent::is_sampled) else { return Span(None) };
        let at = Parent { span: tracer.ids.bytes(), ..parent };
        let mut span = Span::of(tracer, service, at, Some(parent.span));
        if let Some(recorded) = &mut span.0 {
            (recorded.kind, recorded.name) = (kind, name());
        }
        span
    }

    pub(super) fn of(tracer: &Tracer, service: &'static str, at: Parent, parent: Option<[u8; 8]>) -> Span {
        let (began, attributes, links) = (tracer.clock.now(), Vec::new(), Vec::new());
        let (name, kind) = (Cow::Borrowed(""), Kind::Server);
        Span(Some(Box::new(Recorded { service, name, kind, at, parent, began, ended: began, attributes, links, error: None })))
    }

    /// Whether it will be sent; what is only said of it need not be found out otherwise.
    pub fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Gives it the same id wherever the same is said of it: for work that others hang below before, or after, it is recorded.
    pub(crate) fn known_by(mut self, parts: &[&[u8]]) -> Span {
        if let Some(recorded) = &mut self.0 {
            let mut digest = Sha256::new();
            for part in parts {
                digest.update(part);
                digest.update([0]);
            }
            recorded.at.span.copy_from_slice(&digest.finalize()[..8]);
        }
        self
    }

    /// It began at another moment than now.
    pub fn began(mut self, at: Time) -> Span {
        if let Some(recorded) = &mut self.0 {
            recorded.began = at;
        }
        self
    }

    /// What it is called, once that is known.
    pub fn name(&mut self, name: impl FnOnce() -> String) {
        if let Some(recorded) = &mut self.0 {
            recorded.name = Cow::Owned(name());
        }
    }

    /// Says something of it.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(recorded) = &mut self.0 {
            recorded.attributes.push((key, value.into()));
        }
    }

    /// It did not succeed.
    pub fn fail(&mut self, why: &dyn std::fmt::Display) {
        if let Some(recorded) = &mut self.0 {
            recorded.error = Some(why.to_string());
        }
    }

    /// It was caused by work of another trace, too.
    pub(crate) fn link(&mut self, traceparent: Option<&str>) {
        if let (Some(recorded), Some(other)) = (&mut self.0, traceparent.and_then(Parent::parse))
            && other.trace != recorded.at.trace
        {
            recorded.links.push(other);
        }
    }

    /// What hangs below it is told this; `None` where it is not recorded.
    pub fn traceparent(&self) -> Option<String> {
        self.0.as_ref().map(|recorded| recorded.at.to_string())
    }

    /// The circumstances of what hangs below it: those of `context`, in its own place in the trace.
    pub fn within(&self, context: Context) -> Context {
        match self.traceparent() {
            Some(here) => Context { traceparent: Some(here), ..context },
            None => context,
        }
    }

    /// Forgets it; where it would have been is told.
    pub(crate) fn into_place(mut self) -> Option<String> {
        let place = self.traceparent();
        self.0 = None;
        place
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let (Some(mut recorded), Some(tracer)) = (self.0.take(), TRACER.get()) {
            recorded.ended = tracer.clock.now().max(recorded.began);
            tracer.queue.put(*recorded);
        }
    }
}

/// A span that counts only if somebody says so: of work that may be undone.
pub(crate) struct Pending(Option<Span>);

impl Pending {
    pub(crate) fn new(span: Span) -> Pending {
        Pending(Some(span))
    }

    /// It has happened, and ends now.
    pub(crate) fn end(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            drop(span.into_place());
        }
    }
}

/// Does `work` below `span`, in the circumstances of the work in hand.
pub fn traced<F: Future>(span: &Span, work: F) -> impl Future<Output = F::Output> + use<F> {
    if span.is_recorded() { Either::Left(context::scope(span.within(Context::current()), work)) } else { Either::Right(work) }
}
