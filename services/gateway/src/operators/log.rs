//! The logs of all services, one after the other, for who takes them out.

use contracts::proto::operator as proto;
use kit::Problem;
use kit::channel::Directory;

use super::{Operators, in_time, problem};

/// The largest answer of a service: a part of a log has about 2 MB and one event more.
pub(super) const ANSWER_MAX: usize = 64 << 20;

/// A page of events.
#[derive(Debug)]
pub struct Events {
    /// CloudEvents as JSON, oldest first; all of one service.
    pub events: Vec<String>,
    /// Where the next page begins; none behind the last.
    pub next: Option<String>,
    /// Services that run nowhere, so that their logs are left out.
    pub absent: Vec<&'static str>,
}

/// Where a page begins: in whose log, and where in it; as text `orders`, or `orders:120:5000`.
#[derive(Debug, PartialEq)]
struct Begin<'a> {
    service: &'a str,
    place: Option<proto::LogPlace>,
}

impl Operators {
    /// Events of one service, or of all in the order of their names. Each log ends where it did when its first page was asked for.
    pub async fn events(&self, directory: &Directory, wanted: Option<&str>, after: Option<&str>, limit: i64) -> Result<Events, Problem> {
        let all = self.0.iter().map(|(name, _)| *name);
        let (here, absent): (Vec<_>, Vec<_>) = match wanted {
            Some(wanted) => (all.clone().filter(|name| *name == wanted).collect(), Vec::new()),
            None => all.clone().partition(|name| directory.local_rpc(name).is_some() || directory.remote(name).is_some()),
        };
        let first = here.first().copied().ok_or_else(|| unknown(wanted.unwrap_or_default(), all.collect()))?;
        let Begin { service, place } = after.map_or(Ok(Begin { service: first, place: None }), Begin::parse)?;
        let (_, client) = self.0.iter().find(|(name, _)| *name == service && here.contains(name)).ok_or_else(misplaced)?;
        let mut client = client.clone().max_decoding_message_size(ANSWER_MAX);
        let part = in_time(async move { client.read_log(proto::ReadLogRequest { place, limit }).await }).await;
        let part = part.map_err(problem)?.into_inner();
        let following = here.iter().copied().find(|name| *name > service);
        let next = match part.next {
            Some(place) => Some(Begin { service, place: Some(place) }),
            None => following.map(|service| Begin { service, place: None }),
        };
        Ok(Events { events: part.events, next: next.map(|n| n.to_text()), absent })
    }
}

impl Begin<'_> {
    fn parse(text: &str) -> Result<Begin<'_>, Problem> {
        let mut parts = text.split(':');
        let number = |text: Option<&str>| text.and_then(|t| t.parse().ok()).ok_or_else(misplaced);
        let service = parts.next().unwrap_or_default();
        let place = match parts.next() {
            None => None,
            after => Some(proto::LogPlace { after: number(after)?, until: number(parts.next())? }),
        };
        if parts.next().is_some() { Err(misplaced()) } else { Ok(Begin { service, place }) }
    }

    fn to_text(&self) -> String {
        match &self.place {
            None => self.service.to_owned(),
            Some(proto::LogPlace { after, until }) => format!("{}:{after}:{until}", self.service),
        }
    }
}

fn unknown(wanted: &str, all: Vec<&str>) -> Problem {
    Problem::bad_request("unknown_service", format!("there is no service {wanted:?}: expected one of {}", all.join(", ")))
}

fn misplaced() -> Problem {
    Problem::bad_request("invalid_after", "after is `next` of a page of the same export")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for text in ["orders", "orders:0:7", "catalog:120:5000"] {
            assert_eq!(Begin::parse(text).unwrap().to_text(), text);
        }
        for text in ["orders:", "orders:1", "orders:x:1", "orders:1:", "orders:1:2:3", "orders:9223372036854775808:1"] {
            assert_eq!(Begin::parse(text).unwrap_err().code, "invalid_after", "{text}");
        }
    }
}
