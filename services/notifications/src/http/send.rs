//! Messages that administrators and other programs send, by template and variables.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use contracts::{NotificationId, Time, UserId};
use kit::http::{After, Json, Page, PageRequest, Path, Query, given, idempotency_key};
use kit::problem::FieldError;
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::domain::{Kind, Medium, Variables, Wanted, WrongVariable, check_variables, is_sendable};
use crate::store::{Audience, Bulk, BulkFailure, BulkRecipient};

/// The most people of one list.
const RECIPIENTS_MAX: usize = 1_000;

/// A message to one user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SendBody {
    /// Such as `announcement`.
    #[schema(example = "announcement")]
    template: String,
    user_id: UserId,
    /// All on which the template goes, where left out.
    channels: Option<Vec<Medium>>,
    /// What the template names, besides the reader's name and the shop's address.
    #[serde(default)]
    #[schema(value_type = Object)]
    variables: Variables,
}

/// What became of a message.
#[derive(Serialize, ToSchema)]
#[schema(as = SentNotification)]
pub(super) struct Sent {
    /// One for each channel.
    messages: Vec<SentOn>,
}

/// What became of a message on one channel.
#[derive(Serialize, ToSchema)]
struct SentOn {
    channel: Medium,
    /// Null where it was not sent.
    id: Option<NotificationId>,
    /// Why it was not: `turned_off` or `no_address`.
    skipped: Option<String>,
}

/// A message to everybody on a list.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BulkBody {
    #[schema(example = "announcement")]
    template: String,
    channels: Option<Vec<Medium>>,
    /// The same for all.
    #[serde(default)]
    #[schema(value_type = Object)]
    variables: Variables,
    /// 1 to 1,000.
    recipients: Vec<Recipient>,
}

/// Somebody on a list.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = BulkRecipient)]
struct Recipient {
    user_id: UserId,
    /// Besides those for all, or in their place.
    #[serde(default)]
    #[schema(value_type = Object)]
    variables: Variables,
}

/// A message to everybody.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BroadcastBody {
    #[schema(example = "announcement")]
    template: String,
    channels: Option<Vec<Medium>>,
    #[serde(default)]
    #[schema(value_type = Object)]
    variables: Variables,
    /// Only those with this role.
    #[schema(example = "vendor")]
    role: Option<String>,
}

/// A job that tells many.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BulkJob {
    id: Uuid,
    template: &'static str,
    /// list or everybody
    audience: &'static str,
    role: Option<&'static str>,
    /// running or completed
    status: &'static str,
    /// Null until they were counted.
    total: Option<i64>,
    /// How many it has gone through.
    done: i64,
    /// To how many a message goes.
    queued: i64,
    /// Who has turned such messages off.
    skipped: i64,
    /// Who could not be told; see `failures`.
    failed: i64,
    created_at: Time,
    updated_at: Time,
}

impl From<Bulk> for BulkJob {
    fn from(b: Bulk) -> BulkJob {
        let (audience, role) = match b.audience {
            Audience::List => ("list", None),
            Audience::Everybody(role) => ("everybody", role.map(Role::as_str)),
        };
        BulkJob {
            id: b.id,
            template: b.wanted.kind.as_str(),
            audience,
            role,
            status: if b.is_done { "completed" } else { "running" },
            total: b.total,
            done: b.done,
            queued: b.queued,
            skipped: b.skipped,
            failed: b.failed,
            created_at: b.created_at,
            updated_at: b.updated_at,
        }
    }
}

/// Somebody who could not be told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkFailure)]
pub(super) struct Failure {
    /// The place in the list, from 1.
    number: i64,
    user_id: UserId,
    /// unknown_user, no_address or invalid_variables
    code: String,
    detail: String,
    created_at: Time,
}

impl From<BulkFailure> for Failure {
    fn from(f: BulkFailure) -> Failure {
        Failure { number: f.number, user_id: f.user, code: f.code, detail: f.detail, created_at: f.created_at }
    }
}

/// Sends a message to one user, in the user's language. What the user has turned off is not sent.
#[utoipa::path(post, path = "/api/v1/notifications/send", tag = "notifications", request_body = SendBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses((status = 201, body = Sent), (status = 403), (status = 422)))]
pub(super) async fn send(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, raw): Json<SendBody>,
) -> Result<Response, Problem> {
    super::sender(&caller)?;
    let key = idempotency_key(&headers, &caller, "POST /notifications/send", &raw)?;
    let wanted = wanted(&body.template, body.channels, body.variables)?;
    refuse(check_variables(wanted.kind, &wanted.variables))?;
    given(app.send(body.user_id, wanted, key).await?)
}

