//! What must hold once the storm is over, whatever was killed.
//!
//! Pure: the record of what was acknowledged on one side, what the public API shows on the other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::record::{Decision, Known, Record};

/// Statuses of an order that holds no stock.
const DEAD: &[&str] = &["failed", "cancelled"];

/// What the public API shows.
#[derive(Debug, Default)]
pub struct Shown {
    /// Orders by id, each with the payment as payments shows it; those that are not found are left out.
    pub orders: BTreeMap<String, Json>,
    /// What each order says of its payment.
    pub payments: BTreeMap<String, Json>,
    /// `GET /sandbox/charges`.
    pub charges: Vec<Json>,
    /// `GET /ledger/trial-balance`.
    pub balance: Json,
    /// Units on hand and reserved by variant.
    pub stock: BTreeMap<String, Stock>,
    /// Sagas that have not ended.
    pub sagas: Vec<Json>,
    /// `GET /dead-letters`.
    pub dead_letters: Vec<Json>,
}

/// Units of a variant over all warehouses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    pub on_hand: i64,
    pub reserved: i64,
}

/// Everything that does not hold. `before` is the stock before the storm.
pub fn violations(record: &Record, before: &BTreeMap<String, Stock>, shown: &Shown) -> Vec<String> {
    let mut found = record.contradictions().to_vec();
    for (id, known) in record.orders() {
        match shown.orders.get(id) {
            Some(order) => found.extend(order_violations(known, order)),
            None => found.push(format!("order {id} was acknowledged and is gone")),
        }
    }
    for (id, payment) in &shown.payments {
        let own = shown.orders.get(id).map_or("", |order| text(&order["payment"]["status"]));
        if text(&payment["status"]) != own {
            found.push(format!("order {id} says that its payment is {}, payments says {own}", text(&payment["status"])));
        }
    }
    found.extend(charge_violations(record, shown));
    found.extend(balance_violations(shown));
    found.extend(stock_violations(before, shown));
    found.extend(unfinished(shown));
    found
}

fn order_violations(known: &Known, order: &Json) -> Vec<String> {
    let mut found = Vec::new();
    let id = &known.order.id;
    let (status, payment) = (text(&order["status"]), text(&order["payment"]["status"]));
    if super::record::Order::read(order).as_ref() != Some(&known.order) {
        found.push(format!("order {id} is not what was acknowledged"));
    }
    let fine = match (known.decision, known.cancelled) {
        (Some(Decision::Approve | Decision::Timeout), false) if DEAD.contains(&status) => payment == "refunded",
        (Some(Decision::Approve | Decision::Timeout), false) => {
            status == "confirmed" && payment == paid_status(known.refunds.values().sum(), known.order.total)
        }
        (Some(Decision::Approve | Decision::Timeout), true) => status == "cancelled" && payment == "refunded",
        (Some(Decision::Decline), false) => status == "failed" && matches!(payment, "failed" | "cancelled"),
        (Some(Decision::Decline), true) => DEAD.contains(&status) && matches!(payment, "failed" | "cancelled"),
        (None, true) => status == "cancelled" && !matches!(payment, "completed" | "partially_refunded"),
        (None, false) => true,
    };
    if !fine {
        let (decision, cancelled) = (known.decision, if known.cancelled { ", then cancelled" } else { "" });
        found.push(format!("order {id} ({decision:?}{cancelled}) is {status} with a payment that is {payment}"));
    }
    found
}

fn paid_status(refunded: i64, total: i64) -> &'static str {
    match refunded {
        0 => "completed",
        refunded if refunded < total => "partially_refunded",
        _ => "refunded",
    }
}

