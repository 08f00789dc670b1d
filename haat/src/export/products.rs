//! Products, as JSON Lines or as plain CSV.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::ValueEnum;
use contracts::Money;
use serde_json::Value as Json;

use super::{Output, PAGE};
use crate::exchange::Target;
use crate::import::Progress;

/// How products are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProductFormat {
    /// A JSON object on each line, with everything.
    Jsonl,
    /// A row per variant, for spreadsheets: attributes become words, and stock one number.
    Csv,
}

/// Said of a product in its first row.
const OF_PRODUCT: [&str; 7] = ["handle", "title", "description", "category", "brand", "kind", "status"];

/// Writes every product, of one store or of all; how many there were.
pub async fn products(target: &Target, vendor: Option<&str>, format: ProductFormat, to: &Path) -> anyhow::Result<u64> {
    let mut out = Output::to(to)?;
    let mut progress = Progress::new(None, "products");
    let count = match format {
        ProductFormat::Jsonl => {
            let write = |product: &Json| Ok(writeln!(out, "{product}")?);
            each(target, vendor, &mut progress, write).await?
        }
        ProductFormat::Csv => {
            // The header names every attribute and option, so all are looked through first.
            let mut shape = Shape::default();
            each(target, vendor, &mut progress, |product| {
                shape.take_in(product);
                Ok(())
            })
            .await?;
            let mut csv = csv::Writer::from_writer(&mut out);
            csv.write_record(shape.header())?;
            let count = each(target, vendor, &mut progress, |product| shape.write(product, &mut csv)).await?;
            csv.flush()?;
            count
        }
    };
    out.finish()?;
    progress.end();
    Ok(count)
}

async fn each(
    target: &Target,
    vendor: Option<&str>,
    progress: &mut Progress,
    mut act: impl FnMut(&Json) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let (mut after, mut count, mut slugs) = (String::new(), 0, BTreeMap::new());
    let vendor = match vendor {
        Some(slug) => Some(target.store_there(slug).await?.with_context(|| format!("there is no store {slug:?}"))?),
        None => None,
    };
    loop {
        let (page, next) = target.products(vendor.as_ref(), &after, PAGE).await?;
        for mut product in page {
            let id = product["vendor"].as_str().unwrap_or_default().to_owned();
            if !slugs.contains_key(&id) {
                slugs.insert(id.clone(), target.slug(&id).await?);
            }
            product["vendor"] = slugs[&id].as_str().into();
            act(&product)?;
            count += 1;
        }
        progress.tell(count, count);
        match next {
            Some(next) => after = next,
            None => return Ok(count),
        }
    }
}

/// What columns a table of products needs.
#[derive(Default)]
struct Shape {
    attributes: BTreeSet<String>,
    options: usize,
    pictures: bool,
}

impl Shape {
    fn take_in(&mut self, product: &Json) {
        self.attributes.extend(product["attributes"].as_object().into_iter().flat_map(|a| a.keys().cloned()));
        let options = list(&product["variants"]).iter().filter_map(|v| v["options"].as_object()).map(serde_json::Map::len).max();
        self.options = self.options.max(options.unwrap_or(0));
        self.pictures |= !list(&product["media"]).is_empty();
    }

    fn header(&self) -> Vec<String> {
        let mut header: Vec<String> = OF_PRODUCT.iter().map(ToString::to_string).collect();
        header.push("sku".into());
        header.extend((1..=self.options).flat_map(|n| [format!("option{n}_name"), format!("option{n}_value")]));
        header.extend(["price", "currency", "compare_at_price", "weight_grams", "stock"].map(str::to_owned));
        header.extend(self.pictures.then(|| "image_url".to_owned()));
        header.extend(self.attributes.iter().map(|name| format!("attr.{name}")));
        header
    }

    /// A row per variant, and one for each further picture.
    fn write<W: Write>(&self, product: &Json, csv: &mut csv::Writer<W>) -> anyhow::Result<()> {
        let (variants, media) = (list(&product["variants"]), list(&product["media"]));
        for place in 0..variants.len().max(media.len()).max(1) {
            let mut row: Vec<String> = Vec::new();
            row.extend(OF_PRODUCT.iter().map(|name| if place == 0 || *name == "handle" { words(&product[*name]) } else { String::new() }));
            self.write_variant(variants.get(place), &mut row);
            if self.pictures {
                row.push(media.get(place).map_or_else(String::new, |m| words(&m["url"])));
            }
            row.extend(self.attributes.iter().map(|name| if place == 0 { words(&product["attributes"][name]) } else { String::new() }));
            csv.write_record(row)?;
        }
        Ok(())
    }

    fn write_variant(&self, variant: Option<&Json>, row: &mut Vec<String>) {
        let Some(variant) = variant else {
            row.extend(std::iter::repeat_n(String::new(), 1 + 2 * self.options + 5));
            return;
        };
        row.push(words(&variant["sku"]));
        let mut options = variant["options"].as_object().into_iter().flatten();
        for _ in 0..self.options {
            let (name, value) = options.next().map_or_else(Default::default, |(name, value)| (name.clone(), words(value)));
            row.extend([name, value]);
        }
        let stock: Option<i64> = variant["stock"].as_array().map(|places| places.iter().filter_map(|p| p["onHand"].as_i64()).sum());
        row.extend([
            decimal(&variant["price"]),
            words(&variant["price"]["currency"]),
            decimal(&variant["compareAtPrice"]),
            words(&variant["weightGrams"]),
            stock.map_or_else(String::new, |n| n.to_string()),
        ]);
    }
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// As it stands in a cell.
pub(super) fn words(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An amount such as 12.50; empty where there is none.
pub(super) fn decimal(value: &Json) -> String {
    serde_json::from_value::<Money>(value.clone()).map(|m| m.to_decimal()).unwrap_or_default()
}
