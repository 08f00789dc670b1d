//! What is bought in a storm.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::invariants::Stock;

const GOODS: usize = 12;
const GOODS_PER_STORE: usize = 2;
const STOCK: i64 = 1_000_000;

/// Variants of several stores. The first is scarce: its shelf is not filled.
#[derive(Clone)]
pub struct Goods {
    pub variants: Vec<String>,
    products: Vec<String>,
}

impl Goods {
    /// Chooses them and fills the shelves.
    pub fn prepare(admin: &Client) -> Result<Goods> {
        let products = admin.list("/api/v1/products?limit=100")?;
        let mut goods = Goods { variants: Vec::new(), products: Vec::new() };
        let mut of_store: BTreeMap<&str, usize> = BTreeMap::new();
        for product in products.iter().filter(|p| p["kind"] == "physical") {
            let count = of_store.entry(product["vendorId"].as_str().unwrap_or("")).or_default();
            let variant = product["variants"].as_array().into_iter().flatten().find(|v| v["available"].as_i64() > Some(0));
            if let Some(variant) = variant.filter(|_| *count < GOODS_PER_STORE && goods.variants.len() < GOODS) {
                *count += 1;
                goods.variants.push(variant["id"].as_str().context("a variant without id")?.to_owned());
                goods.products.push(product["id"].as_str().context("a product without id")?.to_owned());
            }
        }
        ensure!(goods.variants.len() > 2, "there is too little to buy: {} physical goods with stock", goods.variants.len());
        for index in 1..goods.variants.len() {
            goods.fill(admin, index)?;
        }
        Ok(goods)
    }

    fn fill(&self, admin: &Client, index: usize) -> Result<()> {
        let path = format!("/api/v1/inventory/{}", self.products[index]);
        let rows = admin.get(&path)?;
        let row = rows["data"].as_array().into_iter().flatten().find(|row| row["variantId"] == self.variants[index].as_str());
        let warehouse = &row.with_context(|| format!("variant {} lies in no warehouse", self.variants[index]))?["warehouseId"];
        let change = json!({"variantId": self.variants[index], "warehouseId": warehouse, "adjust": STOCK, "reason": "storm"});
        let answer = admin.send("PUT", &path, Some(&change), None)?;
        ensure!(answer.is_ok(), "cannot fill the shelf: {} {}", answer.status, answer.body);
        Ok(())
    }

    /// Units of each variant, over all warehouses.
    pub fn stock(&self, admin: &Client) -> Result<BTreeMap<String, Stock>> {
        let mut stock: BTreeMap<String, Stock> = BTreeMap::new();
        for product in &self.products {
            let rows = admin.get(&format!("/api/v1/inventory/{product}"))?;
            for row in rows["data"].as_array().into_iter().flatten() {
                let units = |name: &str| row[name].as_i64().unwrap_or(0);
                let sum = stock.entry(text(&row["variantId"])).or_default();
                *sum = Stock { on_hand: sum.on_hand + units("onHand"), reserved: sum.reserved + units("reserved") };
            }
        }
        stock.retain(|variant, _| self.variants.contains(variant));
        Ok(stock)
    }
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or("").to_owned()
}
