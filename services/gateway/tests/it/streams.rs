//! Answers that go on for as long as somebody may listen.

use axum::body::Body;
use axum::http::{Request, Response};
use contracts::events::identity::{SessionEnded, UserRoleChanged};
use http_body_util::BodyExt;
use kit::auth::{User, issue_access};
use kit::{Clock, Ids, Role};
use testing::{Engine, TestPlatform};
use tower::ServiceExt;

use crate::SERVICES;
use crate::identity::{self, Session};
use crate::outside::{Outside, bearer};

testing::both_engines!(
    a_stream_ends_with_its_session,
    a_stream_ends_when_its_token_expires,
    a_stream_of_somebody_whose_roles_change_goes_on,
    a_public_stream_has_no_session_to_end_with,
);

pub async fn open(p: &TestPlatform, path: &str, token: &str) -> Response<Body> {
    let request = Request::get(path).header("authorization", bearer(token)).body(Body::empty()).unwrap();
    let mut response = Outside::of(&p.platform().directory).0.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(next(&mut response).await.as_deref(), Some("data: here\n\n"), "the first piece comes before the answer is whole");
    response
}

/// The next piece; none where the stream has ended.
pub async fn next(response: &mut Response<Body>) -> Option<String> {
    let frame = response.body_mut().frame().await?.expect("a stream that is cut off ends in order");
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

/// Whether the stream has nothing to say for now.
pub fn is_waiting(response: &mut Response<Body>) -> bool {
    futures::FutureExt::now_or_never(response.body_mut().frame()).is_none()
}

async fn a_stream_ends_with_its_session(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let ((user, token), (_, others)) = (identity::sign_in(&[Role::Customer]), identity::sign_in(&[Role::Customer]));
    let mut stream = open(&p, "/api/v1/echo/stream", &token).await;
    let mut other = open(&p, "/api/v1/echo/stream", &others).await;
    assert!(is_waiting(&mut stream));
    identity::set(user.session, Session::Ended);
    let ended = SessionEnded { user_id: user.id, session_id: user.session, reason: "signed_out".into() };
    p.db("identity").write(move |tx| tx.publish(ended.clone())).await.unwrap();
    assert_eq!(next(&mut stream).await, None);
    assert!(is_waiting(&mut other), "somebody else's goes on");
}

async fn a_stream_ends_when_its_token_expires(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let user: User = identity::sign_in(&[Role::Customer]).0;
    let now = Clock::system().now();
    let issued = now.plus_seconds(2 - kit::auth::ACCESS_SECONDS);
    let token = issue_access(&identity::signer(), "http://haat.test", &user, Ids::random().uuid(now), issued);
    let mut stream = open(&p, "/api/v1/echo/stream", &token).await;
    assert!(is_waiting(&mut stream));
    assert_eq!(next(&mut stream).await, None);
    assert!(Clock::system().now().unix_seconds() >= issued.unix_seconds() + kit::auth::ACCESS_SECONDS, "not before");
}

async fn a_stream_of_somebody_whose_roles_change_goes_on(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let (user, token) = identity::sign_in(&[Role::Customer, Role::Admin]);
    let mut stream = open(&p, "/api/v1/echo/stream", &token).await;
    assert!(is_waiting(&mut stream));
    identity::set(user.session, Session::Open(vec![Role::Customer]));
    let changed = UserRoleChanged { user_id: user.id, roles: vec!["customer".into()] };
    p.db("identity").write(move |tx| tx.publish(changed.clone())).await.unwrap();
    p.settle().await;
    assert!(is_waiting(&mut stream));
    identity::set(user.session, Session::Ended);
    let ended = SessionEnded { user_id: user.id, session_id: user.session, reason: "signed_out".into() };
    p.db("identity").write(move |tx| tx.publish(ended.clone())).await.unwrap();
    assert_eq!(next(&mut stream).await, None);
}

async fn a_public_stream_has_no_session_to_end_with(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let mut stream = open(&p, "/api/v1/echo/open-stream", "nonsense").await;
    assert!(is_waiting(&mut stream));
}
