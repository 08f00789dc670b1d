//! Calls between services can be made to go wrong, for tests of what happens then.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use kit::channel::{CallInfo, Fault};
use kit::{BuildError, Db, DbError, Env, Migration, Service, ServiceDef};
use testing::{Data, Engine, TestPlatform};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt;
use utoipa::openapi::OpenApiBuilder;

/// Counts the calls that reach it.
const COUNTER: ServiceDef = ServiceDef {
    name: "counter",
    migrations: &[Migration::new("0001_calls", "CREATE TABLE own.calls (n {serial}, method text NOT NULL);")],
    calls: &[],
    reads: &[],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build,
};

fn build(env: Env) -> Result<Service, BuildError> {
    let rpc = Router::new().fallback(count).with_state(env.db);
    Ok(Service { rpc, ..Service::default() })
}

async fn count(State(db): State<Db>, request: http::Request<axum::body::Body>) -> http::Response<axum::body::Body> {
    let method = request.uri().path().to_owned();
    if method == "/never" {
        return std::future::pending().await;
    }
    let counted = db.write(move |tx| tx.execute("INSERT INTO own.calls (method) VALUES ($1)", kit::params![&method])).await;
    let status = counted.map_or_else(|e| Status::internal(e.to_string()), |_| Status::ok(""));
    status.into_http()
}

async fn call(p: &TestPlatform, method: &str) -> Result<(), Code> {
    let request = http::Request::builder().uri(method).body(Body::empty()).unwrap();
    p.channel("counter").oneshot(request).await.map(drop).map_err(|status| status.code())
}

async fn calls(p: &TestPlatform) -> Vec<String> {
    let read = p.db("counter").read(|q| q.rows("SELECT method FROM own.calls ORDER BY n", &[])?.iter().map(|r| r.get(0)).collect());
    read.await.unwrap_or_else(|e: DbError| panic!("{e}"))
}

#[test]
fn a_lost_request_has_no_effect_a_lost_answer_has_and_a_stray_call_has_it_later() {
    testing::run(async {
        let p = TestPlatform::start(Engine::Sqlite, &[COUNTER]).await;
        call(&p, "/before").await.unwrap();
        p.platform().directory.set_faults(Arc::new(|call: &CallInfo| {
            assert_eq!((call.caller, call.callee), ("test", "counter"));
            match call.method {
                "/lose/request" => Fault::LoseRequest,
                "/lose/answer" => Fault::LoseAnswer,
                "/late" => Fault::Delay(5),
                "/stray" => Fault::Stray(20),
                _ => Fault::None,
            }
        }));
        assert_eq!(call(&p, "/lose/request").await, Err(Code::Unavailable));
        assert_eq!(call(&p, "/lose/answer").await, Err(Code::Unavailable));
        assert_eq!(call(&p, "/late").await, Ok(()));
        assert_eq!(call(&p, "/stray").await, Err(Code::Unavailable));
        assert_eq!(call(&p, "/after").await, Ok(()));
        testing::eventually("the stray call arrives", || async { calls(&p).await.len() == 5 }).await;
        assert_eq!(calls(&p).await, ["/before", "/lose/answer", "/late", "/after", "/stray"]);
    });
}

#[test]
fn a_call_that_nobody_set_a_limit_for_ends_too() {
    testing::run_in_virtual_time(async {
        let p = TestPlatform::start_on(Data::in_memory(), &[COUNTER], serde_json::json!({})).await;
        let began = Instant::now();
        assert_eq!(call(&p, "/never").await, Err(Code::DeadlineExceeded));
        assert_eq!(began.elapsed().as_secs(), 10);
    });
}
