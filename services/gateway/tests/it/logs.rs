//! What is written in the log.

use std::sync::{Arc, Mutex};

use testing::{Engine, TestPlatform};
use tracing::Level;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::SERVICES;
use crate::outside::Outside;

/// Every line that is logged, as level and text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push((*event.metadata().level(), text.0));
    }
}

impl Lines {
    /// What was logged at the level of errors.
    fn errors(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|(level, _)| *level == Level::ERROR).map(|(_, text)| text.clone()).collect()
    }
}

/// Runs `test` on one thread, whose log is caught.
fn with_log(test: impl AsyncFnOnce(Outside)) -> Lines {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let p = TestPlatform::start(Engine::Sqlite, SERVICES).await;
        test(Outside::of(&p.platform().directory)).await;
    });
    lines
}

#[test]
fn bad_input_is_no_error_of_ours() {
    let lines = with_log(async |outside| {
        let bodies: [&[u8]; 5] = [b"", b"{", b"\xff", br#"{"text": 1}"#, &[b'['; 5_000]];
        for body in bodies {
            for (method, path) in [("POST", "/api/v1/echo"), ("PUT", "/api/v1/echo"), ("POST", "/%ff"), ("GET", "/api/v1/echo/things/x")] {
                let headers = [("content-type", "application/json"), ("authorization", "Bearer x.y.z"), ("x-cart-token", "\u{e9}")];
                for headers in [&headers[..0], &headers[..1], &headers[..2], &headers] {
                    let status = outside.send(method, path, headers, body.to_vec()).await.status;
                    assert!((400..500).contains(&status), "{method} {path} gave {status}");
                }
            }
        }
        outside.get("/api/v1/sagas?limit=x&limit=2&%ff", &[]).await.expect_problem(401, "unauthenticated");
    });
    assert_eq!(lines.errors(), Vec::<String>::new());
}

#[test]
fn a_panic_is_logged_once_with_its_text() {
    let lines = with_log(async |outside| {
        outside.post("/api/v1/echo/panics", &[], "").await.expect_problem(500, "internal");
    });
    let errors = lines.errors();
    assert!(errors.len() == 1 && errors[0].contains("out of cheese"), "{errors:?}");
}

#[test]
fn every_request_has_one_line_in_the_access_log() {
    let lines = with_log(async |outside| {
        outside.get("/api/v1/echo/things/0198c0de-0000-7000-8000-000000000000?secret=1", &[]).await;
        outside.get("/nowhere", &[]).await;
    });
    let lines: Vec<String> = lines.0.lock().unwrap().iter().filter(|(_, text)| text.contains("took_us")).map(|(_, t)| t.clone()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("/api/v1/echo/things/{id}") && lines[0].contains("status=200") && !lines[0].contains("secret"), "{lines:?}");
    assert!(lines[1].contains("status=404"), "{lines:?}");
}
