//! Between the engine's types and the messages.

use contracts::proto::operator as proto;
use tonic::Status;
use uuid::Uuid;

use crate::Problem;
use crate::events::dead_letters::{DeadLetter, Group};
use crate::jobs::dead::DeadJob;
use crate::saga::{self, Filter, SagaView, StepView};

/// The page size where none is asked for.
const LIMIT_DEFAULT: i64 = 50;
/// The largest page.
const LIMIT_MAX: i64 = 200;

pub(super) fn limit(asked: i64) -> i64 {
    if asked == 0 { LIMIT_DEFAULT } else { asked.clamp(1, LIMIT_MAX) }
}

pub(super) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// An id that does not parse is the id of nothing.
pub(super) fn id(what: &str, text: &str) -> Result<Uuid, Status> {
    Uuid::parse_str(text).map_err(|_| Problem::not_found(what).into())
}

pub(super) fn optional_id(what: &str, text: &str) -> Result<Option<Uuid>, Status> {
    if text.is_empty() { Ok(None) } else { id(what, text).map(Some) }
}

pub(super) fn filter(request: proto::ListSagasRequest) -> Result<Filter, Status> {
    let unknown_status = || {
        let detail = format!("expected running, waiting, completed, compensating, compensated or stuck, found {}", request.status);
        Problem::bad_request("invalid_status", detail)
    };
    let status = match request.status.as_str() {
        "" => None,
        text => Some(saga::Status::parse(text).ok_or_else(unknown_status)?),
    };
    Ok(Filter {
        status,
        kind: Some(request.r#type).filter(|kind| !kind.is_empty()),
        subject: optional_id("subject", &request.subject)?,
        before: optional_id("saga", &request.before)?,
        limit: limit(request.limit),
    })
}

pub(super) fn saga(service: &str, saga: SagaView) -> proto::Saga {
    proto::Saga {
        id: saga.id.to_string(),
        r#type: saga.kind,
        status: saga.status.as_str().into(),
        subject: saga.subject.to_string(),
        steps: saga.steps.into_iter().map(step).collect(),
        reason: saga.reason.unwrap_or_default(),
        created_at: saga.created_at.0,
        updated_at: saga.updated_at.0,
        service: service.into(),
    }
}

fn step(step: StepView) -> proto::Step {
    proto::Step {
        name: step.name,
        status: step.status,
        attempts: step.attempts,
        error: step.error.unwrap_or_default(),
        started_at: step.started_at.map_or(0, |at| at.0),
        ended_at: step.ended_at.map_or(0, |at| at.0),
    }
}

pub(super) fn dead_letter(service: &str, letter: DeadLetter) -> proto::DeadLetter {
    proto::DeadLetter {
        id: letter.id.to_string(),
        subscriber: service.into(),
        source: letter.source,
        r#type: letter.kind,
        stream: letter.stream.to_string(),
        sequence: letter.sequence,
        error: letter.error,
        attempts: letter.attempts,
        created_at: letter.created_at.0,
        service: service.into(),
    }
}

pub(super) fn dead_letter_group(service: &str, group: Group) -> proto::DeadLetterGroup {
    proto::DeadLetterGroup {
        source: group.source,
        r#type: group.kind,
        error: group.error,
        count: group.count,
        since: group.since.0,
        service: service.into(),
    }
}

pub(super) fn dead_job(service: &str, job: DeadJob) -> proto::DeadJob {
    proto::DeadJob {
        id: job.id.to_string(),
        kind: job.kind,
        key: job.key,
        error: job.error,
        attempts: job.attempts,
        created_at: job.created_at.0,
        failed_at: job.failed_at.0,
        service: service.into(),
    }
}

pub(super) fn replay(replay: crate::events::Replay) -> proto::Replay {
    proto::Replay {
        id: replay.id.to_string(),
        per_second: replay.events_per_second(),
        seconds_left: replay.seconds_left(),
        events: replay.events,
        read_model: replay.model,
        status: replay.status.as_str().into(),
        position: replay.position,
        target: replay.target,
        error: replay.error.unwrap_or_default(),
    }
}
