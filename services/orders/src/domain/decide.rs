//! What may happen to an order in the state it is in. Each decision is a list of events, empty where it has happened already.

use contracts::events::orders::{
    CancelledPart, Line, OrderCancelled, OrderCompleted, OrderConfirmed, OrderDelivered, OrderFailed, OrderPaid, OrderPartsCancelled,
    OrderPaymentRequested, OrderRefunded, OrderReturned, OrderShipped, OrderStatusChanged, OrderUpdated, ReturnedLine,
};
use contracts::{Money, OrderLineId, RefundId, Time, VariantId, VendorOrderId};
use serde::{Deserialize, Serialize};

use super::{Order, OrderEvent, OrderStatus, Part, PartStatus};

/// Who carries a part, and under which number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// The carrier.
    #[serde(default)]
    pub carrier: Option<String>,
    /// The carrier's number.
    #[serde(default)]
    pub number: Option<String>,
}

/// Paid in cash at the door.
pub const COD: &str = "cod";

/// Where a store moves its part, and what it says with that.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The next state.
    pub to: PartStatus,
    /// Who carries it.
    pub tracking: Option<Tracking>,
    /// The cash that was taken at the door; all that was due where nothing is said.
    pub collected: Option<Money>,
}

impl Move {
    /// Without further words.
    pub fn to(to: PartStatus) -> Move {
        Move { to, tracking: None, collected: None }
    }
}

/// Why something may not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state does not lead there.
    #[error("cannot go from {from} to {to}")]
    Illegal {
        /// The state it is in.
        from: &'static str,
        /// The state that was asked for.
        to: &'static str,
        /// The states that may follow.
        allowed: Vec<&'static str>,
    },
    /// It was placed elsewhere: what is here is a record.
    #[error("the order was placed at {shop}: what is here is a record, and nothing more happens to it here")]
    Imported {
        /// Where.
        shop: String,
    },
    /// The order has no such part.
    #[error("no such vendor order")]
    NoSuchPart,
    /// The order has no such return.
    #[error("no such return")]
    NoSuchReturn,
    /// The order has no such line.
    #[error("the order has no line {0}")]
    NoSuchLine(OrderLineId),
    /// The order has no such variant.
    #[error("the order has no variant {0}")]
    NoSuchVariant(VariantId),
    /// A return of nothing.
    #[error("a return names what comes back")]
    NothingToReturn,
    /// A return goes to one store.
    #[error("the items are of several stores: ask for one return per store")]
    SeveralStores,
    /// What has no carrier does not come back.
    #[error("line {0} is digital goods or a course: it was delivered with the confirmation and does not come back")]
    NotReturnable(OrderLineId),
    /// More than can come back of a line.
    #[error("at most {left} of line {line_id} can come back")]
    ReturnExceedsDelivered {
        /// Of which line.
        line_id: OrderLineId,
        /// How many can.
        left: i64,
    },
    /// Cash where none is to be taken.
    #[error("cash is taken at the delivery of what is paid in cash")]
    NoCash,
    /// One amount for several parts.
    #[error("cash is taken for one part at a time: name its vendorOrderId")]
    CashOfSeveral,
    /// Nothing of it was sold, yet or at all.
    #[error("there is an invoice once the order is confirmed")]
    NotSold,
    /// A store packs it, or it has ended.
    #[error("the order is being packed, or has ended: it cannot be changed any more")]
    Packed,
    /// Not between nothing and what is due.
    #[error("expected 0 to {due}")]
    CashOutOfRange {
        /// What the part costs.
        due: Money,
    },
}

type Decision = Result<Vec<OrderEvent>, Refused>;

impl Order {
    /// The provider was asked, and the payer may act.
    pub fn request_payment(&self, action_url: Option<String>, at: Time) -> Decision {
        match self.status() {
            OrderStatus::Created => {
                Ok(vec![OrderPaymentRequested { order_id: self.id, payment_id: self.payment.id, action_url, at }.into()])
            }
            OrderStatus::AwaitingPayment => Ok(vec![]),
            _ => Err(self.illegal("awaiting_payment")),
        }
    }

