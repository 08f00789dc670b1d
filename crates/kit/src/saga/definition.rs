//! How a service writes a saga down.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use contracts::Time;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::db::{DbError, Tx};

/// How a step ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It took effect; the value is kept as the step's result.
    Done(Json),
    /// Final, and nothing happened. The text is a stable code. A local step that refuses writes nothing before.
    Refused(String),
    /// Nobody knows: a timeout, a lost connection, something unavailable. Repeated with the same key.
    /// From the function of a wait: not decided yet, it waits on.
    Unknown(String),
}

/// What a remote step is given: nothing of the database.
#[derive(Clone, Debug)]
pub struct Call {
    /// The saga.
    pub saga: Uuid,
    /// What it is about, such as the order's id.
    pub subject: Uuid,
    /// `<saga>/<step>`: the same in every repeat, and different for the compensation.
    pub key: String,
    /// The saga's data.
    pub data: Json,
}

/// What a local step, or the effect of a result, is given within the saga's transaction.
pub struct Run<'a> {
    /// The saga.
    pub saga: Uuid,
    /// What it is about.
    pub subject: Uuid,
    /// The saga's data; what is changed here is stored.
    pub data: &'a mut Json,
    /// The result of the call, or the payload of the signal; null otherwise.
    pub result: Json,
}

pub(crate) type Remote = Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;
pub(crate) type Local = Arc<dyn Fn(&mut Tx, &mut Run) -> Result<Outcome, DbError> + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Action {
    /// In the saga's own transaction.
    Local(Local),
    /// A call, then its effect in the transaction that stores the result.
    Remote(Remote, Option<Local>),
    /// Until the signal `<step>/<subject>` or the deadline.
    Wait { deadline: Arc<dyn Fn(&Json) -> Time + Send + Sync>, then: Local },
}

/// One step: what it does and how it is undone.
#[derive(Clone)]
pub struct Step {
    pub(crate) name: &'static str,
    pub(crate) action: Action,
    pub(crate) compensation: Option<Action>,
    pub(crate) pivot: bool,
    pub(crate) limits: Limits,
}

/// How long and how often a step is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// One call.
    pub timeout: Duration,
    /// Before the pivot: from the first try until an unknown outcome is compensated as if it had happened.
    pub give_up_after: Duration,
    /// Where there is no way back: tries until an operator must look.
    pub attempts_max: i64,
}

const LIMITS: Limits = Limits { timeout: Duration::from_secs(10), give_up_after: Duration::from_secs(60), attempts_max: 200 };

impl Step {
    /// A step within the service's own database, in the transaction that moves the saga.
    pub fn local(name: &'static str, f: impl Fn(&mut Tx, &mut Run) -> Result<Outcome, DbError> + Send + Sync + 'static) -> Step {
        Step { name, action: Action::Local(Arc::new(f)), compensation: None, pivot: false, limits: LIMITS }
    }

