//! Every event, one module per publishing service.

pub mod cart;
pub mod catalog;
pub mod identity;
pub mod notifications;
pub mod orders;
pub mod payments;
pub mod vendors;

/// Every event there is.
pub fn all() -> Vec<crate::event::Description> {
    [
        cart::descriptions(),
        catalog::descriptions(),
        identity::descriptions(),
        notifications::descriptions(),
        orders::descriptions(),
        payments::descriptions(),
        vendors::descriptions(),
    ]
    .concat()
}
