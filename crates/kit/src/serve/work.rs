use std::future::Future;

use axum::http::Method;
use axum::response::{IntoResponse, Response};

use crate::panics::{Panicked, caught};
use crate::{Problem, Tasks};

/// Carries out a request. One that may change something runs as a task of its own: a client that hangs up, or a
/// timeout in front, does not stop a use case between two transactions. A panic becomes a `500`.
pub async fn carry_out<F>(tasks: &Tasks, method: &Method, work: F) -> Response
where
    F: Future<Output = Response> + Send + 'static,
{
    let outcome = if method.is_safe() {
        caught(work).await
    } else {
        match tasks.spawn(caught(work)).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => return Problem::unavailable("stopping", "this process is stopping; try again").into_response(),
            Err(e) => Err(Panicked(e.to_string())),
        }
    };
    outcome.unwrap_or_else(|panicked| Problem::internal(panicked).into_response())
}
