//! Many products at once: a file is sent, and a job goes through it.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contracts::files::RowError;
use contracts::{Currency, Time, VendorId};
use kit::http::{After, Page, PageRequest, Path, Query, idempotency_key};
use kit::{Caller, Problem};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use uuid::Uuid;

use super::products::owner;
use super::{given, seller};
use crate::app::App;
use crate::domain::{Format, UPLOAD_BYTES_MAX, Unreadable, UploadJob, read_upload};
use crate::store::Mistake;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadParams {
    /// Into which store; may be left out by a user with one store.
    vendor_id: Option<VendorId>,
    /// Nothing is changed: the job counts what would be done, and reports what could not be.
    #[serde(default)]
    dry_run: bool,
    /// Of prices that do not say; BDT where left out. JSON says it with each price.
    currency: Option<Currency>,
}

/// Adds and changes products of a store by handle, from a file of at most 8 MiB and 5,000 products: CSV with a row per
/// variant, or a product as JSON in each line. A job goes through it; the answer says where it is looked at.
#[utoipa::path(post, path = "/api/v1/products/bulk", tag = "catalog", params(UploadParams, ("Idempotency-Key" = Option<String>, Header)),
    request_body(content((String = "text/csv"), (String = "application/x-ndjson"))),
    responses((status = 202, body = UploadJob), (status = 404), (status = 413), (status = 415),
        (status = 422, description = "invalid_file, empty_file, too_many_products")))]
pub(super) async fn upload(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(p): Query<UploadParams>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let format = format(&headers)?;
    let bytes = body.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("a file has at most {UPLOAD_BYTES_MAX} bytes"))
        }
        _ => Problem::bad_request("body_unreadable", "the body ended early or could not be read"),
    })?;
    let currency = p.currency.unwrap_or(Currency::BDT);
    let digest: Vec<u8> = Sha256::digest(&bytes).to_vec();
    let meant = json!([p.vendor_id, currency, format.as_str(), p.dry_run, digest]);
    let key = idempotency_key(&headers, &caller, "POST /products/bulk", &meant)?;
    let owner = owner(&app, &caller, p.vendor_id).await?;
    let upload = read_upload(format, &bytes, currency).map_err(|e| {
        let code = match e {
            Unreadable::Header(_) | Unreadable::Nul(_) => "invalid_file",
            Unreadable::Empty => "empty_file",
            Unreadable::TooMany => "too_many_products",
        };
        Problem::unprocessable(code, e.to_string())
    })?;
    given(app.start_upload(owner, format, upload, p.dry_run, key).await?)
}

fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "text/csv" => Ok(Format::Csv),
        "application/x-ndjson" => Ok(Format::JsonLines),
        found => {
            let text = format!("a file is text/csv or application/x-ndjson, found {found:?}");
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text))
        }
    }
}

/// How far a file is.
#[utoipa::path(get, path = "/api/v1/products/bulk/{jobId}", tag = "catalog", params(("jobId" = Uuid, Path)),
    responses((status = 200, body = UploadJob), (status = 404)))]
pub(super) async fn get_upload(State(app): State<App>, caller: Caller, Path(id): Path<Uuid>) -> Result<axum::Json<UploadJob>, Problem> {
    let seller = seller(&app, &caller).await?;
    Ok(axum::Json(app.upload(seller, id).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportParams {
    /// 1 to 100; 20 where left out. A sheet has all rows.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// What could not be taken of a file, by line; as a sheet for who accepts `text/csv`.
#[utoipa::path(get, path = "/api/v1/products/bulk/{jobId}/report", tag = "catalog", params(("jobId" = Uuid, Path), ReportParams),
    responses((status = 200, content((Page<RowError> = "application/json"), (String = "text/csv"))), (status = 404)))]
pub(super) async fn get_report(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Query(p): Query<ReportParams>,
) -> Result<Response, Problem> {
    let seller = seller(&app, &caller).await?;
    if wants_sheet(&headers) {
        let rows = app.mistakes(seller, id, None).await?;
        return Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], sheet(&rows).map_err(Problem::internal)?).into_response());
    }
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("upload {id}"))?;
    let rows = app.mistakes(seller, id, Some(page.clone())).await?;
    let page = page.page(rows, |m| After { time: Time(m.error.line as i64), id: m.id });
    let data: Vec<RowError> = page.data.into_iter().map(|m| m.error).collect();
    Ok(axum::Json(Page { data, next_cursor: page.next_cursor }).into_response())
}

/// The first of the two kinds that the client names decides.
fn wants_sheet(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
    let mut kinds = lines.flat_map(|line| line.split(',')).map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.find(|kind| ["text/csv", "application/json", "*/*"].contains(kind)) == Some("text/csv")
}

fn sheet(rows: &[Mistake]) -> Result<Vec<u8>, String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["line", "column", "reason"]).map_err(|e| e.to_string())?;
    for Mistake { error: e, .. } in rows {
        out.write_record([&e.line.to_string(), &e.column, &e.reason]).map_err(|e| e.to_string())?;
    }
    out.into_inner().map_err(|e| e.to_string())
}
