//! What the catalog learns from others.

use contracts::events::vendors::VendorUpdated;
use kit::Consumer;

use crate::app::Kept;
use crate::store;

/// One per consumed event.
pub(crate) fn all(kept: Kept) -> Vec<Consumer> {
    vec![Consumer::on(move |tx, e: &VendorUpdated, _| {
        let kept = kept.clone();
        tx.after_commit(move || kept.forget());
        Ok(store::name_store(tx, e.vendor_id, &e.name)?)
    })]
}
