//! One order at rest: its parts, its payment, what came back of it.

use anyhow::{Context, bail, ensure};
use serde_json::Value as Json;

use super::Books;
use super::money::{self, refunded};
use super::story::Story;
use crate::sim::promise::Promise;
use crate::sim::shopper::text;
use crate::sim::staff::{STATES, rank};
use crate::sim::world::World;

/// Checks one order against what was promised of it and what its log tells, and notes what it means for stock and cash.
pub async fn stands(world: &World, id: &str, promise: &Promise, story: &Story, books: &mut Books) -> anyhow::Result<()> {
    let order = world.admin_get(&format!("/api/v1/orders/{id}")).await?;
    let payments = world.admin_get(&format!("/api/v1/payments/order/{id}")).await?;
    let payments = payments["data"].as_array().context("payments are a list")?;
    ensure!(payments.len() <= 1, "an order has {} payments", payments.len());
    let payment = payments.first().cloned().unwrap_or(Json::Null);
    books.tally.orders += 1;
    let status = order["status"].as_str().unwrap_or("");
    match status {
        "created" | "awaiting_payment" => bail!("an order is at rest as {status}"),
        "failed" | "cancelled" => ended(status, promise, &payment, books)?,
        _ => confirmed(&order, promise, &payment, story, books)?,
    }
    ensure!(refunded(&payment) >= promise.refunds, "a refund was acknowledged and is lost: {payment}");
    books.tally.refunded += u64::from(refunded(&payment) > 0);
    money::captured(promise, &payment, books)?;
    money::shared_out(id, story, &payment, books)?;
    came_back(world, id, promise, story, books).await?;
    let events = world.admin_get(&format!("/api/v1/orders/{id}/events")).await?;
    let sequences: Vec<_> = events["data"].as_array().into_iter().flatten().map(|e| e["sequence"].as_u64().unwrap_or(0)).collect();
    ensure!(sequences == (1..=sequences.len() as u64).collect::<Vec<_>>(), "the order's events have holes: {sequences:?}");
    Ok(())
}

/// Nothing of it is kept, and nothing of it has left.
fn ended(status: &str, promise: &Promise, payment: &Json, books: &mut Books) -> anyhow::Result<()> {
    books.tally.ended += 1;
    let over = payment.is_null() || matches!(payment["status"].as_str(), Some("failed" | "cancelled" | "refunded"));
    ensure!(over, "an order is {status}, but its payment is not over: {payment}");
    ensure!(!promise.cancelled || status == "cancelled", "an order that was cancelled is {status}");
    let shipped = promise.way.parts.values().any(|reached| *reached >= rank(&"shipped".into()));
    ensure!(!shipped && promise.returns.is_empty(), "a part has left its store, but the order is {status}");
    Ok(())
}

/// It is paid, or will be at the door, and its parts are at least where they were acknowledged to be.
fn confirmed(order: &Json, promise: &Promise, payment: &Json, story: &Story, books: &mut Books) -> anyhow::Result<()> {
    books.tally.confirmed += 1;
    ensure!(!promise.declined, "a declined order is confirmed");
    let called_off = story.parts.iter().any(|p| p.cancelled);
    ensure!(promise.cancelled == called_off, "acknowledged as cancelled: {}, in its log: {called_off}", promise.cancelled);
    for part in order["vendorOrders"].as_array().into_iter().flatten() {
        part_stands(part, promise, story)?;
    }
    for part in &story.parts {
        books.tally.shipped += u64::from(part.shipped);
        books.tally.refused += u64::from(part.refused);
        books.tally.digital += u64::from(part.digital);
        books.tally.called_off += u64::from(part.cancelled);
        if part.digital || part.cancelled {
            continue;
        }
        let place = if part.shipped { &mut books.shipped } else { &mut books.reserved };
        part.lines.iter().for_each(|(_, variant, n)| *place.entry(variant.clone()).or_default() += n);
        part.back.iter().for_each(|(variant, n)| *books.shipped.entry(variant.clone()).or_default() -= n);
    }
    let status = payment["status"].as_str().unwrap_or("");
    let paid = matches!(status, "completed" | "partially_refunded" | "refunded");
    if payment["method"] == "cod" {
        let sum = |field: &str| payment["cash"].as_array().into_iter().flatten().filter_map(|p| p[field]["amount"].as_i64()).sum::<i64>();
        let (collected, missing) = (sum("collected"), sum("missing"));
        ensure!(collected == promise.way.cash, "{} was taken in cash, but the payment is {payment}", promise.way.cash);
        let fits = if missing > 0 {
            status == "processing"
        } else if collected > 0 {
            paid
        } else {
            status == "cancelled"
        };
        ensure!(fits, "{missing} of its cash is missing, but the payment is {payment}");
        books.tally.short += u64::from(missing > 0 && story.parts.iter().all(|p| p.shipped));
        books.cash_refunded += refunded(payment);
    } else {
        ensure!(paid, "an order that is {} has a payment that is {payment}", order["status"]);
    }
    let asked = promise.refunds + story.returned + story.called_back();
    let due: i64 = story.parts.iter().filter(|p| p.cancelled).map(|p| p.total).sum();
    let gone = story.called_back();
    ensure!(gone == due || promise.refunds > 0 && gone < due, "parts for {due} were called off, and {gone} goes back: {payment}");
    let at_door = payment["method"] != "cod" && story.parts.iter().any(|p| p.refused);
    let back = refunded(payment);
    ensure!(back == asked || at_door && back > asked, "{asked} is to go back, and {back} went: {payment}");
    Ok(())
}

