//! Takes spans to the collector, in the background. A collector that does not answer costs spans, never work: the queue is
//! bounded, and what does not fit is counted and forgotten.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::span::Recorded;
use super::wire;
use crate::outbound::{causes, retry_after_seconds};

/// Spans that wait at most; some four megabytes.
const QUEUE_SPANS: usize = 8_192;
/// Spans of one request at most.
const BATCH_SPANS: usize = 512;
/// How long the first of them waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// The first pause after a request that failed, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long what is left may take at the end.
const FAREWELL: Duration = Duration::from_secs(3);
/// How much of an answer is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where spans go.
#[derive(Clone, Debug)]
pub struct Collector {
    /// Whither requests are posted: the whole address, such as `http://127.0.0.1:4318/v1/traces`.
    pub url: String,
    /// Sent with each request, such as a key.
    pub headers: HeaderMap,
    /// How long one request may take.
    pub timeout: Duration,
    /// What is said of this process, such as `service.name`.
    pub resource: Vec<(String, String)>,
}

/// Where spans wait.
pub(super) struct Queue(mpsc::Sender<Recorded>);

impl Queue {
    pub(super) fn put(&self, span: Recorded) {
        if self.0.try_send(span).is_err() {
            dropped("queue_full", 1);
        }
    }
}

/// Sends in the background.
pub struct Exporter {
    ending: CancellationToken,
    worker: tokio::task::JoinHandle<()>,
}

impl Exporter {
    /// Sends what is left, if that is soon done.
    pub async fn close(self) {
        self.ending.cancel();
        if let Err(e) = self.worker.await {
            tracing::warn!(error = %e, "the last spans are not sent");
        }
    }
}

/// Starts to send. Call inside a runtime.
pub(super) fn start(collector: Collector) -> Result<(Queue, Exporter), String> {
    let uri: Uri = collector.url.parse().map_err(|e| format!("{}: {e}", collector.url))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
        return Err(format!("expected http://host:port or https://host:port, found {:?}", collector.url));
    }
    let connector = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let (sender, queue) = mpsc::channel(QUEUE_SPANS);
    let ending = CancellationToken::new();
    let resource = wire::Resource::of(&collector.resource);
    let worker = Worker { queue, uri, collector, resource, client, ending: ending.clone(), lost: None };
    Ok((Queue(sender), Exporter { ending, worker: tokio::spawn(worker.run()) }))
}

struct Worker {
    queue: mpsc::Receiver<Recorded>,
    uri: Uri,
    collector: Collector,
    resource: wire::Resource,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    ending: CancellationToken,
    /// While the collector does not take them: spans that it refused.
    lost: Option<usize>,
}

/// Why spans were not taken.
struct Failure {
    why: String,
    /// When it makes sense to try again; never, where the collector has said no.
    again: Option<Duration>,
}

impl Worker {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_SPANS);
        while self.gather(&mut batch).await {
            self.deliver(&batch).await;
            batch.clear();
        }
        let farewell = async {
            loop {
                while batch.len() < BATCH_SPANS
                    && let Ok(span) = self.queue.try_recv()
                {
                    batch.push(span);
                }
                if batch.is_empty() {
                    return;
                }
                self.deliver(&batch).await;
                batch.clear();
            }
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    /// Waits for spans, and a while for others; `false` at the end.
    async fn gather(&mut self, batch: &mut Vec<Recorded>) -> bool {
        tokio::select! {
            biased;
            () = self.ending.cancelled() => return false,
            received = self.queue.recv_many(batch, BATCH_SPANS) => if received == 0 { return false },
        }
        let enough = tokio::time::sleep(GATHER);
        tokio::pin!(enough);
        while batch.len() < BATCH_SPANS {
            tokio::select! {
                biased;
                () = self.ending.cancelled() => return false,
                () = &mut enough => return true,
                received = self.queue.recv_many(batch, BATCH_SPANS - batch.len()) => if received == 0 { return false },
            }
        }
        true
    }

    /// Sends spans until they are taken or refused; at the end, once.
    async fn deliver(&mut self, batch: &[Recorded]) {
        let body = Bytes::from(wire::request(&self.resource, batch));
        let mut pause = PAUSES.0;
        loop {
            let failure = match self.post(body.clone()).await {
                Ok(rejected) => return self.taken(batch.len(), rejected),
                Err(failure) => failure,
            };
            self.complain(&failure.why);
            let Some(again) = failure.again else { return self.give_up("refused", batch.len()) };
            tokio::select! {
                biased;
                () = self.ending.cancelled() => return self.give_up("unreachable", batch.len()),
                () = tokio::time::sleep(again.max(pause).min(PAUSES.1)) => pause *= 2,
            }
        }
    }

    /// One request; how many spans the collector did not want.
    async fn post(&self, body: Bytes) -> Result<usize, Failure> {
        let later = |why: String| Failure { why, again: Some(Duration::ZERO) };
        let mut request = Request::new(Full::new(body));
        (*request.method_mut(), *request.uri_mut()) = (Method::POST, self.uri.clone());
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("haat/", env!("CARGO_PKG_VERSION"))));
        headers.extend(self.collector.headers.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let answer = async {
            let response = self.client.request(request).await.map_err(|e| later(causes(&e)))?;
            let (status, again) = (response.status(), Duration::from_secs(retry_after_seconds(response.headers()).unwrap_or(0)));
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map(|b| b.to_bytes()).unwrap_or_default();
            Ok((status, again, body))
        };
        let in_time = tokio::time::timeout(self.collector.timeout, answer).await;
        let (status, again, body) = in_time.unwrap_or_else(|_| Err(later(format!("no answer within {:?}", self.collector.timeout))))?;
        if status.is_success() {
            let partial = wire::Response::decode(body).unwrap_or_default().partial.unwrap_or_default();
            return Ok(usize::try_from(partial.rejected).unwrap_or(0));
        }
        let passing = matches!(status.as_u16(), 429 | 502..=504);
        Err(Failure { why: said(status, &body), again: passing.then_some(again) })
    }

    fn taken(&mut self, sent: usize, rejected: usize) {
        if let Some(lost) = self.lost.take() {
            tracing::info!(url = %self.uri, lost, "the collector takes spans again");
        }
        let rejected = rejected.min(sent);
        metrics::counter!("haat_trace_spans_exported_total").increment((sent - rejected) as u64);
        if rejected > 0 {
            dropped("refused", rejected);
        }
    }

    fn give_up(&mut self, reason: &'static str, spans: usize) {
        dropped(reason, spans);
        self.lost = self.lost.map(|lost| lost + spans);
    }

    /// Once, until it works again.
    fn complain(&mut self, why: &str) {
        if self.lost.is_none() {
            tracing::warn!(url = %self.uri, why, "the collector takes no spans; those that do not fit into the queue are lost");
            self.lost = Some(0);
        }
    }
}

fn dropped(reason: &'static str, spans: usize) {
    metrics::counter!("haat_trace_spans_dropped_total", "reason" => reason).increment(spans as u64);
}

fn said(status: StatusCode, body: &[u8]) -> String {
    let words: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(200).collect();
    if words.is_empty() { status.to_string() } else { format!("{status}: {words}") }
}

#[cfg(test)]
mod tests;
