//! A caller of the public API who does not give up.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value as Json, json};
use ureq::{Agent, http};

const REQUEST_SECONDS_MAX: u64 = 30;
/// How long a server may be away, or a request refused for now, before the caller calls it broken.
const PATIENCE_SECONDS: u64 = 60;
const PAUSE_MS: u64 = 20;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub cart_token: Option<String>,
    pub body: Json,
}

impl Answer {
    /// Whether the server did what it was asked.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The problem's stable code.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// Refused for now: the same request may be sent again.
    fn is_for_now(&self) -> bool {
        matches!(self.status, 429 | 503) || self.status == 409 && self.code() == "idempotency_key_in_use"
    }
}

/// One caller with its connections and what it is known by.
pub struct Client {
    agent: Agent,
    base: String,
    /// A guest's.
    pub cart_token: Option<String>,
    /// A user's e-mail and password, with the access token of the moment.
    user: Option<(String, String, Mutex<String>)>,
}

impl Client {
    /// Somebody the server does not know.
    pub fn guest(base: &str) -> Client {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)));
        Client { agent: config.build().new_agent(), base: base.to_owned(), cart_token: None, user: None }
    }

    /// A user, who signs in again whenever the token is no longer taken.
    pub fn user(base: &str, email: &str, password: &str) -> Client {
        let user = Some((email.to_owned(), password.to_owned(), Mutex::default()));
        Client { user, ..Client::guest(base) }
    }

    /// One attempt. An error says that nobody knows whether it took effect.
    pub fn send(&self, method: &str, path: &str, body: Option<&Json>, key: Option<&str>) -> Result<Answer> {
        if self.user.as_ref().is_some_and(|(_, _, token)| lock(token).is_empty()) {
            // Without a token some answers are those that anybody gets.
            self.sign_in()?;
        }
        let answer = self.send_once(method, path, body, key)?;
        if answer.status == 401 && self.user.is_some() {
            self.sign_in()?;
            return self.send_once(method, path, body, key);
        }
        Ok(answer)
    }

    /// Asks until the server answers, however often it dies; with `key`, or where a repeat is harmless.
    pub fn insist(&self, method: &str, path: &str, body: Option<&Json>, key: Option<&str>) -> Result<Answer> {
        let started = Instant::now();
        loop {
            let last = match self.send(method, path, body, key) {
                Ok(answer) if !answer.is_for_now() => return Ok(answer),
                Ok(answer) => format!("{} {}", answer.status, answer.body),
                Err(e) => format!("{e:#}"),
            };
            if started.elapsed().as_secs() > PATIENCE_SECONDS {
                bail!("{method} {path} got no answer for {PATIENCE_SECONDS} s; the last one was {last}");
            }
            std::thread::sleep(Duration::from_millis(PAUSE_MS));
        }
    }

    /// A read that must succeed.
    pub fn get(&self, path: &str) -> Result<Json> {
        let answer = self.insist("GET", path, None, None)?;
        ensure!(answer.is_ok(), "GET {path} answered {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// All pages of a list.
    pub fn list(&self, path: &str) -> Result<Vec<Json>> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{}", if cursor.is_empty() { String::new() } else { format!("{sign}cursor={cursor}") }))?;
            all.extend(page["data"].as_array().with_context(|| format!("GET {path} has no data"))?.iter().cloned());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return Ok(all),
            }
        }
    }

    fn send_once(&self, method: &str, path: &str, body: Option<&Json>, key: Option<&str>) -> Result<Answer> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        let bearer = self.user.as_ref().map(|(_, _, token)| format!("Bearer {}", lock(token)));
        let headers = [("idempotency-key", key), ("x-cart-token", self.cart_token.as_deref()), ("authorization", bearer.as_deref())];
        for (name, value) in headers.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| *v != "Bearer ")?))) {
            request = request.header(name, value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let mut response = self.agent.run(request.body(body.map(Json::to_string).unwrap_or_default())?)?;
        let cart_token = response.headers().get("x-cart-token").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let text = response.body_mut().read_to_vec()?;
        let body = serde_json::from_slice(&text).unwrap_or_else(|_| Json::String(String::from_utf8_lossy(&text).into_owned()));
        Ok(Answer { status: response.status().as_u16(), cart_token, body })
    }

    fn sign_in(&self) -> Result<()> {
        let Some((email, password, token)) = &self.user else { return Ok(()) };
        let credentials = json!({"email": email, "password": password});
        let answer = Client::guest(&self.base).insist("POST", "/api/v1/auth/login", Some(&credentials), None)?;
        let fresh = answer.body["accessToken"].as_str().with_context(|| format!("{email} cannot sign in: {}", answer.body))?;
        *lock(token) = fresh.to_owned();
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
