//! Products of a file into stores.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use contracts::Currency;
use contracts::files::{FileProduct, PlainCsv, RowError, plain_column, size};
use serde_json::Value as Json;
use tokio::task::JoinHandle;

use super::lines;
use super::mapping::{Rule, column_name};
use super::shopify;
use super::source::{Source, renamed};
use super::stores::Stores;
use super::{BODY_MAX, CHUNK_BYTES, Format, Progress, Report, Stop, too_large};
use crate::exchange::{Category, Done, How, Target};

/// How many products go out at once; the catalog writes them in transactions of its own.
const CHUNK: usize = 120;
/// How many products may wait for others of their store.
const WAITING_MAX: usize = 1_000;
/// How many chunks are under way, so that reading and writing go on side by side.
const UNDER_WAY: usize = 3;

/// Into which store products go.
#[derive(Clone, Debug)]
pub enum Into {
    /// All into the one with this slug, which is opened where it is missing.
    Store(String),
    /// Each into a store named like the file's vendor.
    FilesVendor,
}

/// What is to be imported, and how.
pub struct Wanted<'a> {
    /// The file; `-` for the standard input.
    pub file: &'a Path,
    /// Whose they become.
    pub into: Into,
    /// How the file is written; guessed where left out.
    pub format: Option<Format>,
    /// Foreign names.
    pub rules: Vec<Rule>,
    /// Of prices that name none.
    pub currency: Currency,
    /// Categories that are missing are made.
    pub opens_categories: bool,
    /// Nothing is written.
    pub is_dry: bool,
    /// Where every row goes that cannot be taken.
    pub report: Option<&'a Path>,
}

type Products = Box<dyn Iterator<Item = Result<FileProduct, Vec<RowError>>> + Send>;

/// Imports a file. The report says what was done, also where it ends with an error.
pub async fn products(target: Target, wanted: &Wanted<'_>, report: &mut Report) -> anyhow::Result<()> {
    let mut source = Source::open(wanted.file)?;
    let format = wanted.format.map_or_else(|| source.format(wanted.file), Ok)?;
    report.begin(wanted.report, wanted.file)?;
    let Opened { products, bytes, read } = opened(source, format, wanted).with_context(|| wanted.file.display().to_string())?;
    let column = if format == Format::Csv { plain_column } else { as_it_is };
    let mut progress = Progress::new(bytes, "products");
    let (stores, categories, assumed) = (Stores::default(), BTreeMap::new(), Vec::new());
    let mut run = Run { target, wanted, column, stores, categories, assumed, under_way: VecDeque::new(), report };
    let went = run.all(products, &mut progress, &read).await;
    // What was begun is counted, whatever ended the rest.
    let ended = run.end_all().await;
    progress.end();
    went.and(ended)
}

fn as_it_is(pointer: &str) -> String {
    pointer.to_owned()
}

/// A file whose products are read one by one.
struct Opened {
    products: Products,
    bytes: Option<u64>,
    read: Arc<AtomicU64>,
}

/// A table is looked through first: which products' rows do not stand together is known before the first is taken.
fn opened(source: Source, format: Format, wanted: &Wanted<'_>) -> anyhow::Result<Opened> {
    if format == Format::Jsonl {
        let (bytes, read) = (source.bytes, source.read.clone());
        let products = Box::new(lines::Reader::new(source.into_input(), wanted.currency, wanted.rules.clone()));
        return Ok(Opened { products, bytes, read });
    }
    let file = source.twice()?;
    let products: Products = match format {
        Format::ShopifyCsv => {
            let shopify = |input| shopify::Reader::new(input, wanted.currency).map_err(refused);
            let apart = shopify(table(file.looked_through()?, wanted)?)?.apart();
            Box::new(shopify(table(file.read()?, wanted)?)?.refusing(apart))
        }
        _ => {
            let plain = if wanted.rules.is_empty() { PlainCsv::new } else { PlainCsv::among_others };
            let apart = plain(table(file.looked_through()?, wanted)?, wanted.currency).map_err(refused)?.apart();
            Box::new(plain(table(file.read()?, wanted)?, wanted.currency).map_err(refused)?.refusing(apart))
        }
    };
    Ok(Opened { products, bytes: Some(file.bytes), read: file.position })
}

fn refused(e: RowError) -> anyhow::Error {
    anyhow::anyhow!("line {}, column {:?}: {}", e.line, e.column, e.reason)
}

/// A table under haat's names.
fn table(input: BufReader<Box<dyn Read + Send>>, wanted: &Wanted<'_>) -> anyhow::Result<Box<dyn BufRead + Send>> {
    Ok(match wanted.rules.is_empty() {
        true => Box::new(input),
        false => renamed(input, |name| column_name(&wanted.rules, name))?,
    })
}

/// A product whose handle was not in the file before: the later one would silently replace the first.
fn once(product: FileProduct, seen: &mut BTreeSet<u64>) -> Result<FileProduct, Vec<RowError>> {
    let mut hash = DefaultHasher::new();
    (&product.vendor, &product.handle).hash(&mut hash);
    match seen.insert(hash.finish()) {
        true => Ok(product),
        false => Err(vec![RowError::new(product.line, "handle", format!("{:?} stands in the file before", product.handle))]),
    }
}

/// Products of one store that go out together.
#[derive(Default)]
struct Chunk {
    products: Vec<FileProduct>,
    bytes: usize,
}

/// Products by store, until there are enough of one.
#[derive(Default)]
struct Chunks(BTreeMap<String, Chunk>);

