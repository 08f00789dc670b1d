use thiserror::Error;

/// How a transaction can fail. The outside sees a code, never the database's own words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DbError {
    /// A unique key, by PostgreSQL's name for it (`<table>_<columns>_key`).
    #[error("unique key {0} is taken")]
    Unique(String),
    /// A check constraint, by name.
    #[error("check {0} does not hold")]
    Check(String),
    /// Somebody else was faster: a version, a deadlock, a serialisation failure, after all repeats.
    #[error("another transaction was faster")]
    Conflict,
    /// The queue is full or the caller's deadline has passed; nothing happened.
    #[error("too much work is waiting")]
    Overloaded,
    /// Whether it took effect is unknown.
    #[error("whether the transaction took effect is unknown: {0}")]
    Unknown(String),
    /// The database cannot be reached; nothing happened.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// It took longer than a transaction may; nothing happened. Less at once may succeed.
    #[error("it took longer than 5 s")]
    TimedOut,
    /// No room left; nothing happened.
    #[error("the disk is full")]
    StorageFull,
    /// A mistake in haat or a damaged database.
    #[error("database: {0}")]
    Internal(String),
}
