use contracts::events::orders::{Line, VendorPart};
use contracts::events::payments::PaidLine;
use contracts::money::MoneyError;
use contracts::{Money, VendorId};
use serde::{Deserialize, Serialize};

/// What one account of the ledger gets of an order's total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// `vendor_payable:<vendorId>`, `commission`, `tax_payable` or `shipping_payable:<vendorId>`.
    pub account: String,
    /// Minor units of the order's currency; never 0.
    pub amount: i64,
    /// The store from whose part it comes.
    pub vendor_id: VendorId,
}

/// How the total of `parts` is shared out; the shares sum to it exactly.
///
/// A store gets its goods without their tax and without the commission, and its shipping without tax. The marketplace
/// keeps the commission, which is taken of goods without tax, and owes all of the tax.
pub fn shares(parts: &[VendorPart]) -> Result<Vec<Share>, MoneyError> {
    let mut shares = Vec::with_capacity(parts.len() * 4);
    for part in parts {
        let totals = &part.totals;
        let commission = Money::sum(totals.total.currency, part.lines.iter().map(|l| l.commission))?;
        let goods_tax = totals.tax.minus(part.shipping_tax)?;
        let taxed_away = |tax: Money| if totals.tax_included { tax } else { Money::zero(tax.currency) };
        let goods = totals.subtotal.minus(totals.discount)?.minus(taxed_away(goods_tax))?;
        let shipping = totals.shipping.minus(taxed_away(part.shipping_tax))?;
        let vendor = part.vendor_id;
        let accounts = [
            (format!("vendor_payable:{vendor}"), goods.minus(commission)?),
            ("commission".to_owned(), commission),
            ("tax_payable".to_owned(), totals.tax),
            (format!("shipping_payable:{vendor}"), shipping),
        ];
        let kept = accounts.into_iter().filter(|(_, money)| money.amount != 0);
        shares.extend(kept.map(|(account, money)| Share { account, amount: money.amount, vendor_id: vendor }));
    }
    Ok(shares)
}

/// What is paid for each line, so that payments can give it back by the piece. Shipping is of no line.
pub fn paid_lines(parts: &[VendorPart]) -> Result<Vec<PaidLine>, MoneyError> {
    let lines = parts.iter().flat_map(|p| p.lines.iter().map(move |l| (p, l)));
    let paid = |(part, line): (&VendorPart, &Line)| {
        let total = if part.totals.tax_included { line.line_total } else { line.line_total.plus(line.tax)? };
        Ok(PaidLine {
            line_id: line.line_id,
            vendor_id: part.vendor_id,
            quantity: line.quantity,
            total: total.amount,
            tax: line.tax.amount,
            commission: line.commission.amount,
        })
    };
    lines.map(paid).collect()
}
