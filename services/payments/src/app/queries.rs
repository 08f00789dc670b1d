//! What can be asked of payments and the ledger.

use std::collections::BTreeMap;

use contracts::{Currency, OrderId, PaymentId, UserId};
use kit::http::PageRequest;

use super::App;
use crate::error::Error;
use crate::store::{self, AccountTotal, EntryFilter, EntryRow, Owner, PaymentRow};

/// The sums of all accounts, and by how much debits exceed credits in each currency: always 0.
pub(crate) struct TrialBalance {
    pub accounts: Vec<AccountTotal>,
    pub difference: Vec<(Currency, i64)>,
}

impl App {
    /// A payment of `owner`.
    pub async fn payment(&self, owner: Owner, id: PaymentId) -> Result<PaymentRow, Error> {
        self.db.read(move |q| store::payment(q, &owner, id)?.ok_or(Error::NotFound)).await
    }

    /// The payments of an order that are `owner`'s, newest first.
    pub async fn of_order(&self, owner: Owner, order: OrderId) -> Result<Vec<PaymentRow>, Error> {
        self.db.read(move |q| Ok(store::of_order(q, &owner, order)?)).await
    }

    /// A user's payments, newest first; one more than the limit where there are more.
    pub async fn history(&self, user: UserId, page: PageRequest) -> Result<Vec<PaymentRow>, Error> {
        self.db.read(move |q| Ok(store::history(q, user, &page)?)).await
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

    /// Entries of the ledger, newest first; one more than the limit where there are more.
    pub async fn entries(&self, filter: EntryFilter, page: PageRequest) -> Result<Vec<EntryRow>, Error> {
        self.db.read(move |q| Ok(store::entries(q, &filter, &page)?)).await
    }
}
