//! The character NUL (U+0000): PostgreSQL stores it in no text, so it is refused at the edge, on every engine alike.

use axum::extract::Query;
use axum::http::Uri;
use serde_json::Value as Json;

use crate::Problem;
use crate::problem::FieldError;

/// What is said of it.
pub const REFUSED: &str = "the character NUL (U+0000) stands in no text";

/// Whether a path or query string holds it: its only way to be written there.
pub(super) fn is_in_uri(text: &str) -> bool {
    text.contains("%00")
}

/// `400` where a query string holds it, with the parameter's name.
pub fn refuse_in_query(query: &str) -> Result<(), Problem> {
    if !is_in_uri(query) {
        return Ok(());
    }
    let uri = Uri::builder().path_and_query(format!("/?{query}")).build().ok();
    let pairs = uri.and_then(|uri| Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()).map(|q| q.0).unwrap_or_default();
    let name = pairs.into_iter().find(|(name, value)| name.contains('\0') || value.contains('\0')).map(|(name, _)| name);
    let name = name.unwrap_or_default().replace('\0', "\u{fffd}");
    Err(Problem::bad_request("invalid_query", format!("the query string does not fit: {name}: {REFUSED}")))
}

/// `400` where a body, read from `text`, holds it in a string or a member's name, with a pointer to the place.
pub(super) fn refuse_in_body(text: &str, body: &Json) -> Result<(), Problem> {
    // In JSON it can only be written so; most bodies are not looked through.
    let Some(pointer) = text.contains("\\u0000").then(|| nul_in(body)).flatten() else { return Ok(()) };
    let mut problem = Problem::bad_request("invalid_body", format!("the body does not fit: {pointer}: {REFUSED}"));
    problem.errors = vec![FieldError { pointer, code: "malformed", detail: REFUSED.into() }];
    Err(problem)
}

/// The pointer of the first string or member's name that holds it. Nothing that is shown holds it: there it is U+FFFD.
pub fn nul_in(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => text.contains('\0').then(String::new),
        Json::Array(all) => all.iter().enumerate().find_map(|(i, inner)| Some(format!("/{i}{}", nul_in(inner)?))),
        Json::Object(members) => members.iter().find_map(|(name, inner)| {
            let below = if name.contains('\0') { String::new() } else { nul_in(inner)? };
            Some(format!("/{}{below}", name.replace('~', "~0").replace('/', "~1").replace('\0', "\u{fffd}")))
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_place_is_named() {
        let cases = [
            (json!({"a": [1, {"b/c": "x\0y"}]}), Some("/a/1/b~1c")),
            (json!({"a": {"x\0": 1}}), Some("/a/x\u{fffd}")),
            (json!("\0"), Some("")),
            (json!({"a": "\\u0000", "b": null}), None),
        ];
        for (body, expected) in cases {
            assert_eq!(nul_in(&body).as_deref(), expected);
            assert_eq!(refuse_in_body(&body.to_string(), &body).is_err(), expected.is_some());
        }
        let refused = refuse_in_query("a=1&b%5B=x%00").unwrap_err();
        assert!(refused.detail.contains("b[: "), "{}", refused.detail);
        assert!(refuse_in_query("%ff=%00").is_err() && refuse_in_query("a=%2500").is_ok());
    }
}
