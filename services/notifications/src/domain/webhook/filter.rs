//! Which types of events an endpoint asks for.

use super::{Owner, descriptions, is_for_stores};

/// Types such as `order.confirmed`, families such as `order.*`, or `*` for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter(Vec<String>);

/// The most entries of a filter.
const ENTRIES_MAX: usize = 100;

impl Filter {
    /// Everything that an owner may hear of.
    pub fn all() -> Filter {
        Filter(vec!["*".into()])
    }

    /// A filter each of whose entries means something to the owner; else what is wrong.
    pub fn new(entries: Vec<String>, owner: Owner) -> Result<Filter, String> {
        if entries.is_empty() || entries.len() > ENTRIES_MAX {
            return Err(format!("expected 1 to {ENTRIES_MAX} types of events, found {}", entries.len()));
        }
        let known = known_to(owner);
        let unknown = entries.iter().find(|entry| !known.iter().any(|kind| fits(entry, kind)));
        match unknown {
            Some(entry) => Err(format!("{entry:?} is no type of event here; expected *, order.*, or of {}", known.join(", "))),
            None => Ok(Filter(entries)),
        }
    }

    /// From what is stored.
    pub fn stored(entries: Vec<String>) -> Filter {
        Filter(entries)
    }

    /// Its entries.
    pub fn entries(&self) -> &[String] {
        &self.0
    }

    /// Whether it asks for a type.
    pub fn takes(&self, kind: &str) -> bool {
        self.0.iter().any(|entry| fits(entry, kind))
    }
}

/// What an owner may hear of.
fn known_to(owner: Owner) -> Vec<&'static str> {
    let known = descriptions().iter().map(|d| d.kind);
    known.filter(|kind| owner == Owner::Marketplace || is_for_stores(kind)).collect()
}

fn fits(entry: &str, kind: &str) -> bool {
    match entry.strip_suffix('*') {
        Some("") => true,
        Some(family) => family.ends_with('.') && kind.starts_with(family),
        None => entry == kind,
    }
}

#[cfg(test)]
mod tests {
    use contracts::VendorId;

    use super::*;

    #[test]
    fn types_families_and_everything() {
        let takes = |entry: &str, kind: &str| Filter::stored(vec![entry.into()]).takes(kind);
        for (entry, kind, expected) in [
            ("*", "order.created", true),
            ("order.*", "order.created", true),
            ("order.*", "orders.created", false),
            ("order*", "order.created", false),
            ("order.created", "order.created", true),
            ("order.created", "order.created.x", false),
            ("payment.*", "order.created", false),
        ] {
            assert_eq!(takes(entry, kind), expected, "{entry} and {kind}");
        }
    }

    #[test]
    fn what_means_nothing_to_the_owner_is_refused() {
        let store = Owner::Store(VendorId::default());
        let of = |entry: &str, owner| Filter::new(vec![entry.into()], owner);
        assert!(of("payment.*", Owner::Marketplace).is_ok());
        for entry in ["payment.*", "order.payment_requested", "order.refunded", "user.registered", "", "order", "*.created"] {
            assert!(of(entry, store).unwrap_err().contains("order.confirmed"), "{entry}");
        }
        assert!(of("order.*", store).is_ok());
        assert!(of("user.link_requested", Owner::Marketplace).is_err());
        assert!(Filter::new(Vec::new(), store).is_err());
    }
}
