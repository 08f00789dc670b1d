//! Compact JSON Web Signatures (RFC 7515) with Ed25519 (RFC 8037) and nothing else.
//!
//! There is one algorithm, so there is no choice that a token could make for us: no `none`, no HMAC under a public
//! key, no key inside the header. Nothing of a payload is read before its signature holds, and time is not looked at
//! here: claims are compared with the clock that the caller hands in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longer tokens are not looked at.
const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three base64url parts with a header that we write.
    #[error("it is not a token of this marketplace")]
    Malformed,
    /// Signed in another way than EdDSA.
    #[error("it is not signed with EdDSA")]
    Algorithm,
    /// A token for something else.
    #[error("it is a token for another purpose")]
    Purpose,
    /// The key is not known, or no longer.
    #[error("it is signed with an unknown key")]
    UnknownKey,
    /// The signature does not hold.
    #[error("its signature does not hold")]
    Signature,
    /// A claim is missing or has another type.
    #[error("its claims are incomplete")]
    Claims,
    /// From somebody else.
    #[error("it was issued by somebody else")]
    Issuer,
    /// For somebody else.
    #[error("it was issued for somebody else")]
    Audience,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It is from the future.
    #[error("it is not valid yet")]
    NotYet,
}

/// A private key that signs tokens. Its `kid` is the thumbprint of its public key (RFC 7638).
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    kid: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

impl Signer {
    /// From the 32 bytes of an Ed25519 private key (RFC 8032).
    pub fn new(seed: &[u8; 32]) -> Signer {
        let key = SigningKey::from_bytes(seed);
        let kid = thumbprint(&key.verifying_key());
        Signer { key, kid }
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What others verify with.
    pub fn public(&self) -> PublicKey {
        PublicKey { key: self.key.verifying_key(), kid: self.kid.clone() }
    }

    /// A token for one purpose, `typ` of its header.
    pub fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> String {
        let header = Header { alg: "EdDSA".into(), typ: Some(typ.into()), kid: Some(self.kid.clone()) };
        let mut token = encode(&serde_json::to_vec(&header).expect("a header of three strings is JSON"));
        token.push('.');
        token.push_str(&encode(&serde_json::to_vec(claims).expect("claims are structs of strings and numbers")));
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        token.push_str(&encode(&signature.to_bytes()));
        token
    }
}

/// A public key that verifies tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    kid: String,
}

impl PublicKey {
    /// From the 32 bytes of an Ed25519 public key; `None` where they are not a point of the curve or a weak one.
    pub fn new(bytes: &[u8; 32]) -> Option<PublicKey> {
        let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak())?;
        Some(PublicKey { kid: thumbprint(&key), key })
    }

    /// As [`PublicKey::new`], under a name that somebody else gave it.
    pub(super) fn named(bytes: &[u8; 32], kid: &str) -> Option<PublicKey> {
        PublicKey::new(bytes).map(|k| PublicKey { kid: kid.to_owned(), ..k })
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's 32 bytes.
    pub fn bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

/// A token that has the right form; nothing in it is believed yet.
#[derive(Clone, Debug)]
pub struct Unverified<'t> {
    typ: Option<String>,
    kid: Option<String>,
    signed: &'t str,
    payload: &'t str,
    signature: [u8; 64],
}

impl<'t> Unverified<'t> {
    /// Takes a token apart.
    pub fn parse(token: &'t str) -> Result<Unverified<'t>, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').filter(|(_, p)| !p.contains('.')).ok_or(TokenError::Malformed)?;
        let header = decode(header)?;
        let alg = serde_json::from_slice::<serde_json::Value>(&header).map_err(|_| TokenError::Malformed)?;
        if alg.get("alg").and_then(|a| a.as_str()) != Some("EdDSA") {
            return Err(TokenError::Algorithm);
        }
        let header: Header = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        let signature = decode(signature)?.try_into().map_err(|_| TokenError::Malformed)?;
        Ok(Unverified { typ: header.typ, kid: header.kid, signed, payload, signature })
    }

    /// The key it says it is signed with.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The payload, where `key` has signed it.
    pub fn verify(&self, key: &PublicKey) -> Result<Vec<u8>, TokenError> {
        let signature = Signature::from_bytes(&self.signature);
        key.key.verify_strict(self.signed.as_bytes(), &signature).map_err(|_| TokenError::Signature)?;
        decode(self.payload)
    }

    /// The claims of a token for the purpose `typ`, where `key` has signed it.
    pub fn claims<C: DeserializeOwned>(&self, typ: &str, key: &PublicKey) -> Result<C, TokenError> {
        let payload = self.verify(key)?;
        if self.typ.as_deref() != Some(typ) {
            return Err(TokenError::Purpose);
        }
        serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)
    }
}

/// RFC 7638, over the members of RFC 8037 in their order.
fn thumbprint(key: &VerifyingKey) -> String {
    let x = encode(key.as_bytes());
    encode(&Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes()))
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests;
