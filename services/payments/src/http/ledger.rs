//! `/ledger`: double entry, for administrators.

use axum::extract::State;
use contracts::{Currency, JournalId, Money, OrderId, Time};
use kit::Problem;
use kit::http::{After, Page, PageRequest, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::store::{AccountTotal, EntryFilter, EntryRow};

/// An account's sums in one currency, in minor units.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Account {
    /// Such as `provider_clearing:sandbox` or `vendor_payable:<vendorId>`.
    account: String,
    /// The currency of both sums.
    currency: Currency,
    /// All debits.
    debit: i64,
    /// All credits.
    credit: i64,
}

impl From<AccountTotal> for Account {
    fn from(total: AccountTotal) -> Account {
        Account { account: total.account, currency: total.currency, debit: total.debit, credit: total.credit }
    }
}

/// All accounts, and by how much debits exceed credits.
#[derive(Serialize, ToSchema)]
pub(super) struct TrialBalance {
    data: Vec<Account>,
    /// One per currency; always 0.
    difference: Vec<Money>,
}

/// The sums of all accounts, which balance in every currency.
#[utoipa::path(get, path = "/api/v1/ledger/trial-balance", tag = "ledger", responses((status = 200, body = TrialBalance)))]
pub(super) async fn trial_balance(State(app): State<App>) -> Result<axum::Json<TrialBalance>, Problem> {
    let balance = app.trial_balance().await?;
    let difference = balance.difference.into_iter().map(|(currency, amount)| Money::new(amount, currency)).collect();
    Ok(axum::Json(TrialBalance { data: balance.accounts.into_iter().map(Account::from).collect(), difference }))
}

/// An account with its balance.
#[derive(Serialize, ToSchema)]
struct AccountBalance {
    /// The sums.
    #[serde(flatten)]
    account: Account,
    /// Debits less credits: what we hold where it is above 0, what we owe or earned where it is below.
    balance: Money,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Accounts {
    data: Vec<AccountBalance>,
}

/// Every account with its balance.
#[utoipa::path(get, path = "/api/v1/ledger/accounts", tag = "ledger", responses((status = 200, body = Accounts)))]
pub(super) async fn accounts(State(app): State<App>) -> Result<axum::Json<Accounts>, Problem> {
    let with_balance = |total: AccountTotal| {
        let balance = Money::new(total.debit - total.credit, total.currency);
        AccountBalance { account: total.into(), balance }
    };
    Ok(axum::Json(Accounts { data: app.accounts().await?.into_iter().map(with_balance).collect() }))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EntryParams {
    /// Of this order only.
    order_id: Option<OrderId>,
    /// On this account only.
    account: Option<String>,
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// One side of a journal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// The entry.
    id: Uuid,
    /// Its journal; the entries of one sum to zero.
    journal_id: JournalId,
    /// The order it belongs to.
    order_id: OrderId,
    /// The account.
    account: String,
    /// Minor units; one of debit and credit is 0.
    debit: i64,
    /// Minor units.
    credit: i64,
    /// The currency of both.
    currency: Currency,
    /// When it was posted.
    created_at: Time,
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Entry {
        let EntryRow { id, journal_id, order_id, account, debit, credit, currency, created_at } = row;
        Entry { id, journal_id, order_id, account, debit, credit, currency, created_at }
    }
}

/// Entries of the ledger, newest first.
#[utoipa::path(get, path = "/api/v1/ledger/entries", tag = "ledger", params(EntryParams), responses((status = 200, body = Page<Entry>)))]
pub(super) async fn entries(State(app): State<App>, Query(p): Query<EntryParams>) -> Result<axum::Json<Page<Entry>>, Problem> {
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("ledger entries {:?} {:?}", p.order_id, p.account))?;
    let filter = EntryFilter { order_id: p.order_id, account: p.account };
    let rows = app.entries(filter, page.clone()).await?.into_iter().map(Entry::from).collect();
    Ok(axum::Json(page.page(rows, |e: &Entry| After { time: e.created_at, id: e.id })))
}
