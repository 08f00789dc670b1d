//! What the server has acknowledged, written down by somebody else.
//!
//! A line is written before the client goes on, so the record holds whatever a client was told. Nothing is ever changed
//! in it; [`Record`] is the fold of its lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

/// Something the server has answered with success.
#[derive(Clone, Debug, PartialEq)]
pub enum Acknowledged {
    /// `201` with the order, for the idempotency key.
    Ordered { key: String, order: Order },
    /// The payer's decision was taken.
    Decided { order: String, decision: Decision },
    /// The order is cancelled.
    Cancelled { order: String },
    /// Money is on its way back, in minor units.
    Refunded { order: String, refund: String, amount: i64 },
}

/// How the payer decided on the sandbox's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Decline,
    /// The provider takes the money and says so late.
    Timeout,
}

impl Decision {
    /// The last part of the address.
    pub fn verb(self) -> &'static str {
        match self {
            Decision::Approve => "approve",
            Decision::Decline => "decline",
            Decision::Timeout => "timeout",
        }
    }
}

/// An order as it was acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub id: String,
    /// In minor units.
    pub total: i64,
    /// Units by variant.
    pub lines: BTreeMap<String, i64>,
}

impl Order {
    /// Out of an answer; `None` where it is not an order.
    pub fn read(answer: &Json) -> Option<Order> {
        let mut lines = BTreeMap::new();
        for line in answer["vendorOrders"].as_array()?.iter().flat_map(|part| part["items"].as_array().into_iter().flatten()) {
            *lines.entry(line["variantId"].as_str()?.to_owned()).or_default() += line["quantity"].as_i64()?;
        }
        Some(Order { id: answer["id"].as_str()?.to_owned(), total: answer["totals"]["total"]["amount"].as_i64()?, lines })
    }
}

/// All that is known of one order.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub order: Order,
    pub decision: Option<Decision>,
    pub cancelled: bool,
    /// Refunds by id, in minor units.
    pub refunds: BTreeMap<String, i64>,
}

/// The fold of all lines.
#[derive(Debug, Default)]
pub struct Record {
    orders: BTreeMap<String, Known>,
    keys: BTreeMap<String, String>,
    /// What two acknowledgements say that cannot both be true.
    contradictions: Vec<String>,
}

impl Record {
    /// Every order by its id.
    pub fn orders(&self) -> &BTreeMap<String, Known> {
        &self.orders
    }

    /// What two acknowledgements say that cannot both be true.
    pub fn contradictions(&self) -> &[String] {
        &self.contradictions
    }

    /// Takes another acknowledgement in.
    pub fn fold(&mut self, line: Acknowledged) {
        match line {
            Acknowledged::Ordered { key, order } => self.ordered(key, order),
            Acknowledged::Decided { order, decision } => self.change(&order, |known| known.decision = Some(decision)),
            Acknowledged::Cancelled { order } => self.change(&order, |known| known.cancelled = true),
            Acknowledged::Refunded { order, refund, amount } => self.change(&order, |known| {
                known.refunds.insert(refund, amount);
            }),
        }
    }

    fn ordered(&mut self, key: String, order: Order) {
        let first = self.keys.entry(key.clone()).or_insert_with(|| order.id.clone());
        if *first != order.id {
            self.contradictions.push(format!("key {key} made two orders: {first} and {}", order.id));
        }
        let known = Known { order: order.clone(), decision: None, cancelled: false, refunds: BTreeMap::new() };
        let known = self.orders.entry(order.id.clone()).or_insert(known);
        if known.order != order {
            self.contradictions.push(format!("order {} was answered in two ways: {:?} and {order:?}", order.id, known.order));
        }
    }

    fn change(&mut self, order: &str, change: impl FnOnce(&mut Known)) {
        match self.orders.get_mut(order) {
            Some(known) => change(known),
            None => self.contradictions.push(format!("order {order} was changed and never acknowledged")),
        }
    }
}