    /// A call of another service.
    pub fn call<F, O>(name: &'static str, f: F) -> Step
    where
        F: Fn(Call) -> O + Send + Sync + 'static,
        O: Future<Output = Outcome> + Send + 'static,
    {
        Step { name, action: Action::Remote(remote(f), None), compensation: None, pivot: false, limits: LIMITS }
    }

    /// Waits for a signal with the key [`Step::signal_key`] until `deadline`; then `f` says how it ended.
    /// At the deadline `f` gets null as its result.
    pub fn wait(
        name: &'static str,
        deadline: impl Fn(&Json) -> Time + Send + Sync + 'static,
        f: impl Fn(&mut Tx, &mut Run) -> Result<Outcome, DbError> + Send + Sync + 'static,
    ) -> Step {
        let action = Action::Wait { deadline: Arc::new(deadline), then: Arc::new(f) };
        Step { name, action, compensation: None, pivot: false, limits: LIMITS }
    }

    /// For a call that was done: what its answer changes in the service's own database, in the transaction that
    /// stores the result. It may turn the outcome into another one; a step that is refused here is compensated too.
    pub fn then(mut self, f: impl Fn(&mut Tx, &mut Run) -> Result<Outcome, DbError> + Send + Sync + 'static) -> Step {
        if let Action::Remote(call, _) = self.action {
            self.action = Action::Remote(call, Some(Arc::new(f)));
        }
        self
    }

    /// How it is undone by a call. It must also work when the step never took effect: it leaves a tombstone then.
    pub fn undo_call<F, O>(mut self, f: F) -> Step
    where
        F: Fn(Call) -> O + Send + Sync + 'static,
        O: Future<Output = Outcome> + Send + 'static,
    {
        self.compensation = Some(Action::Remote(remote(f), None));
        self
    }

    /// How it is undone in the service's own database.
    pub fn undo_local(mut self, f: impl Fn(&mut Tx, &mut Run) -> Result<Outcome, DbError> + Send + Sync + 'static) -> Step {
        self.compensation = Some(Action::Local(Arc::new(f)));
        self
    }

    /// After this step there is no way back: later steps are only repeated. See [`Definition::compensated`] for its refusal.
    pub fn pivot(mut self) -> Step {
        self.pivot = true;
        self
    }

    /// How long one call may take; 10 s unless said. The lease is longer by itself.
    pub fn timeout(mut self, timeout: Duration) -> Step {
        self.limits.timeout = timeout;
        self
    }

    /// Before the pivot: how long an unknown outcome is asked for again before the saga unwinds, this step included;
    /// 60 s unless said.
    pub fn give_up_after(mut self, time: Duration) -> Step {
        self.limits.give_up_after = time;
        self
    }

    /// From the pivot on, and when unwinding: how often an unknown outcome is asked for again before the saga is
    /// stuck; 200 times, some hour and a half, unless said.
    pub fn attempts_max(mut self, attempts: i64) -> Step {
        self.limits.attempts_max = attempts;
        self
    }

    /// The key under which a signal reaches the waiting step `name` of the saga about `subject`.
    pub fn signal_key(name: &str, subject: Uuid) -> String {
        format!("{name}/{subject}")
    }
}

fn remote<F, O>(f: F) -> Remote
where
    F: Fn(Call) -> O + Send + Sync + 'static,
    O: Future<Output = Outcome> + Send + 'static,
{
    Arc::new(move |call| Box::pin(f(call)))
}

/// A saga as code.
#[derive(Clone)]
pub struct Definition {
    /// Its kind, such as `order_fulfilment`.
    pub kind: &'static str,
    /// The version of this list of steps; rows name the one they began with, so old ones stay in the binary.
    pub version: i64,
    /// The steps, in order; at most one is the pivot.
    pub steps: Vec<Step>,
    /// Runs in the transaction in which the saga is fully unwound: the aggregate learns that it failed. Without it, and
    /// with nothing to undo before the pivot, a pivot that is refused needs an operator: nobody else would learn of it.
    /// `Run::result` holds the code of what was refused.
    pub compensated: Option<Compensated>,
}

impl Definition {
    /// The place of the pivot; behind the last step where there is none.
    pub(crate) fn pivot(&self) -> usize {
        self.steps.iter().position(|s| s.pivot).unwrap_or(self.steps.len())
    }

    /// What is wrong with it, for whoever wrote it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let said = |text: String| Err(format!("saga {} version {}: {text}", self.kind, self.version));
        let mut names: Vec<_> = self.steps.iter().map(|s| s.name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return said(format!("two steps are called {}", twice[0]));
        }
        if self.steps.iter().filter(|s| s.pivot).count() > 1 {
            return said("more than one step is the pivot".into());
        }
        if let Some(late) = self.steps.iter().skip(self.pivot()).find(|s| s.compensation.is_some()) {
            return said(format!("step {} has a compensation, but there is no way back from the pivot on", late.name));
        }
        Ok(())
    }
}

/// What happens in the service's own database once a saga is unwound.
pub type Compensated = Arc<dyn Fn(&mut Tx, &mut Run) -> Result<(), DbError> + Send + Sync>;
