//! Pages that services write themselves.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// No script, nothing from elsewhere, and forms go back to where they came from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const STYLE: &str = "\
body{margin:0;background:#eef2f0;color:#18231e;font:16px/1.6 system-ui,'Noto Sans Bengali',sans-serif}\
main{max-width:30rem;margin:12vh auto 0;padding:2rem 1.5rem;background:#fff;border-radius:12px;overflow-wrap:anywhere}\
h1{font-size:1.25rem;margin:0 0 .75rem}p,ul,pre{margin:0 0 1.25rem}ul{padding-left:1.25rem}label{display:block;font-weight:600;margin:0 0 .25rem}\
input{font:inherit;width:100%;box-sizing:border-box;padding:.6rem .8rem;margin:0 0 1rem;border:1px solid #b9c7bf;border-radius:10px;background:none;color:inherit}\
button{font:inherit;font-weight:600;padding:.7rem 1.1rem;border-radius:10px;border:1px solid #0b6b47;cursor:pointer;margin:0 .5rem .5rem 0}\
button.main{background:#0b6b47;color:#fff}button.other{background:none;color:inherit}a{color:#0b6b47;font-weight:600}\
.wrong{padding:.6rem .8rem;border-radius:10px;background:#fdeee7;color:#8a2f0b}code{font:.85rem/1.5 ui-monospace,monospace}\
table{width:100%;border-collapse:collapse;margin:0 0 1.25rem}td{padding:.3rem 0;border-bottom:1px solid #dfe7e2;vertical-align:top}\
td+td{text-align:right;white-space:nowrap;padding-left:1rem}tr.total td{border:0;font-weight:700}\
@media(max-width:34rem){main{margin:0;border-radius:0}}\
@media(prefers-color-scheme:dark){body{background:#101613;color:#e6eee9}main{background:#1a231e}a{color:#5cc79b}input{border-color:#46564d}\
.wrong{background:#3a1f14;color:#f4b79c}td{border-color:#2c3832}}";

/// A page for somebody who followed a link: `title` is text, `main` is markup, `language` is BCP 47. No cache keeps it, and
/// what is followed from it does not learn its address, in which there may be a secret.
pub fn page(status: StatusCode, language: &str, title: &str, main: &str) -> Response {
    let (language, title) = (escape(language), escape(title));
    let html = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>{STYLE}</style></head><body><main>\
         <h1>{title}</h1>{main}</main></body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The first language that a browser asks for, such as `bn-BD`; empty where it asks for none.
pub fn first_language(headers: &HeaderMap) -> &str {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or("");
    wanted.split([',', ';']).next().unwrap_or("").trim()
}

/// Whether a browser asks for Bangla first: the second language in which there are pages.
pub fn wants_bangla(headers: &HeaderMap) -> bool {
    first_language(headers).split('-').next().is_some_and(|language| language.eq_ignore_ascii_case("bn"))
}

/// Text that is safe between tags and inside quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
