//! What somebody does not want to be told, and when. A recipient is a user, or a guest's order.

use contracts::Time;
use kit::db::{DbError, Query, Row, Tx};
use kit::params;
use uuid::Uuid;

use crate::domain::{Kind, Medium, QuietHours};

/// What a recipient turned off.
pub(crate) fn opt_outs(q: &mut Query, recipient: Uuid) -> Result<Vec<(Kind, Medium)>, DbError> {
    let sql = "SELECT kind, channel FROM notifications.opt_outs WHERE recipient = $1 ORDER BY kind, channel";
    let read = |r: &Row| {
        let (kind, channel): (String, String) = (r.get(0)?, r.get(1)?);
        Ok(Kind::parse(&kind).zip(Medium::parse(&channel)))
    };
    let all: Vec<Option<_>> = q.rows(sql, params![recipient])?.iter().map(read).collect::<Result<_, DbError>>()?;
    Ok(all.into_iter().flatten().collect())
}

/// Turns messages of a kind off on a channel, or on again.
pub(crate) fn switch(tx: &mut Tx, recipient: Uuid, kind: Kind, channel: Medium, enabled: bool) -> Result<(), DbError> {
    let now = tx.now();
    let (kind, channel) = (kind.as_str(), channel.as_str());
    if enabled {
        let sql = "DELETE FROM notifications.opt_outs WHERE recipient = $1 AND kind = $2 AND channel = $3";
        return tx.execute(sql, params![recipient, kind, channel]).map(drop);
    }
    tx.execute(
        "INSERT INTO notifications.opt_outs (recipient, kind, channel, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (recipient, kind, channel) DO NOTHING",
        params![recipient, kind, channel, now],
    )
    .map(drop)
}

/// When a recipient is not to be disturbed.
pub(crate) fn quiet_hours(q: &mut Query, recipient: Uuid) -> Result<Option<QuietHours>, DbError> {
    let row = q.row("SELECT starts, ends, time_zone FROM notifications.quiet_hours WHERE recipient = $1", params![recipient])?;
    let read = |r: Row| {
        let (start, end, zone): (String, String, String) = (r.get(0)?, r.get(1)?, r.get(2)?);
        // A zone that the database of zones knows no more disturbs nobody's mail.
        Ok(QuietHours::new(&start, &end, &zone).ok())
    };
    row.map(read).transpose().map(Option::flatten)
}

/// Sets when a recipient is not to be disturbed, or that they may be at any time.
pub(crate) fn set_quiet_hours(tx: &mut Tx, recipient: Uuid, hours: Option<&QuietHours>) -> Result<(), DbError> {
    let now: Time = tx.now();
    let Some(hours) = hours else {
        return tx.execute("DELETE FROM notifications.quiet_hours WHERE recipient = $1", params![recipient]).map(drop);
    };
    tx.execute(
        "INSERT INTO notifications.quiet_hours AS h (recipient, starts, ends, time_zone, updated_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (recipient) DO UPDATE SET starts = excluded.starts, ends = excluded.ends, time_zone = excluded.time_zone, \
         updated_at = excluded.updated_at",
        params![recipient, hours.start(), hours.end(), hours.time_zone(), now],
    )
    .map(drop)
}
