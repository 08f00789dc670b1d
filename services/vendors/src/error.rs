use kit::{DbError, Problem};

/// What can go wrong with stores.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such store, or not the caller's.
    #[error("no such store")]
    NoStore,
    /// Not a name for addresses.
    #[error("a slug has 1 to 60 lower-case letters, digits and hyphens")]
    InvalidSlug,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        let text = e.to_string();
        match e {
            Error::NoStore => Problem::not_found("store"),
            Error::InvalidSlug => Problem::unprocessable("invalid_slug", text),
            Error::Db(e) => e.into(),
        }
    }
}
