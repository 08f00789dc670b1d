use axum::http::StatusCode;
use contracts::VendorId;
use kit::problem::FieldError;
use kit::{DbError, Problem};
use serde_json::json;

/// What can go wrong with stores.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such store, or not the caller's.
    #[error("no such store")]
    NoStore,
    /// Nobody asked the caller to work there.
    #[error("no such invitation")]
    NoInvitation,
    /// The caller acts for several stores, these, and named none.
    #[error("you act for several stores: name one by the parameter vendorId")]
    Several(Vec<(VendorId, String)>),
    /// Not a name for addresses.
    #[error("a slug has 1 to 60 lower-case letters, digits and hyphens")]
    InvalidSlug,
    /// No such user, or not one of the store's staff.
    #[error("no such user")]
    NoUser,
    /// A store has asked the same person too often.
    #[error("they were invited several times lately; ask again in {retry_after_seconds} s")]
    TooManyInvitations {
        /// When they may be asked again.
        retry_after_seconds: u32,
    },
    /// Fields that are not valid.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// It has changed since the caller read it.
    #[error("it has changed since you read it; read it again")]
    Stale,
    /// Only the owner may.
    #[error("only the owner of the store can do this")]
    NotOwner,
    /// Identity does not answer.
    #[error("identity does not answer now; try again")]
    Unreachable,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// A call that failed.
    pub fn unreachable(status: tonic::Status) -> Error {
        tracing::warn!(code = ?status.code(), reason = status.message(), "identity does not answer");
        Error::Unreachable
    }
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        let text = e.to_string();
        match e {
            Error::NoStore => Problem::not_found("store"),
            Error::NoInvitation => Problem::not_found("invitation"),
            Error::Several(stores) => {
                let stores: Vec<_> = stores.into_iter().map(|(id, name)| json!({"id": id, "name": name})).collect();
                Problem::unprocessable("vendor_id_needed", text).with("stores", stores)
            }
            Error::InvalidSlug => Problem::unprocessable("invalid_slug", text),
            Error::NoUser => Problem::not_found("user"),
            Error::TooManyInvitations { retry_after_seconds } => {
                let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_invitations", text);
                problem.retry_after = Some(retry_after_seconds);
                problem
            }
            Error::Invalid(errors) => Problem::invalid(errors),
            Error::Stale => Problem::new(StatusCode::PRECONDITION_FAILED, "stale", text),
            Error::NotOwner => Problem::forbidden(text),
            Error::Unreachable => Problem::unavailable("service_unavailable", text),
            Error::Db(e) => e.into(),
        }
    }
}
