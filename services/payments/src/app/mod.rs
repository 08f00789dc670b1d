//! The use cases of payments, one transaction each. A provider is asked before a transaction or after it, never within.

mod cash;
mod queries;
mod refunds;
mod settle;
mod webhooks;

use contracts::events::payments::{JournalPosted, PaymentInitiated};
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::{JournalId, OrderId, PaymentId, RefundId};
use kit::channel::Channel;
use kit::{Aggregate, Clock, Db, DbError, Loaded, Tx, jobs};

use crate::domain::{CASH_ON_DELIVERY, Command, Payment, PaymentEvent, RefundStatus, Stage, decide, ledger, shares};
use crate::error::Error;
use crate::provider::{Method, Opening, Providers, Standing};
use crate::store;

pub(crate) use cash::{LateCash, RemittanceRequest, WriteOff, collect_at_door, refused_at_door};
pub(crate) use queries::Shown;
pub(crate) use refunds::{Asked, Asker, RefundRequest};

/// The kind of the job that asks a provider for a refund. It ends in the transaction that notes the provider's answer.
pub(crate) const REFUND_JOB: &str = "refund";

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub providers: Providers,
    pub vendors: VendorsClient<Channel>,
}

/// What another service wants paid.
pub(crate) struct Wanted {
    /// As it will be in the event; the address to pay at is filled in here.
    pub payment: PaymentInitiated,
    /// The order's number, as the payer's page shows it.
    pub reference: String,
}

impl App {
    /// Begins a payment: one call of its provider, one transaction. A repeat gets what is there.
    pub async fn initiate(&self, wanted: Wanted) -> Result<Payment, Error> {
        let Wanted { mut payment, reference } = wanted;
        let (id, method) = (payment.payment_id, Method::parse(&payment.method)?);
        shares::checked(payment.amount, &payment.shares)?;
        if payment.amount.amount > 0 {
            let opening = Opening { payment_id: id, order_id: payment.order_id, amount: payment.amount, reference };
            let standing = self.providers.open(method, opening).await?;
            kit::crash::point("payments.after_provider");
            match standing {
                Standing::Open(url) => payment.action_url = url,
                // A repeat of one that has moved on: it is there, and is answered as it is.
                Standing::Charged(_) | Standing::Declined => {}
                Standing::Cancelled => return Err(Error::Cancelled),
            }
        }
        self.db.write(move |tx| carry_out(tx, id, [Command::Initiate(payment.clone())])).await
    }

    /// Gives a payment up, or gives everything back where it was captured. The provider decides the race against its
    /// payer: only a payment that it has closed is cancelled without a refund.
    pub async fn void(&self, id: PaymentId, order_id: OrderId, reason: String) -> Result<Payment, Error> {
        let charge = match self.load(id).await? {
            Some(known) if known.charge.is_some() || known.stage != Stage::Open => None,
            known => {
                // One that was never begun here may still begin there: the sandbox is the one provider that opens pages.
                let method = known.map_or(Ok(Method::Sandbox), |p| Method::parse(&p.method))?;
                let standing = self.providers.cancel(method, id).await?;
                kit::crash::point("payments.after_provider");
                match standing {
                    Standing::Charged(charge) => Some(charge),
                    Standing::Open(_) | Standing::Declined | Standing::Cancelled => None,
                }
            }
        };
        self.db
            .write(move |tx| {
                let void = Command::Void { order_id, reason: reason.clone() };
                carry_out(tx, id, [void].into_iter().chain(charge.clone().map(Command::Capture)))
            })
            .await
    }

    /// A payment, for whoever knows its id.
    pub async fn load(&self, id: PaymentId) -> Result<Option<Payment>, Error> {
        let found = self.db.read(move |q| Ok::<_, Error>(q.load::<Payment>(id.0)?)).await?;
        Ok(found.map(|l| l.state))
    }
}

/// Who asks the provider for a refund that was set aside.
#[derive(Clone, Copy)]
enum Asks {
    /// The job, as soon as it can.
    Job,
    /// The use case itself, right after the commit; the job takes over where that fails.
    Caller,
}

