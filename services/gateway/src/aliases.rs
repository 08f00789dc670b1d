//! Older spellings of routes, rewritten before the table is asked. A declared route always wins over an alias.
//!
//! Parameters are carried over by name. One that only the new path has is a member of the old body; one that only the old
//! path has is added to the body, or to the query where there is no body. `{self}` is the caller's own id.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use kit::http::Method;
use kit::{Caller, Problem};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::body;

/// Method and path as they are still called, and what they are now.
pub const RENAMED: &[(Method, &str, Method, &str)] = &[
    (Method::POST, "/api/v1/users/register", Method::POST, "/api/v1/auth/register"),
    (Method::POST, "/api/v1/users/login", Method::POST, "/api/v1/auth/login"),
    (Method::POST, "/api/v1/users/otp/send", Method::POST, "/api/v1/auth/otp/send"),
    (Method::POST, "/api/v1/users/otp/verify", Method::POST, "/api/v1/auth/otp/verify"),
    (Method::GET, "/api/v1/cart/{self}", Method::GET, "/api/v1/cart"),
    (Method::DELETE, "/api/v1/cart/{self}", Method::DELETE, "/api/v1/cart"),
    (Method::POST, "/api/v1/cart/{self}/items", Method::POST, "/api/v1/cart/items"),
    (Method::PUT, "/api/v1/cart/{self}/items/{itemId}", Method::PUT, "/api/v1/cart/items/{itemId}"),
    (Method::DELETE, "/api/v1/cart/{self}/items/{itemId}", Method::DELETE, "/api/v1/cart/items/{itemId}"),
    (Method::POST, "/api/v1/cart/{self}/apply-coupon", Method::POST, "/api/v1/cart/apply-coupon"),
    (Method::DELETE, "/api/v1/cart/{self}/coupon", Method::DELETE, "/api/v1/cart/coupon"),
    (Method::POST, "/api/v1/cart/{self}/apply-coins", Method::POST, "/api/v1/cart/apply-coins"),
    (Method::DELETE, "/api/v1/cart/{self}/coins", Method::DELETE, "/api/v1/cart/coins"),
    (Method::POST, "/api/v1/orders/{id}/cancel", Method::PUT, "/api/v1/orders/{id}/cancel"),
    (Method::POST, "/api/v1/payments/create-order", Method::POST, "/api/v1/payments/initiate"),
    (Method::POST, "/api/v1/payments/verify", Method::POST, "/api/v1/payments/confirm"),
    (Method::POST, "/api/v1/payments/refund", Method::POST, "/api/v1/payments/{paymentId}/refund"),
    (Method::POST, "/api/v1/payments/webhook", Method::POST, "/api/v1/payments/webhooks/sandbox"),
    (Method::POST, "/api/v1/vendors/register", Method::POST, "/api/v1/vendors/apply"),
    (Method::POST, "/api/v1/vendors/{vendorId}/products", Method::POST, "/api/v1/products"),
    (Method::GET, "/api/v1/vendors/{vendorId}/orders", Method::GET, "/api/v1/vendor/orders"),
    (Method::POST, "/api/v1/notifications", Method::POST, "/api/v1/notifications/send"),
    (Method::GET, "/api/v1/internal/bus-stats", Method::GET, "/api/v1/gateway/stats"),
    (Method::GET, "/api/v1/internal/kafka-stats", Method::GET, "/api/v1/gateway/stats"),
    (Method::GET, "/api/v1/search/products", Method::GET, "/api/v1/search"),
    (Method::GET, "/api/v1/products/search", Method::GET, "/api/v1/search"),
];

/// The only version there is.
const VERSION: &str = "1";

/// `/api/...` without a version means the first one, for good.
pub fn versioned(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/api/")?;
    let first = rest.split('/').next().unwrap_or("");
    let is_version = first.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    (!is_version).then(|| format!("/api/v1/{rest}"))
}

