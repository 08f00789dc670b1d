//! What happens to payments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CollectionId, Currency, JournalId, Money, OrderId, OrderLineId, PaymentId, RefundId, RemittanceId, UserId, VendorId};

/// How a captured amount is shared out; the parts sum to the amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// `vendor_payable:<vendorId>`, `commission`, `tax_payable` or `shipping_payable:<vendorId>`.
    pub account: String,
    /// Minor units of the payment's currency.
    pub amount: i64,
    /// The store from whose part it comes.
    pub vendor_id: VendorId,
}

/// The money of one line of an order. What is neither tax nor commission is the store's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaidLine {
    /// The line.
    pub line_id: OrderLineId,
    /// The store that sells it.
    pub vendor_id: VendorId,
    /// How many.
    pub quantity: i64,
    /// What is paid for all of it, tax included, in minor units of the payment's currency.
    pub total: i64,
    /// Tax in it.
    pub tax: i64,
    /// What the marketplace keeps of it.
    pub commission: i64,
}

/// Pieces of a line whose money goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundedItem {
    /// The line.
    pub line_id: OrderLineId,
    /// How many.
    pub quantity: i64,
}

/// A payment was begun with its provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentInitiated {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it pays for.
    pub order_id: OrderId,
    /// The payer; null for a guest.
    pub user_id: Option<UserId>,
    /// Hash of the guest's cart token.
    pub guest: Option<String>,
    /// sandbox, cod, …
    pub method: String,
    /// How much.
    pub amount: Money,
    /// How it will be shared out.
    pub shares: Vec<Share>,
    /// Where the payer goes.
    pub action_url: Option<String>,
    /// What is paid for, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<PaidLine>,
}

/// The money is there: the provider has it, or all the cash that is still expected was collected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCompleted {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it pays for.
    pub order_id: OrderId,
    /// sandbox, cod, …
    pub method: String,
    /// How much.
    pub amount: Money,
    /// The provider's own id of the charge.
    pub provider_reference: String,
    /// Which accounts it goes to now; sums to the amount. Empty for cash, which was shared out as it was collected, and for
    /// a charge that nobody had asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
}

/// Declined or given up by the provider; nothing was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFailed {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it was to pay for.
    pub order_id: OrderId,
    /// Why.
    pub reason: String,
}

/// Given up by us. A charge that lands later is refunded by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCancelled {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it was to pay for.
    pub order_id: OrderId,
    /// Why.
    pub reason: String,
}

/// Part of the capture is set aside for a refund, before the provider is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefundRequested {
    /// The payment.
    pub payment_id: PaymentId,
    /// The refund.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// From which accounts it is taken; sums to the amount.
    pub shares: Vec<Share>,
    /// For which pieces, where it is for pieces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<RefundedItem>,
    /// Stores whose shipping goes back with the pieces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shipping_of: Vec<VendorId>,
}

/// The provider gave the money back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it paid for.
    pub order_id: OrderId,
    /// The refund.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
}

/// The provider refused for good; the amount set aside is free again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefundFailed {
    /// The payment.
    pub payment_id: PaymentId,
    /// The refund.
    pub refund_id: RefundId,
    /// Why.
    pub reason: String,
}

/// Cash for one store's part changed hands at the door: all that was due, some of it, or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCashCollected {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it pays for.
    pub order_id: OrderId,
    /// The store whose part was paid.
    pub vendor_id: VendorId,
    /// The same in every repeat.
    pub collection_id: CollectionId,
    /// How much; 0 where nothing was paid.
    pub amount: Money,
    /// What the part still lacks.
    pub missing: Money,
    /// Which accounts it goes to; sums to the amount.
    pub shares: Vec<Share>,
}

/// What one store's part still lacked is not expected any more: its goods were refused at the door, or it was written off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCashReleased {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it pays for.
    pub order_id: OrderId,
    /// The store.
    pub vendor_id: VendorId,
    /// What is not expected any more.
    pub amount: Money,
    /// Why.
    pub reason: String,
}

/// Whoever collected cash for a store's part handed it over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCashRemitted {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it pays for.
    pub order_id: OrderId,
    /// The store.
    pub vendor_id: VendorId,
    /// One for all that was handed over at once.
    pub remittance_id: RemittanceId,
    /// How much of this payment.
    pub amount: Money,
}

/// One side of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The account.
    pub account: String,
    /// Minor units; one of debit and credit is 0.
    pub debit: i64,
    /// Minor units.
    pub credit: i64,
}

/// A double-entry journal was posted; debits equal credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalPosted {
    /// The journal.
    pub journal_id: JournalId,
    /// capture, cash_collected, cash_remitted, refund_requested, refund_completed, refund_failed.
    pub kind: String,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// The payment it belongs to.
    pub payment_id: PaymentId,
    /// The currency of all its entries.
    pub currency: Currency,
    /// Its entries.
    pub entries: Vec<Entry>,
}

crate::declare_events! { "payments";
    PaymentInitiated = "payment.initiated" v 1 by payment_id,
    PaymentCompleted = "payment.completed" v 1 by payment_id,
    PaymentFailed = "payment.failed" v 1 by payment_id,
    PaymentCancelled = "payment.cancelled" v 1 by payment_id,
    PaymentRefundRequested = "payment.refund_requested" v 1 by payment_id,
    PaymentRefunded = "payment.refunded" v 1 by payment_id,
    PaymentRefundFailed = "payment.refund_failed" v 1 by payment_id,
    PaymentCashCollected = "payment.cash_collected" v 1 by payment_id,
    PaymentCashReleased = "payment.cash_released" v 1 by payment_id,
    PaymentCashRemitted = "payment.cash_remitted" v 1 by payment_id,
    JournalPosted = "ledger.posted" v 1 by journal_id,
}
