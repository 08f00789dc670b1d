//! Which of the offered methods each store's part goes by.

use std::collections::BTreeMap;

use contracts::{Money, VendorId};

use super::Item;

/// The shipping method where none is chosen, if the store has it.
pub const STANDARD: &str = "standard";

/// The shipping method of a part that nobody has to carry.
pub const NONE: &str = "none";

/// A method by which a store ships its part of this order, and what it takes for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The store.
    pub vendor_id: VendorId,
    /// The method's code.
    pub method: String,
    /// The method's name.
    pub name: String,
    /// For all of the part.
    pub price: Money,
}

/// How the stores' parts are to be shipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shipping {
    /// For every store that is not named.
    pub method: Option<String>,
    /// For single stores.
    pub by_vendor: BTreeMap<VendorId, String>,
}

/// Why a part is not shipped as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotShipped {
    /// The store offers nothing.
    #[error("the store {0} does not ship these items to this address")]
    Nowhere(VendorId),
    /// The store offers other methods.
    #[error("the store {vendor_id} does not ship by {method:?} here; it offers {}", offered.join(", "))]
    UnknownMethod {
        /// What was chosen.
        method: String,
        /// Which store.
        vendor_id: VendorId,
        /// What it offers.
        offered: Vec<String>,
        /// Whether the method was chosen for this store, or for all.
        named: bool,
    },
    /// A method was chosen for a store that sells nothing here.
    #[error("nothing of this order is from the store {0}")]
    NotOfThisOrder(VendorId),
}

impl Shipping {
    /// Refuses choices for stores that none of `items` is of.
    pub(super) fn check(&self, items: &[Item]) -> Result<(), NotShipped> {
        let unknown = self.by_vendor.keys().find(|v| items.iter().all(|i| i.vendor_id != **v));
        unknown.map_or(Ok(()), |v| Err(NotShipped::NotOfThisOrder(*v)))
    }

    /// What was chosen for a store, by its name or for all.
    pub fn chosen(&self, vendor: VendorId) -> Option<&str> {
        self.by_vendor.get(&vendor).or(self.method.as_ref()).map(String::as_str)
    }

    /// The chosen one of a store's offers. Where nothing is chosen: the standard one, or the cheapest.
    pub(super) fn choose<'a>(&self, vendor: VendorId, offers: &'a [Offer]) -> Result<&'a Offer, NotShipped> {
        let here: Vec<&Offer> = offers.iter().filter(|o| o.vendor_id == vendor).collect();
        let cheapest = *here.iter().min_by_key(|o| o.price.amount).ok_or(NotShipped::Nowhere(vendor))?;
        let by_code = |code: &str| here.iter().find(|o| o.method == code).copied();
        let Some(method) = self.chosen(vendor) else { return Ok(by_code(STANDARD).unwrap_or(cheapest)) };
        by_code(method).ok_or_else(|| NotShipped::UnknownMethod {
            method: method.to_owned(),
            vendor_id: vendor,
            offered: here.iter().map(|o| o.method.clone()).collect(),
            named: self.by_vendor.contains_key(&vendor),
        })
    }
}
