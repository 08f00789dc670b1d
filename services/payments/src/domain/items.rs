//! Refunds by line: what was paid for some pieces goes back from where it went.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use contracts::events::payments::{PaidLine, RefundedItem, Share};
use contracts::{Currency, Money, MoneyError, OrderLineId, VendorId};

use super::{Payment, RefundStatus, shares};
use crate::error::Error;

/// Lines of one refund at most.
pub const ITEMS_MAX: usize = 100;

/// What becomes of pieces whose money has gone back already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// The refund is refused.
    Refused,
    /// They are left out.
    LeftOut,
}

/// What goes back for some pieces.
pub struct Taken {
    /// The pieces.
    pub items: Vec<RefundedItem>,
    /// The stores whose shipping is among it.
    pub shipping_of: Vec<VendorId>,
    /// What was paid for them, in minor units.
    pub wanted: i64,
    /// What is left of the stores that sold them.
    pub available: i64,
    /// What goes back: the smaller of the two.
    pub amount: i64,
    /// From which accounts.
    pub shares: Vec<Share>,
}

/// Lines as they are kept: each once, in amounts that its store's shares can bear.
pub fn check(shares: &[Share], lines: &[PaidLine]) -> Result<(), Error> {
    let wrong = |why: String| Err(Error::InvalidShares(why));
    let mut seen = BTreeSet::new();
    let mut sums: Vec<Share> = Vec::new();
    for line in lines {
        if !seen.insert(line.line_id) || line.quantity < 1 {
            return wrong(format!("line {} comes twice, or without pieces", line.line_id));
        }
        let parts = accounts(line);
        if parts.iter().any(|s| s.amount < 0) {
            return wrong(format!("line {} shares out more than is paid for it", line.line_id));
        }
        shares::add(&mut sums, &parts);
    }
    let borne = |sum: &&Share| {
        let known = shares.iter().find(|s| (&s.account, s.vendor_id) == (&sum.account, sum.vendor_id));
        sum.amount <= known.map_or(0, |s| s.amount)
    };
    match sums.iter().find(|sum| !borne(sum)) {
        Some(sum) => wrong(format!("the lines bring {} to {}, its share is less", sum.amount, sum.account)),
        None => Ok(()),
    }
}

/// How many pieces of a line were refunded, or are about to be.
pub fn refunded(payment: &Payment, line: OrderLineId) -> i64 {
    let live = payment.refunds.iter().filter(|r| r.status != RefundStatus::Failed);
    live.flat_map(|r| &r.items).filter(|i| i.line_id == line).map(|i| i.quantity).sum()
}

/// What goes back for `items`, which are of these stores, or of any, and for the shipping of some. Shipping that has gone
/// back before is left out.
pub fn take(
    payment: &Payment,
    items: &[RefundedItem],
    shipping_of: &[VendorId],
    stores: Option<&[VendorId]>,
    beyond: Beyond,
) -> Result<Taken, Error> {
    let currency = payment.amount.ok_or(Error::NotCaptured)?.currency;
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(Error::InvalidItems(format!("expected 1 to {ITEMS_MAX} items, found {}", items.len())));
    }
    let (mut wanted, mut sellers, mut seen): (Vec<Share>, Vec<VendorId>, BTreeSet<OrderLineId>) = Default::default();
    let mut kept = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        if item.quantity < 1 {
            return Err(Error::QuantityNotPositive(place));
        }
        if !seen.insert(item.line_id) {
            return Err(Error::InvalidItems(format!("line {} comes twice", item.line_id)));
        }
        let own = |l: &&PaidLine| l.line_id == item.line_id && stores.is_none_or(|s| s.contains(&l.vendor_id));
        let line = payment.lines.iter().find(own).ok_or(Error::UnknownLine(item.line_id))?;
        let before = refunded(payment, line.line_id);
        let left = line.quantity - before;
        let quantity = if beyond == Beyond::LeftOut { item.quantity.min(left) } else { item.quantity };
        if quantity > left {
            return Err(Error::LineExceeded { line_id: line.line_id, left });
        }
        if quantity > 0 {
            shares::add(&mut wanted, &worth(line, currency, before, before + quantity)?);
            sellers.push(line.vendor_id);
            kept.push(RefundedItem { quantity, ..*item });
        }
    }
    let mut shipped = Vec::new();
    for store in shipping_of {
        if !has_shipping_back(payment, *store) && !shipped.contains(store) {
            shares::add(&mut wanted, &shipping(payment, *store));
            sellers.push(*store);
            shipped.push(*store);
        }
    }
    let left = shares::left(payment, Some(&sellers));
    let (sum, available) = (wanted.iter().map(|s| s.amount).sum::<i64>(), left.available);
    let amount = sum.min(available);
    let shares = left.take_first_from(&wanted, Money::new(amount, currency))?;
    Ok(Taken { items: kept, shipping_of: shipped, wanted: sum, available, amount, shares })
}

fn has_shipping_back(payment: &Payment, store: VendorId) -> bool {
    payment.refunds.iter().any(|r| r.status != RefundStatus::Failed && r.shipping_of.contains(&store))
}

/// What was paid for a store's shipping: all that its shares hold beyond its lines.
fn shipping(payment: &Payment, store: VendorId) -> Vec<Share> {
    let mut of_lines: Vec<Share> = Vec::new();
    payment.lines.iter().filter(|l| l.vendor_id == store).for_each(|l| shares::add(&mut of_lines, &accounts(l)));
    let beyond = |s: &Share| {
        let lines = of_lines.iter().find(|l| l.account == s.account).map_or(0, |l| l.amount);
        Share { amount: s.amount - lines, ..s.clone() }
    };
    payment.shares.iter().filter(|s| s.vendor_id == store).map(beyond).filter(|s| s.amount > 0).collect()
}

/// What was paid for the pieces from `first` to before `last`: the difference of two rounded parts, so that all pieces
/// together come to exactly what the line brought, in whichever portions they go back. It is the price that is rounded, the tax and the
/// commission in it; the rest is the store's. Where that would be less than nothing, the others carry it.
fn worth(line: &PaidLine, currency: Currency, first: i64, last: i64) -> Result<Vec<Share>, MoneyError> {
    let until = |amount: i64, pieces: i64| Money::new(amount, currency).fraction(pieces, line.quantity).map(|m| m.amount);
    let between = |amount: i64| Ok::<_, MoneyError>(until(amount, last)? - until(amount, first)?);
    let total = between(line.total)?;
    let tax = between(line.tax)?.min(total);
    let commission = between(line.commission)?.min(total - tax);
    Ok(accounts(&PaidLine { total, tax, commission, ..line.clone() }).into())
}

/// Where the money of a line goes.
fn accounts(line: &PaidLine) -> [Share; 3] {
    let share = |account: String, amount| Share { account, amount, vendor_id: line.vendor_id };
    [
        share(format!("vendor_payable:{}", line.vendor_id), line.total.saturating_sub(line.tax).saturating_sub(line.commission)),
        share("commission".into(), line.commission),
        share("tax_payable".into(), line.tax),
    ]
}