/// `406` where a client takes answers of other versions only: `Accept: application/vnd.haat.v2+json`.
pub fn acceptable(headers: &HeaderMap) -> Result<(), Problem> {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
    let types = lines.flat_map(|line| line.split(',')).map(|t| t.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    let mut refused = None;
    for kind in types.filter(|t| !t.is_empty()) {
        match kind.strip_prefix("application/vnd.haat.v").and_then(|rest| rest.strip_suffix("+json")) {
            Some(version) if version != VERSION => refused = Some(kind),
            _ => return Ok(()),
        }
    }
    let text = |kind| format!("there is no {kind}; the newest version is application/vnd.haat.v{VERSION}+json");
    refused.map_or(Ok(()), |kind| Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "unknown_version", text(kind))))
}

/// What an older spelling means now.
#[derive(Debug, PartialEq, Eq)]
pub struct Renamed {
    pub method: Method,
    /// What only the body says still stands in braces.
    pub path: String,
    /// The id that must be the caller's.
    own: Option<Uuid>,
    /// The member of the body that belongs into the path.
    missing: Option<&'static str>,
    /// What the new path has no place for.
    added: Option<(&'static str, String)>,
}

/// What `method` and `path` are called now, where they are an older spelling.
pub fn renamed(method: &Method, path: &str) -> Option<Renamed> {
    RENAMED.iter().find_map(|(from_method, from, to_method, to)| {
        let values = (from_method == method).then(|| parameters(from, path)).flatten()?;
        let mut renamed = Renamed { method: to_method.clone(), path: (*to).to_owned(), own: None, missing: None, added: None };
        for (name, value) in values {
            let place = format!("{{{name}}}");
            match name {
                "self" => renamed.own = Some(value.parse().ok()?),
                _ if to.contains(&place) => renamed.path = renamed.path.replace(&place, value),
                _ => renamed.added = Some((name, value.to_owned())),
            }
        }
        renamed.missing = to.split('/').find_map(|s| name_of(s).filter(|_| renamed.path.contains(s)));
        Some(renamed)
    })
}

fn parameters<'p>(pattern: &'static str, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(values),
            (Some(expected), Some(found)) => match name_of(expected) {
                Some(name) if !found.is_empty() => values.push((name, found)),
                None if expected == found => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

fn name_of(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

impl Renamed {
    /// Turns a request of `caller` into what is meant, with a body of at most `limit_bytes`.
    pub async fn apply(self, request: &mut Request, caller: &Caller, limit_bytes: usize) -> Result<(), Problem> {
        if self.own.is_some_and(|id| caller.user.as_ref().is_none_or(|user| user.id.0 != id)) {
            caller.user()?;
            return Err(Problem::not_found("user"));
        }
        *request.method_mut() = self.method.clone();
        let mut path = self.path;
        let mut query = None;
        match self.added {
            Some((name, value)) if self.method == Method::GET || self.method == Method::DELETE => query = Some(format!("{name}={value}")),
            Some((name, value)) => edit(request, limit_bytes, |members| add(members, name, value)).await?,
            None => {}
        }
        if let Some(name) = self.missing {
            let mut taken = String::new();
            edit(request, limit_bytes, |members| take(members, name).map(|value| taken = value)).await?;
            path = path.replace(&format!("{{{name}}}"), &taken);
        }
        rewrite(request.uri_mut(), &path, query.as_deref())
    }
}

fn add(members: &mut Map<String, Json>, name: &str, value: String) -> Result<(), Problem> {
    match members.insert(name.to_owned(), Json::String(value.clone())) {
        Some(other) if other != Json::String(value) => {
            Err(Problem::bad_request("invalid_body", format!("{name} in the body is not the one in the path")))
        }
        _ => Ok(()),
    }
}

fn take(members: &mut Map<String, Json>, name: &str) -> Result<String, Problem> {
    let found = members.shift_remove(name);
    let id = found.as_ref().and_then(Json::as_str).and_then(|text| text.parse::<Uuid>().ok());
    let text = || format!("the body does not fit: expected the id {name}");
    id.map(|id| id.to_string()).ok_or_else(|| Problem::bad_request("invalid_body", text()))
}

/// Changes the members of a JSON body.
async fn edit(
    request: &mut Request,
    limit_bytes: usize,
    change: impl FnOnce(&mut Map<String, Json>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let sent = std::mem::take(request.body_mut());
    let bytes: Bytes = axum::body::to_bytes(sent, usize::MAX).await.map_err(|e| match body::is_too_large(&e) {
        true => body::too_large(limit_bytes),
        false => Problem::bad_request("body_unreadable", "the body ended early or could not be read"),
    })?;
    let json = serde_json::from_slice(&bytes).map_err(|e| Problem::bad_request("invalid_json", format!("the body is not JSON: {e}")))?;
    let Json::Object(mut members) = json else {
        return Err(Problem::bad_request("invalid_body", "the body does not fit: expected an object"));
    };
    change(&mut members)?;
    let bytes = serde_json::to_vec(&members).map_err(Problem::internal)?;
    request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    request.headers_mut().remove(header::TRANSFER_ENCODING);
    *request.body_mut() = Body::from(bytes);
    Ok(())
}

/// Another path, with the query that was there and more of it.
pub fn rewrite(uri: &mut Uri, path: &str, more: Option<&str>) -> Result<(), Problem> {
    let query: Vec<&str> = uri.query().into_iter().chain(more).filter(|q| !q.is_empty()).collect();
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|_| Problem::not_found("route"))?);
    *uri = Uri::from_parts(parts).map_err(Problem::internal)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c0de-0000-7000-8000-000000000000";

    #[test]
    fn a_path_without_a_version_means_the_first() {
        let cases = [
            ("/api/products", Some("/api/v1/products")),
            ("/api/vendors/store", Some("/api/v1/vendors/store")),
            ("/api/v", Some("/api/v1/v")),
            ("/api/v1/products", None),
            ("/api/v2/products", None),
            ("/api/v1", None),
            ("/api", None),
            ("/health", None),
        ];
        for (path, expected) in cases {
            assert_eq!(versioned(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn other_versions_are_not_acceptable() {
        let cases = [
            (vec![], true),
            (vec!["*/*"], true),
            (vec!["application/vnd.haat.v1+json"], true),
            (vec!["Application/Vnd.Haat.V1+JSON; q=0.5"], true),
            (vec!["application/vnd.haat.v2+json"], false),
            (vec!["application/vnd.haat.v2+json, application/vnd.haat.v1+json"], true),
            (vec!["application/vnd.haat.v2+json", "application/json"], true),
            (vec!["application/vnd.haat.v+json"], false),
            (vec![""], true),
        ];
        for (sent, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in &sent {
                headers.append(header::ACCEPT, HeaderValue::from_static(line));
            }
            assert_eq!(acceptable(&headers).is_ok(), expected, "{sent:?}");
        }
    }

    #[test]
    fn older_spellings_are_rewritten() {
        let now = |method: Method, path: String| renamed(&method, &path).map(|r| format!("{} {}", r.method, r.path));
        let cases = [
            (Method::POST, "/api/v1/orders/7/cancel".to_owned(), Some("PUT /api/v1/orders/7/cancel")),
            (Method::POST, "/api/v1/users/login".into(), Some("POST /api/v1/auth/login")),
            (Method::GET, format!("/api/v1/cart/{ID}"), Some("GET /api/v1/cart")),
            (Method::PUT, format!("/api/v1/cart/{ID}/items/9"), Some("PUT /api/v1/cart/items/9")),
            (Method::GET, "/api/v1/cart/items".into(), None),
            (Method::POST, "/api/v1/payments/refund".into(), Some("POST /api/v1/payments/{paymentId}/refund")),
            (Method::GET, "/api/v1/vendors/7/orders".into(), Some("GET /api/v1/vendor/orders")),
            (Method::GET, "/api/v1/users/login".into(), None),
            (Method::POST, "/api/v1/orders//cancel".into(), None),
            (Method::POST, "/x".into(), None),
        ];
        for (method, path, expected) in cases {
            assert_eq!(now(method.clone(), path.clone()).as_deref(), expected, "{method} {path}");
        }
    }

    #[test]
    fn one_parameter_at_most_changes_its_place() {
        for (_, from, _, to) in RENAMED {
            let names = |path: &'static str| path.split('/').filter_map(name_of).filter(|n| *n != "self").collect::<Vec<_>>();
            let (from, to) = (names(from), names(to));
            let only = |a: &[&str], b: &[&str]| a.iter().filter(|name| !b.contains(name)).count();
            assert!(only(&from, &to) <= 1 && only(&to, &from) <= 1, "{from:?} {to:?}");
        }
    }
}
