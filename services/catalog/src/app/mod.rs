//! The use cases of the catalog, one transaction each.

mod categories;
mod changes;
mod parts;
mod products;
mod reservations;
mod sellers;
mod stock;
mod view;
mod warehouses;
mod watch;

use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::channel::Channel;
use kit::idempotency::{self, Answer, Key, Seen};
use kit::{Db, Tx};
use serde::Serialize;

use crate::domain::Product;
use crate::error::Error;
use crate::store;

pub(crate) use categories::CategoryPage;
pub(crate) use changes::Edit;
pub(crate) use products::Upserted;
pub(crate) use sellers::{Seller, Store};
pub(crate) use stock::Adjustment;
pub(crate) use view::{Inventory, StockMovement};
pub(crate) use watch::{BACK_IN_STOCK, StockWait};

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    /// Without a slash at the end.
    pub public_url: String,
    pub vendors: VendorsClient<Channel>,
}

impl App {
    /// Products in the filter's order; one more than the limit where there are more.
    pub async fn list(&self, filter: store::Filter, page: kit::http::PageRequest) -> Result<Vec<Product>, Error> {
        let found = self.db.read_stale(move |q| Ok::<_, Error>(store::list(q, &filter, page.after, page.limit)?)).await?;
        Ok(found.into_iter().map(|p| p.located(&self.public_url)).collect())
    }

    /// A product by id, slug or a slug that it had, whatever its status.
    pub async fn product(&self, id_or_slug: String) -> Result<Product, Error> {
        let found = self.db.read(move |q| Ok::<_, Error>(store::product(q, &id_or_slug)?)).await?.ok_or(Error::NoProduct)?;
        Ok(found.located(&self.public_url))
    }

    /// Facts of variants for other services, by variant or by product.
    pub async fn variants(&self, products: Vec<uuid::Uuid>, variants: Vec<uuid::Uuid>) -> Result<Vec<store::VariantRow>, Error> {
        self.db.read(move |q| Ok(store::variants(q, &products, &variants)?)).await
    }
}

/// What a request that may be repeated is answered.
pub(crate) enum Given {
    Now(Answer),
    Before(Answer),
    Running,
    Mismatch,
}

/// Does something once per key, and answers a repeat as the first time.
fn once(tx: &mut Tx, key: Option<&Key>, act: impl Fn(&mut Tx) -> Result<Answer, Error>) -> Result<Given, Error> {
    if let Some(key) = key {
        match idempotency::look_up(tx, key)? {
            Seen::New => {}
            Seen::Answered(answer) => return Ok(Given::Before(answer)),
            Seen::Claimed(_) => return Ok(Given::Running),
            Seen::Mismatch => return Ok(Given::Mismatch),
        }
    }
    let answer = act(tx)?;
    if let Some(key) = key {
        idempotency::remember(tx, key, &answer)?;
    }
    Ok(Given::Now(answer))
}

/// The answer to a request that made something.
fn created(location: String, body: &impl Serialize) -> Answer {
    Answer { status: 201, location: Some(location), body: json(body) }
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("ids, numbers and text always make JSON")
}

/// The entity tag of what counts its changes.
pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
