//! Requests to endpoints that somebody registered: to the open internet only, to the very address that was looked at, and
//! never further than where they were sent.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use kit::outbound::retry_after_seconds;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Position, Url};

use super::address::{WrongUrl, check_url, is_public};
use crate::config::Webhooks;
use crate::domain::webhook::Reply;
use crate::domain::{Answer, Outcome};

/// How long an endpoint may take to answer, from looking up its host on.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long looking up a host may take when an endpoint is registered.
const LOOKUP: Duration = Duration::from_secs(3);
/// How much of an answer is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1_024;
/// How much room the head of an answer has, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// Hands requests over.
pub(crate) struct Courier {
    tls: Arc<ClientConfig>,
    /// Whether endpoints may be in the clear.
    http_allowed: bool,
    /// Whether endpoints may be in private networks.
    private_allowed: bool,
}

impl Courier {
    /// Nothing is connected yet; a mistake in the configuration is named.
    pub fn new(config: &Webhooks, development: bool) -> Result<Courier, String> {
        if config.private_addresses && !development {
            return Err("webhooks.private_addresses: in the development profile only".into());
        }
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(file) = &config.ca_file {
            let wrong = |e: &dyn std::fmt::Display| format!("webhooks.ca_file: {}: {e}", file.display());
            let authority = CertificateDer::from_pem_file(file).map_err(|e| wrong(&e))?;
            roots.add(authority).map_err(|e| wrong(&e))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        let tls = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
        Ok(Courier { tls, http_allowed: development, private_allowed: config.private_addresses })
    }

    /// Whether an endpoint may be at `url`. A host that is not known now may be known later: it is looked at again whenever
    /// something is sent.
    pub async fn check(&self, url: &str) -> Result<(), WrongUrl> {
        let url = check_url(url, self.http_allowed, self.private_allowed)?;
        match tokio::time::timeout(LOOKUP, addresses(&url)).await {
            Ok(Ok(found)) => self.all_public(&found),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Posts `body` to `url`.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Reply {
        let mut reply = Reply { status: None, words: String::new(), retry_after_seconds: None, is_silent: false };
        match tokio::time::timeout(TIMEOUT, self.attempt(url, headers, body, &mut reply)).await {
            Ok(Ok(())) => {}
            // Who has said how it went need not end its sentence.
            _ if reply.status.is_some() => {}
            Ok(Err(words)) => reply.words = words,
            Err(_) => {
                reply.words = format!("no answer within {} s", TIMEOUT.as_secs());
                reply.is_silent = true;
            }
        }
        reply.words = Answer::new(Outcome::Later, &reply.words).words;
        reply
    }

    async fn attempt(&self, url: &str, headers: HeaderMap, body: Bytes, reply: &mut Reply) -> Result<(), String> {
        let url = check_url(url, self.http_allowed, self.private_allowed).map_err(|e| e.to_string())?;
        let found = addresses(&url).await?;
        self.all_public(&found).map_err(|e| e.to_string())?;
        // The addresses that were looked at and no others: the name is not resolved again.
        let stream = TcpStream::connect(&found[..]).await.map_err(|e| format!("cannot connect: {e}"))?;
        let request = request(&url, headers, body)?;
        if url.scheme() == "http" {
            return exchange(stream, request, reply).await;
        }
        let name = server_name(&url)?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await.map_err(|e| format!("TLS: {e}"))?;
        exchange(stream, request, reply).await
    }

    fn all_public(&self, found: &[SocketAddr]) -> Result<(), WrongUrl> {
        if self.private_allowed || found.iter().all(|address| is_public(address.ip())) { Ok(()) } else { Err(WrongUrl::Private) }
    }
}

/// Where a URL's host is.
async fn addresses(url: &Url) -> Result<Vec<SocketAddr>, String> {
    let port = url.port_or_known_default().ok_or("the address has no port")?;
    let found = match url.host().ok_or("the address names no host")? {
        Host::Ipv4(address) => vec![SocketAddr::new(IpAddr::V4(address), port)],
        Host::Ipv6(address) => vec![SocketAddr::new(IpAddr::V6(address), port)],
        Host::Domain(name) => {
            tokio::net::lookup_host((name, port)).await.map_err(|e| format!("{name} cannot be looked up: {e}"))?.collect()
        }
    };
    if found.is_empty() { Err("the host has no address".into()) } else { Ok(found) }
}

fn server_name(url: &Url) -> Result<ServerName<'static>, String> {
    match url.host().ok_or("the address names no host")? {
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(address))),
        Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|e| e.to_string()),
    }
}

fn request(url: &Url, mut headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, String> {
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    headers.insert(header::HOST, HeaderValue::from_str(authority).map_err(|e| e.to_string())?);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("haat/", env!("CARGO_PKG_VERSION"))));
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url[Position::BeforePath..Position::AfterQuery].parse().map_err(|e: http::uri::InvalidUri| e.to_string())?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// One request and its answer: the status as soon as it is there, then the answer's first bytes.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, reply: &mut Reply) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |e: hyper::Error| format!("the request failed: {e}");
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let _driven = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await.map_err(failed)?;
    let wait = retry_after_seconds(response.headers()).map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
    (reply.status, reply.retry_after_seconds) = (Some(response.status().as_u16()), wait);
    let mut body = response.into_body();
    let mut read = Vec::new();
    while read.len() < ANSWER_BYTES_MAX {
        let Some(Ok(frame)) = body.frame().await else { break };
        read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| &data[..data.len().min(ANSWER_BYTES_MAX - read.len())]));
        reply.words = String::from_utf8_lossy(&read).into_owned();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn post(config: &Webhooks, url: &str) -> Reply {
        Courier::new(config, true).unwrap().post(url, HeaderMap::new(), Bytes::new()).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_has_fifteen_seconds() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Webhooks { private_addresses: true, ..Webhooks::default() };
        let began = tokio::time::Instant::now();
        let reply = post(&config, &format!("http://{}/", silent.local_addr().unwrap())).await;
        assert_eq!((reply.status, reply.words.as_str(), began.elapsed().as_secs()), (None, "no answer within 15 s", 15));
    }

    #[tokio::test]
    async fn private_addresses_are_for_development_only() {
        let config = Webhooks { private_addresses: true, ..Webhooks::default() };
        assert!(Courier::new(&config, false).err().unwrap().contains("webhooks.private_addresses"));
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
            let reply = post(&Webhooks::default(), &format!("http://{host}:{port}/")).await;
            assert!(reply.words.contains("not on the open internet"), "{host}: {}", reply.words);
        }
        let outside = Courier::new(&Webhooks::default(), false).unwrap();
        assert_eq!(outside.check("http://8.8.8.8/").await, Err(WrongUrl::Scheme("http".into())));
        assert_eq!(outside.check("https://localhost/").await, Err(WrongUrl::Private));
        assert_eq!(outside.check("https://8.8.8.8/").await, Ok(()));
    }
}
