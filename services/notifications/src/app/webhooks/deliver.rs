//! What waits for an endpoint leaves in one job, in the order in which it is due: an endpoint that hangs holds up nobody but
//! itself. The job rests in the transaction that finds nothing due; a test of an endpoint is a job of its own.

use bytes::Bytes;
use contracts::{Time, WebhookDeliveryId, WebhookId};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kit::jobs::{self, Job, JobOutcome};
use kit::trace::{self, Span};
use kit::webhook::{Secret, sign_all};
use kit::{DbError, Tx};
use serde_json::Value as Json;

use crate::NAME;
use crate::app::{App, write_later};
use crate::domain::webhook::{DisabledReason, Next, Reply, TEST_EVENT, message_id, next, rest_seconds};
use crate::domain::{Cause, Kind, Status};
use crate::error::Error;
use crate::store::{self, Endpoint, WebhookOutgoing};

/// The kind of the job that hands over what waits for an endpoint.
pub(crate) const WEBHOOK_JOB: &str = "webhook.deliver";
/// The kind of the job that tries an endpoint.
pub(crate) const WEBHOOK_TEST_JOB: &str = "webhook.test";

/// How many requests to one endpoint are under way at once.
const AT_ONCE: usize = 8;
/// How many deliveries are looked up at once,
const BATCH: i64 = 32;
/// and how often in one run of the job.
const BATCHES: usize = 8;

/// An attempt that was made.
struct Made {
    out: WebhookOutgoing,
    reply: Reply,
    at: Time,
    duration_ms: i64,
}

/// How an endpoint answered.
#[derive(Default)]
struct Heard {
    answers: usize,
    silences: usize,
}

impl App {
    /// Runs the job of an endpoint.
    pub(crate) async fn run_webhook_job(&self, job: Job) -> JobOutcome {
        // A delivery had a job of its own once.
        let delivery = job.key.split_once('/').and_then(|(delivery, _)| delivery.parse::<WebhookDeliveryId>().ok());
        match (delivery, job.key.parse::<WebhookId>()) {
            (Some(delivery), _) => outcome(self.pass_on(delivery).await),
            (None, Ok(webhook)) => outcome(self.tell(webhook).await),
            (None, Err(_)) => JobOutcome::Failed(format!("not an endpoint: {:?}", job.key)),
        }
    }

    /// Runs the job that tries an endpoint: once, and even where it is disabled.
    pub(crate) async fn run_webhook_test_job(&self, job: Job) -> JobOutcome {
        match job.key.parse() {
            Ok(id) => outcome(self.try_endpoint(id).await),
            Err(_) => JobOutcome::Failed(format!("not a delivery: {:?}", job.key)),
        }
    }

    async fn pass_on(&self, id: WebhookDeliveryId) -> Result<(), Error> {
        let Some((webhook, _)) = self.db.read(move |q| store::one_outgoing(q, id)).await? else { return Ok(()) };
        self.db.write(move |tx| Ok(deliver_later(tx, webhook, None)?)).await
    }

    async fn try_endpoint(&self, id: WebhookDeliveryId) -> Result<(), Error> {
        let found = self.db.read(move |q| {
            let Some((webhook, out)) = store::one_outgoing(q, id)? else { return Ok(None) };
            Ok::<_, Error>(store::endpoint(q, webhook)?.map(|to| (to, out)))
        });
        match found.await? {
            Some((to, out)) => self.hand_over(&to, vec![out]).await.map(drop),
            None => Ok(()),
        }
    }

    /// Sends what is due at an endpoint, until nothing is or the endpoint does not answer.
    async fn tell(&self, webhook: WebhookId) -> Result<(), Error> {
        for _ in 0..BATCHES {
            let now = self.clock.now();
            let Some((to, due)) = self.db.read(move |q| due(q, webhook, now)).await? else { break };
            if due.is_empty() || self.tasks.is_stopping() {
                break;
            }
            if !to.enabled {
                self.db.write(move |tx| Ok::<_, Error>(store::give_up_due(tx, webhook)?)).await?;
                continue;
            }
            let heard = self.hand_over(&to, due).await?;
            self.note_silence(&to, &heard).await?;
        }
        let key = webhook.to_string();
        self.db.write(move |tx| Ok(jobs::rest(tx, WEBHOOK_JOB, &key, |tx| store::next_due(tx, webhook))?)).await
    }

    /// One that answered nothing is left alone for a while, and then tried with one delivery.
    async fn note_silence(&self, to: &Endpoint, heard: &Heard) -> Result<(), Error> {
        let (webhook, before) = (to.id, to.silences);
        let silences = match heard {
            Heard { answers: 0, silences: 1.. } => before + 1,
            Heard { answers: 0, .. } => before,
            _ => 0,
        };
        if silences == before {
            return Ok(());
        }
        self.db
            .write(move |tx| {
                let until = (silences > 0).then(|| tx.now().plus_seconds(rest_seconds(silences)));
                Ok(store::note_silences(tx, webhook, silences, until)?)
            })
            .await
    }

