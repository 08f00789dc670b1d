//! The link in mails that turns off mails like them: a page with a button for people, and one click for mail programs
//! (RFC 8058). Looking at it changes nothing, since mail programs and virus scanners look at every link.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::Problem;
use kit::http::{MissingWords, Path, first_language, missing_page, page};
use uuid::Uuid;

use crate::app::App;
use crate::domain::{Kind, Locale, Medium, escape};

/// What the page's second button sends.
const ALL: &[u8] = b"what=all";

/// A page that asks whether mails of this kind are to be turned off.
#[utoipa::path(get, path = "/api/v1/notifications/unsubscribe/{token}/{kind}", tag = "notifications",
    params(("token" = String, Path, description = "From a mail."), ("kind" = String, Path, description = "Such as `order.shipped`.")),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 400, description = "A page that says that the link turns nothing off.", content_type = "text/html", body = String),
        (status = 404, description = "A page that says so.", content_type = "text/html", body = String)))]
pub(super) async fn ask(
    State(app): State<App>,
    headers: HeaderMap,
    link: Result<Path<(String, String)>, Problem>,
) -> Result<Response, Problem> {
    match link.and_then(|Path((token, kind))| whose(&app, &token, &kind)) {
        Ok((_, kind)) => Ok(asking(kind, locale(&headers))),
        Err(problem) => missing_page(&headers, problem, "/api/v1/notifications/preferences", &NO_LINK, &NO_LINK_BANGLA),
    }
}

/// In place of a link that turns nothing off.
const NO_LINK: MissingWords = MissingWords {
    title: "This link turns nothing off",
    why: "It is not whole, or what it was about cannot be turned off.",
    go_on: "Signed in, you choose what comes by e-mail:",
};

const NO_LINK_BANGLA: MissingWords = MissingWords {
    title: "এই লিংকে কিছু বন্ধ হয় না",
    why: "লিংকটি সম্পূর্ণ নয়, অথবা এটি যে বিষয়ের তা বন্ধ করা যায় না।",
    go_on: "সাইন ইন করে বেছে নিন কোন ইমেইল পাবেন:",
};

/// Turns off mails of this kind; with the body `what=all` all that can be turned off. Once or many times.
#[utoipa::path(post, path = "/api/v1/notifications/unsubscribe/{token}/{kind}", tag = "notifications",
    params(("token" = String, Path, description = "From a mail."), ("kind" = String, Path, description = "Such as `order.shipped`.")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 404)))]
pub(super) async fn turn_off(
    State(app): State<App>,
    headers: HeaderMap,
    Path((token, kind)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (recipient, kind) = whose(&app, &token, &kind)?;
    // Mail programs send `List-Unsubscribe=One-Click`, as a form of either kind; the click is what counts.
    let kind = (body != ALL).then_some(kind);
    app.unsubscribe(recipient, kind).await?;
    Ok(done(kind, locale(&headers)))
}

fn whose(app: &App, token: &str, kind: &str) -> Result<(Uuid, Kind), Problem> {
    let kind = Kind::parse(kind).filter(|k| !k.is_required() && k.channels().contains(&Medium::Email));
    app.links.recipient(token).zip(kind).ok_or_else(|| Problem::not_found("link to turn off mails"))
}

fn locale(headers: &HeaderMap) -> Locale {
    Locale::of(first_language(headers))
}

fn asking(kind: Kind, locale: Locale) -> Response {
    let label = escape(kind.label(locale));
    let (title, text, one, all) = match locale {
        Locale::English => {
            ("Turn off e-mails?", format!("E-mails about: {label}."), "Turn these off", "Turn off all that can be turned off")
        }
        Locale::Bangla => ("ইমেইল বন্ধ করবেন?", format!("যে বিষয়ে ইমেইল: {label}।"), "এগুলো বন্ধ করুন", "যা যা বন্ধ করা যায় সব বন্ধ করুন"),
    };
    let form = format!(
        "<form method=\"post\"><button class=\"main\">{one}</button>\
         <button class=\"other\" name=\"what\" value=\"all\">{all}</button></form>"
    );
    shown(title, &text, &form, locale)
}

fn done(kind: Option<Kind>, locale: Locale) -> Response {
    let label = kind.map(|kind| escape(kind.label(locale)));
    let (title, text) = match (locale, label) {
        (Locale::English, Some(label)) => {
            ("Turned off", format!("No more e-mails about: {label}. You can turn them on again in your account."))
        }
        (Locale::English, None) => {
            ("Turned off", "Only what must be said still comes by e-mail, such as order confirmations and password links.".to_owned())
        }
        (Locale::Bangla, Some(label)) => ("বন্ধ হয়েছে", format!("এই বিষয়ে আর ইমেইল যাবে না: {label}। অ্যাকাউন্ট থেকে আবার চালু করতে পারবেন।")),
        (Locale::Bangla, None) => ("বন্ধ হয়েছে", "এখন থেকে শুধু যা না জানালেই নয় তা-ই ইমেইলে যাবে, যেমন অর্ডার নিশ্চিতকরণ ও পাসওয়ার্ডের লিংক।".to_owned()),
    };
    shown(title, &text, "", locale)
}

fn shown(title: &str, text: &str, form: &str, locale: Locale) -> Response {
    page(StatusCode::OK, locale.as_str(), title, &format!("<p>{text}</p>{form}"))
}
