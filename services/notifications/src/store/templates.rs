//! Templates in place of the built-in ones.

use contracts::{Time, UserId};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;

use crate::domain::{Kind, Locale, Medium, Source};

/// Which template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TemplateKey {
    pub kind: Kind,
    pub channel: Medium,
    pub locale: Locale,
}

/// A template that somebody wrote.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Custom {
    pub source: Source,
    pub updated_at: Time,
}

/// The template that was written in place of the built-in one.
pub(crate) fn template(q: &mut Query, key: TemplateKey) -> Result<Option<Custom>, DbError> {
    let sql = "SELECT title, body, html, updated_at FROM notifications.templates WHERE kind = $1 AND channel = $2 AND locale = $3";
    let row = q.row(sql, params![key.kind.as_str(), key.channel.as_str(), key.locale.as_str()])?;
    row.map(|r| custom(&r, 0)).transpose()
}

/// All that were written.
pub(crate) fn templates(q: &mut Query) -> Result<Vec<(TemplateKey, Custom)>, DbError> {
    let sql = "SELECT kind, channel, locale, title, body, html, updated_at FROM notifications.templates ORDER BY kind, channel, locale";
    let read = |r: &Row| {
        let (kind, channel, locale): (String, String, String) = (r.get(0)?, r.get(1)?, r.get(2)?);
        // One that a later version wrote for a kind this one does not know has no effect here.
        let key = Kind::parse(&kind).zip(Medium::parse(&channel));
        let key = key.map(|(kind, channel)| TemplateKey { kind, channel, locale: Locale::of(&locale) });
        key.map(|key| Ok::<_, DbError>((key, custom(r, 3)?))).transpose()
    };
    let all: Vec<Option<_>> = q.rows(sql, &[])?.iter().map(read).collect::<Result<_, DbError>>()?;
    Ok(all.into_iter().flatten().collect())
}

/// Writes a template in place of what was there.
pub(crate) fn save_template(tx: &mut Tx, key: TemplateKey, source: &Source, by: UserId) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO notifications.templates AS t (kind, channel, locale, title, body, html, updated_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (kind, channel, locale) DO UPDATE SET title = excluded.title, body = excluded.body, html = excluded.html, \
         updated_by = excluded.updated_by, updated_at = excluded.updated_at",
        params![
            key.kind.as_str(),
            key.channel.as_str(),
            key.locale.as_str(),
            &source.title,
            &source.body,
            source.html.as_deref(),
            by.0,
            now
        ],
    )
    .map(drop)
}

/// Takes the built-in template again.
pub(crate) fn delete_template(tx: &mut Tx, key: TemplateKey) -> Result<(), DbError> {
    let sql = "DELETE FROM notifications.templates WHERE kind = $1 AND channel = $2 AND locale = $3";
    tx.execute(sql, params![key.kind.as_str(), key.channel.as_str(), key.locale.as_str()]).map(drop)
}

fn custom(row: &Row, from: usize) -> Result<Custom, DbError> {
    let source = Source { title: row.get(from)?, body: row.get(from + 1)?, html: row.get(from + 2)? };
    Ok(Custom { source, updated_at: row.get(from + 3)? })
}
