//! The rules that hold once the faults have stopped and everything is at rest.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde_json::Value as Json;

use super::shopper::{Promise, text};
use super::staff::rank;
use super::store;
use super::tally::Tally;
use super::world::World;

/// What the orders say of stock and money, to be compared with what catalog, ledger and provider say.
#[derive(Default)]
struct Books {
    tally: Tally,
    /// Sold and still in the house, by variant.
    reserved: BTreeMap<String, i64>,
    /// Sold and gone, by variant.
    shipped: BTreeMap<String, i64>,
    /// The numbers of the orders that are confirmed.
    numbers: Vec<String>,
    /// Cash that was collected at doors and not given back, in minor units.
    cash: i64,
    /// The provider's own record, by payment.
    charges: BTreeMap<String, Charge>,
}

/// What the provider took and gave back, in minor units.
struct Charge {
    amount: i64,
    refunded: i64,
}

const PARTS_SHIPPED: usize = 3;
const PARTS_DELIVERED: usize = 4;

/// Checks every rule; says what happened in sum.
pub async fn rules(world: &World, promises: &[Promise]) -> anyhow::Result<Tally> {
    if let Some(broken) = promises.iter().find_map(|p| p.broken.as_ref()) {
        bail!("{broken}");
    }
    let mut books = Books { charges: charges(world).await?, ..Books::default() };
    books.tally.shoppers = promises.len() as u64;
    let orders = one_order_each(world, promises).await?;
    for promise in promises {
        replay(world, promise, &mut books.tally).await?;
        cart(world, promise, &mut books.tally).await?;
    }
    ensure!(orders == one_order_each(world, promises).await?, "a request that was asked again has made an order");
    for id in &orders {
        let promise = promises.iter().find(|p| p.order.as_ref().is_some_and(|o| o["id"] == id.as_str()));
        order(world, id, promise, &mut books).await.with_context(|| format!("order {id} of {promise:?}"))?;
    }
    money(world, &books).await?;
    stock(world, &books).await?;
    mails(world, &books.numbers).await?;
    work(world).await?;
    Ok(books.tally)
}

/// Every order that was acknowledged is there, and nobody has two: each has asked with one key.
async fn one_order_each(world: &World, promises: &[Promise]) -> anyhow::Result<Vec<String>> {
    let orders = world.read("orders", store::orders).await?;
    let mut owners: Vec<_> = orders.iter().map(|(_, owner)| owner).collect();
    owners.sort();
    if let Some(pair) = owners.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("{} has two orders, but asked with one key", pair[0]);
    }
    let ids: Vec<String> = orders.iter().map(|(id, _)| id.to_string()).collect();
    for promise in promises {
        let Some(id) = promise.order.as_ref().map(|o| text(&o["id"])) else { continue };
        ensure!(ids.contains(&id), "order {id} was acknowledged and is lost: {promise:?}");
    }
    Ok(ids)
}

/// The first answer, however often and however late somebody asks with the same key.
async fn replay(world: &World, promise: &Promise, tally: &mut Tally) -> anyhow::Result<()> {
    let (Some((key, body)), Some(order)) = (&promise.asked, &promise.order) else { return Ok(()) };
    let (name, value) = match &promise.email {
        Some(email) => ("authorization", world.sign_in(email, &[]).await.with_context(|| format!("{email} is registered"))?),
        None => promise.badge.clone(),
    };
    let headers = [(name, value.as_str()), ("idempotency-key", key.as_str())];
    let again = world.send("POST", "/api/v1/orders", Some(body.clone()), &headers).await.context("no answer")?;
    ensure!(again.status == 201 && again.bytes == promise.answer, "one key, two answers: {order} and, asked again, {}", again.body);
    tally.replayed += 1;
    Ok(())
}

/// What a guest had put into its cart is in that of the account it signed in to.
async fn cart(world: &World, promise: &Promise, tally: &mut Tally) -> anyhow::Result<()> {
    let (Some((variant, quantity)), Some(email)) = (&promise.cart, &promise.email) else { return Ok(()) };
    let bearer = world.sign_in(email, &[]).await.with_context(|| format!("{email} is registered"))?;
    let cart = world.get("/api/v1/cart", &[("authorization", &bearer)]).await?;
    let lines: Vec<_> = cart["items"].as_array().into_iter().flatten().map(|l| (text(&l["variantId"]), l["quantity"].as_u64())).collect();
    ensure!(lines == [(variant.clone(), Some(*quantity))], "{quantity} of {variant} went along at sign-in, found {cart}");
    tally.carts += 1;
    Ok(())
}

