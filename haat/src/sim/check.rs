//! The rules that hold once the faults have stopped and everything is at rest.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde_json::Value as Json;

use super::shopper::Promise;
use super::world::{Tally, World};

/// Checks every rule through the public API; says what happened in sum.
pub async fn rules(world: &World, promises: &[Promise]) -> anyhow::Result<Tally> {
    let mut tally = Tally { shoppers: promises.len() as u64, ..Tally::default() };
    let mut sold = Sold::default();
    for promise in promises {
        if let Some(broken) = &promise.broken {
            bail!("{broken}");
        }
        let Some(first) = &promise.order else { continue };
        let id = first["id"].as_str().context("an order has an id")?;
        order(world, promise, id, &mut tally, &mut sold).await.with_context(|| format!("order {id} of {promise:?}"))?;
    }
    money(world).await?;
    stock(world, &sold.variants).await?;
    mails(world, &sold.numbers).await?;
    let sagas = world.admin_get("/api/v1/sagas?limit=100").await?;
    for saga in sagas["data"].as_array().into_iter().flatten() {
        ensure!(saga["status"] == "completed" || saga["status"] == "compensated", "a saga is unfinished: {saga}");
    }
    let dead = world.admin_get("/api/v1/dead-letters").await?;
    ensure!(dead["data"].as_array().is_some_and(Vec::is_empty), "there are dead letters: {dead}");
    Ok(tally)
}

/// What was sold.
#[derive(Default)]
struct Sold {
    /// How many of each variant.
    variants: BTreeMap<String, i64>,
    /// The numbers of the orders.
    numbers: Vec<String>,
}

async fn order(world: &World, promise: &Promise, id: &str, tally: &mut Tally, sold: &mut Sold) -> anyhow::Result<()> {
    let token = [("x-cart-token", promise.token.as_str())];
    let order = world.get(&format!("/api/v1/orders/{id}"), &token).await?;
    let payments = world.get(&format!("/api/v1/payments/order/{id}"), &token).await?;
    let payments = payments["data"].as_array().context("payments are a list")?;
    ensure!(payments.len() <= 1, "an order has {} payments", payments.len());
    let payment = payments.first().cloned().unwrap_or(Json::Null);
    let (amount, refunded) = (payment["amount"]["amount"].as_i64().unwrap_or(0), refunded(&payment));
    ensure!(refunded <= amount, "more was refunded than captured: {payment}");
    let status = order["status"].as_str().unwrap_or("");
    tally.orders += 1;
    match status {
        "confirmed" => {
            tally.confirmed += 1;
            ensure!(payment["status"] == "completed", "a confirmed order is paid, but its payment is {payment}");
            ensure!(!promise.declined && !promise.cancelled, "a declined or cancelled order is confirmed");
            sold.numbers.push(order["number"].as_str().unwrap_or_default().to_owned());
            for line in
                order["vendorOrders"].as_array().into_iter().flatten().flat_map(|v| v["items"].as_array().cloned().unwrap_or_default())
            {
                let variant = line["variantId"].as_str().unwrap_or_default().to_owned();
                *sold.variants.entry(variant).or_default() += line["quantity"].as_i64().unwrap_or(0);
            }
        }
        "failed" | "cancelled" => {
            tally.ended += 1;
            let kept = payment["status"] == "completed" || payment["status"] == "partially_refunded";
            ensure!(!kept, "an order that is {status} keeps the shopper's money: {payment}");
            ensure!(
                status == "cancelled" || !promise.approved || payment["status"] == "refunded",
                "an approved order failed and was not refunded"
            );
        }
        other => bail!("an order is at rest as {other}"),
    }
    let events = world.get(&format!("/api/v1/orders/{id}/events"), &token).await?;
    let sequences: Vec<_> = events["data"].as_array().into_iter().flatten().map(|e| e["sequence"].as_u64().unwrap_or(0)).collect();
    ensure!(sequences == (1..=sequences.len() as u64).collect::<Vec<_>>(), "the order's events have holes: {sequences:?}");
    Ok(())
}

fn refunded(payment: &Json) -> i64 {
    payment["refunded"]["amount"].as_i64().or(payment["refunded"].as_i64()).unwrap_or(0)
}

/// Every journal zero, and what the ledger says the provider holds is what the provider says.
async fn money(world: &World) -> anyhow::Result<()> {
    let balance = world.admin_get("/api/v1/ledger/trial-balance").await?;
    for difference in balance["difference"].as_array().into_iter().flatten() {
        ensure!(difference["amount"] == 0, "the trial balance is off: {balance}");
    }
    let mut booked = 0;
    for row in balance["data"].as_array().into_iter().flatten() {
        let account = row["account"].as_str().unwrap_or("");
        let net = row["debit"].as_i64().unwrap_or(0) - row["credit"].as_i64().unwrap_or(0);
        if account.starts_with("provider_clearing:") {
            booked += net;
        }
        ensure!(account != "refunds_payable" || net == 0, "refunds are still owed: {row}");
    }
    let charges = world.get("/sandbox/charges", &[]).await?;
    let mut held = 0;
    for charge in charges["data"].as_array().into_iter().flatten() {
        held += charge["amount"]["amount"].as_i64().unwrap_or(0) - refunded(charge);
    }
    ensure!(booked == held, "the ledger says that the provider holds {booked}, the provider says {held}: {balance} {charges}");
    Ok(())
}

/// On hand as in the beginning; reserved is exactly what was sold.
async fn stock(world: &World, sold: &BTreeMap<String, i64>) -> anyhow::Result<()> {
    for (product, initial) in &world.products {
        let levels = world.admin_get(&format!("/api/v1/inventory/{product}")).await?;
        for level in levels["data"].as_array().into_iter().flatten() {
            let variant = level["variantId"].as_str().unwrap_or_default();
            let reserved = sold.get(variant).copied().unwrap_or(0);
            ensure!(level["onHand"].as_i64() == Some(*initial), "stock on hand changed from {initial}: {level}");
            ensure!(level["reserved"].as_i64() == Some(reserved), "{reserved} are sold, but {level}");
        }
    }
    Ok(())
}

/// Whoever bought was told so, once.
async fn mails(world: &World, numbers: &[String]) -> anyhow::Result<()> {
    let (mut subjects, mut path) = (Vec::new(), "/dev/mailbox/messages".to_owned());
    loop {
        let page = world.get(&path, &[]).await?;
        subjects.extend(page["data"].as_array().into_iter().flatten().map(|m| m["subject"].as_str().unwrap_or_default().to_owned()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/dev/mailbox/messages?cursor={cursor}");
    }
    for number in numbers {
        let told = subjects.iter().filter(|s| **s == format!("Order {number} is confirmed")).count();
        ensure!(told == 1, "the shopper of {number} was told {told} times that it is confirmed");
    }
    Ok(())
}
