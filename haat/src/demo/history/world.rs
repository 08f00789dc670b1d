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
use kit::{Caller, Clock, Env, Ids, Platform, Role};
use serde_json::Value as Json;
use tower::ServiceExt as _;

use crate::console;
use crate::run::Running;

/// How long everything may take to come to rest, in seconds of real time.
const REST_SECONDS_MAX: u64 = 60;

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
}

impl Answer {
    /// The body of a success.
    pub fn ok(self) -> anyhow::Result<Json> {
        if self.status < 300 { Ok(self.body) } else { bail!("answered {}: {}", self.status, self.body) }
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

    /// Lets time pass until a moment. What is due by then is begun.
    pub fn pass_until(&self, moment: Time) {
        self.shift.to(moment);
        self.platform().wake();
    }

    /// Lets some seconds pass.
    pub fn pass(&self, seconds: i64) {
        self.pass_until(self.now().plus_seconds(seconds));
    }

    /// Asks a service as somebody.
    pub async fn ask(&self, service: &str, who: &Caller, request: (&str, &str), body: Option<Json>, key: &str) -> anyhow::Result<Answer> {
        let (method, path) = request;
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
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Json::Null) })
    }

    /// Waits until nothing is left to do at this moment: every event is delivered, no saga runs, no job is due.
    pub async fn rest(&self) -> anyhow::Result<()> {
        let rested = tokio::time::timeout(Duration::from_secs(REST_SECONDS_MAX), self.rested()).await;
        match rested {
            Ok(rested) => rested,
            Err(_) => bail!("the past does not come to rest:\n{}", self.platform().unfinished().await?.join("\n")),
        }
    }

    /// Two looks in a row that find nothing, while nothing was said: what moves from one service to another between the
    /// parts of a look leaves an event behind.
    async fn rested(&self) -> anyhow::Result<()> {
        let (mut quiet, mut said) = (0, self.said().await?);
        while quiet < 2 {
            let left = self.platform().unfinished().await?;
            let now = self.said().await?;
            quiet = if left.is_empty() && now == said { quiet + 1 } else { 0 };
            said = now;
            if !left.is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        Ok(())
    }

    /// How far each service's log goes.
    async fn said(&self) -> anyhow::Result<Vec<i64>> {
        let mut ends = Vec::new();
        for env in self.platform().services().filter_map(|s| self.platform().env(s)).filter(|e| e.db.service() != console::SERVICE.name) {
            ends.push(env.db.read(kit::events::newest).await?);
        }
        Ok(ends)
    }

    /// Ends it there.
    pub async fn stop(self) {
        self.running.stop().await;
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