async fn order(world: &World, id: &str, promise: Option<&Promise>, books: &mut Books) -> anyhow::Result<()> {
    let order = world.admin_get(&format!("/api/v1/orders/{id}")).await?;
    let payments = world.admin_get(&format!("/api/v1/payments/order/{id}")).await?;
    let payments = payments["data"].as_array().context("payments are a list")?;
    ensure!(payments.len() <= 1, "an order has {} payments", payments.len());
    let payment = payments.first().cloned().unwrap_or(Json::Null);
    books.tally.orders += 1;
    match order["status"].as_str().unwrap_or("") {
        status @ ("created" | "awaiting_payment") => bail!("an order is at rest as {status}"),
        status @ ("failed" | "cancelled") => ended(status, promise, &payment, books)?,
        _ => confirmed(&order, promise, &payment, books)?,
    }
    let back = refunded(&payment);
    ensure!(promise.is_none_or(|p| back >= p.refunds), "a refund was acknowledged and is lost: {payment}");
    books.tally.refunded += u64::from(back > 0);
    captured(promise, &payment, books)?;
    let events = world.admin_get(&format!("/api/v1/orders/{id}/events")).await?;
    let sequences: Vec<_> = events["data"].as_array().into_iter().flatten().map(|e| e["sequence"].as_u64().unwrap_or(0)).collect();
    ensure!(sequences == (1..=sequences.len() as u64).collect::<Vec<_>>(), "the order's events have holes: {sequences:?}");
    Ok(())
}

/// Nothing of it is kept, and nothing of it has left.
fn ended(status: &str, promise: Option<&Promise>, payment: &Json, books: &mut Books) -> anyhow::Result<()> {
    books.tally.ended += 1;
    let kept = payment["status"] == "completed" || payment["status"] == "partially_refunded";
    ensure!(!kept, "an order that is {status} keeps the shopper's money: {payment}");
    let Some(promise) = promise else { return Ok(()) };
    ensure!(!promise.cancelled || status == "cancelled", "an order that was cancelled is {status}");
    let shipped = promise.parts.values().any(|rank| *rank >= PARTS_SHIPPED);
    ensure!(!shipped, "a part has left its store, but the order is {status}");
    Ok(())
}

/// It is paid, and its parts are at least where they were acknowledged to be.
fn confirmed(order: &Json, promise: Option<&Promise>, payment: &Json, books: &mut Books) -> anyhow::Result<()> {
    books.tally.confirmed += 1;
    books.numbers.push(text(&order["number"]));
    if let Some(promise) = promise {
        ensure!(!promise.declined && !promise.cancelled, "a declined or cancelled order is confirmed");
        let back = refunded(payment);
        let is_right = back == promise.refunds || promise.refunds == 0 && back == promise.refund_asked;
        ensure!(
            is_right,
            "{} was acknowledged to go back, {} was asked once, and {back} went: {payment}",
            promise.refunds,
            promise.refund_asked
        );
    }
    let mut delivered = true;
    for part in order["vendorOrders"].as_array().into_iter().flatten() {
        let reached = rank(&part["status"]);
        ensure!(reached >= 1, "a part of a confirmed order is {}", part["status"]);
        let acknowledged = promise.and_then(|p| p.parts.get(part["id"].as_str()?)).copied().unwrap_or(0);
        ensure!(reached >= acknowledged, "a part was {} and is {}", super::staff::STATES[acknowledged], part["status"]);
        delivered &= reached >= PARTS_DELIVERED;
        if reached >= PARTS_DELIVERED && payment["method"] == "cod" {
            books.cash += part["totals"]["total"]["amount"].as_i64().context("a part has a total")?;
        }
        let shipped = reached >= PARTS_SHIPPED;
        books.tally.shipped += u64::from(shipped);
        let place = if shipped { &mut books.shipped } else { &mut books.reserved };
        for line in part["items"].as_array().into_iter().flatten() {
            *place.entry(text(&line["variantId"])).or_default() += line["quantity"].as_i64().unwrap_or(0);
        }
    }
    let status = payment["status"].as_str().unwrap_or("");
    let fits = match (payment["method"].as_str(), delivered) {
        (Some("cod"), false) => status == "processing",
        _ => matches!(status, "completed" | "partially_refunded" | "refunded"),
    };
    ensure!(fits, "an order that is {} has a payment that is {payment}", order["status"]);
    if payment["method"] == "cod" {
        books.cash -= refunded(payment);
    }
    Ok(())
}

/// The provider took what the payment says, once, and gave back as much as it says.
fn captured(promise: Option<&Promise>, payment: &Json, books: &Books) -> anyhow::Result<()> {
    let amount = payment["amount"]["amount"].as_i64().unwrap_or(0);
    ensure!(refunded(payment) <= amount, "more was refunded than captured: {payment}");
    let charge = books.charges.get(payment["id"].as_str().unwrap_or_default());
    ensure!(charge.is_some() || promise.is_none_or(|p| !p.approved), "an approval was acknowledged, but the provider has no charge");
    let by_provider = payment["method"] == "sandbox";
    let taken = by_provider && matches!(payment["status"].as_str(), Some("completed" | "partially_refunded" | "refunded"));
    match charge {
        Some(charge) => ensure!(
            taken && (charge.amount, charge.refunded) == (amount, refunded(payment)),
            "the provider took {} and gave {} back, but the payment is {payment}",
            charge.amount,
            charge.refunded
        ),
        None => ensure!(!taken, "a payment is captured without a charge: {payment}"),
    }
    Ok(())
}

