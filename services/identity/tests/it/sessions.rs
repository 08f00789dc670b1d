use contracts::events::identity::{SessionEnded, UserSignedIn};
use serde_json::json;
use testing::{Engine, TestPlatform};

use crate::people::{PASSWORD, Person, admin, check, login, published, refresh, register, start, start_with};

testing::both_engines!(
    a_refresh_token_works_once_and_brings_the_next,
    a_reused_refresh_token_ends_its_session_and_no_other,
    of_many_callers_with_one_refresh_token_one_wins_and_the_session_ends,
    a_tampered_refresh_token_is_refused_and_ends_nothing,
    a_session_ends_when_it_is_idle_or_too_old,
    signing_out_ends_one_session_or_all,
    sessions_are_listed_for_their_owner,
    somebody_elses_session_is_not_found,
    one_sign_in_too_many_ends_the_oldest_session,
    a_deactivation_ends_what_a_sign_in_at_the_same_moment_opens,
    sessions_outlive_a_restart,
    what_has_expired_is_forgotten,
);

async fn a_refresh_token_works_once_and_brings_the_next(engine: Engine) {
    let p = start(engine).await;
    let first = register(&p, "rahima@example.com").await;
    let mut person = first.clone();
    for _ in 0..3 {
        let r = refresh(&p, &person.refresh_token).await.expect(200);
        assert_eq!(r.body["user"]["email"], "rahima@example.com");
        let renewed = Person::of(&r.body);
        assert_eq!((renewed.id(), renewed.session()), (first.id(), first.session()));
        assert_ne!(renewed.refresh_token, person.refresh_token);
        assert_ne!(renewed.access_token, person.access_token);
        person = renewed;
    }
    assert_eq!(published::<UserSignedIn>(&p).await.len(), 1, "a renewal is no sign-in");
}

async fn a_reused_refresh_token_ends_its_session_and_no_other(engine: Engine) {
    let p = start(engine).await;
    let first = register(&p, "rahima@example.com").await;
    let other = Person::of(&login(&p, "rahima@example.com", PASSWORD).await.expect(200).body);
    let renewed = Person::of(&refresh(&p, &first.refresh_token).await.expect(200).body);
    assert_eq!(refresh(&p, &first.refresh_token).await.expect(401).code(), "refresh_token_reused");
    assert_eq!(refresh(&p, &renewed.refresh_token).await.expect(401).code(), "invalid_refresh_token");
    assert!(!check(&p, first.session()).await.open);
    assert!(check(&p, other.session()).await.open);
    refresh(&p, &other.refresh_token).await.expect(200);
    let ended = SessionEnded { user_id: first.id(), session_id: first.session(), reason: "refresh_token_reused".into() };
    assert_eq!(published::<SessionEnded>(&p).await, [ended]);
}

async fn of_many_callers_with_one_refresh_token_one_wins_and_the_session_ends(engine: Engine) {
    let p = start(engine).await;
    for round in 0..5 {
        let person = register(&p, &format!("racer{round}@example.com")).await;
        let one = || refresh(&p, &person.refresh_token);
        let answers = tokio::join!(biased; one(), one(), one(), one(), one(), one(), one(), one());
        let answers = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5, answers.6, answers.7];
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|r| r.status == 200);
        assert_eq!(won.len(), 1, "round {round}");
        assert!(lost.iter().all(|r| r.status == 401 && r.code() == "refresh_token_reused"), "round {round}: {lost:?}");
        let winner = Person::of(&won[0].body);
        refresh(&p, &winner.refresh_token).await.expect(401);
        assert!(!check(&p, person.session()).await.open);
        let ended = published::<SessionEnded>(&p).await;
        assert_eq!(ended.iter().filter(|e| e.session_id == person.session()).count(), 1, "told once");
    }
}

async fn a_tampered_refresh_token_is_refused_and_ends_nothing(engine: Engine) {
    let p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    let token = &person.refresh_token;
    let flipped = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    let long = "A".repeat(5000);
    for wrong in ["", "x", "not base64!", &flipped, &token[1..], &format!("{token}="), &person.access_token, &long] {
        assert_eq!(refresh(&p, wrong).await.expect(401).code(), "invalid_refresh_token", "{wrong}");
    }
    refresh(&p, token).await.expect(200);
}

