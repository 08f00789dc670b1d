//! The hosted page, what it posts, and the provider's record. Development only.

mod page;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use contracts::{Money, PaymentId, Time};
use kit::Problem;
use kit::http::{Path, Routes, Who};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::domain::Answer;
use crate::store;

/// Every route of the sandbox.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("sandbox")
        .add(Who::Public, routes!(show_page))
        .add_limited(Who::Public, 1024, 30, routes!(answer))
        .add(Who::Public, routes!(list_charges))
        .add(Who::Public, routes!(list_charges_of_api))
}

/// Where a person approves or declines.
#[utoipa::path(get, path = "/sandbox/pay/{token}", tag = "sandbox", params(("token" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 404)))]
async fn show_page(State(app): State<App>, Path(token): Path<String>) -> Result<Response, Problem> {
    let session = app.page(token).await?;
    let mut response = Html(page::render(&session)).into_response();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What the browser is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Answered {
    /// approved, declined or pending.
    status: &'static str,
    /// Where the payer goes on.
    redirect_url: String,
}

/// The payer's answer: `approve`, `decline` or `timeout`, once. A form gets a redirect, a program JSON.
#[utoipa::path(post, path = "/sandbox/pay/{token}/{answer}", tag = "sandbox", params(("token" = String, Path), ("answer" = String, Path)),
    responses((status = 200, body = Answered), (status = 303), (status = 404), (status = 409)))]
async fn answer(State(app): State<App>, Path((token, answer)): Path<(String, String)>, headers: HeaderMap) -> Result<Response, Problem> {
    let answer = Answer::parse(&answer).ok_or_else(|| Problem::not_found("answer: expected approve, decline or timeout"))?;
    let told = app.answer(token, answer).await?;
    if is_form(&headers) {
        return Ok(Redirect::to(&told.redirect_url).into_response());
    }
    Ok((StatusCode::OK, axum::Json(Answered { status: told.status, redirect_url: told.redirect_url })).into_response())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/form-data")
}

/// What the sandbox took, and gave back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Charge {
    /// The charge.
    id: Uuid,
    /// The merchant's payment.
    payment_id: PaymentId,
    /// What was taken.
    amount: Money,
    /// What was given back.
    refunded: Money,
    /// succeeded, partially_refunded or refunded.
    status: &'static str,
    /// When it was taken.
    created_at: Time,
}

impl From<store::Charge> for Charge {
    fn from(row: store::Charge) -> Charge {
        let status = match row.refunded {
            0 => "succeeded",
            all if all == row.amount.amount => "refunded",
            _ => "partially_refunded",
        };
        let refunded = Money::new(row.refunded, row.amount.currency);
        Charge { id: row.id, payment_id: row.payment_id, amount: row.amount, refunded, status, created_at: row.created_at }
    }
}

#[derive(Serialize, ToSchema)]
struct Charges {
    data: Vec<Charge>,
}

/// The provider's own record: every charge, newest first.
#[utoipa::path(get, path = "/sandbox/charges", tag = "sandbox", responses((status = 200, body = Charges)))]
async fn list_charges(State(app): State<App>) -> Result<axum::Json<Charges>, Problem> {
    Ok(axum::Json(Charges { data: app.charges().await?.into_iter().map(Charge::from).collect() }))
}

/// As `/sandbox/charges`, beside the rest of the API.
#[utoipa::path(get, path = "/api/v1/sandbox/charges", tag = "sandbox", responses((status = 200, body = Charges)))]
async fn list_charges_of_api(state: State<App>) -> Result<axum::Json<Charges>, Problem> {
    list_charges(state).await
}
