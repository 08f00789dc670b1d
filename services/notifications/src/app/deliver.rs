//! Messages on their way to the outside: a job per message, which ends in the transaction that notes the answer.

use contracts::events::notifications::{NotificationFailed, NotificationSent};
use contracts::{NotificationId, Time};
use kit::http::PageRequest;
use kit::jobs::{self, Job, JobOutcome};
use kit::trace::{self, Span};
use kit::{Context, DbError, Tx};
use serde_json::Value as Json;

use super::App;
use super::preferences::{held, held_until};
use crate::NAME;
use crate::domain::{Answer, Draft, HIDDEN, Kind, Medium, Outcome, Status, after, unsubscribe_url};
use crate::error::Error;
use crate::provider::said;
use crate::store::{self, Delivery, NewMail, Outgoing, Progress};

/// The kind of the job that delivers.
pub(crate) const DELIVERY_JOB: &str = "deliver";

/// A new message: whose work it is, where not the caller's; what it says; and its id.
pub(super) type New<'a> = (Option<&'a Context>, &'a Draft, NotificationId);

/// A mail at the moment of an attempt.
enum Leaving {
    Now(Box<Outgoing>),
    /// Its reader is not to be disturbed before.
    Later(Time),
}

impl App {
    /// Sees to it that new messages leave: at once where nobody need be asked, else by a job each; after quiet hours where
    /// they would disturb.
    pub(super) fn send_off(&self, tx: &mut Tx, new: &[New]) -> Result<(), Error> {
        let (in_app, mails): (Vec<_>, Vec<_>) = new.iter().copied().partition(|(_, draft, _)| draft.channel == Medium::InApp);
        let (live, told): (_, Vec<_>) = (self.live.clone(), in_app.iter().map(|(_, draft, _)| draft.recipient).collect());
        tx.after_commit(move || told.into_iter().for_each(|recipient| live.tell(recipient)));

        let (now, at_once) = (tx.now(), self.mailer.at_once());
        let hours = store::quiet_hours_of(tx, &mails.iter().map(|(_, draft, _)| draft.recipient).collect::<Vec<_>>())?;
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        for (context, draft, id) in mails {
            let (mail, held) = ((id, draft.channel, &*draft.address), held(hours.get(&draft.recipient), draft.kind, now));
            if at_once.is_some() && held.is_none() && !draft.kind.has_link() {
                gone.push((context, mail));
            } else {
                left.push((context, (mail, held.unwrap_or(now))));
            }
        }
        store::insert_deliveries(tx, &left.iter().map(|(_, mail)| *mail).collect::<Vec<_>>())?;
        for (context, ((id, ..), due)) in left {
            if let Some(context) = context {
                tx.act_for(context);
            }
            deliver_later(tx, id, 0, due)?;
        }
        match at_once {
            Some(answer) => self.note_gone(tx, &gone, &answer),
            None => Ok(()),
        }
    }

    fn note_gone(&self, tx: &mut Tx, gone: &[(Option<&Context>, NewMail)], answer: &Answer) -> Result<(), Error> {
        let mails: Vec<NewMail> = gone.iter().map(|(_, mail)| *mail).collect();
        store::insert_sent(tx, &mails, answer)?;
        if self.development {
            store::post_all(tx, &mails)?;
        }
        for (context, (id, channel, _)) in gone {
            if let Some(context) = context {
                tx.act_for(context);
                let mut span = Span::below(context.traceparent.as_deref(), NAME, trace::Kind::Client, || "send mail".into());
                said(&mut span, *id, answer);
                tx.trace(span);
            }
            tx.publish(NotificationSent { notification_id: *id, channel: channel.as_str().to_owned() })?;
        }
        Ok(())
    }

    /// Runs the job: one attempt, and when the next one is due.
    pub(crate) async fn run_delivery_job(&self, job: Job) -> JobOutcome {
        let id = job.key.split('/').next().and_then(|id| id.parse().ok());
        let Some(id) = id else { return JobOutcome::Failed(format!("not a message: {:?}", job.key)) };
        match self.deliver(id).await {
            Ok(Some(due)) => JobOutcome::Again(due),
            Ok(None) => JobOutcome::Done,
            Err(e) => JobOutcome::Retry(e.to_string()),
        }
    }

