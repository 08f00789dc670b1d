//! What happens to an order after it was placed.

use contracts::events::payments::{PaymentCompleted, PaymentFailed, PaymentRefunded};
use contracts::proto::catalog::ShipRequest;
use contracts::{OrderId, VariantId, VendorId, VendorOrderId};
use kit::jobs::{self, Job, JobOutcome};
use kit::saga::{Aborted, Sagas, Step};
use kit::{Db, DbError, Loaded, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{App, Found, FoundPart, Viewer, save, unreachable, visible};
use crate::domain::{Order, OrderEvent, OrderStatus, PartStatus, Refused, Tracking};
use crate::error::Error;
use crate::sagas::{AWAIT_PAYMENT, CANCELLATION, Cancellation, FULFILMENT};
use crate::store;

/// The kind of the job that makes a delivered order final; its key is the order's id.
pub(crate) const COMPLETE: &str = "complete_order";

/// The kind of the job that takes what has shipped out of the stock; its key is the part's id.
pub(crate) const SHIP_STOCK: &str = "ship_stock";

/// What has left a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Shipped {
    order: OrderId,
    variants: Vec<VariantId>,
}

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

/// What a store wants of its part.
#[derive(Clone, Debug)]
pub(crate) struct PartChange {
    /// The caller's stores; `None` for any.
    pub stores: Option<Vec<VendorId>>,
    /// Which part.
    pub part: VendorOrderId,
    /// What they read before.
    pub ifs: kit::http::Ifs,
    /// Where it goes.
    pub to: PartStatus,
    /// Who carries it.
    pub tracking: Option<Tracking>,
}

impl App {
    /// Calls an order off. Before it is confirmed its saga turns back; after that the money goes back by a saga of its own.
    pub async fn cancel(&self, change: Change, reason: String) -> Result<Found, Error> {
        let sagas = self.sagas.clone();
        self.db
            .write(move |tx| {
                let mut order = visible(tx, &change.viewer, change.order)?;
                check(&change.ifs, &order)?;
                let before = order.state.status();
                let events = order.state.cancel(&reason, tx.now())?;
                if !events.is_empty() {
                    save(tx, &mut order, events)?;
                    call_off(tx, &sagas, &order.state, before)?;
                }
                let contact = store::contact(tx, change.order)?;
                Ok(Found { order: order.state, version: order.version, contact })
            })
            .await
    }

    /// A store moves its part on.
    pub async fn advance(&self, change: PartChange) -> Result<FoundPart, Error> {
        let complete_after = self.config.complete_after_seconds;
        self.db
            .write(move |tx| {
                let id = store::order_of_part(tx, change.stores.as_deref(), change.part)?.ok_or(Error::NoVendorOrder)?;
                let mut order = tx.load::<Order>(id.0)?.ok_or(Error::NoVendorOrder)?;
                check(&change.ifs, &order)?;
                let events = order.state.advance(change.part, change.to, change.tracking.clone(), tx.now())?;
                save(tx, &mut order, events)?;
                if change.to == PartStatus::Shipped {
                    ship_stock_later(tx, &order.state, change.part)?;
                }
                complete_later(tx, &order.state, complete_after)?;
                let contact = store::contact(tx, id)?;
                Ok(FoundPart { found: Found { order: order.state, version: order.version, contact }, part: change.part })
            })
            .await
    }

    /// Tells the catalog what has shipped.
    pub async fn run_ship_stock(&self, job: Job) -> JobOutcome {
        let Ok(shipped) = Shipped::deserialize(&job.payload) else { return JobOutcome::Failed("a payload without an order".into()) };
        let variant_ids = shipped.variants.iter().map(ToString::to_string).collect();
        let request = ShipRequest { reservation_id: shipped.order.to_string(), variant_ids };
        let told = self.catalog.clone().ship(request).await.map_err(unreachable("catalog"));
        told.map_or_else(|e| JobOutcome::Retry(e.to_string()), |_| JobOutcome::Done)
    }
}

fn ship_stock_later(tx: &mut Tx, order: &Order, part: VendorOrderId) -> Result<(), Error> {
    let lines = order.parts.iter().filter(|p| p.id == part).flat_map(|p| &p.lines);
    let shipped = Shipped { order: order.id, variants: lines.map(|l| l.variant_id).collect() };
    let payload = serde_json::to_value(shipped).map_err(|e| Error::Internal(e.to_string()))?;
    let now = tx.now();
    Ok(jobs::queue(tx, SHIP_STOCK, &part.to_string(), payload, now)?)
}

fn check(ifs: &kit::http::Ifs, order: &Loaded<Order>) -> Result<(), Error> {
    ifs.check(&etag(order.version)).map_err(Error::Stale)
}

/// The entity tag of an order, and of its parts.
pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
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
    let data = Cancellation { payment_id: order.payment.id };
    let data = serde_json::to_value(data).map_err(|e| Error::Internal(e.to_string()))?;
    sagas.start(tx, CANCELLATION, &key, order.id.0, data, &[])?;
    Ok(())
}

/// Queues the end of an order that is delivered now.
pub(crate) fn complete_later(tx: &mut Tx, order: &Order, after_seconds: i64) -> Result<(), DbError> {
    if order.status() != OrderStatus::Delivered {
        return Ok(());
    }
    let due = tx.now().plus_seconds(after_seconds);
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
        _ => apply(tx, e.order_id, |order, tx| order.pay(tx.now())),
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
