//! HTTP to the outside: how haat calls an address that somebody gave it, such as a webhook's.
//!
//! An address below `public_url` is haat itself. Where the gateway runs in this process, or the service that answers the
//! path does, the request goes straight into its router: no socket, the same code, and it can be simulated.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::ServiceExt;

use crate::channel::{CallInfo, Directory, Fault, OUTSIDE, WeakDirectory, befall};
use crate::{Context, Env, context, trace};

/// How long an answer may take, in seconds.
pub const TIMEOUT_SECONDS: u64 = 10;
/// The largest answer that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends requests to the outside.
#[derive(Clone)]
pub struct Outbound {
    service: &'static str,
    public_url: String,
    directory: WeakDirectory,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// The body, cut off with an error beyond the limit.
    pub body: Bytes,
}

/// Why there is no answer. Whether the other side acted is unknown, except for `Address`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Not an address that can be called.
    #[error("expected an http:// address, found {0:?}")]
    Address(String),
    /// No connection, or it broke.
    #[error("the request failed: {0}")]
    Failed(String),
    /// Too slow.
    #[error("no answer within {TIMEOUT_SECONDS} seconds")]
    TimedOut,
}

impl Outbound {
    /// For a service.
    pub fn new(env: &Env) -> Outbound {
        Outbound::with(env.db.service(), env.shared.public_url.clone(), &env.directory)
    }

    fn with(service: &'static str, public_url: String, directory: &Directory) -> Outbound {
        let mut connector = HttpConnector::new();
        // Small requests that somebody waits for: none is held back for more to come.
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Outbound { service, public_url, directory: directory.downgrade(), client }
    }

    /// Posts `body` to `url`.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, OutboundError> {
        let uri: Uri = url.parse().map_err(|_| OutboundError::Address(url.to_owned()))?;
        let fault = self.fault(uri.path());
        let mut span = trace::http::request(self.service, &Method::POST, &uri);
        let sending = async {
            match self.own_router(url) {
                Some((router, path)) => send_here(router, &path, uri.authority().map(|a| a.as_str()), headers, body).await,
                None => self.send_away(uri, url, headers, body).await,
            }
        };
        let sending = befall(fault, sending, |what| OutboundError::Failed(format!("the {what} was lost on purpose")));
        let answer = tokio::time::timeout(Duration::from_secs(TIMEOUT_SECONDS), sending).await.unwrap_or(Err(OutboundError::TimedOut));
        match &answer {
            Ok(answer) => trace::http::answered(&mut span, answer.status),
            Err(e) => span.fail(e),
        }
        answer
    }

    fn fault(&self, path: &str) -> Fault {
        let call = CallInfo { caller: self.service, callee: OUTSIDE, method: path };
        self.directory.upgrade().map_or(Fault::None, |directory| directory.faults().decide(call))
    }

    async fn send_away(&self, uri: Uri, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, OutboundError> {
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(OutboundError::Address(url.to_owned()));
        }
        let mut request = Request::new(Full::new(body));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (Method::POST, uri, headers);
        let response = self.client.request(request).await.map_err(|e| OutboundError::Failed(e.to_string()))?;
        let (parts, body) = response.into_parts();
        read(Response::from_parts(parts, Body::new(body))).await
    }

    /// The router of this process that answers `url`, and the path there; `None` where haat does not serve it here.
    fn own_router(&self, url: &str) -> Option<(Router, String)> {
        let path = url.strip_prefix(&self.public_url).filter(|rest| rest.starts_with('/'))?;
        let directory = self.directory.upgrade()?;
        let router = directory.local_http("gateway").or_else(|| {
            let routes = directory.routes();
            let answers = routes.iter().find(|r| r.method == Method::POST && fits(&r.path, path))?;
            directory.local_http(answers.service)
        })?;
        Some((router, path.to_owned()))
    }
}

