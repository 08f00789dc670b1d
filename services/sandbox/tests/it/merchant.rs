//! A merchant of the sandbox: opens sessions, and listens on a socket of its own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use contracts::proto::sandbox as api;
use contracts::proto::sandbox::sandbox_client::SandboxClient;
use kit::webhook::Secret;
use kit::{Caller, Clock, Ids};
use serde_json::{Value as Json, json};
use testing::{Engine, Response, TestPlatform};
use tokio::sync::watch;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub fn id() -> String {
    Ids::random().uuid(Clock::system().now()).to_string()
}

pub struct Merchant {
    pub p: TestPlatform,
    pub inbox: Arc<Inbox>,
    url: String,
}

/// What came in by webhook.
pub struct Inbox {
    messages: Mutex<Vec<(String, Json)>>,
    count: watch::Sender<usize>,
    /// How many deliveries are refused before the first is taken.
    refusals: Mutex<u32>,
}

impl Merchant {
    /// A merchant that refuses the first deliveries.
    pub async fn open(engine: Engine, chaos: Json, refusals: u32) -> Merchant {
        let inbox = Arc::new(Inbox { messages: Mutex::default(), count: watch::Sender::new(0), refusals: Mutex::new(refusals) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(receive)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = json!({"sandbox": {"webhook_secret": SECRET, "late_webhook": 60, "chaos": chaos}});
        let p = TestPlatform::start_with(engine, &[sandbox::SERVICE], config).await;
        Merchant { p, inbox, url }
    }

    /// A provider without bad habits, a merchant that takes everything.
    pub async fn quiet(engine: Engine) -> Merchant {
        Merchant::open(engine, json!({"twice": false, "early": false, "out_of_order": false}), 0).await
    }

    pub fn grpc(&self) -> SandboxClient<kit::channel::Channel> {
        SandboxClient::new(self.p.channel("sandbox"))
    }

    pub fn wanted(&self, amount: i64) -> api::CreateSessionRequest {
        api::CreateSessionRequest {
            payment_id: id(),
            amount,
            currency: "BDT".into(),
            reference: "HT-2026-000001".into(),
            webhook_url: self.url.clone(),
            return_url: "http://shop.test/orders/1".into(),
        }
    }

    pub async fn create(&self, amount: i64) -> api::Session {
        self.grpc().create_session(self.wanted(amount)).await.unwrap().into_inner()
    }

    pub async fn session(&self, payment_id: &str) -> api::Session {
        let request = api::GetSessionRequest { payment_id: payment_id.into() };
        self.grpc().get_session(request).await.unwrap().into_inner()
    }

    pub async fn cancel(&self, payment_id: &str) -> api::Session {
        let request = api::CancelSessionRequest { payment_id: payment_id.into() };
        self.grpc().cancel_session(request).await.unwrap().into_inner()
    }

    pub async fn refund(&self, refund_id: &str, payment_id: &str, amount: i64) -> Result<api::RefundResponse, tonic::Status> {
        let request = api::RefundRequest { refund_id: refund_id.into(), payment_id: payment_id.into(), amount };
        Ok(self.grpc().refund(request).await?.into_inner())
    }

    pub fn path(session: &api::Session) -> String {
        session.url.strip_prefix("http://haat.test").expect("the page is the platform's").to_owned()
    }

    pub async fn answer(&self, session: &api::Session, answer: &str) -> Response {
        self.p.send("POST", &format!("{}/{answer}", Merchant::path(session)), &Caller::default(), None, &[]).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.p.send("GET", path, &Caller::default(), None, &[]).await
    }
}

impl Inbox {
    /// Waits until at least `count` messages were taken; their ids and bodies.
    pub async fn at_least(&self, count: usize) -> Vec<(String, Json)> {
        let waiting = async { self.count.subscribe().wait_for(|n| *n >= count).await.map(|n| *n) };
        tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.expect("the webhook comes").unwrap();
        self.taken()
    }

    pub fn taken(&self) -> Vec<(String, Json)> {
        self.messages.lock().unwrap().clone()
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = Secret::from_text(SECRET).verify(&headers, Clock::system().now(), &body).expect("a signature that fits").to_owned();
    let refused = {
        let mut refusals = inbox.refusals.lock().unwrap();
        let refused = *refusals > 0;
        *refusals = refusals.saturating_sub(1);
        refused
    };
    if refused {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    inbox.messages.lock().unwrap().push((id, serde_json::from_slice(&body).unwrap()));
    inbox.count.send_modify(|n| *n += 1);
    StatusCode::OK
}
