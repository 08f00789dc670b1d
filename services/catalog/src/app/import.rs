//! Bringing products in from elsewhere: by handle, so that doing it again changes nothing; many in a transaction, with
//! statements for all of them.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{CategoryId, VendorId, WarehouseId};
use kit::problem::FieldError;
use kit::{DbError, Query, Tx};

use super::categories::misfiled;
use super::changes::take_over;
use super::paths::category_named;
use super::products::{add_all, hash};
use super::stock::{places, warehouses_of};
use super::{App, Store};
use crate::domain::{self, Attribute, Imported, NewProduct};
use crate::error::Error;
use crate::store::{self, StoredProduct};

/// What an import did with one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upserted {
    Created,
    Updated,
    Unchanged,
}

/// What became of one product; what keeps it out is an answer, so that the others of its transaction come in.
pub(crate) type Outcome = Result<Upserted, Error>;

/// About so many rows are written in one transaction, so that others come in between.
const ROWS_MAX: usize = 500;

impl App {
    /// Adds or changes products of a store by handle, each wholly or not at all. Each answer stands at its product's place.
    pub async fn import(&self, owner: Store, bodies: Vec<String>) -> Result<Vec<Outcome>, Error> {
        let (good, bad) = self.read_all(&bodies);
        let handles: BTreeSet<&str> = good.iter().map(|i| i.new.handle.as_str()).collect();
        // Transactions side by side may end in any order.
        let in_turn = handles.len() < good.len();
        let (mut done, mut waiting) = (Vec::with_capacity(good.len()), Vec::new());
        for chunk in chunks(good) {
            let owner = owner.clone();
            let written = self.db.write_behind(move |tx| upsert_all(tx, &owner, &chunk));
            match in_turn {
                true => done.extend(written.await.map_err(Error::from)?),
                false => waiting.push(written),
            }
        }
        for written in waiting {
            done.extend(written.await.map_err(Error::from)?);
            kit::crash::point("catalog.after_chunk");
        }
        Ok(put_together(done, bad))
    }

    /// What [`App::import`] would do; nothing is written.
    pub async fn check_import(&self, owner: VendorId, bodies: Vec<String>) -> Result<Vec<Outcome>, Error> {
        let (good, bad) = self.read_all(&bodies);
        let done = self.db.read(move |q| Ok::<_, Error>(check_all(q, owner, &good)?)).await?;
        Ok(put_together(done, bad))
    }

    /// Those that are right in themselves, and what is wrong with the others by their places.
    fn read_all(&self, bodies: &[String]) -> (Vec<Imported>, BTreeMap<usize, Error>) {
        let (mut good, mut bad) = (Vec::with_capacity(bodies.len()), BTreeMap::new());
        for (place, text) in bodies.iter().enumerate() {
            match read(text, &self.public_url) {
                Ok(imported) => good.push(imported),
                Err(errors) => drop(bad.insert(place, Error::Invalid(errors))),
            }
        }
        (good, bad)
    }
}

/// A product of a file, checked as far as that can be done without looking what is there.
pub(super) fn read(text: &str, public_url: &str) -> Result<Imported, Vec<FieldError>> {
    let body = serde_json::from_str(text).map_err(|e| vec![wrong("", "malformed", e.to_string())])?;
    if let Some(pointer) = kit::nul_in(&body) {
        return Err(vec![wrong(&pointer, "malformed", kit::NUL_REFUSED.into())]);
    }
    domain::imported(body, public_url)
}

/// The answers at their products' places.
fn put_together(done: Vec<Outcome>, mut bad: BTreeMap<usize, Error>) -> Vec<Outcome> {
    let count = done.len() + bad.len();
    let mut done = done.into_iter();
    (0..count).map(|place| bad.remove(&place).map_or_else(|| done.next().unwrap_or(Err(Error::NoProduct)), Err)).collect()
}

/// Products for one transaction each time.
fn chunks(list: Vec<Imported>) -> Vec<Vec<Imported>> {
    let (mut chunks, mut rows): (Vec<Vec<Imported>>, usize) = (Vec::new(), ROWS_MAX);
    for imported in list {
        // The product and its events; each variant, its stock and why it is there.
        let input = &imported.new.input;
        let more = 4 + input.category_ids.len() + imported.categories.len() + 3 * input.variants.len();
        match chunks.last_mut().filter(|_| rows + more <= ROWS_MAX) {
            Some(chunk) => {
                chunk.push(imported);
                rows += more;
            }
            None => {
                chunks.push(vec![imported]);
                rows = more;
            }
        }
    }
    chunks
}

/// What is to be done with a product of a chunk.
enum Planned {
    Refused(Error),
    New(NewProduct),
    Change(StoredProduct, NewProduct),
    /// It is there as it is.
    Same,
    /// One before it in the chunk has its handle.
    Again(NewProduct),
}

fn plan(q: &mut Query, owner: VendorId, chunk: &[Imported]) -> Result<Vec<Planned>, DbError> {
    let handles: Vec<&str> = chunk.iter().map(|i| i.new.handle.as_str()).collect();
    let mut there = store::find_by_handles(q, owner, &handles)?;
    let (mut known, mut seen) = (Known::default(), BTreeSet::new());
    let planned = |imported: &Imported| {
        let new = match known.filed(q, imported)? {
            Ok(new) => new,
            Err(refusal) => return Ok(Planned::Refused(refusal)),
        };
        if let Some(refusal) = known.unfit(q, owner, &new)? {
            return Ok(Planned::Refused(refusal));
        }
        if !seen.insert(new.handle.clone()) {
            return Ok(Planned::Again(new));
        }
        Ok(match there.remove(&new.handle) {
            None => Planned::New(new),
            Some(stored) if stored.source_hash == hash(&new) => Planned::Same,
            Some(stored) => Planned::Change(stored, new),
        })
    };
    chunk.iter().map(planned).collect()
}