impl Chunks {
    /// The chunk that is full now, if one is.
    fn add(&mut self, slug: String, product: FileProduct, size: usize) -> Option<(String, Chunk)> {
        let chunk = self.0.entry(slug.clone()).or_default();
        chunk.products.push(product);
        chunk.bytes += size;
        let is_full = chunk.products.len() == CHUNK || chunk.bytes >= CHUNK_BYTES;
        let slug = match is_full {
            true => slug,
            false if self.0.values().map(|c| c.products.len()).sum::<usize>() < WAITING_MAX => return None,
            false => self.0.iter().max_by_key(|(_, chunk)| chunk.products.len()).map(|(slug, _)| slug.clone())?,
        };
        self.0.remove_entry(&slug)
    }
}

struct Run<'a> {
    target: Target,
    wanted: &'a Wanted<'a>,
    column: fn(&str) -> String,
    stores: Stores,
    /// Those that are there by now; of the others why they cannot be made.
    categories: BTreeMap<String, Result<Category, String>>,
    /// Those that a dry run would have made by now, in this order.
    assumed: Vec<String>,
    under_way: VecDeque<JoinHandle<anyhow::Result<Done>>>,
    report: &'a mut Report,
}

impl Run<'_> {
    async fn all(&mut self, products: Products, progress: &mut Progress, read: &AtomicU64) -> anyhow::Result<()> {
        let (mut chunks, mut seen, stop) = (Chunks::default(), BTreeSet::new(), Stop::on_interrupt());
        for next in products {
            if stop.is_wanted() {
                self.report.is_stopped = true;
                break;
            }
            progress.tell(read.load(Ordering::Relaxed), self.report.taken());
            match next.and_then(|product| once(product, &mut seen)) {
                Ok(product) => {
                    let size = size(&product.body);
                    if size > BODY_MAX {
                        self.report.refuse([too_large(product.line, "a product", size)])?;
                        continue;
                    }
                    let slug = self.slug_for(&product).await?;
                    if let Some((slug, full)) = chunks.add(slug, product, size) {
                        self.begin(&slug, full.products).await?;
                    }
                }
                Err(errors) => self.report.refuse(errors)?,
            }
        }
        for (slug, rest) in chunks.0 {
            self.begin(&slug, rest.products).await?;
        }
        Ok(())
    }

    /// Begins with a chunk; waits where enough are under way.
    async fn begin(&mut self, slug: &str, mut products: Vec<FileProduct>) -> anyhow::Result<()> {
        if self.wanted.opens_categories {
            products = self.in_categories(products).await?;
        }
        let Some(first) = products.first() else { return Ok(()) };
        let store = self.stores.open(&self.target, slug, &first.vendor, (self.wanted.is_dry, &mut *self.report)).await?;
        let target = self.target.clone();
        let how = How { is_dry: self.wanted.is_dry, column: self.column };
        self.under_way.push_back(tokio::spawn(async move { target.put_products(store, products, how).await }));
        if self.under_way.len() >= UNDER_WAY {
            self.end_one().await?;
        }
        Ok(())
    }

    /// Those whose categories are there, or could be made; the others are bad rows.
    async fn in_categories(&mut self, products: Vec<FileProduct>) -> anyhow::Result<Vec<FileProduct>> {
        let mut filed = Vec::with_capacity(products.len());
        for mut product in products {
            match self.open_categories(&product).await? {
                Ok(names) => {
                    if let Some(category) = product.body.get_mut("category").filter(|c| self.wanted.is_dry && c.is_string()) {
                        *category = names.join("|").into();
                    }
                    filed.push(product);
                }
                Err(reason) => self.report.refuse([RowError::new(product.line, "category", reason)])?,
            }
        }
        Ok(filed)
    }

    /// What a product's categories are called that are there by now. In a dry run the nearest one above stands for one that
    /// would be made: it asks the same of products.
    async fn open_categories(&mut self, product: &FileProduct) -> anyhow::Result<Result<Vec<String>, String>> {
        let (names, mut there) = (product.body.get("category").and_then(Json::as_str).unwrap_or_default(), Vec::new());
        for name in names.split('|').map(str::trim).filter(|name| !name.is_empty()) {
            if !self.categories.contains_key(name) {
                let opened = self.target.open_category(name, self.wanted.is_dry.then_some(&self.assumed)).await?;
                if matches!(opened, Ok(Category::Missing(_))) {
                    self.assumed.push(name.to_owned());
                }
                self.categories.insert(name.to_owned(), opened);
            }
            match self.categories.get(name) {
                Some(Ok(Category::Missing(above))) => there.extend(above.clone()),
                Some(Err(reason)) => return Ok(Err(format!("{name:?}: {reason}"))),
                _ => there.push(name.to_owned()),
            }
        }
        Ok(Ok(there))
    }

    /// Waits for the oldest chunk, where one is under way.
    async fn end_one(&mut self) -> anyhow::Result<()> {
        let Some(oldest) = self.under_way.pop_front() else { return Ok(()) };
        let done = oldest.await??;
        self.report.take(done)
    }

    /// Waits for all of them; the first error.
    async fn end_all(&mut self) -> anyhow::Result<()> {
        let mut ended = Ok(());
        while !self.under_way.is_empty() {
            ended = ended.and(self.end_one().await);
        }
        ended
    }

    async fn slug_for(&mut self, product: &FileProduct) -> anyhow::Result<String> {
        match &self.wanted.into {
            Into::Store(slug) => Ok(slug.clone()),
            Into::FilesVendor => self.stores.slug_for(&self.target, &product.vendor).await,
        }
    }
}
