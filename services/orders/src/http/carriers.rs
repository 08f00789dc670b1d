//! What carriers tell by themselves, and the inbox where it is kept.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use contracts::Time;
use kit::http::{After, Page, PageRequest, Path, Query};
use kit::webhook::inbox;
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::domain::{CarrierStatus, ReportBody, Verdict, carrier_key};
use crate::store::{ArrivedFilter, ArrivedRow};

/// That a message was taken in.
#[derive(Serialize, ToSchema)]
pub(super) struct CarrierReceipt {
    /// Always true.
    received: bool,
}

/// A carrier's message about a parcel: believed by its signature alone (Standard Webhooks), taken in once by its
/// `webhook-id`. One about a number that is not known here yet is kept until it is.
#[utoipa::path(post, path = "/api/v1/shipping/webhooks/{carrier}", tag = "orders",
    params(("carrier" = String, Path), ("webhook-id" = String, Header), ("webhook-timestamp" = String, Header), ("webhook-signature" = String, Header)),
    request_body = ReportBody,
    responses((status = 200, body = CarrierReceipt), (status = 400, description = "malformed"), (status = 401), (status = 404)))]
pub(super) async fn receive_carrier_webhook(
    State(app): State<App>,
    Path(carrier): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<CarrierReceipt>, Problem> {
    app.carrier_webhook(&carrier, &headers, &body).await?;
    Ok(axum::Json(CarrierReceipt { received: true }))
}

/// A carrier's message as it came, and what became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CarrierMessage {
    id: Uuid,
    /// As carriers are compared: small letters, `-` between words.
    carrier: String,
    /// The carrier's own id of it; null where nobody vouched for it.
    message_id: Option<String>,
    /// Null where it could not be read.
    status: Option<CarrierStatus>,
    /// Of the parcel, as numbers are compared: in small letters.
    number: Option<String>,
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

impl From<ArrivedRow> for CarrierMessage {
    fn from(row: ArrivedRow) -> CarrierMessage {
        let arrived = row.arrived;
        let message_id = arrived.message.as_deref().map(inbox::own_id);
        CarrierMessage {
            id: row.id,
            carrier: arrived.carrier,
            message_id,
            status: arrived.status,
            number: arrived.number,
            verdict: row.verdict,
            detail: row.detail,
            headers: arrived.headers,
            body: String::from_utf8_lossy(&arrived.body).into_owned(),
            received_at: row.received_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CarrierMessageParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// Only these.
    verdict: Option<Verdict>,
    /// Of this carrier only.
    carrier: Option<String>,
    /// About this parcel only.
    number: Option<String>,
}

/// What carriers told us in the last 30 days, newest first.
#[utoipa::path(get, path = "/api/v1/shipping/webhooks", tag = "orders", params(CarrierMessageParams),
    responses((status = 200, body = Page<CarrierMessage>), (status = 403)))]
pub(super) async fn list_carrier_messages(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<CarrierMessageParams>,
) -> Result<axum::Json<Page<CarrierMessage>>, Problem> {
    admin(&caller)?;
    let filter = ArrivedFilter { verdict: p.verdict, carrier: p.carrier.as_deref().map(carrier_key), number: p.number };
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("carrier messages {filter:?}"))?;
    let rows = app.carrier_messages(filter, page.clone()).await?;
    let page = page.page(rows, |m| After { time: m.received_at, id: m.id });
    Ok(axum::Json(Page { data: page.data.into_iter().map(CarrierMessage::from).collect(), next_cursor: page.next_cursor }))
}

/// Handles a message once more, as it came; what it did before it does not do twice. The answer says what became of it.
#[utoipa::path(post, path = "/api/v1/shipping/webhooks/{id}/replay", tag = "orders", params(("id" = Uuid, Path)),
    responses((status = 200, body = CarrierMessage), (status = 403), (status = 404), (status = 409, description = "not_verified")))]
pub(super) async fn replay_carrier_message(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<CarrierMessage>, Problem> {
    admin(&caller)?;
    Ok(axum::Json(app.replay_carrier_message(id).await?.into()))
}

/// A carrier that may tell something, for trying it out.
#[derive(Serialize, ToSchema)]
pub(super) struct DevelopmentCarrier {
    /// As a store writes it, however the letters are and with spaces in place of `-`.
    name: String,
    /// Where it tells.
    url: String,
    /// What it signs with.
    secret: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct DevelopmentCarriers {
    data: Vec<DevelopmentCarrier>,
}

/// An invented carrier with what it signs with, so that one can speak for it. Development only.
#[utoipa::path(get, path = "/dev/carriers", tag = "development", responses((status = 200, body = DevelopmentCarriers)))]
pub(super) async fn list_development_carriers(State(app): State<App>) -> axum::Json<DevelopmentCarriers> {
    let carrier = |(name, secret): (&str, &kit::webhook::Secret)| DevelopmentCarrier {
        name: name.to_owned(),
        url: format!("{}/api/v1/shipping/webhooks/{name}", app.public_url),
        secret: secret.to_text(),
    };
    axum::Json(DevelopmentCarriers { data: app.carriers.invented().map(carrier).into_iter().collect() })
}

fn admin(caller: &Caller) -> Result<(), Problem> {
    if caller.has(&[Role::Admin]) { Ok(()) } else { Err(Problem::forbidden("this is for administrators")) }
}
