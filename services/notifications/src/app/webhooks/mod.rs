//! Outgoing webhooks: the endpoints that owners register, and what goes there.

mod deliver;
mod endpoints;
mod redeliver;
mod route;

use std::sync::Arc;

pub(crate) use deliver::{WEBHOOK_JOB, WEBHOOK_TEST_JOB};
pub use endpoints::SEALED;
pub(crate) use endpoints::{Made, WebhookChange};
pub(crate) use redeliver::Redelivery;
pub(crate) use route::{ROUTE_JOB, route_later};

use super::{App, PRUNED_AT_ONCE};
use crate::config;
use crate::error::Error;
use crate::provider::Courier;
use crate::store;

const DAY_SECONDS: i64 = 24 * 3_600;

/// What webhooks need.
#[derive(Clone)]
pub(crate) struct Webhooks {
    courier: Arc<Courier>,
    /// Secrets are sealed under it.
    master_key: [u8; 32],
    keep_seconds: i64,
    disable_after_seconds: i64,
}

impl Webhooks {
    /// As configured; a mistake is named.
    pub fn new(config: &config::Webhooks, development: bool, master_key: [u8; 32]) -> Result<Webhooks, String> {
        Ok(Webhooks {
            courier: Arc::new(Courier::new(config, development)?),
            master_key,
            keep_seconds: config.keep_days * DAY_SECONDS,
            disable_after_seconds: config.disable_after_days * DAY_SECONDS,
        })
    }
}

impl App {
    /// Forgets deliveries that are older than they need be.
    pub(super) async fn prune_webhooks(&self) -> Result<(), Error> {
        let before = self.clock.now().plus_seconds(-self.webhooks.keep_seconds);
        while self.db.write_behind(move |tx| store::prune_webhook_deliveries(tx, before, PRUNED_AT_ONCE)).await? > 0 {}
        Ok(())
    }
}
