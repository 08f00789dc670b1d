//! What stores are told of themselves is what was sold, and what the ledger owes them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use serde_json::Value as Json;

use super::story::Story;
use crate::sim::world::World;

/// Compares each store's metrics with the orders, and its earnings with the ledger.
pub async fn agree(world: &World, stories: &BTreeMap<String, Story>) -> anyhow::Result<()> {
    let balance = world.admin_get("/api/v1/ledger/trial-balance").await?;
    let owed = |account: &str| {
        let row = balance["data"].as_array().into_iter().flatten().find(|row| row["account"] == account);
        row.map_or(0, |row| row["credit"].as_i64().unwrap_or(0) - row["debit"].as_i64().unwrap_or(0))
    };
    let stores: BTreeSet<&str> = stories.values().flat_map(|s| &s.parts).map(|p| p.vendor.as_str()).collect();
    let mut commission = 0;
    for store in stores {
        let earnings = world.admin_get(&format!("/api/v1/vendors/{store}/earnings")).await?;
        let sum = |field: &str| earnings["totals"][0][field]["amount"].as_i64().unwrap_or(0);
        let due = owed(&format!("vendor_payable:{store}")) + owed(&format!("shipping_payable:{store}"));
        ensure!(sum("earned") == due, "the ledger owes {due} to store {store}, which is told {earnings}");
        commission += sum("commission");
        let metrics = world.admin_get(&format!("/api/v1/vendors/{store}/metrics")).await?;
        counts(&metrics, store, stories)?;
    }
    ensure!(commission == owed("commission"), "the stores are told of {commission} commission: {balance}");
    Ok(())
}

fn counts(metrics: &Json, store: &str, stories: &BTreeMap<String, Story>) -> anyhow::Result<()> {
    let (mut sold, mut over, mut shipped, mut refused, mut back) = (0, 0, 0, 0, 0);
    for story in stories.values().filter(|s| s.sold) {
        for part in story.parts.iter().filter(|p| p.vendor == store) {
            sold += 1;
            over += i64::from(story.over || part.cancelled);
            shipped += i64::from(part.shipped);
            refused += i64::from(part.refused);
            back += if part.refused { 0 } else { part.back.values().sum::<i64>() };
        }
    }
    let of = |group: &str, field: &str| metrics[group][field].as_i64().unwrap_or(0);
    let told =
        [of("orders", "confirmed"), of("orders", "cancelled"), of("orders", "shipped"), of("orders", "refused"), of("pieces", "returned")];
    ensure!(
        told == [sold, over, shipped, refused, back],
        "{sold} parts of {store} were sold, {over} of them called off, {shipped} shipped and {refused} refused, {back} pieces came back: {metrics}"
    );
    Ok(())
}
