//! Invoices: who gets which, and as what.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contracts::{OrderId, VendorOrderId};
use kit::http::{Path, Query};
use kit::{Caller, Problem, Role};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::reader;
use crate::app::App;

/// What an invoice can be had as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Html,
    Pdf,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InvoiceParams {
    /// `html` or `pdf`; where left out the `Accept` header says which, and without one it is a page.
    #[param(inline)]
    format: Option<Format>,
    /// Of one store's part only.
    vendor_order_id: Option<VendorOrderId>,
}

/// The invoice of a confirmed order; a store gets that of its own part. As a page or as PDF: by `?format=`, else by `Accept`.
#[utoipa::path(get, path = "/api/v1/orders/{id}/invoice", tag = "orders", params(("id" = OrderId, Path), InvoiceParams),
    responses(
        (status = 200, description = "the invoice", content((String = "text/html"), (String = "application/pdf"))),
        (status = 401), (status = 404), (status = 409, description = "not_invoiced"),
        (status = 406, description = "neither is acceptable, or pdf_needs_font: no font here has the letters; the page has them")))]
pub(super) async fn get_invoice(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<OrderId>,
    Query(params): Query<InvoiceParams>,
) -> Result<Response, Problem> {
    let viewer = reader(&caller)?;
    let format = match params.format {
        Some(format) => format,
        None => accepted(&headers).ok_or_else(|| not_acceptable("not_acceptable", "an invoice is text/html or application/pdf"))?,
    };
    let own = match viewer.user {
        Some(user) if caller.has(&[Role::Vendor]) => app.stores_of(user).await?,
        _ => Vec::new(),
    };
    let invoice = app.invoice(viewer, own, id, params.vendor_order_id).await?;
    match format {
        Format::Html => {
            let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
            Ok(([(header::CONTENT_SECURITY_POLICY, policy)], axum::response::Html(invoice.page())).into_response())
        }
        Format::Pdf => {
            let file = invoice.pdf(&app.fonts).map_err(|missing| not_acceptable("pdf_needs_font", missing.to_string()))?;
            let name = format!("inline; filename=\"{}.pdf\"", invoice.number());
            Ok(([(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)], file).into_response())
        }
    }
}

fn not_acceptable(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::NOT_ACCEPTABLE, code, detail)
}

/// The better of the two by the `Accept` header; a page where they are alike. `None`: neither.
fn accepted(headers: &HeaderMap) -> Option<Format> {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()) else { return Some(Format::Html) };
    let (html, pdf) = (quality(accept, "text/html"), quality(accept, "application/pdf"));
    match () {
        () if html <= 0.0 && pdf <= 0.0 => None,
        () if pdf > html => Some(Format::Pdf),
        () => Some(Format::Html),
    }
}

/// How much a type is wanted, 0 to 1: what names it exactly counts before what names it by a star (RFC 9110, 12.5.1).
fn quality(accept: &str, kind: &str) -> f32 {
    let family = kind.split('/').next().unwrap_or_default();
    let mut found = (0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let exact = match named {
            _ if named.eq_ignore_ascii_case(kind) => 3,
            _ if named.strip_suffix("/*").is_some_and(|f| f.eq_ignore_ascii_case(family)) => 2,
            "*/*" => 1,
            _ => continue,
        };
        let given = parts.find_map(|p| p.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
        if exact > found.0 {
            found = (exact, given.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0));
        }
    }
    found.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_chooses() {
        let rows = [
            ("*/*", Some(Format::Html)),
            ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Some(Format::Html)),
            ("application/pdf", Some(Format::Pdf)),
            ("application/pdf, text/html;q=0.5", Some(Format::Pdf)),
            ("APPLICATION/*; q=0.7, text/*;q=0.2", Some(Format::Pdf)),
            ("application/pdf;q=0, */*", Some(Format::Html)),
            ("application/json", None),
            ("text/html;q=x", None),
            ("", None),
        ];
        for (accept, expected) in rows {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(accepted(&headers), expected, "{accept}");
        }
        assert_eq!(accepted(&HeaderMap::new()), Some(Format::Html));
    }
}
