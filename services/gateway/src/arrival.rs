//! What a request is known by: its id and its trace.

use axum::http::HeaderMap;
use contracts::Time;
use kit::Ids;
use kit::auth::hex;

/// The longest request id that is taken from a client.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The client's request id where it is sane, else a new one.
pub fn request_id(headers: &HeaderMap, ids: &Ids, now: Time) -> String {
    let sent = headers.get("x-request-id").and_then(|v| v.to_str().ok());
    let sane =
        |id: &&str| (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    sent.filter(sane).map_or_else(|| ids.uuid(now).to_string(), str::to_owned)
}

/// W3C trace context (level 1): the client's trace with a new span of ours, or a new trace.
pub fn traceparent(headers: &HeaderMap, ids: &Ids) -> String {
    let span = hex(&ids.bytes::<8>());
    let sent = headers.get("traceparent").and_then(|v| v.to_str().ok()).and_then(parse);
    match sent {
        Some((trace, flags)) => format!("00-{trace}-{span}-{flags}"),
        None => format!("00-{}-{span}-01", hex(&ids.bytes::<16>())),
    }
}

/// The trace id and the flags of a version 00 header, or of what later versions begin with.
fn parse(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hexadecimal = |s: &str, digits: usize| s.len() == digits && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let some = |s: &str| s.bytes().any(|b| b != b'0');
    let known = hexadecimal(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let right = hexadecimal(trace, 32) && some(trace) && hexadecimal(span, 16) && some(span) && hexadecimal(flags, 2);
    (known && right).then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn headers(name: &'static str, value: &[u8]) -> HeaderMap {
        let value = HeaderValue::from_bytes(value).unwrap();
        HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), value)])
    }

    #[test]
    fn a_sane_request_id_is_taken_and_another_replaced() {
        let (ids, now) = (Ids::seeded(1), Time(0));
        for id in ["a", "0198c0de-0000-7000-8000-000000000000", "svc:1.2_3", &"x".repeat(128)] {
            assert_eq!(request_id(&headers("x-request-id", id.as_bytes()), &ids, now), id);
        }
        for id in ["", "a b", "<script>", "\"", &"x".repeat(129)] {
            assert_ne!(request_id(&headers("x-request-id", id.as_bytes()), &ids, now), id);
        }
        assert_eq!(request_id(&headers("x-request-id", b"\xff"), &ids, now).len(), 36);
    }

    #[test]
    fn a_trace_goes_on_with_a_span_of_ours() {
        let sent = format!("00-{TRACE}-00f067aa0ba902b7-00");
        let ours = traceparent(&headers("traceparent", sent.as_bytes()), &Ids::seeded(1));
        assert_eq!((&ours[..36], &ours[52..]), (&sent[..36], "-00"));
        assert_ne!(ours[36..52], sent[36..52]);
        let later = format!("cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later");
        assert!(traceparent(&headers("traceparent", later.as_bytes()), &Ids::seeded(1)).contains(TRACE));
    }

    #[test]
    fn a_malformed_trace_is_replaced() {
        let zeros = "0".repeat(32);
        let wrong = [
            String::new(),
            TRACE.to_owned(),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
        ];
        for text in wrong {
            let ours = traceparent(&headers("traceparent", text.as_bytes()), &Ids::seeded(1));
            assert!(parse(&ours).is_some() && !ours.contains(TRACE), "{text} gave {ours}");
        }
    }
}
