//! Stock that changes while people look, and whether what they are shown is old.
//!
//! Every change adds one to a variant that nobody else changes, so what is shown says which changes it knows.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use http::Method;
use serde::Deserialize;
use tokio::time::Instant;

use super::account::Account;
use super::client::Connection;
use super::goods::Inventory;
use super::times::{Failure, Step};

/// Lists may be as old.
pub const LIST_AGE_MAX: Duration = Duration::from_secs(1);
/// So many variants change at most.
const WATCHED_MAX: usize = 500;

/// A variant as it is shown.
#[derive(Clone, Debug, Deserialize)]
pub struct Watch {
    pub id: String,
    pub available: Option<i64>,
}

/// The variants that change.
pub struct Stock {
    pub admin: Account,
    items: Vec<Item>,
    by_variant: BTreeMap<String, usize>,
    pub found: RefCell<Found>,
}

struct Item {
    product: String,
    variant: String,
    warehouse: String,
    /// Available before the first change.
    base: i64,
    /// When each change was acknowledged.
    acknowledged: RefCell<Vec<Instant>>,
    is_changing: Cell<bool>,
}

/// What came of looking.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Found {
    /// Changes that were acknowledged.
    pub changes: u64,
    /// Variants read in lists.
    pub in_lists: u64,
    /// Of them such that a change was acknowledged more than a second before the list was asked for, and is not in it.
    pub stale_in_lists: u64,
    /// How long before a list was asked for a change was acknowledged that is not in it, at most.
    pub oldest_in_lists: Duration,
    /// Variants read in products.
    pub in_products: u64,
    /// Of them such that a change was acknowledged before the product was asked for, and is not in it.
    pub stale_in_products: u64,
}

impl Stock {
    /// None yet; the administrator changes it.
    pub fn new(admin: Account) -> Stock {
        Stock { admin, items: Vec::new(), by_variant: BTreeMap::new(), found: RefCell::default() }
    }

    /// Watches the first of `variants`, with their products.
    pub async fn watch(&mut self, connection: &mut Connection, variants: impl Iterator<Item = (String, Watch)>) -> Result<()> {
        self.admin.take(connection).await?;
        for (product, watch) in variants.filter(|(_, w)| w.available.is_some()) {
            if self.items.len() == WATCHED_MAX {
                break;
            }
            if self.by_variant.contains_key(&watch.id) {
                continue;
            }
            let inventory: Inventory = connection.json(Method::GET, &format!("/api/v1/inventory/{product}"), None).await?;
            let levels: Vec<_> = inventory.data.into_iter().filter(|l| l.variant_id == watch.id).collect();
            let Some(first) = levels.first() else { continue };
            self.by_variant.insert(watch.id.clone(), self.items.len());
            self.items.push(Item {
                product,
                variant: watch.id,
                warehouse: first.warehouse_id.clone(),
                base: levels.iter().map(|l| l.available).sum(),
                acknowledged: RefCell::default(),
                is_changing: Cell::new(false),
            });
        }
        connection.headers.clear();
        Ok(())
    }

