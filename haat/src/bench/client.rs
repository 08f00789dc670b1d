//! One kept-alive HTTP/1.1 connection.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

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

    /// Acts for a user from now on.
    pub fn sign_in(&mut self, access_token: &str) -> Result<()> {
        self.headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {access_token}"))?);
        Ok(())
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&mut self, method: Method, path: &str, body: Bytes, key: Option<&str>) -> Result<Answer> {
        if self.sender.ready().await.is_err() {
            self.sender = connect(self.address).await?;
        }
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let mut request = request.body(Full::new(body))?;
        request.headers_mut().extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let response = self.sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.collect().await?.to_bytes() })
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

    /// What a refusal is counted under: the problem's stable code, else the status.
    pub fn code(&self) -> String {
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
