//! Writing the messages that an event asks for: a job, since it needs other services. It may run again at any point:
//! each message has a key of its own in its table.

use contracts::events::notifications::NotificationQueued;
use kit::jobs::{self, Job, JobOutcome};
use kit::{DbError, Tx};
use serde::Deserialize;

use super::App;
use super::templates::Written;
use crate::domain::{Addressee, Cause, Draft, Kind, Medium, Order, Part, Story};
use crate::error::Error;
use crate::store::{self, TemplateKey};

/// The kind of the job that writes.
pub(crate) const WRITE_JOB: &str = "write";

/// Has the messages of a cause written; once, however often it is said before that is done.
pub(crate) fn write_later(tx: &mut Tx, cause: &Cause) -> Result<(), DbError> {
    let payload = serde_json::to_value(cause).map_err(|e| DbError::Internal(e.to_string()))?;
    let (key, now) = (format!("{}/{}", cause.kind.as_str(), cause.about), tx.now());
    jobs::queue(tx, WRITE_JOB, &key, payload, now)
}

impl App {
    /// Runs the job. Who does not answer now is asked again; what is wrong for good is an operator's to see.
    pub(crate) async fn run_write_job(&self, job: Job) -> JobOutcome {
        let cause = match Cause::deserialize(&job.payload) {
            Ok(cause) => cause,
            Err(e) => return JobOutcome::Failed(e.to_string()),
        };
        match self.write(&cause).await {
            Ok(()) => JobOutcome::Done,
            Err(e @ (Error::Template(_) | Error::Internal(_))) => JobOutcome::Failed(e.to_string()),
            Err(e) => JobOutcome::Retry(e.to_string()),
        }
    }

    async fn write(&self, cause: &Cause) -> Result<(), Error> {
        let written = self.written().await?;
        let mut drafts = match (cause.order_id, cause.user_id) {
            (Some(order), _) => {
                let (order, email) = self.order(order).await?;
                self.about_order(cause, &written, &order, email).await?
            }
            (None, Some(user)) => match self.user(user).await? {
                Some(reader) => self.draft(&written, cause.kind, &self.story(cause, None, None, ""), &reader)?,
                None => Vec::new(),
            },
            (None, None) => return Err(Error::Internal("a cause without anybody".into())),
        };
        // Rows are taken in the order of their keys, so that two such transactions do not wait for each other in a circle.
        drafts.sort_by_key(|d| (d.recipient, d.about, d.channel));
        let app = self.clone();
        self.db.write(move |tx| app.store_all(tx, &drafts)).await
    }

    fn store_all(&self, tx: &mut Tx, drafts: &[Draft]) -> Result<(), Error> {
        for draft in drafts {
            let Some(id) = store::insert(tx, draft)? else { continue };
            let (kind, channel) = (draft.kind.as_str().to_owned(), draft.channel.as_str().to_owned());
            tx.publish(NotificationQueued { notification_id: id, user_id: draft.user_id, kind, channel })?;
            self.send_off(tx, id, draft)?;
        }
        Ok(())
    }

    /// To the shopper; a confirmed order also to each store's owner.
    async fn about_order(&self, cause: &Cause, written: &Written, order: &Order, email: String) -> Result<Vec<Draft>, Error> {
        let to_stores = cause.kind == Kind::OrderConfirmed;
        let part = cause.part.and_then(|id| order.vendor_orders.iter().find(|p| p.id == id));
        let concerned: Vec<&Part> = if to_stores { order.vendor_orders.iter().collect() } else { part.into_iter().collect() };
        let stores = if concerned.is_empty() { Vec::new() } else { self.stores(concerned.iter().map(|p| p.vendor_id)).await? };
        let store_of = |part: &Part| stores.iter().find(|s| s.id == part.vendor_id);

        let name = part.and_then(store_of).map_or("", |s| s.name.as_str());
        let mut drafts = match self.shopper(order, email).await? {
            Some(reader) => self.draft(written, cause.kind, &self.story(cause, Some(order), part, name), &reader)?,
            None => Vec::new(),
        };
        for part in concerned.into_iter().filter(|_| to_stores) {
            let Some((store, owner)) = store_of(part).and_then(|s| Some((s, s.owner?))) else { continue };
            let Some(reader) = self.user(owner).await? else { continue };
            let story = self.story(cause, Some(order), Some(part), &store.name);
            let of_part = self.draft(written, Kind::VendorOrderConfirmed, &story, &reader)?;
            drafts.extend(of_part.into_iter().map(|d| Draft { about: part.id.0, ..d }));
        }
        Ok(drafts)
    }

    fn story<'a>(&'a self, cause: &'a Cause, order: Option<&'a Order>, part: Option<&'a Part>, store_name: &'a str) -> Story<'a> {
        Story { cause, order, part, store_name, public_url: &self.public_url }
    }

    /// One message for each channel on which it reaches the reader.
    fn draft(&self, written: &Written, kind: Kind, story: &Story, reader: &Addressee) -> Result<Vec<Draft>, Error> {
        let fields = story.fields(kind, reader);
        let draft = |channel| {
            Ok(Draft {
                recipient: reader.recipient,
                user_id: reader.user_id,
                kind,
                about: story.cause.about,
                order_id: story.cause.order_id,
                channel,
                address: if channel == Medium::Email { reader.email.clone() } else { String::new() },
                text: self.words(written, TemplateKey { kind, channel, locale: reader.locale }, &fields)?,
            })
        };
        reader.channels(kind).map(draft).collect()
    }
}