    /// The stock is the order's for good and its money is there, or promised.
    pub fn confirm(&self, money: Settlement, at: Time) -> Decision {
        if self.status() != OrderStatus::AwaitingPayment {
            return Err(self.illegal("confirmed"));
        }
        let mut events = vec![self.confirmed(at)];
        if money == Settlement::Captured {
            events.push(self.paid(self.totals.total, at));
        }
        Ok(events)
    }

    /// What has no carrier is delivered as soon as the order is confirmed.
    pub fn deliver_digital(&self, at: Time) -> Decision {
        let mut after = self.clone();
        let mut events = Vec::new();
        for part in self.parts.iter().filter(|p| p.is_digital() && p.status == PartStatus::Confirmed) {
            after.take(&mut events, self.part_event(part, Move::to(PartStatus::Delivered), at));
        }
        after.milestones(self, &mut events, at);
        Ok(events)
    }

    /// The money was captured after the sale, as with cash at the door.
    pub fn pay(&self, amount: Money, at: Time) -> Decision {
        match self.status() {
            _ if self.payment.paid.is_some() => Ok(vec![]),
            OrderStatus::Created | OrderStatus::AwaitingPayment | OrderStatus::Failed | OrderStatus::Cancelled => Err(self.illegal("paid")),
            // Of what came back all was paid, unless it was never taken at the door.
            OrderStatus::Returned if !self.has_reached(PartStatus::Delivered) => Err(self.illegal("paid")),
            _ => Ok(vec![self.paid(amount, at)]),
        }
    }

    /// It cannot be paid or filled. An order that ended otherwise stays as it is.
    pub fn fail(&self, reason: &str, at: Time) -> Decision {
        match self.status() {
            OrderStatus::Created | OrderStatus::AwaitingPayment => {
                let (order_id, user_id, number) = (self.id, self.user_id, self.number.clone());
                Ok(vec![OrderFailed { order_id, user_id, number, reason: reason.to_owned(), at }.into()])
            }
            OrderStatus::Failed | OrderStatus::Cancelled => Ok(vec![]),
            _ => Err(self.illegal("failed")),
        }
    }

    /// It is called off, which is possible until a part has left its store. What was delivered without a carrier stays
    /// sold: then only the other parts are called off.
    pub fn cancel(&self, reason: &str, at: Time) -> Decision {
        self.is_of_here()?;
        let is_cancelled = self.parts.iter().any(|p| p.status == PartStatus::Cancelled);
        let open = match self.to_call_off() {
            Some(open) if !open.is_empty() => open,
            Some(_) if is_cancelled => return Ok(vec![]),
            _ => return Err(self.illegal("cancelled")),
        };
        let (order_id, user_id, number, reason) = (self.id, self.user_id, self.number.clone(), reason.to_owned());
        if open.len() == self.parts.len() {
            let sold = self.parts.iter().filter(|p| p.status >= PartStatus::Confirmed);
            let vendor_ids = sold.map(|p| p.vendor_id).collect();
            return Ok(vec![OrderCancelled { order_id, user_id, number, vendor_ids, reason, at }.into()]);
        }
        let parts = open.iter().map(|p| CancelledPart { vendor_order_id: p.id, vendor_id: p.vendor_id }).collect();
        let (mut after, mut events) = (self.clone(), Vec::new());
        after.take(&mut events, OrderPartsCancelled { order_id, user_id, number, parts, reason, at }.into());
        after.milestones(self, &mut events, at);
        Ok(events)
    }

    /// The parts that calling the order off now would end; `None` where a part has left its store, or has ended otherwise.
    fn to_call_off(&self) -> Option<Vec<&Part>> {
        let (open, rest): (Vec<&Part>, Vec<&Part>) = self.parts.iter().partition(|p| p.status.can_be_called_off());
        let kept = |p: &&Part| p.is_digital() && p.status == PartStatus::Delivered || p.status == PartStatus::Cancelled;
        rest.iter().all(kept).then_some(open)
    }

