//! The caller's address book.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::Time;
use kit::http::{After, Ifs, Json, Page, PageRequest, Path, Query, idempotency_key, respond};
use kit::idempotency::Answer;
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::sessions::PageParams;
use super::{expects, from, tagged};
use crate::app::{App, Keyed};
use crate::domain::{Address, AddressForm};

/// An address as its owner writes it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddressBody {
    /// What its owner calls it, such as Home; up to 50 characters.
    label: Option<String>,
    /// Who receives; 1 to 200 characters.
    #[schema(example = "Rahim Uddin")]
    name: String,
    /// Whom the carrier calls; international.
    #[schema(example = "+8801712345678")]
    phone: String,
    /// Street and number; 1 to 200 characters.
    #[schema(example = "12 Lake Road")]
    line1: String,
    /// Floor, flat, landmark.
    line2: Option<String>,
    /// City or town; 1 to 100 characters.
    #[schema(example = "Dhaka")]
    city: String,
    /// Division, state, province.
    region: Option<String>,
    /// Up to 20 characters; some countries have none.
    postal_code: Option<String>,
    /// Two capital letters (ISO 3166-1).
    #[schema(example = "BD")]
    country: String,
    /// Whether it is filled in first at checkout. Left out: the first address is, others stay what they are.
    is_default: Option<bool>,
}

impl AddressBody {
    fn form(self) -> AddressForm {
        AddressForm {
            label: self.label,
            name: self.name,
            phone: self.phone,
            line1: self.line1,
            line2: self.line2,
            city: self.city,
            region: self.region,
            postal_code: self.postal_code,
            country: self.country,
            is_default: self.is_default,
        }
    }
}

/// An address in the caller's book.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressView {
    /// Which.
    id: Uuid,
    /// What its owner calls it.
    label: Option<String>,
    /// Who receives.
    name: String,
    /// E.164.
    phone: String,
    /// Street and number.
    line1: String,
    /// Floor, flat, landmark.
    line2: Option<String>,
    /// City or town.
    city: String,
    /// Division, state, province.
    region: Option<String>,
    /// Postal code.
    postal_code: Option<String>,
    /// ISO 3166-1.
    country: String,
    /// Whether it is filled in first at checkout.
    is_default: bool,
    /// When it was entered.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
}

impl AddressView {
    fn of(address: &Address) -> AddressView {
        let form = address.form.clone();
        AddressView {
            id: address.id,
            label: form.label,
            name: form.name,
            phone: form.phone,
            line1: form.line1,
            line2: form.line2,
            city: form.city,
            region: form.region,
            postal_code: form.postal_code,
            country: form.country,
            is_default: address.is_default,
            created_at: address.created_at,
            updated_at: address.updated_at,
        }
    }
}

/// The caller's addresses, newest first.
#[utoipa::path(get, path = "/api/v1/users/addresses", tag = "identity", params(PageParams),
    responses((status = 200, body = Page<AddressView>), (status = 401)))]
pub async fn list_addresses(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<PageParams>,
) -> Result<axum::Json<Page<AddressView>>, Problem> {
    let user = caller.user()?.id;
    let page = PageRequest::new(params.limit, params.cursor.as_deref(), &format!("addresses {user}"))?;
    let addresses = app.addresses(user, from(page.after), page.limit).await?;
    let views = addresses.iter().map(AddressView::of).collect();
    Ok(axum::Json(page.page(views, |v: &AddressView| After { time: v.created_at, id: v.id })))
}

/// Adds an address.
#[utoipa::path(post, path = "/api/v1/users/addresses", tag = "identity", request_body = AddressBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = AddressView), (status = 401), (status = 409), (status = 422)))]
pub async fn add_address(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, raw): Json<AddressBody>,
) -> Result<Response, Problem> {
    let user = caller.user()?.id;
    let key = idempotency_key(&headers, &caller, "POST /users/addresses", &raw)?;
    let (answer, replayed) = match app.add_address(user, body.form().check()?, key, created).await? {
        Keyed::Now(answer) => (answer, false),
        Keyed::Before(answer) => (answer, true),
    };
    Ok(respond(answer, replayed))
}

/// One of the caller's addresses.
#[utoipa::path(get, path = "/api/v1/users/addresses/{id}", tag = "identity", params(("id" = Uuid, Path)),
    responses((status = 200, body = AddressView), (status = 401), (status = 404)))]
pub async fn get_address(State(app): State<App>, caller: Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let address = app.address(caller.user()?.id, id).await?;
    Ok(tagged(address.version, AddressView::of(&address)))
}

/// Replaces one of the caller's addresses.
#[utoipa::path(put, path = "/api/v1/users/addresses/{id}", tag = "identity",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header)), request_body = AddressBody,
    responses((status = 200, body = AddressView), (status = 401), (status = 404), (status = 412), (status = 422)))]
pub async fn put_address(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    ifs: Ifs,
    Json(body, _): Json<AddressBody>,
) -> Result<Response, Problem> {
    let user = caller.user()?.id;
    let address = app.change_address(user, id, body.form().check()?, expects(ifs)).await?;
    Ok(tagged(address.version, AddressView::of(&address)))
}

/// Takes an address out of the caller's book.
#[utoipa::path(delete, path = "/api/v1/users/addresses/{id}", tag = "identity", params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 401), (status = 404), (status = 412)))]
pub async fn delete_address(State(app): State<App>, caller: Caller, Path(id): Path<Uuid>, ifs: Ifs) -> Result<StatusCode, Problem> {
    app.delete_address(caller.user()?.id, id, expects(ifs)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn created(address: &Address) -> Answer {
    let body = serde_json::to_vec(&AddressView::of(address)).expect("a struct of strings is JSON");
    Answer { status: 201, location: Some(format!("/api/v1/users/addresses/{}", address.id)), body }
}
