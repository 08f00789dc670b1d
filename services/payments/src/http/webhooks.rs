//! What providers tell us by themselves, and the inbox where it is kept.

use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use contracts::{PaymentId, Time};
use kit::http::{After, Page, PageRequest, Path, Query};
use kit::webhook::inbox;
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::admin;
use crate::app::App;
use crate::domain::Verdict;
use crate::store::{WebhookFilter, WebhookRow};

/// That a message was taken in.
#[derive(Serialize, ToSchema)]
pub(super) struct Received {
    /// Always true.
    received: bool,
}

/// A provider's message: believed by its signature alone, taken in once.
#[utoipa::path(post, path = "/api/v1/payments/webhooks/{provider}", tag = "payments",
    params(("provider" = String, Path)), request_body(content = String, description = "As the provider sends it", content_type = "application/json"),
    responses((status = 200, body = Received), (status = 400), (status = 401), (status = 404)))]
pub(super) async fn receive_webhook(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<Received>, Problem> {
    match provider.as_str() {
        "sandbox" => app.sandbox_webhook(&headers, &body).await?,
        _ => return Err(Problem::not_found("payment provider")),
    }
    Ok(axum::Json(Received { received: true }))
}

/// A provider's message as it came, and what became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhook {
    id: Uuid,
    provider: String,
    /// The provider's own id of it; null where nobody vouched for it.
    message_id: Option<String>,
    /// Such as `charge.succeeded`; null where it could not be read.
    kind: Option<String>,
    payment_id: Option<PaymentId>,
    verdict: Verdict,
    /// Why it was not applied.
    detail: Option<String>,
    /// Those that say who sent it and when.
    #[schema(value_type = Object)]
    headers: Json,
    /// As it came; cut where nobody vouched for it.
    body: String,
    received_at: Time,
    /// When it was handled last.
    updated_at: Time,
}

impl From<WebhookRow> for Webhook {
    fn from(row: WebhookRow) -> Webhook {
        let message_id = row.message.as_deref().map(inbox::own_id);
        Webhook {
            id: row.id,
            provider: row.provider,
            message_id,
            kind: row.kind,
            payment_id: row.payment_id,
            verdict: row.verdict,
            detail: row.detail,
            headers: row.headers,
            body: String::from_utf8_lossy(&row.body).into_owned(),
            received_at: row.received_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WebhookParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// Only these.
    verdict: Option<Verdict>,
    /// About this payment only.
    payment_id: Option<PaymentId>,
}

/// What providers told us in the last 30 days, newest first.
#[utoipa::path(get, path = "/api/v1/payments/webhooks", tag = "payments", params(WebhookParams),
    responses((status = 200, body = Page<Webhook>), (status = 403)))]
pub(super) async fn list_webhooks(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<WebhookParams>,
) -> Result<axum::Json<Page<Webhook>>, Problem> {
    admin(&caller)?;
    let filter = WebhookFilter { verdict: p.verdict, payment_id: p.payment_id };
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("webhooks {filter:?}"))?;
    let rows = app.webhooks(filter, page.clone()).await?;
    let page = page.page(rows, |w| After { time: w.received_at, id: w.id });
    Ok(axum::Json(Page { data: page.data.into_iter().map(Webhook::from).collect(), next_cursor: page.next_cursor }))
}

/// Handles a message once more, as it came; what it did before it does not do twice. The answer says what became of it.
#[utoipa::path(post, path = "/api/v1/payments/webhooks/{id}/replay", tag = "payments", params(("id" = Uuid, Path)),
    responses((status = 200, body = Webhook), (status = 403), (status = 404), (status = 409, description = "not_verified")))]
pub(super) async fn replay_webhook(State(app): State<App>, caller: Caller, Path(id): Path<Uuid>) -> Result<axum::Json<Webhook>, Problem> {
    admin(&caller)?;
    Ok(axum::Json(app.replay_webhook(id).await?.into()))
}
