//! Orders from elsewhere: brought in as records, once each, and read out again.

use std::collections::{BTreeMap, BTreeSet};

use contracts::events::orders::OrderImported;
use contracts::files::page;
use contracts::proto::vendors as vendors_api;
use contracts::{OrderId, VendorId};
use kit::problem::FieldError;
use kit::{DbError, Tx};
use uuid::Uuid;

use super::quote::id;
use super::{App, save, unreachable};
use crate::domain::{Contact, HERE, ImportedOrderInput, Order, field};
use crate::error::Error;
use crate::store;

/// How many orders are written in one transaction, so that others come in between.
const CHUNK: usize = 40;

/// What became of an order that was brought in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Brought {
    /// It is new.
    Created,
    /// It stands otherwise now.
    Updated,
    /// It was there as it is.
    Unchanged,
    /// What is wrong with it.
    Refused(Vec<FieldError>),
}

impl Brought {
    /// In a word, and what is wrong.
    pub fn told(self) -> (&'static str, Vec<FieldError>) {
        match self {
            Brought::Created => ("created", Vec::new()),
            Brought::Updated => ("updated", Vec::new()),
            Brought::Unchanged => ("unchanged", Vec::new()),
            Brought::Refused(errors) => ("refused", errors),
        }
    }
}

/// An order that is right, and whom to write to about it.
#[derive(Clone)]
struct Draft {
    event: OrderImported,
    email: Option<String>,
}

impl App {
    /// Brings orders in as they stand elsewhere. Each answer stands at its order's place; with `is_dry` nothing is written, and with
    /// `assumes_stores` those that are missing count as there.
    pub async fn import(&self, inputs: Vec<ImportedOrderInput>, is_dry: bool, assumes_stores: bool) -> Result<Vec<Brought>, Error> {
        let (mut stores, now) = (self.stores_named(&inputs).await?, self.clock.now());
        if assumes_stores {
            for slug in inputs.iter().flat_map(|i| &i.parts).map(|p| &p.vendor) {
                stores.entry(slug.clone()).or_insert_with(|| VendorId(Uuid::new_v5(&Uuid::NAMESPACE_URL, slug.as_bytes())));
            }
        }
        let mut seen = BTreeSet::new();
        let (mut done, mut drafts) = (BTreeMap::new(), Vec::new());
        for (place, input) in inputs.into_iter().enumerate() {
            match input.check(&stores, now) {
                Ok(event) if seen.insert(event.order_id) => drafts.push((place, Draft { event, email: input.email })),
                Ok(_) => {
                    let twice = field("/number", "duplicate", "an order before this one has this number");
                    done.insert(place, Brought::Refused(vec![twice]));
                }
                Err(errors) => drop(done.insert(place, Brought::Refused(errors))),
            }
        }
        for chunk in drafts.chunks(CHUNK) {
            let (places, drafts): (Vec<usize>, Vec<Draft>) = chunk.iter().cloned().unzip();
            let brought = match is_dry {
                true => self.db.read(move |q| look(q, &drafts).map(|found| found.iter().map(|(b, _)| b.clone()).collect())).await,
                false => self.db.write_behind(move |tx| bring_in(tx, &drafts)).await,
            };
            let brought: Vec<Brought> = brought.map_err(|e: DbError| Error::from(e))?;
            done.extend(places.into_iter().zip(brought));
        }
        Ok(done.into_values().collect())
    }

