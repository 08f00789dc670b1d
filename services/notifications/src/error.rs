use axum::http::StatusCode;
use kit::problem::FieldError;
use kit::{DbError, Problem};

use crate::domain::{Mistake, Status, TemplateError};

/// What can go wrong with messages.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such message of this reader.
    #[error("no such notification")]
    NoMessage,
    /// No such delivery.
    #[error("no such delivery")]
    NoDelivery,
    /// It is not given up.
    #[error("only a delivery that was given up is tried anew; this one is {}", .0.as_str())]
    NotDead(Status),
    /// No such user.
    #[error("there is no such user")]
    UnknownUser,
    /// No such device of this user.
    #[error("no such push token")]
    NoPushToken,
    /// No such job.
    #[error("no such job")]
    NoBulk,
    /// One user has too many streams open.
    #[error("you have too many streams open; close one")]
    TooManyStreams,
    /// No such webhook of this caller.
    #[error("no such webhook")]
    NoWebhook,
    /// No such delivery of the webhook.
    #[error("no such delivery")]
    NoWebhookDelivery,
    /// Its owner has as many as there may be.
    #[error("expected at most {} webhooks of one owner; delete one", crate::store::PER_OWNER_MAX)]
    TooManyWebhooks,
    /// Nothing is sent to it.
    #[error("the webhook is disabled: enable it first")]
    WebhookDisabled,
    /// A member of the body is not as it must be: which, a code, and what is wrong.
    #[error("{0}: {2}")]
    Wrong(&'static str, &'static str, String),
    /// A template cannot be used.
    #[error("the template cannot be filled in")]
    Mistakes(Vec<Mistake>),
    /// A service did not answer.
    #[error("{0} did not answer: {1}")]
    Unreachable(&'static str, tonic::Status),
    /// A template cannot be filled in.
    #[error("template: {0}")]
    Template(#[from] TemplateError),
    /// Something is not as it must be.
    #[error("{0}")]
    Internal(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        match e {
            Error::NoMessage => Problem::not_found("notification"),
            Error::NoDelivery => Problem::not_found("delivery"),
            Error::NotDead(status) => Problem::conflict("not_dead", e.to_string()).with("deliveryStatus", status.as_str()),
            Error::UnknownUser => {
                Problem::invalid(vec![FieldError { pointer: "/userId".into(), code: "unknown_user", detail: e.to_string() }])
            }
            Error::NoPushToken => Problem::not_found("push token"),
            Error::NoBulk => Problem::not_found("job"),
            Error::TooManyStreams => Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", e.to_string()),
            Error::NoWebhook => Problem::not_found("webhook"),
            Error::NoWebhookDelivery => Problem::not_found("delivery"),
            Error::TooManyWebhooks => Problem::conflict("too_many_webhooks", e.to_string()),
            Error::WebhookDisabled => Problem::conflict("webhook_disabled", e.to_string()),
            Error::Wrong(pointer, code, detail) => Problem::invalid(vec![FieldError { pointer: pointer.into(), code, detail }]),
            Error::Mistakes(mistakes) => Problem::invalid(mistakes.into_iter().map(field).collect()),
            Error::Unreachable(service, _) => Problem::unavailable("unavailable", format!("{service} did not answer; try again")),
            Error::Template(_) | Error::Internal(_) => Problem::internal(e),
            Error::Db(e) => e.into(),
        }
    }
}

fn field(mistake: Mistake) -> FieldError {
    FieldError { pointer: format!("/{}", mistake.part), code: "invalid_template", detail: mistake.detail }
}
