//! What can go wrong at the sandbox provider.

use kit::{DbError, Problem};

use crate::domain::Answer;

/// Why a request had no effect.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Error {
    /// No such page or session.
    #[error("no such payment")]
    NotFound,
    /// The payer gave another answer before.
    #[error("the payer has answered already: {}", .0.as_str())]
    Answered(Answer),
    /// The merchant gave it up.
    #[error("the payment was cancelled")]
    Cancelled,
    /// The key was used with other contents.
    #[error("{0}")]
    KeyReused(&'static str),
    /// Not an amount that can be charged or refunded.
    #[error("{0}")]
    InvalidAmount(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        let text = e.to_string();
        match e {
            Error::NotFound => Problem::not_found("payment"),
            Error::Answered(_) => Problem::conflict("already_answered", text),
            Error::Cancelled => Problem::conflict("payment_cancelled", text),
            Error::KeyReused(_) => Problem::conflict("key_reused", text),
            Error::InvalidAmount(_) => Problem::unprocessable("invalid_amount", text),
            Error::Db(e) => e.into(),
        }
    }
}