fn refunded(of: &Json) -> i64 {
    of["refunded"]["amount"].as_i64().unwrap_or(0)
}

async fn charges(world: &World) -> anyhow::Result<BTreeMap<String, Charge>> {
    let listed = world.get("/sandbox/charges", &[]).await?;
    let mut charges = BTreeMap::new();
    for charge in listed["data"].as_array().into_iter().flatten() {
        let amount = charge["amount"]["amount"].as_i64().context("a charge has an amount")?;
        let before = charges.insert(text(&charge["paymentId"]), Charge { amount, refunded: refunded(charge) });
        ensure!(before.is_none(), "a payment was charged twice: {charge}");
    }
    Ok(charges)
}

/// Every journal is zero; what the ledger says the provider holds is what the provider says; cash is what was collected.
async fn money(world: &World, books: &Books) -> anyhow::Result<()> {
    let wrong = world.read("payments", store::wrong_journals).await?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    let balance = world.admin_get("/api/v1/ledger/trial-balance").await?;
    for difference in balance["difference"].as_array().into_iter().flatten() {
        ensure!(difference["amount"] == 0, "the trial balance is off: {balance}");
    }
    let net = |accounts: &[&str]| {
        let rows = balance["data"].as_array().into_iter().flatten();
        let rows = rows.filter(|row| row["account"].as_str().is_some_and(|a| accounts.contains(&a.split(':').next().unwrap_or(a))));
        rows.map(|row| row["debit"].as_i64().unwrap_or(0) - row["credit"].as_i64().unwrap_or(0)).sum::<i64>()
    };
    ensure!(net(&["refunds_payable"]) == 0, "refunds are still owed: {balance}");
    let held: i64 = books.charges.values().map(|c| c.amount - c.refunded).sum();
    ensure!(net(&["provider_clearing"]) == held, "the provider holds {held}: {balance}");
    ensure!(net(&["cash", "cash_in_transit"]) == books.cash, "{} was collected in cash: {balance}", books.cash);
    Ok(())
}

/// What was sold is reserved or gone; everything else is where it was.
async fn stock(world: &World, books: &Books) -> anyhow::Result<()> {
    for (product, initial) in &world.products {
        let levels = world.admin_get(&format!("/api/v1/inventory/{product}")).await?;
        for level in levels["data"].as_array().into_iter().flatten() {
            let of = |place: &BTreeMap<String, i64>| place.get(level["variantId"].as_str().unwrap_or_default()).copied().unwrap_or(0);
            let (reserved, shipped) = (of(&books.reserved), of(&books.shipped));
            ensure!(level["onHand"].as_i64() == Some(initial - shipped), "{shipped} of {initial} have shipped, but {level}");
            ensure!(level["reserved"].as_i64() == Some(reserved), "{reserved} are sold and in the house, but {level}");
        }
    }
    Ok(())
}

/// Whoever bought was told so, once.
async fn mails(world: &World, numbers: &[String]) -> anyhow::Result<()> {
    let (mut subjects, mut path) = (Vec::new(), "/dev/mailbox/messages".to_owned());
    loop {
        let page = world.get(&path, &[]).await?;
        subjects.extend(page["data"].as_array().into_iter().flatten().map(|m| text(&m["subject"])));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/dev/mailbox/messages?cursor={cursor}");
    }
    for number in numbers {
        let told = subjects.iter().filter(|s| **s == format!("Order {number} is confirmed")).count();
        ensure!(told == 1, "the shopper of {number} was told {told} times that it is confirmed");
    }
    Ok(())
}

/// No saga is unfinished, and nothing was given up.
async fn work(world: &World) -> anyhow::Result<()> {
    let sagas = world.admin_get("/api/v1/sagas?limit=100").await?;
    for saga in sagas["data"].as_array().into_iter().flatten() {
        ensure!(saga["status"] == "completed" || saga["status"] == "compensated", "a saga is unfinished: {saga}");
    }
    let dead = world.admin_get("/api/v1/dead-letters").await?;
    ensure!(dead["data"].as_array().is_some_and(Vec::is_empty), "there are dead letters: {dead}");
    let dead = world.read_all(store::dead_jobs).await?;
    ensure!(dead.is_empty(), "{}", dead.join("\n"));
    Ok(())
}