/// It is at least where it was acknowledged to be; what needs no carrier was delivered with the confirmation, for good.
fn part_stands(part: &Json, promise: &Promise, story: &Story) -> anyhow::Result<()> {
    let (id, status) = (text(&part["id"]), &part["status"]);
    let told = story.parts.iter().find(|p| p.id == id).with_context(|| format!("part {id} is not in the order's log"))?;
    let (reached, acknowledged) = (rank(status), promise.way.parts.get(&id).copied().unwrap_or(0));
    if told.digital {
        let at_once = !story.sold_at.is_null() && told.delivered_at == story.sold_at;
        ensure!(at_once && status == "delivered", "sold at {}, delivered at {}, and is {status}", story.sold_at, told.delivered_at);
        ensure!(!told.shipped && !told.refused && !told.cancelled && told.back.is_empty(), "what needs no carrier has moved: {part}");
        return Ok(());
    }
    ensure!(told.cancelled == (status == "cancelled"), "called off: {}, but it is {status}", told.cancelled);
    if told.cancelled {
        ensure!(!told.shipped && acknowledged < rank(&"shipped".into()), "a part was {} and is called off", STATES[acknowledged]);
        return Ok(());
    }
    ensure!(reached >= 1, "a part of a confirmed order is {status}");
    ensure!(reached >= acknowledged, "a part was {} and is {status}", STATES[acknowledged]);
    ensure!(!promise.way.refused.contains(&id) || status == "refused", "a part was refused and is {status}");
    Ok(())
}

/// No more came back than was sold, and every return has ended as it was acknowledged to.
async fn came_back(world: &World, id: &str, promise: &Promise, story: &Story, books: &mut Books) -> anyhow::Result<()> {
    for (line, ..) in story.parts.iter().filter(|p| p.digital).flat_map(|p| &p.lines) {
        ensure!(story.pieces_back.of(line) == 0, "line {line} was never shipped and comes back");
    }
    for (line, _, sold) in story.parts.iter().flat_map(|p| &p.lines) {
        let (back, refunded) = (story.pieces_back.of(line), story.pieces_refunded.of(line));
        ensure!(back <= *sold && refunded <= *sold, "{sold} were sold of line {line}, {back} come back and {refunded} are refunded");
    }
    if promise.returns.is_empty() {
        return Ok(());
    }
    let returns = world.admin_get(&format!("/api/v1/orders/{id}/returns")).await?;
    let status = |id: &str| returns["data"].as_array().into_iter().flatten().find(|r| r["id"] == id).and_then(|r| r["status"].as_str());
    for back in &promise.returns {
        let now = status(&back.id).with_context(|| format!("return {} was acknowledged and is lost", back.id))?;
        let fits = match back.status {
            "rejected" => now == "rejected",
            "received" => now == "refunded",
            _ => matches!(now, "rejected" | "refunded"),
        };
        ensure!(fits, "a return was acknowledged as {} and is at rest as {now}", back.status);
        books.tally.returned += u64::from(now == "refunded");
    }
    Ok(())
}
