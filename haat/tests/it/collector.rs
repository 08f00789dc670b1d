//! A collector of traces and a mail server, as far as a client can tell. They live as long as the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// A span with the service whose work it is.
pub type Seen = (String, Span);

/// What was received, by trace.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<BTreeMap<Vec<u8>, Vec<Seen>>>>);

/// Both servers, and an exporter of this process that sends to the first of them what comes in as recorded.
pub struct Collector {
    received: Received,
    pub smtp_port: u16,
    _runtime: Runtime,
}

/// Begun on a thread of its own: who needs it first is inside a runtime.
pub static COLLECTOR: LazyLock<Collector> = LazyLock::new(|| std::thread::spawn(begin).join().unwrap());

fn begin() -> Collector {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let received = Received::default();
    let (traces, mails) = runtime.block_on(async { (listen().await, listen().await) });
    let (url, smtp_port) = (format!("http://{}", traces.local_addr().unwrap()), mails.local_addr().unwrap().port());
    let router = Router::new().route("/v1/traces", post(receive)).with_state(received.clone());
    runtime.spawn(async move { axum::serve(traces, router).await });
    runtime.spawn(take_mails(mails));
    let telemetry = haat::config::Telemetry {
        otlp_endpoint: Some(url),
        otlp_headers: Some("api-key=of-the-test".into()),
        sampler: "parentbased_always_off".into(),
        ..haat::config::Telemetry::default()
    };
    let inside = runtime.enter();
    telemetry.begin().unwrap().expect("an endpoint is named");
    drop(inside);
    Collector { received, smtp_port, _runtime: runtime }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn receive(State(received): State<Received>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let right = headers["content-type"] == "application/x-protobuf" && headers["api-key"] == "of-the-test";
    let Some(request) = ExportTraceServiceRequest::decode(body).ok().filter(|_| right) else { return StatusCode::BAD_REQUEST };
    let mut received = received.0.lock().unwrap();
    for of_scope in request.resource_spans.into_iter().flat_map(|of_resource| of_resource.scope_spans) {
        let service = of_scope.scope.map(|scope| scope.name).unwrap_or_default();
        for span in of_scope.spans {
            received.entry(span.trace_id.clone()).or_default().push((service.clone(), span));
        }
    }
    StatusCode::OK
}

/// Takes every mail, in the clear.
async fn take_mails(listener: TcpListener) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(talk(BufStream::new(socket)));
    }
}

async fn talk(mut stream: BufStream<TcpStream>) -> std::io::Result<()> {
    let (mut line, mut in_text) = (String::new(), false);
    let mut answer = Some("220 ready");
    loop {
        if let Some(answer) = answer {
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            stream.flush().await?;
        }
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        answer = match (in_text, line.trim_end()) {
            (true, ".") => Some("250 taken"),
            (true, _) => None,
            (false, "DATA") => Some("354 go on"),
            (false, "QUIT") => Some("221 bye"),
            (false, _) => Some("250 so be it"),
        };
        in_text = (in_text && answer.is_none()) || answer == Some("354 go on");
    }
}

impl Collector {
    /// What has come of a trace.
    pub fn spans(&self, trace: u128) -> Vec<Seen> {
        self.received.0.lock().unwrap().get(trace.to_be_bytes().as_slice()).cloned().unwrap_or_default()
    }
}

/// An attribute as text.
pub fn says(span: &Span, key: &str) -> String {
    let value = span.attributes.iter().find(|a| a.key == key).and_then(|a| a.value.as_ref()?.value.as_ref());
    match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(n)) => n.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        _ => String::new(),
    }
}

/// Parents that have not come, other than `above`.
pub fn missing(spans: &[Seen], above: u64) -> BTreeSet<Vec<u8>> {
    let there: BTreeSet<_> = spans.iter().map(|(_, span)| span.span_id.clone()).chain([above.to_be_bytes().to_vec()]).collect();
    spans.iter().map(|(_, span)| span.parent_span_id.clone()).filter(|parent| !there.contains(parent)).collect()
}
