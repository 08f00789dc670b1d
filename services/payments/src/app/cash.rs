//! Cash on delivery: what stores collect, what they hand over, and what is given back by hand.

use contracts::events::orders::ReturnedLine;
use contracts::events::payments::RefundedItem;
use contracts::{Money, PaymentId, RefundId, RemittanceId, VendorId};
use kit::Tx;
use kit::http::PageRequest;
use kit::idempotency::{Answer, Given, Key, once};
use serde::Serialize;
use uuid::Uuid;

use super::{App, Asker, carry_out};
use crate::domain::{
    CASH_ON_DELIVERY, CashPart, CashStatus, Collection, Command, Payment, RefundOrder, RefundStatus, RefundWanted, Release, Remittance,
    delivery, shares,
};
use crate::error::Error;
use crate::store::{self, CashFilter, CashRow, RefundRow, RemittanceRow};

/// Payments that one remittance covers at most: each of them is a stream that its transaction writes.
const REMITTED_PAYMENTS_MAX: usize = 100;

/// What somebody collected after the door, of what was short there.
#[derive(Clone, Debug)]
pub(crate) struct LateCash {
    pub payment_id: PaymentId,
    pub vendor_id: VendorId,
    pub amount: Money,
    pub key: Key,
}

/// What is short and will not be collected.
#[derive(Clone, Debug)]
pub(crate) struct WriteOff {
    pub payment_id: PaymentId,
    pub vendor_id: VendorId,
    pub reason: String,
}

/// Cash that a store, or its carrier, hands over.
#[derive(Clone, Debug)]
pub(crate) struct RemittanceRequest {
    pub vendor_id: VendorId,
    pub amount: Money,
    pub reference: String,
    /// Of which payments; of the oldest where none is named.
    pub payments: Option<Vec<PaymentId>>,
    pub key: Key,
}

/// A remittance with what it covers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recorded<'a> {
    #[serde(flatten)]
    remittance: &'a RemittanceRow,
    payments: Vec<Covered>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Covered {
    payment_id: PaymentId,
    amount: Money,
}

impl App {
    /// Notes cash that came after the door for a part that was short.
    pub async fn collect(&self, asker: Asker, request: LateCash) -> Result<Given, Error> {
        self.check_store(asker.clone(), request.vendor_id).await?;
        let id = request.key.derived_id("collection").into();
        self.db
            .write(move |tx| {
                let LateCash { payment_id, vendor_id, amount, key } = &request;
                once(tx, Some(key), |tx| {
                    let known = tx.load::<Payment>(payment_id.0)?.ok_or(Error::NotFound)?.state;
                    if asker != Asker::Admin && !known.shares.iter().any(|s| s.vendor_id == *vendor_id) {
                        // A store does not learn of payments that are not its own.
                        return Err(Error::NotFound);
                    }
                    short(tx, *payment_id, *vendor_id)?;
                    let collection = Collection { id, vendor_id: *vendor_id, amount: *amount };
                    if amount.amount == 0 {
                        return Err(Error::AmountNotPositive);
                    }
                    carry_out(tx, *payment_id, [Command::Collect(collection)])?;
                    let row = store::cash_of(tx, &[*payment_id])?.into_iter().find(|c| c.vendor_id == *vendor_id).ok_or(Error::NoCash)?;
                    Ok(Answer::new(201, None, &row))
                })
            })
            .await
    }

    /// Expects no more of a part that was short.
    pub async fn write_off(&self, request: WriteOff) -> Result<CashRow, Error> {
        self.db
            .write(move |tx| {
                let WriteOff { payment_id, vendor_id, reason } = request.clone();
                short(tx, payment_id, vendor_id)?;
                carry_out(tx, payment_id, [Command::Release(Release { vendor_id, reason })])?;
                store::cash_of(tx, &[payment_id])?.into_iter().find(|c| c.vendor_id == vendor_id).ok_or(Error::NoCash)
            })
            .await
    }

