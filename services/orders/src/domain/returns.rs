//! Returns: what a shopper sends back of a part, by line and quantity. They are decided on the order's own stream, so
//! however many ask at once, no more comes back than was delivered.

#[cfg(test)]
mod tests;

use contracts::events::orders::{
    OrderReturnApproved, OrderReturnRefunded, OrderReturnRejected, OrderReturnRequested, OrderReturned, ReturnedLine,
};
use contracts::{Money, OrderLineId, RefundId, ReturnId, Time, VendorId, VendorOrderId};
use serde::{Deserialize, Serialize};

use super::{Line, Order, OrderEvent, Part, PartStatus, Refused};

/// Lines of one return at most.
pub const RETURN_LINES_MAX: usize = 100;

/// Where a return stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnStatus {
    /// The store has not answered.
    Requested,
    /// The shopper may send it.
    Approved,
    /// The store does not take it back, or it never came.
    Rejected,
    /// The goods are with the store.
    Received,
    /// The money was given back, or is on its way.
    Refunded,
}

impl ReturnStatus {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            ReturnStatus::Requested => "requested",
            ReturnStatus::Approved => "approved",
            ReturnStatus::Rejected => "rejected",
            ReturnStatus::Received => "received",
            ReturnStatus::Refunded => "refunded",
        }
    }

    /// Whether something is still to happen to it.
    pub fn is_open(self) -> bool {
        !matches!(self, ReturnStatus::Rejected | ReturnStatus::Refunded)
    }

    /// The states that may follow.
    fn next(self) -> &'static [ReturnStatus] {
        match self {
            ReturnStatus::Requested => &[ReturnStatus::Approved, ReturnStatus::Rejected],
            ReturnStatus::Approved => &[ReturnStatus::Received, ReturnStatus::Rejected],
            ReturnStatus::Received => &[ReturnStatus::Refunded],
            ReturnStatus::Rejected | ReturnStatus::Refunded => &[],
        }
    }
}

/// Some of a part on its way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Return {
    /// Its id.
    pub id: ReturnId,
    /// Of which part.
    pub part: VendorOrderId,
    /// The part's store.
    pub vendor_id: VendorId,
    /// What comes back.
    pub lines: Vec<ReturnedLine>,
    /// Where it stands.
    pub status: ReturnStatus,
    /// The shopper's words.
    pub reason: String,
    /// Why it was rejected.
    pub answer: Option<String>,
    /// The refund, once it was asked for; none where there was nothing to give back.
    pub refund: Option<RefundId>,
    /// What goes back, in minor units.
    pub refunded: Option<i64>,
    /// When it was asked for.
    pub created_at: Time,
    /// When it last moved.
    pub updated_at: Time,
}

/// What a shopper wants to send back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnItem {
    /// Of which line.
    pub line: OrderLineId,
    /// How many.
    pub quantity: i64,
}

type Decision = Result<Vec<OrderEvent>, Refused>;

/// Only what a carrier brought can be sent back.
fn is_shipped(line: &Line) -> bool {
    line.kind == "physical"
}

impl Order {
    /// The return with this id.
    pub fn return_of(&self, id: ReturnId) -> Option<&Return> {
        self.returns.iter().find(|r| r.id == id)
    }

    /// How many pieces of a line can still come back.
    pub fn returnable(&self, part: &Part, line: OrderLineId) -> i64 {
        let sold = part.lines.iter().find(|l| l.line_id == line && is_shipped(l)).map_or(0, |l| l.quantity);
        sold - self.pieces(part, |s| s != ReturnStatus::Rejected, Some(line))
    }

    /// The shopper wants to send pieces of one part back.
    pub fn request_return(&self, id: ReturnId, items: &[ReturnItem], reason: &str, at: Time) -> Decision {
        self.is_of_here()?;
        if self.return_of(id).is_some() {
            return Ok(vec![]);
        }
        let part = self.part_of_items(items)?;
        let in_time = !self.completed && part.status >= PartStatus::Delivered;
        if !in_time {
            let from = if self.completed { "completed" } else { part.status.as_str() };
            return Err(Refused::Illegal {
                from,
                to: "return_requested",
                allowed: part.status.next().iter().map(|s| s.as_str()).collect(),
            });
        }
        let mut lines: Vec<ReturnedLine> = Vec::with_capacity(items.len());
        for item in items {
            if part.lines.iter().any(|l| l.line_id == item.line && !is_shipped(l)) {
                return Err(Refused::NotReturnable(item.line));
            }
            let left = self.returnable(part, item.line) - lines.iter().filter(|l| l.line_id == item.line).map(|l| l.quantity).sum::<i64>();
            if !(1..=left).contains(&item.quantity) {
                return Err(Refused::ReturnExceedsDelivered { line_id: item.line, left });
            }
            match lines.iter_mut().find(|l| l.line_id == item.line) {
                Some(same) => same.quantity += item.quantity,
                None => lines.extend(part.lines.iter().filter(|l| l.line_id == item.line).map(|l| ReturnedLine {
                    line_id: l.line_id,
                    variant_id: l.variant_id,
                    product_id: l.product_id,
                    quantity: item.quantity,
                })),
            }
        }
        let (order_id, user_id, number, reason) = (self.id, self.user_id, self.number.clone(), reason.to_owned());
        let (vendor_order_id, vendor_id) = (part.id, part.vendor_id);
        Ok(vec![OrderReturnRequested { order_id, user_id, number, return_id: id, vendor_order_id, vendor_id, lines, reason, at }.into()])
    }

