//! What can go wrong with a payment, by meaning, and how the outside reads it.

use contracts::{Currency, Money, MoneyError, OrderLineId};
use kit::problem::FieldError;
use kit::webhook::SignatureError;
use kit::{DbError, Problem};
use tonic::Code;

/// Why a use case did not happen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Not there, or not the caller's.
    #[error("no such payment")]
    NotFound,
    /// Not there, or not the caller's.
    #[error("no such store")]
    NoStore,
    /// More entries than a statement holds.
    #[error("a statement holds at most {0} entries: ask for a shorter period")]
    StatementTooLong(usize),
    /// No such message.
    #[error("no such webhook")]
    NoWebhook,
    /// Nobody vouched for it.
    #[error("this message was refused: its signature does not fit")]
    NotVerified,
    /// Given up before it began.
    #[error("the payment was cancelled before it began")]
    Cancelled,
    /// The same id came with other contents before.
    #[error("a payment with this id was begun for another order, amount or method")]
    PaymentMismatch,
    /// The shares of a new payment are not a way to share out its amount.
    #[error("{0}")]
    InvalidShares(String),
    /// Nobody can pay like that here.
    #[error("expected a payment method such as sandbox or cod, found {0:?}")]
    UnknownMethod(String),
    /// The provider took something else than was asked for.
    #[error("the provider charged {charged:?}, asked was {asked:?}")]
    ChargeMismatch {
        /// By us.
        asked: Option<Money>,
        /// By the provider.
        charged: Money,
    },
    /// A refund before there is money.
    #[error("nothing was captured")]
    NotCaptured,
    /// More than is left.
    #[error("at most {left} can be refunded")]
    RefundExceedsCaptured {
        /// To the caller.
        left: Money,
    },
    /// Nothing of this payment is paid in cash to this store.
    #[error("nothing of this payment is paid in cash for this store")]
    NoCash,
    /// More cash than the part lacks.
    #[error("at most {missing} is still due")]
    CollectionExceedsDue {
        /// By the part.
        missing: Money,
    },
    /// The same collection id came with another amount before.
    #[error("a collection with this id was of another amount")]
    CollectionMismatch,
    /// Nobody was at the door yet, so nothing is short.
    #[error("nothing is short: the part is {0}")]
    NotShort(&'static str),
    /// More than was collected and not handed over.
    #[error("at most {left} is still to be handed over")]
    RemittanceExceedsCollected {
        /// Of what was collected.
        left: Money,
    },
    /// The same remittance id came with other contents before.
    #[error("this Idempotency-Key recorded another remittance before")]
    RemittanceMismatch,
    /// A remittance over too many payments.
    #[error("a remittance covers at most {0} payments: record it in several")]
    TooManyPayments(usize),
    /// A refund that its provider pays, or that has ended.
    #[error("only a refund of cash that is still to be paid out can be settled, this one is {0}")]
    NotToBeSettled(String),
    /// Items that cannot be read as pieces of lines.
    #[error("{0}")]
    InvalidItems(String),
    /// No such line is paid by this payment, or not of the caller's store.
    #[error("the payment has no line {0}")]
    UnknownLine(OrderLineId),
    /// No pieces, or fewer, of the item at this place.
    #[error("a quantity is 1 or more")]
    QuantityNotPositive(usize),
    /// More pieces than are left of a line.
    #[error("at most {left} of line {line_id} can still be refunded")]
    LineExceeded {
        /// Of which line.
        line_id: OrderLineId,
        /// How many pieces.
        left: i64,
    },
    /// The same refund id came with another amount before.
    #[error("a refund with this id was asked for with another amount")]
    RefundMismatch,
    /// A refund of nothing, or less.
    #[error("a refund is more than 0")]
    AmountNotPositive,
    /// Another currency than the payment's.
    #[error("the payment is in {expected}, found {found}")]
    CurrencyMismatch {
        /// The payment's.
        expected: Currency,
        /// The caller's.
        found: Currency,
    },
    /// A sum that does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A webhook that is not the provider's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A webhook or call that cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The same idempotency key came with another body before.
    #[error("the key was used for something else")]
    KeyReused,
    /// The provider, or a service that must be asked, does not answer.
    #[error("{0} does not answer")]
    Unavailable(&'static str),
    /// The provider or a service answered what it should not.
    #[error("{0}")]
    Broken(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// What a call of another service came to.
    pub fn from_call(callee: &'static str, status: &tonic::Status) -> Error {
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted | Code::Aborted => {
                Error::Unavailable(callee)
            }
            code => Error::Broken(format!("{callee} answered {code}: {}", status.message())),
        }
    }
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        let text = e.to_string();
        match e {
            Error::NotFound => Problem::not_found("payment"),
            Error::NoStore => Problem::not_found("store"),
            Error::StatementTooLong(_) => Problem::unprocessable("statement_too_long", text),
            Error::NoWebhook => Problem::not_found("webhook"),
            Error::NotVerified => Problem::conflict("not_verified", text),
            Error::Cancelled => Problem::conflict("payment_cancelled", text),
            Error::PaymentMismatch => Problem::conflict("payment_mismatch", text),
            Error::InvalidShares(_) => Problem::unprocessable("invalid_shares", text),
            Error::UnknownMethod(_) => Problem::unprocessable("unknown_payment_method", text),
            Error::ChargeMismatch { .. } => Problem::unprocessable("charge_mismatch", text),
            Error::NotCaptured => Problem::conflict("not_captured", text),
            Error::RefundExceedsCaptured { left } => Problem::conflict("refund_exceeds_captured", text).with("left", left),
            Error::NoCash => Problem::conflict("not_cash", text),
            Error::CollectionExceedsDue { missing } => Problem::conflict("collection_exceeds_due", text).with("missing", missing),
            Error::CollectionMismatch => Problem::conflict("collection_mismatch", text),
            Error::NotShort(_) => Problem::conflict("not_short", text),
            Error::RemittanceExceedsCollected { left } => Problem::conflict("remittance_exceeds_collected", text).with("left", left),
            Error::RemittanceMismatch => Problem::conflict("remittance_mismatch", text),
            Error::TooManyPayments(_) => Problem::unprocessable("too_many_payments", text),
            Error::NotToBeSettled(_) => Problem::conflict("not_to_be_settled", text),
            Error::InvalidItems(_) => invalid("/items", "invalid_items", text),
            Error::UnknownLine(_) => invalid("/items", "unknown_line", text),
            Error::QuantityNotPositive(place) => invalid(&format!("/items/{place}/quantity"), "not_positive", text),
            Error::LineExceeded { line_id, left } => {
                Problem::conflict("refund_exceeds_captured", text).with("lineId", line_id).with("leftQuantity", left)
            }
            Error::RefundMismatch => Problem::conflict("refund_mismatch", text),
            Error::AmountNotPositive => invalid("/amount/amount", "not_positive", text),
            Error::CurrencyMismatch { .. } => invalid("/amount/currency", "currency_mismatch", text),
            Error::Money(_) => Problem::unprocessable("invalid_amount", text),
            Error::Signature(_) => Problem::unauthenticated(text),
            Error::Malformed(_) => Problem::bad_request("malformed", text),
            Error::KeyReused => kit::idempotency::mismatch(),
            Error::Unavailable(_) => Problem::unavailable("unavailable", text),
            Error::Broken(_) => Problem::internal(text),
            Error::Db(e) => e.into(),
        }
    }
}

fn invalid(pointer: &str, code: &'static str, detail: String) -> Problem {
    Problem::invalid(vec![FieldError { pointer: pointer.into(), code, detail }])
}