async fn send_here(router: Router, path: &str, host: Option<&str>, headers: HeaderMap, body: Bytes) -> Result<Answer, OutboundError> {
    let uri: Uri = path.parse().map_err(|_| OutboundError::Address(path.to_owned()))?;
    let mut request = Request::new(Body::from(body));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (Method::POST, uri, headers);
    if let Some(host) = host.and_then(|h| HeaderValue::from_str(h).ok()) {
        request.headers_mut().insert(header::HOST, host);
    }
    // A request of its own: nothing of the sender's circumstances reaches the other side.
    match context::scope(Context::default(), router.oneshot(request)).await {
        Ok(response) => read(response).await,
        Err(never) => match never {},
    }
}

async fn read(response: Response<Body>) -> Result<Answer, OutboundError> {
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    Ok(Answer { status, body: body.map_err(|e| OutboundError::Failed(e.to_string()))?.to_bytes() })
}

/// After how many seconds an answer says that one may ask again; a date is not understood.
pub fn retry_after_seconds(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// An error of a connection with what caused it, which its own text leaves out.
pub(crate) fn causes(e: &dyn Error) -> String {
    let mut text = e.to_string();
    let mut source = e.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Whether `path` is one of `pattern`, in which `{name}` stands for one segment.
fn fits(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or(path);
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(w), Some(f)) if w == f || (w.starts_with('{') && !f.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use utoipa::openapi::OpenApi;

    use super::*;
    use crate::http::{RouteInfo, Who};

    fn hook(service: &'static str) -> RouteInfo {
        let path = "/hooks/{name}".to_owned();
        RouteInfo { service, method: Method::POST, path, who: Who::Public, body_limit_bytes: 1, timeout_seconds: 1 }
    }

    fn directory(service: &'static str) -> Directory {
        let directory = Directory::new();
        let answer = move |body: String| async move { format!("{service} got {body}") };
        directory.declare(service, &[], vec![hook(service)], OpenApi::default());
        directory.set_local(service, Router::new().route("/hooks/{name}", post(answer)), Router::new());
        directory
    }

    async fn post_to(outbound: &Outbound, url: &str) -> Result<String, OutboundError> {
        let answer = outbound.post(url, HeaderMap::new(), Bytes::from_static(b"news")).await?;
        Ok(format!("{} {}", answer.status.as_u16(), String::from_utf8_lossy(&answer.body)))
    }

    #[tokio::test]
    async fn what_is_served_here_is_called_without_a_socket() {
        for service in ["gateway", "payments"] {
            let directory = directory(service);
            let outbound = Outbound::with("near", "http://haat.test".into(), &directory);
            assert_eq!(post_to(&outbound, "http://haat.test/hooks/a?x=1").await, Ok(format!("200 {service} got news")));
        }
    }

    #[tokio::test]
    async fn what_is_elsewhere_is_called_over_a_socket() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/a", listener.local_addr().unwrap());
        let far = directory("far").local_http("far").unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, far).await });
        let outbound = Outbound::with("near", "http://haat.test".into(), &Directory::new());
        assert_eq!(post_to(&outbound, &url).await, Ok("200 far got news".into()));
        server.abort();
        let _ = server.await;
        assert!(matches!(post_to(&outbound, &url).await, Err(OutboundError::Failed(_))));
    }

    #[tokio::test]
    async fn addresses_that_cannot_be_called_are_refused() {
        let outbound = Outbound::with("near", "http://haat.test".into(), &directory("gateway"));
        for url in ["", "haat.test", "/hooks/a", "ftp://haat.test/a", "http://", "https://example.test/a"] {
            assert!(matches!(post_to(&outbound, url).await, Err(OutboundError::Address(_))), "{url}");
        }
    }

    #[test]
    fn seconds_to_wait_are_read_and_dates_are_not() {
        let cases =
            [("7", Some(7)), (" 120 ", Some(120)), ("0", Some(0)), ("-1", None), ("soon", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after_seconds(&headers), expected, "{text}");
        }
        assert_eq!(retry_after_seconds(&HeaderMap::new()), None);
    }

    #[test]
    fn patterns_fit_whole_paths() {
        assert!(fits("/a/{b}/c", "/a/1/c?d=e"));
        for path in ["/a/1", "/a/1/c/d", "/a//c", "/x/1/c"] {
            assert!(!fits("/a/{b}/c", path), "{path}");
        }
    }
}
