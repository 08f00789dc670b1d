//! The use cases of the sandbox, one transaction each.

mod webhooks;

use contracts::PaymentId;
use kit::clock::Ids;
use kit::outbound::Outbound;
use kit::webhook::Secret;
use kit::{Clock, Db, Tasks, Tx, jobs};
use uuid::Uuid;

use crate::domain::{Answer, Chaos, Effect, Session, Status};
use crate::error::Error;
use crate::store::{self, Charge, Refund};

use webhooks::Delivery;
pub(crate) use webhooks::JOB as WEBHOOK_JOB;

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub ids: Ids,
    pub tasks: Tasks,
    pub outbound: Outbound,
    pub secret: Secret,
    pub public_url: String,
    pub late_webhook_ms: i64,
    pub chaos: Chaos,
}

/// What a merchant wants paid.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub payment_id: PaymentId,
    pub amount: i64,
    pub currency: String,
    pub reference: String,
    pub webhook_url: String,
    pub return_url: String,
}

/// What the browser is told after the payer's answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub status: &'static str,
    pub redirect_url: String,
}

impl App {
    /// Opens a hosted page, or finds the one that the payment has.
    pub async fn create(&self, new: NewSession) -> Result<Session, Error> {
        check(&new)?;
        let session = Session {
            payment_id: new.payment_id,
            token: Some(kit::auth::timed_secret(&self.ids, self.clock.now())),
            status: Status::Open,
            answer: None,
            amount: new.amount,
            currency: new.currency,
            reference: new.reference,
            webhook_url: new.webhook_url,
            return_url: new.return_url,
        };
        self.db
            .write(move |tx| {
                if store::insert_session(tx, &session)? {
                    return Ok(session.clone());
                }
                let found = store::session(tx, session.payment_id)?.ok_or(Error::NotFound)?;
                let same = (found.amount, &found.currency) == (session.amount, &session.currency);
                if found.status != Status::Cancelled && !same {
                    return Err(Error::KeyReused("the payment has a session with another amount"));
                }
                Ok(found)
            })
            .await
    }

    /// The session of a payment, with its charge.
    pub async fn session(&self, id: PaymentId) -> Result<Option<(Session, Option<Charge>)>, Error> {
        self.db
            .read(move |q| match store::session(q, id)? {
                Some(session) => Ok(Some((session, store::charge(q, id)?))),
                None => Ok(None),
            })
            .await
    }

    /// Closes a session that is still open; one never seen is remembered as closed.
    pub async fn cancel(&self, id: PaymentId) -> Result<(Session, Option<Charge>), Error> {
        self.db
            .write(move |tx| {
                let session = store::cancel(tx, id)?;
                let charge = if session.status == Status::Charged { store::charge(tx, id)? } else { None };
                Ok((session, charge))
            })
            .await
    }

    /// The session behind a hosted page.
    pub async fn page(&self, token: String) -> Result<Session, Error> {
        self.db.read(move |q| store::session_of_page(q, &token)?.ok_or(Error::NotFound)).await
    }

    /// Takes the payer's answer, once. A charge and the webhook that tells of it are one transaction; the webhook then
    /// goes out at once, or late after a timeout.
    pub async fn answer(&self, token: String, answer: Answer) -> Result<Told, Error> {
        let (late_ms, chaos) = (self.late_webhook_ms, self.chaos);
        let (session, delivery) = self.db.write(move |tx| take_answer(tx, &token, answer, chaos, late_ms)).await?;
        kit::crash::point("sandbox.after_charge");
        if let Some(delivery) = delivery {
            let (app, early) = (self.clone(), delivery.early);
            let sending = self.tasks.spawn(async move { app.deliver_now(delivery).await });
            if early {
                // The task tells its own failures to the log and to its job.
                let _ = sending.await;
            }
        }
        Ok(Told { status: answer.told(), redirect_url: redirect_url(&session, answer) })
    }

    /// Gives money of a charge back; the refund id is the key, and its first outcome is its only one.
    pub async fn refund(&self, id: Uuid, payment_id: PaymentId, amount: i64) -> Result<Refund, Error> {
        if amount <= 0 {
            return Err(Error::InvalidAmount(format!("a refund is more than 0, found {amount}")));
        }
        self.db
            .write(move |tx| {
                if let Some(known) = store::refund(tx, id)? {
                    let same = (known.payment_id, known.amount) == (payment_id, amount);
                    return if same { Ok(known) } else { Err(Error::KeyReused("the refund was asked for with other contents")) };
                }
                let error = if store::take_back(tx, payment_id, amount)? { "" } else { "exceeds_charge" };
                let refund = Refund { id, payment_id, amount, error: error.into() };
                if store::insert_refund(tx, &refund)? { Ok(refund) } else { Err(tx.lost_race().into()) }
            })
            .await
    }

    /// Every charge, newest first.
    pub async fn charges(&self) -> Result<Vec<Charge>, Error> {
        self.db.read(|q| Ok(store::charges(q)?)).await
    }

    /// The address of a session's hosted page.
    pub fn page_url(&self, session: &Session) -> String {
        session.token.as_ref().map(|t| format!("{}/sandbox/pay/{t}", self.public_url)).unwrap_or_default()
    }
}

/// The session after the answer, and what is to be delivered at once.
fn take_answer(tx: &mut Tx, token: &str, answer: Answer, chaos: Chaos, late_ms: i64) -> Result<(Session, Option<Delivery>), Error> {
    let Some(session) = store::take_answer(tx, token, answer)? else {
        let session = store::session_of_page(tx, token)?.ok_or(Error::NotFound)?;
        return match session.answered(answer)? {
            Effect::Before => Ok((session, None)),
            Effect::Now => Err(tx.lost_race().into()),
        };
    };
    let charge_id = tx.id();
    if session.status == Status::Charged {
        store::insert_charge(tx, charge_id, session.payment_id, session.money()?)?;
    }
    let delivery = Delivery::of(&session, charge_id, chaos.of(charge_id), tx.id());
    if answer == Answer::Timeout {
        let due = tx.now().plus_millis(late_ms);
        jobs::queue(tx, WEBHOOK_JOB, &delivery.key, delivery.payload(), due)?;
        return Ok((session, None));
    }
    jobs::queue_held(tx, WEBHOOK_JOB, &delivery.key, delivery.payload())?;
    Ok((session, Some(delivery)))
}

fn check(new: &NewSession) -> Result<(), Error> {
    if new.amount <= 0 {
        return Err(Error::InvalidAmount(format!("a payment is more than 0, found {}", new.amount)));
    }
    if new.currency.parse::<contracts::Currency>().is_err() {
        return Err(Error::InvalidAmount(format!("unknown currency {:?}", new.currency)));
    }
    let is_web = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    if !is_web(&new.webhook_url) || !is_web(&new.return_url) {
        return Err(Error::InvalidAmount("webhook_url and return_url are http or https addresses".into()));
    }
    Ok(())
}

fn redirect_url(session: &Session, answer: Answer) -> String {
    let separator = if session.return_url.contains('?') { '&' } else { '?' };
    format!("{}{separator}payment={}", session.return_url, answer.told())
}
