//! What the cart does when something happened elsewhere.

use contracts::events::cart::CartMerged;
use contracts::events::identity::UserSignedIn;
use kit::{Consumer, ConsumerError, Tx};

use crate::domain::{Owner, merged};
use crate::store;

/// Every event that the cart listens to.
pub(crate) fn all() -> Vec<Consumer> {
    vec![Consumer::on(|tx, event: &UserSignedIn, _| merge(tx, event))]
}

/// Somebody signed in with a guest's cart: its lines go into their own, summed and capped.
fn merge(tx: &mut Tx, event: &UserSignedIn) -> Result<(), ConsumerError> {
    let Some(guest) = &event.guest else { return Ok(()) };
    let (from, to) = (Owner::Guest(guest.clone()).cart_id(), Owner::User(event.user_id).cart_id());
    let lines = store::lines(tx, from)?;
    if lines.is_empty() {
        return Ok(());
    }
    let own = store::lines(tx, to)?;
    for line in &lines {
        let there = own.iter().find(|l| l.variant_id == line.variant_id).map_or(0, |l| l.quantity);
        let more = merged(there, line.quantity) - there;
        if more > 0 {
            store::add(tx, to, line.variant_id, more, line.seen_price)?;
        }
    }
    store::clear(tx, from)?;
    Ok(tx.publish(CartMerged { cart_id: to, from_cart_id: from, user_id: event.user_id })?)
}
