//! Whose cart it is, and how long it is kept.

use contracts::{CartId, Time, UserId};
use sha2::{Digest, Sha256};

/// Whose cart it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Somebody signed in.
    User(UserId),
    /// Whoever holds the token with this hash; it may begin with a moment, twelve hexadecimal digits and a hyphen.
    Guest(String),
}

impl Owner {
    /// An owner has one cart; its id follows from the owner, so an empty cart needs no row. A guest's begins with the
    /// moment of the token's hash, where that has one.
    pub fn cart_id(&self) -> CartId {
        let text = match self {
            Owner::User(id) => format!("cart\nuser\n{id}"),
            Owner::Guest(hash) => format!("cart\nguest\n{hash}"),
        };
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
        if let Some(millis) = self.moment() {
            bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        }
        CartId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    fn moment(&self) -> Option<u64> {
        let Owner::Guest(hash) = self else { return None };
        hash.split_once('-').and_then(|(moment, _)| u64::from_str_radix(moment, 16).ok())
    }

    /// Whose it is, where that is a user.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Owner::User(id) => Some(*id),
            Owner::Guest(_) => None,
        }
    }
}

/// How long a cart is kept after the last thing was put in, changed or taken out.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// A guest's, in seconds.
    pub guest_seconds: i64,
    /// A user's, in seconds.
    pub user_seconds: i64,
}

/// A cart as its lines are written.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// The cart.
    pub cart_id: CartId,
    /// Whose it is; none for a guest's.
    pub user_id: Option<UserId>,
    /// From its last change.
    seconds: i64,
}

impl Kept {
    /// The owner's cart.
    pub fn of(owner: &Owner, lifetimes: Lifetimes) -> Kept {
        let user_id = owner.user();
        let seconds = if user_id.is_some() { lifetimes.user_seconds } else { lifetimes.guest_seconds };
        Kept { cart_id: owner.cart_id(), user_id, seconds }
    }

    /// Until when, once it has changed at `now`.
    pub fn until(&self, now: Time) -> Time {
        now.plus_seconds(self.seconds)
    }
}
