//! The use cases of messages and webhooks, one transaction each.

mod bulk;
mod deliver;
mod inbox;
mod live;
mod people;
mod preferences;
mod push;
mod send;
mod stream;
mod templates;
mod webhooks;
mod write;

use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::orders::orders_client::OrdersClient;
use contracts::proto::vendors::vendors_client::VendorsClient;
use kit::channel::Channel;
use kit::{Clock, Db, Ids, Tasks};

use crate::domain::{LinkKey, Texts};
use crate::error::Error;
use crate::provider::Mailer;
use crate::store;

pub(crate) use bulk::BULK_JOB;
pub(crate) use deliver::DELIVERY_JOB;
pub(crate) use live::Live;
pub(crate) use preferences::{Change, Preferences};
pub(crate) use templates::InUse;
pub use webhooks::SEALED;
pub(crate) use webhooks::{Made, ROUTE_JOB, Redelivery, WEBHOOK_JOB, WEBHOOK_TEST_JOB, WebhookChange, Webhooks, route_later};
pub(crate) use write::{WRITE_JOB, write_later};

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub ids: Ids,
    pub tasks: Tasks,
    pub identity: IdentityClient<Channel>,
    pub orders: OrdersClient<Channel>,
    pub vendors: VendorsClient<Channel>,
    pub texts: Texts,
    /// Without a slash at the end.
    pub public_url: String,
    /// What links that turn off mails are signed with.
    pub links: LinkKey,
    pub mailer: Mailer,
    /// Whether messages leave by mail at all.
    pub mail: bool,
    /// The streams that are open in this process.
    pub live: Live,
    /// What has left is also in the mailbox.
    pub development: bool,
    pub attempts_max: i64,
    pub keep_days: i64,
    pub webhooks: Webhooks,
}

/// How many messages are forgotten in one transaction.
const PRUNED_AT_ONCE: i64 = 500;

impl App {
    /// Forgets what is older than it need be.
    pub async fn prune(&self) -> Result<(), Error> {
        let before = self.clock.now().plus_seconds(-self.keep_days * 24 * 3_600);
        while self.db.write_behind(move |tx| store::prune(tx, before, PRUNED_AT_ONCE)).await? > 0 {}
        self.prune_webhooks().await?;
        Ok(self.prune_bulk(before).await?)
    }
}
