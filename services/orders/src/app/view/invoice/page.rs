//! The invoice as a page that prints well: plain HTML with its style inside.

use kit::http::escape;

use super::Shown;
use crate::domain::{Invoice, InvoicePart, Line};

const STYLE: &str = "\
body{margin:0;background:#eef2f0;color:#18231e;font:15px/1.5 system-ui,'Noto Sans Bengali',sans-serif}\
main{max-width:46rem;margin:2rem auto;background:#fff;border-radius:12px;box-shadow:0 8px 30px #18231e1f;padding:2.5rem;box-sizing:border-box}\
header{display:flex;flex-wrap:wrap;justify-content:space-between;gap:1rem 2rem;margin-bottom:2rem}h1{font-size:1.6rem;margin:0}\
dl{display:grid;grid-template-columns:auto auto;gap:.1rem 1rem;margin:0}dt{color:#4c5d54}dd{margin:0;font-weight:600;overflow-wrap:anywhere}\
address{font-style:normal;overflow-wrap:anywhere;margin-bottom:2rem}address b{display:block;color:#4c5d54;font-weight:400}\
h2{font-size:1.05rem;margin:1.75rem 0 .25rem;overflow-wrap:anywhere}h2 em{font-weight:400;color:#9a3412;font-size:.9rem}\
table{width:100%;border-collapse:collapse;table-layout:fixed}th:nth-child(2){width:4.5rem}th:nth-child(n+3),.all td+td{width:8.5rem}th{font-weight:600;color:#4c5d54;font-size:.85rem;border-bottom:1px solid #b9c7bf}\
th,td{padding:.4rem 0 .4rem .75rem;text-align:right;vertical-align:top;white-space:nowrap}\
th:first-child,td:first-child{padding-left:0;text-align:left;white-space:normal;overflow-wrap:anywhere}\
tbody td{border-bottom:1px solid #dfe7e2}tfoot td,tfoot td:first-child{color:#4c5d54;padding-top:.2rem;padding-bottom:.2rem;text-align:right}\
tfoot tr.total td,tfoot tr.total td:first-child{color:inherit;font-weight:700}.all{border-top:2px solid #18231e;margin-top:2rem;padding-top:.75rem}\
@media(max-width:34rem){main{margin:0;border-radius:0;padding:1.25rem}}\
@media print{@page{size:A4;margin:18mm}body{background:#fff}main{margin:0;padding:0;max-width:none;box-shadow:none}tr,h2{break-inside:avoid}h2{break-after:avoid}}";

/// The page.
pub(super) fn render(invoice: &Invoice, shown: &Shown) -> String {
    let parts: String = invoice.parts.iter().map(|p| part(p, shown)).collect();
    let whole = if invoice.parts.len() > 1 || invoice.payment.is_some() { whole(shown) } else { String::new() };
    let facts: String = shown.facts.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", escape(value))).collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>Invoice {}</title><style>{STYLE}</style></head><body><main>\
         <header><h1>Invoice</h1><dl>{facts}</dl></header>{}{parts}{whole}</main></body></html>",
        escape(&invoice.number),
        address(shown),
    )
}

fn address(shown: &Shown) -> String {
    if shown.bill_to.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = shown.bill_to.iter().map(|l| escape(l)).collect();
    format!("<address><b>For</b>{}</address>", lines.join("<br>"))
}

fn part(part: &InvoicePart, shown: &Shown) -> String {
    let line = |l: &Line| {
        format!("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", escape(&l.title), l.quantity, l.unit_price, l.line_total)
    };
    let ended = part.ended.map(|e| format!(" <em>{e}</em>")).unwrap_or_default();
    format!(
        "<h2>{}{ended}</h2><table><thead><tr><th>Item</th><th>Quantity</th><th>Price</th><th>Amount</th></tr></thead>\
         <tbody>{}</tbody><tfoot>{}</tfoot></table>",
        escape(shown.store(part)),
        part.lines.iter().map(line).collect::<String>(),
        sums(&Shown::sums(&part.totals, Some(&part.shipping_method))),
    )
}

fn whole(shown: &Shown) -> String {
    format!("<table class=\"all\"><tfoot>{}</tfoot></table>", sums(&shown.whole))
}

/// The last of these is the total where it says so.
fn sums(rows: &[(String, String)]) -> String {
    let row = |(name, amount): &(String, String)| {
        let class = if name == "Total" { " class=\"total\"" } else { "" };
        format!("<tr{class}><td colspan=\"3\">{}</td><td>{amount}</td></tr>", escape(name))
    };
    rows.iter().map(row).collect()
}
