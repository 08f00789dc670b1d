//! Sagas: steps that survive. See the design of the rules in `docs/` and the tables in `db/kit.sql`.
//!
//! A saga is a list of steps, written as code and keyed by `(kind, definition)`. The engine moves it: the result of one
//! step and the intent of the next are one transaction, local steps share it, calls carry `<saga>/<step>` as their key,
//! signals are stored whether or not anybody waits, and every write is fenced by the epoch of the lease.

mod active;
mod definition;
mod drive;
mod engine;
mod instance;
mod listing;
mod policy;
mod prune;
mod store;
mod timer;
mod trace;
mod view;

pub use definition::{Call, Compensated, Definition, Outcome, Run, Step};
pub(crate) use drive::panic_text;
pub use engine::{Aborted, Sagas};
pub(crate) use prune::{prune, prune_signals};
pub use view::{Filter, Retried, SagaView, StepView};

use instance::Instance;
use serde::Deserialize;
use utoipa::ToSchema;

/// The code of what was refused when a step's outcome stayed unknown for too long.
pub const UNAVAILABLE: &str = "unavailable";

/// Where a saga stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A step is to be run.
    Running,
    /// For a signal or its deadline.
    Waiting,
    /// All steps done.
    Completed,
    /// Unwinding.
    Compensating,
    /// Unwound.
    Compensated,
    /// An operator must look.
    Stuck,
}

impl Status {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Waiting => "waiting",
            Status::Completed => "completed",
            Status::Compensating => "compensating",
            Status::Compensated => "compensated",
            Status::Stuck => "stuck",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Status> {
        use Status::{Compensated, Compensating, Completed, Running, Stuck, Waiting};
        [Running, Waiting, Completed, Compensating, Compensated, Stuck].into_iter().find(|s| s.as_str() == text)
    }
}