    /// Notes that cash was handed over.
    pub async fn remit(&self, request: RemittanceRequest) -> Result<Given, Error> {
        let id = RemittanceId(request.key.derived_id("remittance"));
        self.db
            .write(move |tx| {
                once(tx, Some(&request.key), |tx| {
                    let RemittanceRequest { vendor_id, amount, .. } = request;
                    if let Some(before) = store::remittance(tx, id)? {
                        return recorded_before(tx, &request, &before);
                    }
                    let mut covered = covered(tx, &request)?;
                    // In one order everywhere, so that two remittances do not wait for each other in a circle.
                    covered.sort();
                    for (payment, part) in &covered {
                        let part = Remittance { id, vendor_id, amount: Money::new(*part, amount.currency) };
                        carry_out(tx, *payment, [Command::Remit(part)])?;
                    }
                    let row = RemittanceRow { id, vendor_id, amount, reference: request.reference.clone(), created_at: tx.now() };
                    store::insert_remittance(tx, &row)?;
                    Ok(recorded(&row, &covered))
                })
            })
            .await
    }

    /// Notes that the money of a refund of cash was paid out by hand. Once more is the same.
    pub async fn settle_refund(&self, payment: PaymentId, id: RefundId) -> Result<RefundRow, Error> {
        self.db
            .write(move |tx| {
                let known = tx.load::<Payment>(payment.0)?.ok_or(Error::NotFound)?.state;
                let status = known.refund(id).ok_or(Error::NotFound)?.status;
                match status {
                    RefundStatus::Completed if known.method == CASH_ON_DELIVERY => {}
                    RefundStatus::Processing if known.method == CASH_ON_DELIVERY => {
                        carry_out(tx, payment, [Command::CompleteRefund(id)])?;
                    }
                    RefundStatus::Processing => return Err(Error::NotToBeSettled(format!("paid by {}", known.method))),
                    RefundStatus::Completed | RefundStatus::Failed => return Err(Error::NotToBeSettled(status.as_str().into())),
                }
                store::refund(tx, payment, id)?.ok_or(Error::NotFound)
            })
            .await
    }

    /// Cash of the stores that the asker may act for, newest first; one more than the limit where there are more.
    pub async fn cash(
        &self,
        asker: Asker,
        store: Option<VendorId>,
        status: Option<String>,
        page: PageRequest,
    ) -> Result<Vec<CashRow>, Error> {
        let own = match asker {
            Asker::Admin => None,
            Asker::Vendor(user) => Some(self.stores_of(user).await?),
        };
        let stores = match (own, store) {
            (own, None) => own,
            (None, Some(one)) => Some(vec![one]),
            (Some(own), Some(one)) => Some(own.into_iter().filter(|s| *s == one).collect()),
        };
        self.db.read(move |q| Ok(store::cash(q, &CashFilter { stores: stores.clone(), status: status.clone() }, &page)?)).await
    }

    /// What was handed over, newest first; one more than the limit where there are more.
    pub async fn remittances(&self, page: PageRequest) -> Result<Vec<RemittanceRow>, Error> {
        self.db.read(move |q| Ok(store::remittances(q, &page)?)).await
    }

    async fn check_store(&self, asker: Asker, store: VendorId) -> Result<(), Error> {
        match asker {
            Asker::Admin => Ok(()),
            Asker::Vendor(user) if self.stores_of(user).await?.contains(&store) => Ok(()),
            Asker::Vendor(_) => Err(Error::NotFound),
        }
    }
}

fn recorded(row: &RemittanceRow, covered: &[(PaymentId, i64)]) -> Answer {
    let part = |(payment_id, part): &(PaymentId, i64)| Covered { payment_id: *payment_id, amount: Money::new(*part, row.amount.currency) };
    Answer::new(201, None, &Recorded { remittance: row, payments: covered.iter().map(part).collect() })
}

/// The answer to a key that was forgotten while its remittance was not.
fn recorded_before(tx: &mut Tx, request: &RemittanceRequest, row: &RemittanceRow) -> Result<Answer, Error> {
    let mut covered = Vec::new();
    for payment in store::remitted_with(tx, row)? {
        let known = tx.load::<Payment>(payment.0)?.ok_or(Error::NotFound)?.state;
        let parts = known.cash.iter().filter(|p| p.vendor_id == row.vendor_id).flat_map(|p| &p.remittances);
        covered.extend(parts.filter(|(id, _)| *id == row.id).map(|(_, amount)| (payment, *amount)));
    }
    covered.sort();
    let is_named = |payment: &PaymentId| request.payments.as_ref().is_none_or(|named| named.contains(payment));
    let is_same = (row.vendor_id, row.amount, &row.reference) == (request.vendor_id, request.amount, &request.reference);
    if is_same && covered.iter().all(|(payment, _)| is_named(payment)) {
        Ok(recorded(row, &covered))
    } else {
        Err(Error::RemittanceMismatch)
    }
}

