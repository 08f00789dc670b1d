//! Refunds: set aside first, in one transaction, then asked of the provider with the refund's id as the key, then noted
//! as done or free again. A job repeats the asking until there is an answer.

use contracts::events::payments::RefundedItem;
use contracts::proto::vendors::StoresOfUserRequest;
use contracts::{Money, PaymentId, RefundId, UserId, VendorId};
use kit::idempotency::{self, Answer, Key, Seen};
use kit::jobs::{Job, JobOutcome};
use kit::{Loaded, Tx, jobs};
use serde::Deserialize;

use super::{App, Asks, REFUND_JOB, carry_out, carry_out_asking};
use crate::domain::{Command, Payment, RefundOrder, RefundStatus, RefundWanted};
use crate::error::Error;
use crate::provider::{Method, Refunded};
use crate::store;

/// When the job asks a provider that did not answer at once, in milliseconds.
const FIRST_RETRY_MS: i64 = 500;

/// Who asks for a refund.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asker {
    /// May give everything back.
    Admin,
    /// May give back what came from the user's own stores.
    Vendor(UserId),
}

/// A refund that somebody asks for over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct RefundRequest {
    pub payment_id: PaymentId,
    pub wanted: RefundWanted,
    pub reason: String,
    pub key: Key,
}

/// How far a refund of another service is, and how much it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    pub status: RefundStatus,
    pub amount: i64,
}

/// What another service wants back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    /// All that is left.
    Everything,
    /// So much, in minor units.
    Amount(i64),
    /// What was paid for these pieces.
    Items(Vec<RefundedItem>),
    /// What is left of that, and of the shipping of these stores.
    ItemsAtMost(Vec<RefundedItem>, Vec<VendorId>),
}

/// The payload of the job.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundJob {
    payment_id: PaymentId,
    refund_id: RefundId,
}

impl App {
    /// Refunds for a caller with a key: the answer is stored, and given again to every repeat. True: it was given before.
    pub async fn refund_for(&self, asker: Asker, request: RefundRequest) -> Result<(Answer, bool), Error> {
        let stores = match asker {
            Asker::Admin => None,
            Asker::Vendor(user) => Some(self.stores_of(user).await?),
        };
        let id = RefundId(request.key.derived_id("refund"));
        let (payment_id, key) = (request.payment_id, request.key.clone());
        let before = self.db.write(move |tx| set_aside(tx, id, &request, stores.as_deref())).await?;
        if let Some(answer) = before {
            return Ok((answer, true));
        }
        // The job would do it too; asking at once lets the answer say that it is done.
        let asked = self.ask_for_refund(payment_id, id).await.map_err(|e| e.to_string());
        if let Err(e) = &asked {
            tracing::warn!(refund.id = %id, error = %e, "the provider was not reached; the refund is repeated by its job");
        }
        self.db
            .write(move |tx| {
                if let Err(e) = &asked {
                    let due = tx.now().plus_millis(FIRST_RETRY_MS);
                    jobs::give_back(tx, REFUND_JOB, &id.to_string(), e, due)?;
                }
                answer(tx, payment_id, id, &key)
            })
            .await
    }

    /// Refunds for another service. All that is left, or what is left of items, may be nothing.
    pub async fn refund(&self, payment_id: PaymentId, id: RefundId, wanted: Asked, reason: String) -> Result<Progress, Error> {
        self.db
            .write(move |tx| {
                let payment = tx.load::<Payment>(payment_id.0)?.ok_or(Error::NotFound)?.state;
                let currency = payment.amount().ok_or(Error::NotCaptured)?.currency;
                let wanted = match wanted.clone() {
                    Asked::Everything => RefundWanted::Everything,
                    Asked::Amount(amount) => RefundWanted::Amount(Money::new(amount, currency)),
                    Asked::Items(items) => RefundWanted::Items(items),
                    Asked::ItemsAtMost(items, shipping_of) => RefundWanted::ItemsAtMost(items, shipping_of),
                };
                let nothing = Progress { status: RefundStatus::Completed, amount: 0 };
                let (all, at_most) = (wanted == RefundWanted::Everything, matches!(wanted, RefundWanted::ItemsAtMost(..)));
                let order = RefundOrder { id, wanted, reason: reason.clone(), stores: None };
                match carry_out(tx, payment_id, [Command::Refund(order)]) {
                    Ok(payment) => {
                        let refund = payment.refund(id).ok_or(Error::NotFound)?;
                        Ok(Progress { status: refund.status, amount: refund.amount.amount })
                    }
                    Err(Error::RefundExceedsCaptured { left }) if (all || at_most) && left.amount == 0 => Ok(nothing),
                    Err(Error::NotCaptured) if at_most => Ok(nothing),
                    Err(e) => Err(e),
                }
            })
            .await
    }

