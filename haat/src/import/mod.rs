//! Brings a shop's products in from a file: in chunks, so that it can be stopped and started again; by handle, so that a
//! second run changes nothing; a bad product is reported and left out, the others come in.

mod shopify;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use anyhow::Context;
use contracts::Currency;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::catalog::{ImportError, ImportProductsRequest};
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::proto::vendors::{EnsureStoreRequest, Store};
use indicatif::{ProgressBar, ProgressStyle};
use kit::Env;

pub use shopify::{FileProduct, Reader, RowError};

/// How many products go into one transaction.
const CHUNK: usize = 50;

/// Into which store products go.
#[derive(Clone, Debug)]
pub enum Into {
    /// All into the one with this slug, which is opened where it is missing.
    Store(String),
    /// Each into a store named like the file's vendor.
    FilesVendor,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Products that are new.
    pub created: u64,
    /// Products that changed.
    pub updated: u64,
    /// Products that were there as they are.
    pub unchanged: u64,
    /// What could not be taken.
    pub errors: Vec<RowError>,
}

/// Imports a file. With `dry_run` it is only read and checked.
pub async fn products(console: &Env, file: &Path, into: &Into, currency: Currency, dry_run: bool) -> anyhow::Result<Summary> {
    let input = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let bar = progress_bar(input.metadata()?.len());
    let mut reader = Reader::new(BufReader::new(input), currency)
        .map_err(|e| anyhow::anyhow!("{}: column {:?}: {}", file.display(), e.column, e.reason))?;
    let mut stores = Stores { console, opened: BTreeMap::new() };
    let mut summary = Summary::default();
    let mut chunks: BTreeMap<String, Vec<FileProduct>> = BTreeMap::new();
    while let Some(next) = reader.next() {
        bar.set_position(reader.position());
        let product = match next {
            Ok(product) => product,
            Err(errors) => {
                summary.errors.extend(errors);
                continue;
            }
        };
        let slug = slug_for(into, &product);
        let chunk = chunks.entry(slug.clone()).or_default();
        chunk.push(product);
        if chunk.len() == CHUNK {
            let full = chunks.remove(&slug).unwrap_or_default();
            stores.import(&slug, full, dry_run, &mut summary).await?;
        }
    }
    for (slug, rest) in chunks {
        stores.import(&slug, rest, dry_run, &mut summary).await?;
    }
    bar.finish_and_clear();
    Ok(summary)
}

/// Writes what could not be taken as CSV: line, column, reason.
pub fn write_report(path: &Path, errors: &[RowError]) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
    errors.iter().try_for_each(|e| out.serialize(e))?;
    Ok(out.flush()?)
}

/// Prints what was done, and the first of what could not be taken.
pub fn print_summary(out: &mut impl Write, summary: &Summary, dry_run: bool) -> std::io::Result<()> {
    let done = if dry_run { "checked (nothing was written)" } else { "imported" };
    let total = summary.created + summary.updated + summary.unchanged;
    writeln!(out, "{done}: {total} products, {} new, {} changed, {} as they were", summary.created, summary.updated, summary.unchanged)?;
    for e in summary.errors.iter().take(20) {
        writeln!(out, "  line {}, {}: {}", e.line, if e.column.is_empty() { "the row" } else { &e.column }, e.reason)?;
    }
    match summary.errors.len() {
        0 => Ok(()),
        n if n > 20 => writeln!(out, "  … and {} more; --report FILE writes all of them", n - 20),
        _ => Ok(()),
    }
}

struct Stores<'a> {
    console: &'a Env,
    opened: BTreeMap<String, Store>,
}

impl Stores<'_> {
    async fn import(&mut self, slug: &str, products: Vec<FileProduct>, dry_run: bool, summary: &mut Summary) -> anyhow::Result<()> {
        if dry_run {
            summary.created += products.len() as u64;
            return Ok(());
        }
        let store = self.open(slug, products.first().map_or("", |p| p.vendor.as_str())).await?;
        let bodies = products.iter().map(|p| p.body.to_string()).collect();
        let request = ImportProductsRequest { vendor_id: store.vendor_id, vendor_name: store.name, products: bodies };
        let answer = CatalogClient::new(self.console.channel("catalog")?).import_products(request).await?.into_inner();
        for (product, result) in products.iter().zip(answer.results) {
            match result.outcome.as_str() {
                "created" => summary.created += 1,
                "updated" => summary.updated += 1,
                "unchanged" => summary.unchanged += 1,
                _ => summary.errors.extend(result.errors.into_iter().map(|e| refused(product, e))),
            }
        }
        Ok(())
    }

    async fn open(&mut self, slug: &str, name: &str) -> anyhow::Result<Store> {
        if let Some(store) = self.opened.get(slug) {
            return Ok(store.clone());
        }
        let request = EnsureStoreRequest { slug: slug.into(), name: name.into(), owner_id: String::new() };
        let store = VendorsClient::new(self.console.channel("vendors")?).ensure_store(request).await?.into_inner();
        self.opened.insert(slug.to_owned(), store.clone());
        Ok(store)
    }
}

fn refused(product: &FileProduct, e: ImportError) -> RowError {
    RowError { line: product.line, column: e.pointer, reason: e.detail }
}

fn slug_for(into: &Into, product: &FileProduct) -> String {
    if let Into::Store(slug) = into {
        return slug.clone();
    }
    let lower = product.vendor.to_lowercase();
    let words: Vec<_> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let slug: String = words.join("-").chars().take(60).collect();
    let slug = slug.trim_end_matches('-').to_owned();
    if slug.is_empty() { "unnamed-vendor".into() } else { slug }
}

fn progress_bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left") {
        bar.set_style(style);
    }
    bar
}
