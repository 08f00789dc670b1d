//! An order: the fold of its events, and what may happen to it next. No I/O, no clock, no SQL.

mod carrier;
mod checkout;
mod decide;
mod destination;
mod import;
mod invoice;
pub(crate) mod pricing;
mod quote;
mod returns;
mod status;
#[cfg(test)]
mod tests;

use contracts::events::orders::{
    OrderCancelled, OrderCompleted, OrderConfirmed, OrderCreated, OrderDelivered, OrderFailed, OrderImported, OrderPaid,
    OrderPartsCancelled, OrderPaymentRequested, OrderRefunded, OrderReturnApproved, OrderReturnRefunded, OrderReturnRejected,
    OrderReturnRequested, OrderReturned, OrderShipped, OrderStatusChanged, OrderUpdated, Totals, VendorPart,
};
use contracts::{Currency, Money, OrderId, PaymentId, RefundId, SagaId, Time, UserId, VendorId, VendorOrderId};
use kit::Aggregate;
use serde::{Deserialize, Serialize};

pub use contracts::events::orders::Line;

pub use carrier::{
    CARRIER_KEY_MAX, CarrierStatus, CashOfOrders, CashOfParcel, NUMBER_KEY_MAX, Report, ReportBody, SharedCash, Verdict, carrier_key,
    cash_of, number_key,
};
pub use checkout::{Checkout, CheckoutInput, Contact, ContactChange, Shopper, Wanted, What, check, field, words};
pub use decide::{COD, Move, Refused, Settlement, Tracking};
pub use destination::{Destination, ShippingQuoteInput, check_shipping_quote};
pub use import::{HERE, Imported, ImportedOrderInput};
pub use invoice::{Invoice, InvoicePart, InvoiceScope};
pub use quote::{CartQuoteInput, Difference, Quote, check_cart_quote};
pub use returns::{RETURN_LINES_MAX, Return, ReturnItem, ReturnStatus};
pub use status::{OrderStatus, PartStatus};

contracts::event_set! {
    /// What can happen to an order.
    OrderEvent {
        Created(OrderCreated),
        Imported(OrderImported),
        PaymentRequested(OrderPaymentRequested),
        Confirmed(OrderConfirmed),
        Paid(OrderPaid),
        Failed(OrderFailed),
        Cancelled(OrderCancelled),
        PartsCancelled(OrderPartsCancelled),
        Updated(OrderUpdated),
        StatusChanged(OrderStatusChanged),
        ReturnRequested(OrderReturnRequested),
        ReturnApproved(OrderReturnApproved),
        ReturnRejected(OrderReturnRejected),
        Returned(OrderReturned),
        ReturnRefunded(OrderReturnRefunded),
        Shipped(OrderShipped),
        Delivered(OrderDelivered),
        Completed(OrderCompleted),
        Refunded(OrderRefunded),
    }
}

/// An order over all its stores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Its id; also that of its stock reservation.
    pub id: OrderId,
    /// Its number for people.
    pub number: String,
    /// Whose it is; exactly one of user and guest is set.
    pub user_id: Option<UserId>,
    /// The hash of the guest's cart token.
    pub guest: Option<String>,
    /// The saga that fulfils it.
    pub saga_id: SagaId,
    /// One part per store for what it ships, and one for what it does not.
    pub parts: Vec<Part>,
    /// Sums over the parts.
    pub totals: Totals,
    /// How it is paid.
    pub payment: Payment,
    /// What was to come back, in the order in which it was asked for.
    pub returns: Vec<Return>,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
    /// From where it was brought in, where it was not placed here.
    pub imported: Option<Imported>,
    /// Final: nothing happens to it any more.
    pub completed: bool,
    /// When it was placed.
    pub created_at: Time,
    /// When something last happened to it.
    pub updated_at: Time,
}

/// One store's part of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its id.
    pub id: VendorOrderId,
    /// The store.
    pub vendor_id: VendorId,
    /// Where it stands.
    pub status: PartStatus,
    /// What was sold.
    pub lines: Vec<Line>,
    /// How it ships.
    pub shipping_method: String,
    /// Tax within the shipping price, or on it.
    pub shipping_tax: Money,
    /// Its sums.
    pub totals: Totals,
    /// Who carries it, once shipped.
    pub tracking: Option<Tracking>,
    /// The cash that was taken at the door, in minor units.
    pub collected: Option<i64>,
    /// Each state it has reached since it was confirmed, and when.
    pub steps: Vec<(PartStatus, Time)>,
}

