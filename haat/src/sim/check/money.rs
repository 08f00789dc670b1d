//! Money: the provider's record, the payments and the ledger say the same, and the ledger shares out what was sold.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde_json::Value as Json;

use super::Books;
use super::story::Story;
use crate::sim::promise::Promise;
use crate::sim::shopper::text;
use crate::sim::store;
use crate::sim::world::World;

/// What the provider took and gave back, in minor units.
pub struct Charge {
    amount: i64,
    refunded: i64,
}

/// Of each order: what every account was credited less what it was debited, by kind of journal.
pub type Ledger = BTreeMap<String, BTreeMap<(String, String), i64>>;

/// What has gone back of a payment, or of a charge, in minor units.
pub fn refunded(of: &Json) -> i64 {
    of["refunded"]["amount"].as_i64().unwrap_or(0)
}

/// The provider's own record.
pub async fn charges(world: &World) -> anyhow::Result<BTreeMap<String, Charge>> {
    let listed = world.get("/sandbox/charges", &[]).await?;
    let mut charges = BTreeMap::new();
    for charge in listed["data"].as_array().into_iter().flatten() {
        let amount = charge["amount"]["amount"].as_i64().context("a charge has an amount")?;
        let before = charges.insert(text(&charge["paymentId"]), Charge { amount, refunded: refunded(charge) });
        ensure!(before.is_none(), "a payment was charged twice: {charge}");
    }
    Ok(charges)
}

/// The ledger, order by order.
pub async fn ledger(world: &World) -> anyhow::Result<Ledger> {
    let mut ledger = Ledger::new();
    for (order, kind, account, amount) in world.read("payments", store::credits).await? {
        ledger.entry(order.to_string()).or_default().insert((kind, account), amount);
    }
    Ok(ledger)
}

/// The provider took what the payment says, once, and gave back as much as it says.
pub fn captured(promise: &Promise, payment: &Json, books: &Books) -> anyhow::Result<()> {
    let amount = payment["amount"]["amount"].as_i64().unwrap_or(0);
    ensure!(refunded(payment) <= amount, "more was refunded than captured: {payment}");
    let charge = books.charges.get(payment["id"].as_str().unwrap_or_default());
    ensure!(charge.is_some() || !promise.approved, "an approval was acknowledged, but the provider has no charge");
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

/// The ledger shares out what was sold as it was sold: with the commission that was frozen on each line. What went back
/// was taken from where it had gone.
pub fn shared_out(order: &str, story: &Story, payment: &Json, books: &Books) -> anyhow::Result<()> {
    let none = BTreeMap::new();
    let booked = books.ledger.get(order).unwrap_or(&none);
    let of = |wanted: &[&str]| -> BTreeMap<&str, i64> {
        let mut sums = BTreeMap::new();
        for ((_, account), amount) in booked.iter().filter(|((kind, _), _)| wanted.contains(&kind.as_str())) {
            *sums.entry(account.as_str()).or_default() += amount;
        }
        sums
    };
    let (mut given, taken) = (of(&["capture", "cash_collected"]), of(&["refund_requested", "refund_failed"]));
    given.retain(|account, _| is_share(account));
    let sold = shares(&story.created)?;
    let all: i64 = given.values().sum();
    let is_whole = all == payment["amount"]["amount"].as_i64().unwrap_or(0);
    for (account, amount) in &given {
        let share = sold.get(*account).copied().unwrap_or(0);
        ensure!(*amount <= share && (!is_whole || *amount == share), "{account} got {amount}, but its share of the sale is {share}");
    }
    let back: i64 = taken.iter().filter(|(account, _)| is_share(account)).map(|(_, amount)| -amount).sum();
    ensure!(all == 0 || back == refunded(payment), "{back} was taken from the shares, but the payment is {payment}");
    for (account, amount) in taken.iter().filter(|(account, _)| is_share(account)) {
        let got = given.get(account).copied().unwrap_or(0);
        ensure!(-amount <= got, "{account} got {got} and gave {} back", -amount);
    }
    for part in story.parts.iter().filter(|p| p.refused) {
        // What the same store delivered without a carrier stays sold, and has no shipping.
        let others = story.parts.iter().filter(|p| p.vendor == part.vendor && !p.refused);
        for (kind, most) in [("vendor_payable", others.map(|p| p.total).sum::<i64>()), ("shipping_payable", 0)] {
            let account = format!("{kind}:{}", part.vendor);
            let of = |sums: &BTreeMap<&str, i64>| sums.get(account.as_str()).copied().unwrap_or(0);
            let kept = of(&given) + of(&taken);
            ensure!((0..=most).contains(&kept), "a part was refused, but {account} keeps {kept}");
        }
    }
    Ok(())
}

/// Whether a sale is shared out to this account.
fn is_share(account: &str) -> bool {
    ["vendor_payable", "shipping_payable", "commission", "tax_payable"].contains(&account.split(':').next().unwrap_or(account))
}

/// To whom the total of an order goes, by what `order.created` says of it. Worked out apart from haat: what is neither
/// commission nor tax nor shipping is the store's.
fn shares(created: &Json) -> anyhow::Result<BTreeMap<String, i64>> {
    let mut shares: BTreeMap<String, i64> = BTreeMap::new();
    let amount = |of: &Json| of["amount"].as_i64().with_context(|| format!("an amount of {created}"));
    for part in created["parts"].as_array().context("an order has parts")? {
        let (totals, vendor) = (&part["totals"], text(&part["vendorId"]));
        let mut commission = 0;
        for line in part["lines"].as_array().into_iter().flatten() {
            commission += amount(&line["commission"])?;
        }
        let within = totals["taxIncluded"] == true;
        let shipping = amount(&totals["shipping"])? - if within { amount(&part["shippingTax"])? } else { 0 };
        let tax = amount(&totals["tax"])?;
        *shares.entry("commission".into()).or_default() += commission;
        *shares.entry("tax_payable".into()).or_default() += tax;
        *shares.entry(format!("shipping_payable:{vendor}")).or_default() += shipping;
        *shares.entry(format!("vendor_payable:{vendor}")).or_default() += amount(&totals["total"])? - commission - shipping - tax;
    }
    Ok(shares)
}

/// Every journal is zero; what the ledger says the provider holds is what the provider says; cash is where it was
/// acknowledged to be.
pub async fn balance(world: &World, books: &Books) -> anyhow::Result<()> {
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
    let (cash, in_transit) = (books.remitted - books.cash_refunded, books.cash - books.remitted);
    ensure!(net(&["cash"]) == cash, "{cash} was handed over and not paid out again: {balance}");
    ensure!(in_transit >= 0 && net(&["cash_in_transit"]) == in_transit, "{in_transit} of the cash is still with stores: {balance}");
    Ok(())
}
