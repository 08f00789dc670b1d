//! One kept-alive HTTP/1.1 connection.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::times::{Failure, Step};

/// The guest's cart, and proof of who the guest is.
pub const CART_TOKEN: HeaderName = HeaderName::from_static("x-cart-token");
/// One key, one order.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A connection that is opened again when the server has closed it.
pub struct Connection {
    address: SocketAddr,
    host: HeaderValue,
    sender: SendRequest<Full<Bytes>>,
    /// Sent with every request from now on.
    pub headers: HeaderMap,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Connection {
    /// Connects to `address`.
    pub async fn open(address: SocketAddr) -> Result<Connection> {
        let host = HeaderValue::from_str(&address.to_string())?;
        Ok(Connection { address, host, sender: connect(address).await?, headers: HeaderMap::new() })
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&mut self, method: Method, path: &str, body: Bytes, key: Option<&str>) -> Result<Answer> {
        let response = self.ask(method, path, body, key).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.collect().await?.to_bytes() })
    }

    /// Asks for a page and reads all of it, but keeps the body only of what is not the page.
    pub async fn skim(&mut self, path: &str) -> Result<Answer> {
        let response = self.ask(Method::GET, path, Bytes::new(), None).await?;
        let (parts, mut body) = response.into_parts();
        let mut kept = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame?.data_ref().filter(|_| !parts.status.is_success()) {
                kept.extend_from_slice(data);
            }
        }
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: kept.into() })
    }

    async fn ask(&mut self, method: Method, path: &str, body: Bytes, key: Option<&str>) -> Result<Response<Incoming>> {
        if self.sender.ready().await.is_err() {
            self.sender = connect(self.address).await?;
        }
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if !body.is_empty() && !self.headers.contains_key(CONTENT_TYPE) {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let mut request = request.body(Full::new(body))?;
        request.headers_mut().extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(self.sender.send_request(request).await?)
    }

    /// A request that must succeed, its answer decoded.
    pub async fn json<T: DeserializeOwned>(&mut self, method: Method, path: &str, body: Option<serde_json::Value>) -> Result<T> {
        let bytes = body.map_or_else(Bytes::new, |b| Bytes::from(b.to_string()));
        let answer = self.send(method.clone(), path, bytes, None).await?;
        anyhow::ensure!(answer.is_ok(), "{method} {path} answered {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).with_context(|| format!("{method} {path} answered something unexpected"))
    }
}

impl Answer {
    /// Whether the server did what it was asked.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Why something failed with this answer, which was asked for at `asked`.
    pub fn failure(&self, step: Step, asked: Instant) -> Failure {
        let refused_after = (self.status == 503).then(|| asked.elapsed());
        Failure { step, code: self.code(), refused_after }
    }

    /// What a refusal is counted under: the problem's stable code, else the status.
    fn code(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Problem {
            code: String,
        }
        let code = serde_json::from_slice::<Problem>(&self.body).map(|p| p.code);
        code.map_or_else(|_| self.status.to_string(), |code| format!("{} {code}", self.status))
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with the sender, or when the server closes it; the sender then says so.
    tokio::spawn(connection);
    Ok(sender)
}
