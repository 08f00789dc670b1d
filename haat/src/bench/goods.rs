//! What there is to buy, and enough of it.

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::args::BenchArgs;
use super::client::Connection;
use super::flow::Basket;

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

#[derive(Deserialize)]
struct Variant {
    id: String,
    available: Option<i64>,
}

#[derive(Deserialize)]
struct Inventory {
    data: Vec<Level>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Level {
    variant_id: String,
    warehouse_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    access_token: String,
}

#[derive(Clone, Debug)]
struct Good {
    product: String,
    variant: String,
    vendor: String,
}

/// Chooses goods of several stores, fills their shelves as the administrator, and writes the shoppers' requests out.
pub async fn prepare(connection: &mut Connection, args: &BenchArgs) -> Result<Vec<Basket>> {
    let credentials = json!({"email": args.admin, "password": args.password});
    let session: Session = connection.json(Method::POST, "/api/v1/auth/login", Some(credentials)).await?;
    let goods = choose(products(connection).await?);
    connection.sign_in(&session.access_token)?;
    for good in &goods {
        fill(connection, good).await?;
    }
    connection.headers.clear();
    let baskets = baskets(&goods, args.hot);
    ensure!(!baskets.is_empty(), "there are not two stores with physical goods to buy from");
    Ok(baskets)
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

fn choose(products: Vec<Product>) -> Vec<Good> {
    let mut goods: Vec<Good> = Vec::new();
    for product in products.into_iter().filter(|p| p.kind == "physical") {
        let Some(variant) = product.variants.into_iter().find(|v| v.available.is_some()) else { continue };
        let of_store = goods.iter().filter(|g| g.vendor == product.vendor_id).count();
        if of_store < GOODS_PER_STORE && goods.len() < GOODS {
            goods.push(Good { product: product.id, variant: variant.id, vendor: product.vendor_id });
        }
    }
    goods
}

async fn fill(connection: &mut Connection, good: &Good) -> Result<()> {
    let path = format!("/api/v1/inventory/{}", good.product);
    let inventory: Inventory = connection.json(Method::GET, &path, None).await?;
    let level = inventory.data.into_iter().find(|l| l.variant_id == good.variant);
    let Some(level) = level else { anyhow::bail!("variant {} lies in no warehouse", good.variant) };
    let change = json!({"variantId": good.variant, "warehouseId": level.warehouse_id, "adjust": STOCK, "reason": "load test"});
    connection.json::<serde_json::Value>(Method::PUT, &path, Some(change)).await?;
    Ok(())
}

/// Two items of different stores each. Where one is hot, it is the first item of all.
fn baskets(goods: &[Good], hot: bool) -> Vec<Basket> {
    let pair = |index: usize| {
        let first = &goods[if hot { 0 } else { index }];
        let others = (1..goods.len()).map(|step| &goods[(index + step) % goods.len()]);
        let second = others.into_iter().find(|g| g.vendor != first.vendor)?;
        Some(basket(first, second))
    };
    (0..goods.len()).filter_map(pair).collect()
}

fn basket(first: &Good, second: &Good) -> Basket {
    let item = |good: &Good| Bytes::from(json!({"variantId": good.variant, "quantity": 1}).to_string());
    let address = json!({"name": "Load Test", "phone": "+8801711111111", "line1": "1 Road", "city": "Dhaka", "postalCode": "1207",
        "country": "BD"});
    let order = json!({"email": "shopper@load.test", "shippingAddress": address, "shippingMethod": "standard", "paymentMethod": "sandbox"});
    Basket { product: format!("/api/v1/products/{}", first.product), items: [item(first), item(second)], order: order.to_string().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: usize, vendor: &str, kind: &str) -> Product {
        let variants = vec![Variant { id: format!("v{id}"), available: (kind == "physical").then_some(3) }];
        Product { id: format!("p{id}"), kind: kind.into(), vendor_id: vendor.into(), variants }
    }

    #[test]
    fn goods_are_physical_and_of_several_stores() {
        let mut products: Vec<_> = (0..20).map(|n| product(n, "a", "physical")).collect();
        products.push(product(20, "b", "digital"));
        products.push(product(21, "b", "physical"));
        let goods = choose(products);
        assert_eq!(goods.len(), GOODS_PER_STORE + 1);
        assert_eq!(goods.last().map(|g| g.variant.as_str()), Some("v21"));
    }

    #[test]
    fn a_basket_has_goods_of_two_stores() {
        let goods = choose(vec![product(0, "a", "physical"), product(1, "a", "physical"), product(2, "b", "physical")]);
        let spread = baskets(&goods, false);
        assert_eq!(spread.len(), 3);
        assert!(spread[1].items[0].starts_with(b"{\"variantId\":\"v1\"") && spread[1].items[1].starts_with(b"{\"variantId\":\"v2\""));
        let hot = baskets(&goods, true);
        assert!(hot.iter().all(|b| b.items[0] == hot[0].items[0] && b.product.ends_with("/p0")));
        assert!(baskets(&goods[..2], false).is_empty());
    }
}
