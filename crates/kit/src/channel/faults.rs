//! Calls that go wrong on purpose, for tests and the simulator. Nothing in production sets faults.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tonic::Status;

use super::Answer;

/// A call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallInfo<'a> {
    /// The calling service.
    pub caller: &'static str,
    /// The called service.
    pub callee: &'static str,
    /// The method, as `/haat.catalog.v1.Catalog/Reserve`.
    pub method: &'a str,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It never arrives; the caller is told that the callee is unavailable.
    LoseRequest,
    /// It takes effect; the caller is told that the callee is unavailable.
    LoseAnswer,
    /// It arrives this many milliseconds later.
    Delay(u64),
}

/// Decides about each call.
pub type FaultFn = Arc<dyn Fn(&CallInfo) -> Fault + Send + Sync>;

/// What a directory and the channels made from it share.
#[derive(Clone, Default)]
pub(super) struct Faults(Arc<OnceLock<FaultFn>>);

impl Faults {
    pub(super) fn set(&self, decide: FaultFn) {
        // The first one stays: it can change its mind itself.
        let _ = self.0.set(decide);
    }

    /// What is to happen to a call; nothing where nobody has set anything.
    pub(super) fn decide(&self, call: CallInfo) -> Fault {
        self.0.get().map_or(Fault::None, |decide| decide(&call))
    }
}

/// Lets `fault` happen to a call whose work begins when `answer` is first polled.
pub(super) async fn happen(fault: Fault, callee: &'static str, answer: impl Future<Output = Answer>) -> Answer {
    let lost = |what: &str| Err(Status::unavailable(format!("the {what} of a call to {callee} was lost on purpose")));
    match fault {
        Fault::None => answer.await,
        Fault::LoseRequest => lost("request"),
        Fault::LoseAnswer => {
            drop(answer.await);
            lost("answer")
        }
        Fault::Delay(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            answer.await
        }
    }
}
