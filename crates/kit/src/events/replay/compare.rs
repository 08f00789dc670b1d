//! Which streams a read model and the tables beside it tell differently.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use uuid::Uuid;

use crate::db::{Db, DbError, Query, Row};
use crate::params;

/// Rows of each side that are looked at in one transaction.
const PAGE_ROWS: i64 = 500;

/// A table of a read model that is kept up in the transactions of its events. Beside it the service's schema has
/// `<name>_next` with the same columns in the same order, which is empty unless a replay is running.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Without its schema.
    pub name: &'static str,
    /// Its primary key, an id.
    pub key: &'static str,
    /// The column that says which stream a row is made of.
    pub stream: &'static str,
}

/// The streams with a row that only one side has, or that is not the same on both.
pub(super) async fn different(db: &Db, tables: &'static [Table]) -> Result<BTreeSet<Uuid>, DbError> {
    let mut streams = BTreeSet::new();
    for table in tables {
        let mut after = Some(Uuid::nil());
        while let Some(from) = after {
            let (found, next) = db.read(move |q| page(q, table, from)).await?;
            streams.extend(found);
            after = next;
        }
    }
    Ok(streams)
}

/// Compares a page that begins after `from`; returns the streams that differ, and where the next page begins.
fn page(q: &mut Query, table: &Table, from: Uuid) -> Result<(Vec<Uuid>, Option<Uuid>), DbError> {
    let Table { name, key, stream } = table;
    let mut side = |suffix: &str| {
        let sql =
            format!("SELECT t.{key}, t.{stream}, t.* FROM own.{name}{suffix} t WHERE t.{key} > $1 ORDER BY t.{key} LIMIT {PAGE_ROWS}");
        let rows = q.rows(&sql, params![from])?;
        rows.into_iter().map(|row| Ok((row.get(0)?, row.get(1)?, row))).collect::<Result<Vec<Keyed>, DbError>>()
    };
    let (live, next) = (side("")?, side("_next")?);
    let end = |rows: &[Keyed]| rows.last().filter(|_| rows.len() as i64 == PAGE_ROWS).map(|(key, ..)| *key);
    let until = [end(&live), end(&next)].into_iter().flatten().min();
    let within = |rows: &[Keyed]| rows.partition_point(|(key, ..)| until.is_none_or(|until| *key <= until));
    Ok((unlike(&live[..within(&live)], &next[..within(&next)]), until))
}

/// Key, stream, and the whole row.
type Keyed = (Uuid, Uuid, Row);

/// The streams of rows that are not on both sides alike; both are in the order of their keys.
fn unlike(mut left: &[Keyed], mut right: &[Keyed]) -> Vec<Uuid> {
    let mut streams = Vec::new();
    loop {
        let order = match (left.first(), right.first()) {
            (None, None) => return streams,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(l), Some(r)) => l.0.cmp(&r.0),
        };
        let alike = order == Ordering::Equal && left[0] == right[0];
        if order != Ordering::Greater {
            streams.extend((!alike).then(|| left[0].1));
            left = &left[1..];
        }
        if order != Ordering::Less {
            streams.extend((!alike).then(|| right[0].1));
            right = &right[1..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Value;

    fn rows(of: &[(u128, u128, i64)]) -> Vec<Keyed> {
        of.iter().map(|(key, stream, n)| (Uuid::from_u128(*key), Uuid::from_u128(*stream), Row(vec![Value::from(*n)]))).collect()
    }

    #[test]
    fn rows_are_compared_by_their_keys() {
        let whole = [(1, 10, 1), (2, 10, 2), (3, 11, 3)];
        // (one side, the other, the streams that differ)
        type Case<'a> = (&'a [(u128, u128, i64)], &'a [(u128, u128, i64)], &'a [u128]);
        let cases: [Case; 7] = [
            (&[], &[], &[]),
            (&whole, &whole, &[]),
            (&whole, &[], &[10, 10, 11]),
            (&[], &whole, &[10, 10, 11]),
            (&whole, &[(1, 10, 1), (3, 11, 3)], &[10]),
            (&whole, &[(1, 10, 1), (2, 10, 9), (3, 11, 3)], &[10, 10]),
            (&whole, &[(1, 10, 1), (2, 12, 2), (3, 11, 3), (4, 13, 4)], &[10, 12, 13]),
        ];
        for (left, right, expected) in cases {
            let expected: Vec<Uuid> = expected.iter().map(|s| Uuid::from_u128(*s)).collect();
            assert_eq!(unlike(&rows(left), &rows(right)), expected, "{left:?} and {right:?}");
        }
    }
}
