//! Where imported data goes to and exported data comes from: services of this process, or a running server.

mod here;
mod server;

use std::collections::BTreeMap;

use anyhow::Context;
use contracts::files::{FileProduct, RowError};
use contracts::proto::vendors::Store;
use serde_json::Value as Json;

pub use here::Here;
pub use server::{Server, Who};

/// Where data goes to, or comes from.
#[derive(Clone)]
pub enum Target {
    /// Services of this process, on a data directory that nobody else uses now.
    Here(Here),
    /// A running server.
    Server(Server),
}

/// What was done with some of a file.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// New ones.
    pub created: u64,
    /// Those that changed.
    pub updated: u64,
    /// Those that were there as they are.
    pub unchanged: u64,
    /// What could not be taken.
    pub errors: Vec<RowError>,
}

impl Done {
    /// One more, by what became of it.
    fn count(&mut self, outcome: &str) {
        match outcome {
            "created" => self.created += 1,
            "updated" => self.updated += 1,
            "unchanged" => self.unchanged += 1,
            _ => {}
        }
    }
}

/// How a category that a file names stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Category {
    /// It is there by now.
    There,
    /// It would be made, below the one with this id.
    Missing(Option<String>),
}

/// How a chunk of products is written.
#[derive(Clone, Copy)]
pub struct How {
    /// Nothing is written.
    pub is_dry: bool,
    /// How the file calls what a pointer points at.
    pub column: fn(&str) -> String,
}

/// An order as a file gives it.
#[derive(Clone, Debug)]
pub struct FileOrder {
    /// Line of its first row.
    pub line: u64,
    /// What an import of orders takes.
    pub body: Json,
    /// The line of each item, by part.
    pub lines: Vec<Vec<u64>>,
}

impl FileOrder {
    /// The stores that it names.
    pub fn vendors(&self) -> impl Iterator<Item = &str> {
        self.body["parts"].as_array().into_iter().flatten().filter_map(|part| part["vendor"].as_str())
    }

    /// The row that a pointer of its body is about.
    fn error(&self, pointer: &str, reason: String) -> RowError {
        let parts: Vec<&str> = pointer.split('/').skip(1).collect();
        let part = parts.get(1).and_then(|n| n.parse::<usize>().ok()).and_then(|n| self.lines.get(n));
        let item = parts.get(3).and_then(|n| n.parse::<usize>().ok());
        let line = part.and_then(|items| items.get(item.unwrap_or(0))).copied().unwrap_or(self.line);
        let name = parts.iter().rev().find(|name| name.parse::<usize>().is_err()).copied().unwrap_or_default();
        let column = name.chars().fold(String::new(), |mut column, c| {
            if c.is_ascii_uppercase() {
                column.push('_');
            }
            column.push(c.to_ascii_lowercase());
            column
        });
        RowError::new(line, column, reason)
    }
}

/// Rows, and where the next page begins.
pub type Rows = (Vec<Json>, Option<String>);

impl Target {
    /// The store with a slug, opened where it is missing; and whether it was.
    pub async fn store(&self, slug: &str, name: &str, is_dry: bool) -> anyhow::Result<(Store, bool)> {
        match self {
            Target::Here(here) => here.store(slug, name, is_dry).await,
            Target::Server(server) => {
                let there = server.store_there(slug).await?;
                let there = there.with_context(|| {
                    format!("there is no store {slug:?} on the server: its owner applies for it with POST /api/v1/vendors/apply")
                });
                Ok((there?, false))
            }
        }
    }

    /// The store with a slug, where there is one.
    pub async fn store_there(&self, slug: &str) -> anyhow::Result<Option<Store>> {
        match self {
            Target::Here(here) => here.store_there(slug).await,
            Target::Server(server) => server.store_there(slug).await,
        }
    }

    /// The category with a slug, or at the end of names such as `Clothes > Shirts`; made where it is missing. In a dry run it is
    /// not, and those count as made before that are `assumed`. The inner error says why it cannot be made.
    pub async fn open_category(&self, names: &str, assumed: Option<&[String]>) -> anyhow::Result<Result<Category, String>> {
        match self {
            Target::Here(here) => here.open_category(names, assumed).await,
            Target::Server(server) => match server.has_category(names).await? {
                true => Ok(Ok(Category::There)),
                false => Ok(Err("on a running server an administrator makes categories with POST /api/v1/categories".into())),
            },
        }
    }

    /// Adds or changes products of one store.
    pub async fn put_products(&self, store: Store, products: Vec<FileProduct>, how: How) -> anyhow::Result<Done> {
        match self {
            Target::Here(here) => here.put_products(store, products, how).await,
            Target::Server(server) => server.put_products(store, products, how).await,
        }
    }

    /// Products of one store or of all, as an import takes them.
    pub async fn products(&self, vendor: Option<&Store>, after: &str, limit: i64) -> anyhow::Result<Rows> {
        match self {
            Target::Here(here) => here.products(vendor, after, limit).await,
            Target::Server(server) => server.products(vendor, after, limit).await,
        }
    }

    /// The accounts that have proved to own these addresses.
    pub async fn users(&self, emails: Vec<String>) -> anyhow::Result<BTreeMap<String, String>> {
        match self {
            Target::Here(here) => here.users(emails).await,
            Target::Server(server) => server.users(emails).await,
        }
    }

    /// Brings orders in that were placed elsewhere.
    pub async fn put_orders(&self, orders: Vec<FileOrder>, is_dry: bool, opens_stores: bool) -> anyhow::Result<Done> {
        match self {
            Target::Here(here) => here.put_orders(orders, is_dry, opens_stores).await,
            Target::Server(server) => server.put_orders(orders, is_dry).await,
        }
    }

    /// Orders, as an import takes them.
    pub async fn orders(&self, after: &str, limit: i64) -> anyhow::Result<Rows> {
        match self {
            Target::Here(here) => here.orders(after, limit).await,
            Target::Server(server) => server.orders(after, limit).await,
        }
    }

    /// The slug of a store.
    pub async fn slug(&self, vendor_id: &str) -> anyhow::Result<String> {
        match self {
            Target::Here(here) => here.slug(vendor_id).await,
            Target::Server(server) => server.slug(vendor_id).await,
        }
    }
}
