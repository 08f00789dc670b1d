//! What becomes of a guest's cart when its owner signs in.

use contracts::{CartItemId, VariantId};

use super::{LINES_MAX, Line, QUANTITY_MAX};

/// What goes from a guest's cart into a user's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merge {
    /// How much more of what, with what it cost when the guest put it in.
    pub more: Vec<(VariantId, i64, contracts::Money)>,
    /// The guest's lines that are in it now.
    pub taken: Vec<CartItemId>,
}

/// Sums the quantities of what is in both, at most 999 of each. What does not fit stays with the guest: a line that would
/// be one too many, and prices in another currency than the user's. Whether something can still be had does not matter.
pub fn merge(own: &[Line], guest: &[Line]) -> Merge {
    let mut merge = Merge::default();
    let currency = own.first().or(guest.first()).map(|l| l.seen_price.currency);
    let mut lines = own.len();
    for line in guest.iter().filter(|l| Some(l.seen_price.currency) == currency) {
        let there = own.iter().find(|l| l.variant_id == line.variant_id).map(|l| l.quantity);
        if there.is_none() && lines == LINES_MAX {
            continue;
        }
        lines += usize::from(there.is_none());
        merge.taken.push(line.id);
        let there = there.unwrap_or(0);
        let more = there.saturating_add(line.quantity).min(QUANTITY_MAX) - there;
        if more > 0 {
            merge.more.push((line.variant_id, more, line.seen_price));
        }
    }
    merge
}