/// As [`carry_out_asking`], with refunds left to their job.
fn carry_out(tx: &mut Tx, id: PaymentId, commands: impl IntoIterator<Item = Command>) -> Result<Payment, Error> {
    carry_out_asking(tx, id, commands, Asks::Job)
}

/// Decides commands one after another, each on what the one before left, and records all that happens: the events, what
/// lists show, the journals, and a job for each refund that was set aside. Nothing is written when nothing happens.
fn carry_out_asking(tx: &mut Tx, id: PaymentId, commands: impl IntoIterator<Item = Command>, asks: Asks) -> Result<Payment, Error> {
    let new = || Loaded { id: id.0, version: 0, state: Payment::default() };
    let mut loaded = tx.load::<Payment>(id.0)?.unwrap_or_else(new);
    let mut payment = loaded.state.clone();
    let mut events = Vec::new();
    for command in commands {
        let decided = decide(&payment, id, command)?;
        decided.iter().for_each(|event| payment.evolve(event));
        events.extend(decided);
    }
    if events.is_empty() {
        return Ok(payment);
    }
    tx.save(&mut loaded, events.clone())?;
    store::project(tx, id, &payment)?;
    events.iter().try_for_each(|event| follow(tx, id, &payment, event, asks))?;
    Ok(payment)
}

/// What goes with an event in its transaction.
fn follow(tx: &mut Tx, id: PaymentId, payment: &Payment, event: &PaymentEvent, asks: Asks) -> Result<(), Error> {
    match event {
        PaymentEvent::RefundRequested(e) => {
            store::put_refund(tx, e.refund_id, id, e.amount, &e.reason)?;
            if payment.method == CASH_ON_DELIVERY {
                return post(tx, id, payment, event); // paid out by hand, and said to be by hand
            }
            let (key, payload) = (e.refund_id.to_string(), serde_json::json!({ "paymentId": id, "refundId": e.refund_id }));
            match (asks, tx.now()) {
                (Asks::Job, now) => jobs::queue(tx, REFUND_JOB, &key, payload, now)?,
                (Asks::Caller, _) => jobs::queue_held(tx, REFUND_JOB, &key, payload)?,
            }
        }
        PaymentEvent::Refunded(e) => end_refund(tx, e.refund_id, RefundStatus::Completed)?,
        PaymentEvent::RefundFailed(e) => end_refund(tx, e.refund_id, RefundStatus::Failed)?,
        PaymentEvent::Initiated(_) | PaymentEvent::Completed(_) | PaymentEvent::Failed(_) | PaymentEvent::Cancelled(_) => {}
        PaymentEvent::CashCollected(_) | PaymentEvent::CashReleased(_) | PaymentEvent::CashRemitted(_) => {}
    }
    count(tx, event);
    post(tx, id, payment, event)
}

/// Counts money that has moved.
fn count(tx: &mut Tx, event: &PaymentEvent) {
    let (kind, money) = match event {
        PaymentEvent::Completed(e) => ("captured", e.amount),
        PaymentEvent::Refunded(e) => ("refunded", e.amount),
        _ => return,
    };
    let labels = [("kind", kind.to_owned()), ("currency", money.currency.to_string())];
    tx.after_commit(move || metrics::counter!("haat_payments_minor_units_total", &labels).increment(money.amount.unsigned_abs()));
}

/// Books what an event means for the accounts.
fn post(tx: &mut Tx, id: PaymentId, payment: &Payment, event: &PaymentEvent) -> Result<(), Error> {
    let Some(journal) = ledger::journal(payment, event)? else { return Ok(()) };
    let journal_id = JournalId(tx.id());
    store::post(tx, journal_id, payment.order_id, id, &journal)?;
    tx.publish(JournalPosted {
        journal_id,
        kind: journal.kind().into(),
        order_id: payment.order_id,
        payment_id: id,
        currency: journal.currency(),
        entries: journal.entries().to_vec(),
    })?;
    Ok(())
}

fn end_refund(tx: &mut Tx, id: RefundId, status: RefundStatus) -> Result<(), DbError> {
    store::move_refund(tx, id, status)?;
    jobs::finish(tx, REFUND_JOB, &id.to_string())
}