/// How an order is paid, as far as orders knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id with payments.
    pub id: PaymentId,
    /// sandbox, cod, …
    pub method: String,
    /// Until when the payer may act.
    pub deadline: Time,
    /// Whether the provider was asked.
    pub requested: bool,
    /// Where the payer goes.
    pub action_url: Option<String>,
    /// What was captured, in minor units, once all of it that is expected is there.
    pub paid: Option<i64>,
    /// What went back, in minor units.
    pub refunded: i64,
    /// By which refunds.
    pub refunds: Vec<RefundId>,
}

impl Default for Order {
    fn default() -> Order {
        let zero = Money::zero(Currency::BDT);
        let totals = Totals { subtotal: zero, discount: zero, shipping: zero, tax: zero, tax_included: false, total: zero };
        let payment = Payment {
            id: PaymentId::default(),
            method: String::new(),
            deadline: Time::default(),
            requested: false,
            action_url: None,
            paid: None,
            refunded: 0,
            refunds: Vec::new(),
        };
        Order {
            id: OrderId::default(),
            number: String::new(),
            user_id: None,
            guest: None,
            saga_id: SagaId::default(),
            parts: Vec::new(),
            totals,
            payment,
            returns: Vec::new(),
            reason: None,
            imported: None,
            completed: false,
            created_at: Time::default(),
            updated_at: Time::default(),
        }
    }
}

impl Order {
    /// Where the order stands: the least advanced of its parts, or a partial state.
    pub fn status(&self) -> OrderStatus {
        OrderStatus::of(self.parts.iter().map(|p| p.status), self.completed)
    }

    /// The part with this id.
    pub fn part(&self, id: VendorOrderId) -> Option<&Part> {
        self.parts.iter().find(|p| p.id == id)
    }

    /// Moves every part, and notes when, once it is confirmed.
    fn move_all(&mut self, to: PartStatus, at: Time) {
        for part in &mut self.parts {
            part.reach(to, at);
        }
    }
}

impl Part {
    /// What is still to be taken for it at the door, where it is paid there.
    pub fn to_collect(&self, payment: &Payment) -> Option<Money> {
        let open = payment.method == COD && payment.paid.is_none() && self.collected.is_none() && !self.status.is_dead();
        open.then_some(self.totals.total)
    }

    /// Whether all of it is handed over without a carrier: digital goods and courses.
    pub fn is_digital(&self) -> bool {
        self.lines.iter().all(|l| l.kind != "physical")
    }

    fn new(part: &VendorPart) -> Part {
        Part {
            id: part.vendor_order_id,
            vendor_id: part.vendor_id,
            status: PartStatus::Created,
            lines: part.lines.clone(),
            shipping_method: part.shipping_method.clone(),
            shipping_tax: part.shipping_tax,
            totals: part.totals.clone(),
            tracking: None,
            collected: None,
            steps: Vec::new(),
        }
    }

    fn reach(&mut self, to: PartStatus, at: Time) {
        self.status = to;
        if to >= PartStatus::Refused {
            self.steps.push((to, at));
        }
    }
}

impl Aggregate for Order {
    type Event = OrderEvent;
    const SNAPSHOT: i64 = 5;

    fn evolve(&mut self, event: &OrderEvent) {
        self.updated_at = at(event);
        match event {
            OrderEvent::Created(e) => *self = created(e),
            OrderEvent::Imported(e) => *self = import::imported(e),
            OrderEvent::PaymentRequested(e) => {
                self.payment.requested = true;
                self.payment.action_url.clone_from(&e.action_url);
                self.move_all(PartStatus::AwaitingPayment, e.at);
            }
            OrderEvent::Confirmed(e) => self.move_all(PartStatus::Confirmed, e.at),
            OrderEvent::Paid(e) => self.payment.paid = Some(e.amount.amount),
            OrderEvent::Failed(e) => {
                self.reason = Some(e.reason.clone());
                self.move_all(PartStatus::Failed, e.at);
            }
            OrderEvent::Cancelled(e) => {
                self.reason = Some(e.reason.clone());
                self.move_all(PartStatus::Cancelled, e.at);
            }
            OrderEvent::PartsCancelled(e) => {
                self.reason = Some(e.reason.clone());
                e.parts.iter().for_each(|p| self.part_stands(p.vendor_order_id, PartStatus::Cancelled.as_str(), e.at));
            }
            OrderEvent::StatusChanged(e) => self.part_moved(e),
            OrderEvent::ReturnRequested(e) => self.return_requested(e),
            OrderEvent::ReturnApproved(e) => drop(self.return_moved(e.return_id, ReturnStatus::Approved, e.at)),
            OrderEvent::ReturnRejected(e) => {
                if let Some(found) = self.return_moved(e.return_id, ReturnStatus::Rejected, e.at) {
                    found.answer = Some(e.reason.clone());
                }
                self.part_stands(e.vendor_order_id, &e.part_status, e.at);
            }
            OrderEvent::Returned(e) => {
                e.return_id.map(|id| self.return_moved(id, ReturnStatus::Received, e.at).is_some());
                self.part_stands(e.vendor_order_id, &e.part_status, e.at);
            }
            OrderEvent::ReturnRefunded(e) => {
                if let Some(found) = self.return_moved(e.return_id, ReturnStatus::Refunded, e.at) {
                    (found.refund, found.refunded) = (e.refund_id, Some(e.amount.amount));
                }
            }
            OrderEvent::Updated(_) | OrderEvent::Shipped(_) | OrderEvent::Delivered(_) => {}
            OrderEvent::Completed(_) => self.completed = true,
            OrderEvent::Refunded(e) => {
                self.payment.refunded = self.payment.refunded.saturating_add(e.amount.amount);
                self.payment.refunds.push(e.refund_id);
            }
        }
    }
}