    /// Asks the provider until it answers.
    pub async fn run_refund_job(&self, job: Job) -> JobOutcome {
        let Ok(refund) = RefundJob::deserialize(&job.payload) else { return JobOutcome::Failed("a payload without ids".into()) };
        match self.ask_for_refund(refund.payment_id, refund.refund_id).await {
            Ok(()) => JobOutcome::Done,
            Err(e) => JobOutcome::Retry(e.to_string()),
        }
    }

    async fn ask_for_refund(&self, payment_id: PaymentId, id: RefundId) -> Result<(), Error> {
        let payment = self.load(payment_id).await?.ok_or(Error::NotFound)?;
        let refund = payment.refund(id).ok_or(Error::NotFound)?;
        if refund.status != RefundStatus::Processing {
            return Ok(());
        }
        let answer = self.providers.refund(Method::parse(&payment.method)?, payment_id, id, refund.amount).await?;
        kit::crash::point("payments.after_provider");
        let command = match answer {
            Refunded::Done => Command::CompleteRefund(id),
            Refunded::Refused(why) => Command::FailRefund(id, why),
            Refunded::ByHand => return Ok(()),
        };
        self.db.write(move |tx| carry_out(tx, payment_id, [command.clone()]).map(drop)).await
    }

    pub(super) async fn stores_of(&self, user: UserId) -> Result<Vec<VendorId>, Error> {
        let request = StoresOfUserRequest { user_id: user.to_string() };
        let answer = self.vendors.clone().stores_of_user(request).await.map_err(|s| Error::from_call("vendors", &s))?;
        let broken = |e| Error::Broken(format!("vendors answered with a store whose id is none: {e}"));
        answer.into_inner().stores.iter().map(|s| s.vendor_id.parse().map_err(broken)).collect()
    }
}

/// Claims the key and sets the amount aside, or finds the answer that was given before.
fn set_aside(tx: &mut Tx, id: RefundId, request: &RefundRequest, stores: Option<&[VendorId]>) -> Result<Option<Answer>, Error> {
    match idempotency::look_up(tx, &request.key)? {
        Seen::Answered(answer) => return Ok(Some(answer)),
        Seen::Mismatch => return Err(Error::KeyReused),
        Seen::Claimed(_) => return Ok(None),
        Seen::New => {}
    }
    let found: Loaded<Payment> = tx.load(request.payment_id.0)?.ok_or(Error::NotFound)?;
    let has_part = |stores: &[VendorId]| found.state.shares.iter().any(|s| stores.contains(&s.vendor_id));
    if found.state.amount().is_none() || stores.is_some_and(|s| !has_part(s)) {
        return Err(Error::NotFound);
    }
    let (wanted, reason) = (request.wanted.clone(), request.reason.clone());
    let order = RefundOrder { id, wanted, reason, stores: stores.map(<[VendorId]>::to_vec) };
    carry_out_asking(tx, request.payment_id, [Command::Refund(order)], Asks::Caller)?;
    idempotency::claim(tx, &request.key, id.0)?;
    Ok(None)
}

/// Stores how the refund stands now as the answer to the key, unless another repeat was faster: then that one is it.
fn answer(tx: &mut Tx, payment: PaymentId, id: RefundId, key: &Key) -> Result<(Answer, bool), Error> {
    if let Seen::Answered(answer) = idempotency::look_up(tx, key)? {
        return Ok((answer, true));
    }
    let refund = store::refund(tx, payment, id)?.ok_or(Error::NotFound)?;
    let answer = Answer::new(201, None, &refund);
    idempotency::complete(tx, &key.scope, &key.key, &answer)?;
    match idempotency::look_up(tx, key)? {
        Seen::Answered(stored) => Ok((stored, false)),
        _ => Err(Error::Broken("a completed key has no answer".into())),
    }
}
