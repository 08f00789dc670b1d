//! Who calls, in a test.

use contracts::{SessionId, UserId};
use kit::auth::User;
use kit::{Caller, Clock, Ids, Role};

/// A new customer.
pub fn user() -> Caller {
    user_with(&[Role::Customer])
}

/// A new user with these roles.
pub fn user_with(roles: &[Role]) -> Caller {
    let (ids, now) = (Ids::random(), Clock::system().now());
    let user = User { id: UserId(ids.uuid(now)), session: SessionId(ids.uuid(now)), roles: roles.to_vec() };
    Caller { user: Some(user), ..Caller::default() }
}

/// A new guest, with a cart token.
pub fn guest() -> Caller {
    let token = kit::auth::timed_secret(&Ids::random(), Clock::system().now());
    Caller { cart_token: Some(token), ..Caller::default() }
}
