//! The test harness: real services on a real, private database, without sockets.
//!
//! ```text
//! testing::both_engines!(a_product_is_listed);
//!
//! async fn a_product_is_listed(engine: testing::Engine) {
//!     let p = TestPlatform::start(engine, &[catalog::SERVICE]).await;
//!     let r = p.send("GET", "/api/v1/products", &testing::guest(), None, &[]).await;
//!     assert_eq!(r.status, 200);
//! }
//! ```
//!
//! A failure to start, or work that is left undone, is a panic: this crate is for tests only.

mod absent;
mod callers;
mod data;
mod platform;
mod postgres;
mod redact;
mod response;

pub use callers::{guest, user, user_with};
pub use data::{Data, Engine};
pub use platform::TestPlatform;
pub use postgres::{Fresh, fresh_database};
pub use redact::redact;
pub use response::Response;

/// Runs a test to its end on a runtime of its own.
pub fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a test needs a runtime").block_on(test);
}

/// As [`run`], in virtual time: where nothing can go on but by waiting, the wait is over at once. For tests of how long
/// something takes; their data are [`Data::in_memory`].
pub fn run_in_virtual_time(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a test needs a runtime").block_on(test);
}

/// Waits until `condition` holds; a panic with `what` where it does not within two minutes.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let patience = tokio::time::Duration::from_secs(120);
    let held = tokio::time::timeout(patience, async {
        while !condition().await {
            tokio::time::sleep(tokio::time::Duration::from_millis(3)).await;
        }
    });
    assert!(held.await.is_ok(), "it never came to this: {what}");
}

/// Makes a test per engine of each `async fn name(engine: testing::Engine)`; once per module.
#[macro_export]
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { $crate::run(super::$name($crate::Engine::Sqlite)); })+
        }
        mod on_postgres {
            $(#[test] fn $name() { $crate::run(super::$name($crate::Engine::Postgres)); })+
        }
    };
}
