//! A client of haat, with nothing but a socket.

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value as Json;

/// Connections to one address.
pub struct Outside {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Who sends: a user's access token, a guest's cart token, both or neither.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    pub access: Option<String>,
    pub cart: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Json,
    pub bytes: Bytes,
    headers: HeaderMap,
}

impl Outside {
    pub fn of(url: &str) -> Outside {
        Outside { url: url.to_owned(), client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// `path` is below `/api/v1`.
    pub async fn send(&self, who: &Visitor, method: &str, path: &str, body: Option<Json>, headers: &[(&str, &str)]) -> Answer {
        self.send_to(who, method, &format!("{}/api/v1{path}", self.url), body, headers).await
    }

    pub async fn send_to(&self, who: &Visitor, method: &str, url: &str, body: Option<Json>, headers: &[(&str, &str)]) -> Answer {
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &who.access {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(token) = &who.cart {
            request = request.header("x-cart-token", token);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|b| Bytes::from(b.to_string())).unwrap_or_default();
        let answer = self.ask(request.body(Full::new(body)).unwrap()).await;
        answer.unwrap_or_else(|e| panic!("{method} {url}: {e}"))
    }

    /// Sends what may not be JSON as if it were. `None`: the server hung up.
    pub async fn send_bytes(&self, who: &Visitor, method: &str, url: &str, body: Option<Bytes>) -> Option<Answer> {
        let mut request = http::Request::builder().method(method).uri(url).header("content-type", "application/json");
        if let Some(token) = &who.access {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request = request.header("idempotency-key", "rubbish");
        self.ask(request.body(Full::new(body.unwrap_or_default())).unwrap()).await.ok()
    }

    async fn ask(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, String> {
        let response = self.client.request(request).await.map_err(|e| format!("{e:?}"))?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
        Ok(Answer { status: parts.status.as_u16(), body, bytes, headers: parts.headers })
    }
}

impl Visitor {
    pub fn guest(cart: &str) -> Visitor {
        Visitor { access: None, cart: Some(cart.to_owned()) }
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// This answer, if its status is `status`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "unexpected answer: {}", String::from_utf8_lossy(&self.bytes));
        self
    }
}
