use axum::body::Body;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value as Json;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The body where it is JSON, else null.
    pub body: Json,
    /// The body's bytes.
    pub bytes: Vec<u8>,
    headers: HeaderMap,
}

impl Response {
    pub(crate) async fn read(response: http::Response<Body>) -> Response {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body in memory ends").to_bytes().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
        Response { status: parts.status.as_u16(), body, bytes, headers: parts.headers }
    }

    /// A header's first value, or the empty string.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    /// The problem's code, or the empty string.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// This answer, if its status is `status`; a panic that shows the body otherwise.
    #[track_caller]
    pub fn expect(self, status: u16) -> Response {
        assert_eq!(self.status, status, "unexpected answer: {}", String::from_utf8_lossy(&self.bytes));
        self
    }
}
