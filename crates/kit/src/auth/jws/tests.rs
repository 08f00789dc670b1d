use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::auth::KeySet;

/// RFC 8037, appendix A.
const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
const SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/// RFC 7515, appendix A.1: signed with HMAC SHA-256.
const HMAC: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// RFC 7515, appendix A.5: not signed at all.
const NONE: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";

fn rfc_key() -> Signer {
    Signer::new(&decode(D).unwrap().try_into().unwrap())
}

#[test]
fn the_example_of_rfc_8037_holds() {
    let key = rfc_key();
    assert_eq!(encode(&key.public().bytes()), X);
    assert_eq!(key.kid(), THUMBPRINT);
    let token = Unverified::parse(SIGNED).unwrap();
    assert_eq!(token.verify(&key.public()).unwrap(), b"Example of Ed25519 signing");
    let other = Signer::new(&[7; 32]).public();
    assert_eq!(token.verify(&other), Err(TokenError::Signature));
}

#[test]
fn other_algorithms_are_refused_before_anything_else() {
    assert_eq!(Unverified::parse(HMAC).unwrap_err(), TokenError::Algorithm);
    assert_eq!(Unverified::parse(NONE).unwrap_err(), TokenError::Algorithm);
}

#[test]
fn only_headers_that_we_write_are_read() {
    let payload = encode(b"{}");
    let cases = [
        (json!({"alg": "EdDSA", "crit": ["exp"]}), TokenError::Malformed),
        (json!({"alg": "EdDSA", "jwk": {"kty": "OKP"}}), TokenError::Malformed),
        (json!({"alg": "EdDSA", "jku": "https://example.com"}), TokenError::Malformed),
        (json!({"alg": "EdDSA", "kid": 7}), TokenError::Malformed),
        (json!({"alg": "eddsa"}), TokenError::Algorithm),
        (json!({"alg": ["EdDSA"]}), TokenError::Algorithm),
        (json!({"typ": "JWT"}), TokenError::Algorithm),
        (json!("EdDSA"), TokenError::Algorithm),
    ];
    for (header, expected) in cases {
        let token = format!("{}.{payload}.{}", encode(header.to_string().as_bytes()), encode(&[0; 64]));
        assert_eq!(Unverified::parse(&token).unwrap_err(), expected, "{header}");
    }
}

#[test]
fn what_is_not_three_parts_is_malformed() {
    let long = format!("{SIGNED}{}", "A".repeat(TOKEN_BYTES_MAX));
    let padded = format!("{SIGNED}==");
    let four = format!("a.{SIGNED}");
    for text in ["", ".", "..", "...", "a", "a.b", "a.b.c", "é.é.é", &SIGNED[..SIGNED.len() - 4], &long, &padded, &four] {
        assert!(Unverified::parse(text).is_err(), "{text}");
    }
    let spare_bits = SIGNED.strip_suffix('g').map(|s| format!("{s}h")).unwrap();
    assert_eq!(Unverified::parse(&spare_bits).unwrap_err(), TokenError::Malformed, "two texts for one signature");
}

#[test]
fn a_token_serves_one_purpose() {
    let key = rfc_key();
    let token = key.sign("a", &json!({"n": 1}));
    let parsed = Unverified::parse(&token).unwrap();
    assert_eq!(parsed.kid(), Some(THUMBPRINT));
    assert_eq!(parsed.claims::<serde_json::Value>("a", &key.public()).unwrap(), json!({"n": 1}));
    assert_eq!(parsed.claims::<serde_json::Value>("b", &key.public()), Err(TokenError::Purpose));
}

#[test]
fn weak_public_keys_are_none() {
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(PublicKey::new(&identity), None, "anything verifies under the neutral element");
    assert!(KeySet::parse(&json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": encode(&identity)}]}).to_string()).is_err());
}

proptest! {
    #[test]
    fn a_changed_token_is_refused(at in 0usize..200, to in "[A-Za-z0-9_.-]") {
        let key = rfc_key();
        let token = key.sign("JWT", &json!({"sub": "somebody", "roles": ["customer"], "exp": 1_900_000_000}));
        let at = at % token.len();
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != token);
        let believed = Unverified::parse(&changed).and_then(|t| t.verify(&key.public()));
        prop_assert!(believed.is_err(), "{changed}");
    }
}
