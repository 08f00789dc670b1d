//! Statements of stores, from the ledger.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use contracts::{JournalId, Money, OrderId, Time, VendorId};
use kit::http::{Path, Period, Query};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::cash::asker;
use crate::app::App;
use crate::domain::statement::{Balance, Movement, Statement};

/// Days of a statement where none are asked for.
const DAYS_DEFAULT: i64 = 30;
/// Days of a statement at most.
const DAYS_MAX: i64 = 366;

/// As what a statement is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Csv,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatementParams {
    /// The first day, such as `2026-01-01`; days are UTC. The last 30 days where left out.
    from: Option<String>,
    /// The last day, at most 366 days after the first; today where left out.
    to: Option<String>,
    /// `json` where left out, or `csv`.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// What the marketplace owes a store, and why.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Statement)]
pub(super) struct StatementView {
    /// The store.
    vendor_id: VendorId,
    /// The first day.
    from: String,
    /// The last day.
    to: String,
    /// Every account of the store that was used until the last day, as it stood before the first.
    opening: Vec<BalanceView>,
    /// What moved, oldest first.
    entries: Vec<EntryView>,
    /// The same accounts after the last day.
    closing: Vec<BalanceView>,
}

/// Where an account stands.
#[derive(Serialize, ToSchema)]
#[schema(as = StatementBalance)]
struct BalanceView {
    /// `vendor_payable:<vendorId>` and `shipping_payable:<vendorId>`: owed to the store for goods and for shipping.
    /// `cash_in_transit:<vendorId>`: cash that it holds.
    account: String,
    /// Above 0 what the store is owed, below 0 what it owes.
    balance: Money,
}

/// What moved on an account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatementEntry)]
struct EntryView {
    /// The entry.
    id: Uuid,
    /// Its journal.
    journal_id: JournalId,
    /// capture, cash_collected, cash_remitted, refund_requested or refund_failed.
    kind: String,
    /// The order that it belongs to.
    order_id: OrderId,
    /// The account.
    account: String,
    /// Credits are above 0, debits below.
    amount: Money,
    /// The account after it.
    balance: Money,
    /// When it was posted.
    created_at: Time,
}

/// A store's statement: the opening balance of its accounts, every entry with its order, the closing balance. For the
/// store and for administrators.
#[utoipa::path(get, path = "/api/v1/ledger/statements/{vendorId}", tag = "ledger", params(("vendorId" = VendorId, Path), StatementParams),
    responses((status = 200, content((StatementView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "invalid_period"), (status = 404), (status = 422, description = "statement_too_long")))]
pub(super) async fn statement(
    State(app): State<App>,
    caller: Caller,
    Path(vendor_id): Path<VendorId>,
    Query(p): Query<StatementParams>,
) -> Result<Response, Problem> {
    let period = Period::new(p.from.as_deref(), p.to.as_deref(), app.clock.now(), DAYS_DEFAULT, DAYS_MAX)?;
    let found = app.statement(asker(&caller)?, vendor_id, period).await?;
    match p.format {
        Format::Json => Ok(axum::Json(view(vendor_id, period, found)).into_response()),
        Format::Csv => {
            let name = format!("attachment; filename=\"statement-{}-{}.csv\"", period.from(), period.to());
            let headers = [("content-type", "text/csv; charset=utf-8".to_owned()), ("content-disposition", name)];
            Ok((headers, csv(&found).map_err(Problem::internal)?).into_response())
        }
    }
}

fn view(vendor_id: VendorId, period: Period, found: Statement) -> StatementView {
    let balance = |b: Balance| BalanceView { account: b.account, balance: Money::new(b.amount, b.currency) };
    let entry = |(m, balance): (Movement, i64)| EntryView {
        id: m.id,
        journal_id: m.journal_id,
        kind: m.kind,
        order_id: m.order_id,
        account: m.account,
        amount: Money::new(m.credit - m.debit, m.currency),
        balance: Money::new(balance, m.currency),
        created_at: m.created_at,
    };
    StatementView {
        vendor_id,
        from: period.from(),
        to: period.to(),
        opening: found.opening.into_iter().map(balance).collect(),
        entries: found.movements.into_iter().map(entry).collect(),
        closing: found.closing.into_iter().map(balance).collect(),
    }
}

/// One line per balance and entry; amounts in minor units.
fn csv(found: &Statement) -> Result<Vec<u8>, String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut write = |record: [String; 10]| out.write_record(&record).map_err(|e| e.to_string());
    write(["time", "kind", "order", "journal", "entry", "account", "debit", "credit", "balance", "currency"].map(str::to_owned))?;
    let balance = |kind: &str, b: &Balance| {
        let none = String::new;
        let (account, currency) = (b.account.clone(), b.currency.code().to_owned());
        [none(), kind.to_owned(), none(), none(), none(), account, none(), none(), b.amount.to_string(), currency]
    };
    found.opening.iter().try_for_each(|b| write(balance("opening", b)))?;
    for (m, balance) in &found.movements {
        write([
            m.created_at.to_string(),
            m.kind.clone(),
            m.order_id.to_string(),
            m.journal_id.to_string(),
            m.id.to_string(),
            m.account.clone(),
            m.debit.to_string(),
            m.credit.to_string(),
            balance.to_string(),
            m.currency.code().to_owned(),
        ])?;
    }
    found.closing.iter().try_for_each(|b| write(balance("closing", b)))?;
    out.into_inner().map_err(|e| e.to_string())
}
