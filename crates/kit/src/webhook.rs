//! Signatures of webhooks after the Standard Webhooks specification (standardwebhooks.com), symmetric scheme `v1`:
//! HMAC-SHA256 over `<id>.<timestamp>.<body>`, so that neither body, time nor id can be changed or reused later.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use contracts::Time;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub mod inbox;

/// The message's id; the same in every delivery of it.
pub const ID: HeaderName = HeaderName::from_static("webhook-id");
/// When this delivery was signed, in seconds since 1970.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// Space-separated signatures, each `v1,<base64>`.
pub const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How far a delivery's timestamp may be from now, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;

/// The longest message id that is taken, in bytes.
const ID_BYTES_MAX: usize = 255;

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";

/// A key that sender and receiver share.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Why a delivery is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// One of the three headers is missing or cannot be read.
    #[error("the headers webhook-id, webhook-timestamp and webhook-signature are needed")]
    Missing,
    /// Too old, or from the future.
    #[error("the timestamp is more than {TOLERANCE_SECONDS} seconds from now")]
    Stale,
    /// No signature fits.
    #[error("no signature fits the body")]
    Mismatch,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// From its bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Secret {
        Secret(bytes.into())
    }

    /// From text: `whsec_` and base64 as the specification writes it, or else the text's own bytes.
    pub fn from_text(text: &str) -> Secret {
        let decoded = text.strip_prefix(PREFIX).and_then(|rest| BASE64_STANDARD.decode(rest).ok());
        Secret(decoded.unwrap_or_else(|| text.as_bytes().to_vec()))
    }

    /// The headers of a delivery of message `id`, signed at `now`.
    pub fn sign(&self, id: &str, now: Time, body: &[u8]) -> HeaderMap {
        sign_all(std::slice::from_ref(self), id, now, body)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As the specification writes it: `whsec_` and base64.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", BASE64_STANDARD.encode(&self.0))
    }

    /// The id of the message, if the delivery is signed with this secret and was signed not long before or after `now`.
    pub fn verify<'h>(&self, headers: &'h HeaderMap, now: Time, body: &[u8]) -> Result<&'h str, SignatureError> {
        let header = |name| headers.get(name).and_then(|v| v.to_str().ok()).ok_or(SignatureError::Missing);
        let (id, timestamp, signatures) = (header(ID)?, header(TIMESTAMP)?, header(SIGNATURE)?);
        let seconds: i64 = timestamp.parse().map_err(|_| SignatureError::Missing)?;
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(SignatureError::Missing);
        }
        let fits = signatures.split(' ').filter_map(|s| s.strip_prefix("v1,")).any(|encoded| {
            let sent = BASE64_STANDARD.decode(encoded).unwrap_or_default();
            self.mac(id, timestamp, body).verify_slice(&sent).is_ok()
        });
        if !fits {
            return Err(SignatureError::Mismatch);
        }
        if seconds.abs_diff(now.unix_seconds()) > TOLERANCE_SECONDS.unsigned_abs() {
            return Err(SignatureError::Stale);
        }
        Ok(id)
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

/// The headers of a delivery of message `id`, signed at `now` with each of the secrets: while one takes the place of
/// another, the receiver knows one of them.
pub fn sign_all(secrets: &[Secret], id: &str, now: Time, body: &[u8]) -> HeaderMap {
    let seconds = now.unix_seconds();
    let sign = |secret: &Secret| {
        let signature = secret.mac(id, &seconds.to_string(), body).finalize().into_bytes();
        format!("v1,{}", BASE64_STANDARD.encode(signature))
    };
    let signatures = secrets.iter().map(sign).collect::<Vec<_>>().join(" ");
    let mut headers = HeaderMap::new();
    if let (Ok(id), Ok(signatures)) = (HeaderValue::from_str(id), HeaderValue::from_str(&signatures)) {
        headers.insert(ID, id);
        headers.insert(TIMESTAMP, HeaderValue::from(seconds));
        headers.insert(SIGNATURE, signatures);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn secret() -> Secret {
        Secret::from_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    fn at(seconds: i64) -> Time {
        Time(0).plus_seconds(seconds)
    }

    #[test]
    fn the_published_vector_holds() {
        let headers = secret().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at(1_614_265_330), BODY);
        assert_eq!(headers[SIGNATURE], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret().verify(&headers, at(1_614_265_330), BODY), Ok("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    }

    #[test]
    fn what_was_changed_is_not_believed() {
        let signed = secret().sign("msg_1", at(1_000_000), BODY);
        let with = |name: HeaderName, value: &'static str| {
            let mut changed = signed.clone();
            changed.insert(name, HeaderValue::from_static(value));
            changed
        };
        for (case, secret, headers, body, now, expected) in [
            ("another body", secret(), signed.clone(), &b"{}"[..], 1_000_000, SignatureError::Mismatch),
            ("another secret", Secret::from_text("other"), signed.clone(), BODY, 1_000_000, SignatureError::Mismatch),
            ("another id", secret(), with(ID, "msg_2"), BODY, 1_000_000, SignatureError::Mismatch),
            ("another time", secret(), with(TIMESTAMP, "1000001"), BODY, 1_000_000, SignatureError::Mismatch),
            ("no number", secret(), with(TIMESTAMP, "soon"), BODY, 1_000_000, SignatureError::Missing),
            ("no id", secret(), with(ID, ""), BODY, 1_000_000, SignatureError::Missing),
            ("no scheme", secret(), with(SIGNATURE, "abc"), BODY, 1_000_000, SignatureError::Mismatch),
            ("an empty signature", secret(), with(SIGNATURE, "v1,"), BODY, 1_000_000, SignatureError::Mismatch),
            (
                "another scheme",
                secret(),
                with(SIGNATURE, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
                BODY,
                1_000_000,
                SignatureError::Mismatch,
            ),
            ("no headers", secret(), HeaderMap::new(), BODY, 1_000_000, SignatureError::Missing),
            ("too late", secret(), signed.clone(), BODY, 1_000_301, SignatureError::Stale),
            ("too early", secret(), signed.clone(), BODY, 999_699, SignatureError::Stale),
        ] {
            assert_eq!(secret.verify(&headers, at(now), body), Err(expected), "{case}");
        }
    }

    #[test]
    fn each_of_two_secrets_fits_what_both_have_signed() {
        let (old, new) = (Secret::from_text("old"), secret());
        let headers = sign_all(&[new.clone(), old.clone()], "msg_1", at(7), BODY);
        assert_eq!(headers[SIGNATURE].to_str().unwrap().split(' ').count(), 2);
        for secret in [old, Secret::from_text(&new.to_text())] {
            assert_eq!(secret.verify(&headers, at(7), BODY), Ok("msg_1"));
        }
        assert_eq!(Secret::from_text("other").verify(&headers, at(7), BODY), Err(SignatureError::Mismatch));
    }

    #[test]
    fn one_fitting_signature_among_several_is_enough() {
        let mut headers = secret().sign("msg_1", at(7), BODY);
        let both = format!("v1,AAAA v9,x {}", headers[SIGNATURE].to_str().unwrap());
        headers.insert(SIGNATURE, HeaderValue::from_str(&both).unwrap());
        assert_eq!(secret().verify(&headers, at(300), BODY), Ok("msg_1"));
    }
}
