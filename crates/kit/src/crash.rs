//! Named places at which the process can be told to die, as if it had been killed there.
//!
//! Killing at random seldom hits the moments that matter: between a commit and its answer, between a provider's answer
//! and its record. `HAAT_CRASH_AT=<point>:<n>` ends the process the n-th time it comes to that point. Unless told so,
//! a point costs one load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every point there is, with what is half done there.
pub const POINTS: &[(&str, &str)] = &[
    ("db.before_commit", "a batch has run and is not durable"),
    ("db.after_commit", "a batch is durable and nobody knows"),
    ("saga.before_call", "the intent is durable, the call has not begun"),
    ("saga.after_call", "the call took effect, its result is not durable"),
    ("reader.before_commit", "an event has had its effect in a transaction that is not durable"),
    ("job.after_run", "a job has done its work and is still queued"),
    ("payments.after_provider", "the provider has answered, perhaps moved money, and payments has not recorded it"),
    ("payments.after_webhook", "a webhook is stored, the provider has not been answered"),
    ("sandbox.after_charge", "the sandbox has charged and told nobody"),
    ("notifications.after_provider", "a message was handed over, perhaps delivered, and notifications has not recorded it"),
    ("notifications.after_webhook", "an endpoint has answered, and notifications has not recorded it"),
    ("catalog.after_chunk", "some products of an import are durable, perhaps not all, and nobody knows"),
    ("replay.before_swap", "a read model is built anew and not yet in its place"),
    ("demo.after_slot", "a part of a day of the demo's past is over, the next one has not begun"),
    ("gateway.before_answer", "the work is done and durable, the client has no answer"),
];

struct Armed {
    point: &'static str,
    left: AtomicU64,
}

/// Set once, before anything runs; a test hook, and nothing else in the process is global.
static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms `<point>:<n>`: the process ends the n-th time it comes to the point.
pub fn arm(text: &str) -> Result<(), String> {
    let (point, times) = parse(text)?;
    ARMED.set(Armed { point, left: AtomicU64::new(times) }).map_err(|_| "a crash point is armed already".to_owned())
}

fn parse(text: &str) -> Result<(&'static str, u64), String> {
    let (name, times) = text.split_once(':').unwrap_or((text, "1"));
    let times = times.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("{times:?} is not a count; give <point>:<n> with n from 1"))?;
    let known = POINTS.iter().find(|(point, _)| *point == name);
    let all = || POINTS.iter().map(|(point, _)| *point).collect::<Vec<_>>().join(", ");
    known.map(|(point, _)| (*point, times)).ok_or_else(|| format!("there is no crash point {name:?}; there are {}", all()))
}

/// The process may die here.
#[inline]
pub fn point(name: &'static str) {
    if let Some(armed) = ARMED.get() {
        reached(armed, name);
    }
}

#[cold]
fn reached(armed: &Armed, name: &'static str) {
    if armed.point == name && armed.left.fetch_sub(1, Ordering::Relaxed) == 1 {
        eprintln!("haat: dies at {name}, as told");
        // No destructor, no flush, no answer.
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_given_with_a_count_or_without() {
        assert_eq!(parse("db.after_commit:7"), Ok(("db.after_commit", 7)));
        assert_eq!(parse("saga.after_call"), Ok(("saga.after_call", 1)));
    }

    #[test]
    fn what_cannot_be_armed_is_refused_with_what_can() {
        assert!(parse("db.sometime").is_err_and(|e| e.contains("db.sometime") && e.contains("db.before_commit")));
        for text in ["db.after_commit:0", "db.after_commit:x", "db.after_commit:"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
