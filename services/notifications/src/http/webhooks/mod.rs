//! Webhooks: addresses that are told of events.

pub(super) mod deliveries;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use contracts::{Time, VendorId, WebhookId};
use kit::http::{After, Json, Page, PageRequest, Path, Query};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::webhook_owner;
use crate::app::{App, Made, WebhookChange};
use crate::domain::webhook::DisabledReason;
use crate::store::Webhook as Row;

/// An address that is told of events, by the Standard Webhooks specification.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhook {
    id: WebhookId,
    /// Whose: the store, or null for the marketplace.
    vendor_id: Option<VendorId>,
    url: String,
    description: String,
    /// Types such as `order.confirmed`, families such as `order.*`, or `*`.
    event_types: Vec<String>,
    enabled: bool,
    /// Why it is disabled: owner, gone (it answered 410) or failing (for days); null where it is enabled.
    disabled_reason: Option<DisabledReason>,
    /// Since when it has done nothing but fail.
    failing_since: Option<Time>,
    /// Until when the secret before the present one signs too; null where there is none.
    old_secret_until: Option<Time>,
    created_at: Time,
    updated_at: Time,
}

/// A webhook with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: Webhook,
    /// `whsec_` and base64.
    secret: String,
}

impl From<Row> for Webhook {
    fn from(row: Row) -> Webhook {
        Webhook {
            id: row.id,
            vendor_id: row.owner.store(),
            url: row.wanted.url,
            description: row.wanted.description,
            event_types: row.wanted.filter.entries().to_vec(),
            enabled: row.wanted.enabled,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since,
            old_secret_until: row.old_secret_until,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Made> for WebhookWithSecret {
    fn from(made: Made) -> WebhookWithSecret {
        WebhookWithSecret { webhook: made.webhook.into(), secret: made.secret }
    }
}

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WebhookBody {
    /// An https:// address on the open internet.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    /// Everything that concerns its owner where left out.
    event_types: Option<Vec<String>>,
    /// At most 200 characters.
    description: Option<String>,
    /// True where left out.
    enabled: Option<bool>,
    /// Of which store, where the caller has several.
    vendor_id: Option<VendorId>,
}

/// What is to be another; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WebhookChangeBody {
    url: Option<String>,
    event_types: Option<Vec<String>>,
    description: Option<String>,
    enabled: Option<bool>,
}

/// Registers an address. A store's is told of its own parts of orders, an administrator's of everything. The secret is in
/// this answer only.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks", request_body = WebhookBody,
    responses((status = 201, body = WebhookWithSecret), (status = 403), (status = 409, description = "too_many_webhooks"), (status = 422)))]
pub(super) async fn create_webhook(
    State(app): State<App>,
    caller: Caller,
    Json(body, _): Json<WebhookBody>,
) -> Result<impl IntoResponse + use<>, Problem> {
    webhook_owner(&caller)?;
    let (url, description) = (Some(body.url), body.description);
    let change = WebhookChange { url, description, event_types: body.event_types, enabled: body.enabled };
    let made: WebhookWithSecret = app.make_webhook(&caller, body.vendor_id, change).await?.into();
    let location = format!("/api/v1/webhooks/{}", made.webhook.id);
    Ok((StatusCode::CREATED, [("location", location)], axum::Json(made)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WebhookParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// The caller's webhooks, newest first: those of their stores, and for an administrator the marketplace's.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks",
    params(WebhookParams), responses((status = 200, body = Page<Webhook>), (status = 403)))]
pub(super) async fn list_webhooks(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<WebhookParams>,
) -> Result<axum::Json<Page<Webhook>>, Problem> {
    webhook_owner(&caller)?;
    let owners = app.owners(&caller).await?;
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("webhooks {owners:?}"))?;
    let rows = app.webhooks(owners, page.clone()).await?;
    let page = page.page(rows, |w| After { time: w.created_at, id: w.id.0 });
    Ok(axum::Json(Page { data: page.data.into_iter().map(Webhook::from).collect(), next_cursor: page.next_cursor }))
}

/// One webhook.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 200, body = Webhook), (status = 403), (status = 404)))]
pub(super) async fn get_webhook(State(app): State<App>, caller: Caller, Path(id): Path<WebhookId>) -> Result<axum::Json<Webhook>, Problem> {
    webhook_owner(&caller)?;
    Ok(axum::Json(app.webhook(&caller, id).await?.into()))
}

/// Changes a webhook. One that was disabled and is enabled begins with a clean record.
#[utoipa::path(put, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)), request_body = WebhookChangeBody,
    responses((status = 200, body = Webhook), (status = 403), (status = 404), (status = 422)))]
pub(super) async fn put_webhook(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WebhookId>,
    Json(body, _): Json<WebhookChangeBody>,
) -> Result<axum::Json<Webhook>, Problem> {
    webhook_owner(&caller)?;
    let change = WebhookChange { url: body.url, description: body.description, event_types: body.event_types, enabled: body.enabled };
    Ok(axum::Json(app.change_webhook(&caller, id, change).await?.into()))
}

/// Forgets a webhook; what was on its way there is not sent.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
pub(super) async fn delete_webhook(State(app): State<App>, caller: Caller, Path(id): Path<WebhookId>) -> Result<StatusCode, Problem> {
    webhook_owner(&caller)?;
    app.delete_webhook(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives it a new secret, which is in this answer only. For 24 hours the one before signs too.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/rotate-secret", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 200, body = WebhookWithSecret), (status = 403), (status = 404)))]
pub(super) async fn rotate_secret(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WebhookId>,
) -> Result<axum::Json<WebhookWithSecret>, Problem> {
    webhook_owner(&caller)?;
    Ok(axum::Json(app.rotate_secret(&caller, id).await?.into()))
}
