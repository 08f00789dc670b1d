//! What operators see and mend, over all services.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use contracts::Time;
use contracts::proto::operator as proto;
use kit::Problem;
use kit::http::{Json, Page, Path, Query};
use kit::saga::Status;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use crate::operators::Merged;

/// A saga.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Saga {
    id: String,
    service: String,
    r#type: String,
    /// `running`, `waiting`, `completed`, `compensating`, `compensated` or `stuck`.
    status: String,
    /// What it is about, such as an order.
    subject: String,
    /// Why it is stuck or was unwound.
    reason: Option<String>,
    steps: Vec<Step>,
    created_at: Time,
    updated_at: Time,
}

/// A step of a saga, with how often it was tried.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    name: String,
    status: String,
    attempts: i64,
    error: Option<String>,
    started_at: Option<Time>,
    ended_at: Option<Time>,
}

/// An event that a service could not take in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    id: String,
    service: String,
    subscriber: String,
    source: String,
    r#type: String,
    stream: String,
    sequence: i64,
    error: String,
    attempts: i64,
    created_at: Time,
}

/// A job that failed for good.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadJob {
    id: String,
    service: String,
    kind: String,
    /// Mostly the id of what it is about.
    key: String,
    error: String,
    attempts: i64,
    created_at: Time,
    failed_at: Time,
}

/// A read model that is built anew.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    id: String,
    read_model: String,
    /// `running`, `done`, `failed` or `cancelled`.
    status: String,
    /// How far it has come in the log.
    position: i64,
    /// Where the log ended when it began.
    target: i64,
    /// Taken in so far.
    events: i64,
    per_second: f64,
    /// At the pace so far; null while there is none.
    seconds_left: Option<f64>,
    /// Why it does not go on; while it is running it is tried again by itself.
    error: Option<String>,
}

/// Which sagas.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SagaQuery {
    /// In this state.
    #[param(inline)]
    status: Option<Status>,
    r#type: Option<String>,
    subject: Option<Uuid>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Which read model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReplay {
    /// As services name them, such as `orders`.
    read_model: String,
}

