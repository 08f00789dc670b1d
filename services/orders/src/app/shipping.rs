//! What shipping would cost.

use contracts::VendorId;
use contracts::proto::catalog as catalog_api;

use super::{App, unreachable};
use crate::domain::pricing::{Item, Offer};
use crate::domain::{Destination, Line, Order, Wanted, field};
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

    /// Refuses a place to which the stores would not ship an order as chosen for what was paid for that.
    pub(super) async fn check_destination(&self, order: &Order, to: &Destination) -> Result<(), Error> {
        let sold: Vec<(VendorId, &Line)> = order.parts.iter().flat_map(|p| p.lines.iter().map(|l| (p.vendor_id, l))).collect();
        let request = catalog_api::GetVariantsRequest {
            variant_ids: sold.iter().map(|(_, l)| l.variant_id.to_string()).collect(),
            ..catalog_api::GetVariantsRequest::default()
        };
        let known = self.catalog.clone().get_variants(request).await.map_err(unreachable("catalog"))?.into_inner().variants;
        let grams = |line: &Line| known.iter().find(|v| v.variant_id == line.variant_id.to_string()).map_or(0, |v| v.weight_grams);
        let mut items: Vec<Item> = sold.into_iter().map(|(vendor_id, line)| sold_item(vendor_id, line, grams(line))).collect();
        let offers = self.add_terms(&mut items, Some(to)).await?;
        for part in order.parts.iter().filter(|p| !p.status.is_dead() && !p.is_digital()) {
            let offer = offers.iter().find(|o| o.vendor_id == part.vendor_id && o.method == part.shipping_method);
            let price = offer.map(|o| o.price);
            if price != Some(part.totals.shipping) {
                let there = price.map_or("is not offered".to_owned(), |p| format!("costs {p}"));
                let text = format!("shipping there {there}, and {} was paid: cancel the order and place another", part.totals.shipping);
                return Err(Error::Invalid(vec![field("/shippingAddress", "shipping_differs", text)]));
            }
        }
        Ok(())
    }
}

/// What was sold, to be shipped by today's terms.
fn sold_item(vendor_id: VendorId, line: &Line, weight_grams: i64) -> Item {
    Item {
        variant_id: line.variant_id,
        product_id: line.product_id,
        vendor_id,
        sku: line.sku.clone().unwrap_or_default(),
        title: line.title.clone(),
        kind: line.kind.clone(),
        categories: Vec::new(),
        weight_grams,
        quantity: line.quantity,
        unit_price: line.unit_price,
        commission_basis_points: line.commission_basis_points,
    }
}
