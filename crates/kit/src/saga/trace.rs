//! The spans of steps. A step's span has an id that follows from the saga and the step, so that what is called hangs below
//! it, before it ends and after a crash; it is recorded when the step has ended, in the transaction that says so.

use super::instance::{Direction, Instance, StepRow};
use crate::db::Tx;
use crate::trace::{Kind, Span};

impl Instance {
    /// Where the current step hangs in the saga's trace.
    pub(super) fn step_traceparent(&self) -> Option<String> {
        let step = self.definition.steps.get(self.step);
        let here = step.and_then(|step| self.step_span("", step.name, self.direction).into_place());
        here.or_else(|| self.metadata.traceparent.clone())
    }

    /// Records the steps that ended.
    pub(super) fn trace_steps(&self, tx: &mut Tx, rows: &[StepRow]) {
        for row in rows.iter().filter(|row| row.ended_at.is_some()) {
            let mut span = self.step_span(tx.service(), row.name, row.direction).began(row.started_at);
            if !span.is_recorded() {
                return;
            }
            span.set("haat.saga.id", self.id.to_string());
            span.set("haat.saga.subject", self.subject.to_string());
            span.set("haat.saga.step.status", row.status);
            span.set("haat.saga.step.attempts", row.attempts);
            if let Some(error) = row.error.as_ref().filter(|_| row.status == "failed") {
                span.fail(error);
            }
            // What a signal ended was caused by who sent it as well.
            span.link(tx.metadata().traceparent.as_deref());
            tx.trace(span);
        }
    }

    fn step_span(&self, service: &'static str, name: &'static str, direction: Direction) -> Span {
        let what = if direction == Direction::Forward { "step" } else { "undo" };
        let span = Span::below(self.metadata.traceparent.as_deref(), service, Kind::Internal, || {
            format!("{what} {}/{name}", self.definition.kind).into()
        });
        span.known_by(&[self.id.as_bytes(), name.as_bytes(), what.as_bytes()])
    }
}
