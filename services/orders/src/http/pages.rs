//! The pages behind the links in mails about orders, and behind "back to the shop" on a payment page. Who asks is known
//! by what every route takes, never by the link: whoever finds a mail learns nothing.

mod words;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::events::orders::Totals;
use contracts::{Money, OrderId, VendorOrderId};
use kit::http::{Path, escape, missing_page, page, sign_in_page, wants_bangla};
use kit::{Caller, Problem};

use super::reader;
use crate::app::App;
use crate::domain::{Order, Part};
use words::Words;

/// An order as a page, for who placed it. To others it says how to sign in, whether or not there is such an order.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", params(("id" = OrderId, Path)),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 401, description = "A page that says how to see it.", content_type = "text/html", body = String),
        (status = 404, description = "A page that says so.", content_type = "text/html", body = String)))]
pub(super) async fn show_order(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    id: Result<Path<OrderId>, Problem>,
) -> Result<Response, Problem> {
    match order_page(&app, &caller, &headers, id).await {
        Err(problem) => missing_page(&headers, problem, "/api/v1/orders", &words::NO_ORDER, &words::NO_ORDER_BANGLA),
        shown => shown,
    }
}

/// Where a store's mail about its part of an order leads: how to see it.
#[utoipa::path(get, path = "/vendor/orders/{id}", tag = "orders", params(("id" = VendorOrderId, Path)),
    responses((status = 401, description = "A page that says how to see it.", content_type = "text/html", body = String),
        (status = 404, description = "A page that says so.", content_type = "text/html", body = String)))]
pub(super) async fn show_vendor_order(headers: HeaderMap, id: Result<Path<VendorOrderId>, Problem>) -> Result<Response, Problem> {
    match id {
        Ok(Path(id)) => Ok(sign_in_page(&headers, &format!("/api/v1/vendor/orders/{id}"), &words::SIGN_IN, &words::SIGN_IN_BANGLA)),
        Err(problem) => missing_page(&headers, problem, "/api/v1/vendor/orders", &words::NO_ORDER, &words::NO_ORDER_BANGLA),
    }
}

async fn order_page(app: &App, caller: &Caller, headers: &HeaderMap, id: Result<Path<OrderId>, Problem>) -> Result<Response, Problem> {
    let Path(id) = id?;
    if caller.user.is_none() && caller.cart_token.is_none() {
        let path = format!("/api/v1/orders/{id}");
        return Ok(sign_in_page(headers, &path, &words::SHOPPER_SIGN_IN, &words::SHOPPER_SIGN_IN_BANGLA));
    }
    let found = app.order(reader(caller)?, id).await?;
    let words = if wants_bangla(headers) { &words::BANGLA } else { &words::ENGLISH };
    Ok(page(StatusCode::OK, words.language, &format!("{} {}", words.order, found.order.number), &order(&found.order, words)))
}

fn order(order: &Order, words: &Words) -> String {
    let parts: String = order.parts.iter().map(|p| part(p, words)).collect();
    let reason = order.reason.as_deref().map(|reason| format!("<p>{}: {}</p>", words.reason, escape((words.why)(reason))));
    format!(
        "<p>{}</p>{}{parts}<table>{}<tr class=\"total\"><td>{}</td><td>{}</td></tr></table>",
        (words.order_status)(order.status()),
        reason.unwrap_or_default(),
        between(&order.totals, words),
        words.total,
        order.totals.total
    )
}

/// What lies between the prices of the lines and the total.
fn between(totals: &Totals, words: &Words) -> String {
    let row = |name: &str, sign: &str, amount: Money| match amount.amount {
        0 => String::new(),
        _ => format!("<tr><td>{name}</td><td>{sign}{amount}</td></tr>"),
    };
    let tax = if totals.tax_included { String::new() } else { row(words.tax, "", totals.tax) };
    row(words.shipping, "", totals.shipping) + &row(words.discount, "−", totals.discount) + &tax
}

fn part(part: &Part, words: &Words) -> String {
    let rows = part.lines.iter().map(|l| format!("<tr><td>{} × {}</td><td>{}</td></tr>", l.quantity, escape(&l.title), l.line_total));
    let carried = part.tracking.iter().flat_map(|t| [&t.carrier, &t.number]).flatten();
    let carried: String = carried.map(|text| format!(", {}", escape(text))).collect();
    format!("<p>{}{carried}</p><table>{}</table>", (words.part_status)(part.status), rows.collect::<String>())
}
