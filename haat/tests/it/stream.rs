//! The stream of notifications, over a socket and through the gateway.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value as Json, json};
use testing::Engine;

use crate::market::{Market, text};
use crate::nodes::Layout;
use crate::outside::Visitor;

/// What a client has read of its stream.
struct Stream {
    body: Incoming,
    text: String,
}

/// One event.
#[derive(Debug)]
struct Event {
    id: String,
    data: Json,
}

impl Stream {
    async fn open(market: &Market, who: &Visitor, last: Option<&str>) -> Result<Stream, u16> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let mut request = http::Request::get(format!("{}/api/v1/notifications/stream", market.url()));
        for (name, value) in
            [("authorization", who.access.as_ref().map(|t| format!("Bearer {t}"))), ("last-event-id", last.map(str::to_owned))]
        {
            request = value.iter().fold(request, |request, value| request.header(name, value));
        }
        let response = client.request(request.body(Empty::new()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        if status != 200 {
            return Err(status);
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Stream { body: response.into_body(), text: String::new() })
    }

    /// The next block of lines; none where the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let frame = tokio::time::timeout(Duration::from_secs(30), self.body.frame()).await.expect("the stream goes on or ends")?;
            let data = frame.unwrap().into_data().unwrap_or_default();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The next event; what says nothing is passed over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let member = |name: &str| block.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim_start().to_owned());
            if let Some(data) = member("data:") {
                assert_eq!(member("event:").as_deref(), Some("notification"));
                return Some(Event { id: member("id:").unwrap(), data: serde_json::from_str(&data).unwrap() });
            }
        }
    }
}

#[test]
fn messages_come_as_they_are_written_in_one_process() {
    testing::run(messages_come(Layout::Together(Engine::Postgres)));
}

#[test]
fn messages_come_as_they_are_written_apart() {
    testing::run(messages_come(Layout::Apart));
}

async fn messages_come(layout: Layout) {
    let market = Market::open(layout).await;
    let good = market.good(&market.sellers[0], 10_000, 50).await;
    let (her, other) = (market.register("live@journey.test").await, market.register("other@journey.test").await);
    let first = |who: &Visitor| {
        let (market, who) = (&market, who.clone());
        async move { market.get(&who, "/notifications").await["data"].as_array().is_some_and(|all| all.len() == 1) }
    };
    testing::eventually("both are welcomed", || async { first(&her).await && first(&other).await }).await;

    let mut stream = Stream::open(&market, &her, None).await.unwrap();
    let opening = stream.block().await.unwrap();
    assert!(opening.contains("id: 1") && opening.contains("retry: 3000"), "{opening}");
    let mut others = Stream::open(&market, &other, None).await.unwrap();
    let order = market.order(&her, &[(&good, 1)]).await;
    market.pay(&order, "approve").await;
    let created = stream.next().await.unwrap();
    assert_eq!((&created.data["kind"], &created.data["orderId"]), (&json!("order.created"), &order["id"]), "{created:?}");
    drop(stream);

    market.order_comes_to(&her, &order, "confirmed").await;
    testing::eventually("it is confirmed in her list", || async {
        market.get(&her, "/notifications").await["data"].as_array().is_some_and(|all| all.len() == 3)
    })
    .await;
    let mut again = Stream::open(&market, &her, Some(&created.id)).await.unwrap();
    let confirmed = again.next().await.unwrap();
    assert_eq!(confirmed.data, market.get(&her, "/notifications?limit=1").await["data"][0], "what was missed is made up for");
    assert_eq!(confirmed.data["kind"], "order.confirmed");
    let mut all = Stream::open(&market, &her, Some("0")).await.unwrap();
    for kind in ["user.registered", "order.created", "order.confirmed"] {
        assert_eq!(all.next().await.unwrap().data["kind"], kind);
    }

    market.send(&her, "POST", "/auth/logout", None).await.expect(204);
    assert!(again.next().await.is_none() && all.next().await.is_none(), "they end with the session");
    assert_eq!(Stream::open(&market, &her, None).await.err(), Some(401));
    let order = market.order(&other, &[(&good, 1)]).await;
    let theirs = others.next().await.unwrap();
    assert_eq!((&theirs.data["kind"], &theirs.data["orderId"]), (&json!("order.created"), &order["id"]), "nothing of hers came");
    market.close().await;
}

#[test]
fn streams_are_few_and_for_those_who_are_signed_in() {
    testing::run(async {
        let market = Market::open(Layout::Together(Engine::Sqlite)).await;
        let her = market.register("live@journey.test").await;
        assert_eq!(Stream::open(&market, &Visitor::default(), None).await.err(), Some(401));
        for wrong in ["", "x", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(Stream::open(&market, &her, Some(wrong)).await.err(), Some(400), "{wrong}");
        }
        let mut streams = Vec::new();
        for _ in 0..6 {
            streams.push(Stream::open(&market, &her, Some("999")).await.unwrap());
        }
        assert_eq!(Stream::open(&market, &her, None).await.err(), Some(429));
        streams.pop();
        testing::eventually("a place is given back", || async { Stream::open(&market, &her, None).await.is_ok() }).await;
        let mut last = streams.pop().unwrap();
        assert!(text(&json!(last.block().await.unwrap())).contains("id: "), "an id from the future is none");
        let good = market.good(&market.sellers[0], 10_000, 50).await;
        let order = market.order(&her, &[(&good, 1)]).await;
        let seen = async {
            loop {
                let event = last.next().await.unwrap();
                if event.data["orderId"] == order["id"] {
                    return;
                }
            }
        };
        seen.await;
        market.close().await;
    });
}
