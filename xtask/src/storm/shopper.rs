//! One shopper, who buys again and again and repeats every request until it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value as Json, json};

use super::client::{Answer, Client};
use super::goods::Goods;
use super::record::{Acknowledged, Decision, Order};
use super::witness::Witness;

/// How long an approved order may take to be confirmed, the server dying in between.
const CONFIRMED_SECONDS_MAX: u64 = 45;
const LOOK_MS: u64 = 10;

/// What all shoppers share.
#[derive(Clone)]
pub struct Stall {
    pub base: String,
    pub goods: Goods,
    pub witness: Arc<Witness>,
    pub admin: Arc<Client>,
    pub stop: Arc<AtomicBool>,
}

/// One of them.
pub struct Shopper {
    pub stall: Stall,
    pub seed: u64,
}

impl Shopper {
    /// Buys until told to stop.
    pub fn run(self) {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut number = 0;
        while !self.stall.stop.load(Ordering::Relaxed) {
            number += 1;
            let key = format!("storm-{:x}-{number}", self.seed);
            if let Err(e) = self.buy(&mut random, &key) {
                self.stall.witness.complain(format!("{e:#}"));
            }
        }
    }

    fn buy(&self, random: &mut StdRng, key: &str) -> Result<()> {
        let mut guest = Client::guest(&self.stall.base);
        let goods: Vec<_> = self.stall.goods.variants.sample(random, 2).collect();
        for variant in goods {
            let item = json!({"variantId": variant, "quantity": random.random_range(1..=2)});
            let answer = self.expect(guest.insist("POST", "/api/v1/cart/items", Some(&item), None)?)?;
            guest.cart_token = answer.cart_token.or(guest.cart_token);
        }
        let Some((order, url)) = self.order(&guest, key)? else { return Ok(()) };
        let Some(decision) = draw_decision(random) else { return Ok(()) };
        let answer = self.expect(guest.insist("POST", &format!("{url}/{}", decision.verb()), None, None)?)?;
        if !answer.is_ok() {
            return Ok(());
        }
        self.stall.witness.note(Acknowledged::Decided { order: order.id.clone(), decision })?;
        if decision == Decision::Approve && self.is_confirmed(&guest, &order)? {
            self.afterwards(random, &guest, &order, key)?;
        }
        Ok(())
    }

    /// Orders what is in the cart; nothing where it is sold out.
    fn order(&self, guest: &Client, key: &str) -> Result<Option<(Order, String)>> {
        let address =
            json!({"name": "Storm", "phone": "+8801711111111", "line1": "1 Road", "city": "Dhaka", "postalCode": "1207", "country": "BD"});
        let body =
            json!({"email": "storm@load.test", "shippingAddress": address, "shippingMethod": "standard", "paymentMethod": "sandbox"});
        let answer = self.expect(guest.insist("POST", "/api/v1/orders", Some(&body), Some(key))?)?;
        if !answer.is_ok() {
            return Ok(None);
        }
        let order = Order::read(&answer.body).with_context(|| format!("POST /orders answered something else: {}", answer.body))?;
        self.stall.witness.note(Acknowledged::Ordered { key: key.to_owned(), order: order.clone() })?;
        let url = self.payers_page(guest, &order, answer.body)?;
        Ok(url.map(|url| (order, url)))
    }

    /// Where the payer decides. The order may have been answered before the payment was there.
    fn payers_page(&self, guest: &Client, order: &Order, mut shown: Json) -> Result<Option<String>> {
        let started = Instant::now();
        loop {
            if let Some(url) = shown["payment"]["action"]["url"].as_str() {
                let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
                return Ok(path);
            }
            if shown["status"] == "failed" || started.elapsed().as_secs() > CONFIRMED_SECONDS_MAX {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(LOOK_MS));
            shown = self.look(guest, order)?;
        }
    }

    fn is_confirmed(&self, guest: &Client, order: &Order) -> Result<bool> {
        let started = Instant::now();
        while started.elapsed().as_secs() < CONFIRMED_SECONDS_MAX {
            match self.look(guest, order)?["status"].as_str() {
                Some("confirmed") => return Ok(true),
                Some("awaiting_payment" | "created") => std::thread::sleep(Duration::from_millis(LOOK_MS)),
                _ => return Ok(false),
            }
        }
        self.stall.witness.complain(format!("order {} was approved and is not confirmed after {CONFIRMED_SECONDS_MAX} s", order.id));
        Ok(false)
    }

    /// Some change their mind, some get a part back.
    fn afterwards(&self, random: &mut StdRng, guest: &Client, order: &Order, key: &str) -> Result<()> {
        match random.random_range(0..10) {
            0 => {
                let path = format!("/api/v1/orders/{}/cancel", order.id);
                let answer = self.expect(guest.insist("PUT", &path, Some(&json!({"reason": "changed my mind"})), None)?)?;
                if answer.is_ok() {
                    self.stall.witness.note(Acknowledged::Cancelled { order: order.id.clone() })?;
                }
            }
            1 => self.refund(guest, order, random.random_range(1..=order.total), key)?,
            _ => {}
        }
        Ok(())
    }

    fn refund(&self, guest: &Client, order: &Order, amount: i64, key: &str) -> Result<()> {
        let shown = self.look(guest, order)?;
        let payment = shown["payment"]["id"].as_str().context("an order without a payment")?;
        let currency = &shown["payment"]["amount"]["currency"];
        let body = json!({"amount": {"amount": amount, "currency": currency}, "reason": "storm"});
        let path = format!("/api/v1/payments/{payment}/refund");
        let answer = self.expect(self.stall.admin.insist("POST", &path, Some(&body), Some(&format!("{key}-refund")))?)?;
        if let Some(refund) = answer.body["id"].as_str().filter(|_| answer.is_ok()) {
            self.stall.witness.note(Acknowledged::Refunded { order: order.id.clone(), refund: refund.to_owned(), amount })?;
        }
        Ok(())
    }

    fn look(&self, guest: &Client, order: &Order) -> Result<Json> {
        let answer = self.expect(guest.insist("GET", &format!("/api/v1/orders/{}", order.id), None, None)?)?;
        if answer.status == 404 {
            self.stall.witness.complain(format!("order {} was acknowledged and is not found", order.id));
        }
        Ok(answer.body)
    }

    /// Counts the answer; a server error is a complaint.
    fn expect(&self, answer: Answer) -> Result<Answer> {
        self.stall.witness.count(answer.status, answer.code());
        anyhow::ensure!(answer.status < 500, "the server answered {} {}", answer.status, answer.body);
        Ok(answer)
    }
}

/// Most pay; a few walk away.
fn draw_decision(random: &mut StdRng) -> Option<Decision> {
    match random.random_range(0..100) {
        0..3 => None,
        3..8 => Some(Decision::Timeout),
        8..18 => Some(Decision::Decline),
        _ => Some(Decision::Approve),
    }
}
