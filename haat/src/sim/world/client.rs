//! How shoppers, stores and staff reach the node, and what they may expect of it.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::body::Body;
use contracts::Time;
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::World;

/// Once nothing goes wrong any more, a request that is repeated has its answer within this time, in seconds: whatever held
/// it up was taken over, or given up, by then.
const PATIENCE_SECONDS: u64 = 120;
/// A sign-in of the administrator is used for so long, in seconds.
const ADMIN_SECONDS: i64 = 600;
/// How the administrator signs in.
pub const ADMIN: &str = "admin@sim.test";
/// Everybody's.
pub const PASSWORD: &str = "correct horse battery";

/// The administrator's `Authorization` header, and since when it is valid.
pub type SignedIn = Option<(String, Time)>;

/// An answer of the platform.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body where it is JSON.
    pub body: Json,
    /// The body's bytes.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Whether asking again may bring something else: the platform could not answer, or is at it.
    fn is_passing(&self) -> bool {
        let code = self.body["code"].as_str().unwrap_or("");
        self.status >= 500 || self.status == 429 || code == "idempotency_key_in_use" || code == "conflict"
    }
}

impl World {
    /// Sends a request in through the gateway. `None`: there is no answer, and nobody knows what happened.
    pub async fn send(&self, method: &str, path: &str, body: Option<Json>, headers: &[(&str, &str)]) -> Option<Answer> {
        let (gateway, down) = {
            let node = self.node();
            let node = node.as_ref()?;
            (node.gateway.clone(), node.down.clone())
        };
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match &body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let answering = async {
            let Ok(response) = gateway.oneshot(request.ok()?).await;
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.ok()?.to_bytes().to_vec();
            let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
            Some(Answer { status, body, bytes })
        };
        let answer = tokio::select! {
            biased;
            () = down.cancelled() => None,
            answer = answering => answer,
        };
        if let Some(wrong) = answer.as_ref().filter(|a| a.status == 500) {
            self.breaks(format!("{method} {path} found a mistake in haat, which no fault explains: {}", wrong.body));
        }
        answer.filter(|_| !self.faults.loses_reply())
    }

    /// Sends a request again and again until the answer is final. That none comes is a broken promise.
    pub async fn insist(&self, method: &str, path: &str, body: Option<Json>, headers: &[(&str, &str)]) -> Option<Answer> {
        let begun = Instant::now();
        loop {
            let answer = self.send(method, path, body.clone(), headers).await;
            if answer.as_ref().is_some_and(|a| !a.is_passing()) {
                return answer;
            }
            let calm = self.calm_since().map(|calm| calm.max(begun).elapsed());
            if calm.is_some_and(|calm| calm > Duration::from_secs(PATIENCE_SECONDS)) {
                let last = answer.map_or("nothing came back".into(), |a| format!("{} {}", a.status, a.body));
                self.breaks(format!("{method} {path} has no answer {PATIENCE_SECONDS} s after the last fault: {last}"));
                return None;
            }
            tokio::time::sleep(Duration::from_millis(200 + self.dice(1_500))).await;
        }
    }

    /// A `200` that must come, now that nothing goes wrong.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Json> {
        let answer = self.send("GET", path, None, headers).await.with_context(|| format!("GET {path}: no answer"))?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// As [`World::get`], signed in as the administrator.
    pub async fn admin_get(&self, path: &str) -> anyhow::Result<Json> {
        let bearer = self.admin().await.context("the administrator cannot sign in")?;
        self.get(path, &[("authorization", &bearer)]).await
    }

    /// The administrator's `Authorization` header.
    pub async fn admin(&self) -> Option<String> {
        let known = self.admin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((bearer, _)) = known.filter(|(_, at)| at.plus_seconds(ADMIN_SECONDS) > self.clock.now()) {
            return Some(bearer);
        }
        let bearer = self.sign_in(ADMIN, &[]).await?;
        *self.admin.lock().unwrap_or_else(PoisonError::into_inner) = Some((bearer.clone(), self.clock.now()));
        Some(bearer)
    }

    /// Signs in and gives the `Authorization` header.
    pub async fn sign_in(&self, email: &str, headers: &[(&str, &str)]) -> Option<String> {
        let login = json!({"email": email, "password": PASSWORD});
        let answer = self.insist("POST", "/api/v1/auth/login", Some(login), headers).await?;
        Some(format!("Bearer {}", answer.body["accessToken"].as_str()?))
    }
}