/// Sagas of all services, newest first.
#[utoipa::path(get, path = "/api/v1/sagas", params(SagaQuery), responses((status = 200, body = Page<Saga>)))]
pub async fn list_sagas(State(app): State<App>, Query(query): Query<SagaQuery>) -> Result<Response, Problem> {
    let SagaQuery { status, r#type, subject, limit, cursor } = query;
    let wanted = proto::ListSagasRequest {
        status: status.map(|s| s.as_str().to_owned()).unwrap_or_default(),
        r#type: r#type.unwrap_or_default(),
        subject: subject.map(|s| s.to_string()).unwrap_or_default(),
        ..proto::ListSagasRequest::default()
    };
    let found = app.operators.sagas(wanted, limit, cursor.as_deref()).await?;
    Ok(list(found, Saga::from))
}

/// One saga.
#[utoipa::path(get, path = "/api/v1/sagas/{id}", responses((status = 200, body = Saga)))]
pub async fn get_saga(State(app): State<App>, Path(id): Path<Uuid>) -> Result<axum::Json<Saga>, Problem> {
    Ok(axum::Json(app.operators.saga(id).await?.into()))
}

/// Takes up a stuck saga where it stopped.
#[utoipa::path(post, path = "/api/v1/sagas/{id}/retry", responses((status = 200, body = Saga)))]
pub async fn retry_saga(State(app): State<App>, Path(id): Path<Uuid>) -> Result<axum::Json<Saga>, Problem> {
    Ok(axum::Json(app.operators.retry_saga(id).await?.into()))
}

/// Unwinds a saga that has not passed its pivot.
#[utoipa::path(post, path = "/api/v1/sagas/{id}/compensate", responses((status = 200, body = Saga)))]
pub async fn compensate_saga(State(app): State<App>, Path(id): Path<Uuid>) -> Result<axum::Json<Saga>, Problem> {
    Ok(axum::Json(app.operators.compensate_saga(id).await?.into()))
}

/// Dead letters of all services, newest first. Those of one event stand on one page, which may be longer by them.
#[utoipa::path(get, path = "/api/v1/dead-letters", params(PageQuery), responses((status = 200, body = Page<DeadLetter>)))]
pub async fn list_dead_letters(State(app): State<App>, Query(query): Query<PageQuery>) -> Result<Response, Problem> {
    let found = app.operators.dead_letters(query.limit, query.cursor.as_deref()).await?;
    Ok(list(found, DeadLetter::from))
}

/// Delivers a dead letter again.
#[utoipa::path(post, path = "/api/v1/dead-letters/{id}/retry", responses((status = 204, description = "It is queued.")))]
pub async fn retry_dead_letter(State(app): State<App>, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    app.operators.retry_dead_letter(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Gives a dead letter up; later events of its stream go on.
#[utoipa::path(post, path = "/api/v1/dead-letters/{id}/discard", responses((status = 204, description = "It is gone.")))]
pub async fn discard_dead_letter(State(app): State<App>, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    app.operators.discard_dead_letter(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Jobs of all services that failed for good, newest first.
#[utoipa::path(get, path = "/api/v1/dead-jobs", params(PageQuery), responses((status = 200, body = Page<DeadJob>)))]
pub async fn list_dead_jobs(State(app): State<App>, Query(query): Query<PageQuery>) -> Result<Response, Problem> {
    let found = app.operators.dead_jobs(query.limit, query.cursor.as_deref()).await?;
    Ok(list(found, DeadJob::from))
}

/// Tries a dead job again.
#[utoipa::path(post, path = "/api/v1/dead-jobs/{id}/retry", responses((status = 204, description = "It is queued.")))]
pub async fn retry_dead_job(State(app): State<App>, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    app.operators.retry_dead_job(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Gives a dead job up: what it was to do is never done.
#[utoipa::path(post, path = "/api/v1/dead-jobs/{id}/discard", responses((status = 204, description = "It is gone.")))]
pub async fn discard_dead_job(State(app): State<App>, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    app.operators.discard_dead_job(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Builds a read model anew from the log.
#[utoipa::path(post, path = "/api/v1/replays", request_body = NewReplay, responses((status = 201, body = Replay)))]
pub async fn start_replay(State(app): State<App>, Json(body, _): Json<NewReplay>) -> Result<Response, Problem> {
    let replay = app.operators.start_replay(&body.read_model).await?;
    let location = [("location", format!("/api/v1/replays/{}", replay.id))];
    Ok((StatusCode::CREATED, location, axum::Json(Replay::from(replay))).into_response())
}

/// How far a replay is.
#[utoipa::path(get, path = "/api/v1/replays/{id}", responses((status = 200, body = Replay)))]
pub async fn get_replay(State(app): State<App>, Path(id): Path<Uuid>) -> Result<axum::Json<Replay>, Problem> {
    Ok(axum::Json(app.operators.replay(id).await?.into()))
}

/// Ends a replay that is built beside the model in use; what it has not put in place stays as it is.
#[utoipa::path(post, path = "/api/v1/replays/{id}/cancel", responses((status = 200, body = Replay)))]
pub async fn cancel_replay(State(app): State<App>, Path(id): Path<Uuid>) -> Result<axum::Json<Replay>, Problem> {
    Ok(axum::Json(app.operators.cancel_replay(id).await?.into()))
}

/// A page, and which services could not be asked.
fn list<P, T: From<P> + Serialize>(found: Merged<P>, present: fn(P) -> T) -> Response {
    let data: Vec<T> = found.rows.into_iter().map(present).collect();
    let mut body = serde_json::json!({"data": data, "nextCursor": found.next_cursor});
    if !found.unavailable.is_empty() {
        body["unavailable"] = serde_json::json!(found.unavailable);
    }
    axum::Json(body).into_response()
}

impl From<proto::Saga> for Saga {
    fn from(s: proto::Saga) -> Saga {
        Saga {
            id: s.id,
            service: s.service,
            r#type: s.r#type,
            status: s.status,
            subject: s.subject,
            reason: text(s.reason),
            steps: s.steps.into_iter().map(Step::from).collect(),
            created_at: Time(s.created_at),
            updated_at: Time(s.updated_at),
        }
    }
}

impl From<proto::Step> for Step {
    fn from(s: proto::Step) -> Step {
        let (started_at, ended_at) = (moment(s.started_at), moment(s.ended_at));
        Step { name: s.name, status: s.status, attempts: s.attempts, error: text(s.error), started_at, ended_at }
    }
}

impl From<proto::DeadLetter> for DeadLetter {
    fn from(d: proto::DeadLetter) -> DeadLetter {
        DeadLetter {
            id: d.id,
            service: d.service,
            subscriber: d.subscriber,
            source: d.source,
            r#type: d.r#type,
            stream: d.stream,
            sequence: d.sequence,
            error: d.error,
            attempts: d.attempts,
            created_at: Time(d.created_at),
        }
    }
}

impl From<proto::DeadJob> for DeadJob {
    fn from(j: proto::DeadJob) -> DeadJob {
        DeadJob {
            id: j.id,
            service: j.service,
            kind: j.kind,
            key: j.key,
            error: j.error,
            attempts: j.attempts,
            created_at: Time(j.created_at),
            failed_at: Time(j.failed_at),
        }
    }
}

impl From<proto::Replay> for Replay {
    fn from(r: proto::Replay) -> Replay {
        Replay {
            id: r.id,
            read_model: r.read_model,
            status: r.status,
            position: r.position,
            target: r.target,
            events: r.events,
            per_second: r.per_second,
            seconds_left: r.seconds_left,
            error: text(r.error),
        }
    }
}

/// An empty text stands for none in protocol buffers.
fn text(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

/// Zero stands for never in protocol buffers.
fn moment(micros: i64) -> Option<Time> {
    Some(micros).filter(|m| *m != 0).map(Time)
}
