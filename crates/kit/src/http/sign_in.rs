//! The page behind a link in a mail to what is shown to whom it belongs only. Who finds the mail learns nothing: the page is
//! the same whether or not there is such a thing.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::html::{escape, page, wants_bangla};

/// What the page says in one language, as markup without links.
#[derive(Clone, Copy, Debug)]
pub struct SignInWords {
    /// What to do, as the title.
    pub title: &'static str,
    /// To whom it is shown.
    pub private: &'static str,
    /// What comes before the two requests: to sign in, and to ask.
    pub ask: &'static str,
    /// What else there is to know.
    pub note: Option<&'static str>,
}

/// How to see what the API answers to `GET path`: to sign in, since what there is to sign in with is the API.
/// In Bangla where a browser asks for that first, in English otherwise; the status is 401.
pub fn sign_in_page(headers: &HeaderMap, path: &str, english: &SignInWords, bangla: &SignInWords) -> Response {
    let (language, words, all) =
        if wants_bangla(headers) { ("bn", bangla, "API-এর সব কিছু") } else { ("en", english, "All of the API") };
    let note = words.note.map(|note| format!("<p>{note}</p>")).unwrap_or_default();
    let main = format!(
        "<p>{}</p><p>{}</p><ul><li><code>POST /api/v1/auth/login</code></li><li><code>GET {}</code></li></ul>\
         {note}<p><a href=\"/docs\">{all}</a></p>",
        words.private,
        words.ask,
        escape(path)
    );
    page(StatusCode::UNAUTHORIZED, language, words.title, &main)
}
