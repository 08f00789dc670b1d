use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use contracts::Time;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::super::{Kind, Parent};
use super::*;

fn span() -> Recorded {
    let at = Parent { trace: [7; 16], span: [8; 8], flags: 1 };
    let (name, attributes) = (Cow::Borrowed("a span"), vec![("key", "value".into())]);
    let (began, ended) = (Time(1), Time(2));
    Recorded { service: "orders", name, kind: Kind::Internal, at, parent: None, began, ended, attributes, links: Vec::new(), error: None }
}

fn collector(url: String) -> Collector {
    Collector { url, headers: HeaderMap::new(), timeout: Duration::from_secs(5), resource: vec![("service.name".into(), "haat".into())] }
}

type Answers = Arc<Mutex<Vec<StatusCode>>>;

/// A collector that gives these answers, the last one first, then takes everything; tells how long each request was.
async fn answering(answers: Vec<StatusCode>) -> (String, UnboundedReceiver<usize>) {
    async fn answer(State((answers, told)): State<(Answers, UnboundedSender<usize>)>, body: Bytes) -> StatusCode {
        told.send(body.len()).unwrap();
        answers.lock().unwrap().pop().unwrap_or(StatusCode::OK)
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (sender, told) = unbounded_channel();
    let router = Router::new().route("/v1/traces", post(answer)).with_state((Arc::new(Mutex::new(answers)), sender));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, told)
}

#[tokio::test]
async fn what_is_refused_for_now_is_sent_again_and_what_is_left_at_the_end() {
    let (url, mut told) = answering(vec![StatusCode::SERVICE_UNAVAILABLE]).await;
    let (queue, exporter) = start(collector(url)).unwrap();
    queue.put(span());
    let (first, again) = (told.recv().await.unwrap(), told.recv().await.unwrap());
    assert!(first > 50 && first == again, "{first} {again}");
    queue.put(span());
    exporter.close().await;
    assert_eq!(told.recv().await, Some(first));
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_sent_again() {
    let (url, mut told) = answering(vec![StatusCode::BAD_REQUEST]).await;
    let (queue, exporter) = start(collector(url)).unwrap();
    queue.put(span());
    let one = told.recv().await.unwrap();
    (0..3).for_each(|_| queue.put(span()));
    exporter.close().await;
    assert!(told.recv().await.unwrap() > one);
    assert_eq!(told.try_recv().ok(), None);
}

#[tokio::test]
async fn nobody_waits_for_a_collector_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    drop(listener);
    let (queue, exporter) = start(collector(url)).unwrap();
    (0..2 * QUEUE_SPANS).for_each(|_| queue.put(span()));
    assert_eq!(queue.0.capacity(), 0, "more than fits is dropped");
    let began = Instant::now();
    exporter.close().await;
    assert!(began.elapsed() < FAREWELL + Duration::from_secs(2));
}

#[tokio::test]
async fn addresses_that_cannot_be_posted_to_are_refused() {
    for url in ["", "collector", "ftp://collector/v1/traces", "grpc://collector:4317"] {
        assert!(start(collector(url.into())).is_err(), "{url}");
    }
}