    /// Stores move these parts to the next state, all or none. Those that are already there or have ended without a sale stay
    /// as they are, unless that leaves none to move.
    pub fn advance(&self, parts: &[VendorOrderId], step: &Move, at: Time) -> Decision {
        self.is_of_here()?;
        let parts = parts.iter().map(|id| self.part(*id).ok_or(Refused::NoSuchPart)).collect::<Result<Vec<_>, _>>()?;
        let behind: Vec<&Part> = parts.iter().copied().filter(|p| !p.status.has_done(step.to)).collect();
        let moving = if behind.is_empty() { parts } else { behind };
        if moving.is_empty() {
            return Err(Refused::NoSuchPart);
        }
        if moving.len() > 1 && step.collected.is_some() {
            return Err(Refused::CashOfSeveral);
        }
        let (mut after, mut events) = (self.clone(), Vec::new());
        for part in moving {
            after.move_part(&mut events, part, step, at)?;
        }
        after.milestones(self, &mut events, at);
        Ok(events)
    }

    fn move_part(&mut self, events: &mut Vec<OrderEvent>, part: &Part, step: &Move, at: Time) -> Result<(), Refused> {
        let (from, to) = (part.status, step.to);
        if !from.next().contains(&to) {
            let allowed = from.next().iter().map(|s| s.as_str()).collect();
            return Err(Refused::Illegal { from: from.as_str(), to: to.as_str(), allowed });
        }
        let step = Move { collected: self.cash_at_door(part, step)?, ..step.clone() };
        let moved = self.part_event(part, step, at);
        self.take(events, moved);
        if to == PartStatus::Refused {
            let back = self.back_from_door(part, at);
            self.take(events, back);
        }
        Ok(())
    }

    /// The shopper says anew where it goes, or what the stores should know: possible until a store packs. The words
    /// themselves are kept apart from the events.
    pub fn update(&self, changed: Vec<String>, at: Time) -> Decision {
        self.is_of_here()?;
        let unpacked = [PartStatus::Created, PartStatus::AwaitingPayment, PartStatus::Confirmed];
        let ended = |p: &Part| p.status.is_dead() || p.is_digital() && p.status == PartStatus::Delivered;
        let mut open = self.parts.iter().filter(|p| !ended(p)).peekable();
        if open.peek().is_none() || !open.all(|p| unpacked.contains(&p.status)) {
            return Err(Refused::Packed);
        }
        Ok(if changed.is_empty() { vec![] } else { vec![OrderUpdated { order_id: self.id, changed, at }.into()] })
    }

    /// What is taken for a part as it is delivered: what the store says, or all that is due.
    fn cash_at_door(&self, part: &Part, step: &Move) -> Result<Option<Money>, Refused> {
        let due = part.to_collect(&self.payment).filter(|_| step.to == PartStatus::Delivered);
        match (due, step.collected) {
            (None, Some(_)) => Err(Refused::NoCash),
            (Some(due), Some(said)) if said.currency != due.currency || !(0..=due.amount).contains(&said.amount) => {
                Err(Refused::CashOutOfRange { due })
            }
            (due, said) => Ok(said.or(due)),
        }
    }

    /// Delivered so long ago that it is final.
    pub fn complete(&self, at: Time) -> Decision {
        match self.status() {
            OrderStatus::Delivered | OrderStatus::PartiallyCancelled | OrderStatus::PartiallyReturned
                if !self.returns.iter().any(|r| r.status.is_open()) =>
            {
                let (order_id, user_id, number) = (self.id, self.user_id, self.number.clone());
                Ok(vec![OrderCompleted { order_id, user_id, number, at }.into()])
            }
            OrderStatus::Completed | OrderStatus::Returned => Ok(vec![]),
            _ => Err(self.illegal("completed")),
        }
    }

    /// Payments gave money back. It never changes where the order stands.
    pub fn refund(&self, refund_id: RefundId, amount: Money, at: Time) -> Decision {
        if self.payment.refunds.contains(&refund_id) {
            return Ok(vec![]);
        }
        Ok(vec![OrderRefunded { order_id: self.id, refund_id, amount, at }.into()])
    }

