//! Where the mail about an invitation leads.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::http::{page, wants_bangla};

/// A page for people who were invited to work in a store: how to accept and how to decline. It shows nobody's invitations.
#[utoipa::path(get, path = "/vendor/invitations", tag = "vendors",
    responses((status = 200, content_type = "text/html", body = String)))]
pub(super) async fn show_invitations(headers: HeaderMap) -> Response {
    let (language, title, sign_in, see, accept, decline, all) = match wants_bangla(&headers) {
        false => (
            "en",
            "An invitation to work in a store",
            "Sign in, and answer with the access token that you get:",
            "which stores ask you",
            "accept",
            "decline",
            "All of the API",
        ),
        true => (
            "bn",
            "দোকানে কাজ করার আমন্ত্রণ",
            "সাইন ইন করুন, তারপর পাওয়া অ্যাক্সেস টোকেন দিয়ে উত্তর দিন:",
            "কোন কোন দোকান আপনাকে ডাকছে",
            "গ্রহণ",
            "প্রত্যাখ্যান",
            "API-এর সব কিছু",
        ),
    };
    let all_of_them = "/api/v1/vendors/staff/invitations";
    let main = format!(
        "<p>{sign_in}</p><ul><li><code>POST /api/v1/auth/login</code></li><li>{see}: <code>GET {all_of_them}</code></li>\
         <li>{accept}: <code>POST {all_of_them}/{{vendorId}}/accept</code></li>\
         <li>{decline}: <code>DELETE {all_of_them}/{{vendorId}}</code></li></ul><p><a href=\"/docs\">{all}</a></p>"
    );
    page(StatusCode::OK, language, title, &main)
}
