//! A log that is taken out part by part: all that was in it when the first part was.

use contracts::files::page;

use super::{newest, run_after};
use crate::db::{DbError, Query};

/// Events of one part at most.
pub const PART_EVENTS_MAX: i64 = 1_000;

/// Where a part begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The position before it.
    pub after: i64,
    /// The position with which the last part ends: the newest when the first part was asked for. So who takes a log out comes
    /// to an end, also where it grows faster than it is read.
    pub until: i64,
}

/// Some of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// CloudEvents as JSON, oldest first. Where there are none and another part follows, what comes next is behind something
    /// that may still be committed: it is asked for again a little later.
    pub events: Vec<String>,
    /// Where the next part begins; `None` behind the last.
    pub next: Option<Place>,
}

/// Up to `limit` events of the service's log, about 2 MB of them, from a place on; from the beginning where there is none. No
/// event is left out that could still be committed before the others.
pub fn part(q: &mut Query, place: Option<Place>, limit: i64) -> Result<Part, DbError> {
    let Place { after, until } = match place {
        Some(place) => place,
        None => Place { after: 0, until: newest(q)? },
    };
    let limit = limit.clamp(1, PART_EVENTS_MAX);
    let run = run_after(q, after, limit)?;
    let found = run.events.len();
    let wanted: Vec<_> = run.events.into_iter().take_while(|e| e.position <= until).collect();
    let is_at = wanted.last().map_or(after, |e| e.position);
    let is_more = is_at < until && wanted.len() == found && (run.held_back || found as i64 == limit);
    let rows = wanted.iter().map(|e| (e.position, Some(e.to_cloud_event().to_string())));
    let (events, last) = page(rows, is_more);
    let next = if is_more { last.or(Some(after)) } else { last };
    Ok(Part { events, next: next.map(|after| Place { after, until }) })
}
