//! The pages behind the links in mails: that something can be bought again, and that a store's stock runs low.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::ProductId;
use kit::http::{MissingWords, Path, SignInWords, escape, missing_page, page, sign_in_page, wants_bangla};
use kit::{Caller, Problem};

use super::products::visible;
use crate::app::App;
use crate::domain::{Product, Variant};

/// A product as a page: what it is, what it costs, and whether it can be bought now.
#[utoipa::path(get, path = "/products/{id}", tag = "catalog", params(("id" = String, Path, description = "id or slug")),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 400, description = "A page that says that there is no such product.", content_type = "text/html", body = String),
        (status = 404, description = "A page that says so.", content_type = "text/html", body = String)))]
pub(super) async fn show_product(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    id: Result<Path<String>, Problem>,
) -> Result<Response, Problem> {
    let found = match id {
        Ok(Path(id)) => visible(&app, &caller, id).await,
        Err(problem) => Err(problem),
    };
    let words = if wants_bangla(&headers) { &BANGLA } else { &ENGLISH };
    match found {
        Ok(product) => Ok(page(StatusCode::OK, words.language, &product.title, &shown(&product, words))),
        Err(problem) => missing_page(&headers, problem, "/api/v1/products", &NO_PRODUCT, &NO_PRODUCT_BANGLA),
    }
}

/// Where a store's mail about its stock leads: how to see it.
#[utoipa::path(get, path = "/vendor/products/{id}", tag = "catalog", params(("id" = ProductId, Path)),
    responses((status = 401, description = "A page that says how to see it.", content_type = "text/html", body = String),
        (status = 404, description = "A page that says so.", content_type = "text/html", body = String)))]
pub(super) async fn show_vendor_product(headers: HeaderMap, id: Result<Path<ProductId>, Problem>) -> Result<Response, Problem> {
    match id {
        Ok(Path(id)) => Ok(sign_in_page(&headers, &format!("/api/v1/inventory/{id}"), &SIGN_IN, &SIGN_IN_BANGLA)),
        Err(problem) => missing_page(&headers, problem, "/api/v1/products", &NO_PRODUCT, &NO_PRODUCT_BANGLA),
    }
}

/// What the page of a product says in one language; none of it is markup.
struct Words {
    language: &'static str,
    sold_out: &'static str,
    all: &'static str,
}

const ENGLISH: Words = Words { language: "en", sold_out: "sold out", all: "All of the API" };

const BANGLA: Words = Words { language: "bn", sold_out: "মজুত শেষ", all: "API-এর সব কিছু" };

/// In place of a product that is not there.
const NO_PRODUCT: MissingWords = MissingWords {
    title: "There is no such product",
    why: "It may not be sold any more, or the link is not whole.",
    go_on: "What there is to buy:",
};

const NO_PRODUCT_BANGLA: MissingWords =
    MissingWords {
        title: "এমন কোনো পণ্য নেই", why: "পণ্যটি হয়তো আর বিক্রি হয় না, অথবা লিংকটি সম্পূর্ণ নয়।", go_on: "যা যা কেনা যায়:"
    };

const SIGN_IN: SignInWords = SignInWords {
    title: "Sign in to see your stock",
    private: "What lies in which warehouse is shown to the product's store only.",
    ask: "Sign in and ask with the access token that you get:",
    note: None,
};

const SIGN_IN_BANGLA: SignInWords = SignInWords {
    title: "আপনার মজুদ দেখতে সাইন ইন করুন",
    private: "কোন গুদামে কত আছে তা শুধু পণ্যের দোকানকেই দেখানো হয়।",
    ask: "সাইন ইন করুন, তারপর পাওয়া অ্যাক্সেস টোকেন দিয়ে মজুদ চান:",
    note: None,
};

fn shown(product: &Product, words: &Words) -> String {
    let about = product.description.lines().filter(|l| !l.trim().is_empty()).map(|l| format!("<p>{}</p>", escape(l)));
    let rows = product.variants.iter().map(|v| variant(v, words));
    format!(
        "<p>{}</p>{}<table>{}</table><p><code>GET /api/v1/products/{}</code> · <a href=\"/docs\">{}</a></p>",
        escape(&product.vendor_name),
        about.collect::<String>(),
        rows.collect::<String>(),
        escape(&product.slug),
        words.all
    )
}

fn variant(variant: &Variant, words: &Words) -> String {
    let sold_out = if variant.available == Some(0) { format!(", {}", words.sold_out) } else { String::new() };
    format!("<tr><td>{}{sold_out}</td><td>{}</td></tr>", escape(&variant.title), variant.price)
}
