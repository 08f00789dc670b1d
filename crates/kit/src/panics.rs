//! Panics where they are caught: as values, with the place where they happened.
//!
//! Whoever catches a panic reports it, once and with its own circumstances. One that nobody catches is reported by the
//! hook that [`report_uncaught`] installs.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::pin;
use std::task::Poll;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("panic: {0}")]
pub struct Panicked(pub String);

/// Runs `f`, which must leave nothing half changed that others see.
pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panicked> {
    let outer = CATCHING.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(outer);
    outcome.map_err(|payload| {
        let text = message(&*payload);
        Panicked(PLACE.take().map_or(text.clone(), |place| format!("{text} at {place}")))
    })
}

/// As [`catch`], for a future; it is not polled again after it panicked.
pub async fn caught<F: Future>(work: F) -> Result<F::Output, Panicked> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch(|| work.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// Logs panics that nobody catches, in the form of all other log lines. For the binary, once.
pub fn report_uncaught() {
    std::panic::set_hook(Box::new(|info| match CATCHING.get() {
        true => PLACE.set(info.location().map(ToString::to_string)),
        false => report(info),
    }));
}

fn report(info: &PanicHookInfo) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, thread = thread.name().unwrap_or(""), "panic: {}", message(info.payload()));
}

fn message(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_value() {
        assert_eq!(catch(|| 7), Ok(7));
        assert!(catch(|| panic!("out of {}", "cheese")).unwrap_err().0.starts_with("out of cheese"));
        assert!(!CATCHING.get());
    }

    #[tokio::test]
    async fn a_future_that_panics_after_a_pause_is_caught() {
        let work = async {
            tokio::task::yield_now().await;
            panic!("late")
        };
        let ended: Result<(), _> = caught(work).await;
        assert!(ended.unwrap_err().0.starts_with("late"));
    }
}
