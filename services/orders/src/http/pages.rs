//! The pages behind the links in mails about orders, and behind "back to the shop" on a payment page. Who asks is known
//! by what every route takes, never by the link: whoever finds a mail learns nothing.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::events::orders::Totals;
use contracts::{Money, OrderId, VendorOrderId};
use kit::http::{Path, escape, first_language, page};
use kit::{Caller, Problem};

use super::reader;
use crate::app::App;
use crate::domain::{Order, Part};

/// An order as a page, for who placed it. To others it says how to sign in, whether or not there is such an order.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", params(("id" = OrderId, Path)),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 401, description = "A page that says how to see it.", content_type = "text/html", body = String), (status = 404)))]
pub(super) async fn show_order(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<OrderId>,
) -> Result<Response, Problem> {
    if caller.user.is_none() && caller.cart_token.is_none() {
        return Ok(how_to_see(&headers, &format!("/api/v1/orders/{id}"), Reader::Shopper));
    }
    let found = app.order(reader(&caller)?, id).await?;
    Ok(page(StatusCode::OK, "en", &format!("Order {}", found.order.number), &order(&found.order)))
}

/// Where a store's mail about its part of an order leads: how to see it.
#[utoipa::path(get, path = "/vendor/orders/{id}", tag = "orders", params(("id" = VendorOrderId, Path)),
    responses((status = 401, description = "A page that says how to see it.", content_type = "text/html", body = String)))]
pub(super) async fn show_vendor_order(headers: HeaderMap, Path(id): Path<VendorOrderId>) -> Response {
    how_to_see(&headers, &format!("/api/v1/vendor/orders/{id}"), Reader::Store)
}

/// Whom a mail was sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Shopper,
    Store,
}

/// What there is to sign in with is the API.
fn how_to_see(headers: &HeaderMap, path: &str, reader: Reader) -> Response {
    let is_bangla = first_language(headers).split('-').next().is_some_and(|l| l.eq_ignore_ascii_case("bn"));
    let (language, title, private, sign_in, guest, all) = match is_bangla {
        false => (
            "en",
            "Sign in to see this order",
            "An order is shown to whom it belongs only.",
            "Sign in and ask with the access token that you get:",
            "Ordered without an account? Ask with the <code>X-Cart-Token</code> of your cart instead of the token.",
            "All of the API",
        ),
        true => (
            "bn",
            "অর্ডারটি দেখতে সাইন ইন করুন",
            "অর্ডার শুধু তার মালিককেই দেখানো হয়।",
            "সাইন ইন করুন, তারপর পাওয়া অ্যাক্সেস টোকেন দিয়ে অর্ডারটি চান:",
            "অ্যাকাউন্ট ছাড়া অর্ডার করেছেন? টোকেনের বদলে আপনার কার্টের <code>X-Cart-Token</code> দিন।",
            "API-এর সব কিছু",
        ),
    };
    let guest = if reader == Reader::Shopper { format!("<p>{guest}</p>") } else { String::new() };
    let main = format!(
        "<p>{private}</p><p>{sign_in}</p><ul><li><code>POST /api/v1/auth/login</code></li><li><code>GET {}</code></li></ul>\
         {guest}<p><a href=\"/docs\">{all}</a></p>",
        escape(path)
    );
    page(StatusCode::UNAUTHORIZED, language, title, &main)
}

fn order(order: &Order) -> String {
    let parts: String = order.parts.iter().map(part).collect();
    let reason = order.reason.as_deref().map(|reason| format!("<p>Reason: {}</p>", escape(reason))).unwrap_or_default();
    format!(
        "<p>{}</p>{reason}{parts}<table>{}<tr class=\"total\"><td>Total</td><td>{}</td></tr></table>",
        shown(order.status().as_str()),
        between(&order.totals),
        order.totals.total
    )
}

/// What lies between the prices of the lines and the total.
fn between(totals: &Totals) -> String {
    let row = |name: &str, sign: &str, amount: Money| match amount.amount {
        0 => String::new(),
        _ => format!("<tr><td>{name}</td><td>{sign}{amount}</td></tr>"),
    };
    let tax = if totals.tax_included { String::new() } else { row("Tax", "", totals.tax) };
    row("Shipping", "", totals.shipping) + &row("Discount", "−", totals.discount) + &tax
}

fn part(part: &Part) -> String {
    let rows = part.lines.iter().map(|l| format!("<tr><td>{} × {}</td><td>{}</td></tr>", l.quantity, escape(&l.title), l.line_total));
    let carried = part.tracking.iter().flat_map(|t| [&t.carrier, &t.number]).flatten();
    let carried: String = carried.map(|text| format!(", {}", escape(text))).collect();
    format!("<p>{}{carried}</p><table>{}</table>", shown(part.status.as_str()), rows.collect::<String>())
}

/// A state's name, as people write it.
fn shown(status: &str) -> String {
    let mut letters = status.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect::<String>().replace('_', " "))
}
