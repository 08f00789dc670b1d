//! Invoices: what was sold, to whom and for how much, as it was frozen with the order.

use contracts::events::orders::{Address, Totals};
use contracts::{Money, Time, VendorId, VendorOrderId};

use super::{Contact, Line, Order, Part, PartStatus, Refused};

/// An invoice over all parts of an order, or over some of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoice {
    /// The order's number behind `INV-`, and behind that the places of the parts where it is not over all of them.
    pub number: String,
    /// Of the order.
    pub order_number: String,
    /// When the order was confirmed.
    pub issued_at: Time,
    /// Whom it is for; where nothing is shipped, or it was erased, nobody is named.
    pub bill_to: Option<Address>,
    /// Per store.
    pub parts: Vec<InvoicePart>,
    /// Sums over the parts.
    pub totals: Totals,
    /// How it was paid; with the invoice of all parts only, since payments are of whole orders.
    pub payment: Option<InvoicePayment>,
}

/// One store's part of an invoice.
#[derive(Clone, Debug, PartialEq)]
pub struct InvoicePart {
    /// The store.
    pub vendor_id: VendorId,
    /// What it sold.
    pub lines: Vec<Line>,
    /// How it ships.
    pub shipping_method: String,
    /// Its sums.
    pub totals: Totals,
    /// What has become of it, where it was not kept.
    pub ended: Option<&'static str>,
}

/// How an invoice was paid.
#[derive(Clone, Debug, PartialEq)]
pub struct InvoicePayment {
    /// sandbox, cod, …
    pub method: String,
    /// What was captured, once all of it that is expected is there.
    pub paid: Option<Money>,
    /// What went back; nothing where it is nothing.
    pub refunded: Option<Money>,
    /// What is still to be taken at the door; nothing where it is nothing.
    pub due: Option<Money>,
}

/// Which parts of an order somebody wants invoiced.
#[derive(Clone, Debug, Default)]
pub struct InvoiceScope {
    /// The stores that the caller acts for; `None` for any.
    pub stores: Option<Vec<VendorId>>,
    /// One part; `None` for all.
    pub part: Option<VendorOrderId>,
}

impl Order {
    /// The invoice of its parts that are within `scope`. There is one from the confirmation on, and it stays whatever happens then.
    pub fn invoice(&self, scope: &InvoiceScope, contact: &Contact) -> Result<Invoice, Refused> {
        let wanted = |p: &Part| scope.part.is_none_or(|id| id == p.id) && scope.stores.as_ref().is_none_or(|s| s.contains(&p.vendor_id));
        let (places, parts): (Vec<usize>, Vec<&Part>) = self.parts.iter().enumerate().filter(|(_, p)| wanted(p)).unzip();
        let first = parts.first().ok_or(Refused::NoSuchPart)?;
        self.is_of_here()?;
        let issued_at = first.sold_at().ok_or(Refused::NotSold)?;
        // A store sees where its goods go, and nothing of people to whom none of them go.
        let ships = parts.iter().any(|p| !p.is_digital() && !p.status.is_dead());
        let all = parts.len() == self.parts.len();
        let suffix: String = if all { String::new() } else { places.iter().map(|place| format!("-{}", place + 1)).collect() };
        Ok(Invoice {
            number: format!("INV-{}{suffix}", self.number),
            order_number: self.number.clone(),
            issued_at,
            bill_to: contact.address.clone().filter(|_| scope.stores.is_none() || ships),
            totals: if all { self.totals.clone() } else { sum(&parts) },
            parts: parts.into_iter().map(Part::invoiced).collect(),
            payment: all.then(|| self.invoice_payment()),
        })
    }

    fn invoice_payment(&self) -> InvoicePayment {
        let money = |amount| Money::new(amount, self.totals.total.currency);
        let due: i64 = self.parts.iter().filter_map(|p| p.to_collect(&self.payment)).map(|m| m.amount).sum();
        InvoicePayment {
            method: self.payment.method.clone(),
            paid: self.payment.paid.map(money),
            refunded: Some(self.payment.refunded).filter(|r| *r > 0).map(money),
            due: Some(due).filter(|d| *d > 0).map(money),
        }
    }
}

impl Part {
    fn sold_at(&self) -> Option<Time> {
        self.steps.iter().find(|(status, _)| *status == PartStatus::Confirmed).map(|(_, at)| *at)
    }

    fn invoiced(&self) -> InvoicePart {
        let ended = match self.status {
            PartStatus::Cancelled => Some("cancelled"),
            PartStatus::Refused => Some("refused at the door"),
            PartStatus::PartiallyReturned => Some("partly returned"),
            PartStatus::Returned => Some("returned"),
            _ => None,
        };
        InvoicePart {
            vendor_id: self.vendor_id,
            lines: self.lines.clone(),
            shipping_method: self.shipping_method.clone(),
            totals: self.totals.clone(),
            ended,
        }
    }
}

/// All parts of an order are in one currency.
fn sum(parts: &[&Part]) -> Totals {
    let first = parts.first().map(|p| p.totals.clone());
    let add = |a: Money, b: Money| Money::new(a.amount.saturating_add(b.amount), a.currency);
    let both = |a: Totals, b: &Totals| Totals {
        subtotal: add(a.subtotal, b.subtotal),
        discount: add(a.discount, b.discount),
        shipping: add(a.shipping, b.shipping),
        tax: add(a.tax, b.tax),
        tax_included: a.tax_included,
        total: add(a.total, b.total),
    };
    let rest = parts.iter().skip(1).map(|p| &p.totals);
    first.map_or_else(|| Order::default().totals, |first| rest.fold(first, both))
}
