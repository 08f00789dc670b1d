//! OTLP's messages for traces, version 1, as far as haat says anything: field numbers as in
//! <https://github.com/open-telemetry/opentelemetry-proto>, `trace/v1/trace.proto` and what it needs.

use prost::Message;

use super::Parent;
use super::span::{Recorded, Value};

/// What is posted to `/v1/traces`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

/// What comes back.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Response {
    #[prost(message, optional, tag = "1")]
    pub(super) partial: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected: i64,
    #[prost(string, tag = "2")]
    pub(super) reason: String,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

/// What the spans of this process have in common.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, repeated, tag = "13")]
    links: Vec<Link>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Link {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(fixed32, tag = "6")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(int32, tag = "3")]
    code: i32,
}

const STATUS_ERROR: i32 = 2;

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3")]
    value: Option<Any>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Any {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
}

impl Resource {
    /// Of names and what they hold.
    pub(super) fn of(attributes: &[(String, String)]) -> Resource {
        let attribute = |(key, value): &(String, String)| key_value(key, Any::Text(value.clone()));
        Resource { attributes: attributes.iter().map(attribute).collect() }
    }
}

/// A request that tells of these spans, by the services whose work they are.
pub(super) fn request(resource: &Resource, spans: &[Recorded]) -> Vec<u8> {
    let mut scopes: Vec<ScopeSpans> = Vec::new();
    for recorded in spans {
        let span = span(recorded);
        match scopes.iter_mut().find(|s| s.scope.as_ref().is_some_and(|scope| scope.name == recorded.service)) {
            Some(of_service) => of_service.spans.push(span),
            None => {
                let scope = Scope { name: recorded.service.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
                scopes.push(ScopeSpans { scope: Some(scope), spans: vec![span] });
            }
        }
    }
    Request { resources: vec![ResourceSpans { resource: Some(resource.clone()), scopes }] }.encode_to_vec()
}

fn span(recorded: &Recorded) -> Span {
    let nanos = |time: contracts::Time| u64::try_from(time.0).unwrap_or(0).saturating_mul(1_000);
    let Parent { trace, span, flags } = recorded.at;
    let attributes = recorded.attributes.iter().map(|(key, value)| {
        let value = match value {
            Value::Text(text) => Any::Text(text.clone().into_owned()),
            Value::Int(n) => Any::Int(*n),
            Value::Bool(is) => Any::Bool(*is),
        };
        key_value(key, value)
    });
    let link = |other: &Parent| Link { trace_id: other.trace.to_vec(), span_id: other.span.to_vec(), flags: other.flags.into() };
    Span {
        trace_id: trace.to_vec(),
        span_id: span.to_vec(),
        parent_span_id: recorded.parent.map(Vec::from).unwrap_or_default(),
        name: recorded.name.clone().into_owned(),
        kind: recorded.kind as i32,
        start_time_unix_nano: nanos(recorded.began),
        end_time_unix_nano: nanos(recorded.ended),
        attributes: attributes.collect(),
        links: recorded.links.iter().map(link).collect(),
        status: recorded.error.clone().map(|message| Status { message, code: STATUS_ERROR }),
        flags: flags.into(),
    }
}

fn key_value(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
