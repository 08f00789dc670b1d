//! What a store sells and earns, in figures.

use std::collections::BTreeMap;

use contracts::events::payments::Share;
use contracts::{Currency, Money, VendorId};
use serde::Serialize;
use utoipa::ToSchema;

/// Money that moved for one store: signed, in minor units. What is paid in is positive, what goes back negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// What the store gets: its goods and its shipping, without tax and commission.
    pub earned: i64,
    /// What the marketplace keeps.
    pub commission: i64,
    /// What the state gets.
    pub tax: i64,
}

/// What the shares of a payment, a collection or a refund are to each store; `sign` is 1 or −1.
pub fn by_store(shares: &[Share], sign: i64) -> BTreeMap<VendorId, Moved> {
    let mut stores: BTreeMap<VendorId, Moved> = BTreeMap::new();
    for share in shares {
        let moved = stores.entry(share.vendor_id).or_default();
        let amount = share.amount * sign;
        match share.account.as_str() {
            "commission" => moved.commission += amount,
            "tax_payable" => moved.tax += amount,
            _ => moved.earned += amount,
        }
    }
    stores
}

/// What came of a store's sales, in one currency, by the days on which money moved.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Earnings {
    /// What shoppers paid for the store's goods and their shipping, tax included, as far as it came: captured by a
    /// provider, or taken in cash.
    pub sales: Money,
    /// What was set aside to go back to shoppers from that. A refund that failed is taken off on the day it failed.
    pub refunds: Money,
    /// What the marketplace keeps of sales less refunds.
    pub commission: Money,
    /// The tax in sales less refunds, which the marketplace pays to the state.
    pub tax: Money,
    /// sales − refunds − commission − tax: by so much more the ledger owes the store, for goods and for shipping.
    pub earned: Money,
}

/// The sums of a period, or of a day, as they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    pub currency: Currency,
    /// What was paid in.
    pub sales: i64,
    /// All that moved.
    pub moved: Moved,
}

impl From<Sums> for Earnings {
    fn from(sums: Sums) -> Earnings {
        let Moved { earned, commission, tax } = sums.moved;
        let money = |amount| Money::new(amount, sums.currency);
        Earnings {
            sales: money(sums.sales),
            refunds: money(sums.sales - earned - commission - tax),
            commission: money(commission),
            tax: money(tax),
            earned: money(earned),
        }
    }
}

/// A store's parts of the orders that were confirmed in a period: how many, and how they have gone on since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderCounts {
    /// All of them.
    pub confirmed: i64,
    /// Called off afterwards.
    pub cancelled: i64,
    /// Handed to a carrier.
    pub shipped: i64,
    /// Arrived.
    pub delivered: i64,
    /// Not taken at the door.
    pub refused: i64,
}

/// Pieces of these parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PieceCounts {
    /// All of them.
    pub sold: i64,
    /// Of parts that arrived.
    pub delivered: i64,
    /// Sent back, and received by the store.
    pub returned: i64,
}

/// Returns of these parts, whenever they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReturnCounts {
    /// All of them.
    pub requested: i64,
    /// The goods are back.
    pub received: i64,
    /// Not taken back, or never come.
    pub rejected: i64,
}

/// How long these parts waited from their confirmation until a carrier had them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipTime {
    /// The mean over the parts that have shipped, in seconds.
    pub average_seconds: i64,
    /// The longest of them, in seconds.
    pub longest_seconds: i64,
}

/// How a store does: its parts of the orders that were confirmed in a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// The parts.
    pub orders: OrderCounts,
    /// Their pieces.
    pub pieces: PieceCounts,
    /// What shoppers agreed to pay for them, shipping and tax included, by currency; cancelled and refused ones left out.
    pub value: Vec<Money>,
    /// Their returns.
    pub returns: ReturnCounts,
    /// Null where none has shipped.
    pub ship_time: Option<ShipTime>,
    /// Cancelled parts of all, in basis points (1/100 of a percent); null where there are none.
    pub cancellation_rate_basis_points: Option<i64>,
    /// Returned pieces of those delivered, in basis points; null where none was delivered.
    pub return_rate_basis_points: Option<i64>,
}

