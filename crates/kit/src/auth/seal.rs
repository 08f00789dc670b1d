//! Secrets at rest and contact details inside events: XChaCha20-Poly1305 under a key per purpose.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use super::keys::derive;

/// First byte of everything sealed, so that the method can change one day.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Something sealed cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was sealed with another key, for something else, or has been changed")]
pub struct OpenError;

/// Seals `plain` for `purpose`, bound to `owner` (a row's id): it opens for that purpose and owner only.
/// The nonce is drawn by the caller, as 24 bytes of `Ids::bytes`, because transactions draw nothing themselves;
/// a nonce is never used twice.
pub fn seal(master_key: &[u8; 32], purpose: &str, nonce: [u8; NONCE_BYTES], plain: &[u8], owner: &[u8]) -> Vec<u8> {
    let payload = Payload { msg: plain, aad: owner };
    let hidden = cipher(master_key, purpose).encrypt(&XNonce::from(nonce), payload).expect("only over 256 GiB cannot be sealed");
    [&[VERSION][..], &nonce, &hidden].concat()
}

/// Opens what [`seal`] made for the same purpose and owner.
pub fn open(master_key: &[u8; 32], purpose: &str, sealed: &[u8], owner: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (version, rest) = sealed.split_first().ok_or(OpenError)?;
    let (nonce, hidden) = rest.split_first_chunk::<NONCE_BYTES>().filter(|_| *version == VERSION).ok_or(OpenError)?;
    let payload = Payload { msg: hidden, aad: owner };
    cipher(master_key, purpose).decrypt(&XNonce::from(*nonce), payload).map_err(|_| OpenError)
}

fn cipher(master_key: &[u8; 32], purpose: &str) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(derive(master_key, &format!("haat/seal/{purpose}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: [u8; 32] = [3; 32];

    #[test]
    fn it_opens_for_its_purpose_and_owner_only() {
        let sealed = seal(&MASTER, "identity/keys", [5; 24], b"secret", b"row 1");
        assert_eq!(open(&MASTER, "identity/keys", &sealed, b"row 1").unwrap(), b"secret");
        assert_eq!(open(&MASTER, "identity/keys", &sealed, b"row 2"), Err(OpenError));
        assert_eq!(open(&MASTER, "identity/other", &sealed, b"row 1"), Err(OpenError));
        assert_eq!(open(&[4; 32], "identity/keys", &sealed, b"row 1"), Err(OpenError));
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let sealed = seal(&MASTER, "p", [5; 24], b"secret", b"");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&MASTER, "p", &changed, b""), Err(OpenError), "byte {at}");
            assert_eq!(open(&MASTER, "p", &sealed[..at], b""), Err(OpenError), "{at} bytes");
        }
    }
}
