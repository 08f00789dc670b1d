//! The pages behind the links in mails: that something can be bought again, and that a store's stock runs low.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::ProductId;
use kit::http::{Path, SignInWords, escape, page, sign_in_page};
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

/// Where a store's mail about its stock leads: how to see it.
#[utoipa::path(get, path = "/vendor/products/{id}", tag = "catalog", params(("id" = ProductId, Path)),
    responses((status = 401, description = "A page that says how to see it.", content_type = "text/html", body = String)))]
pub(super) async fn show_vendor_product(headers: HeaderMap, Path(id): Path<ProductId>) -> Response {
    sign_in_page(&headers, &format!("/api/v1/inventory/{id}"), &ENGLISH, &BANGLA)
}

const ENGLISH: SignInWords = SignInWords {
    title: "Sign in to see your stock",
    private: "What lies in which warehouse is shown to the product's store only.",
    ask: "Sign in and ask with the access token that you get:",
    note: None,
};

const BANGLA: SignInWords = SignInWords {
    title: "আপনার মজুদ দেখতে সাইন ইন করুন",
    private: "কোন গুদামে কত আছে তা শুধু পণ্যের দোকানকেই দেখানো হয়।",
    ask: "সাইন ইন করুন, তারপর পাওয়া অ্যাক্সেস টোকেন দিয়ে মজুদ চান:",
    note: None,
};

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
