//! Answers to lists that anybody may see, kept for a moment: shelves are looked at far more often than they change.
//!
//! What is asked for again is answered with the same bytes; where many ask at once, it is worked out once. A product that is
//! changed by way of this process is seen in the next answer; stock, and what other processes change, when the moment is over.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use kit::Problem;
use moka::future::Cache;
use serde::Serialize;

/// How much memory answers take at most.
const BYTES_MAX: u64 = 16 << 20;

/// What was answered of late.
#[derive(Clone)]
pub(crate) struct Kept {
    /// None where nothing is kept.
    answers: Option<Cache<String, Bytes>>,
    /// How often something changed; part of the keys, so that an answer that was begun before a change serves nobody after it.
    changes: Arc<AtomicU64>,
}

impl Kept {
    /// Each answer is kept for so long.
    pub fn new(time: Duration) -> Kept {
        let weight = |key: &String, answer: &Bytes| u32::try_from(key.len() + answer.len()).unwrap_or(u32::MAX);
        let cache = || Cache::builder().max_capacity(BYTES_MAX).weigher(weight).time_to_live(time).build();
        Kept { answers: (!time.is_zero()).then(cache), changes: Arc::default() }
    }

    /// The answer to what is `asked`; where it is not at hand, as it is worked out now.
    pub async fn answer<T: Serialize>(&self, asked: &str, work_out: impl Future<Output = Result<T, Problem>>) -> Result<Bytes, Problem> {
        let made = async { work_out.await.map(|answer| json(&answer)) };
        let Some(answers) = &self.answers else { return made.await };
        let key = format!("{} {asked}", self.changes.load(Ordering::Acquire));
        answers.try_get_with(key, made).await.map_err(|problem: Arc<Problem>| Problem::clone(&problem))
    }

    /// Something has changed.
    pub fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }
}

fn json<T: Serialize>(answer: &T) -> Bytes {
    serde_json::to_vec(answer).expect("products always make JSON").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_worked_out_once_until_something_changes() {
        let kept = Kept::new(Duration::from_secs(60));
        let calls = AtomicU64::new(0);
        let ask = || async { kept.answer("?limit=2", async { Ok(calls.fetch_add(1, Ordering::SeqCst)) }).await.unwrap() };
        let (a, b) = tokio::join!(ask(), ask());
        assert_eq!((&a[..], &b[..]), (&b"0"[..], &b"0"[..]));
        kept.forget();
        assert_eq!(ask().await, "1");
        assert_eq!(ask().await, "1");
    }

    #[tokio::test]
    async fn without_a_time_nothing_is_kept() {
        let (kept, calls) = (Kept::new(Duration::ZERO), AtomicU64::new(0));
        let ask = || async { kept.answer("?limit=2", async { Ok(calls.fetch_add(1, Ordering::SeqCst)) }).await.unwrap() };
        assert_eq!((&ask().await[..], &ask().await[..]), (&b"0"[..], &b"1"[..]));
    }

    #[tokio::test]
    async fn a_problem_is_not_kept() {
        let kept = Kept::new(Duration::from_secs(60));
        let failed = kept.answer("", async { Err::<(), _>(Problem::not_found("category")) }).await.unwrap_err();
        assert_eq!(failed.code, "not_found");
        assert_eq!(kept.answer("", async { Ok(1) }).await.unwrap(), "1");
    }
}
