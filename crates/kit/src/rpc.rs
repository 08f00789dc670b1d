//! Small parts of every gRPC side.

use std::str::FromStr;

use tonic::Status;

use crate::Problem;

/// An id as its type; `InvalidArgument` where it is not one.
pub fn id<T: FromStr>(text: &str) -> Result<T, Status> {
    text.parse().map_err(|_| Status::invalid_argument(format!("not an id: {text:?}")))
}

/// Ids as their type.
pub fn ids<T: FromStr>(texts: &[String]) -> Result<Vec<T>, Status> {
    texts.iter().map(|t| id(t)).collect()
}

/// A service's error as the status that its problem stands for.
pub fn status(e: impl Into<Problem>) -> Status {
    e.into().into()
}