    /// Sends deliveries, some at once, and notes what is said. Once there was no answer, or one that wants no more, no
    /// further one is begun.
    async fn hand_over(&self, to: &Endpoint, due: Vec<WebhookOutgoing>) -> Result<Heard, Error> {
        let secrets = self.secrets(to, self.clock.now())?;
        let (mut waiting, mut under_way) = (due.into_iter(), FuturesUnordered::new());
        let (mut is_over, mut heard, webhook) = (false, Heard::default(), to.id);
        loop {
            while under_way.len() < AT_ONCE && !is_over && !self.tasks.is_stopping() {
                let Some(out) = waiting.next() else { break };
                under_way.push(self.attempt(to, &secrets, out));
            }
            let Some(first) = under_way.next().await else { return Ok(heard) };
            let mut made = vec![first];
            while let Some(Some(another)) = under_way.next().now_or_never() {
                made.push(another);
            }
            let silences = made.iter().filter(|m| m.reply.is_silent).count();
            heard.silences += silences;
            heard.answers += made.len() - silences;
            is_over |= silences > 0 || made.iter().any(|m| m.reply.is_gone());
            kit::crash::point("notifications.after_webhook");
            let app = self.clone();
            self.db.write(move |tx| made.iter().try_for_each(|made| app.note_attempt(tx, webhook, made))).await?;
        }
    }

    async fn attempt(&self, to: &Endpoint, secrets: &[Secret], out: WebhookOutgoing) -> Made {
        let at = self.clock.now();
        let headers = sign_all(secrets, &message_id(out.event_id), at, out.payload.as_bytes());
        let mut span = match to.url.parse() {
            Ok(url) => trace::http::request(NAME, &http::Method::POST, &url),
            Err(_) => Span::nothing(),
        };
        let reply = self.webhooks.courier.post(&to.url, headers, Bytes::from(out.payload.clone())).await;
        match reply.status.and_then(|status| http::StatusCode::from_u16(status).ok()) {
            Some(status) => trace::http::answered(&mut span, status),
            None => span.fail(&reply.words),
        }
        Made { out, reply, at, duration_ms: (self.clock.now().0 - at.0) / 1_000 }
    }

    /// Notes what an endpoint said, when it is asked again, and what follows for the endpoint.
    fn note_attempt(&self, tx: &mut Tx, webhook: WebhookId, made: &Made) -> Result<(), Error> {
        let Made { out, reply, at, duration_ms } = made;
        let Some((_, of_series)) = store::note_webhook_attempt(tx, out.id, reply, *at, *duration_ms)? else { return Ok(()) };
        let (is_test, chance) = (out.event_type == TEST_EVENT, tx.id().as_u128() as u64);
        let Next { status, pause_seconds, gone } = next(reply, of_series, is_test.then_some(1), chance);
        let next_at = pause_seconds.map(|seconds| tx.now().plus_seconds(seconds));
        store::settle_webhook_delivery(tx, out.id, out.series, status, next_at)?;
        if !is_test {
            self.judge(tx, webhook, status, gone)?;
            let outcome = reply.outcome();
            tx.after_commit(move || metrics::counter!("haat_webhook_attempts_total", "outcome" => outcome).increment(1));
        }
        Ok(())
    }

    /// An endpoint that is gone, or has failed for days, is told nothing any more; who made it is told that.
    fn judge(&self, tx: &mut Tx, webhook: WebhookId, status: Status, gone: bool) -> Result<(), DbError> {
        if status == Status::Sent {
            return store::note_success(tx, webhook);
        }
        let failing_since = store::note_failure(tx, webhook)?;
        let limit = tx.now().plus_seconds(-self.webhooks.disable_after_seconds);
        let reason = match failing_since {
            _ if gone => DisabledReason::Gone,
            Some(since) if since <= limit => DisabledReason::Failing,
            _ => return Ok(()),
        };
        let Some((by, url)) = store::disable(tx, webhook, reason)? else { return Ok(()) };
        let about = tx.id();
        let of_user = Cause::of_user(Kind::WebhookDisabled, by);
        write_later(tx, &Cause { about, reason: Some(reason.as_str().into()), url: Some(url), ..of_user })
    }
}

/// An endpoint, and what is due there now: one delivery where the endpoint did not answer last time, none while it rests.
fn due(q: &mut kit::Query, webhook: WebhookId, now: Time) -> Result<Option<(Endpoint, Vec<WebhookOutgoing>)>, Error> {
    let Some(to) = store::endpoint(q, webhook)? else { return Ok(None) };
    let limit = match to.silences {
        _ if to.rests_until.is_some_and(|until| now < until) => return Ok(Some((to, Vec::new()))),
        0 => BATCH,
        _ => 1,
    };
    let due = store::due_at(q, webhook, now, limit)?;
    Ok(Some((to, due)))
}

fn outcome(done: Result<(), Error>) -> JobOutcome {
    match done {
        Ok(()) => JobOutcome::Done,
        Err(e @ Error::Internal(_)) => JobOutcome::Failed(e.to_string()),
        Err(e) => JobOutcome::Retry(e.to_string()),
    }
}

/// Has what waits for an endpoint sent, not before `rests_until`.
pub(super) fn deliver_later(tx: &mut Tx, webhook: WebhookId, rests_until: Option<Time>) -> Result<(), DbError> {
    let now = tx.now();
    jobs::hasten(tx, WEBHOOK_JOB, &webhook.to_string(), rests_until.map_or(now, |until| until.max(now)))
}

/// Has an endpoint tried with a delivery that does not queue.
pub(super) fn try_later(tx: &mut Tx, id: WebhookDeliveryId) -> Result<(), DbError> {
    let now = tx.now();
    jobs::queue(tx, WEBHOOK_TEST_JOB, &id.to_string(), Json::Null, now)
}
