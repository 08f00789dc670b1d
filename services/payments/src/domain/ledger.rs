//! Double entry: journals that cannot be out of balance, because a journal is one amount spread over several accounts,
//! or collected from them.

use contracts::events::payments::{Entry, Share};
use contracts::{Currency, MoneyError, VendorId};

use super::{CASH_ON_DELIVERY, Payment, PaymentEvent};

/// What is owed to payers whose refunds are under way.
pub const REFUNDS_PAYABLE: &str = "refunds_payable";

/// Cash that was handed over to the marketplace.
pub const CASH: &str = "cash";

/// Where the money of a method lies until it is settled.
pub fn clearing(method: &str) -> String {
    if method == CASH_ON_DELIVERY { CASH.to_owned() } else { format!("provider_clearing:{method}") }
}

/// Cash that a store, or its carrier, has collected and not handed over yet.
pub fn cash_in_transit(store: VendorId) -> String {
    format!("cash_in_transit:{store}")
}

/// A double-entry journal in one currency. Debits equal credits by construction.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    kind: &'static str,
    currency: Currency,
    amount: i64,
    entries: Vec<Entry>,
}

impl Journal {
    /// Debits `from` with the sum of the parts and credits each part. `None` when there is nothing to post.
    pub fn spread(kind: &'static str, currency: Currency, from: &str, parts: &[Part]) -> Result<Option<Journal>, MoneyError> {
        let Some((amount, parts)) = merged(parts)? else { return Ok(None) };
        let mut entries = vec![debit(from.to_owned(), amount)];
        entries.extend(parts.into_iter().map(|(account, part)| credit(account, part)));
        Ok(Some(Journal { kind, currency, amount, entries }))
    }

    /// Debits each part and credits `to` with their sum. `None` when there is nothing to post.
    pub fn collect(kind: &'static str, currency: Currency, parts: &[Part], to: &str) -> Result<Option<Journal>, MoneyError> {
        let Some((amount, parts)) = merged(parts)? else { return Ok(None) };
        let mut entries: Vec<Entry> = parts.into_iter().map(|(account, part)| debit(account, part)).collect();
        entries.push(credit(to.to_owned(), amount));
        Ok(Some(Journal { kind, currency, amount, entries }))
    }

    /// capture, cash_collected, cash_remitted, refund_requested, refund_completed or refund_failed.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Of all entries.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The sum of the debits, and of the credits.
    pub fn amount(&self) -> i64 {
        self.amount
    }

    /// One per account and side.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// An account and how much of it, in minor units above 0.
pub type Part = (String, i64);

/// What an event means for the accounts; `payment` has taken it in already. `None` where no money moves.
pub fn journal(payment: &Payment, event: &PaymentEvent) -> Result<Option<Journal>, MoneyError> {
    let clearing = clearing(&payment.method);
    match event {
        // Cash was booked when it was collected.
        PaymentEvent::Completed(_) if !payment.cash.is_empty() => Ok(None),
        PaymentEvent::Completed(e) => {
            let unshared = [(REFUNDS_PAYABLE.to_owned(), e.amount.amount)];
            let shared = parts(&payment.shares);
            let to = if payment.shares.is_empty() { &unshared[..] } else { &shared };
            Journal::spread("capture", e.amount.currency, &clearing, to)
        }
        PaymentEvent::RefundRequested(e) => Journal::collect("refund_requested", e.amount.currency, &parts(&e.shares), REFUNDS_PAYABLE),
        PaymentEvent::Refunded(e) => {
            Journal::spread("refund_completed", e.amount.currency, REFUNDS_PAYABLE, &[(clearing, e.amount.amount)])
        }
        PaymentEvent::RefundFailed(e) => match payment.refund(e.refund_id) {
            Some(refund) => Journal::spread("refund_failed", refund.amount.currency, REFUNDS_PAYABLE, &parts(&refund.shares)),
            None => Ok(None),
        },
        PaymentEvent::CashCollected(e) => {
            Journal::spread("cash_collected", e.amount.currency, &cash_in_transit(e.vendor_id), &parts(&e.shares))
        }
        PaymentEvent::CashRemitted(e) => {
            Journal::spread("cash_remitted", e.amount.currency, CASH, &[(cash_in_transit(e.vendor_id), e.amount.amount)])
        }
        PaymentEvent::Initiated(_) | PaymentEvent::Failed(_) | PaymentEvent::Cancelled(_) | PaymentEvent::CashReleased(_) => Ok(None),
    }
}

fn parts(shares: &[Share]) -> Vec<Part> {
    shares.iter().map(|s| (s.account.clone(), s.amount)).collect()
}

/// The sum, and one part per account in the order of first mention. `None` when every part is 0.
fn merged(parts: &[Part]) -> Result<Option<(i64, Vec<Part>)>, MoneyError> {
    let mut merged: Vec<Part> = Vec::new();
    let mut sum = 0_i64;
    for (account, amount) in parts.iter().filter(|(_, amount)| *amount > 0) {
        sum = sum.checked_add(*amount).ok_or(MoneyError::Overflow)?;
        match merged.iter_mut().find(|(known, _)| known == account) {
            Some((_, total)) => *total += amount,
            None => merged.push((account.clone(), *amount)),
        }
    }
    Ok((sum > 0).then_some((sum, merged)))
}

fn debit(account: String, amount: i64) -> Entry {
    Entry { account, debit: amount, credit: 0 }
}

fn credit(account: String, amount: i64) -> Entry {
    Entry { account, debit: 0, credit: amount }
}