/// What the products of a chunk are held against, read once for all of them.
#[derive(Default)]
struct Known {
    /// Categories by what files call them.
    named: BTreeMap<String, Option<CategoryId>>,
    /// What sets of categories ask of their products; `None` where one of them does not exist.
    asked: BTreeMap<Vec<CategoryId>, Option<Vec<Attribute>>>,
    warehouses: Option<Vec<WarehouseId>>,
}

impl Known {
    /// The product in the categories that its file names.
    fn filed(&mut self, q: &mut Query, imported: &Imported) -> Result<Result<NewProduct, Error>, DbError> {
        let mut new = imported.new.clone();
        for name in &imported.categories {
            if !self.named.contains_key(name) {
                self.named.insert(name.clone(), category_named(q, name)?);
            }
            let Some(id) = self.named.get(name).copied().flatten() else {
                let detail =
                    format!("there is no category {name:?}; a category is named by its slug, or by names such as Clothes > Shirts");
                return Ok(Err(Error::Invalid(vec![wrong("/category", "unknown_category", detail)])));
            };
            if !new.input.category_ids.contains(&id) {
                new.input.category_ids.push(id);
            }
        }
        if new.input.category_ids.len() > domain::FILED_MAX {
            return Ok(Err(Error::Invalid(vec![wrong("/category", "count", "a product is in at most 20 categories".into())])));
        }
        if !imported.categories.is_empty() {
            let asked = self.asked_of(q, &new.input.category_ids)?;
            domain::typed(asked.unwrap_or_default(), &mut new.input.attributes);
        }
        Ok(Ok(new))
    }

    fn asked_of(&mut self, q: &mut Query, categories: &[CategoryId]) -> Result<Option<&[Attribute]>, DbError> {
        if !self.asked.contains_key(categories) {
            self.asked.insert(categories.to_vec(), store::asked_of(q, categories)?);
        }
        Ok(self.asked.get(categories).and_then(Option::as_deref))
    }

    /// What keeps a product out that is right in itself.
    fn unfit(&mut self, q: &mut Query, owner: VendorId, new: &NewProduct) -> Result<Option<Error>, DbError> {
        if let Some(refusal) = misfiled(self.asked_of(q, &new.input.category_ids)?, &new.input, new.status) {
            return Ok(Some(refusal));
        }
        if places(&new.input.variants).all(|w| w == store::MAIN_WAREHOUSE) {
            return Ok(None);
        }
        let warehouses = match self.warehouses.take() {
            Some(known) => known,
            None => warehouses_of(q, owner)?,
        };
        let strange = places(&new.input.variants).any(|w| !warehouses.contains(&w));
        self.warehouses = Some(warehouses);
        Ok(strange.then_some(Error::NoWarehouse))
    }
}

/// What [`upsert_all`] would do.
pub(super) fn check_all(q: &mut Query, owner: VendorId, chunk: &[Imported]) -> Result<Vec<Outcome>, DbError> {
    let outcome = |planned: Planned| match planned {
        Planned::Refused(e) => Err(e),
        Planned::New(_) => Ok(Upserted::Created),
        Planned::Same => Ok(Upserted::Unchanged),
        Planned::Change(..) | Planned::Again(_) => Ok(Upserted::Updated),
    };
    Ok(plan(q, owner, chunk)?.into_iter().map(outcome).collect())
}

/// Adds or changes products in one transaction.
pub(super) fn upsert_all(tx: &mut Tx, owner: &Store, chunk: &[Imported]) -> Result<Vec<Outcome>, DbError> {
    let plan = plan(tx, owner.id, chunk)?;
    let fresh: Vec<&NewProduct> = plan.iter().filter_map(|p| if let Planned::New(new) = p { Some(new) } else { None }).collect();
    if !fresh.is_empty() && add_all(tx, owner, &fresh).map_err(fault)?.is_none() {
        return Err(tx.lost_race());
    }
    let done = |planned: Planned| {
        Ok(match planned {
            Planned::Refused(e) => Err(e),
            Planned::New(_) => Ok(Upserted::Created),
            Planned::Same => Ok(Upserted::Unchanged),
            Planned::Change(stored, new) => Ok(change(tx, &stored, &new)?),
            Planned::Again(new) => {
                let stored = store::find_by_handles(tx, owner.id, &[&new.handle])?.remove(&new.handle);
                let Some(stored) = stored else { return Err(tx.lost_race()) };
                Ok(change(tx, &stored, &new)?)
            }
        })
    };
    plan.into_iter().map(done).collect()
}

fn change(tx: &mut Tx, stored: &StoredProduct, new: &NewProduct) -> Result<Upserted, DbError> {
    let hash = hash(new);
    if stored.source_hash == hash {
        return Ok(Upserted::Unchanged);
    }
    store::hold_product(tx, stored.id)?;
    let Some(there) = store::product(tx, &stored.id.to_string())? else { return Err(tx.lost_race()) };
    let said_before = store::file_stock(tx, stored.id)?;
    let changed = new.clone().without_stock_of(&said_before, store::MAIN_WAREHOUSE);
    take_over(tx, &there, &changed).map_err(fault)?;
    store::set_source(tx, stored.id, &hash, &new.stock(store::MAIN_WAREHOUSE))?;
    Ok(Upserted::Updated)
}

/// All that a caller can get wrong was looked at before: what is left is a fault.
fn fault(e: Error) -> DbError {
    match e {
        Error::Db(e) => e,
        other => DbError::Internal(other.to_string()),
    }
}

fn wrong(pointer: &str, code: &'static str, detail: String) -> FieldError {
    FieldError { pointer: pointer.into(), code, detail }
}
