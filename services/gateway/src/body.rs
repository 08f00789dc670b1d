//! Request bodies with a limit, and what becomes of the rest of one that is refused.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Frame, SizeHint};
use kit::{Problem, Tasks};

/// How much of a refused body is read and thrown away, so that its sender gets to read the answer.
const DRAIN_BYTES_MAX: usize = 8 * 1024 * 1024;
const DRAIN_SECONDS_MAX: u64 = 10;

/// `413` where the client says itself that the body is larger than the limit.
pub fn check_announced(headers: &HeaderMap, limit_bytes: usize) -> Result<(), Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    match announced {
        Some(n) if n > limit_bytes as u64 => Err(too_large(limit_bytes)),
        _ => Ok(()),
    }
}

/// `413`.
pub fn too_large(limit_bytes: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("this route takes at most {limit_bytes} bytes"))
}

/// Whether an error comes from a body that was larger than its limit.
pub fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(e) = cause {
        if e.is::<LengthLimitError>() {
            return true;
        }
        cause = e.source();
    }
    false
}

/// `body`, an error after `limit_bytes`, and drained when it is dropped early.
pub fn limited(body: Body, limit_bytes: usize, tasks: &Tasks) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Limited::new(Drained::new(body, tasks), limit_bytes))
}

/// A body that is read to its end, within reason, when nobody wants it: a client that is still sending when the
/// connection closes would never see the answer.
pub struct Drained {
    body: Option<Body>,
    tasks: Tasks,
}

impl Drained {
    /// Wraps a body.
    pub fn new(body: Body, tasks: &Tasks) -> Drained {
        Drained { body: Some(body), tasks: tasks.clone() }
    }
}

impl HttpBody for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None | Some(Err(_))) = &polled {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let left = self.body.take().filter(|body| !body.is_end_stream());
        if let Some(body) = left.filter(|_| tokio::runtime::Handle::try_current().is_ok()) {
            let rest = async move {
                let mut body = Limited::new(body, DRAIN_BYTES_MAX);
                while let Some(Ok(_)) = body.frame().await {}
            };
            drop(self.tasks.spawn(tokio::time::timeout(Duration::from_secs(DRAIN_SECONDS_MAX), rest)));
        }
    }
}
