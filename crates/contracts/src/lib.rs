//! What services say to each other: ids, money, times, event types, generated gRPC code, and how products stand in files.
//! Nothing here decides anything; it only gives names and shapes.

pub mod event;
pub mod events;
pub mod files;
mod ids;
pub mod money;
mod time;

pub use event::{Envelope, Event, EventSet, Metadata};
pub use ids::*;
pub use money::{Currency, Money, MoneyError};
pub use time::Time;

/// Generated gRPC messages, clients and servers, one module per service.
pub mod proto {
    #![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated; the text is in proto/")]
    macro_rules! services {
        ($($name:ident = $package:literal),+ $(,)?) => {$(
            pub mod $name { tonic::include_proto!($package); }
        )+};
    }
    services!(
        catalog = "haat.catalog.v1",
        cart = "haat.cart.v1",
        identity = "haat.identity.v1",
        log = "haat.log.v1",
        orders = "haat.orders.v1",
        payments = "haat.payments.v1",
        sandbox = "haat.sandbox.v1",
        vendors = "haat.vendors.v1",
        operator = "haat.operator.v1",
    );
}