/// `part` of `all` in basis points; `None` of nothing.
pub fn basis_points(part: i64, all: i64) -> Option<i64> {
    (all > 0).then(|| part.saturating_mul(10_000) / all)
}

/// A day's sales, as they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySales {
    /// Days since 1970-01-01.
    pub day: i64,
    pub currency: Currency,
    pub orders: i64,
    pub pieces: i64,
    /// In minor units.
    pub value: i64,
}

/// One day of a store in one currency.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Day {
    /// Such as `2026-01-31`, UTC.
    pub day: String,
    /// Parts of orders that were confirmed on it.
    pub orders: i64,
    /// Their pieces.
    pub pieces: i64,
    /// What shoppers agreed to pay for them; cancelled and refused ones left out.
    pub value: Money,
    /// The money that moved on it.
    pub earnings: Earnings,
}

/// The days on which something was sold or money moved, oldest first, each once per currency; `text` writes a day.
pub fn days(sales: &[DaySales], sums: &[(i64, Sums)], text: impl Fn(i64) -> String) -> Vec<Day> {
    let mut keys: Vec<(i64, Currency)> = sales.iter().map(|s| (s.day, s.currency)).collect();
    keys.extend(sums.iter().map(|(day, s)| (*day, s.currency)));
    keys.sort();
    keys.dedup();
    let day = |(day, currency): (i64, Currency)| {
        let sold = sales.iter().find(|s| (s.day, s.currency) == (day, currency));
        let moved = sums.iter().find(|(d, s)| (*d, s.currency) == (day, currency)).map(|(_, s)| *s);
        Day {
            day: text(day),
            orders: sold.map_or(0, |s| s.orders),
            pieces: sold.map_or(0, |s| s.pieces),
            value: Money::new(sold.map_or(0, |s| s.value), currency),
            earnings: moved.unwrap_or(Sums { currency, sales: 0, moved: Moved::default() }).into(),
        }
    };
    keys.into_iter().map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BDT: Currency = Currency::BDT;

    #[test]
    fn shares_are_the_stores_the_marketplaces_or_the_states() {
        let (a, b) = (VendorId(uuid::Uuid::from_u128(1)), VendorId(uuid::Uuid::from_u128(2)));
        let share = |account: &str, vendor_id, amount| Share { account: account.into(), amount, vendor_id };
        let shares = [
            share("vendor_payable:1", a, 700),
            share("shipping_payable:1", a, 60),
            share("commission", a, 70),
            share("tax_payable", a, 30),
            share("commission", b, 5),
        ];
        let expected = [(a, Moved { earned: -760, commission: -70, tax: -30 }), (b, Moved { earned: 0, commission: -5, tax: 0 })];
        assert_eq!(by_store(&shares, -1).into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_went_back_is_what_was_paid_and_is_not_there() {
        let sums = Sums { currency: BDT, sales: 1_000, moved: Moved { earned: 400, commission: 60, tax: 40 } };
        let Earnings { sales, refunds, commission, tax, earned } = sums.into();
        assert_eq!([sales, refunds, commission, tax, earned].map(|m| m.amount), [1_000, 500, 60, 40, 400]);
    }

    #[test]
    fn days_are_told_once_oldest_first() {
        let sold = |day, orders| DaySales { day, currency: BDT, orders, pieces: 2, value: 10 };
        let sums = |sales| Sums { currency: BDT, sales, moved: Moved::default() };
        let told = days(&[sold(3, 1), sold(1, 2)], &[(2, sums(7)), (3, sums(9))], |day| format!("day {day}"));
        let told: Vec<_> = told.iter().map(|d| (d.day.as_str(), d.orders, d.earnings.sales.amount)).collect();
        assert_eq!(told, [("day 1", 2, 0), ("day 2", 0, 7), ("day 3", 1, 9)]);
    }

    #[test]
    fn rates_are_of_something() {
        assert_eq!((basis_points(1, 3), basis_points(0, 5), basis_points(0, 0)), (Some(3_333), Some(0), None));
    }
}