/// The record's file.
pub struct Log(File);

impl Log {
    /// Begins an empty one.
    pub fn create(path: &Path) -> Result<Log> {
        Ok(Log(File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?))
    }

    /// Writes a line; the client goes on after it.
    pub fn append(&mut self, line: &Acknowledged) -> Result<()> {
        let mut text = line.json().to_string();
        text.push('\n');
        self.0.write_all(text.as_bytes()).context("cannot write the record")
    }
}

impl Acknowledged {
    fn json(&self) -> Json {
        match self {
            Acknowledged::Ordered { key, order } => {
                json!({"what": "ordered", "key": key, "order": order.id, "total": order.total, "lines": order.lines})
            }
            Acknowledged::Decided { order, decision } => json!({"what": decision.verb(), "order": order}),
            Acknowledged::Cancelled { order } => json!({"what": "cancelled", "order": order}),
            Acknowledged::Refunded { order, refund, amount } => {
                json!({"what": "refunded", "order": order, "refund": refund, "amount": amount})
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: &str, total: i64) -> Order {
        Order { id: id.into(), total, lines: BTreeMap::from([("v".into(), 2)]) }
    }

    fn ordered(key: &str, order: Order) -> Acknowledged {
        Acknowledged::Ordered { key: key.into(), order }
    }

    #[test]
    fn an_order_is_read_with_the_lines_of_all_stores() {
        let answer = json!({"id": "1", "totals": {"total": {"amount": 500, "currency": "BDT"}}, "vendorOrders": [
            {"items": [{"variantId": "a", "quantity": 2}]}, {"items": [{"variantId": "b", "quantity": 1}, {"variantId": "a", "quantity": 1}]}]});
        let lines = BTreeMap::from([("a".into(), 3), ("b".into(), 1)]);
        assert_eq!(Order::read(&answer), Some(Order { id: "1".into(), total: 500, lines }));
        assert_eq!(Order::read(&json!({"id": "1"})), None);
    }

    #[test]
    fn what_is_acknowledged_of_an_order_comes_together() {
        let mut record = Record::default();
        record.fold(ordered("k", order("1", 500)));
        record.fold(ordered("k", order("1", 500)));
        record.fold(Acknowledged::Decided { order: "1".into(), decision: Decision::Approve });
        record.fold(Acknowledged::Refunded { order: "1".into(), refund: "r".into(), amount: 100 });
        record.fold(Acknowledged::Refunded { order: "1".into(), refund: "r".into(), amount: 100 });
        record.fold(Acknowledged::Cancelled { order: "1".into() });
        let known = &record.orders()["1"];
        assert_eq!((known.decision, known.cancelled, known.refunds.values().sum::<i64>()), (Some(Decision::Approve), true, 100));
        assert!(record.contradictions().is_empty());
    }

    #[test]
    fn contradictions_are_found() {
        let mut record = Record::default();
        record.fold(ordered("k", order("1", 500)));
        record.fold(ordered("k", order("2", 500)));
        record.fold(ordered("l", order("1", 501)));
        record.fold(Acknowledged::Cancelled { order: "3".into() });
        let found = record.contradictions();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("key k made two orders") && found[1].contains("two ways") && found[2].contains("never acknowledged"));
    }

    #[test]
    fn the_file_holds_a_line_for_each() {
        let path = std::env::temp_dir().join(format!("haat-record-{}", std::process::id()));
        let mut log = Log::create(&path).expect("a new file");
        log.append(&ordered("k", order("1", 500))).expect("written");
        log.append(&Acknowledged::Cancelled { order: "1".into() }).expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        std::fs::remove_file(&path).expect("removed");
        let lines: Vec<Json> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        assert_eq!(lines[0]["lines"]["v"], 2);
        assert_eq!(lines[1], json!({"what": "cancelled", "order": "1"}));
    }
}
