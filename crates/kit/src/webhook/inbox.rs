//! What inboxes of webhooks have in common: how long messages are kept, and what of them. The tables are each service's own.

use axum::http::HeaderMap;
use serde_json::{Map, Value as Json};

use super::{ID, SIGNATURE, TIMESTAMP};

/// How long messages are kept, in seconds: far longer than a sender repeats them.
pub const KEPT_SECONDS: i64 = 30 * 24 * 3_600;
/// How many of those are kept that nobody vouched for: anybody can send them.
pub const REFUSED_MAX: i64 = 1_000;
/// How much of each of those is kept, in bytes.
pub const REFUSED_BYTES_MAX: usize = 2 * 1024;
/// The longest reason, and the longest header, that is kept, in characters.
const DETAIL_MAX: usize = 500;

/// The headers that say who sent a message and when, as they are kept.
pub fn headers_of(headers: &HeaderMap) -> Json {
    let said = |name: axum::http::HeaderName| {
        let text: String = String::from_utf8_lossy(headers.get(&name)?.as_bytes()).chars().take(DETAIL_MAX).collect();
        Some((name.as_str().to_owned(), Json::from(text)))
    };
    Json::Object([ID, TIMESTAMP, SIGNATURE].into_iter().filter_map(said).collect::<Map<_, _>>())
}

/// Why a message was not applied, as it is kept beside it.
pub fn detail(why: &str) -> String {
    why.chars().filter(|c| !c.is_control()).take(DETAIL_MAX).collect()
}

/// The sender's own id of a message that is kept as `<sender>:<id>`.
pub fn own_id(kept: &str) -> String {
    kept.split_once(':').map_or(kept, |(_, id)| id).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_message_has_bounds() {
        let mut headers = HeaderMap::new();
        headers.insert(ID, "x".repeat(2 * DETAIL_MAX).parse().expect("letters"));
        headers.insert("authorization", "not this one".parse().expect("letters"));
        let kept = headers_of(&headers);
        assert_eq!(kept.as_object().map(Map::len), Some(1));
        assert_eq!(kept["webhook-id"].as_str().map(str::len), Some(DETAIL_MAX));
        assert_eq!(detail(&format!("a\nb\u{0}{}", "c".repeat(DETAIL_MAX))), format!("ab{}", "c".repeat(DETAIL_MAX - 2)));
    }

    #[test]
    fn an_id_is_the_senders_own() {
        assert_eq!(own_id("sandbox:evt_1:2"), "evt_1:2");
        assert_eq!(own_id("evt_1"), "evt_1");
    }
}