/// Sends a message to everybody on a list: a job, whose answer says where it is looked at. Who cannot be told is
/// reported and holds nobody up.
#[utoipa::path(post, path = "/api/v1/notifications/bulk", tag = "notifications", request_body = BulkBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses((status = 201, body = BulkJob), (status = 403), (status = 422)))]
pub(super) async fn bulk(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, raw): Json<BulkBody>,
) -> Result<Response, Problem> {
    let by = super::sender(&caller)?.id;
    let key = idempotency_key(&headers, &caller, "POST /notifications/bulk", &raw)?;
    let wanted = wanted(&body.template, body.channels, body.variables)?;
    if !(1..=RECIPIENTS_MAX).contains(&body.recipients.len()) {
        let detail = format!("expected 1 to {RECIPIENTS_MAX}, found {}", body.recipients.len());
        return Err(Problem::invalid(vec![FieldError { pointer: "/recipients".into(), code: "invalid_count", detail }]));
    }
    let list = body.recipients.into_iter().map(|r| BulkRecipient { user: r.user_id, variables: r.variables }).collect();
    given(app.send_bulk(wanted, list, by, key, shown).await?)
}

/// Sends a message to everybody who has an account now, or to those with a role: a job as of `bulk`.
#[utoipa::path(post, path = "/api/v1/notifications/broadcast", tag = "notifications", request_body = BroadcastBody,
    params(("Idempotency-Key" = Option<String>, Header)), responses((status = 201, body = BulkJob), (status = 403), (status = 422)))]
pub(super) async fn broadcast(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, raw): Json<BroadcastBody>,
) -> Result<Response, Problem> {
    let by = super::sender(&caller)?.id;
    let key = idempotency_key(&headers, &caller, "POST /notifications/broadcast", &raw)?;
    let wanted = wanted(&body.template, body.channels, body.variables)?;
    refuse(check_variables(wanted.kind, &wanted.variables))?;
    let unknown =
        || Problem::invalid(vec![FieldError { pointer: "/role".into(), code: "unknown_role", detail: "there is no such role".into() }]);
    let role = body.role.map(|name| Role::parse(&name).ok_or_else(unknown)).transpose()?;
    given(app.broadcast(wanted, role, by, key, shown).await?)
}

/// How far a job is.
#[utoipa::path(get, path = "/api/v1/notifications/bulk/{id}", tag = "notifications", params(("id" = Uuid, Path)),
    responses((status = 200, body = BulkJob), (status = 403), (status = 404)))]
pub(super) async fn get_bulk(State(app): State<App>, caller: Caller, Path(id): Path<Uuid>) -> Result<axum::Json<BulkJob>, Problem> {
    super::sender(&caller)?;
    Ok(axum::Json(app.bulk(id).await?.into()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FailureParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// Whom a job could not tell and why, newest first.
#[utoipa::path(get, path = "/api/v1/notifications/bulk/{id}/failures", tag = "notifications", params(("id" = Uuid, Path), FailureParams),
    responses((status = 200, body = Page<Failure>), (status = 403), (status = 404)))]
pub(super) async fn bulk_failures(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(p): Query<FailureParams>,
) -> Result<axum::Json<Page<Failure>>, Problem> {
    super::sender(&caller)?;
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("failures {id}"))?;
    let rows = app.bulk_failures(id, page.clone()).await?;
    let page = page.page(rows, |f| After { time: f.created_at, id: f.id });
    Ok(axum::Json(Page { data: page.data.into_iter().map(Failure::from).collect(), next_cursor: page.next_cursor }))
}

fn wanted(template: &str, channels: Option<Vec<Medium>>, variables: Variables) -> Result<Wanted, Problem> {
    let wrong = |pointer: &str, code, detail| Problem::invalid(vec![FieldError { pointer: pointer.into(), code, detail }]);
    let sendable = || Kind::ALL.into_iter().filter(|k| is_sendable(*k)).map(Kind::as_str).collect::<Vec<_>>().join(", ");
    let kind = Kind::parse(template).filter(|k| is_sendable(*k));
    let kind = kind.ok_or_else(|| wrong("/template", "unknown_template", format!("expected one of {}", sendable())))?;
    let mut channels = channels.unwrap_or_else(|| kind.channels().to_vec());
    channels.sort_unstable();
    channels.dedup();
    if channels.is_empty() || channels.iter().any(|c| !kind.channels().contains(c)) {
        return Err(wrong("/channels", "unknown_channel", super::goes_on(kind)));
    }
    Ok(Wanted { kind, channels, variables })
}

fn refuse(wrong: Vec<WrongVariable>) -> Result<(), Problem> {
    // A name that is no name of ours is a member of the body: `~` and `/` are written as in RFC 6901.
    let pointer = |name: &str| format!("/variables/{}", name.replace('~', "~0").replace('/', "~1"));
    let field = |w: WrongVariable| FieldError { pointer: pointer(&w.name), code: w.code, detail: w.detail };
    if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong.into_iter().map(field).collect())) }
}

fn shown(bulk: Bulk) -> serde_json::Value {
    serde_json::json!(BulkJob::from(bulk))
}
