//! What of a request's headers is believed, and what is thrown away.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};
use kit::Network;
use kit::Problem;

const CART_TOKEN: &str = "x-cart-token";
const CART_TOKEN_BYTES_MAX: usize = 256;
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Headers that say who somebody is: ours to write, never a client's.
const SPOOFABLE: [&str; 3] = ["x-haat-", "x-user-", "x-internal-"];
/// Headers that say where somebody comes from: read from trusted proxies only, never handed on.
const ORIGIN: [&str; 3] = ["forwarded", "x-real-ip", "x-client-ip"];

/// An access token as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// None.
    Absent,
    /// This one.
    Token(String),
    /// Something that cannot be one.
    Unreadable,
}

/// Removes everything a client must not say, and takes out its access token. Other ways to authenticate, such as an
/// OAuth client's password, are left for the service that offers them.
pub fn take_bearer(headers: &mut HeaderMap) -> Bearer {
    let spoofed: Vec<HeaderName> = headers.keys().filter(|name| must_not_be_sent(name.as_str())).cloned().collect();
    for name in spoofed {
        headers.remove(name);
    }
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let bearer = match (sent.next(), sent.next()) {
        (None, _) => return Bearer::Absent,
        (Some(_), Some(_)) => Bearer::Unreadable,
        (Some(value), None) => match value.to_str().ok().map(|v| v.trim().split_once(' ').unwrap_or((v.trim(), ""))) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Bearer::Token(token.trim().to_owned()),
            Some(_) => return Bearer::Absent,
            None => Bearer::Unreadable,
        },
    };
    headers.remove(header::AUTHORIZATION);
    bearer
}

fn must_not_be_sent(name: &str) -> bool {
    SPOOFABLE.iter().any(|prefix| name.starts_with(prefix)) || ORIGIN.contains(&name) || name.starts_with("x-forwarded-")
}

/// A guest's cart token; `400` where it cannot be one.
pub fn cart_token(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(CART_TOKEN) else { return Ok(None) };
    let text = value.to_str().unwrap_or("").trim();
    let sane = (1..=CART_TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if !sane || headers.get_all(CART_TOKEN).iter().count() > 1 {
        return Err(Problem::bad_request("invalid_cart_token", "X-Cart-Token is not one that a cart was answered with"));
    }
    Ok(Some(text.to_owned()))
}

/// The client's address: the socket's, unless that is a trusted proxy; then the last one in `X-Forwarded-For` that is
/// not. To be called before the headers are cleaned.
pub fn client_address(headers: &HeaderMap, peer: Option<IpAddr>, trusted: &[Network]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer.map(|p| p.to_canonical())?;
    if !is_trusted(peer) {
        return Some(peer);
    }
    let mut nearest = peer;
    let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|v| v.to_str().ok()).collect();
    for text in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Ok(address) = text.trim().parse::<IpAddr>() else { return Some(nearest) };
        nearest = address.to_canonical();
        if !is_trusted(nearest) {
            return Some(nearest);
        }
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn what_a_client_must_not_say_is_removed() {
        let mut h = headers(&[
            ("x-haat-context", "token"),
            ("x-haat-actor", "user:1"),
            ("x-user-id", "1"),
            ("x-user-roles", "admin"),
            ("x-internal-service", "orders"),
            ("forwarded", "for=1.2.3.4"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-host", "evil.test"),
            ("x-real-ip", "1.2.3.4"),
            ("accept", "application/json"),
            ("x-username", "kept"),
        ]);
        assert_eq!(take_bearer(&mut h), Bearer::Absent);
        let mut left: Vec<&str> = h.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "x-username"]);
    }

    #[test]
    fn one_bearer_token_is_taken_out() {
        let token = |t: &str| Bearer::Token(t.to_owned());
        let cases = [
            (vec!["Bearer abc"], token("abc"), 0),
            (vec!["bearer  abc "], token("abc"), 0),
            (vec!["Bearer"], token(""), 0),
            (vec!["Bearer abc", "Bearer def"], Bearer::Unreadable, 0),
            (vec!["Basic dXNlcjpwYXNz"], Bearer::Absent, 1),
            (vec![], Bearer::Absent, 0),
            (vec!["Bearer \u{e9}"], Bearer::Unreadable, 0),
        ];
        for (sent, expected, left) in cases {
            let pairs: Vec<_> = sent.iter().map(|v| ("authorization", *v)).collect();
            let mut h = headers(&pairs);
            assert_eq!(take_bearer(&mut h), expected, "{sent:?}");
            assert_eq!(h.len(), left, "{sent:?}");
        }
    }

    #[test]
    fn a_cart_token_is_text_of_a_sane_length() {
        assert_eq!(cart_token(&headers(&[])), Ok(None));
        assert_eq!(cart_token(&headers(&[("x-cart-token", "a-b_C")])), Ok(Some("a-b_C".into())));
        let long = "x".repeat(CART_TOKEN_BYTES_MAX + 1);
        for text in ["", "a b", "\u{e9}", &long] {
            assert!(cart_token(&headers(&[("x-cart-token", text)])).is_err(), "{text}");
        }
        assert!(cart_token(&headers(&[("x-cart-token", "a"), ("x-cart-token", "b")])).is_err());
    }

    #[test]
    fn only_trusted_proxies_are_believed_about_addresses() {
        let trusted: [Network; 2] = ["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        let cases = [
            ("203.0.113.5", "1.1.1.1", "203.0.113.5"),
            ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
            ("10.0.0.1", "9.9.9.9, 1.1.1.1, 10.2.2.2", "1.1.1.1"),
            ("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.9", "10.0.0.9"),
            ("::ffff:127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ];
        for (peer, forwarded, expected) in cases {
            let found = client_address(&headers(&[("x-forwarded-for", forwarded)]), peer.parse().ok(), &trusted);
            assert_eq!(found, expected.parse().ok(), "{peer} says {forwarded}");
        }
        assert_eq!(client_address(&headers(&[]), "10.0.0.1".parse().ok(), &trusted), "10.0.0.1".parse().ok());
        assert_eq!(client_address(&headers(&[("x-forwarded-for", "1.1.1.1")]), None, &trusted), None);
    }
}
