//! Writing the messages that an event asks for: a job, since it needs other services. Those that are due together are
//! written together. It may run again at any point: each message has a key of its own in its table.

use contracts::events::notifications::NotificationQueued;
use contracts::{NotificationId, OrderId, UserId};
use kit::jobs::{self, Job, JobOutcome};
use kit::{Context, DbError, Tx};
use serde::Deserialize;

use super::App;
use super::deliver::New;
use super::people::Known;
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
    /// Runs jobs: what they ask for is found out for one after the other, and stored at once. Who does not answer now is
    /// asked again; what is wrong for good is an operator's to see.
    pub(crate) async fn run_write_jobs(&self, jobs: Vec<Job>) -> Vec<JobOutcome> {
        let mut known = match self.written().await {
            Ok(written) => Known::new(written),
            Err(e) => return vec![JobOutcome::Retry(e.to_string()); jobs.len()],
        };
        let (mut outcomes, mut drafts) = (Vec::with_capacity(jobs.len()), Vec::new());
        for job in jobs {
            outcomes.push(match self.drafts_of(&job, &mut known).await {
                Ok(of_job) => {
                    drafts.extend(of_job.into_iter().map(|draft| (job.context.clone(), draft)));
                    JobOutcome::Done
                }
                Err(e @ (Error::Template(_) | Error::Internal(_))) => JobOutcome::Failed(e.to_string()),
                Err(e) => JobOutcome::Retry(e.to_string()),
            });
        }
        match self.store_all(drafts).await {
            Ok(()) => outcomes,
            Err(e) => outcomes.into_iter().map(|o| if o == JobOutcome::Done { JobOutcome::Retry(e.to_string()) } else { o }).collect(),
        }
    }

    async fn drafts_of(&self, job: &Job, known: &mut Known) -> Result<Vec<Draft>, Error> {
        let cause = &Cause::deserialize(&job.payload).map_err(|e| Error::Internal(e.to_string()))?;
        match (cause.order_id, cause.user_id) {
            (Some(order), _) => self.about_order(cause, order, known).await,
            (None, None) if cause.kind.is_to_store() => self.about_goods(cause, known).await,
            (None, Some(user)) => self.about_user(cause, user, known).await,
            (None, None) => Err(Error::Internal("a cause without anybody".into())),
        }
    }

    /// One transaction for all of them, in which each is the work of what asked for it.
    async fn store_all(&self, mut drafts: Vec<(Context, Draft)>) -> Result<(), Error> {
        if drafts.is_empty() {
            return Ok(());
        }
        // Lists are taken in the order of their readers, so that two such transactions do not wait for each other in a
        // circle; for each of them messages stay in the order in which they were asked for.
        drafts.sort_by_key(|(_, d)| d.recipient);
        let app = self.clone();
        self.db
            .write(move |tx| {
                let drafts: Vec<_> = drafts.iter().map(|(context, draft)| (Some(context), draft)).collect();
                app.store_drafts(tx, &drafts).map(drop)
            })
            .await
    }

    /// Stores messages, each as the work of its context, or of the caller's, and sees to it that they leave. For each its
    /// id; `None` where its reader has it, or does not want it.
    pub(super) fn store_drafts(&self, tx: &mut Tx, drafts: &[(Option<&Context>, &Draft)]) -> Result<Vec<Option<NotificationId>>, Error> {
        let off = store::turned_off(tx, &drafts.iter().map(|(_, d)| d.recipient).collect::<Vec<_>>())?;
        let is_off = |d: &Draft| off.contains(&(d.recipient, d.kind.as_str().to_owned(), d.channel.as_str().to_owned()));
        let wanted: Vec<_> = drafts.iter().map(|(_, d)| off.is_empty() || !is_off(d)).collect();
        let asked: Vec<_> = drafts.iter().zip(&wanted).filter(|(_, wanted)| **wanted).map(|((_, d), _)| *d).collect();
        let mut stored = store::insert_messages(tx, &asked)?.into_iter();
        let ids: Vec<_> = wanted.iter().map(|wanted| if *wanted { stored.next().flatten() } else { None }).collect();
        let new: Vec<New> = drafts.iter().zip(&ids).filter_map(|((context, draft), id)| Some((*context, *draft, (*id)?))).collect();
        for (context, draft, id) in &new {
            if let Some(context) = context {
                tx.act_for(context);
            }
            let (kind, channel) = (draft.kind.as_str().to_owned(), draft.channel.as_str().to_owned());
            tx.publish(NotificationQueued { notification_id: *id, user_id: draft.user_id, kind, channel })?;
        }
        self.send_off(tx, &new)?;
        Ok(ids)
    }

    /// To the shopper; what is a sale, or was one, also to each store's owner, or to theirs alone.
    async fn about_order(&self, cause: &Cause, order: OrderId, known: &mut Known) -> Result<Vec<Draft>, Error> {
        let (order, email) = self.order(order, known).await?;
        let order = &*order;
        let to_stores = if cause.kind.is_to_store() { Some(cause.kind) } else { cause.kind.to_stores() };
        let part = cause.part.and_then(|id| order.vendor_orders.iter().find(|p| p.id == id));
        let concerned: Vec<&Part> = match part {
            Some(part) => vec![part],
            None => order.vendor_orders.iter().filter(|p| cause.stores.contains(&p.vendor_id)).collect(),
        };
        let stores = if concerned.is_empty() { Vec::new() } else { self.stores(concerned.iter().map(|p| p.vendor_id), known).await? };
        let store_of = |part: &Part| stores.iter().find(|s| s.id == part.vendor_id);

        let name = part.and_then(store_of).map_or("", |s| s.name.as_str());
        let shopper = if cause.kind.is_to_store() { None } else { self.shopper(order, email, known).await? };
        let mut drafts = match shopper {
            Some(reader) => self.draft(&known.written, cause.kind, &self.story(cause, Some(order), part, name), &reader)?,
            None => Vec::new(),
        };
        let Some(to_stores) = to_stores else { return Ok(drafts) };
        for part in concerned {
            let Some((store, owner)) = store_of(part).and_then(|s| Some((s, s.owner?))) else { continue };
            let Some(reader) = self.user(owner, known).await? else { continue };
            let story = self.story(cause, Some(order), Some(part), &store.name);
            let of_part = self.draft(&known.written, to_stores, &story, &reader)?;
            let about = if cause.kind.is_to_store() { cause.about } else { part.id.0 };
            drafts.extend(of_part.into_iter().map(|d| Draft { about, ..d }));
        }
        Ok(drafts)
    }

    /// To somebody, about themselves; perhaps with a store.
    async fn about_user(&self, cause: &Cause, user: UserId, known: &mut Known) -> Result<Vec<Draft>, Error> {
        let Some(reader) = self.user(user, known).await? else { return Ok(Vec::new()) };
        let stores = self.stores(cause.stores.iter().copied(), known).await?;
        let name = stores.first().map_or("", |store| store.name.as_str());
        self.draft(&known.written, cause.kind, &self.story(cause, None, None, name), &reader)
    }

    /// To the owner of each store whose goods they are.
    async fn about_goods(&self, cause: &Cause, known: &mut Known) -> Result<Vec<Draft>, Error> {
        let mut drafts = Vec::new();
        for store in self.stores(cause.stores.iter().copied(), known).await? {
            let Some(owner) = store.owner else { continue };
            let Some(reader) = self.user(owner, known).await? else { continue };
            drafts.extend(self.draft(&known.written, cause.kind, &self.story(cause, None, None, &store.name), &reader)?);
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
        reader.channels(kind).filter(|channel| self.mail || *channel != Medium::Email).map(draft).collect()
    }
}