    /// Adds one to a variant, and looks at once whether its product shows it. Says when the change was
    /// acknowledged; nothing where an earlier one of the same variant is still under way.
    pub async fn change(&self, connection: &mut Connection, number: u64) -> Result<Option<Instant>, Failure> {
        let lost = |_| Failure::new(Step::StockChange, "no answer");
        let Some(item) = self.items.get(number as usize % self.items.len().max(1)).filter(|item| !item.is_changing.get()) else {
            return Ok(None);
        };
        self.admin.take(connection).await.map_err(|e| Failure::new(Step::StockChange, format!("signing in: {e}")))?;
        item.is_changing.set(true);
        let (asked, path) = (Instant::now(), format!("/api/v1/inventory/{}", item.product));
        let body = serde_json::json!({"variantId": item.variant, "warehouseId": item.warehouse, "adjust": 1, "reason": "load test"});
        // Where the outcome is unknown the variant stays out of it.
        let answer = connection.send(Method::PUT, &path, body.to_string().into(), None).await.map_err(lost)?;
        item.is_changing.set(false);
        if !answer.is_ok() {
            return Err(answer.failure(Step::StockChange, asked));
        }
        let acknowledged = Instant::now();
        item.acknowledged.borrow_mut().push(acknowledged);
        self.found.borrow_mut().changes += 1;
        connection.headers.clear();
        let asked = Instant::now();
        let shown =
            connection.send(Method::GET, &format!("/api/v1/products/{}", item.product), bytes::Bytes::new(), None).await.map_err(lost)?;
        if !shown.is_ok() {
            return Err(shown.failure(Step::Product, asked));
        }
        let unreadable = |e: serde_json::Error| Failure::new(Step::Product, format!("unexpected answer: {e}"));
        let product: Shown = serde_json::from_slice(&shown.body).map_err(unreadable)?;
        product.variants.iter().for_each(|v| self.seen_in_product(v, asked));
        Ok(Some(acknowledged))
    }

    /// A list that was asked for at `asked` shows this.
    pub fn seen_in_list(&self, shown: &Watch, asked: Instant) {
        let Some(age) = self.age(shown, asked) else { return };
        let mut found = self.found.borrow_mut();
        found.in_lists += 1;
        found.oldest_in_lists = found.oldest_in_lists.max(age);
        found.stale_in_lists += u64::from(age > LIST_AGE_MAX);
    }

    /// A product that was asked for at `asked` shows this.
    pub fn seen_in_product(&self, shown: &Watch, asked: Instant) {
        let Some(age) = self.age(shown, asked) else { return };
        let mut found = self.found.borrow_mut();
        found.in_products += 1;
        found.stale_in_products += u64::from(age > Duration::ZERO);
    }

    /// How long before `asked` the first change was acknowledged that is not shown; nothing where it is none of ours.
    fn age(&self, shown: &Watch, asked: Instant) -> Option<Duration> {
        let item = &self.items[*self.by_variant.get(&shown.id)?];
        let known = usize::try_from(shown.available? - item.base).unwrap_or(0);
        let acknowledged = item.acknowledged.borrow();
        Some(acknowledged.get(known).map_or(Duration::ZERO, |missed| asked.saturating_duration_since(*missed)))
    }
}

#[derive(Deserialize)]
struct Shown {
    variants: Vec<Watch>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_as_old_as_the_first_change_that_it_misses() {
        let began = Instant::now();
        let at = |ms: u64| began + Duration::from_millis(ms);
        let mut stock = Stock::new(Account::new("a", "b"));
        stock.by_variant.insert("v".into(), 0);
        stock.items.push(Item {
            product: "p".into(),
            variant: "v".into(),
            warehouse: "w".into(),
            base: 10,
            acknowledged: RefCell::new(vec![at(100), at(2_000)]),
            is_changing: Cell::new(false),
        });
        let shown = |available: i64| Watch { id: "v".into(), available: Some(available) };
        // Nothing missed yet, the second one missed for less than a second, for more, and one that is on its way.
        for (available, asked) in [(10, 50), (11, 2_500), (11, 3_100), (13, 3_100)] {
            stock.seen_in_list(&shown(available), at(asked));
        }
        let found = *stock.found.borrow();
        assert_eq!((found.in_lists, found.stale_in_lists, found.oldest_in_lists), (4, 1, Duration::from_millis(1_100)));
        stock.seen_in_product(&shown(12), at(2_001));
        stock.seen_in_product(&shown(11), at(2_001));
        stock.seen_in_product(&Watch { id: "other".into(), available: Some(1) }, at(2_001));
        let found = *stock.found.borrow();
        assert_eq!((found.in_products, found.stale_in_products), (2, 1));
    }
}
