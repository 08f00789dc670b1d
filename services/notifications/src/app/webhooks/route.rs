//! From an event to the endpoints that ask for it: a job, since whose order it is about may have to be asked.

use contracts::Envelope;
use kit::jobs::{self, Job, JobOutcome};
use kit::{DbError, Tx};

use super::deliver::deliver_later;
use crate::app::App;
use crate::app::people::Known;
use crate::domain::webhook::{Happened, Owner, is_for_stores, payload, stores_named};
use crate::error::Error;
use crate::store::{self, NewDelivery};

/// The kind of the job that finds out who is told.
pub(crate) const ROUTE_JOB: &str = "webhook.route";

/// Has an event passed on to whoever asks for it, if anybody asks for anything.
pub(crate) fn route_later(tx: &mut Tx, event: &Envelope) -> Result<(), DbError> {
    if !store::anybody_listens(tx)? {
        return Ok(());
    }
    let now = tx.now();
    jobs::queue(tx, ROUTE_JOB, &event.id.to_string(), event.to_cloud_event(), now)
}

impl App {
    /// Runs the job. What the event says is read anew: its shape may be of an older version.
    pub(crate) async fn run_route_job(&self, job: Job) -> JobOutcome {
        let event = match Envelope::from_cloud_event(job.payload) {
            Ok(event) => event,
            Err(e) => return JobOutcome::Failed(format!("not an event: {e}")),
        };
        match Happened::new(&event) {
            Ok(Some(happened)) => match self.route(&event, happened).await {
                Ok(()) => JobOutcome::Done,
                Err(e @ Error::Internal(_)) => JobOutcome::Failed(e.to_string()),
                Err(e) => JobOutcome::Retry(e.to_string()),
            },
            Ok(None) => JobOutcome::Done,
            Err(e) => JobOutcome::Failed(e),
        }
    }

    async fn route(&self, event: &Envelope, happened: Happened) -> Result<(), Error> {
        let concerned = self.concerned(&happened).await?;
        let told: Vec<(Owner, String)> = concerned.into_iter().filter_map(|owner| Some((owner, payload(&happened, owner)?))).collect();
        let owners: Vec<Owner> = told.iter().map(|(owner, _)| *owner).collect();
        let event_id = event.id;
        self.db
            .write(move |tx| {
                for to in store::listening(tx, &owners)? {
                    let Some((_, payload)) = told.iter().find(|(told, _)| *told == to.owner) else { continue };
                    if !to.filter.takes(&happened.kind) {
                        continue;
                    }
                    let new = NewDelivery { webhook: to.webhook, event_id, event_type: &happened.kind, payload };
                    if store::insert_webhook_delivery(tx, &new)?.is_some() {
                        deliver_later(tx, to.webhook, to.rests_until)?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// The marketplace, and the stores that the event is about: as it says itself, or those of its order.
    async fn concerned(&self, happened: &Happened) -> Result<Vec<Owner>, Error> {
        let mut concerned = vec![Owner::Marketplace];
        let order = happened.order_id().filter(|_| is_for_stores(&happened.kind));
        let Some(order) = order else { return Ok(concerned) };
        if let Some(stores) = stores_named(&happened.data) {
            concerned.extend(stores.into_iter().map(Owner::Store));
        } else if self.db.read(store::a_store_listens).await? {
            let (order, _) = self.order(order, &mut Known::new(self.written().await?)).await?;
            concerned.extend(order.vendor_orders.iter().map(|part| Owner::Store(part.vendor_id)));
        }
        concerned.sort();
        concerned.dedup();
        Ok(concerned)
    }
}
