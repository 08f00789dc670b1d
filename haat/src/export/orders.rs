//! Orders, as CSV with a row per line.

use std::io::Write;
use std::path::Path;

use serde_json::Value as Json;

use super::products::{decimal, words};
use super::{Output, PAGE};
use crate::exchange::Target;
use crate::import::Progress;

/// What a file of orders says.
pub const COLUMNS: [&str; 18] = [
    "number",
    "source",
    "placed_at",
    "status",
    "email",
    "vendor",
    "sku",
    "title",
    "kind",
    "quantity",
    "unit_price",
    "currency",
    "shipping",
    "tax",
    "discount",
    "tax_included",
    "shipped_at",
    "delivered_at",
];

/// Writes every order that was sold; how many there were.
pub async fn orders(target: &Target, to: &Path) -> anyhow::Result<u64> {
    let (mut out, mut progress) = (Output::to(to)?, Progress::new(None, "orders"));
    let mut csv = csv::Writer::from_writer(&mut out);
    csv.write_record(COLUMNS)?;
    let (mut after, mut count) = (String::new(), 0);
    loop {
        let (page, next) = target.orders(&after, PAGE).await?;
        for order in &page {
            write(order, &mut csv)?;
            count += 1;
        }
        progress.tell(count, count);
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    csv.flush()?;
    drop(csv);
    out.finish()?;
    progress.end();
    Ok(count)
}

fn write<W: Write>(order: &Json, csv: &mut csv::Writer<W>) -> anyhow::Result<()> {
    for part in order["parts"].as_array().into_iter().flatten() {
        for (place, item) in part["items"].as_array().into_iter().flatten().enumerate() {
            // What a part has once stands in its first row.
            let once = |name: &str| if place == 0 { decimal(&part[name]) } else { String::new() };
            csv.write_record([
                words(&order["number"]),
                words(&order["source"]),
                words(&order["placedAt"]),
                words(&part["status"]),
                words(&order["email"]),
                words(&part["vendor"]),
                words(&item["sku"]),
                words(&item["title"]),
                words(&item["kind"]),
                words(&item["quantity"]),
                decimal(&item["unitPrice"]),
                words(&item["unitPrice"]["currency"]),
                once("shipping"),
                decimal(&item["tax"]),
                once("discount"),
                words(&order["taxIncluded"]),
                words(&part["shippedAt"]),
                words(&part["deliveredAt"]),
            ])?;
        }
    }
    Ok(())
}
