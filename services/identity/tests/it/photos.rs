//! Pictures of people.

use contracts::events::identity::UserProfileUpdated;
use kit::{Caller, Role};
use serde_json::{Value, json};
use testing::{Engine, Response, TestPlatform};

use crate::people::{Person, admin, published, register, start};

testing::both_engines!(
    a_picture_comes_back_as_it_was_sent,
    the_same_picture_again_changes_nothing,
    a_picture_is_its_owners_and_nobody_elses,
    a_stale_picture_is_not_overwritten,
    who_has_the_picture_gets_it_no_second_time,
    what_is_no_picture_is_refused,
    a_picture_that_is_gone_leaves_nothing_behind,
    who_changes_pictures_without_end_is_stopped,
);

/// A file whose header says that it is so large; nobody looks further.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    file.extend(width.to_be_bytes());
    file.extend(height.to_be_bytes());
    file.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    file
}

fn jpeg() -> Vec<u8> {
    vec![0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 30, 0, 40, 1, 1, 0x11, 0, 0xff, 0xd9]
}

fn webp() -> Vec<u8> {
    b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x27\0\0\x1d\0\0".to_vec()
}

fn address(whose: &Person) -> String {
    format!("/api/v1/users/{}/photo", whose.id())
}

async fn get(p: &TestPlatform, who: &Caller, whose: &Person, headers: &[(&str, &str)]) -> Response {
    p.send("GET", &address(whose), who, None, headers).await
}

async fn put(p: &TestPlatform, who: &Caller, whose: &Person, (kind, file): (&str, Vec<u8>), tag: Option<&str>) -> Response {
    let headers = [("content-type", kind), ("if-match", tag.unwrap_or_default())];
    let headers = if tag.is_some() { &headers[..] } else { &headers[..1] };
    p.send_bytes("PUT", &address(whose), who, file, headers).await
}

async fn delete(p: &TestPlatform, who: &Caller, whose: &Person) -> Response {
    p.send("DELETE", &address(whose), who, None, &[]).await
}

async fn profile(p: &TestPlatform, whose: &Person) -> Response {
    p.send("GET", "/api/v1/users/profile", &whose.caller, None, &[]).await.expect(200)
}

async fn a_picture_comes_back_as_it_was_sent(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    get(&p, &her.caller, &her, &[]).await.expect(404);
    assert_eq!(profile(&p, &her).await.body["profile"]["photoUrl"], Value::Null);
    let mut large = png(4_096, 4_096);
    large.resize(512 * 1024, 7);
    for (kind, file, sides) in [
        ("image/png", png(640, 480), (640, 480)),
        ("image/jpeg", jpeg(), (40, 30)),
        ("image/webp", webp(), (40, 30)),
        ("image/png", large, (4_096, 4_096)),
    ] {
        let sent = put(&p, &her.caller, &her, (kind, file.clone()), None).await.expect(200);
        assert_eq!((&sent.body["mediaType"], &sent.body["sizeBytes"]), (&json!(kind), &json!(file.len())));
        assert_eq!((&sent.body["width"], &sent.body["height"]), (&json!(sides.0), &json!(sides.1)));
        let seen = get(&p, &her.caller, &her, &[]).await.expect(200);
        assert!(seen.bytes == file, "{kind}: other bytes came back");
        let names = ["content-type", "x-content-type-options", "cache-control", "etag"];
        assert_eq!(names.map(|name| seen.header(name)), [kind, "nosniff", "private, no-cache", sent.header("etag")]);
        assert_eq!(profile(&p, &her).await.body["profile"]["photoUrl"], json!(address(&her)));
    }
    let other = register(&p, "karim@example.com").await;
    assert_eq!(profile(&p, &other).await.body["profile"]["photoUrl"], Value::Null);
}

async fn the_same_picture_again_changes_nothing(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    let before = profile(&p, &her).await;
    let first = put(&p, &her.caller, &her, ("image/png", png(1, 1)), None).await.expect(200);
    let shown = profile(&p, &her).await;
    assert_ne!(shown.header("etag"), before.header("etag"), "the profile has changed");
    let again = put(&p, &her.caller, &her, ("image/png", png(1, 1)), None).await.expect(200);
    assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
    assert_eq!(profile(&p, &her).await.header("etag"), shown.header("etag"));
    put(&p, &her.caller, &her, ("image/png", png(2, 2)), None).await.expect(200);
    delete(&p, &her.caller, &her).await.expect(204);
    let updated = UserProfileUpdated { user_id: her.id() };
    assert_eq!(published::<UserProfileUpdated>(&p).await, vec![updated; 3], "made, changed, taken away");
}

async fn a_picture_is_its_owners_and_nobody_elses(engine: Engine) {
    let p = start(engine).await;
    let (her, him) = (register(&p, "rahima@example.com").await, register(&p, "karim@example.com").await);
    put(&p, &her.caller, &her, ("image/png", png(1, 1)), None).await.expect(200);
    let (support, root) = (testing::user_with(&[Role::Support]), admin(&p).await.caller);
    for (who, read, change) in
        [(&her.caller, 200, 200), (&him.caller, 404, 404), (&support, 200, 404), (&root, 200, 200), (&Caller::default(), 401, 401)]
    {
        get(&p, who, &her, &[]).await.expect(read);
        put(&p, who, &her, ("image/png", png(1, 1)), None).await.expect(change);
        // Whose it is comes before what it is.
        let odd = put(&p, who, &her, ("text/html", b"<html>".to_vec()), None).await;
        assert_eq!(odd.status, if change == 200 { 415 } else { change });
    }
    for who in [&him.caller, &support, &Caller::default()] {
        let refused = delete(&p, who, &her).await.status;
        assert!(matches!(refused, 401 | 404), "{refused}");
    }
    get(&p, &her.caller, &her, &[]).await.expect(200);
    let nobody = format!("/api/v1/users/{}/photo", support.user().unwrap().id);
    let sent = p.send_bytes("PUT", &nobody, &support, png(1, 1), &[("content-type", "image/png")]).await;
    assert_eq!(sent.expect(404).code(), "not_found");
}