/// A store's part was delivered and this much was taken for it; what was paid otherwise has nothing to collect.
pub(crate) fn collect_at_door(tx: &mut Tx, payment: PaymentId, vendor_id: VendorId, amount: Money) -> Result<(), Error> {
    let known = tx.load::<Payment>(payment.0)?.ok_or(Error::NotFound)?.state;
    if amount.amount == 0 && !known.cash.iter().any(|p| p.vendor_id == vendor_id) {
        return Ok(());
    }
    let collection = Collection { id: delivery(payment, vendor_id), vendor_id, amount };
    carry_out(tx, payment, [Command::Collect(collection)]).map(drop)
}

/// A store's part was refused at the door: cash is not expected any more; what was paid before for these lines and their
/// shipping goes back, as far as it has not done so.
pub(crate) fn refused_at_door(tx: &mut Tx, payment: PaymentId, vendor_id: VendorId, lines: &[ReturnedLine]) -> Result<(), Error> {
    let known = tx.load::<Payment>(payment.0)?.ok_or(Error::NotFound)?.state;
    let reason = "refused at the door".to_owned();
    let id = RefundId(Uuid::new_v5(&payment.0, format!("refused {vendor_id}").as_bytes()));
    let command = if known.cash.iter().any(|p| p.vendor_id == vendor_id) {
        Command::Release(Release { vendor_id, reason })
    } else if known.refund(id).is_none() && shares::left(&known, Some(&[vendor_id])).available > 0 {
        let item = |l: &ReturnedLine| RefundedItem { line_id: l.line_id, quantity: l.quantity };
        let wanted = match lines {
            // An event or a payment of a time at which nothing was said of lines.
            _ if lines.is_empty() || known.lines.is_empty() => RefundWanted::Everything,
            lines => RefundWanted::ItemsAtMost(lines.iter().map(item).collect(), vec![vendor_id]),
        };
        Command::Refund(RefundOrder { id, wanted, reason, stores: Some(vec![vendor_id]) })
    } else {
        return Ok(());
    };
    match carry_out(tx, payment, [command]) {
        Err(Error::RefundExceedsCaptured { left }) if left.amount == 0 => Ok(()),
        done => done.map(drop),
    }
}

/// The part of a payment that is short of cash.
fn short(tx: &mut Tx, payment: PaymentId, vendor: VendorId) -> Result<(), Error> {
    let known = tx.load::<Payment>(payment.0)?.ok_or(Error::NotFound)?.state;
    let part: &CashPart = known.cash.iter().find(|p| p.vendor_id == vendor).ok_or(Error::NoCash)?;
    match part.status() {
        CashStatus::Short => Ok(()),
        other => Err(Error::NotShort(other.as_str())),
    }
}

/// Which payments a remittance covers, and how much of each: those that are named, or the oldest.
fn covered(tx: &mut Tx, request: &RemittanceRequest) -> Result<Vec<(PaymentId, i64)>, Error> {
    let RemittanceRequest { vendor_id, amount, payments, .. } = request;
    if amount.amount <= 0 {
        return Err(Error::AmountNotPositive);
    }
    let most = REMITTED_PAYMENTS_MAX as i64;
    let held = match payments {
        Some(ids) if ids.len() > REMITTED_PAYMENTS_MAX => return Err(Error::TooManyPayments(REMITTED_PAYMENTS_MAX)),
        Some(ids) => {
            let rows = store::cash_of(tx, ids)?.into_iter().filter(|c| c.vendor_id == *vendor_id && c.due.currency == amount.currency);
            rows.map(|c| (c.payment_id, c.in_transit.amount)).filter(|(_, held)| *held > 0).collect()
        }
        None => store::in_transit(tx, *vendor_id, amount.currency, most + 1)?,
    };
    let mut left = amount.amount;
    let mut covered = Vec::new();
    for (payment, held) in &held {
        if left == 0 {
            break;
        }
        covered.push((*payment, left.min(*held)));
        left -= left.min(*held);
    }
    if covered.len() > REMITTED_PAYMENTS_MAX || (left > 0 && held.len() > REMITTED_PAYMENTS_MAX) {
        return Err(Error::TooManyPayments(REMITTED_PAYMENTS_MAX));
    }
    if left > 0 {
        return Err(Error::RemittanceExceedsCollected { left: Money::new(amount.amount - left, amount.currency) });
    }
    Ok(covered)
}
