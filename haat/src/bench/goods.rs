//! What there is to buy, and enough of it.

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::account::Account;
use super::checkout::Basket;
use super::client::Connection;

/// How many different goods are bought.
const GOODS: usize = 64;
/// Of each store at most so many, so that several stores have a part.
const GOODS_PER_STORE: usize = 8;
/// Put on the shelf of each, in units.
const STOCK: i64 = 10_000_000;
const PAGES: usize = 10;

#[derive(Deserialize)]
struct Page {
    data: Vec<Product>,
    #[serde(rename = "nextCursor")]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    id: String,
    kind: String,
    vendor_id: String,
    variants: Vec<Variant>,
}

/// A variant as it is shown, and as it is sent back with another price.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    #[serde(skip_serializing)]
    pub id: String,
    pub sku: String,
    #[serde(default)]
    pub options: serde_json::Map<String, Json>,
    pub price: Price,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_at_price: Option<Price>,
    #[serde(default)]
    pub weight_grams: i64,
    #[serde(skip_serializing)]
    available: Option<i64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Price {
    pub amount: i64,
    pub currency: String,
}

/// Stock as its store sees it.
#[derive(Deserialize)]
pub struct Inventory {
    pub data: Vec<Level>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    pub variant_id: String,
    pub warehouse_id: String,
    pub available: i64,
}

/// One of the goods that are bought.
#[derive(Clone, Debug)]
pub struct Good {
    pub product: String,
    pub variant: Variant,
    /// Its store.
    pub vendor: String,
    /// Where it lies.
    pub warehouse: String,
}

/// Chooses goods of several stores, of `stores` where they are named, and fills their shelves as the administrator.
pub async fn prepare(connection: &mut Connection, admin: &Account, stores: Option<&[String]>) -> Result<Vec<Good>> {
    let of_stores = |p: &Product| stores.is_none_or(|named| named.contains(&p.vendor_id));
    let mut goods = choose(products(connection).await?.into_iter().filter(of_stores));
    admin.take(connection).await?;
    for good in &mut goods {
        fill(connection, good).await?;
    }
    connection.headers.clear();
    Ok(goods)
}

async fn products(connection: &mut Connection) -> Result<Vec<Product>> {
    let (mut products, mut cursor) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let page: Page = connection.json(Method::GET, &format!("/api/v1/products?limit=100{cursor}"), None).await?;
        products.extend(page.data);
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={next}");
    }
    Ok(products)
}

fn choose(products: impl Iterator<Item = Product>) -> Vec<Good> {
    let mut goods: Vec<Good> = Vec::new();
    for product in products.filter(|p| p.kind == "physical") {
        let Some(variant) = product.variants.into_iter().find(|v| v.available.is_some()) else { continue };
        let of_store = goods.iter().filter(|g| g.vendor == product.vendor_id).count();
        if of_store < GOODS_PER_STORE && goods.len() < GOODS {
            goods.push(Good { product: product.id, variant, vendor: product.vendor_id, warehouse: String::new() });
        }
    }
    goods
}

async fn fill(connection: &mut Connection, good: &mut Good) -> Result<()> {
    let path = format!("/api/v1/inventory/{}", good.product);
    let inventory: Inventory = connection.json(Method::GET, &path, None).await?;
    let level = inventory.data.into_iter().find(|l| l.variant_id == good.variant.id);
    let Some(level) = level else { anyhow::bail!("variant {} lies in no warehouse", good.variant.id) };
    good.warehouse = level.warehouse_id;
    let (path, change) = good.adjust(STOCK);
    let answer = connection.send(Method::PUT, &path, change, None).await?;
    ensure!(answer.is_ok(), "PUT {path} answered {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(())
}

impl Good {
    /// The path and body of a change of its stock.
    pub fn adjust(&self, by: i64) -> (String, Bytes) {
        let change = json!({"variantId": self.variant.id, "warehouseId": self.warehouse, "adjust": by, "reason": "load test"});
        (format!("/api/v1/inventory/{}", self.product), change.to_string().into())
    }
}

/// Two goods of different stores each. Where one is hot, it is the first of all.
pub fn baskets(goods: &[Good], hot: bool) -> Result<Vec<Basket>> {
    let pair = |index: usize| {
        let first = &goods[if hot { 0 } else { index }];
        let mut others = (1..goods.len()).map(|step| &goods[(index + step) % goods.len()]);
        let second = others.find(|g| g.vendor != first.vendor)?;
        Some(basket(first, second))
    };
    let baskets: Vec<Basket> = (0..goods.len()).filter_map(pair).collect();
    ensure!(!baskets.is_empty(), "there are not two stores with physical goods to buy from");
    Ok(baskets)
}

fn basket(first: &Good, second: &Good) -> Basket {
    let item = |good: &Good| Bytes::from(json!({"variantId": good.variant.id, "quantity": 1}).to_string());
    let address = json!({"name": "Load Test", "phone": "+8801711111111", "line1": "1 Road", "city": "Dhaka", "postalCode": "1207",
        "country": "BD"});
    let order = json!({"email": "shopper@load.test", "shippingAddress": address, "shippingMethod": "standard", "paymentMethod": "sandbox"});
    Basket {
        product: format!("/api/v1/products/{}", first.product),
        items: [item(first), item(second)],
        order: order.to_string().into(),
        goods: [first.clone(), second.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: usize, vendor: &str, kind: &str) -> Product {
        let price = Price { amount: 100, currency: "BDT".into() };
        let available = (kind == "physical").then_some(3);
        let variant = Variant {
            id: format!("v{id}"),
            sku: "s".into(),
            options: serde_json::Map::new(),
            price,
            compare_at_price: None,
            weight_grams: 0,
            available,
        };
        Product { id: format!("p{id}"), kind: kind.into(), vendor_id: vendor.into(), variants: vec![variant] }
    }

    #[test]
    fn goods_are_physical_and_of_several_stores() {
        let mut products: Vec<_> = (0..20).map(|n| product(n, "a", "physical")).collect();
        products.push(product(20, "b", "digital"));
        products.push(product(21, "b", "physical"));
        let goods = choose(products.into_iter());
        assert_eq!(goods.len(), GOODS_PER_STORE + 1);
        assert_eq!(goods.last().map(|g| g.variant.id.as_str()), Some("v21"));
    }

    #[test]
    fn a_basket_has_goods_of_two_stores() {
        let goods = choose([product(0, "a", "physical"), product(1, "a", "physical"), product(2, "b", "physical")].into_iter());
        let spread = baskets(&goods, false).expect("two stores");
        assert_eq!(spread.len(), 3);
        assert!(spread[1].items[0].starts_with(b"{\"variantId\":\"v1\"") && spread[1].items[1].starts_with(b"{\"variantId\":\"v2\""));
        let hot = baskets(&goods, true).expect("two stores");
        assert!(hot.iter().all(|b| b.items[0] == hot[0].items[0] && b.product.ends_with("/p0")));
        assert!(baskets(&goods[..2], false).is_err());
    }

    #[test]
    fn a_variant_is_sent_back_as_it_may_be() {
        let shown = r#"{"id": "1", "sku": "S", "title": "t", "options": {"size": "M"}, "price": {"amount": 5, "currency": "BDT"}, "available": 3, "weightGrams": 7}"#;
        let variant: Variant = serde_json::from_str(shown).expect("a variant");
        let sent = json!({"sku": "S", "options": {"size": "M"}, "price": {"amount": 5, "currency": "BDT"}, "weightGrams": 7});
        assert_eq!(serde_json::to_value(variant).expect("JSON"), sent);
    }
}
