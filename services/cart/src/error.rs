use kit::problem::FieldError;
use kit::{DbError, Problem};

/// What can go wrong with a cart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such line in this cart.
    #[error("no such item")]
    NoItem,
    /// The catalog does not sell it.
    #[error("this variant is not for sale")]
    NotForSale,
    /// More than a cart takes.
    #[error("a cart takes at most 999 of a variant")]
    TooMany,
    /// Too many lines.
    #[error("a cart takes at most 100 lines")]
    TooManyLines,
    /// Another currency is in it already.
    #[error("a cart is in one currency")]
    MixedCurrency,
    /// The catalog did not answer.
    #[error("the catalog did not answer")]
    Unreachable,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        let detail = e.to_string();
        let field = |pointer: &str, code| Problem::invalid(vec![FieldError { pointer: pointer.into(), code, detail: detail.clone() }]);
        match e {
            Error::NoItem => Problem::not_found("item"),
            Error::NotForSale => field("/variantId", "unknown_variant"),
            Error::TooMany => field("/quantity", "range"),
            Error::TooManyLines => Problem::unprocessable("cart_full", detail),
            Error::MixedCurrency => Problem::unprocessable("mixed_currency", detail),
            Error::Unreachable => Problem::unavailable("unavailable", detail),
            Error::Db(e) => e.into(),
        }
    }
}
