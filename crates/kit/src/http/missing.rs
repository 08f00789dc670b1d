//! The page behind a link that leads to nothing, or to nothing of who follows it.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::html::{escape, page, wants_bangla};
use crate::Problem;

/// What the page says in one language, as markup without links.
#[derive(Clone, Copy, Debug)]
pub struct MissingWords {
    /// What there is not, as the title.
    pub title: &'static str,
    /// Why that may be.
    pub why: &'static str,
    /// What comes before the request with which one goes on.
    pub go_on: &'static str,
}

/// The problem as a page, where it says that what a link leads to is not there, or that the link itself is broken; `path` is
/// where one goes on. Other problems stay what they are.
pub fn missing_page(
    headers: &HeaderMap,
    problem: Problem,
    path: &str,
    english: &MissingWords,
    bangla: &MissingWords,
) -> Result<Response, Problem> {
    if ![StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST].contains(&problem.status) {
        return Err(problem);
    }
    let (language, words, all) =
        if wants_bangla(headers) { ("bn", bangla, "API-এর সব কিছু") } else { ("en", english, "All of the API") };
    let main = format!("<p>{}</p><p>{} <code>GET {}</code></p><p><a href=\"/docs\">{all}</a></p>", words.why, words.go_on, escape(path));
    Ok(page(problem.status, language, words.title, &main))
}
