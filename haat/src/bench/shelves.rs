//! A catalogue of some size: generated products, brought in through the public API as a store would.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use tokio::time::{Duration, Instant};

use super::account::Account;
use super::client::Connection;
use super::draw::draw;

/// Products of one file.
const FILE_PRODUCTS: u32 = 2_000;
/// Over so many stores they are spread.
const STORES: usize = 8;
/// So many brands they have.
pub const BRANDS: u64 = 120;
/// Prices are drawn below this, in minor units.
pub const PRICE_MAX: u64 = 1_000_000;
/// For one file.
const PATIENCE_SECONDS: u64 = 120;

const KINDS: [&str; 12] = ["Shirt", "Lamp", "Kettle", "Basket", "Blanket", "Notebook", "Bag", "Bowl", "Chair", "Clock", "Scarf", "Tray"];
const MANNERS: [&str; 10] = ["Plain", "Striped", "Woven", "Tall", "Light", "Folding", "Painted", "Small", "Heavy", "Round"];
const COLOURS: [&str; 8] = ["red", "blue", "green", "white", "black", "yellow", "grey", "brown"];

/// A category at the end of the tree, and what its products must say of themselves.
pub struct Leaf {
    pub id: String,
    pub slug: String,
    attributes: Map<String, Json>,
}

#[derive(Deserialize)]
struct Tree {
    data: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    slug: String,
    attributes: Vec<Attribute>,
    children: Vec<Node>,
}

#[derive(Deserialize)]
struct Attribute {
    name: String,
    r#type: String,
    allowed: Vec<Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    id: String,
    status: String,
    failed: u64,
}

/// The categories at the ends of the tree.
pub async fn leaves(connection: &mut Connection) -> Result<Vec<Leaf>> {
    let tree: Tree = connection.json(Method::GET, "/api/v1/categories", None).await?;
    let mut leaves = Vec::new();
    tree.data.into_iter().for_each(|node| collect(node, &Map::new(), &mut leaves));
    Ok(leaves)
}

fn collect(node: Node, above: &Map<String, Json>, leaves: &mut Vec<Leaf>) {
    let mut attributes = above.clone();
    for attribute in node.attributes {
        let value = attribute.allowed.into_iter().next().unwrap_or_else(|| match attribute.r#type.as_str() {
            "number" => json!(12),
            "boolean" => json!(true),
            _ => json!("any"),
        });
        attributes.insert(attribute.name, value);
    }
    if node.children.is_empty() {
        leaves.push(Leaf { id: node.id, slug: node.slug, attributes });
        return;
    }
    for child in node.children {
        collect(child, &attributes, leaves);
    }
}

/// Brings in `count` products of the stores `vendors`; those that are there already stay as they are.
pub async fn fill(connection: &mut Connection, admin: &Account, count: u32, vendors: &[String], leaves: &[Leaf]) -> Result<()> {
    for (index, from) in (0..count).step_by(FILE_PRODUCTS as usize).enumerate() {
        let file = file(from..count.min(from + FILE_PRODUCTS), leaves);
        let vendor = &vendors[index % vendors.len().clamp(1, STORES)];
        admin.take(connection).await?;
        connection.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        let answer = connection.send(Method::POST, &format!("/api/v1/products/bulk?vendorId={vendor}"), file, None).await?;
        connection.headers.remove(CONTENT_TYPE);
        ensure!(answer.is_ok(), "a file of products was answered {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        let mut job: Job = serde_json::from_slice(&answer.body)?;
        let begun = Instant::now();
        while job.status != "completed" {
            ensure!(begun.elapsed().as_secs() < PATIENCE_SECONDS, "a file of products is not through after {PATIENCE_SECONDS} s");
            tokio::time::sleep(Duration::from_millis(20)).await;
            job = connection.json(Method::GET, &format!("/api/v1/products/bulk/{}", job.id), None).await?;
        }
        ensure!(job.failed == 0, "{} generated products were refused; GET /api/v1/products/bulk/{}/report says why", job.failed, job.id);
    }
    connection.headers.clear();
    Ok(())
}

/// The brand with a number.
pub fn brand(number: u64) -> String {
    format!("Maker {}", number % BRANDS)
}

fn file(range: std::ops::Range<u32>, leaves: &[Leaf]) -> Bytes {
    let mut file = String::new();
    for number in range {
        // Writing to a string cannot fail.
        let _ = writeln!(file, "{}", product(number.into(), leaves));
    }
    file.into()
}

/// The product with a number: always the same.
fn product(number: u64, leaves: &[Leaf]) -> Json {
    let pick = |list: &[&'static str], salt: u64| list[(draw(number, salt) % list.len() as u64) as usize];
    let (kind, manner) = (pick(&KINDS, 1), pick(&MANNERS, 2));
    let leaf = (!leaves.is_empty()).then(|| &leaves[(draw(number, 3) % leaves.len() as u64) as usize]);
    let price = 1_000 + draw(number, 4) % (PRICE_MAX - 1_000);
    let variant = |n: u64| {
        let colour = COLOURS[((draw(number, 5) + n) % COLOURS.len() as u64) as usize];
        // One in ten is sold out.
        let on_hand = if draw(number, 6 + n).is_multiple_of(10) { 0 } else { 5 + draw(number, 6 + n) % 500 };
        json!({"sku": format!("L{number}-{n}"), "options": {"colour": colour}, "price": {"amount": price + n * 500, "currency": "BDT"},
            "weightGrams": 100 + draw(number, 9) % 5_000, "stock": [{"onHand": on_hand}]})
    };
    let variants: Vec<Json> = (0..=draw(number, 10) % 3).map(variant).collect();
    json!({
        "handle": format!("load-{number}"),
        "title": format!("{manner} {kind} {number}"),
        "description": format!("A {} {} for a load test, made by nobody and sold to nobody. Its number is {number}, and it weighs what it weighs.", manner.to_lowercase(), kind.to_lowercase()),
        "brand": brand(draw(number, 11)),
        "categoryIds": leaf.map(|l| l.id.as_str()).into_iter().collect::<Vec<_>>(),
        "attributes": leaf.map(|l| l.attributes.clone()).unwrap_or_default(),
        "variants": variants,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(slug: &str, attributes: Vec<Attribute>, children: Vec<Node>) -> Node {
        Node { id: slug.into(), slug: slug.into(), attributes, children }
    }

    #[test]
    fn products_have_what_their_categories_ask_for() {
        let attribute = |name: &str, r#type: &str, allowed: Vec<Json>| Attribute { name: name.into(), r#type: r#type.into(), allowed };
        let below = node("shirts", vec![attribute("size", "number", Vec::new())], Vec::new());
        let root = node("clothes", vec![attribute("material", "text", vec!["wool".into()])], vec![below]);
        let mut leaves = Vec::new();
        collect(root, &Map::new(), &mut leaves);
        let made = product(7, &leaves);
        assert_eq!((made["attributes"].clone(), made["categoryIds"].clone()), (json!({"material": "wool", "size": 12}), json!(["shirts"])));
        assert_eq!(made, product(7, &leaves));
    }

    #[test]
    fn a_file_is_of_a_size_that_is_taken() {
        let bytes = file(0..FILE_PRODUCTS, &[]).len();
        assert!(bytes < 2 << 20, "{bytes}");
    }
}
