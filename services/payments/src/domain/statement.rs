//! A store's statement: where its accounts stood, what moved, where they stand.

use contracts::{Currency, JournalId, OrderId, Time, VendorId};
use uuid::Uuid;

use super::ledger::cash_in_transit;

/// The accounts of a store: what the marketplace owes it for goods and for shipping, and the cash that it has collected
/// and not handed over, which it owes the marketplace.
pub fn accounts_of(store: VendorId) -> [String; 3] {
    [format!("vendor_payable:{store}"), format!("shipping_payable:{store}"), cash_in_transit(store)]
}

/// Where an account stands, in minor units: credits less debits, so that what the store is owed is above 0 and what it
/// owes below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The account.
    pub account: String,
    /// Its currency.
    pub currency: Currency,
    /// In minor units.
    pub amount: i64,
}

/// An entry on one of the accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The entry.
    pub id: Uuid,
    /// Its journal.
    pub journal_id: JournalId,
    /// capture, cash_collected, cash_remitted, refund_requested, refund_failed.
    pub kind: String,
    /// The order that it belongs to.
    pub order_id: OrderId,
    /// The account.
    pub account: String,
    /// Minor units; one of debit and credit is 0.
    pub debit: i64,
    /// Minor units.
    pub credit: i64,
    /// The currency of both.
    pub currency: Currency,
    /// When it was posted.
    pub created_at: Time,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Every account that was ever used until the end, as it stood at the beginning.
    pub opening: Vec<Balance>,
    /// What moved, oldest first, each with the balance of its account after it.
    pub movements: Vec<(Movement, i64)>,
    /// The same accounts, as they stood at the end.
    pub closing: Vec<Balance>,
}

impl Statement {
    /// From the balances before the period and what moved in it, oldest first.
    pub fn new(mut opening: Vec<Balance>, movements: Vec<Movement>) -> Statement {
        for m in &movements {
            if place(&opening, m).is_none() {
                opening.push(Balance { account: m.account.clone(), currency: m.currency, amount: 0 });
            }
        }
        opening.sort_by(|a, b| (&a.account, a.currency).cmp(&(&b.account, b.currency)));
        let mut closing = opening.clone();
        let mut after = |m: Movement| {
            let balance = place(&closing, &m).and_then(|i| closing.get_mut(i)).map_or(0, |balance| {
                balance.amount += m.credit - m.debit;
                balance.amount
            });
            (m, balance)
        };
        let movements = movements.into_iter().map(&mut after).collect();
        Statement { opening, movements, closing }
    }
}

fn place(balances: &[Balance], m: &Movement) -> Option<usize> {
    balances.iter().position(|b| (&b.account, b.currency) == (&m.account, m.currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances_run_from_the_opening_to_the_closing() {
        let moved = |account: &str, debit, credit| Movement {
            id: Uuid::from_u128(1),
            journal_id: JournalId(Uuid::from_u128(2)),
            kind: "capture".into(),
            order_id: OrderId(Uuid::from_u128(3)),
            account: account.into(),
            debit,
            credit,
            currency: Currency::BDT,
            created_at: Time(0),
        };
        let at = |account: &str, amount| Balance { account: account.into(), currency: Currency::BDT, amount };
        let moves = vec![moved("b", 0, 100), moved("a", 0, 5), moved("b", 130, 0)];
        let statement = Statement::new(vec![at("b", 10)], moves);
        assert_eq!(statement.opening, [at("a", 0), at("b", 10)]);
        assert_eq!(statement.movements.iter().map(|(_, balance)| *balance).collect::<Vec<_>>(), [110, 5, -20]);
        assert_eq!(statement.closing, [at("a", 5), at("b", -20)]);
        assert_eq!(Statement::new(vec![], vec![]), Statement { opening: vec![], movements: vec![], closing: vec![] });
    }
}