async fn a_session_ends_when_it_is_idle_or_too_old(engine: Engine) {
    let p = start_with(engine, json!({"refresh_token_seconds": 1000, "session_seconds_max": 2500})).await;
    let idle = register(&p, "idle@example.com").await;
    let mut busy = register(&p, "busy@example.com").await;
    p.advance_seconds(900);
    busy = Person::of(&refresh(&p, &busy.refresh_token).await.expect(200).body);
    p.advance_seconds(200);
    assert!(!check(&p, idle.session()).await.open);
    assert_eq!(refresh(&p, &idle.refresh_token).await.expect(401).code(), "invalid_refresh_token");
    for _ in 0..2 {
        p.advance_seconds(650);
        assert!(check(&p, busy.session()).await.open);
        busy = Person::of(&refresh(&p, &busy.refresh_token).await.expect(200).body);
    }
    p.advance_seconds(150);
    refresh(&p, &busy.refresh_token).await.expect(401);
    assert_eq!(published::<SessionEnded>(&p).await, [], "what ends by its time is no news");
}

async fn logout(p: &TestPlatform, person: &Person, query: &str) {
    p.send("POST", &format!("/api/v1/auth/logout{query}"), &person.caller, None, &[]).await.expect(204);
}

async fn signing_out_ends_one_session_or_all(engine: Engine) {
    let p = start(engine).await;
    let stranger = register(&p, "karim@example.com").await;
    let mut people = vec![register(&p, "rahima@example.com").await];
    for _ in 0..3 {
        people.push(Person::of(&login(&p, "rahima@example.com", PASSWORD).await.expect(200).body));
    }
    logout(&p, &people[0], "").await;
    logout(&p, &people[0], "").await;
    refresh(&p, &people[0].refresh_token).await.expect(401);
    assert!(check(&p, people[1].session()).await.open);
    logout(&p, &people[1], "?all=true").await;
    for person in &people {
        assert!(!check(&p, person.session()).await.open);
        refresh(&p, &person.refresh_token).await.expect(401);
    }
    refresh(&p, &stranger.refresh_token).await.expect(200);
    let mut ended = published::<SessionEnded>(&p).await;
    assert!(ended.iter().all(|e| e.reason == "signed_out" && e.user_id == people[0].id()));
    ended.sort_by_key(|e| e.session_id);
    let mut sessions = people.iter().map(Person::session).collect::<Vec<_>>();
    sessions.sort();
    assert_eq!(ended.iter().map(|e| e.session_id).collect::<Vec<_>>(), sessions, "each is told once");
}