/// Money at the provider: captured at most once, refunded at most that, and as the payments say.
fn charge_violations(record: &Record, shown: &Shown) -> Vec<String> {
    let mut found = Vec::new();
    let mut by_payment: BTreeMap<&str, Vec<&Json>> = BTreeMap::new();
    for charge in shown.charges.iter().filter(|c| amount(&c["amount"]) > 0 && is_captured(c)) {
        by_payment.entry(text(&charge["paymentId"])).or_default().push(charge);
    }
    for (payment, charges) in &by_payment {
        if charges.len() > 1 {
            found.push(format!("payment {payment} was charged {} times", charges.len()));
        }
        for charge in charges.iter().filter(|c| amount(&c["refunded"]) > amount(&c["amount"])) {
            found.push(format!("charge {} gave back {} of {}", charge["id"], amount(&charge["refunded"]), amount(&charge["amount"])));
        }
    }
    for (id, order) in &shown.orders {
        let charges = by_payment.remove(text(&order["payment"]["id"])).unwrap_or_default();
        let charged: i64 = charges.iter().map(|c| amount(&c["amount"])).sum();
        let returned: i64 = charges.iter().map(|c| amount(&c["refunded"])).sum();
        let decision = record.orders().get(id).and_then(|known| known.decision);
        let expected = match decision {
            Some(Decision::Approve | Decision::Timeout) => amount(&order["payment"]["amount"]),
            Some(Decision::Decline) | None => 0,
        };
        // Whoever was not told of a decision may have decided nevertheless.
        if decision.is_some() && charged != expected {
            found.push(format!("order {id} ({decision:?}) was charged {charged}, should be {expected}"));
        }
        if returned != amount(&order["payment"]["refunded"]) {
            found
                .push(format!("order {id}: the provider gave back {returned}, the payment says {}", amount(&order["payment"]["refunded"])));
        }
        let promised: i64 = record.orders().get(id).map_or(0, |known| known.refunds.values().sum());
        if returned < promised {
            found.push(format!("order {id}: refunds of {promised} were acknowledged, {returned} came back"));
        }
    }
    found.extend(by_payment.keys().map(|payment| format!("payment {payment} was charged for an order that nobody was told of")));
    found
}

fn is_captured(charge: &Json) -> bool {
    !matches!(text(&charge["status"]), "declined" | "voided" | "failed" | "cancelled")
}

/// The books: zero in sum, and the provider's account as the provider has it.
fn balance_violations(shown: &Shown) -> Vec<String> {
    let mut found = Vec::new();
    let rows = || shown.balance["data"].as_array().into_iter().flatten();
    let currencies: BTreeSet<&str> = rows().map(|row| text(&row["currency"])).collect();
    for currency in currencies {
        let rows = || rows().filter(|row| text(&row["currency"]) == currency);
        let difference: i64 = rows().map(net).sum();
        if difference != 0 {
            found.push(format!("the trial balance is off by {difference} {currency}"));
        }
        let booked: i64 = rows().filter(|row| text(&row["account"]) == "provider_clearing:sandbox").map(net).sum();
        let held = shown.charges.iter().filter(|c| is_captured(c) && text(&c["amount"]["currency"]) == currency);
        let held: i64 = held.map(|c| amount(&c["amount"]) - amount(&c["refunded"])).sum();
        if booked != held {
            found.push(format!("the ledger has {booked} {currency} at the sandbox, the sandbox has {held}"));
        }
    }
    let differences = shown.balance["difference"].as_array().into_iter().flatten();
    found.extend(differences.filter(|d| d["amount"] != 0).map(|d| format!("the trial balance itself says {d}")));
    found
}

/// Nothing was shipped: what is on hand stays, what is reserved belongs to orders that live.
fn stock_violations(before: &BTreeMap<String, Stock>, shown: &Shown) -> Vec<String> {
    let mut reserved: BTreeMap<String, i64> = BTreeMap::new();
    for order in shown.orders.values().filter(|o| !DEAD.contains(&text(&o["status"]))) {
        for (variant, units) in super::record::Order::read(order).map(|o| o.lines).unwrap_or_default() {
            *reserved.entry(variant).or_default() += units;
        }
    }
    let mut found = Vec::new();
    for (variant, then) in before {
        let held = reserved.remove(variant).unwrap_or(0);
        let expected = Stock { on_hand: then.on_hand, reserved: then.reserved + held };
        let now = shown.stock.get(variant).copied().unwrap_or_default();
        if now != expected {
            found.push(format!("variant {variant} has {now:?}, should have {expected:?}"));
        }
    }
    found.extend(reserved.keys().map(|variant| format!("variant {variant} was sold and never seen in stock")));
    found
}

/// Nothing is left half done.
fn unfinished(shown: &Shown) -> Vec<String> {
    let waits_for_payer = |saga: &Json| {
        let order = shown.orders.get(text(&saga["subject"]));
        text(&saga["status"]) == "waiting" && order.is_some_and(|o| text(&o["status"]) == "awaiting_payment")
    };
    let sagas = shown.sagas.iter().filter(|saga| !waits_for_payer(saga));
    let sagas = sagas.map(|s| format!("saga {} of {} is still {}", text(&s["type"]), text(&s["subject"]), text(&s["status"])));
    let letters = shown.dead_letters.iter().map(|letter| format!("a dead letter: {letter}"));
    sagas.chain(letters).collect()
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or("")
}

/// Minor units, of an amount with its currency or alone.
fn amount(value: &Json) -> i64 {
    value.as_i64().or_else(|| value["amount"].as_i64()).unwrap_or(0)
}

fn net(row: &Json) -> i64 {
    amount(&row["debit"]) - amount(&row["credit"])
}

#[cfg(test)]
mod tests;
