//! The pages behind the links in mails about orders, and behind "back to the shop" on a payment page. Who asks is known
//! by what every route takes, never by the link: whoever finds a mail learns nothing.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::events::orders::Totals;
use contracts::{Money, OrderId, VendorOrderId};
use kit::http::{Path, SignInWords, escape, page, sign_in_page};
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
        return Ok(sign_in_page(&headers, &format!("/api/v1/orders/{id}"), &ENGLISH_SHOPPER, &BANGLA_SHOPPER));
    }
    let found = app.order(reader(&caller)?, id).await?;
    Ok(page(StatusCode::OK, "en", &format!("Order {}", found.order.number), &order(&found.order)))
}

/// Where a store's mail about its part of an order leads: how to see it.
#[utoipa::path(get, path = "/vendor/orders/{id}", tag = "orders", params(("id" = VendorOrderId, Path)),
    responses((status = 401, description = "A page that says how to see it.", content_type = "text/html", body = String)))]
pub(super) async fn show_vendor_order(headers: HeaderMap, Path(id): Path<VendorOrderId>) -> Response {
    sign_in_page(&headers, &format!("/api/v1/vendor/orders/{id}"), &ENGLISH, &BANGLA)
}

const ENGLISH: SignInWords = SignInWords {
    title: "Sign in to see this order",
    private: "An order is shown to whom it belongs only.",
    ask: "Sign in and ask with the access token that you get:",
    note: None,
};

const BANGLA: SignInWords = SignInWords {
    title: "অর্ডারটি দেখতে সাইন ইন করুন",
    private: "অর্ডার শুধু তার মালিককেই দেখানো হয়।",
    ask: "সাইন ইন করুন, তারপর পাওয়া অ্যাক্সেস টোকেন দিয়ে অর্ডারটি চান:",
    note: None,
};

/// For shoppers, some of whom have no account.
const ENGLISH_SHOPPER: SignInWords = SignInWords {
    note: Some("Ordered without an account? Ask with the <code>X-Cart-Token</code> of your cart instead of the token."),
    ..ENGLISH
};

const BANGLA_SHOPPER: SignInWords = SignInWords {
    note: Some("অ্যাকাউন্ট ছাড়া অর্ডার করেছেন? টোকেনের বদলে আপনার কার্টের <code>X-Cart-Token</code> দিন।"),
    ..BANGLA
};

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
