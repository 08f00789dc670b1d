//! Returns: asked for by the shopper, answered and received by the store; their saga does the rest.

use contracts::events::orders::ReturnedLine;
use contracts::{OrderId, OrderLineId, ReturnId, Time, VariantId, VendorId};
use kit::http::PageRequest;
use kit::idempotency::{self, Answer, Key};
use kit::saga::Step;
use kit::{Loaded, Query};
use serde_json::json;

use super::{App, Viewer, answer_of, changes, save, view, visible};
use crate::domain::{Order, Refused, ReturnItem, ReturnStatus};
use crate::error::Error;
use crate::sagas::{APPROVE_RETURN, BackLine, RECEIVE_RETURN, RETURN, Returning};
use crate::store;

/// What a shopper wants to send back.
#[derive(Clone, Debug)]
pub(crate) struct ReturnRequest {
    pub viewer: Viewer,
    pub order: OrderId,
    pub items: Vec<Wanted>,
    pub reason: String,
    /// The request's key, where it has one.
    pub key: Option<Key>,
}

/// Pieces of a line, which is named by its id or by its variant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub what: Named,
    pub quantity: i64,
}

/// A line of an order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    Line(OrderLineId),
    Variant(VariantId),
}

/// What a store says to a return.
#[derive(Clone, Debug)]
pub(crate) enum StoreSays {
    /// Send it.
    Approve,
    /// No, with the reason; or it never came.
    Reject(String),
    /// It is here.
    Receive,
}

/// A return with its order.
pub(crate) struct FoundReturn {
    pub order: Order,
    /// Of the order: its entity tag.
    pub version: i64,
    pub id: ReturnId,
}

impl App {
    /// Asks for a return; a repeat with the same key gets the first answer. True: it was given before.
    pub async fn request_return(&self, request: ReturnRequest) -> Result<(Answer, bool), Error> {
        let sagas = self.sagas.clone();
        let (answer_seconds, receive_seconds) = (self.config.return_answer_seconds, self.config.return_receive_seconds);
        self.db
            .write(move |tx| {
                let given = idempotency::once(tx, request.key.as_ref(), |tx| {
                    let mut order = visible(tx, &request.viewer, request.order)?;
                    let id = ReturnId(request.key.as_ref().map_or_else(|| tx.id(), |k| k.derived_id("return")));
                    let items = request.items.iter().map(|w| item(&order.state, *w)).collect::<Result<Vec<_>, Refused>>()?;
                    let events = order.state.request_return(id, &items, &request.reason, tx.now())?;
                    if !events.is_empty() {
                        save(tx, &mut order, events)?;
                        let data = returning(&order.state, id, tx.now().plus_seconds(answer_seconds), receive_seconds)?;
                        sagas.start(tx, RETURN, &id.to_string(), id.0, data, &[])?;
                    }
                    view::return_answer(&order.state, id).ok_or(Error::NoReturn)
                })?;
                answer_of(given)
            })
            .await
    }

    /// A store answers a return, or receives it. Saying the same again changes nothing.
    pub async fn answer_return(&self, stores: Option<Vec<VendorId>>, id: ReturnId, says: StoreSays) -> Result<FoundReturn, Error> {
        let (sagas, complete_after) = (self.sagas.clone(), self.config.complete_after_seconds);
        self.db
            .write(move |tx| {
                let mut order = order_of_return(tx, stores.as_deref(), id)?;
                let before = order.state.return_of(id).map(|r| r.status);
                let at = tx.now();
                let (events, step, payload) = match &says {
                    StoreSays::Approve => (order.state.approve_return(id, at)?, APPROVE_RETURN, json!({ "approved": true })),
                    StoreSays::Receive => (order.state.receive_return(id, at)?, RECEIVE_RETURN, json!({ "received": true })),
                    StoreSays::Reject(reason) if before == Some(ReturnStatus::Approved) => {
                        (order.state.reject_return(id, reason, at)?, RECEIVE_RETURN, json!({ "received": false }))
                    }
                    StoreSays::Reject(reason) => (order.state.reject_return(id, reason, at)?, APPROVE_RETURN, json!({ "approved": false })),
                };
                if !events.is_empty() {
                    save(tx, &mut order, events)?;
                    changes::complete_later(tx, &order.state, complete_after)?;
                    sagas.signal(tx, &Step::signal_key(step, id.0), step, payload)?;
                }
                Ok(FoundReturn { order: order.state, version: order.version, id })
            })
            .await
    }

    /// A return, for its shopper or one of these stores.
    pub async fn return_for(&self, viewer: Viewer, stores: Vec<VendorId>, id: ReturnId) -> Result<FoundReturn, Error> {
        self.db
            .read(move |q| {
                let (order, vendor) = store::return_place(q, id)?.ok_or(Error::NoReturn)?;
                let order = q.load::<Order>(order.0)?.ok_or(Error::NoReturn)?;
                if !stores.contains(&vendor) && !viewer.may_see(&order.state) {
                    return Err(Error::NoReturn);
                }
                Ok(FoundReturn { order: order.state, version: order.version, id })
            })
            .await
    }

    /// The returns of some stores, newest first; one more than the limit where there are more.
    pub async fn returns(&self, stores: Vec<VendorId>, status: Option<ReturnStatus>, page: PageRequest) -> Result<Vec<FoundReturn>, Error> {
        self.db
            .read(move |q| {
                let rows = store::returns_of(q, &stores, status, page.after, page.limit)?;
                let streams: Vec<_> = rows.iter().map(|(_, order)| order.0).collect();
                let orders = q.load_many::<Order>(&streams)?;
                let found = |(id, order): (ReturnId, OrderId)| {
                    let order = orders.iter().find(|o| o.id == order.0).ok_or(Error::NoReturn)?;
                    Ok(FoundReturn { order: order.state.clone(), version: order.version, id })
                };
                rows.into_iter().map(found).collect()
            })
            .await
    }
}

/// What the saga of a return knows.
fn returning(order: &Order, id: ReturnId, answer_by: Time, receive_seconds: i64) -> Result<serde_json::Value, Error> {
    let lines = order.return_of(id).into_iter().flat_map(|r| &r.lines);
    let line = |l: &ReturnedLine| BackLine { line_id: l.line_id, variant_id: l.variant_id, quantity: l.quantity };
    let data = Returning {
        order_id: order.id,
        payment_id: order.payment.id,
        lines: lines.map(line).collect(),
        answer_by,
        receive_seconds,
        receive_by: Time::default(),
    };
    serde_json::to_value(data).map_err(|e| Error::Internal(e.to_string()))
}

fn order_of_return(q: &mut Query, stores: Option<&[VendorId]>, id: ReturnId) -> Result<Loaded<Order>, Error> {
    let place = store::return_place(q, id)?.filter(|(_, vendor)| stores.is_none_or(|s| s.contains(vendor)));
    let (order, _) = place.ok_or(Error::NoReturn)?;
    q.load::<Order>(order.0)?.ok_or(Error::NoReturn)
}

fn item(order: &Order, wanted: Wanted) -> Result<ReturnItem, Refused> {
    let line = match wanted.what {
        Named::Line(line) => line,
        Named::Variant(variant) => {
            let mut lines = order.parts.iter().flat_map(|p| &p.lines);
            lines.find(|l| l.variant_id == variant).map(|l| l.line_id).ok_or(Refused::NoSuchVariant(variant))?
        }
    };
    Ok(ReturnItem { line, quantity: wanted.quantity })
}
