//! What happens to an order after it was placed.

use contracts::OrderId;
use contracts::events::payments::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use kit::http::etag;
use kit::jobs;
use kit::saga::{Aborted, Sagas, Step};
use kit::{Db, DbError, Loaded, Tx};
use serde_json::json;
use uuid::Uuid;

use super::{App, Found, Viewer, save, visible};
use crate::domain::{Contact, ContactChange, Destination, Line, Order, OrderEvent, OrderStatus, PartStatus, Refused};
use crate::error::Error;
use crate::sagas::{AWAIT_PAYMENT, BackLine, CANCELLATION, CalledOff, Cancellation, FULFILMENT};
use crate::store;

/// The kind of the job that makes a delivered order final; its key is the order's id.
pub(crate) const COMPLETE: &str = "complete_order";

/// What somebody wants of an order, and what they think it is.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Who.
    pub viewer: Viewer,
    /// Which order.
    pub order: OrderId,
    /// What they read before.
    pub ifs: kit::http::Ifs,
}

impl App {
    /// Calls an order off. Before it is confirmed its saga turns back; after that the money goes back by a saga of its own.
    /// What was delivered without a carrier stays sold.
    pub async fn cancel(&self, change: Change, reason: String) -> Result<Found, Error> {
        let (sagas, complete_after) = (self.sagas.clone(), self.config.complete_after_seconds);
        self.db
            .write(move |tx| {
                let mut order = visible(tx, &change.viewer, change.order)?;
                check(&change.ifs, &order)?;
                let before = order.state.status();
                let events = order.state.cancel(&reason, tx.now())?;
                if !events.is_empty() {
                    save(tx, &mut order, events)?;
                    call_off(tx, &sagas, &order.state, before)?;
                    complete_later(tx, &order.state, complete_after)?;
                }
                let contact = store::contact(tx, change.order)?;
                Ok(Found { order: order.state, version: order.version, contact })
            })
            .await
    }

    /// Says anew where an order goes and what its stores should know. What shipping costs stays as it was sold.
    pub async fn update(&self, change: Change, to: ContactChange) -> Result<Found, Error> {
        let before = self.order(change.viewer.clone(), change.order).await?;
        let (after, _) = before.contact.changed(to.clone()).map_err(Error::Invalid)?;
        let place = |contact: &Contact| contact.address.as_ref().map(Destination::from);
        before.order.update(Vec::new(), self.clock.now())?;
        if let Some(there) = place(&after).filter(|there| place(&before.contact).as_ref() != Some(there)) {
            self.check_destination(&before.order, &there).await?;
        }
        self.db
            .write(move |tx| {
                let mut order = visible(tx, &change.viewer, change.order)?;
                check(&change.ifs, &order)?;
                let before = store::contact(tx, change.order)?;
                let (contact, changed) = before.changed(to.clone()).map_err(Error::Invalid)?;
                let events = order.state.update(changed, tx.now())?;
                if !events.is_empty() {
                    save(tx, &mut order, events)?;
                    store::update_contact(tx, change.order, &contact)?;
                }
                Ok(Found { order: order.state, version: order.version, contact })
            })
            .await
    }
}

pub(super) fn check(ifs: &kit::http::Ifs, order: &Loaded<Order>) -> Result<(), Error> {
    ifs.check(&etag(order.version)).map_err(Error::Stale)
}

fn call_off(tx: &mut Tx, sagas: &Sagas, order: &Order, before: OrderStatus) -> Result<(), Error> {
    let key = order.id.to_string();
    if matches!(before, OrderStatus::Created | OrderStatus::AwaitingPayment) {
        return match sagas.abort(tx, FULFILMENT, &key, "cancelled")? {
            Aborted::Unwinding => Ok(()),
            // The saga is past its pivot though the order is not confirmed: an operator has it.
            Aborted::TooLate | Aborted::Missing => Err(Refused::Illegal { from: before.as_str(), to: "cancelled", allowed: vec![] }.into()),
        };
    }
    let data = Cancellation { payment_id: order.payment.id, parts: called_off(order) };
    let data = serde_json::to_value(data).map_err(|e| Error::Internal(e.to_string()))?;
    sagas.start(tx, CANCELLATION, &key, order.id.0, data, &[])?;
    Ok(())
}