    /// The store takes it back once it is there.
    pub fn approve_return(&self, id: ReturnId, at: Time) -> Decision {
        let Some(found) = self.moving(id, ReturnStatus::Approved)? else { return Ok(vec![]) };
        let (order_id, user_id, number) = (self.id, self.user_id, self.number.clone());
        let (vendor_order_id, vendor_id) = (found.part, found.vendor_id);
        Ok(vec![OrderReturnApproved { order_id, user_id, number, return_id: id, vendor_order_id, vendor_id, at }.into()])
    }

    /// The store does not take it back, or it never came.
    pub fn reject_return(&self, id: ReturnId, reason: &str, at: Time) -> Decision {
        let Some(found) = self.moving(id, ReturnStatus::Rejected)? else { return Ok(vec![]) };
        let (order_id, user_id, number, reason) = (self.id, self.user_id, self.number.clone(), reason.to_owned());
        let (vendor_order_id, vendor_id) = (found.part, found.vendor_id);
        let part_status = self.standing_after(found, ReturnStatus::Rejected).as_str().to_owned();
        Ok(vec![
            OrderReturnRejected { order_id, user_id, number, return_id: id, vendor_order_id, vendor_id, reason, part_status, at }.into(),
        ])
    }

    /// The goods are with the store.
    pub fn receive_return(&self, id: ReturnId, at: Time) -> Decision {
        let Some(found) = self.moving(id, ReturnStatus::Received)? else { return Ok(vec![]) };
        let (order_id, user_id, number, lines) = (self.id, self.user_id, self.number.clone(), found.lines.clone());
        let (vendor_order_id, vendor_id, return_id) = (found.part, found.vendor_id, Some(id));
        let (reason, part_status) = ("returned".to_owned(), self.standing_after(found, ReturnStatus::Received).as_str().to_owned());
        Ok(vec![OrderReturned { order_id, user_id, number, vendor_order_id, vendor_id, return_id, lines, reason, part_status, at }.into()])
    }

    /// Its money was set aside for the shopper; nothing, where nothing was left.
    pub fn refund_return(&self, id: ReturnId, refund_id: Option<RefundId>, amount: Money, at: Time) -> Decision {
        let Some(found) = self.moving(id, ReturnStatus::Refunded)? else { return Ok(vec![]) };
        let (order_id, user_id, number) = (self.id, self.user_id, self.number.clone());
        let (vendor_order_id, vendor_id) = (found.part, found.vendor_id);
        Ok(vec![OrderReturnRefunded { order_id, user_id, number, return_id: id, vendor_order_id, vendor_id, refund_id, amount, at }.into()])
    }

    /// Takes in what happened to a return.
    pub(super) fn return_moved(&mut self, id: ReturnId, to: ReturnStatus, at: Time) -> Option<&mut Return> {
        let found = self.returns.iter_mut().find(|r| r.id == id)?;
        (found.status, found.updated_at) = (to, at);
        Some(found)
    }

    /// Where a part stands once this return has moved on.
    fn standing_after(&self, found: &Return, to: ReturnStatus) -> PartStatus {
        let mut after = self.clone();
        after.return_moved(found.id, to, found.updated_at);
        let Some(part) = self.part(found.part) else { return PartStatus::Delivered };
        let under_way = |s: ReturnStatus| matches!(s, ReturnStatus::Requested | ReturnStatus::Approved);
        let back = after.pieces(part, |s| matches!(s, ReturnStatus::Received | ReturnStatus::Refunded), None);
        match part.lines.iter().filter(|l| is_shipped(l)).map(|l| l.quantity).sum::<i64>() {
            _ if after.pieces(part, under_way, None) > 0 => PartStatus::ReturnRequested,
            _ if back == 0 => PartStatus::Delivered,
            sold if back < sold => PartStatus::PartiallyReturned,
            _ => PartStatus::Returned,
        }
    }

    /// How many pieces of a part, or of one of its lines, are in returns of some status.
    fn pieces(&self, part: &Part, of: impl Fn(ReturnStatus) -> bool, line: Option<OrderLineId>) -> i64 {
        let returns = self.returns.iter().filter(|r| r.part == part.id && of(r.status));
        returns.flat_map(|r| &r.lines).filter(|l| line.is_none_or(|id| l.line_id == id)).map(|l| l.quantity).sum()
    }

    /// The one part that all of the items are of.
    fn part_of_items(&self, items: &[ReturnItem]) -> Result<&Part, Refused> {
        let of = |item: &ReturnItem| self.parts.iter().find(|p| p.lines.iter().any(|l| l.line_id == item.line));
        let first = items.first().ok_or(Refused::NothingToReturn)?;
        let part = of(first).ok_or(Refused::NoSuchLine(first.line))?;
        for item in items {
            match of(item) {
                None => return Err(Refused::NoSuchLine(item.line)),
                Some(other) if other.id != part.id => return Err(Refused::SeveralStores),
                Some(_) => {}
            }
        }
        Ok(part)
    }

    /// The return that may move to `to`; `None` where it has done so already. What is refunded has been received.
    fn moving(&self, id: ReturnId, to: ReturnStatus) -> Result<Option<&Return>, Refused> {
        let found = self.return_of(id).ok_or(Refused::NoSuchReturn)?;
        if found.status == to || (found.status, to) == (ReturnStatus::Refunded, ReturnStatus::Received) {
            return Ok(None);
        }
        if !found.status.next().contains(&to) {
            let allowed = found.status.next().iter().map(|s| s.as_str()).collect();
            return Err(Refused::Illegal { from: found.status.as_str(), to: to.as_str(), allowed });
        }
        Ok(Some(found))
    }
}
