//! Lists by key: newest first, with cursors that stay right while rows are added.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::Time;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Problem;

/// The page size where none is asked for.
pub const LIMIT_DEFAULT: i64 = 20;
/// The largest page.
pub const LIMIT_MAX: i64 = 100;

/// What a cursor can hold: times of the years 1 to 9999, which every database has, and prices, which are fewer.
const KEYS: RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// Where a list goes on: after the row with this time and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// Of the last row of the page before.
    pub time: Time,
    /// Breaks ties.
    pub id: Uuid,
}

/// One page, as every list answers.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows, newest first.
    pub data: Vec<T>,
    /// For the next page; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// What a caller asked for, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRequest {
    /// 1 to 100.
    pub limit: i64,
    /// Where to go on.
    pub after: Option<After>,
    filters: [u8; 8],
}

impl PageRequest {
    /// Checks `limit` and `cursor`; `filters` names everything else that the list depends on.
    pub fn new(limit: Option<i64>, cursor: Option<&str>, filters: &str) -> Result<PageRequest, Problem> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::bad_request("invalid_limit", format!("limit must be 1 to {LIMIT_MAX}, found {limit}")));
        }
        let mut hash = [0; 8];
        hash.copy_from_slice(&Sha256::digest(filters.as_bytes())[..8]);
        let after = cursor.map(|c| decode(c, hash)).transpose()?;
        Ok(PageRequest { limit, after, filters: hash })
    }

    /// A page of `rows`, which hold one row more than the limit where there are more.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> After) -> Page<T> {
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let next_cursor = rows.last().filter(|_| more).map(|last| self.encode(key(last)));
        Page { data: rows, next_cursor }
    }

    fn encode(&self, after: After) -> String {
        let mut bytes = self.filters.to_vec();
        bytes.extend(after.time.0.to_be_bytes());
        bytes.extend(after.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn decode(cursor: &str, filters: [u8; 8]) -> Result<After, Problem> {
    let wrong = || Problem::bad_request("invalid_cursor", "the cursor is not one of this list with these filters; start without it");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let (hash, rest) = bytes.split_at_checked(8).ok_or_else(wrong)?;
    let (time, id) = rest.split_at_checked(8).ok_or_else(wrong)?;
    if hash != filters {
        return Err(wrong());
    }
    let time = Time(i64::from_be_bytes(time.try_into().map_err(|_| wrong())?));
    if !KEYS.contains(&time.0) {
        return Err(wrong());
    }
    Ok(After { time, id: Uuid::from_slice(id).map_err(|_| wrong())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_filters() {
        let first = PageRequest::new(Some(1), None, "kind=physical").unwrap();
        let key = After { time: Time(7), id: Uuid::from_u128(9) };
        let page = first.page(vec![1, 2], |_| key);
        assert_eq!(page.data, [1]);
        let cursor = page.next_cursor.unwrap();
        assert_eq!(PageRequest::new(Some(1), Some(&cursor), "kind=physical").unwrap().after, Some(key));
        assert_eq!(PageRequest::new(Some(1), Some(&cursor), "kind=digital").unwrap_err().code, "invalid_cursor");
        assert_eq!(PageRequest::new(Some(1), Some("@@"), "kind=digital").unwrap_err().code, "invalid_cursor");
        assert_eq!(PageRequest::new(Some(0), None, "").unwrap_err().code, "invalid_limit");
        assert_eq!(first.page(vec![1], |_| key).next_cursor, None);
    }

    #[test]
    fn a_cursor_holds_a_time_that_databases_have() {
        let list = PageRequest::new(Some(1), None, "").unwrap();
        for (time, is_right) in [(0, true), (*KEYS.start(), true), (*KEYS.end(), true), (KEYS.start() - 1, false), (KEYS.end() + 1, false)]
        {
            let forged = list.encode(After { time: Time(time), id: Uuid::nil() });
            assert_eq!(PageRequest::new(None, Some(&forged), "").is_ok(), is_right, "{time}");
        }
    }
}