    async fn deliver(&self, id: NotificationId) -> Result<Option<Time>, Error> {
        let Some(mail) = self.leaving(id).await? else { return Ok(None) };
        let mail = match mail {
            Leaving::Now(mail) => *mail,
            Leaving::Later(due) => return Ok(Some(due)),
        };
        let progress = mail.progress;
        let (answer, revealed) = match self.with_link(mail).await {
            Ok((mail, has_link)) => (self.mailer.send(&mail, self.clock.now()).await, has_link.then_some(mail)),
            Err(answer) => (answer, None),
        };
        kit::crash::point("notifications.after_provider");
        let app = self.clone();
        self.db.write(move |tx| app.note(tx, id, progress, &answer, revealed.as_ref())).await
    }

    /// A mail that has still to leave, and whether it may now: an attempt before may have ended in quiet hours.
    async fn leaving(&self, id: NotificationId) -> Result<Option<Leaving>, Error> {
        let now = self.clock.now();
        let found = self.db.read(move |q| {
            let Some(mail) = store::outgoing(q, id)? else { return Ok::<_, Error>(None) };
            let held = Kind::parse(&mail.kind).map(|kind| held_until(q, mail.recipient, kind, now)).transpose()?.flatten();
            Ok(Some((mail, held)))
        });
        let Some((mail, held)) = found.await? else { return Ok(None) };
        if let Some(due) = held {
            self.db.write(move |tx| store::postpone(tx, id, due)).await?;
            return Ok(Some(Leaving::Later(due)));
        }
        let kind = Kind::parse(&mail.kind);
        let unsubscribe_url = kind.and_then(|kind| unsubscribe_url(&self.public_url, &self.links.token(mail.recipient), kind));
        Ok(Some(Leaving::Now(Box::new(Outgoing { unsubscribe_url, ..mail }))))
    }

    /// The mail with the token of its link, where it has one: drawn now, and not in what is stored.
    async fn with_link(&self, mail: Outgoing) -> Result<(Outgoing, bool), Answer> {
        if mail.turned_off {
            return Err(Answer::new(Outcome::Never, "such messages were turned off meanwhile"));
        }
        if !Kind::parse(&mail.kind).is_some_and(Kind::has_link) {
            return Ok((mail, false));
        }
        let token = self.issue_link(mail.about).await?;
        let (body, html) = (mail.body.replace(HIDDEN, &token), mail.html.as_ref().map(|html| html.replace(HIDDEN, &token)));
        Ok((Outgoing { body, html, ..mail }, true))
    }

    /// Notes what a provider said; when it is asked again. `revealed` is the mail where it is not as it is stored.
    fn note(
        &self,
        tx: &mut Tx,
        id: NotificationId,
        before: Progress,
        answer: &Answer,
        revealed: Option<&Outgoing>,
    ) -> Result<Option<Time>, Error> {
        let number = before.attempts + 1;
        let chance = tx.id().as_u128() as u64;
        let (status, pause) = after(answer.outcome, number - before.series_from, self.attempts_max, chance);
        let next_at = pause.map(|seconds| tx.now().plus_seconds(seconds));
        if !store::note_attempt(tx, id, number, answer, status, next_at)? {
            return Ok(None);
        }
        let channel = Medium::Email.as_str().to_owned();
        match status {
            Status::Sent => {
                if self.development {
                    store::post(tx, id, revealed.map(|m| m.body.as_str()), revealed.and_then(|m| m.html.as_deref()))?;
                }
                tx.publish(NotificationSent { notification_id: id, channel })?;
            }
            Status::Dead => tx.publish(NotificationFailed { notification_id: id, channel, attempts: number })?,
            Status::Pending | Status::Failed => {}
        }
        Ok(next_at)
    }

    /// Deliveries, newest first.
    pub async fn deliveries(&self, status: Option<Status>, page: PageRequest) -> Result<Vec<Delivery>, Error> {
        self.db.read(move |q| Ok(store::deliveries(q, status, page.after, page.limit)?)).await
    }

    /// Has a message that was given up tried anew.
    pub async fn retry(&self, id: NotificationId) -> Result<Delivery, Error> {
        self.db
            .write(move |tx| {
                let found = store::delivery(tx, id)?.ok_or(Error::NoDelivery)?;
                let Some(series) = store::revive(tx, id)? else { return Err(Error::NotDead(found.status)) };
                let now = tx.now();
                deliver_later(tx, id, series, now)?;
                store::delivery(tx, id)?.ok_or(Error::NoDelivery)
            })
            .await
    }
}

/// Each series of attempts has a job of its own: the one before may not have ended yet.
fn deliver_later(tx: &mut Tx, id: NotificationId, series: i64, due: Time) -> Result<(), DbError> {
    jobs::queue(tx, DELIVERY_JOB, &format!("{id}/{series}"), Json::Null, due)
}
