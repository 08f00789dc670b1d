use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::samples::Samples;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Asks one process for its metrics.
pub(super) struct Scraper {
    server: String,
    uri: Uri,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Scraper {
    pub(super) fn new(server: &str) -> anyhow::Result<Scraper> {
        let server = server.trim_end_matches('/').trim_end_matches("/metrics").to_owned();
        let uri: Uri = format!("{server}/metrics").parse().with_context(|| format!("--server: {server:?}"))?;
        ensure!(
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some(),
            "--server: expected an address such as http://127.0.0.1:8080, found {server:?}"
        );
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Ok(Scraper { server, uri, client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) async fn samples(&self) -> anyhow::Result<Samples> {
        let asked = async {
            let request = Request::builder().method(Method::GET).uri(self.uri.clone()).body(Full::default())?;
            let response = self.client.request(request).await.with_context(|| format!("{} does not answer", self.server))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|e| anyhow::anyhow!("{}: {e}", self.uri))?.to_bytes();
            ensure!(status.is_success(), "{} answered {status}; is haat there?", self.uri);
            Ok(Samples::parse(&String::from_utf8_lossy(&body)))
        };
        let Ok(samples) = tokio::time::timeout(PATIENCE, asked).await else {
            bail!("{} does not answer within {} s", self.server, PATIENCE.as_secs());
        };
        let samples = samples?;
        ensure!(samples.are_ours(), "{} has no metrics of haat; is it haat that answers there?", self.uri);
        Ok(samples)
    }
}