impl Order {
    fn part_moved(&mut self, e: &OrderStatusChanged) {
        let Some(part) = self.parts.iter_mut().find(|p| p.id == e.vendor_order_id) else { return };
        let Some(to) = PartStatus::parse(&e.status) else { return };
        part.reach(to, e.at);
        if e.carrier.is_some() || e.tracking_number.is_some() {
            part.tracking = Some(Tracking { carrier: e.carrier.clone(), number: e.tracking_number.clone() });
        }
        part.collected = e.collected.map(|c| c.amount).or(part.collected);
    }
}

impl Order {
    fn return_requested(&mut self, e: &OrderReturnRequested) {
        self.returns.push(Return {
            id: e.return_id,
            part: e.vendor_order_id,
            vendor_id: e.vendor_id,
            lines: e.lines.clone(),
            status: ReturnStatus::Requested,
            reason: e.reason.clone(),
            answer: None,
            refund: None,
            refunded: None,
            created_at: e.at,
            updated_at: e.at,
        });
        self.part_stands(e.vendor_order_id, PartStatus::ReturnRequested.as_str(), e.at);
    }

    fn part_stands(&mut self, id: VendorOrderId, status: &str, at: Time) {
        let (part, to) = (self.parts.iter_mut().find(|p| p.id == id), PartStatus::parse(status));
        if let Some((part, to)) = part.zip(to).filter(|(part, to)| part.status != *to) {
            part.reach(to, at);
        }
    }
}

fn created(e: &OrderCreated) -> Order {
    Order {
        id: e.order_id,
        number: e.number.clone(),
        user_id: e.user_id,
        guest: e.guest.clone(),
        saga_id: e.saga_id,
        parts: e.parts.iter().map(Part::new).collect(),
        totals: e.totals.clone(),
        payment: Payment {
            id: e.payment_id,
            method: e.payment_method.clone(),
            deadline: e.payment_deadline,
            requested: false,
            action_url: None,
            paid: None,
            refunded: 0,
            refunds: Vec::new(),
        },
        returns: Vec::new(),
        reason: None,
        imported: None,
        completed: false,
        created_at: e.at,
        updated_at: e.at,
    }
}

fn at(event: &OrderEvent) -> Time {
    match event {
        OrderEvent::Created(e) => e.at,
        OrderEvent::Imported(e) => e.at,
        OrderEvent::PaymentRequested(e) => e.at,
        OrderEvent::Confirmed(e) => e.at,
        OrderEvent::Paid(e) => e.at,
        OrderEvent::Failed(e) => e.at,
        OrderEvent::Cancelled(e) => e.at,
        OrderEvent::PartsCancelled(e) => e.at,
        OrderEvent::Updated(e) => e.at,
        OrderEvent::StatusChanged(e) => e.at,
        OrderEvent::ReturnRequested(e) => e.at,
        OrderEvent::ReturnApproved(e) => e.at,
        OrderEvent::ReturnRejected(e) => e.at,
        OrderEvent::Returned(e) => e.at,
        OrderEvent::ReturnRefunded(e) => e.at,
        OrderEvent::Shipped(e) => e.at,
        OrderEvent::Delivered(e) => e.at,
        OrderEvent::Completed(e) => e.at,
        OrderEvent::Refunded(e) => e.at,
    }
}
