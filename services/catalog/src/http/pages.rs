//! The page behind the link in a mail that something can be bought again.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kit::http::{Path, escape, page};
use kit::{Caller, Problem};

use super::products::visible;
use crate::app::App;
use crate::domain::{Product, Variant};

/// A product as a page: what it is, what it costs, and whether it can be bought now.
#[utoipa::path(get, path = "/products/{id}", tag = "catalog", params(("id" = String, Path, description = "id or slug")),
    responses((status = 200, content_type = "text/html", body = String), (status = 404)))]
pub(super) async fn show_product(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let product = visible(&app, &caller, id).await?;
    Ok(page(StatusCode::OK, "en", &product.title, &shown(&product)))
}

fn shown(product: &Product) -> String {
    let about = product.description.lines().filter(|l| !l.trim().is_empty()).map(|l| format!("<p>{}</p>", escape(l)));
    let rows = product.variants.iter().map(variant);
    format!(
        "<p>{}</p>{}<table>{}</table><p><code>GET /api/v1/products/{}</code> · <a href=\"/docs\">All of the API</a></p>",
        escape(&product.vendor_name),
        about.collect::<String>(),
        rows.collect::<String>(),
        escape(&product.slug)
    )
}

fn variant(variant: &Variant) -> String {
    let sold_out = if variant.available == Some(0) { ", sold out" } else { "" };
    format!("<tr><td>{}{sold_out}</td><td>{}</td></tr>", escape(&variant.title), variant.price)
}
