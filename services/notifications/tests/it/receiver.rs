//! An endpoint of webhooks: an HTTP server on a real socket that answers as told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use contracts::Time;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kit::webhook::Secret;
use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::tls::localhost;

/// What came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// Whether it is signed with this secret, by what it says itself of when that was.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let seconds: i64 = self.header("webhook-timestamp").parse().unwrap();
        let verified = Secret::from_text(secret).verify(&self.headers, Time(0).plus_seconds(seconds), &self.body);
        verified.is_ok_and(|id| id == self.header("webhook-id"))
    }
}

type Answer = Response<Full<Bytes>>;
type Answers = Arc<dyn Fn(&Received, usize) -> Answer + Send + Sync>;

#[derive(Clone)]
pub struct Receiver {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Answers,
}

impl Receiver {
    /// Starts one; `answers` is asked with each request and its number, from 1.
    pub async fn start(answers: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static) -> Receiver {
        Receiver::begin(Arc::new(answers), None).await
    }

    /// Always the same status.
    pub async fn answering(status: u16) -> Receiver {
        Receiver::start(move |_, _| answer(status, "")).await
    }

    /// As `answering(200)` over TLS, as `localhost`, with the authority of its certificate as PEM.
    pub async fn over_tls() -> (Receiver, String) {
        let (tls, authority) = localhost();
        (Receiver::begin(Arc::new(|_, _| answer(200, "")), Some(tls)).await, authority)
    }

    async fn begin(answers: Answers, tls: Option<TlsAcceptor>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver { port: listener.local_addr().unwrap().port(), received: Arc::default(), answers };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (receiver, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(socket).await {
                                receiver.serve(stream).await;
                            }
                        }
                        None => receiver.serve(socket).await,
                    }
                });
            }
        });
        receiver
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S) {
        let answer = service_fn(move |request: Request<Incoming>| async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(self.take(Received { path: parts.uri.to_string(), headers: parts.headers, body }))
        });
        // Who hangs up in the middle has heard enough.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
    }

    fn take(&self, request: Received) -> Answer {
        let mut received = self.received.lock().unwrap();
        received.push(request);
        (self.answers)(received.last().unwrap(), received.len())
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    /// What came, in the order in which it came.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The types of what came, sorted.
    pub fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<String> = self.received().iter().map(Received::kind).collect();
        kinds.sort();
        kinds
    }
}

/// An answer.
pub fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
    answer
}
