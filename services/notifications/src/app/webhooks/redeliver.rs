//! What owners see of deliveries, and have sent anew.

use contracts::{WebhookDeliveryId, WebhookId};
use kit::http::PageRequest;
use kit::{Caller, Tx};

use super::deliver::{deliver_later, try_later};
use crate::app::App;
use crate::domain::Status;
use crate::domain::webhook::{TEST_EVENT, test_payload};
use crate::error::Error;
use crate::store::{self, NewDelivery, Span, WebhookDelivery};

/// How many deliveries are begun anew in one transaction.
const BEGUN_AT_ONCE: i64 = 500;

/// What is to be sent anew.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Redelivery {
    /// One delivery, however it ended.
    One(WebhookDeliveryId),
    /// Everything from within a time that was given up.
    GivenUp(Span),
}

impl App {
    /// Deliveries of an endpoint, newest first.
    pub async fn webhook_deliveries(
        &self,
        caller: &Caller,
        webhook: WebhookId,
        status: Option<Status>,
        page: PageRequest,
    ) -> Result<Vec<WebhookDelivery>, Error> {
        let owners = self.some_owners(caller).await?;
        self.db
            .read(move |q| {
                store::webhook(q, webhook, &owners)?.ok_or(Error::NoWebhook)?;
                Ok(store::webhook_deliveries(q, webhook, status, page.after, page.limit)?)
            })
            .await
    }

    /// Has deliveries tried anew, with as many attempts as new ones; how many.
    pub async fn redeliver(&self, caller: &Caller, webhook: WebhookId, what: Redelivery) -> Result<i64, Error> {
        let owners = self.some_owners(caller).await?;
        let mut begun = 0;
        loop {
            let owners = owners.clone();
            let now = self.db.write(move |tx| {
                let found = store::webhook_to_change(tx, webhook, &owners)?.ok_or(Error::NoWebhook)?;
                if !found.wanted.enabled {
                    return Err(Error::WebhookDisabled);
                }
                begin(tx, webhook, what)
            });
            let now = now.await?;
            begun += now;
            if matches!(what, Redelivery::One(_)) || now < BEGUN_AT_ONCE {
                return Ok(begun);
            }
        }
    }

    /// Sends an endpoint something to try it: once, and even where it is disabled.
    pub async fn test_webhook(&self, caller: &Caller, webhook: WebhookId) -> Result<WebhookDelivery, Error> {
        let owners = self.some_owners(caller).await?;
        self.db
            .write(move |tx| {
                store::webhook(tx, webhook, &owners)?.ok_or(Error::NoWebhook)?;
                let (event_id, payload) = (tx.id(), test_payload(webhook, tx.now()));
                let new = NewDelivery { webhook, event_id, event_type: TEST_EVENT, payload: &payload };
                let id = store::insert_webhook_delivery(tx, &new)?.ok_or(Error::NoWebhookDelivery)?;
                try_later(tx, id)?;
                store::webhook_delivery(tx, webhook, id)?.ok_or(Error::NoWebhookDelivery)
            })
            .await
    }
}

fn begin(tx: &mut Tx, webhook: WebhookId, what: Redelivery) -> Result<i64, Error> {
    let begun = match what {
        Redelivery::One(id) if store::begin_series(tx, webhook, id)? => 1,
        Redelivery::One(_) => return Err(Error::NoWebhookDelivery),
        Redelivery::GivenUp(span) => store::begin_series_of_dead(tx, webhook, span, BEGUN_AT_ONCE)?,
    };
    deliver_later(tx, webhook, None)?;
    Ok(begun)
}
