use std::sync::Arc;

use contracts::{Envelope, Event};

use crate::db::{DbError, Tx};

/// Why an event had no effect.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConsumerError {
    /// Something it needs is not there yet; it is tried again later, behind it the later events of its stream.
    #[error("not yet: {0}")]
    Later(String),
    /// It will never work: a dead letter.
    #[error("never: {0}")]
    Permanent(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) type Handler = Arc<dyn Fn(&mut Tx, &Envelope) -> Result<(), ConsumerError> + Send + Sync>;

/// A service's interest in one type of event. The effect and the reader's position are one transaction.
#[derive(Clone)]
pub struct Consumer {
    pub(crate) source: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) handler: Handler,
    pub(crate) unhurried: bool,
}

impl Consumer {
    /// Calls `f` for each event of type `E`, in order within a stream, effectively once.
    pub fn on<E, F>(f: F) -> Consumer
    where
        E: Event,
        F: Fn(&mut Tx, &E, &Envelope) -> Result<(), ConsumerError> + Send + Sync + 'static,
    {
        let handler = move |tx: &mut Tx, envelope: &Envelope| {
            let event = envelope.decode::<E>().map_err(|e| ConsumerError::Permanent(e.to_string()))?;
            f(tx, &event, envelope)
        };
        Consumer { source: E::SOURCE, kind: E::TYPE, handler: Arc::new(handler), unhurried: false }
    }

    /// As [`Consumer::on`], for events of `kind` as they lie in the log of `source`: for who passes them on.
    pub fn of<F>(source: &'static str, kind: &'static str, f: F) -> Consumer
    where
        F: Fn(&mut Tx, &Envelope) -> Result<(), ConsumerError> + Send + Sync + 'static,
    {
        Consumer { source, kind, handler: Arc::new(f), unhurried: false }
    }

    /// Nobody waits for its effect: where that is so of all consumers of a publisher's events, they are taken in some
    /// milliseconds after they came, many in one transaction.
    pub fn unhurried(self) -> Consumer {
        Consumer { unhurried: true, ..self }
    }

    /// The publishing service.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// The type of event.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}
