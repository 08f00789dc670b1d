//! Whatever a client sends, the answer says what is wrong with it.

use axum::body::{Body, Bytes};
use axum::http::Request;
use testing::{Engine, TestPlatform};

use crate::SERVICES;
use crate::outside::Outside;

testing::both_engines!(what_cannot_be_read_is_refused_with_the_reason, a_body_over_the_limit_is_refused_however_it_is_sent);

async fn what_cannot_be_read_is_refused_with_the_reason(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let deep = format!(r#"{{"text": {}1{}}}"#, "[".repeat(200), "]".repeat(200));
    let cases: [(&[u8], u16, &str, &str); 14] = [
        (br#"{"text": "x"}"#, 201, "", ""),
        (b"", 400, "invalid_json", "JSON"),
        (b"{", 400, "invalid_json", "line 1"),
        (b"null", 400, "invalid_body", "expected"),
        (b"[]", 400, "invalid_body", ""),
        (br#"{"text": 1}"#, 400, "invalid_body", "string"),
        (br#"{"text": null}"#, 400, "invalid_body", "string"),
        (br#"{"text": "x", "admin": true}"#, 400, "invalid_body", "admin"),
        (br#"{"text": "x"} {"text": "y"}"#, 400, "invalid_json", ""),
        (br#"{"text": 1e999}"#, 400, "invalid_json", ""),
        (b"{\"text\": \"\xff\xfe\"}", 400, "invalid_json", "UTF-8"),
        (b"{\"text\": \"\xed\xa0\x80\"}", 400, "invalid_json", "UTF-8"),
        (br#"{"text": "\ud800"}"#, 400, "invalid_json", ""),
        (deep.as_bytes(), 400, "invalid_json", "recursion"),
    ];
    for (body, status, code, reason) in cases {
        let answer = outside.send("POST", "/api/v1/echo", &[("content-type", "application/json")], body.to_vec()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{}", String::from_utf8_lossy(body));
        assert!(String::from_utf8_lossy(&answer.bytes).contains(reason), "{reason:?} in {}", answer.body);
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", "application/jsonp"] {
        let answer = outside.send("POST", "/api/v1/echo", &[("content-type", kind)], br#"{"text": "x"}"#.to_vec()).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    outside.send("POST", "/api/v1/echo", &[], br#"{"text": "x"}"#.to_vec()).await.expect_problem(415, "unsupported_media_type");
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/vnd.haat.v1+json"] {
        let answer = outside.send("POST", "/api/v1/echo", &[("content-type", kind)], br#"{"text": "x"}"#.to_vec()).await;
        assert_eq!(answer.status, 201, "{kind}");
    }
}

async fn a_body_over_the_limit_is_refused_however_it_is_sent(engine: Engine) {
    let p = TestPlatform::start(engine, SERVICES).await;
    let outside = Outside::of(&p.platform().directory);
    let body = |bytes: usize| format!(r#"{{"text": "{}"}}"#, "x".repeat(bytes - 12));
    assert_eq!(outside.post("/api/v1/echo", &[], &body(1_024)).await.status, 201);
    outside.post("/api/v1/echo", &[], &body(1_025)).await.expect_problem(413, "body_too_large");
    outside.post("/api/v1/echo", &[("content-length", "1025")], &body(100)).await.expect_problem(413, "body_too_large");

    let pieces = (0..40).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 100])));
    let request = Request::post("/api/v1/echo").header("content-type", "application/json");
    let request = request.body(Body::from_stream(futures::stream::iter(pieces))).unwrap();
    outside.request(request).await.expect_problem(413, "body_too_large");

    let broken = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("the line went dead"))];
    let request = Request::post("/api/v1/echo").header("content-type", "application/json");
    let request = request.body(Body::from_stream(futures::stream::iter(broken))).unwrap();
    outside.request(request).await.expect_problem(400, "body_unreadable");
}
