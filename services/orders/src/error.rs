use contracts::{Money, VariantId};
use kit::problem::FieldError;
use kit::webhook::SignatureError;
use kit::{DbError, Problem};
use serde::Serialize;

use crate::domain::{Difference, Refused, field};

/// What can go wrong with orders.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such order, or not the caller's.
    #[error("no such order")]
    NoOrder,
    /// No such vendor order, or not of the caller's store.
    #[error("no such vendor order")]
    NoVendorOrder,
    /// No such return, or not the caller's.
    #[error("no such return")]
    NoReturn,
    /// No carrier of this name may tell anything here.
    #[error("no such carrier")]
    NoCarrier,
    /// A carrier's message that it has not signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A carrier's message that cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// No such message of a carrier.
    #[error("no such message")]
    NoMessage,
    /// Nobody vouched for a carrier's message.
    #[error("this message was refused: its signature does not fit")]
    NotVerified,
    /// The same key came with another request before.
    #[error("the key was used for something else")]
    KeyReused,
    /// Understood, but not valid.
    #[error("invalid order")]
    Invalid(Vec<FieldError>),
    /// There is nothing in the cart.
    #[error("the cart is empty")]
    CartEmpty,
    /// Prices in two currencies.
    #[error("all items of an order are priced in one currency")]
    MixedCurrency,
    /// The total is not what the caller saw.
    #[error("the total has changed")]
    PriceChanged(Money),
    /// There is no such quote: it is another's, used up, or no longer held.
    #[error("the quote does not hold any more; ask for a new one")]
    NoQuote,
    /// The checkout is not what was quoted.
    #[error("this is not what was quoted; ask for a new quote")]
    NotAsQuoted(Vec<Difference>),
    /// Not everything is there; nothing is held.
    #[error("out of stock")]
    OutOfStock(Vec<Shortage>),
    /// The order's state does not lead there.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The order changed since the caller read it.
    #[error("the order has changed")]
    Stale(Problem),
    /// Another service did not answer.
    #[error("{0} did not answer")]
    Unreachable(&'static str),
    /// Another service answered what it should not.
    #[error("{0}")]
    Internal(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A line that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    /// What was asked for.
    pub variant_id: VariantId,
    /// How many.
    pub requested: i64,
    /// How many there are.
    pub available: i64,
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        let text = e.to_string();
        match e {
            Error::NoOrder => Problem::not_found("order"),
            Error::NoVendorOrder => Problem::not_found("vendor order"),
            Error::NoReturn => Problem::not_found("return"),
            Error::NoCarrier => Problem::not_found("carrier"),
            Error::Signature(_) => Problem::unauthenticated(text),
            Error::Malformed(_) => Problem::bad_request("malformed", text),
            Error::NoMessage => Problem::not_found("message of a carrier"),
            Error::NotVerified => Problem::conflict("not_verified", text),
            Error::KeyReused => kit::idempotency::mismatch(),
            Error::Invalid(errors) => Problem::invalid(errors),
            Error::CartEmpty => Problem::unprocessable("cart_empty", "put something into the cart first, or list items"),
            Error::MixedCurrency => Problem::unprocessable("mixed_currency", text),
            Error::PriceChanged(total) => {
                Problem::conflict("price_changed", "the total is not the expected one; show the new one to the shopper")
                    .with("total", total)
            }
            Error::NoQuote => Problem::conflict("quote_expired", text),
            Error::NotAsQuoted(differences) => Problem::conflict("quote_mismatch", text).with("differs", differences),
            Error::OutOfStock(items) => {
                Problem::conflict("out_of_stock", "there is not enough of some items; nothing was ordered").with("items", items)
            }
            Error::Refused(Refused::NoSuchPart) => Problem::not_found("vendor order"),
            Error::Refused(Refused::Illegal { allowed, .. }) => Problem::conflict("illegal_transition", text).with("allowed", allowed),
            Error::Refused(Refused::Imported { .. }) => Problem::conflict("imported_order", text),
            Error::Refused(Refused::NoSuchReturn) => Problem::not_found("return"),
            Error::Refused(Refused::NoSuchLine(_)) => Problem::invalid(vec![field("/items", "unknown_line", text)]),
            Error::Refused(Refused::NoSuchVariant(_)) => Problem::invalid(vec![field("/items", "unknown_variant", text)]),
            Error::Refused(Refused::NothingToReturn) => Problem::invalid(vec![field("/items", "length", text)]),
            Error::Refused(Refused::SeveralStores) => Problem::invalid(vec![field("/items", "several_stores", text)]),
            Error::Refused(Refused::NotReturnable(_)) => Problem::invalid(vec![field("/items", "not_returnable", text)]),
            Error::Refused(Refused::ReturnExceedsDelivered { line_id, left }) => {
                Problem::conflict("return_exceeds_delivered", text).with("lineId", line_id).with("left", left)
            }
            Error::Refused(Refused::NoCash) => Problem::invalid(vec![field("/collected", "no_cash", text)]),
            Error::Refused(Refused::CashOfSeveral) => Problem::invalid(vec![field("/collected", "several_parts", text)]),
            Error::Refused(Refused::NotSold) => Problem::conflict("not_invoiced", text),
            Error::Refused(Refused::Packed) => Problem::conflict("order_packed", text),
            Error::Refused(Refused::CashOutOfRange { .. }) => Problem::invalid(vec![field("/collected", "range", text)]),
            Error::Stale(problem) => problem,
            Error::Unreachable(_) => Problem::unavailable("unavailable", text),
            Error::Internal(cause) => Problem::internal(cause),
            Error::Db(e) => e.into(),
        }
    }
}
