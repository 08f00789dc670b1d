//! What can go wrong, by meaning, and what a caller reads of it.

use axum::http::StatusCode;
use kit::problem::FieldError;
use kit::{DbError, Problem, idempotency};

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields that are not valid.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// No such account, or not its password; nobody is told which.
    #[error("wrong e-mail address or password")]
    InvalidCredentials,
    /// The right password of an account that an administrator closed.
    #[error("account is deactivated")]
    Deactivated,
    /// The e-mail address has an account already.
    #[error("e-mail address is taken")]
    EmailTaken,
    /// Never given out, expired, or of a session that has ended.
    #[error("refresh token is not valid")]
    InvalidRefreshToken,
    /// Used before: somebody has a copy. Its session has ended.
    #[error("refresh token was used before")]
    RefreshTokenReused,
    /// No picture that may be shown.
    #[error("not a picture")]
    InvalidImage(String),
    /// Never sent, used, or expired.
    #[error("link is not valid")]
    InvalidLink,
    /// Too many failed attempts.
    #[error("too many attempts")]
    TooManyAttempts {
        /// Seconds until the next one is counted.
        retry_after_seconds: u32,
    },
    /// Not there, or not the caller's.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// It has changed since the caller read it.
    #[error("stale version")]
    Stale,
    /// An administrator wants to lose the right to do what they do.
    #[error("administrators cannot demote or deactivate themselves")]
    NotYourself,
    /// The address book is full.
    #[error("address book is full")]
    TooManyAddresses,
    /// The idempotency key came with another request before.
    #[error("idempotency key was used before")]
    KeyReused,
    /// The request with this idempotency key is still being answered.
    #[error("idempotency key is in use")]
    KeyInUse,
    /// Only who is an administrator by what is stored may.
    #[error("not an administrator")]
    NotAnAdministrator,
    /// There is a role of this name.
    #[error("role name is taken")]
    RoleTaken,
    /// Somebody has the role.
    #[error("role is in use")]
    RoleInUse,
    /// It belongs to the program.
    #[error("role is built in")]
    RoleBuiltIn,
    /// There are as many roles as there may be.
    #[error("too many roles")]
    TooManyRoles,
    /// A role that a service may not give.
    #[error("role cannot be granted")]
    RoleNotGrantable,
    /// Too many passwords wait to be hashed.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A mistake here.
    #[error("{0}")]
    Internal(String),
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        let text = e.to_string();
        let unauthorized = |code, detail: &str| Problem::new(StatusCode::UNAUTHORIZED, code, detail);
        match e {
            Error::Invalid(errors) => Problem::invalid(errors),
            Error::InvalidCredentials => unauthorized("invalid_credentials", "the e-mail address or the password is wrong"),
            Error::Deactivated => Problem::new(StatusCode::FORBIDDEN, "account_deactivated", "this account has been closed; ask support"),
            Error::EmailTaken => Problem::conflict("email_taken", "this e-mail address has an account already; sign in instead"),
            Error::InvalidRefreshToken => {
                unauthorized("invalid_refresh_token", "this refresh token is unknown, has expired, or its session has ended; sign in again")
            }
            Error::RefreshTokenReused => unauthorized(
                "refresh_token_reused",
                "this refresh token was used before: somebody else may have it, so its session has ended; sign in again",
            ),
            Error::InvalidImage(detail) => Problem::unprocessable("invalid_image", detail),
            Error::InvalidLink => {
                Problem::unprocessable("invalid_token", "this link is unknown, was used before, or has expired; ask for a new one")
            }
            Error::TooManyAttempts { retry_after_seconds } => {
                let detail = format!("too many attempts; try again in {retry_after_seconds} s");
                let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail);
                problem.retry_after = Some(retry_after_seconds);
                problem
            }
            Error::NotFound(what) => Problem::not_found(what),
            Error::Stale => Problem::new(StatusCode::PRECONDITION_FAILED, "stale", "it has changed since you read it; read it again"),
            Error::NotYourself => {
                Problem::conflict("not_yourself", "you cannot take your own administrator's rights or close your own account")
            }
            Error::TooManyAddresses => Problem::conflict("too_many_addresses", "the address book is full; delete one first"),
            Error::KeyReused => idempotency::mismatch(),
            Error::KeyInUse => idempotency::still_running(),
            Error::NotAnAdministrator => Problem::forbidden("only administrators may do this"),
            Error::RoleTaken => Problem::conflict("role_exists", "there is a role of this name; change it, or choose another name"),
            Error::RoleInUse => Problem::conflict("role_in_use", "somebody has this role; take it from everybody first"),
            Error::RoleBuiltIn => Problem::conflict("role_built_in", "this role is built in; it stays as it is"),
            Error::TooManyRoles => Problem::conflict("too_many_roles", "there are as many roles as there may be; delete one first"),
            Error::RoleNotGrantable => Problem::forbidden("only an administrator gives this role"),
            Error::Busy => Problem::unavailable("overloaded", "too many people are signing in at this moment; try again"),
            Error::Db(e) => e.into(),
            Error::Internal(_) => Problem::internal(text),
        }
    }
}