    fn take(&mut self, events: &mut Vec<OrderEvent>, event: OrderEvent) {
        kit::Aggregate::evolve(self, &event);
        events.push(event);
    }

    /// What the order as a whole has reached by the events so far.
    fn milestones(&self, before: &Order, events: &mut Vec<OrderEvent>, at: Time) {
        let (order_id, user_id, number) = (self.id, self.user_id, self.number.clone());
        let reached = |status| self.has_reached(status) && !before.has_reached(status);
        // What is delivered without a carrier was never shipped.
        if reached(PartStatus::Shipped) && self.parts.iter().any(|p| p.status == PartStatus::Shipped) {
            events.push(OrderShipped { order_id, user_id, number: number.clone(), at }.into());
        }
        if reached(PartStatus::Delivered) {
            events.push(OrderDelivered { order_id, user_id, number, payment_id: self.payment.id, at }.into());
        }
    }

    /// Whether every part that is still sold has come as far as `status`.
    pub fn has_reached(&self, status: PartStatus) -> bool {
        let mut live = self.parts.iter().filter(|p| !p.status.is_dead()).peekable();
        live.peek().is_some() && live.all(|p| p.status >= status)
    }

    /// When the last of it was delivered: a part that stands as delivered again after a return came to nothing was delivered before.
    pub fn delivered_at(&self) -> Option<Time> {
        let first = |p: &Part| p.steps.iter().find(|(s, _)| *s == PartStatus::Delivered).map(|(_, at)| *at);
        self.parts.iter().filter_map(first).max()
    }

    fn part_event(&self, part: &Part, step: Move, at: Time) -> OrderEvent {
        let (carrier, tracking_number) = step.tracking.map_or((None, None), |t| (t.carrier, t.number));
        let moves_money = step.collected.is_some() || step.to == PartStatus::Refused;
        OrderStatusChanged {
            order_id: self.id,
            vendor_order_id: part.id,
            vendor_id: part.vendor_id,
            status: step.to.as_str().to_owned(),
            carrier,
            tracking_number,
            payment_id: moves_money.then_some(self.payment.id),
            collected: step.collected,
            lines: if step.to == PartStatus::Refused { part.lines.iter().map(back).collect() } else { Vec::new() },
            at,
        }
        .into()
    }

    /// All of a part's goods are back with the store.
    fn back_from_door(&self, part: &Part, at: Time) -> OrderEvent {
        OrderReturned {
            order_id: self.id,
            user_id: self.user_id,
            number: self.number.clone(),
            vendor_order_id: part.id,
            vendor_id: part.vendor_id,
            lines: part.lines.iter().filter(|l| l.kind == "physical").map(back).collect(),
            return_id: None,
            reason: PartStatus::Refused.as_str().to_owned(),
            part_status: PartStatus::Refused.as_str().to_owned(),
            at,
        }
        .into()
    }

    fn confirmed(&self, at: Time) -> OrderEvent {
        OrderConfirmed {
            order_id: self.id,
            user_id: self.user_id,
            number: self.number.clone(),
            vendor_ids: self.parts.iter().map(|p| p.vendor_id).collect(),
            total: self.totals.total,
            at,
        }
        .into()
    }

    fn paid(&self, amount: Money, at: Time) -> OrderEvent {
        OrderPaid { order_id: self.id, payment_id: self.payment.id, amount, at }.into()
    }

    fn illegal(&self, to: &'static str) -> Refused {
        let allowed = if self.to_call_off().is_some_and(|open| !open.is_empty()) { vec!["cancelled"] } else { vec![] };
        Refused::Illegal { from: self.status().as_str(), to, allowed }
    }
}

/// All of a line.
fn back(line: &Line) -> ReturnedLine {
    let Line { line_id, variant_id, product_id, quantity, .. } = *line;
    ReturnedLine { line_id, variant_id, product_id, quantity }
}

/// Whether the money of a confirmed order is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// The provider has it.
    Captured,
    /// It comes at delivery.
    Promised,
}
