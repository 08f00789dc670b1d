//! What shipping would cost.

use contracts::VendorId;

use super::App;
use crate::domain::pricing::Offer;
use crate::domain::{Destination, Wanted};
use crate::error::Error;

/// How one store would ship its part of some items.
pub(crate) struct StoreOffers {
    /// The store.
    pub vendor_id: VendorId,
    /// What its goods weigh; none where nothing is shipped.
    pub grams: Option<i64>,
    /// By which methods; none where it does not ship there.
    pub offers: Vec<Offer>,
}

impl App {
    /// By which methods each store would ship these items, in the order in which the stores first appear.
    pub async fn shipping_offers(&self, items: &[Wanted], to: &Destination) -> Result<Vec<StoreOffers>, Error> {
        let basket = self.listed(items, Some(to)).await?;
        let mut stores: Vec<StoreOffers> = Vec::new();
        for item in &basket.items {
            let grams = item.grams();
            match stores.iter_mut().find(|s| s.vendor_id == item.vendor_id) {
                Some(store) => store.grams = store.grams.into_iter().chain(grams).reduce(i64::saturating_add),
                None => stores.push(StoreOffers { vendor_id: item.vendor_id, grams, offers: Vec::new() }),
            }
        }
        for offer in basket.offers {
            stores.iter_mut().filter(|s| s.vendor_id == offer.vendor_id).for_each(|s| s.offers.push(offer.clone()));
        }
        Ok(stores)
    }
}
