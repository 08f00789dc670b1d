use kit::Caller;
use kit::auth::{KeySet, check_access};
use serde_json::{Value, json};
use testing::{Engine, TestPlatform};

use crate::people::{PASSWORD, login, register, start};

testing::both_engines!(
    the_published_keys_are_public_ones,
    every_node_signs_with_the_same_key,
    private_keys_are_stored_sealed,
    discovery_names_the_issuer_and_the_keys,
    keys_take_turns_and_overlap,
);

async fn jwks(p: &TestPlatform) -> Value {
    p.send("GET", "/.well-known/jwks.json", &Caller::default(), None, &[]).await.expect(200).body
}

/// The name of the key that an access token is signed with.
async fn kid_of_sign_in(p: &TestPlatform) -> (String, String) {
    use base64::Engine as _;
    let token = login(p, "rahima@example.com", PASSWORD).await.expect(200).body["accessToken"].as_str().unwrap().to_owned();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("JWT")));
    (header["kid"].as_str().unwrap().to_owned(), token)
}

async fn the_published_keys_are_public_ones(engine: Engine) {
    let p = start(engine).await;
    let r = p.send("GET", "/.well-known/jwks.json", &Caller::default(), None, &[]).await.expect(200);
    assert_eq!((r.header("content-type"), r.header("cache-control")), ("application/jwk-set+json", "public, max-age=300"));
    let keys = r.body["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "the current one and the next");
    for key in keys {
        let mut members: Vec<_> = key.as_object().unwrap().keys().cloned().collect();
        members.sort();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"], "and no private part");
    }
}

async fn every_node_signs_with_the_same_key(engine: Engine) {
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    let section = json!({"identity": {"password": {"memory_kib": 8, "passes": 1}}});
    let other = TestPlatform::start_on(p.data(), &[identity::SERVICE], section).await;
    assert_eq!(jwks(&p).await, jwks(&other).await);
    let ((here, _), (there, token)) = (kid_of_sign_in(&p).await, kid_of_sign_in(&other).await);
    assert_eq!(here, there);
    let keys = KeySet::parse(&jwks(&p).await.to_string()).unwrap();
    check_access(&token, &keys, "http://haat.test", kit::Clock::system().now()).unwrap();
}

async fn private_keys_are_stored_sealed(engine: Engine) {
    let p = start(engine).await;
    jwks(&p).await;
    let read = p.db("identity").read(|q| q.rows("SELECT sealed_key, public_key, kid FROM identity.signing_keys ORDER BY kid", &[]));
    let rows = read.await.map_err(|e: kit::DbError| e).unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let (sealed, public, kid): (Vec<u8>, Vec<u8>, String) = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        // The master key of every test platform.
        let secret = kit::auth::open(&[7; 32], "identity/signing-keys", &sealed, kid.as_bytes()).unwrap();
        let signer = kit::auth::Signer::new(&secret.clone().try_into().unwrap());
        assert_eq!(signer.public().bytes().to_vec(), public);
        assert!(!sealed.windows(32).any(|w| w == secret));
    }
}

async fn discovery_names_the_issuer_and_the_keys(engine: Engine) {
    let p = start(engine).await;
    let r = p.send("GET", "/.well-known/openid-configuration", &Caller::default(), None, &[]).await.expect(200);
    assert_eq!(r.body["issuer"], "http://haat.test");
    assert_eq!(r.body["jwks_uri"], "http://haat.test/.well-known/jwks.json");
    assert_eq!(r.body["id_token_signing_alg_values_supported"], json!(["EdDSA"]));
}

async fn keys_take_turns_and_overlap(engine: Engine) {
    const DAY: i64 = 24 * 3600;
    let p = start(engine).await;
    register(&p, "rahima@example.com").await;
    let issued_at = kit::Clock::system().now();
    let (first, token) = kid_of_sign_in(&p).await;
    let next = kids(&p).await.into_iter().find(|kid| *kid != first).unwrap();

    p.settle().await;
    p.advance_seconds(89 * DAY);
    p.settle().await;
    assert_eq!(kid_of_sign_in(&p).await.0, first, "not yet");

    p.advance_seconds(DAY + 3600);
    p.settle().await;
    assert_eq!(kid_of_sign_in(&p).await.0, next, "the one that was published all the time");
    let published = kids(&p).await;
    assert_eq!(published.len(), 3, "retired, current and next");
    assert!(published.contains(&first) && published.contains(&next));
    let keys = KeySet::parse(&jwks(&p).await.to_string()).unwrap();
    check_access(&token, &keys, "http://haat.test", issued_at).unwrap();

    p.advance_seconds(3 * 3600);
    p.settle().await;
    let published = kids(&p).await;
    assert!(published.len() == 2 && !published.contains(&first), "no token of the first key is alive any more");
    assert_eq!(kid_of_sign_in(&p).await.0, next);
}

async fn kids(p: &TestPlatform) -> Vec<String> {
    jwks(p).await["keys"].as_array().unwrap().iter().map(|k| k["kid"].as_str().unwrap().to_owned()).collect()
}
