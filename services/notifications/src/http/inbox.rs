//! What somebody signed in sees of their messages.

use axum::extract::State;
use contracts::{NotificationId, OrderId, Time, UserId};
use kit::http::{After, Page, PageRequest, Path, Query};
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::Medium;
use crate::store::Message;

/// Who may read everybody's messages.
pub(super) const READERS: &[Role] = &[Role::Support, Role::Admin];

/// A message to somebody.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notification {
    id: NotificationId,
    /// What it is about, such as `order.confirmed`.
    kind: String,
    /// in_app or email.
    channel: String,
    /// Where its way to the outside stands: pending, failed, sent or dead; null within the application.
    status: Option<String>,
    /// One line.
    title: String,
    /// Plain text.
    body: String,
    /// The order, where it is about one.
    order_id: Option<OrderId>,
    /// Null until it is read.
    read_at: Option<Time>,
    created_at: Time,
}

impl From<Message> for Notification {
    fn from(m: Message) -> Notification {
        Notification {
            id: m.id,
            kind: m.kind,
            channel: m.channel,
            status: m.status,
            title: m.title,
            body: m.body,
            order_id: m.order_id,
            read_at: m.read_at,
            created_at: m.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// Only what is not read yet.
    #[serde(default)]
    unread: bool,
}

/// The caller's messages within the application, newest first.
#[utoipa::path(get, path = "/api/v1/notifications", tag = "notifications", params(ListParams),
    responses((status = 200, body = Page<Notification>)))]
pub(super) async fn list_notifications(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<ListParams>,
) -> Result<axum::Json<Page<Notification>>, Problem> {
    answer(&app, caller.user()?.id, Some(Medium::InApp), p).await
}

/// All that the caller was told, on every channel, newest first.
#[utoipa::path(get, path = "/api/v1/notifications/history", tag = "notifications", params(ListParams),
    responses((status = 200, body = Page<Notification>)))]
pub(super) async fn history(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<ListParams>,
) -> Result<axum::Json<Page<Notification>>, Problem> {
    answer(&app, caller.user()?.id, None, p).await
}

/// Somebody's messages: their own, or anybody's for support.
#[utoipa::path(get, path = "/api/v1/notifications/user/{userId}", tag = "notifications", params(("userId" = UserId, Path), ListParams),
    responses((status = 200, body = Page<Notification>), (status = 404)))]
pub(super) async fn list_notifications_of_user(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<UserId>,
    Query(p): Query<ListParams>,
) -> Result<axum::Json<Page<Notification>>, Problem> {
    if caller.user()?.id != user && !caller.has(READERS) {
        return Err(Problem::not_found("user"));
    }
    answer(&app, user, Some(Medium::InApp), p).await
}

async fn answer(app: &App, user: UserId, channel: Option<Medium>, p: ListParams) -> Result<axum::Json<Page<Notification>>, Problem> {
    let filters = format!("notifications {user} {channel:?} {}", p.unread);
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &filters)?;
    let rows = app.messages(user, channel, p.unread, page.clone()).await?;
    let page = page.page(rows, |m| After { time: m.created_at, id: m.id.0 });
    Ok(axum::Json(Page { data: page.data.into_iter().map(Notification::from).collect(), next_cursor: page.next_cursor }))
}

/// Marks a message as read. One that was read keeps its time.
#[utoipa::path(put, path = "/api/v1/notifications/{id}/read", tag = "notifications", params(("id" = NotificationId, Path)),
    responses((status = 200, body = Notification), (status = 404)))]
pub(super) async fn mark_read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<NotificationId>,
) -> Result<axum::Json<Notification>, Problem> {
    Ok(axum::Json(app.mark_read(caller.user()?.id, id).await?.into()))
}

/// How many messages were marked.
#[derive(Serialize, ToSchema)]
pub(super) struct Marked {
    /// Those that had not been read.
    marked: i64,
}

/// Marks all of the caller's messages as read.
#[utoipa::path(post, path = "/api/v1/notifications/read-all", tag = "notifications", responses((status = 200, body = Marked)))]
pub(super) async fn mark_all_read(State(app): State<App>, caller: Caller) -> Result<axum::Json<Marked>, Problem> {
    Ok(axum::Json(Marked { marked: app.mark_all_read(caller.user()?.id).await? }))
}
