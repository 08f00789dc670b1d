//! The way to a service in another process: HTTP/2, one kept connection, a service token on every call.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contracts::Time;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel as Transport, Endpoint};
use tower_service::Service;

use super::Answer;
use crate::auth::{INTERNAL_SECONDS, Signer, issue_service, service_signer};
use crate::outbound::causes;
use crate::{Clock, Context};

/// Who acts, in words for events; believed because a service token stands beside it.
pub(crate) const ACTOR: HeaderName = HeaderName::from_static("x-haat-actor");
/// What caused the call.
pub(crate) const CAUSATION: HeaderName = HeaderName::from_static("x-haat-causation");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const CONNECT_SECONDS: u64 = 2;
const KEEP_ALIVE_SECONDS: u64 = 20;

pub(super) struct Remote {
    transport: Transport,
    caller: &'static str,
    callee: &'static str,
    signer: Signer,
    clock: Clock,
    /// The last token, and until when it is used.
    token: Mutex<Option<(HeaderValue, Time)>>,
}

impl Remote {
    pub(super) fn new(
        address: &str,
        caller: &'static str,
        callee: &'static str,
        clock: &Clock,
        master_key: &[u8; 32],
    ) -> Result<Remote, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(address.to_owned())?
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
            .http2_keep_alive_interval(Duration::from_secs(KEEP_ALIVE_SECONDS))
            .keep_alive_timeout(Duration::from_secs(KEEP_ALIVE_SECONDS))
            .keep_alive_while_idle(true);
        let (transport, signer) = (endpoint.connect_lazy(), service_signer(master_key, caller));
        Ok(Remote { transport, caller, callee, signer, clock: clock.clone(), token: Mutex::new(None) })
    }

    pub(super) fn call(&self, mut request: http::Request<Body>, left: Duration) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
        accompany(request.headers_mut(), self.token(), left);
        let (mut transport, callee) = (self.transport.clone(), self.callee);
        let lost = move |e: tonic::transport::Error| Status::unavailable(format!("{callee} cannot be reached: {}", causes(&e)));
        Box::pin(async move {
            poll_fn(|cx| transport.poll_ready(cx)).await.map_err(lost)?;
            transport.call(request).await.map_err(lost)
        })
    }

    /// A token is used for half of its life, so that it never expires on the way.
    fn token(&self) -> HeaderValue {
        let now = self.clock.now();
        let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, _)) = kept.as_ref().filter(|(_, until)| now < *until) {
            return token.clone();
        }
        let text = format!("Bearer {}", issue_service(&self.signer, self.caller, self.callee, now));
        let mut token = HeaderValue::try_from(text).expect("a token is base64url and dots");
        token.set_sensitive(true);
        *kept = Some((token.clone(), now.plus_seconds(INTERNAL_SECONDS / 2)));
        token
    }
}

fn accompany(headers: &mut HeaderMap, token: HeaderValue, left: Duration) {
    headers.insert(header::AUTHORIZATION, token);
    let context = Context::current();
    let words = [
        (HeaderName::from_static("x-request-id"), context.request_id),
        (HeaderName::from_static("traceparent"), context.traceparent),
        (ACTOR, context.actor),
        (CAUSATION, context.causation_id),
    ];
    for (name, value) in words {
        if let Some(value) = value.and_then(|v| HeaderValue::try_from(v).ok()) {
            headers.insert(name, value);
        }
    }
    let millis = left.as_millis().clamp(1, 99_999_999);
    headers.insert(GRPC_TIMEOUT, HeaderValue::try_from(format!("{millis}m")).expect("digits and a letter"));
}

/// `grpc-timeout`: at most eight digits and a unit.
pub(crate) fn parse_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(n * 3_600)),
        "M" => Some(Duration::from_secs(n * 60)),
        "S" => Some(Duration::from_secs(n)),
        "m" => Some(Duration::from_millis(n)),
        "u" => Some(Duration::from_micros(n)),
        "n" => Some(Duration::from_nanos(n)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        let cases = [
            ("30S", Some(Duration::from_secs(30))),
            ("1500m", Some(Duration::from_millis(1500))),
            ("99999999u", Some(Duration::from_micros(99_999_999))),
            ("1H", Some(Duration::from_secs(3_600))),
            ("100000000m", None),
            ("m", None),
            ("", None),
            ("-1S", None),
            ("5", None),
            ("5x", None),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(GRPC_TIMEOUT, HeaderValue::from_static(text))]);
            assert_eq!(parse_timeout(&headers), expected, "{text}");
        }
    }
}
