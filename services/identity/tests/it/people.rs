//! People who register and sign in, for the other tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::identity::{CheckSessionRequest, CheckSessionResponse, EnsureUserRequest};
use contracts::{Envelope, Event, SessionId, UserId};
use kit::auth::User;
use kit::channel::Channel;
use kit::{Caller, DbError, Role};
use serde_json::{Value, json};
use testing::{Engine, Response, TestPlatform};

/// What everybody in these tests signs in with.
pub const PASSWORD: &str = "correct horse battery";

/// Identity alone, with the cheapest hashes there are.
pub async fn start(engine: Engine) -> TestPlatform {
    start_with(engine, json!({})).await
}

/// As [`start`], with further configuration.
pub async fn start_with(engine: Engine, mut section: Value) -> TestPlatform {
    section["password"] = json!({"memory_kib": 8, "passes": 1});
    TestPlatform::start_with(engine, &[identity::SERVICE], json!({"identity": section})).await
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    /// As the gateway would know them.
    pub caller: Caller,
    /// As given.
    pub access_token: String,
    /// As given.
    pub refresh_token: String,
}

impl Person {
    /// From the answer to a registration, a sign-in or a renewal.
    pub fn of(answer: &Value) -> Person {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        let claims = claims(&text("accessToken"));
        let user = User {
            id: claims["sub"].as_str().unwrap().parse().unwrap(),
            session: claims["sid"].as_str().unwrap().parse().unwrap(),
            roles: claims["roles"].as_array().unwrap().iter().map(|r| Role::parse(r.as_str().unwrap()).unwrap()).collect(),
        };
        let caller = Caller { user: Some(user), ..Caller::default() };
        Person { caller, access_token: text("accessToken"), refresh_token: text("refreshToken") }
    }

    pub fn id(&self) -> UserId {
        self.caller.user().unwrap().id
    }

    pub fn session(&self) -> SessionId {
        self.caller.user().unwrap().session
    }
}

/// The claims of an access token, believed.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub fn registration(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "firstName": "Rahima", "lastName": "Khatun"})
}

pub async fn register(p: &TestPlatform, email: &str) -> Person {
    let r = p.send("POST", "/api/v1/auth/register", &Caller::default(), Some(registration(email)), &[]).await.expect(201);
    Person::of(&r.body)
}

pub async fn login(p: &TestPlatform, email: &str, password: &str) -> Response {
    login_as(p, &Caller::default(), email, password).await
}

pub async fn login_as(p: &TestPlatform, caller: &Caller, email: &str, password: &str) -> Response {
    p.send("POST", "/api/v1/auth/login", caller, Some(json!({"email": email, "password": password})), &[]).await
}

pub async fn refresh(p: &TestPlatform, token: &str) -> Response {
    p.send("POST", "/api/v1/auth/refresh", &Caller::default(), Some(json!({"refreshToken": token})), &[]).await
}

/// An administrator, made the way the first one is.
pub async fn admin(p: &TestPlatform) -> Person {
    let request = EnsureUserRequest {
        email: "root@haat.test".into(),
        password: PASSWORD.into(),
        first_name: "Root".into(),
        last_name: String::new(),
        roles: vec!["admin".into()],
    };
    client(p).ensure_user(request).await.unwrap();
    Person::of(&login(p, "root@haat.test", PASSWORD).await.expect(200).body)
}

pub fn client(p: &TestPlatform) -> IdentityClient<Channel> {
    IdentityClient::new(p.channel("identity"))
}

pub async fn check(p: &TestPlatform, session: SessionId) -> CheckSessionResponse {
    client(p).check_session(CheckSessionRequest { session_id: session.to_string() }).await.unwrap().into_inner()
}

/// Everything that was published so far, oldest first.
pub async fn log(p: &TestPlatform) -> Vec<Envelope> {
    p.db("identity").read(|q| kit::events::after(q, 0, 10_000)).await.map_err(|e: DbError| e.to_string()).unwrap()
}

/// The events of one type, oldest first.
pub async fn published<E: Event>(p: &TestPlatform) -> Vec<E> {
    log(p).await.iter().filter(|e| e.kind == E::TYPE).map(|e| e.decode().unwrap()).collect()
}
