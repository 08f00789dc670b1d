//! The platform at a time of its past, and how to act in it as somebody.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use contracts::{SessionId, Time, UserId};
use http_body_util::BodyExt as _;
use kit::auth::User;
use kit::context::{self, Context as Circumstances};
use kit::outbound::retry_after_seconds;
use kit::{Caller, Clock, Env, Ids, Platform, Role};
use serde_json::Value as Json;
use tower::ServiceExt as _;

use crate::run::Running;

/// How long everything may take to come to rest, in seconds of real time.
const REST_SECONDS_MAX: u64 = 60;
/// How long a service that says it is busy is asked again, in seconds of real time, all in all.
const BUSY_SECONDS_MAX: u64 = 300;

/// How far a clock is from the machine's.
#[derive(Clone, Default)]
pub struct Shift(Arc<AtomicI64>);

impl Shift {
    /// A clock that follows it.
    pub fn clock(&self) -> Clock {
        Clock::shifted(self.0.clone())
    }

    /// Moves the clock on to a moment; never back.
    fn to(&self, moment: Time) {
        let missing = moment.0 - self.clock().now().0;
        if missing > 0 {
            self.0.fetch_add(missing, Ordering::SeqCst);
        }
    }

    /// Moves the clock to a moment, wherever it is.
    pub fn set(&self, moment: Time) {
        let missing = moment.0 - self.clock().now().0;
        self.0.fetch_add(missing, Ordering::SeqCst);
    }
}

/// The platform at a time of its past.
pub struct World {
    running: Running,
    shift: Shift,
}

/// What somebody was answered.
pub struct Answer {
    pub status: u16,
    pub body: Json,
    /// After how many seconds to ask again, where it says so.
    retry_after: Option<u64>,
}

impl Answer {
    /// The body of a success.
    pub fn ok(self) -> anyhow::Result<Json> {
        if self.status < 300 { Ok(self.body) } else { bail!("answered {}: {}", self.status, self.body) }
    }

    /// That it was done, or that by the rules it cannot be (any more): so is refused what happened before a cut, or has gone
    /// another way.
    pub fn done_or_refused(self) -> anyhow::Result<()> {
        if matches!(self.status, 409 | 422) { Ok(()) } else { self.ok().map(drop) }
    }
}

impl World {
    pub fn new(running: Running, shift: Shift) -> World {
        World { running, shift }
    }

    /// The console's view of the services.
    pub fn console(&self) -> anyhow::Result<&Env> {
        self.running.console()
    }

    fn platform(&self) -> &Platform {
        &self.running.platform
    }

    /// What time it is there.
    pub fn now(&self) -> Time {
        self.shift.clock().now()
    }

    /// Lets time pass until a moment. What is due by then begins when the world wakes or rests.
    pub fn pass_until(&self, moment: Time) {
        self.shift.to(moment);
    }

    /// Lets some seconds pass.
    pub fn pass(&self, seconds: i64) {
        self.pass_until(self.now().plus_seconds(seconds));
    }

    /// Asks a service as somebody; again, with the same key, where it is busy.
    pub async fn ask(&self, service: &str, who: &Caller, request: (&str, &str), body: Option<Json>, key: &str) -> anyhow::Result<Answer> {
        let asked = heard(async || self.ask_once(service, who, request, body.as_ref(), key).await).await;
        asked.with_context(|| format!("{} {}", request.0, request.1))
    }

    async fn ask_once(
        &self,
        service: &str,
        who: &Caller,
        (method, path): (&str, &str),
        body: Option<&Json>,
        key: &str,
    ) -> anyhow::Result<Answer> {
        let router = self.platform().directory.local_http(service).with_context(|| format!("{service} runs here"))?;
        let mut builder = http::Request::builder().method(method).uri(path).extension(who.clone());
        if !key.is_empty() {
            builder = builder.header("idempotency-key", key);
        }
        let request = match body {
            Some(body) => builder.header("content-type", "application/json").body(Body::from(body.to_string()))?,
            None => builder.body(Body::empty())?,
        };
        let circumstances = Circumstances { request_id: Some(Ids::random().uuid(self.now()).to_string()), ..Circumstances::default() };
        let Ok(response) = context::scope(circumstances, router.oneshot(request)).await;
        let status = response.status().as_u16();
        let retry_after = retry_after_seconds(response.headers());
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Json::Null), retry_after })
    }

    /// Begins what is due by now.
    pub fn wake(&self) {
        self.platform().wake();
    }

    /// Waits until nothing is left to do at this moment: every event is delivered, no saga runs, no job is due.
    pub async fn rest(&self) -> anyhow::Result<()> {
        self.wake();
        let left = self.platform().rest(Duration::from_secs(REST_SECONDS_MAX)).await?;
        if left.is_empty() { Ok(()) } else { bail!("the past does not come to rest:\n{}", left.join("\n")) }
    }

    /// Ends it there.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// The answer of a service, once it is not busy.
async fn heard(ask: impl AsyncFn() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
    let mut waited = 0;
    loop {
        let answer = ask().await?;
        if answer.status != 503 || waited >= BUSY_SECONDS_MAX {
            return Ok(answer);
        }
        let pause = answer.retry_after.unwrap_or(1).clamp(1, 60);
        waited += pause;
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}

/// Somebody with an account.
pub fn caller(user: UserId, roles: &[Role]) -> Caller {
    let user = User { id: user, session: SessionId::default(), roles: roles.to_vec() };
    Caller { user: Some(user), ..Caller::default() }
}

/// Somebody without one; the same for the same name.
pub fn guest(name: &str) -> Caller {
    use sha2::{Digest as _, Sha256};
    let token = kit::auth::hex(&Sha256::digest(format!("demo guest {name}").as_bytes())[..16]);
    Caller { cart_token: Some(token), ..Caller::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What comes of these answers, one after the other, and how many seconds it took.
    async fn heard_of(answers: &[(u16, Option<u64>)]) -> (u16, u64, usize) {
        let (began, left) = (tokio::time::Instant::now(), Mutex::new(answers.to_vec()));
        let answer = heard(async || {
            let mut left = left.lock().unwrap();
            let (status, retry_after) = if left.len() > 1 { left.remove(0) } else { left[0] };
            Ok(Answer { status, body: Json::Null, retry_after })
        });
        let status = answer.await.unwrap().status;
        (status, began.elapsed().as_secs(), left.into_inner().unwrap().len())
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_busy_is_asked_again_and_not_for_ever() {
        for (answers, expected) in [
            (vec![(201, None)], (201, 0, 1)),
            (vec![(503, Some(2)), (503, None), (201, None)], (201, 3, 1)),
            (vec![(503, Some(0)), (409, None)], (409, 1, 1)),
            (vec![(500, Some(1)), (201, None)], (500, 0, 1)),
            (vec![(503, Some(1_000))], (503, BUSY_SECONDS_MAX, 1)),
        ] {
            assert_eq!(heard_of(&answers).await, expected, "{answers:?}");
        }
    }

    #[test]
    fn what_the_rules_refuse_is_no_fault_and_all_else_is() {
        for (status, is_well) in
            [(200, true), (204, true), (409, true), (422, true), (400, false), (404, false), (500, false), (503, false)]
        {
            let answer = Answer { status, body: Json::Null, retry_after: None };
            assert_eq!(answer.done_or_refused().is_ok(), is_well, "{status}");
        }
    }
}
