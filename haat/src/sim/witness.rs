//! A service that only the simulator has: it reads the logs of orders and payments and writes down what it is given.
//!
//! The readers of haat itself bear an event twice without harm, each by its own keys, so a reader that handles events
//! twice would go unnoticed. This one has no keys.

use contracts::Envelope;
use contracts::events::{orders, payments};
use kit::{BuildError, Consumer, ConsumerError, Env, Migration, Service, ServiceDef, Tx};
use utoipa::openapi::OpenApiBuilder;

use super::store;

pub const SERVICE: ServiceDef = ServiceDef {
    name: "witness",
    migrations: &[Migration::new("0001_witness", include_str!("witness.sql"))],
    calls: &[],
    reads: &["orders", "payments"],
    describe: || (Vec::new(), OpenApiBuilder::new().build()),
    keys: Vec::new,
    sealed: None,
    check_config: |_| Ok(()),
    build,
};

fn build(_: Env) -> Result<Service, BuildError> {
    Ok(Service { consumers: consumers(), ..Service::default() })
}

/// The types of events that it writes down.
pub fn kinds() -> Vec<&'static str> {
    consumers().iter().map(Consumer::kind).collect()
}

macro_rules! notes {
    ($($event:ty),+ $(,)?) => { vec![$(Consumer::on(|tx, _: &$event, e| note(tx, e))),+] };
}

fn consumers() -> Vec<Consumer> {
    notes![
        orders::OrderCreated,
        orders::OrderConfirmed,
        orders::OrderPaid,
        orders::OrderStatusChanged,
        orders::OrderCancelled,
        orders::OrderRefunded,
        payments::PaymentInitiated,
        payments::PaymentCompleted,
        payments::PaymentCancelled,
        payments::PaymentRefundRequested,
        payments::PaymentRefunded,
        payments::PaymentCashCollected,
    ]
}

fn note(tx: &mut Tx, e: &Envelope) -> Result<(), ConsumerError> {
    Ok(store::note_handled(tx, e)?)
}
