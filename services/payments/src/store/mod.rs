//! Every SQL statement of payments.

mod cash;
mod ledger;
mod payments;
mod statement;
mod webhooks;

pub(crate) use cash::{
    CashFilter, CashRow, RemittanceRow, cash, cash_of, in_transit, insert_remittance, remittance, remittances, remitted_with,
};
pub(crate) use ledger::{AccountTotal, EntryFilter, EntryRow, accounts, entries, post};
pub(crate) use payments::{Owner, PaymentRow, RefundRow, history, move_refund, of_order, payment, project, put_refund, refund};
pub(crate) use statement::{balances_before, movements};
pub(crate) use webhooks::{
    Arrived, WebhookFilter, WebhookRow, forget_webhooks, keep_webhook, thin_out_refused, was_applied, webhook, webhooks,
};
