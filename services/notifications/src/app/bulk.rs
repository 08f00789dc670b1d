//! Messages to many: a job that goes through a list, or through everybody, a few at a time. Each step stores its
//! messages and how far it came in one transaction, so that one that runs again, or twice at once, tells nobody twice.

use contracts::proto::identity as identity_api;
use contracts::{Time, UserId};
use kit::idempotency::{Answer, Given, Key, once};
use kit::jobs::{self, Job, JobOutcome};
use kit::{DbError, Role, Tx};
use serde_json::Value as Json;
use uuid::Uuid;

use super::App;
use super::people::Known;
use super::people::unreachable;
use super::templates::Written;
use crate::domain::{Addressee, Draft, Locale, Variables, Wanted, check_variables};
use crate::error::Error;
use crate::store::{self, Audience, Bulk, BulkFailure, BulkRecipient, Step};

/// The kind of the job that goes through a list.
pub(crate) const BULK_JOB: &str = "bulk";

/// How many people one transaction tells; with list, mail and events that is some hundred rows.
const AT_ONCE: i64 = 25;

/// How a job is shown to who asked for it.
pub(crate) type Show = fn(Bulk) -> Json;

/// Somebody of the list, and what they are told.
struct Turn {
    number: i64,
    user: UserId,
    drafts: Result<Vec<Draft>, (&'static str, String)>,
}

impl App {
    /// Starts telling everybody on a list.
    pub async fn send_bulk(
        &self,
        wanted: Wanted,
        list: Vec<BulkRecipient>,
        by: UserId,
        key: Option<Key>,
        show: Show,
    ) -> Result<Given, Error> {
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let id = store::insert_bulk(tx, &Audience::List, &wanted, Some(list.len() as i64), by)?;
                    store::insert_recipients(tx, id, &list)?;
                    begin(tx, id, show)
                })
            })
            .await
    }

    /// Starts telling everybody who has an account now, or of those the ones with a role.
    pub async fn broadcast(&self, wanted: Wanted, role: Option<Role>, by: UserId, key: Option<Key>, show: Show) -> Result<Given, Error> {
        self.db
            .write(move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let id = store::insert_bulk(tx, &Audience::Everybody(role), &wanted, None, by)?;
                    begin(tx, id, show)
                })
            })
            .await
    }

    /// How far one is.
    pub async fn bulk(&self, id: Uuid) -> Result<Bulk, Error> {
        self.db.read(move |q| store::bulk(q, id)?.ok_or(Error::NoBulk)).await
    }

    /// Whom it could not tell, newest first.
    pub async fn bulk_failures(&self, id: Uuid, page: kit::http::PageRequest) -> Result<Vec<BulkFailure>, Error> {
        self.db
            .read(move |q| {
                store::bulk(q, id)?.ok_or(Error::NoBulk)?;
                Ok(store::bulk_failures(q, id, page.after, page.limit)?)
            })
            .await
    }

    /// Runs the job: one step, then again at once until nobody is left.
    pub(crate) async fn run_bulk_job(&self, job: Job) -> JobOutcome {
        let Ok(id) = job.key.parse() else { return JobOutcome::Failed(format!("not a job: {:?}", job.key)) };
        match self.step(id).await {
            Ok(true) => JobOutcome::Again(self.clock.now()),
            Ok(false) => JobOutcome::Done,
            Err(e @ (Error::Template(_) | Error::Internal(_))) => JobOutcome::Failed(e.to_string()),
            Err(e) => JobOutcome::Retry(e.to_string()),
        }
    }

    /// Tells the next few; whether there may be more.
    async fn step(&self, id: Uuid) -> Result<bool, Error> {
        let bulk = match self.bulk(id).await {
            // Its last step was made, and only the end of this job was not stored.
            Ok(bulk) if bulk.is_done => return Ok(false),
            Ok(bulk) => bulk,
            Err(Error::NoBulk) => return Ok(false),
            Err(e) => return Err(e),
        };
        let mut known = Known::new(self.written().await?);
        let (turns, total) = match &bulk.audience {
            Audience::List => (self.turns_of_list(&bulk, &mut known).await?, bulk.total),
            Audience::Everybody(role) => self.turns_of_everybody(&bulk, *role, &known.written).await?,
        };
        let more = turns.len() as i64 == AT_ONCE;
        let (app, done) = (self.clone(), bulk.done);
        // A step that somebody else made meanwhile leaves nothing to do here; the next look finds out what is left.
        let made = self.db.write_behind(move |tx| app.make(tx, id, done, &turns, total, more)).await?;
        Ok(more || !made)
    }

    async fn turns_of_list(&self, bulk: &Bulk, known: &mut Known) -> Result<Vec<Turn>, Error> {
        let (id, done) = (bulk.id, bulk.done);
        let recipients = self.db.read(move |q| store::recipients(q, id, done, AT_ONCE)).await.map_err(Error::from)?;
        let mut turns = Vec::new();
        for (number, recipient) in recipients {
            let reader = self.user(recipient.user, known).await?;
            let variables: Variables = bulk.wanted.variables.clone().into_iter().chain(recipient.variables).collect();
            let drafts = match reader {
                Some(reader) => self.compose_for(bulk, number, &known.written, &reader, variables)?,
                None => Err(("unknown_user", "there is no such user".to_owned())),
            };
            turns.push(Turn { number, user: recipient.user, drafts });
        }
        Ok(turns)
    }

    async fn turns_of_everybody(&self, bulk: &Bulk, role: Option<Role>, written: &Written) -> Result<(Vec<Turn>, Option<i64>), Error> {
        let request = identity_api::ListUsersRequest {
            after: bulk.last_user.map(|user| user.to_string()).unwrap_or_default(),
            limit: AT_ONCE,
            role: role.map(|role| role.as_str().to_owned()).unwrap_or_default(),
            created_before: bulk.created_at.0,
        };
        let answer = self.identity.clone().list_users(request).await.map_err(unreachable("identity"))?.into_inner();
        let mut turns = Vec::new();
        for (found, number) in answer.users.into_iter().zip(bulk.done + 1..) {
            let user: UserId = found.user_id.parse().map_err(|_| Error::Internal(format!("not a user: {:?}", found.user_id)))?;
            let reader = Addressee {
                recipient: user.0,
                user_id: Some(user),
                email: found.email,
                name: found.first_name,
                locale: Locale::of(&found.locale),
                link_token: self.links.token(user.0),
            };
            let drafts = self.compose_for(bulk, number, written, &reader, bulk.wanted.variables.clone())?;
            turns.push(Turn { number, user, drafts });
        }
        Ok((turns, (bulk.done == 0).then_some(answer.total)))
    }

    /// The inner error is the reader's alone: everybody else is told.
    fn compose_for(
        &self,
        bulk: &Bulk,
        number: i64,
        written: &Written,
        reader: &Addressee,
        variables: Variables,
    ) -> Result<Result<Vec<Draft>, (&'static str, String)>, Error> {
        let kind = bulk.wanted.kind;
        if let Some(wrong) = check_variables(kind, &variables).first() {
            return Ok(Err(("invalid_variables", format!("{}: {}", wrong.name, wrong.detail))));
        }
        let wanted = Wanted { variables, ..bulk.wanted.clone() };
        let about = Uuid::new_v5(&bulk.id, &number.to_be_bytes());
        let drafts = self.compose(written, &wanted, about, reader)?;
        Ok(if drafts.is_empty() { Err(("no_address", "no channel reaches this user".to_owned())) } else { Ok(drafts) })
    }

    /// One step in one transaction; false where somebody else made it.
    fn make(&self, tx: &mut Tx, id: Uuid, done: i64, turns: &[Turn], total: Option<i64>, more: bool) -> Result<bool, Error> {
        let (last, count) = (turns.last().map(|t| t.user), turns.len() as i64);
        if !store::advance(tx, id, done, &Step { count, last, total, is_last: !more })? {
            return Ok(false);
        }
        let (mut queued, mut skipped, mut failed) = (0, 0, 0);
        for turn in turns {
            match &turn.drafts {
                Ok(drafts) => {
                    let mut any = false;
                    for draft in drafts {
                        any |= self.store_draft(tx, draft)?.is_some();
                    }
                    if any { queued += 1 } else { skipped += 1 }
                }
                Err((code, detail)) => {
                    failed += 1;
                    store::insert_bulk_failure(tx, id, turn.number, turn.user, code, detail)?;
                }
            }
        }
        store::count_bulk(tx, id, queued, skipped, failed)?;
        Ok(true)
    }

    /// Forgets lists that are older than they need be.
    pub(super) async fn prune_bulk(&self, before: Time) -> Result<(), DbError> {
        while self.db.write_behind(move |tx| store::prune_bulk(tx, before)).await? > 0 {}
        Ok(())
    }
}

/// Queues the job; the answer to who asked for it.
fn begin(tx: &mut Tx, id: Uuid, show: Show) -> Result<kit::idempotency::Answer, Error> {
    let now = tx.now();
    jobs::queue(tx, BULK_JOB, &id.to_string(), Json::Null, now)?;
    let made = store::bulk(tx, id)?.ok_or(Error::NoBulk)?;
    Ok(Answer::new(201, Some(format!("/api/v1/notifications/bulk/{id}")), &show(made)))
}
