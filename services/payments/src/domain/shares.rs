//! How a captured amount belongs to stores, the marketplace and the state, and from whom a refund is taken.

use std::collections::BTreeMap;

use contracts::events::payments::Share;
use contracts::{Money, VendorId};

use super::{Payment, RefundStatus};
use crate::error::Error;

/// The largest number of shares of one payment: a cart of many stores has four each.
const SHARES_MAX: usize = 2_000;

/// The largest amount of one payment, in minor units: sums over thousands of such payments still fit 64 bits.
const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// The shares as they are kept: at least 0 each, summing to `amount`, one per account and store, none of them 0.
pub fn checked(amount: Money, shares: &[Share]) -> Result<Vec<Share>, Error> {
    let wrong = |why: String| Err(Error::InvalidShares(why));
    if shares.len() > SHARES_MAX {
        return wrong(format!("at most {SHARES_MAX} shares are taken, found {}", shares.len()));
    }
    if !(0..=AMOUNT_MAX).contains(&amount.amount) {
        return wrong(format!("the amount is 0 to {AMOUNT_MAX}, found {}", amount.amount));
    }
    let mut kept: Vec<Share> = Vec::new();
    for share in shares {
        if !is_account(&share.account) {
            return wrong(format!("{:?} is not an account that a share goes to", share.account));
        }
        if share.amount < 0 {
            return wrong(format!("a share is at least 0, found {} for {}", share.amount, share.account));
        }
        match kept.iter_mut().find(|k| (&k.account, k.vendor_id) == (&share.account, share.vendor_id)) {
            Some(known) => known.amount = known.amount.saturating_add(share.amount),
            None => kept.push(share.clone()),
        }
    }
    let sum: i128 = shares.iter().map(|s| i128::from(s.amount)).sum();
    if sum != i128::from(amount.amount) {
        return wrong(format!("the shares sum to {sum}, the amount is {}", amount.amount));
    }
    kept.retain(|s| s.amount > 0);
    Ok(kept)
}

/// Whether a share may go to `account`.
fn is_account(account: &str) -> bool {
    match account.split_once(':') {
        None => account == "commission" || account == "tax_payable",
        Some((kind, vendor)) => ["vendor_payable", "shipping_payable"].contains(&kind) && vendor.parse::<VendorId>().is_ok(),
    }
}

/// What is left of a charge, by share.
pub struct Left {
    /// All that can still go back, in minor units.
    pub available: i64,
    shares: Vec<Share>,
}

/// What is left to refund: of the given stores' parts, or of everything. A charge that was never shared out, because
/// the payment had been given up before it began, has an amount but no shares.
pub fn left(payment: &Payment, stores: Option<&[VendorId]>) -> Left {
    let mut taken: BTreeMap<(&str, VendorId), i64> = BTreeMap::new();
    for share in payment.refunds.iter().filter(|r| r.status != RefundStatus::Failed).flat_map(|r| &r.shares) {
        *taken.entry((&share.account, share.vendor_id)).or_default() += share.amount;
    }
    let wanted = |s: &&Share| stores.is_none_or(|ids| ids.contains(&s.vendor_id));
    let rest = |s: &Share| s.amount - taken.get(&(s.account.as_str(), s.vendor_id)).copied().unwrap_or(0);
    let shares: Vec<Share> = payment.captured.iter().filter(wanted).map(|s| Share { amount: rest(s), ..s.clone() }).collect();
    let unshared = payment.captured.is_empty() && stores.is_none();
    let available = if unshared { payment.left() } else { shares.iter().map(|s| s.amount).sum() };
    Left { available, shares }
}

/// What cash of a store's part still goes to.
pub fn uncaptured(payment: &Payment, store: VendorId) -> Left {
    let captured = |s: &Share| {
        let known = payment.captured.iter().find(|c| (&c.account, c.vendor_id) == (&s.account, s.vendor_id));
        known.map_or(0, |c| c.amount)
    };
    let own = payment.shares.iter().filter(|s| s.vendor_id == store);
    let shares: Vec<Share> = own.map(|s| Share { amount: s.amount - captured(s), ..s.clone() }).collect();
    Left { available: shares.iter().map(|s| s.amount).sum(), shares }
}

/// Adds `more` to what is known, share by share.
pub fn add(known: &mut Vec<Share>, more: &[Share]) {
    for share in more {
        match known.iter_mut().find(|k| (&k.account, k.vendor_id) == (&share.account, share.vendor_id)) {
            Some(same) => same.amount += share.amount,
            None => known.push(share.clone()),
        }
    }
}

impl Left {
    /// Takes `amount`, at most what is available, from the wanted shares as far as they go, and what they lack from the
    /// others: an earlier refund by amount may have taken of all of them.
    pub fn take_first_from(self, wanted: &[Share], amount: Money) -> Result<Vec<Share>, Error> {
        let of = |shares: &[Share], s: &Share| {
            let same = shares.iter().filter(|w| (&w.account, w.vendor_id) == (&s.account, s.vendor_id));
            same.map(|w| w.amount).sum::<i64>()
        };
        let mut taken: Vec<Share> = self.shares.iter().map(|s| Share { amount: s.amount.min(of(wanted, s)), ..s.clone() }).collect();
        let lacking = amount.amount - taken.iter().map(|s| s.amount).sum::<i64>();
        let rest = self.shares.iter().zip(&taken).map(|(s, t)| Share { amount: s.amount - t.amount, ..s.clone() }).collect();
        let more = Left { available: 0, shares: rest }.take(Money::new(lacking, amount.currency))?;
        add(&mut taken, &more);
        taken.retain(|s| s.amount > 0);
        Ok(taken)
    }

    /// Takes `amount`, at most what is available, from the shares in proportion to what is left of each: never more
    /// than that.
    pub fn take(self, amount: Money) -> Result<Vec<Share>, Error> {
        if self.shares.is_empty() {
            return Ok(Vec::new());
        }
        let weights: Vec<i64> = self.shares.iter().map(|s| s.amount).collect();
        let parts = amount.allocate(&weights)?;
        let taken = self.shares.into_iter().zip(parts).map(|(share, part)| Share { amount: part.amount, ..share });
        Ok(taken.filter(|s| s.amount > 0).collect())
    }
}