    /// The orders after one by id, as another platform takes them, about 2 MB of them, and the last where there are more.
    pub async fn export(&self, after: Option<OrderId>, limit: i64) -> Result<(Vec<ImportedOrderInput>, Option<OrderId>), Error> {
        let found = self.db.read(move |q| {
            let ids = store::all_orders(q, after, limit)?;
            Ok::<_, Error>(super::reads::found(q, ids)?)
        });
        let mut found = found.await?;
        let is_more = found.len() as i64 > limit;
        found.truncate(usize::try_from(limit).unwrap_or_default());
        let ids: BTreeSet<VendorId> = found.iter().flat_map(|f| &f.order.parts).map(|p| p.vendor_id).collect();
        let request = vendors_api::GetStoresRequest { vendor_ids: ids.iter().map(ToString::to_string).collect(), slugs: Vec::new() };
        let answer = self.vendors.clone().get_stores(request).await.map_err(unreachable("vendors"))?.into_inner();
        let stores = answer.stores.into_iter().map(|s| Ok((id(&s.vendor_id)?, s.slug))).collect::<Result<BTreeMap<_, _>, Error>>()?;
        Ok(page(found.into_iter().map(|f| (f.order.id, f.order.export(f.contact.email, &stores))), is_more))
    }

    /// The stores that the orders name, by slug.
    async fn stores_named(&self, inputs: &[ImportedOrderInput]) -> Result<BTreeMap<String, VendorId>, Error> {
        let slugs: BTreeSet<&String> = inputs.iter().flat_map(|i| &i.parts).map(|p| &p.vendor).collect();
        let request = vendors_api::GetStoresRequest { vendor_ids: Vec::new(), slugs: slugs.into_iter().cloned().collect() };
        let answer = self.vendors.clone().get_stores(request).await.map_err(unreachable("vendors"))?.into_inner();
        answer.stores.into_iter().map(|s| Ok((s.slug, id(&s.vendor_id)?))).collect()
    }
}

type Standing = (Brought, Option<kit::Loaded<Order>>);

/// What would become of each, and the order that is there.
fn look(q: &mut kit::Query, drafts: &[Draft]) -> Result<Vec<Standing>, DbError> {
    let ids: Vec<_> = drafts.iter().map(|d| d.event.order_id.0).collect();
    let mut there: BTreeMap<_, _> = q.load_many::<Order>(&ids)?.into_iter().map(|l| (l.id, l)).collect();
    let numbers: Vec<&str> = drafts.iter().filter(|d| d.event.source == HERE).map(|d| d.event.source_number.as_str()).collect();
    let placed_here = store::placed_at(q, &numbers)?;
    let of_here = |draft: &Draft| placed_here.get(&draft.event.source_number).filter(|_| draft.event.source == HERE);
    let standing = |draft: &Draft| match there.remove(&draft.event.order_id.0) {
        // Exported here, and brought back.
        _ if of_here(draft) == Some(&draft.event.placed_at) => (Brought::Unchanged, None),
        _ if of_here(draft).is_some() => (Brought::Refused(vec![another_with_its_number(&draft.event.source_number)]), None),
        None => (Brought::Created, None),
        Some(l) if l.state.import(draft.event.clone()).is_none() => (Brought::Unchanged, Some(l)),
        Some(l) => (Brought::Updated, Some(l)),
    };
    Ok(drafts.iter().map(standing).collect())
}

fn another_with_its_number(number: &str) -> FieldError {
    let detail = format!(
        "an order that was placed here at another time has the number {number}; a source other than {HERE} says where this one is from"
    );
    field("/number", "duplicate", detail)
}

fn bring_in(tx: &mut Tx, drafts: &[Draft]) -> Result<Vec<Brought>, DbError> {
    let mut brought = Vec::with_capacity(drafts.len());
    for (draft, (what, there)) in drafts.iter().zip(look(tx, drafts)?) {
        let event = OrderImported { at: tx.now(), ..draft.event.clone() };
        match there {
            None if what == Brought::Created => {
                store::insert_contact(tx, event.order_id, &Contact { email: draft.email.clone(), ..Contact::default() })?;
                let event = event.into();
                tx.create::<Order>(draft.event.order_id.0, [Clone::clone(&event)])?;
                store::project(tx, &event)?;
            }
            Some(mut there) if what == Brought::Updated => save(tx, &mut there, vec![event.into()])?,
            _ => {}
        }
        brought.push(what);
    }
    Ok(brought)
}
