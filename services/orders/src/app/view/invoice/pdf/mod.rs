//! The invoice as a PDF file, drawn here: a page is a list of texts and lines at places.

mod sheet;

use contracts::Money;

use super::Shown;
use super::fonts::{Fonts, MissingLetters};
use crate::domain::{Invoice, InvoicePart, Line};
use sheet::{LEFT, RIGHT, Sheet, Style};

/// Where columns of numbers end, in points.
const QUANTITY: f32 = 365.0;
const PRICE: f32 = 455.0;
/// Where the names of sums begin.
const SUMS: f32 = 325.0;
/// How wide a title may be.
const TITLE_WIDTH: f32 = 265.0;
const TEXT: f32 = 10.0;
const LEADING: f32 = 14.0;

/// The file. The same invoice is the same bytes.
pub(super) fn render(invoice: &Invoice, shown: &Shown, fonts: &Fonts) -> Result<Vec<u8>, MissingLetters> {
    let mut sheet = Sheet::new(fonts);
    head(&mut sheet, shown)?;
    for part in &invoice.parts {
        self::part(&mut sheet, part, shown)?;
    }
    if invoice.parts.len() > 1 || invoice.payment.is_some() {
        sheet.room(LEADING * (shown.whole.len() + 1) as f32);
        sheet.rule(LEFT, 1.2);
        sums(&mut sheet, &shown.whole)?;
    }
    Ok(sheet.finish(&invoice.number))
}

fn head(sheet: &mut Sheet, shown: &Shown) -> Result<(), MissingLetters> {
    sheet.text(LEFT, Style::Bold, 20.0, "Invoice")?;
    let top = sheet.y;
    for (name, value) in &shown.facts {
        sheet.text(QUANTITY, Style::Grey, TEXT, name)?;
        sheet.text_to(RIGHT, Style::Plain, TEXT, value)?;
        sheet.down(LEADING);
    }
    let after = sheet.y;
    sheet.y = top - LEADING * 2.0;
    if !shown.bill_to.is_empty() {
        sheet.text(LEFT, Style::Grey, TEXT, "For")?;
        sheet.down(LEADING);
    }
    for line in &shown.bill_to {
        paragraph(sheet, TITLE_WIDTH, Style::Plain, line)?;
    }
    sheet.y = sheet.y.min(after);
    sheet.down(LEADING);
    Ok(())
}

fn part(sheet: &mut Sheet, part: &InvoicePart, shown: &Shown) -> Result<(), MissingLetters> {
    sheet.room(LEADING * 6.0);
    sheet.down(LEADING * 0.5);
    let ended = part.ended.map(|e| format!(" ({e})")).unwrap_or_default();
    paragraph(sheet, RIGHT - LEFT, Style::Bold, &format!("{}{ended}", shown.store(part)))?;
    columns(sheet)?;
    for line in &part.lines {
        self::line(sheet, line)?;
    }
    sheet.room(LEADING * 7.0);
    sheet.rule(SUMS, 0.3);
    sums(sheet, &Shown::sums(&part.totals, Some(&part.shipping_method)))?;
    sheet.down(LEADING);
    Ok(())
}

fn columns(sheet: &mut Sheet) -> Result<(), MissingLetters> {
    sheet.text(LEFT, Style::Grey, TEXT - 1.0, "Item")?;
    for (end, name) in [(QUANTITY, "Quantity"), (PRICE, "Price"), (RIGHT, "Amount")] {
        sheet.text_to(end, Style::Grey, TEXT - 1.0, name)?;
    }
    sheet.down(5.0);
    sheet.rule(LEFT, 0.6);
    Ok(())
}

fn line(sheet: &mut Sheet, line: &Line) -> Result<(), MissingLetters> {
    let titles = sheet.wrapped(&line.title, TITLE_WIDTH, TEXT)?;
    sheet.room(LEADING * titles.len() as f32);
    let numbers = [(QUANTITY, line.quantity.to_string()), (PRICE, shown_money(line.unit_price)), (RIGHT, shown_money(line.line_total))];
    for (end, number) in &numbers {
        sheet.text_to(*end, Style::Plain, TEXT, number)?;
    }
    for (text, size) in &titles {
        sheet.text(LEFT, Style::Plain, *size, text)?;
        sheet.down(LEADING);
    }
    Ok(())
}

fn shown_money(money: Money) -> String {
    money.to_string()
}

fn sums(sheet: &mut Sheet, rows: &[(String, String)]) -> Result<(), MissingLetters> {
    sheet.room(LEADING * rows.len() as f32);
    for (name, amount) in rows {
        let style = if name == "Total" { Style::Bold } else { Style::Grey };
        sheet.text(SUMS, style, TEXT, name)?;
        sheet.text_to(RIGHT, if name == "Total" { Style::Bold } else { Style::Plain }, TEXT, amount)?;
        sheet.down(LEADING);
    }
    Ok(())
}

fn paragraph(sheet: &mut Sheet, width: f32, style: Style, text: &str) -> Result<(), MissingLetters> {
    for (line, size) in sheet.wrapped(text, width, TEXT)? {
        sheet.text(LEFT, style, size, &line)?;
        sheet.down(LEADING);
    }
    Ok(())
}
