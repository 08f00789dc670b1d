//! The rules that hold once the faults have stopped and everything is at rest.

mod figures;
mod money;
mod order;
mod readers;
mod story;
mod told;

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, bail, ensure};
use contracts::Envelope;
use serde_json::Value as Json;

use super::promise::Promise;
use super::shopper::text;
use super::store;
use super::tally::Tally;
use super::world::World;
use money::Charge;

/// What the orders say of stock and money, to be compared with what catalog, ledger and provider say.
#[derive(Default)]
struct Books {
    tally: Tally,
    /// Sold and still in the house, by variant.
    reserved: BTreeMap<String, i64>,
    /// Sold and gone, less what came back, by variant.
    shipped: BTreeMap<String, i64>,
    /// Cash that was collected at doors or later, in minor units.
    cash: i64,
    /// Cash of those that was handed over.
    remitted: i64,
    /// Cash that was paid out for refunds.
    cash_refunded: i64,
    /// The provider's own record, by payment.
    charges: BTreeMap<String, Charge>,
    /// What the ledger says of each order.
    ledger: money::Ledger,
}

/// Checks every rule; says what happened in sum.
pub async fn rules(world: &World, promises: &[Promise], events: &[Envelope]) -> anyhow::Result<Tally> {
    if let Some(broken) = promises.iter().find_map(|p| p.broken.as_ref()) {
        bail!("{broken}");
    }
    readers::once_and_in_order(world, events).await?;
    let mut books = Books { charges: money::charges(world).await?, ledger: money::ledger(world).await?, ..Books::default() };
    books.tally.shoppers = promises.len() as u64;
    let orders = one_order_each(world, promises).await?;
    for promise in promises {
        replay(world, promise, &mut books.tally).await?;
        cart(world, promise, &mut books.tally).await?;
        books.cash += promise.way.cash;
        books.remitted += promise.way.remitted;
    }
    ensure!(orders == one_order_each(world, promises).await?, "a request that was asked again has made an order");
    let stories = story::stories(events);
    for id in &orders {
        let promise = promises.iter().find(|p| p.order.as_ref().is_some_and(|o| o["id"] == id.as_str()));
        let promise = promise.with_context(|| format!("nobody was told of order {id}"))?;
        let story = stories.get(id).with_context(|| format!("order {id} has no events"))?;
        let stands = order::stands(world, id, promise, story, &mut books).await;
        stands.map_err(|e| anyhow!("{e:#}\n  order {id}\n  {promise:?}"))?;
    }
    money::balance(world, &books).await?;
    stock(world, &books).await?;
    figures::agree(world, &stories).await?;
    told::once(world, &stories, &world.owned).await?;
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
    for product in &world.endless {
        let levels = world.admin_get(&format!("/api/v1/inventory/{product}")).await?;
        let has_stock = |level: &Json| ["onHand", "reserved", "available"].iter().any(|field| !level[field].is_null());
        ensure!(!levels["data"].as_array().is_some_and(|levels| levels.iter().any(has_stock)), "what never runs out has stock: {levels}");
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
