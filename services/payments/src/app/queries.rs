//! What can be asked of payments and the ledger.

use std::collections::BTreeMap;

use contracts::proto::vendors::GetStoresRequest;
use contracts::{Currency, OrderId, PaymentId, UserId, VendorId};
use kit::Query;
use kit::http::{PageRequest, Period};

use super::{App, Asker};
use crate::domain::CASH_ON_DELIVERY;
use crate::domain::statement::{Statement, accounts_of};
use crate::error::Error;
use crate::store::{self, AccountTotal, CashRow, EntryFilter, EntryRow, Owner, PaymentRow};

/// Entries of one statement at most.
const STATEMENT_ENTRIES_MAX: usize = 20_000;

/// The sums of all accounts, and by how much debits exceed credits in each currency: always 0.
pub(crate) struct TrialBalance {
    pub accounts: Vec<AccountTotal>,
    pub difference: Vec<(Currency, i64)>,
}

/// A payment as its payer sees it.
pub(crate) struct Shown {
    pub row: PaymentRow,
    /// What is paid at the door, by store.
    pub cash: Vec<CashRow>,
}

impl App {
    /// A payment of `owner`.
    pub async fn payment(&self, owner: Owner, id: PaymentId) -> Result<Shown, Error> {
        self.db
            .read(move |q| {
                let row = store::payment(q, &owner, id)?.ok_or(Error::NotFound)?;
                shown(q, vec![row])?.pop().ok_or(Error::NotFound)
            })
            .await
    }

    /// The payments of an order that are `owner`'s, newest first. To a shopper, an order without any is somebody
    /// else's.
    pub async fn of_order(&self, owner: Owner, order: OrderId) -> Result<Vec<Shown>, Error> {
        self.db
            .read(move |q| {
                let rows = store::of_order(q, &owner, order)?;
                if rows.is_empty() && !matches!(owner, Owner::Anybody) {
                    return Err(Error::NotFound);
                }
                shown(q, rows)
            })
            .await
    }

    /// A user's payments, newest first; one more than the limit where there are more.
    pub async fn history(&self, user: UserId, page: PageRequest) -> Result<Vec<Shown>, Error> {
        self.db
            .read(move |q| {
                let rows = store::history(q, user, &page)?;
                shown(q, rows)
            })
            .await
    }

    /// Every account with its sums.
    pub async fn accounts(&self) -> Result<Vec<AccountTotal>, Error> {
        self.db.read(|q| Ok(store::accounts(q)?)).await
    }

    /// Every account with its sums, and what they come to.
    pub async fn trial_balance(&self) -> Result<TrialBalance, Error> {
        let accounts = self.accounts().await?;
        let mut difference: BTreeMap<Currency, i64> = BTreeMap::new();
        for total in &accounts {
            *difference.entry(total.currency).or_default() += total.debit - total.credit;
        }
        Ok(TrialBalance { accounts, difference: difference.into_iter().collect() })
    }

    /// A store's statement, for whoever may act for the store and for administrators.
    pub async fn statement(&self, asker: Asker, store: VendorId, period: Period) -> Result<Statement, Error> {
        let known = match asker {
            Asker::Vendor(user) => self.stores_of(user).await?.contains(&store),
            Asker::Admin => {
                let request = GetStoresRequest { vendor_ids: vec![store.to_string()], slugs: Vec::new() };
                let found = self.vendors.clone().get_stores(request).await.map_err(|s| Error::from_call("vendors", &s))?;
                !found.into_inner().stores.is_empty()
            }
        };
        if !known {
            return Err(Error::NoStore);
        }
        self.db
            .read(move |q| {
                let accounts = accounts_of(store);
                let opening = store::balances_before(q, &accounts, period.begin())?;
                let movements = store::movements(q, &accounts, period.begin(), period.end(), STATEMENT_ENTRIES_MAX as i64 + 1)?;
                if movements.len() > STATEMENT_ENTRIES_MAX {
                    return Err(Error::StatementTooLong(STATEMENT_ENTRIES_MAX));
                }
                Ok(Statement::new(opening, movements))
            })
            .await
    }

    /// Entries of the ledger, newest first; one more than the limit where there are more.
    pub async fn entries(&self, filter: EntryFilter, page: PageRequest) -> Result<Vec<EntryRow>, Error> {
        self.db.read(move |q| Ok(store::entries(q, &filter, &page)?)).await
    }
}

/// Payments with their cash, where they have any.
fn shown(q: &mut Query, rows: Vec<PaymentRow>) -> Result<Vec<Shown>, Error> {
    let in_cash: Vec<_> = rows.iter().filter(|r| r.method == CASH_ON_DELIVERY).map(|r| r.id).collect();
    let cash = store::cash_of(q, &in_cash)?;
    let with_cash = |row: PaymentRow| Shown { cash: cash.iter().filter(|c| c.payment_id == row.id).cloned().collect(), row };
    Ok(rows.into_iter().map(with_cash).collect())
}
