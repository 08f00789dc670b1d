//! One complete checkout.

use anyhow::Result;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use tokio::time::Instant;

use super::client::{Answer, CART_TOKEN, Connection};
use super::goods::Good;
use super::times::{Failure, Step, Times};

/// As the page asks to which a payer returns: the answer comes when the order no longer waits to be paid.
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PATIENTLY: HeaderValue = HeaderValue::from_static("wait=10");
/// After this an order counts as lost.
const PATIENCE_SECONDS: u64 = 20;

/// What a shopper buys, with its requests written out.
#[derive(Clone, Debug)]
pub struct Basket {
    /// `/api/v1/products/{id}` of the first item.
    pub product: String,
    /// The bodies that put the items into a cart.
    pub items: [Bytes; 2],
    /// The body of the order.
    pub order: Bytes,
    /// What they are of.
    pub goods: [Good; 2],
}

#[derive(Deserialize)]
struct Order {
    id: String,
    status: String,
    payment: Option<Payment>,
}

#[derive(Deserialize)]
struct Payment {
    action: Option<Action>,
}

#[derive(Deserialize)]
struct Action {
    url: String,
}

/// Buys the basket as a new guest, and says which order it was. `begun` is when the checkout should have begun.
pub async fn checkout(connection: &mut Connection, basket: &Basket, key: &str, begun: Instant) -> Result<(Times, String), Failure> {
    let mut flow = Flow { connection, times: Times::begin() };
    flow.connection.headers.clear();
    flow.ask(Step::Product, Method::GET, &basket.product, Bytes::new(), None).await?;
    let cart = flow.ask(Step::FirstItem, Method::POST, "/api/v1/cart/items", basket.items[0].clone(), None).await?;
    if let Some(token) = cart.headers.get(CART_TOKEN) {
        flow.connection.headers.insert(CART_TOKEN, token.clone());
    }
    flow.ask(Step::SecondItem, Method::POST, "/api/v1/cart/items", basket.items[1].clone(), None).await?;
    let answer = flow.ask(Step::Order, Method::POST, "/api/v1/orders", basket.order.clone(), Some(key)).await?;
    let mut order: Order = decode(Step::Order, &answer)?;
    let path = format!("/api/v1/orders/{}", order.id);
    while order.payment.is_none() {
        order = flow.look(&path, Step::Order).await?;
    }
    let action = order.payment.and_then(|p| p.action);
    let url = action.map(|a| a.url).ok_or_else(|| Failure::new(Step::Order, "no action"))?;
    let approved = Instant::now();
    flow.ask(Step::Approve, Method::POST, &format!("{}/approve", path_of(&url)), Bytes::new(), None).await?;
    let answered = Instant::now();
    flow.connection.headers.insert(PREFER, PATIENTLY);
    while flow.look(&path, Step::Confirmed).await?.status == "awaiting_payment" {
        if answered.elapsed().as_secs() > PATIENCE_SECONDS {
            return Err(Failure::new(Step::Confirmed, "never confirmed"));
        }
    }
    flow.times.note(Step::Confirmed, answered.elapsed());
    flow.times.note(Step::Paid, approved.elapsed());
    flow.times.note(Step::Checkout, begun.elapsed());
    Ok((flow.times, order.id))
}

struct Flow<'a> {
    connection: &'a mut Connection,
    times: Times,
}

impl Flow<'_> {
    async fn ask(&mut self, step: Step, method: Method, path: &str, body: Bytes, key: Option<&str>) -> Result<Answer, Failure> {
        let started = Instant::now();
        let answer = self.connection.send(method, path, body, key).await.map_err(|_| Failure::new(step, "no answer"))?;
        if !answer.is_ok() {
            return Err(answer.failure(step, started));
        }
        self.times.note(step, started.elapsed());
        Ok(answer)
    }

    async fn look(&mut self, path: &str, step: Step) -> Result<Order, Failure> {
        self.times.looks += 1;
        let started = Instant::now();
        let answer = self.connection.send(Method::GET, path, Bytes::new(), None).await.map_err(|_| Failure::new(step, "no answer"))?;
        if !answer.is_ok() {
            return Err(answer.failure(step, started));
        }
        let order: Order = decode(step, &answer)?;
        match order.status.as_str() {
            "created" | "awaiting_payment" | "confirmed" => Ok(order),
            other => Err(Failure::new(step, format!("order is {other}"))),
        }
    }
}

fn decode(step: Step, answer: &Answer) -> Result<Order, Failure> {
    serde_json::from_slice(&answer.body).map_err(|e| Failure::new(step, format!("unexpected answer: {e}")))
}

/// The path of an absolute address; the shopper is connected already.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payers_page_is_reached_over_the_open_connection() {
        assert_eq!(path_of("http://127.0.0.1:8080/sandbox/pay/abc"), "/sandbox/pay/abc");
        assert_eq!(path_of("https://shop.test"), "/");
    }

    #[test]
    fn an_order_is_read_with_and_without_a_payment() {
        let answer =
            |text: &'static str| Answer { status: 201, headers: http::HeaderMap::new(), body: Bytes::from_static(text.as_bytes()) };
        let order = decode(Step::Order, &answer(r#"{"id":"1","status":"created","payment":null,"more":1}"#)).expect("an order");
        assert!(order.payment.is_none());
        let order = decode(Step::Order, &answer(r#"{"id":"1","status":"x","payment":{"id":"2","action":{"type":"redirect","url":"/a"}}}"#));
        assert_eq!(order.expect("an order").payment.and_then(|p| p.action).map(|a| a.url), Some("/a".into()));
        assert!(decode(Step::Order, &answer("[]")).is_err_and(|f| f.step == Step::Order));
    }
}
