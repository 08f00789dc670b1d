//! Sets of public keys (RFC 7517): what is published for those who verify.

use serde::{Deserialize, Serialize};

use super::jws::{PublicKey, TokenError, Unverified, decode, encode};

/// More keys than this in one set are not believed.
const KEYS_MAX: usize = 32;

/// Public keys by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Vec<PublicKey>);

#[derive(Serialize, Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
}

impl KeySet {
    /// Of these keys.
    pub fn new(keys: Vec<PublicKey>) -> KeySet {
        KeySet(keys)
    }

    /// From a JWK set. Keys of other kinds and for other uses are left out; an Ed25519 key that is none is an error.
    pub fn parse(json: &str) -> Result<KeySet, String> {
        let set: Jwks = serde_json::from_str(json).map_err(|e| format!("not a JWK set: {e}"))?;
        if set.keys.len() > KEYS_MAX {
            return Err(format!("a JWK set of {} keys: at most {KEYS_MAX} are read", set.keys.len()));
        }
        let mut keys = Vec::new();
        for jwk in set.keys {
            let for_signing = jwk.usage.as_deref().is_none_or(|u| u == "sig") && jwk.alg.as_deref().is_none_or(|a| a == "EdDSA");
            if jwk.kty == "OKP" && jwk.crv.as_deref() == Some("Ed25519") && for_signing {
                keys.push(jwk.read().ok_or("a JWK set with an Ed25519 key that is none")?);
            }
        }
        Ok(KeySet(keys))
    }

    /// As a JWK set.
    pub fn print(&self) -> String {
        let keys = self.0.iter().map(Jwk::of).collect();
        serde_json::to_string(&Jwks { keys }).expect("a JWK set of strings is JSON")
    }

    /// The key with that name.
    pub fn get(&self, kid: &str) -> Option<&PublicKey> {
        self.0.iter().find(|k| k.kid() == kid)
    }

    /// The key that a token says it is signed with.
    pub fn key_of(&self, token: &Unverified) -> Result<&PublicKey, TokenError> {
        token.kid().and_then(|kid| self.get(kid)).ok_or(TokenError::UnknownKey)
    }
}

impl Jwk {
    fn of(key: &PublicKey) -> Jwk {
        Jwk {
            kty: "OKP".into(),
            crv: Some("Ed25519".into()),
            x: Some(encode(&key.bytes())),
            kid: Some(key.kid().to_owned()),
            usage: Some("sig".into()),
            alg: Some("EdDSA".into()),
        }
    }

    fn read(&self) -> Option<PublicKey> {
        let bytes: [u8; 32] = decode(self.x.as_deref()?).ok()?.try_into().ok()?;
        match &self.kid {
            Some(kid) => PublicKey::named(&bytes, kid),
            None => PublicKey::new(&bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Signer;

    #[test]
    fn what_is_printed_is_read_again() {
        let set = KeySet::new(vec![Signer::new(&[1; 32]).public(), Signer::new(&[2; 32]).public()]);
        assert_eq!(KeySet::parse(&set.print()).unwrap(), set);
    }

    #[test]
    fn keys_of_other_kinds_are_left_out() {
        let key = Signer::new(&[1; 32]).public();
        let x = encode(&key.bytes());
        let json = format!(
            r#"{{"keys": [{{"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, {{"kty": "OKP", "crv": "X25519", "x": "{x}"}},
                {{"kty": "OKP", "crv": "Ed25519", "x": "{x}", "use": "enc"}}, {{"kty": "OKP", "crv": "Ed25519", "x": "{x}", "kid": "mine"}}]}}"#
        );
        let set = KeySet::parse(&json).unwrap();
        assert_eq!(set.get("mine").map(PublicKey::bytes), Some(key.bytes()));
        assert_eq!(set.0.len(), 1);
    }

    #[test]
    fn a_set_that_cannot_be_believed_is_an_error() {
        let many = format!(r#"{{"keys": [{}]}}"#, vec![r#"{"kty": "oct"}"#; KEYS_MAX + 1].join(","));
        for json in ["", "[]", r#"{"keys": 1}"#, r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}"#, &many] {
            assert!(KeySet::parse(json).is_err(), "{json}");
        }
    }
}
