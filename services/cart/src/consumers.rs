//! What the cart does when something happened elsewhere.

use contracts::events::identity::UserSignedIn;
use kit::Consumer;

use crate::app;
use crate::domain::Lifetimes;

/// Every event that the cart listens to: somebody may sign in with a guest's cart.
pub(crate) fn all(lifetimes: Lifetimes) -> Vec<Consumer> {
    vec![Consumer::on(move |tx, event: &UserSignedIn, _| {
        let Some(guest) = &event.guest else { return Ok(()) };
        Ok(app::merge(tx, event.user_id, guest.clone(), lifetimes)?)
    })]
}
