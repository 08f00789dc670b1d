//! How events get from a service's log to those who read it.
//!
//! Locally the logs themselves are the transport: a subscriber asks the bus for what lies after its position in a
//! publisher's log, and is woken when something was committed there.

mod local;
mod streams;

pub use local::{Local, LogReader, LogRun, ReadError};
pub use streams::StreamWatch;