/// What of an order was called off; `None` for all of it.
fn called_off(order: &Order) -> Option<CalledOff> {
    let parts = order.parts.iter().filter(|p| p.status == PartStatus::Cancelled);
    let line = |l: &Line| BackLine { line_id: l.line_id, variant_id: l.variant_id, quantity: l.quantity };
    let lines = parts.clone().flat_map(|p| &p.lines).map(line).collect();
    let stores = parts.filter(|p| !p.is_digital()).map(|p| p.vendor_id).collect();
    (order.status() != OrderStatus::Cancelled).then_some(CalledOff { lines, stores })
}

/// Queues the end of an order that is delivered, some time after its last delivery. While something is to come back it
/// waits for that.
pub(crate) fn complete_later(tx: &mut Tx, order: &Order, after_seconds: i64) -> Result<(), DbError> {
    let waits = order.completed || !order.has_reached(PartStatus::Delivered) || order.returns.iter().any(|r| r.status.is_open());
    let Some(delivered) = order.delivered_at().filter(|_| !waits) else { return Ok(()) };
    let due = delivered.plus_seconds(after_seconds);
    jobs::queue(tx, COMPLETE, &order.id.to_string(), json!({}), due)
}

/// Delivered long ago: nothing happens to the order any more.
pub(crate) async fn complete_order(db: &Db, id: OrderId) -> Result<(), DbError> {
    db.write(move |tx| apply(tx, id, |order, tx| order.complete(tx.now()))).await
}

/// The provider has the money: moves the saga that waits for it, or notes that cash has come.
/// Money for an order that has ended otherwise is not its business: payments gives it back.
pub(crate) fn payment_completed(tx: &mut Tx, sagas: &Sagas, e: &PaymentCompleted, event: Uuid) -> Result<(), DbError> {
    let Some(order) = tx.load::<Order>(e.order_id.0)?.filter(|o| o.state.payment.id == e.payment_id) else { return Ok(()) };
    match order.state.status() {
        OrderStatus::Created | OrderStatus::AwaitingPayment => signal(tx, sagas, e.order_id, event, json!({ "paid": true })),
        OrderStatus::Failed | OrderStatus::Cancelled => Ok(()),
        _ => apply(tx, e.order_id, |order, tx| order.pay(e.amount, tx.now())),
    }
}

/// The payer declined, or the provider gave up.
pub(crate) fn payment_failed(tx: &mut Tx, sagas: &Sagas, e: &PaymentFailed, event: Uuid) -> Result<(), DbError> {
    let Some(order) = tx.load::<Order>(e.order_id.0)?.filter(|o| o.state.payment.id == e.payment_id) else { return Ok(()) };
    match order.state.status() {
        OrderStatus::Created | OrderStatus::AwaitingPayment => signal(tx, sagas, e.order_id, event, json!({ "paid": false })),
        _ => Ok(()),
    }
}

/// Money went back: the order shows it, and stands where it stood.
pub(crate) fn payment_refunded(tx: &mut Tx, e: &PaymentRefunded) -> Result<(), DbError> {
    apply(tx, e.order_id, |order, tx| match order.payment.id == e.payment_id {
        true => order.refund(e.refund_id, e.amount, tx.now()),
        false => Ok(vec![]),
    })
}

fn signal(tx: &mut Tx, sagas: &Sagas, order: OrderId, event: Uuid, payload: serde_json::Value) -> Result<(), DbError> {
    sagas.signal(tx, &Step::signal_key(AWAIT_PAYMENT, order.0), &event.to_string(), payload)
}

/// Applies a decision to an order, if there is one and its state allows it.
fn apply(tx: &mut Tx, id: OrderId, decide: impl Fn(&Order, &Tx) -> Result<Vec<OrderEvent>, Refused>) -> Result<(), DbError> {
    let Some(mut order) = tx.load::<Order>(id.0)? else { return Ok(()) };
    match decide(&order.state, tx) {
        Ok(events) => save(tx, &mut order, events),
        Err(refused) => {
            tracing::debug!(order = %id, %refused, "an order stays as it is");
            Ok(())
        }
    }
}
