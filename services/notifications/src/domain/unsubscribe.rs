//! Links in mails that turn off mails like them: they work without signing in, so they are signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::Kind;

/// How much of the signature is kept: 128 bits are out of reach of guessing.
const SIGNATURE_BYTES: usize = 16;

/// What links are signed with.
#[derive(Clone)]
pub(crate) struct LinkKey([u8; 32]);

impl LinkKey {
    /// From 32 secret bytes that stay the same for as long as mails are read.
    pub fn new(bytes: [u8; 32]) -> LinkKey {
        LinkKey(bytes)
    }

    /// The token with which a recipient's mails are turned off, and nothing else is done. It does not expire: a mail is
    /// read years later.
    pub fn token(&self, recipient: Uuid) -> String {
        URL_SAFE_NO_PAD.encode([&recipient.as_bytes()[..], &self.mac(recipient).finalize().into_bytes()[..SIGNATURE_BYTES]].concat())
    }

    /// Whose token it is; `None` where it was not made here.
    pub fn recipient(&self, token: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (recipient, signature) = bytes.split_at_checked(16)?;
        let recipient = Uuid::from_slice(recipient).ok()?;
        let fits = signature.len() == SIGNATURE_BYTES && self.mac(recipient).verify_truncated_left(signature).is_ok();
        fits.then_some(recipient)
    }

    fn mac(&self, recipient: Uuid) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(recipient.as_bytes());
        mac
    }
}

/// Where mails of `kind` are turned off with a token, below `public_url`; `None` where they cannot be.
pub(crate) fn unsubscribe_url(public_url: &str, token: &str, kind: Kind) -> Option<String> {
    (!kind.is_required()).then(|| format!("{public_url}/api/v1/notifications/unsubscribe/{token}/{}", kind.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_recipient_and_key_only() {
        let (key, other) = (LinkKey::new([1; 32]), LinkKey::new([2; 32]));
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let token = key.token(one);
        assert_eq!((key.recipient(&token), other.recipient(&token)), (Some(one), None));
        assert_eq!(token, key.token(one), "the same link in every mail");
        let forged = URL_SAFE_NO_PAD.encode([two.as_bytes(), &URL_SAFE_NO_PAD.decode(&token).unwrap()[16..]].concat());
        let shortened = URL_SAFE_NO_PAD.encode(&URL_SAFE_NO_PAD.decode(&token).unwrap()[..17]);
        for wrong in ["", "x", "\0", &token[1..], &forged, &shortened, &format!("{token}AAAA")] {
            assert_eq!(key.recipient(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_required_has_no_link() {
        assert_eq!(unsubscribe_url("u", "t", Kind::OrderConfirmed), None);
        let url = unsubscribe_url("http://haat.test", "t", Kind::OrderShipped).unwrap();
        assert_eq!(url, "http://haat.test/api/v1/notifications/unsubscribe/t/order.shipped");
    }
}
