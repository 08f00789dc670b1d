//! What somebody does not want to be told, and when. A recipient is a user, or a guest's order.

use std::collections::{BTreeMap, BTreeSet};

use contracts::Time;
use kit::db::{DbError, Query, Row, Tx, placeholders, portions};
use kit::{Value, params};
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

/// What some recipients turned off.
pub(crate) fn turned_off(q: &mut Query, recipients: &[Uuid]) -> Result<BTreeSet<(Uuid, String, String)>, DbError> {
    let mut all = BTreeSet::new();
    for some in portions(recipients) {
        let among = placeholders(1, some.len());
        let sql = format!(
            "SELECT recipient, kind, channel FROM notifications.opt_outs WHERE recipient IN ({among}) ORDER BY recipient, kind, channel"
        );
        for row in q.rows(&sql, &values(some))? {
            all.insert((row.get(0)?, row.get(1)?, row.get(2)?));
        }
    }
    Ok(all)
}

fn values(ids: &[Uuid]) -> Vec<Value> {
    ids.iter().map(|id| Value::from(*id)).collect()
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
    Ok(quiet_hours_of(q, &[recipient])?.remove(&recipient))
}

/// When some recipients are not to be disturbed; those are left out who may be at any time.
pub(crate) fn quiet_hours_of(q: &mut Query, recipients: &[Uuid]) -> Result<BTreeMap<Uuid, QuietHours>, DbError> {
    let mut all = BTreeMap::new();
    for some in portions(recipients) {
        let among = placeholders(1, some.len());
        let sql = format!(
            "SELECT recipient, starts, ends, time_zone FROM notifications.quiet_hours WHERE recipient IN ({among}) ORDER BY recipient"
        );
        for row in q.rows(&sql, &values(some))? {
            let (start, end, zone): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            // A zone that the database of zones knows no more disturbs nobody's mail.
            if let Ok(hours) = QuietHours::new(&start, &end, &zone) {
                all.insert(row.get(0)?, hours);
            }
        }
    }
    Ok(all)
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
