//! What somebody wants to be told, on which channel, and when not.

use contracts::Time;
use kit::db::{DbError, Query};
use uuid::Uuid;

use super::App;
use crate::domain::{Kind, Medium, QuietHours};
use crate::error::Error;
use crate::store;

/// Somebody's preferences.
pub(crate) struct Preferences {
    /// What is turned off.
    pub off: Vec<(Kind, Medium)>,
    pub quiet_hours: Option<QuietHours>,
}

/// What changes; everything else stays as it is.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Kinds that may be turned off, on channels on which they go.
    pub switches: Vec<(Kind, Medium, bool)>,
    /// `Some(None)`: no quiet hours any more.
    pub quiet_hours: Option<Option<QuietHours>>,
}

impl App {
    /// What a recipient prefers.
    pub async fn preferences(&self, recipient: Uuid) -> Result<Preferences, Error> {
        self.db.read(move |q| Ok(preferences(q, recipient)?)).await
    }

    /// Changes what a recipient prefers.
    pub async fn change_preferences(&self, recipient: Uuid, change: Change) -> Result<Preferences, Error> {
        self.db
            .write(move |tx| {
                for (kind, channel, enabled) in &change.switches {
                    store::switch(tx, recipient, *kind, *channel, *enabled)?;
                }
                if let Some(hours) = &change.quiet_hours {
                    store::set_quiet_hours(tx, recipient, hours.as_ref())?;
                }
                Ok(preferences(tx, recipient)?)
            })
            .await
    }

    /// Turns off mails of a kind, or all that can be turned off.
    pub async fn unsubscribe(&self, recipient: Uuid, kind: Option<Kind>) -> Result<(), Error> {
        let mailed = |k: &Kind| !k.is_required() && k.channels().contains(&Medium::Email) && kind.is_none_or(|one| one == *k);
        let switches = Kind::ALL.into_iter().filter(mailed).map(|k| (k, Medium::Email, false)).collect();
        self.change_preferences(recipient, Change { switches, quiet_hours: None }).await.map(drop)
    }
}

/// Until when a mail waits so that it does not disturb; `None` where it need not.
pub(super) fn held_until(q: &mut Query, recipient: Uuid, kind: Kind, now: Time) -> Result<Option<Time>, DbError> {
    if kind.is_urgent() {
        return Ok(None);
    }
    Ok(held(store::quiet_hours(q, recipient)?.as_ref(), kind, now))
}

/// The same, where the reader's quiet hours are known.
pub(super) fn held(hours: Option<&QuietHours>, kind: Kind, now: Time) -> Option<Time> {
    hours.filter(|_| !kind.is_urgent()).and_then(|hours| hours.end_after(now))
}

fn preferences(q: &mut Query, recipient: Uuid) -> Result<Preferences, DbError> {
    Ok(Preferences { off: store::opt_outs(q, recipient)?, quiet_hours: store::quiet_hours(q, recipient)? })
}
