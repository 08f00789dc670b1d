//! What sellers do about an order.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::account::Account;
use super::args::BenchArgs;
use super::checkout::{Basket, checkout};
use super::client::{Answer, Connection};
use super::goods::{self, Good};
use super::times::{Failure, Step, Times};

/// The demo has so many sellers.
const SELLERS_OF_THE_DEMO: usize = 12;

/// Those who sell, by store, and what is bought from them.
pub struct Sellers {
    by_store: BTreeMap<String, Account>,
    baskets: Vec<Basket>,
}

#[derive(Deserialize)]
struct Store {
    id: String,
}

#[derive(Deserialize)]
struct Parts {
    data: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    order_id: String,
}

impl Sellers {
    /// Finds the sellers' stores, and fills their shelves.
    pub async fn prepare(connection: &mut Connection, args: &BenchArgs, admin: &Account) -> Result<Sellers> {
        let demo =
            (1..=SELLERS_OF_THE_DEMO).map(|n| format!("vendor{}@demo.haat.test", if n == 1 { String::new() } else { n.to_string() }));
        let emails = if args.sellers.is_empty() { demo.collect() } else { args.sellers.clone() };
        let mut by_store = BTreeMap::new();
        for email in emails {
            let account = Account::new(&email, &args.password);
            account.take(connection).await.with_context(|| format!("the seller {email} cannot sign in; name others with --seller"))?;
            let store: Store = connection.json(Method::GET, "/api/v1/vendors/store", None).await?;
            by_store.insert(store.id, account);
        }
        connection.headers.clear();
        let stores: Vec<String> = by_store.keys().cloned().collect();
        ensure!(stores.len() > 1, "an order is over two stores: name two sellers");
        let goods = goods::prepare(connection, admin, Some(&stores)).await?;
        Ok(Sellers { by_store, baskets: goods::baskets(&goods, false)? })
    }

    /// An order is bought; then the sellers of its two parts do their work, which is what is measured.
    pub async fn handle(&self, connection: &mut Connection, key: &str, number: u64, begun: Instant) -> Result<Times, Failure> {
        let basket = &self.baskets[number as usize % self.baskets.len()];
        let (bought, order) = checkout(connection, basket, key, begun).await?;
        let mut times = Times::begin();
        times.looks = bought.looks;
        let sold = Instant::now();
        for good in &basket.goods {
            let account = &self.by_store[&good.vendor];
            account.take(connection).await.map_err(|e| Failure::new(Step::Parts, format!("signing in: {e}")))?;
            let mut work = Work { connection, times: &mut times };
            work.ship(&order).await?;
            work.restock(good, number).await?;
        }
        times.note(Step::Handled, sold.elapsed());
        Ok(times)
    }
}

struct Work<'a> {
    connection: &'a mut Connection,
    times: &'a mut Times,
}

impl Work<'_> {
    /// Finds the store's part of the order in its list, packs it and hands it to a carrier.
    async fn ship(&mut self, order: &str) -> Result<(), Failure> {
        let list = self.ask(Step::Parts, Method::GET, "/api/v1/vendor/orders?status=confirmed&limit=100", Bytes::new()).await?;
        let parts: Parts = serde_json::from_slice(&list.body).map_err(|e| Failure::new(Step::Parts, format!("unexpected answer: {e}")))?;
        let part = parts.data.into_iter().find(|part| part.order_id == order);
        let path = format!("/api/v1/vendor/orders/{}", part.ok_or_else(|| Failure::new(Step::Parts, "the order is not in the list"))?.id);
        self.ask(Step::Part, Method::GET, &path, Bytes::new()).await?;
        let pack = json!({"status": "processing"});
        self.ask(Step::Pack, Method::PUT, &format!("{path}/status"), pack.to_string().into()).await?;
        let ship = json!({"status": "shipped", "tracking": {"carrier": "Load Test", "number": "1"}});
        self.ask(Step::Ship, Method::PUT, &format!("{path}/status"), ship.to_string().into()).await?;
        Ok(())
    }

    /// Puts another piece on the shelf, and asks for it one unit of money less or as much as before.
    async fn restock(&mut self, good: &Good, number: u64) -> Result<(), Failure> {
        let (path, change) = good.adjust(1);
        self.ask(Step::StockChange, Method::PUT, &path, change).await?;
        let mut variant = good.variant.clone();
        variant.price.amount -= i64::from(!number.is_multiple_of(2));
        let path = format!("/api/v1/products/{}/variants/{}", good.product, variant.id);
        self.ask(Step::Price, Method::PUT, &path, json!(variant).to_string().into()).await?;
        Ok(())
    }

    async fn ask(&mut self, step: Step, method: Method, path: &str, body: Bytes) -> Result<Answer, Failure> {
        let asked = Instant::now();
        let answer = self.connection.send(method, path, body, None).await.map_err(|_| Failure::new(step, "no answer"))?;
        if !answer.is_ok() {
            return Err(answer.failure(step, asked));
        }
        self.times.note(step, asked.elapsed());
        Ok(answer)
    }
}
