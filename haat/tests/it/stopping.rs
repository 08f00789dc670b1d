//! Asked to stop while shoppers order: what was begun is answered, what was answered is there, and nothing else is.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::binary::{Server, folder, haat};
use crate::market::{order_cart, text};
use crate::outside::{Outside, Visitor};

const SHOPPERS: usize = 16;

fn demo(folder: &Path) -> Command {
    haat(folder, &["demo", "--days", "0", "--listen", "127.0.0.1:0"])
}

/// Where one shopper orders one thing again and again.
struct Shop {
    outside: Outside,
    shopper: Visitor,
    /// Host and port.
    address: String,
    /// The body of every order.
    order: String,
}

impl Shop {
    async fn of(server: &Server) -> Shop {
        let outside = Outside::of(&server.url);
        let body = json!({"email": "shopper@demo.haat.test", "password": "demo-haat-1234"});
        let signed_in = outside.send(&Visitor::default(), "POST", "/auth/login", Some(body), &[]).await.expect(200).body;
        let shopper = Visitor { access: Some(text(&signed_in["accessToken"])), cart: None };
        let products = outside.send(&shopper, "GET", "/products?limit=100", None, &[]).await.expect(200).body;
        // Something that does not run out.
        let course = products["data"].as_array().unwrap().iter().find(|p| p["kind"] == "course").expect("the demo sells courses");
        let mut order = order_cart();
        order["items"] = json!([{"variantId": course["variants"][0]["id"], "quantity": 1}]);
        Shop { outside, shopper, address: server.url.trim_start_matches("http://").to_owned(), order: order.to_string() }
    }

    /// The ids of all orders.
    async fn orders(&self) -> BTreeSet<String> {
        let (mut ids, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let page = self.outside.send(&self.shopper, "GET", &format!("/orders?limit=100{cursor}"), None, &[]).await.expect(200).body;
            ids.extend(page["data"].as_array().unwrap().iter().map(|order| text(&order["id"])));
            let Some(next) = page["nextCursor"].as_str() else { return ids };
            cursor = format!("&cursor={next}");
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.shopper.access.as_deref().unwrap())
    }

    /// Orders over one connection until it is over; the ids of what was acknowledged. An answer that has begun comes whole.
    async fn order_until_the_end(&self, number: usize, answers: &AtomicUsize) -> Vec<String> {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(connection);
        let mut acknowledged = Vec::new();
        loop {
            let request = http::Request::post("/api/v1/orders")
                .header("host", &self.address)
                .header("authorization", self.bearer())
                .header("idempotency-key", format!("{number} {}", acknowledged.len()))
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(self.order.clone())));
            // Nobody has taken it: the connection was over before.
            let Ok(response) = sender.send_request(request.unwrap()).await else { break };
            let status = response.status();
            let body = response.into_body().collect().await.expect("an answer that has begun comes whole").to_bytes();
            assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
            acknowledged.push(text(&serde_json::from_slice::<Json>(&body).unwrap()["id"]));
            answers.fetch_add(1, Ordering::SeqCst);
        }
        // How it ended was seen above.
        let _ = driver.await;
        acknowledged
    }
}

/// A request that the server has taken up: it has asked for the body.
struct Begun {
    stream: TcpStream,
    body: String,
}

impl Begun {
    async fn at(shop: &Shop, number: usize) -> Begun {
        let mut stream = TcpStream::connect(&shop.address).await.unwrap();
        let (host, bearer, length) = (&shop.address, shop.bearer(), shop.order.len());
        let head = format!(
            "POST /api/v1/orders HTTP/1.1\r\nhost: {host}\r\nauthorization: {bearer}\r\nidempotency-key: held {number}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut answer = vec![0; go_on.len()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, go_on, "{}", String::from_utf8_lossy(&answer));
        Begun { stream, body: shop.order.clone() }
    }

    /// Sends the body; the id of the order, of which the whole answer came before the connection was over.
    async fn ends(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no whole head: {answer:?}"));
        assert!(head.starts_with("HTTP/1.1 201 "), "{answer}");
        let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        assert_eq!(length, Some(body.len().to_string()), "{answer}");
        text(&serde_json::from_str::<Json>(body).unwrap()["id"])
    }
}

#[test]
fn what_was_begun_when_it_is_asked_to_stop_is_answered_and_kept() {
    let folder = folder();
    let server = Server::start(&mut demo(folder.path()));
    let mut ended = None;
    testing::run(async {
        let shop = Arc::new(Shop::of(&server).await);
        let mut acknowledged = shop.orders().await;
        let answers = Arc::new(AtomicUsize::new(0));
        let shoppers: Vec<_> = (0..SHOPPERS)
            .map(|number| {
                let (shop, answers) = (shop.clone(), answers.clone());
                tokio::spawn(async move { shop.order_until_the_end(number, &answers).await })
            })
            .collect();
        testing::eventually("all of them order", || async { answers.load(Ordering::SeqCst) >= 2 * SHOPPERS }).await;
        let mut begun = Vec::new();
        for number in 0..SHOPPERS {
            begun.push(Begun::at(&shop, number).await);
        }

        server.ask_to_stop();
        testing::eventually("nobody new gets in", || async { TcpStream::connect(&shop.address).await.is_err() }).await;
        for begun in begun {
            assert!(acknowledged.insert(begun.ends().await), "one order for each");
        }
        for shopper in shoppers {
            acknowledged.extend(shopper.await.unwrap());
        }
        ended = Some(acknowledged);
    });
    let acknowledged = ended.unwrap();
    assert_eq!(server.ends(), Some(0));

    let server = Server::start(&mut demo(folder.path()));
    testing::run(async {
        let found = Shop::of(&server).await.orders().await;
        assert_eq!(acknowledged.difference(&found).count(), 0, "what was acknowledged is there");
        assert_eq!(found.difference(&acknowledged).count(), 0, "what had no answer was not begun");
    });
}