async fn sessions_are_listed_for_their_owner(engine: Engine) {
    let p = start(engine).await;
    register(&p, "karim@example.com").await;
    let mut people = vec![register(&p, "rahima@example.com").await];
    let body = json!({"email": "rahima@example.com", "password": PASSWORD});
    for device in ["phone", "tablet"] {
        let caller = kit::Caller { address: Some("203.0.113.9".parse().unwrap()), ..kit::Caller::default() };
        p.advance_seconds(1);
        let r = p.send("POST", "/api/v1/auth/login", &caller, Some(body.clone()), &[("user-agent", device)]).await.expect(200);
        people.push(Person::of(&r.body));
    }
    let mut found = Vec::new();
    let mut path = "/api/v1/auth/sessions?limit=2".to_owned();
    loop {
        let page = p.send("GET", &path, &people[1].caller, None, &[]).await.expect(200).body;
        found.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/auth/sessions?limit=2&cursor={cursor}");
    }
    let ids: Vec<_> = found.iter().map(|s| s["id"].clone()).collect();
    assert_eq!(ids, [json!(people[2].session()), json!(people[1].session()), json!(people[0].session())]);
    assert_eq!(found.iter().map(|s| s["current"].as_bool().unwrap()).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!((&found[0]["device"], &found[0]["address"]), (&json!("tablet"), &json!("203.0.113.9")));
    assert_eq!((&found[2]["device"], &found[2]["address"]), (&json!(null), &json!(null)));
}

async fn somebody_elses_session_is_not_found(engine: Engine) {
    let p = start(engine).await;
    let (rahima, karim) = (register(&p, "rahima@example.com").await, register(&p, "karim@example.com").await);
    let path = format!("/api/v1/auth/sessions/{}", rahima.session());
    p.send("DELETE", &path, &karim.caller, None, &[]).await.expect(404);
    assert!(check(&p, rahima.session()).await.open);
    p.send("DELETE", &path, &rahima.caller, None, &[]).await.expect(204);
    assert!(!check(&p, rahima.session()).await.open);
    p.send("DELETE", &path, &rahima.caller, None, &[]).await.expect(404);
    assert_eq!(published::<SessionEnded>(&p).await.len(), 1);
}

async fn one_sign_in_too_many_ends_the_oldest_session(engine: Engine) {
    let p = start_with(engine, json!({"sessions_per_user_max": 2})).await;
    let mut people = vec![register(&p, "rahima@example.com").await];
    for _ in 0..2 {
        p.advance_seconds(1);
        people.push(Person::of(&login(&p, "rahima@example.com", PASSWORD).await.expect(200).body));
    }
    let mut open = Vec::new();
    for person in &people {
        open.push(check(&p, person.session()).await.open);
    }
    assert_eq!(open, [false, true, true]);
    let ended = SessionEnded { user_id: people[0].id(), session_id: people[0].session(), reason: "too_many_sessions".into() };
    assert_eq!(published::<SessionEnded>(&p).await, [ended]);
}

async fn a_deactivation_ends_what_a_sign_in_at_the_same_moment_opens(engine: Engine) {
    let p = start(engine).await;
    let admin = admin(&p).await;
    for round in 0..5 {
        let email = format!("u{round}@example.com");
        let person = register(&p, &email).await;
        let path = format!("/api/v1/users/{}/deactivate", person.id());
        let one = || login(&p, &email, PASSWORD);
        let close = p.send("POST", &path, &admin.caller, None, &[]);
        let answers = tokio::join!(one(), one(), close, one(), one());
        answers.2.expect(200);
        for r in [answers.0, answers.1, answers.3, answers.4].into_iter().filter(|r| r.status == 200) {
            let session = Person::of(&r.body).session();
            assert!(!check(&p, session).await.open, "round {round}");
        }
    }
}

async fn sessions_outlive_a_restart(engine: Engine) {
    let mut p = start(engine).await;
    let person = register(&p, "rahima@example.com").await;
    p.restart().await;
    assert!(check(&p, person.session()).await.open);
    let renewed = Person::of(&refresh(&p, &person.refresh_token).await.expect(200).body);
    assert_eq!(renewed.session(), person.session());
}

async fn what_has_expired_is_forgotten(engine: Engine) {
    let p = start_with(engine, json!({"refresh_token_seconds": 100_000, "session_seconds_max": 10_000_000})).await;
    let old = register(&p, "old@example.com").await;
    let first = register(&p, "rahima@example.com").await;
    let from = kit::Caller { address: Some("203.0.113.9".parse().unwrap()), ..kit::Caller::default() };
    crate::people::login_as(&p, &from, "rahima@example.com", "wrong horse battery").await.expect(401);
    p.settle().await;
    assert_eq!(counts(&p).await, [2, 2, 3], "the attempt is counted by account and network, by account, and by address");
    p.advance_seconds(60_000);
    let renewed = Person::of(&refresh(&p, &first.refresh_token).await.expect(200).body);
    p.settle().await;
    assert_eq!(counts(&p).await, [2, 3, 0], "a used token is kept, to notice when it comes again");
    p.advance_seconds(60_000);
    let renewed = Person::of(&refresh(&p, &renewed.refresh_token).await.expect(200).body);
    p.settle().await;
    assert_eq!(counts(&p).await, [1, 3, 0]);
    refresh(&p, &old.refresh_token).await.expect(401);
    p.advance_seconds(60_000);
    p.settle().await;
    assert_eq!(counts(&p).await, [1, 2, 0]);
    assert_eq!(refresh(&p, &first.refresh_token).await.expect(401).code(), "invalid_refresh_token");
    refresh(&p, &renewed.refresh_token).await.expect(200);
}

/// Rows of sessions, refresh tokens and attempts.
async fn counts(p: &TestPlatform) -> [i64; 3] {
    let read = p.db("identity").read(|q| {
        let row = q.row(
            "SELECT (SELECT COUNT(*) FROM identity.sessions), (SELECT COUNT(*) FROM identity.refresh_tokens), \
             (SELECT COUNT(*) FROM identity.attempts)",
            &[],
        )?;
        let row = row.unwrap();
        Ok::<_, kit::DbError>([row.get(0)?, row.get(1)?, row.get(2)?])
    });
    read.await.unwrap()
}
