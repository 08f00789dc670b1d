//! How stores move their parts of orders on.

use contracts::{OrderId, VendorId, VendorOrderId};
use kit::idempotency::{self, Answer, Key};
use kit::{Loaded, Tx};

use super::changes::{check, complete_later};
use super::{App, Carriers, Found, FoundPart, answer_of, save, stock, view};
use crate::domain::{Move, Order, OrderEvent, PartStatus};
use crate::error::Error;
use crate::store;

/// What a store wants of its parts.
#[derive(Clone, Debug)]
pub(crate) struct PartChange {
    /// The caller's stores; `None` for any.
    pub stores: Option<Vec<VendorId>>,
    /// Which parts.
    pub which: Which,
    /// What they read before.
    pub ifs: kit::http::Ifs,
    /// Where they go.
    pub step: Move,
}

/// Which parts are meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// This one, of whichever order.
    Part(VendorOrderId),
    /// This one of an order, or all that the caller's stores have in it.
    Of(OrderId, Option<VendorOrderId>),
}

impl App {
    /// Moves a part on.
    pub async fn advance_part(&self, part: VendorOrderId, change: PartChange) -> Result<FoundPart, Error> {
        let (carriers, complete_after) = (self.carriers.clone(), self.config.complete_after_seconds);
        self.db
            .write(move |tx| {
                let (found, _) = advance(tx, &change, &carriers, complete_after)?;
                Ok(FoundPart { found, part })
            })
            .await
    }

    /// Moves parts of an order on, all or none; a repeat with the same key gets the first answer, and then no version.
    pub async fn advance_order(&self, change: PartChange, key: Option<Key>) -> Result<(Answer, Option<i64>), Error> {
        let (carriers, complete_after) = (self.carriers.clone(), self.config.complete_after_seconds);
        self.db
            .write(move |tx| {
                let mut version = None;
                let given = idempotency::once(tx, key.as_ref(), |tx| {
                    let (found, parts) = advance(tx, &change, &carriers, complete_after)?;
                    version = Some(found.version);
                    Ok::<_, Error>(view::fulfilment_answer(&found.order, &parts, &found.contact))
                })?;
                answer_of(given).map(|(answer, _)| (answer, version))
            })
            .await
    }
}

/// Moves the parts, and returns which were meant.
fn advance(
    tx: &mut Tx,
    change: &PartChange,
    carriers: &Carriers,
    complete_after_seconds: i64,
) -> Result<(Found, Vec<VendorOrderId>), Error> {
    let stores = change.stores.as_deref();
    let (id, not_there) = match change.which {
        Which::Part(part) => (store::order_of_part(tx, stores, part)?.ok_or(Error::NoVendorOrder)?, Error::NoVendorOrder),
        Which::Of(order, _) => (order, Error::NoOrder),
    };
    let Some(mut order) = tx.load::<Order>(id.0)? else { return Err(not_there) };
    let parts = meant(&order.state, stores, change.which)?;
    check(&change.ifs, &order)?;
    let events = order.state.advance(&parts, &change.step, tx.now())?;
    moved(tx, &mut order, events, change.step.to, complete_after_seconds)?;
    if change.step.to == PartStatus::Shipped || change.step.tracking.is_some() {
        carriers.hear_later(tx, &parts)?;
    }
    let contact = store::contact(tx, id)?;
    Ok((Found { order: order.state, version: order.version, contact }, parts))
}

/// Saves that parts of an order have gone to another state, and what follows from that.
pub(super) fn moved(
    tx: &mut Tx,
    order: &mut Loaded<Order>,
    events: Vec<OrderEvent>,
    to: PartStatus,
    complete_after_seconds: i64,
) -> Result<(), Error> {
    let before = order.state.clone();
    save(tx, order, events)?;
    for part in before.parts.iter().filter(|p| order.state.part(p.id).is_some_and(|after| after.status != p.status)) {
        match to {
            PartStatus::Shipped => stock::ship_later(tx, &order.state, part.id)?,
            PartStatus::Refused => stock::restock_refused_later(tx, &order.state, part.id)?,
            _ => {}
        }
    }
    Ok(complete_later(tx, &order.state, complete_after_seconds)?)
}

/// The parts that are meant and that the caller's stores have. Of an order in which they have none, they know nothing.
fn meant(order: &Order, stores: Option<&[VendorId]>, which: Which) -> Result<Vec<VendorOrderId>, Error> {
    let own = order.parts.iter().filter(|p| stores.is_none_or(|stores| stores.contains(&p.vendor_id)));
    let own: Vec<VendorOrderId> = own.map(|p| p.id).collect();
    match which {
        Which::Of(..) if own.is_empty() => Err(Error::NoOrder),
        Which::Of(_, None) => Ok(own),
        Which::Part(part) | Which::Of(_, Some(part)) if own.contains(&part) => Ok(vec![part]),
        Which::Part(_) | Which::Of(_, Some(_)) => Err(Error::NoVendorOrder),
    }
}
