//! Telling the catalog what left a store and what came back to one: jobs, repeated until the catalog has answered.

use contracts::proto::catalog::{ReserveLine, RestockRequest, ShipRequest};
use contracts::{OrderId, VariantId, VendorOrderId};
use kit::Tx;
use kit::jobs::{self, Job, JobOutcome};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{App, unreachable};
use crate::domain::{Line, Order};
use crate::error::Error;

/// The kind of the job that takes what has shipped out of the stock; its key is the part's id.
pub(crate) const SHIP_STOCK: &str = "ship_stock";

/// The kind of the job that puts what came back into the stock; its key is the return's id.
pub(crate) const RESTOCK: &str = "restock";

/// What has left a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Shipped {
    order: OrderId,
    variants: Vec<VariantId>,
}

/// What came back to one.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Returned {
    order: OrderId,
    lines: Vec<(VariantId, i64)>,
}

impl App {
    /// Tells the catalog what has shipped.
    pub async fn run_ship_stock(&self, job: Job) -> JobOutcome {
        let Ok(shipped) = Shipped::deserialize(&job.payload) else { return JobOutcome::Failed("a payload without an order".into()) };
        let variant_ids = shipped.variants.iter().map(ToString::to_string).collect();
        let request = ShipRequest { reservation_id: shipped.order.to_string(), variant_ids };
        let told = self.catalog.clone().ship(request).await.map_err(unreachable("catalog"));
        told.map_or_else(|e| JobOutcome::Retry(e.to_string()), |_| JobOutcome::Done)
    }

    /// Tells the catalog what came back. It may have to be told first that it has left.
    pub async fn run_restock(&self, job: Job) -> JobOutcome {
        let Ok(returned) = Returned::deserialize(&job.payload) else { return JobOutcome::Failed("a payload without an order".into()) };
        let line = |(variant, quantity): &(VariantId, i64)| ReserveLine { variant_id: variant.to_string(), quantity: *quantity };
        let lines = returned.lines.iter().map(line).collect();
        let request = RestockRequest { reservation_id: returned.order.to_string(), return_id: job.key, lines };
        let told = self.catalog.clone().restock(request).await.map_err(unreachable("catalog"));
        told.map_or_else(|e| JobOutcome::Retry(e.to_string()), |_| JobOutcome::Done)
    }
}

/// Queues that a part has left its store.
pub(super) fn ship_later(tx: &mut Tx, order: &Order, part: VendorOrderId) -> Result<(), Error> {
    let shipped = Shipped { order: order.id, variants: lines(order, part).map(|l| l.variant_id).collect() };
    queue(tx, SHIP_STOCK, part.0, &shipped)
}

/// Queues that a part which was not taken at the door is back with its store.
pub(super) fn restock_refused_later(tx: &mut Tx, order: &Order, part: VendorOrderId) -> Result<(), Error> {
    let back = lines(order, part).filter(|l| l.kind == "physical").map(|l| (l.variant_id, l.quantity));
    let returned = Returned { order: order.id, lines: back.collect() };
    queue(tx, RESTOCK, part.0, &returned)
}

fn lines(order: &Order, part: VendorOrderId) -> impl Iterator<Item = &Line> {
    order.parts.iter().filter(move |p| p.id == part).flat_map(|p| &p.lines)
}

fn queue(tx: &mut Tx, kind: &'static str, key: Uuid, payload: &impl Serialize) -> Result<(), Error> {
    let payload = serde_json::to_value(payload).map_err(|e| Error::Internal(e.to_string()))?;
    let now = tx.now();
    Ok(jobs::queue(tx, kind, &key.to_string(), payload, now)?)
}
