//! Invoices as pages and as PDF files.

mod fonts;
mod page;
mod pdf;

use std::collections::BTreeMap;

use contracts::VendorId;
use contracts::events::orders::Totals;

pub(crate) use fonts::{Fonts, MissingLetters};

use crate::domain::{COD, Invoice, InvoicePart};

/// An invoice with what both its forms say in words.
pub(crate) struct InvoiceView {
    invoice: Invoice,
    shown: Shown,
}

impl InvoiceView {
    /// With the names of the stores.
    pub fn new(invoice: Invoice, stores: BTreeMap<VendorId, String>) -> InvoiceView {
        let shown = Shown::new(&invoice, stores);
        InvoiceView { invoice, shown }
    }

    /// What it is called, for people.
    pub fn number(&self) -> &str {
        &self.invoice.number
    }

    /// As a page.
    pub fn page(&self) -> String {
        page::render(&self.invoice, &self.shown)
    }

    /// As a PDF file; refused where no font has its letters.
    pub fn pdf(&self, fonts: &Fonts) -> Result<Vec<u8>, MissingLetters> {
        pdf::render(&self.invoice, &self.shown, fonts)
    }
}

/// What both forms show, in words.
struct Shown {
    /// Numbers and dates, by name.
    facts: Vec<(&'static str, String)>,
    bill_to: Vec<String>,
    stores: BTreeMap<VendorId, String>,
    /// Sums over all parts, and how it was paid.
    whole: Vec<(String, String)>,
}

impl Shown {
    fn new(invoice: &Invoice, stores: BTreeMap<VendorId, String>) -> Shown {
        let date = invoice.issued_at.to_string().chars().take(10).collect();
        let facts = vec![("Number", invoice.number.clone()), ("Order", invoice.order_number.clone()), ("Date", date)];
        let bill_to = invoice.bill_to.iter().flat_map(|a| {
            let town = [a.city.as_str(), a.postal_code.as_str()].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ");
            [Some(a.name.clone()), Some(a.line1.clone()), a.line2.clone().filter(|l| !l.is_empty()), Some(town), Some(a.country.clone())]
        });
        let mut whole = Shown::sums(&invoice.totals, None);
        if let Some(payment) = &invoice.payment {
            let method = if payment.method == COD { "cash on delivery" } else { &payment.method };
            let rows = [
                (format!("Paid by {method}"), payment.paid),
                ("Refunded".into(), payment.refunded),
                ("To pay at the door".into(), payment.due),
            ];
            whole.extend(rows.into_iter().filter_map(|(name, amount)| Some((name, amount?.to_string()))));
        }
        Shown { facts, bill_to: bill_to.flatten().collect(), stores, whole }
    }

    /// The sums of a part with its shipping method, or of all parts.
    fn sums(totals: &Totals, shipping_method: Option<&str>) -> Vec<(String, String)> {
        let shipping = shipping_method.map_or_else(|| "Shipping".to_owned(), |method| format!("Shipping, {method}"));
        let mut rows = vec![("Goods".to_owned(), totals.subtotal.to_string())];
        rows.extend((totals.discount.amount != 0).then(|| ("Discount".into(), format!("−{}", totals.discount))));
        rows.extend((totals.shipping.amount != 0).then(|| (shipping, totals.shipping.to_string())));
        rows.extend((!totals.tax_included).then(|| ("Tax".into(), totals.tax.to_string())));
        rows.push(("Total".into(), totals.total.to_string()));
        rows.extend(totals.tax_included.then(|| ("of which tax".into(), totals.tax.to_string())));
        rows
    }

    fn store(&self, part: &InvoicePart) -> &str {
        self.stores.get(&part.vendor_id).map_or("A store that is no longer here", String::as_str)
    }
}
