//! Calls that go wrong on purpose, for tests and the simulator. Nothing in production sets faults.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tonic::Status;

use super::Answer;
use crate::context::{self, Context};
use crate::{DbError, Problem};

/// In [`CallInfo::callee`]: an address that somebody gave, such as a webhook's.
pub const OUTSIDE: &str = "outside";
/// In [`CallInfo::method`]: the log of the callee is read in process.
pub const LOG: &str = "log";

/// A call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallInfo<'a> {
    /// The calling service.
    pub caller: &'static str,
    /// The called service, or [`OUTSIDE`].
    pub callee: &'static str,
    /// The method, as `/haat.catalog.v1.Catalog/Reserve`; the path of a request to the outside; or [`LOG`].
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
    /// The callee's transaction is outrun by others again and again, and has no effect; the caller is told so.
    Outrun,
    /// It arrives this many milliseconds later.
    Delay(u64),
    /// The caller is told at once that the callee is unavailable; the call arrives this many milliseconds later, and takes
    /// effect then. What cannot outlive its caller, such as the reading of a log, is lost instead.
    Stray(u64),
}

/// Decides about each call.
pub type FaultFn = Arc<dyn Fn(&CallInfo) -> Fault + Send + Sync>;

/// What a directory and the channels made from it share.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<OnceLock<FaultFn>>);

impl Faults {
    pub(super) fn set(&self, decide: FaultFn) {
        // The first one stays: it can change its mind itself.
        let _ = self.0.set(decide);
    }

    /// What is to happen to a call; nothing where nobody has set anything.
    pub(crate) fn decide(&self, call: CallInfo) -> Fault {
        self.0.get().map_or(Fault::None, |decide| decide(&call))
    }
}

/// Lets `fault` happen to a call whose work begins when `answer` is first polled.
pub(super) async fn happen(fault: Fault, callee: &'static str, answer: impl Future<Output = Answer> + Send + 'static) -> Answer {
    if let Fault::Stray(ms) = fault {
        // Whoever made the call, and its deadline, are gone by then. After a crash the callee's database refuses it.
        let context = Context { deadline: None, ..Context::current() };
        tokio::spawn(context::scope(context, async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            drop(answer.await);
        }));
        return Err(Status::unavailable(format!("a call to {callee} goes astray on purpose")));
    }
    if fault == Fault::Outrun {
        return Err(Problem::from(DbError::Conflict).into());
    }
    befall(fault, answer, |what| Status::unavailable(format!("the {what} of a call to {callee} was lost on purpose"))).await
}

/// As [`happen`], for work of any kind; `lost` says in its own words that the request or the answer was lost.
pub(crate) async fn befall<T, E>(
    fault: Fault,
    answer: impl Future<Output = Result<T, E>>,
    lost: impl FnOnce(&'static str) -> E,
) -> Result<T, E> {
    match fault {
        Fault::None => answer.await,
        Fault::LoseRequest | Fault::Outrun | Fault::Stray(_) => Err(lost("request")),
        Fault::LoseAnswer => {
            drop(answer.await);
            Err(lost("answer"))
        }
        Fault::Delay(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            answer.await
        }
    }
}