async fn a_stale_picture_is_not_overwritten(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    put(&p, &her.caller, &her, ("image/png", png(1, 1)), Some("\"x\"")).await.expect(412);
    put(&p, &her.caller, &her, ("image/png", png(1, 1)), Some("*")).await.expect(412);
    let first = put(&p, &her.caller, &her, ("image/png", png(1, 1)), Some("\"0\"")).await.expect(200).header("etag").to_owned();
    put(&p, &her.caller, &her, ("image/png", png(2, 2)), Some(&first)).await.expect(200);
    assert_eq!(put(&p, &her.caller, &her, ("image/png", png(3, 3)), Some(&first)).await.expect(412).code(), "stale");
    put(&p, &her.caller, &her, ("image/png", png(3, 3)), Some("\"0\"")).await.expect(412);
    p.send("DELETE", &address(&her), &her.caller, None, &[("if-match", &first)]).await.expect(412);
    // Taken away and sent anew it is another one, and no tag of the first one's time fits it.
    delete(&p, &her.caller, &her).await.expect(204);
    put(&p, &her.caller, &her, ("image/png", png(4, 4)), None).await.expect(200);
    put(&p, &her.caller, &her, ("image/png", png(3, 3)), Some(&first)).await.expect(412);
    put(&p, &her.caller, &her, ("image/png", png(3, 3)), Some("*")).await.expect(200);
}

async fn who_has_the_picture_gets_it_no_second_time(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    let tag = put(&p, &her.caller, &her, ("image/png", png(1, 1)), None).await.expect(200).header("etag").to_owned();
    for (known, status) in [(tag.clone(), 304), (format!("\"a\", W/{tag}"), 304), ("\"a\"".into(), 200), (String::new(), 200)] {
        let seen = get(&p, &her.caller, &her, &[("if-none-match", &known)]).await.expect(status);
        assert_eq!((seen.bytes.is_empty(), seen.header("etag")), (status == 304, tag.as_str()), "{known}");
    }
    get(&p, &testing::user(), &her, &[("if-none-match", &tag)]).await.expect(404);
}

async fn what_is_no_picture_is_refused(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
    let (unsupported, invalid) = ((415, "unsupported_media_type"), (422, "invalid_image"));
    let cases = [
        ("image/svg+xml", svg.clone(), unsupported),
        ("text/html", png(1, 1), unsupported),
        ("application/octet-stream", png(1, 1), unsupported),
        ("", png(1, 1), unsupported),
        ("image/png", svg, invalid),
        ("image/png", Vec::new(), invalid),
        ("image/png", jpeg(), invalid),
        ("image/jpeg", png(1, 1), invalid),
        ("image/webp", png(1, 1), invalid),
        ("image/png", png(4_097, 1), invalid),
        ("image/png", png(1, 4_097), invalid),
        ("image/png", png(0, 1), invalid),
        ("image/png", png(1, 1)[..20].to_vec(), invalid),
    ];
    for (kind, file, expected) in cases {
        let refused = put(&p, &her.caller, &her, (kind, file), None).await;
        assert_eq!((refused.status, refused.code()), expected, "{kind}: {:?}", refused.body);
        assert!(refused.body["detail"].as_str().is_some_and(|text| !text.is_empty()));
    }
    let mut large = png(1, 1);
    large.resize(512 * 1024 + 1, 0);
    assert_eq!(put(&p, &her.caller, &her, ("image/png", large), None).await.expect(413).code(), "body_too_large");
    get(&p, &her.caller, &her, &[]).await.expect(404);
}

async fn a_picture_that_is_gone_leaves_nothing_behind(engine: Engine) {
    let p = start(engine).await;
    let her = register(&p, "rahima@example.com").await;
    put(&p, &her.caller, &her, ("image/png", png(1, 1)), None).await.expect(200);
    delete(&p, &her.caller, &her).await.expect(204);
    delete(&p, &her.caller, &her).await.expect(404);
    get(&p, &her.caller, &her, &[]).await.expect(404);
    assert_eq!(profile(&p, &her).await.body["profile"]["photoUrl"], Value::Null);
    let left = p.db("identity").read(|q| q.row("SELECT COUNT(*) FROM identity.photos", &[])?.map_or(Ok(0), |r| r.get::<i64>(0)));
    assert_eq!(left.await.unwrap_or_else(|e: kit::DbError| panic!("{e}")), 0);
}

async fn who_changes_pictures_without_end_is_stopped(engine: Engine) {
    let p = start(engine).await;
    let (her, him) = (register(&p, "rahima@example.com").await, register(&p, "karim@example.com").await);
    for size in 1..=30 {
        put(&p, &her.caller, &her, ("image/png", png(size, 1)), None).await.expect(200);
    }
    let refused = put(&p, &her.caller, &her, ("image/png", png(31, 1)), None).await.expect(429);
    assert_eq!(refused.code(), "too_many_attempts");
    put(&p, &her.caller, &her, ("image/png", png(30, 1)), None).await.expect(200);
    put(&p, &him.caller, &him, ("image/png", png(31, 1)), None).await.expect(200);
    p.advance_seconds(15 * 60);
    put(&p, &her.caller, &her, ("image/png", png(31, 1)), None).await.expect(200);
}
