//! How one service calls another: in process without a socket, over HTTP/2 otherwise. The caller cannot tell.
//!
//! What accompanies a call (request id, trace, actor, deadline) is that of the work in hand, [`Context::current`]. In
//! process it is simply still current for the callee; over a socket it travels in headers beside a service token.

mod directory;
mod faults;
mod remote;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use axum::Router;
use contracts::Time;
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

pub use directory::{Directory, EVERY_SERVICE, WeakDirectory};
pub use faults::{CallInfo, Fault, FaultFn, LOG, OUTSIDE};
pub(crate) use faults::{Faults, befall};
pub(crate) use remote::{ACTOR, CAUSATION, parse_timeout};

use crate::service::BuildError;
use crate::trace::{Kind, rpc};
use crate::{Clock, Context, context};

/// The name of the service that makes a gRPC call, as the callee may believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerService(pub &'static str);

/// The way to another service; what generated gRPC clients are built on.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    caller: &'static str,
    callee: &'static str,
    directory: WeakDirectory,
    clock: Clock,
    master_key: [u8; 32],
    way: OnceLock<Way>,
    faults: faults::Faults,
}

enum Way {
    Local(Router),
    Remote(Box<remote::Remote>),
}

/// How long a call may take where nobody says how long: nothing waits for ever.
const LIMIT: Duration = Duration::from_secs(10);

type Answer = Result<http::Response<Body>, Status>;

impl Channel {
    /// From `caller` to `callee`; refused where the caller's declaration does not name the callee.
    /// Where the callee is, is found out at the first call.
    pub fn new(
        directory: &Directory,
        caller: &'static str,
        callee: &'static str,
        clock: &Clock,
        master_key: &[u8; 32],
    ) -> Result<Channel, BuildError> {
        if !directory.may_call(caller, callee) {
            return Err(BuildError::Undeclared { caller, callee });
        }
        Ok(Channel::to(directory, caller, callee, clock, master_key))
    }

    /// As [`Channel::new`], for whoever has looked at the declarations already.
    pub(crate) fn to(directory: &Directory, caller: &'static str, callee: &'static str, clock: &Clock, master_key: &[u8; 32]) -> Channel {
        let faults = directory.faults();
        let (directory, clock, master_key) = (directory.downgrade(), clock.clone(), *master_key);
        Channel(Arc::new(Inner { caller, callee, directory, clock, master_key, way: OnceLock::new(), faults }))
    }
}

impl Inner {
    fn way(&self) -> Result<&Way, Status> {
        match self.way.get() {
            Some(way) => Ok(way),
            None => self.find().map(|way| self.way.get_or_init(|| way)),
        }
    }

    fn find(&self) -> Result<Way, Status> {
        let gone = || Status::unavailable(format!("{} does not run here and has no address", self.callee));
        let directory = self.directory.upgrade().ok_or_else(gone)?;
        if let Some(router) = directory.local_rpc(self.callee) {
            return Ok(Way::Local(router));
        }
        let address = directory.remote(self.callee).ok_or_else(gone)?;
        let remote = remote::Remote::new(&address, self.caller, self.callee, &self.clock, &self.master_key);
        remote.map(|r| Way::Remote(Box::new(r))).map_err(|e| Status::unavailable(format!("{} at {address}: {e}", self.callee)))
    }

    /// When the caller stops waiting: the earlier of its work's deadline and of the timeout set on the call; with neither,
    /// after [`LIMIT`].
    fn deadline(&self, request: &http::Request<Body>) -> Time {
        let of_work = Context::current_deadline();
        let of_call = parse_timeout(request.headers()).map(|t| after(self.clock.now(), t));
        of_work.into_iter().chain(of_call).min().unwrap_or_else(|| after(self.clock.now(), LIMIT))
    }
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut span = rpc::call(self.0.caller, Kind::Client, request.uri().path());
        if !span.is_recorded() {
            return self.0.call(request);
        }
        let context = span.within(Context::current());
        let answer = context::within(context.clone(), || self.0.call(request));
        Box::pin(context::scope(context, async move {
            let answer = answer.await;
            rpc::answered(&mut span, answer.as_ref());
            answer
        }))
    }
}

impl Inner {
    fn call(&self, mut request: http::Request<Body>) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
        let way = match self.way() {
            Ok(way) => way,
            Err(status) => return Box::pin(async move { Err(status) }),
        };
        let (caller, callee) = (self.caller, self.callee);
        let fault = self.faults.decide(CallInfo { caller, callee, method: request.uri().path() });
        let deadline = self.deadline(&request);
        let left = until(deadline, self.clock.now());
        let answer: Pin<Box<dyn Future<Output = Answer> + Send>> = match way {
            Way::Remote(remote) => remote.call(request, left),
            Way::Local(router) => {
                request.extensions_mut().insert(CallerService(caller));
                let answer = router.clone().call(request.map(axum::body::Body::new));
                let answer = async move {
                    match answer.await {
                        Ok(response) => Ok(response.map(Body::new)),
                        Err(never) => match never {},
                    }
                };
                if Context::current_deadline() == Some(deadline) {
                    Box::pin(answer)
                } else {
                    let context = Context { deadline: Some(deadline), ..Context::current() };
                    Box::pin(context::scope(context, answer))
                }
            }
        };
        let answer = if fault == Fault::None { answer } else { Box::pin(faults::happen(fault, callee, answer)) };
        Box::pin(within(left, callee, answer))
    }
}

/// A call that nobody waits for any more is given up.
async fn within(left: Duration, callee: &'static str, answer: impl Future<Output = Answer>) -> Answer {
    if left.is_zero() {
        return Err(Status::deadline_exceeded(format!("the time for this request was over before {callee} was called")));
    }
    let late = |_| Err(Status::deadline_exceeded(format!("{callee} did not answer in time")));
    tokio::time::timeout(left, answer).await.unwrap_or_else(late)
}

/// From `now` until `deadline`; zero when it has passed.
pub(crate) fn until(deadline: Time, now: Time) -> Duration {
    Duration::from_micros(u64::try_from(deadline.0.saturating_sub(now.0)).unwrap_or(0))
}

/// `wait` after `now`.
pub(crate) fn after(now: Time, wait: Duration) -> Time {
    Time(now.0.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
}
