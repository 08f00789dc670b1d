//! Answers that go on: they end when the access token that they were asked for with does not work any more.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use futures::StreamExt;
use kit::http::RouteInfo;

use crate::sessions::Sessions;

/// Whether an answer goes on for as long as somebody listens.
pub fn goes_on(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The answer, cut off when the token expires, its session ends, or the route that was `granted` to it is not any more.
pub fn while_signed_in(response: Response, sessions: Arc<Sessions>, token: String, granted: Option<RouteInfo>) -> Response {
    let refused = async move { sessions.refused(&token, granted).await };
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(refused))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_known_by_their_type() {
        for (kind, expected) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("text/event-streams", false),
            ("application/json", false),
            ("", false),
        ] {
            let response = Response::builder().header("content-type", kind).body(Body::empty()).unwrap();
            assert_eq!(goes_on(&response), expected, "{kind}");
        }
        assert!(!goes_on(&Response::new(Body::empty())));
    }
}
