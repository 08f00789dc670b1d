//! Orders of a file: a row per line of an order, rows of one order together.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::Context;
use contracts::files::{Apart, By, Row, RowError, Table, size};
use contracts::{Currency, Time};
use serde_json::{Map, Value as Json, json};

use super::mapping::{Rule, column_name};
use super::source::{Source, renamed};
use super::stores::{Stores, is_slug};
use super::{BODY_MAX, CHUNK_BYTES, Progress, Report, Stop, too_large};
use crate::exchange::{FileOrder, Target};
use crate::export::ORDER_COLUMNS;

/// How many orders go out at once.
const CHUNK: usize = 100;
/// The columns without which it is not a file of orders.
const REQUIRED: [&str; 4] = ["number", "placed_at", "quantity", "unit_price"];

/// What is to be imported, and how.
pub struct WantedOrders<'a> {
    /// The file; `-` for the standard input.
    pub file: &'a Path,
    /// From where the orders come; each says it itself where left out.
    pub source: Option<&'a str>,
    /// Whose lines are that name no store.
    pub vendor: Option<&'a str>,
    /// Foreign names.
    pub rules: Vec<Rule>,
    /// Foreign states, by what haat calls them.
    pub statuses: BTreeMap<String, String>,
    /// Of amounts that name none.
    pub currency: Currency,
    /// Stores that are missing are opened.
    pub opens_stores: bool,
    /// Nothing is written.
    pub is_dry: bool,
    /// Where every row goes that cannot be taken.
    pub report: Option<&'a Path>,
}

/// Imports a file. The report says what was done, also where it ends with an error.
pub async fn orders(target: Target, wanted: &WantedOrders<'_>, report: &mut Report) -> anyhow::Result<()> {
    let file = Source::open(wanted.file)?.twice()?;
    let named = || wanted.file.display().to_string();
    let apart = Reader::new(file.looked_through()?, wanted).with_context(named)?.apart();
    report.begin(wanted.report, wanted.file)?;
    let mut reader = Reader::new(file.read()?, wanted).with_context(named)?.refusing(apart);
    let (mut progress, stop) = (Progress::new(Some(file.bytes), "orders"), Stop::on_interrupt());
    let (mut chunk, mut bytes, mut stores) = (Vec::with_capacity(CHUNK), 0, Stores::default());
    while let Some(next) = reader.next() {
        if stop.is_wanted() {
            report.is_stopped = true;
            break;
        }
        progress.tell(file.position.load(Ordering::Relaxed), report.taken());
        match next {
            Ok(order) => match size(&order.body) {
                size if size > BODY_MAX => report.refuse([too_large(order.line, "an order", size)])?,
                size => {
                    bytes += size;
                    chunk.push(order);
                }
            },
            Err(errors) => report.refuse(errors)?,
        }
        if chunk.len() == CHUNK || bytes >= CHUNK_BYTES {
            let full = std::mem::take(&mut chunk);
            bytes = 0;
            let done = put(&target, wanted, full, (&mut stores, &mut *report)).await?;
            report.take(done)?;
        }
    }
    if !chunk.is_empty() {
        let done = put(&target, wanted, chunk, (&mut stores, &mut *report)).await?;
        report.take(done)?;
    }
    progress.end();
    Ok(())
}

async fn put(
    target: &Target,
    wanted: &WantedOrders<'_>,
    mut orders: Vec<FileOrder>,
    (stores, report): (&mut Stores, &mut Report),
) -> anyhow::Result<crate::exchange::Done> {
    if wanted.opens_stores {
        let slugs: BTreeSet<String> = orders.iter().flat_map(|o| o.vendors()).map(str::to_owned).collect();
        for slug in slugs {
            stores.open(target, &slug, "", (wanted.is_dry, &mut *report)).await?;
        }
    }
    let emails: BTreeSet<String> = orders.iter().filter_map(|o| Some(o.body.get("email")?.as_str()?.to_owned())).collect();
    let users = target.users(emails.into_iter().collect()).await?;
    for order in &mut orders {
        let user = order.body["email"].as_str().and_then(|email| users.get(email)).cloned();
        if let Some(user) = user {
            order.body["userId"] = user.into();
        }
    }
    target.put_orders(orders, wanted.is_dry, wanted.opens_stores).await
}

/// Goes through a file order by order.
struct Reader<'a> {
    table: Table<Box<dyn Read + Send>>,
    wanted: &'a WantedOrders<'a>,
}

impl<'a> Reader<'a> {
    fn new(input: impl BufRead + Send + 'static, wanted: &'a WantedOrders<'a>) -> anyhow::Result<Reader<'a>> {
        let input: Box<dyn Read + Send> = match wanted.rules.is_empty() {
            true => Box::new(input),
            false => Box::new(renamed(input, |name| column_name(&wanted.rules, name))?),
        };
        // Two shops may have given the same number.
        let by = By { name: "number", within: wanted.source.is_none().then_some("source") };
        let table = Table::new(input, "a file of orders", &REQUIRED, by);
        let strange = |table: &Table<_>| table.columns().iter().find(|name| !ORDER_COLUMNS.contains(&name.as_str())).cloned();
        let table = table.and_then(|table| match strange(&table).filter(|_| wanted.rules.is_empty()) {
            Some(name) => Err(RowError::new(1, name, "no such column of an order; with --map a file may have others besides")),
            None => Ok(table),
        });
        let table = table.map_err(|e| anyhow::anyhow!("line {}, column {:?}: {}", e.line, e.column, e.reason))?;
        Ok(Reader { table, wanted })
    }

    /// Goes through all of it and says which orders' rows do not stand together.
    fn apart(self) -> Apart {
        self.table.apart()
    }

    fn refusing(self, apart: Apart) -> Reader<'a> {
        Reader { table: self.table.refusing(apart), ..self }
    }

    fn next(&mut self) -> Option<Result<FileOrder, Vec<RowError>>> {
        Some(self.table.next_group()?.and_then(|rows| Group { table: &self.table, wanted: self.wanted, errors: Vec::new() }.order(&rows)))
    }
}

/// The rows of one order, as they become its body.
struct Group<'a> {
    table: &'a Table<Box<dyn Read + Send>>,
    wanted: &'a WantedOrders<'a>,
    errors: Vec<RowError>,
}

impl Group<'_> {
    fn order(mut self, rows: &[Row]) -> Result<FileOrder, Vec<RowError>> {
        let Some(first) = rows.first() else { return Err(Vec::new()) };
        let placed_at = self.time(first, "placed_at");
        let mut body = Map::new();
        let source = self.wanted.source.unwrap_or_else(|| self.table.cell(first, "source"));
        if source.is_empty() {
            self.errors.push(RowError::new(first.line, "source", "an order says from where it comes, or --source does for all"));
        }
        body.insert("source".into(), source.into());
        body.insert("number".into(), self.table.cell(first, "number").into());
        body.insert("placedAt".into(), placed_at.map_or(Json::Null, |t| t.to_string().into()));
        let email = self.table.cell(first, "email");
        if !email.is_empty() {
            body.insert("email".into(), email.into());
        }
        if ["true", "yes", "1"].contains(&self.table.cell(first, "tax_included")) {
            body.insert("taxIncluded".into(), true.into());
        }
        let (parts, lines) = self.parts(rows);
        body.insert("parts".into(), parts.into());
        match self.errors.is_empty() {
            true => Ok(FileOrder { line: first.line, body: body.into(), lines }),
            false => Err(self.errors),
        }
    }

    /// The parts by store and state, in the file's order, and the line of each item.
    fn parts(&mut self, rows: &[Row]) -> (Vec<Json>, Vec<Vec<u64>>) {
        // What was called off stands in some files with quantities below nothing.
        let taken_back = rows.iter().filter(|row| self.table.cell(row, "quantity").starts_with('-')).count();
        if taken_back > 0 && taken_back < rows.len() {
            let line = rows.first().map_or(0, |row| row.line);
            self.errors.push(RowError::new(
                line,
                "quantity",
                "an order is sold or called off: its quantities are all above or all below 0",
            ));
        }
        let mut parts: Vec<(String, String, Json)> = Vec::new();
        let mut lines: Vec<Vec<u64>> = Vec::new();
        for row in rows {
            let Some((vendor, status)) = self.whose(row, taken_back > 0) else { continue };
            let place = match parts.iter().position(|(v, s, _)| (v, s) == (&vendor, &status)) {
                Some(place) => place,
                None => {
                    let mut part = json!({ "vendor": vendor, "status": status, "items": [] });
                    for (column, member) in [("shipped_at", "shippedAt"), ("delivered_at", "deliveredAt")] {
                        if let Some(at) = self.time_if_any(row, column) {
                            part[member] = at.to_string().into();
                        }
                    }
                    parts.push((vendor, status, part));
                    lines.push(Vec::new());
                    parts.len() - 1
                }
            };
            if let Some(item) = self.item(row) {
                let part = &mut parts[place].2;
                for column in ["shipping", "discount"] {
                    self.add(row, column, part);
                }
                if let Some(items) = part["items"].as_array_mut() {
                    items.push(item);
                    lines[place].push(row.line);
                }
            }
        }
        (parts.into_iter().map(|(_, _, part)| part).collect(), lines)
    }

    /// The store of a row, and where it stands.
    fn whose(&mut self, row: &Row, is_taken_back: bool) -> Option<(String, String)> {
        let vendor = Some(self.table.cell(row, "vendor")).filter(|v| !v.is_empty()).or(self.wanted.vendor);
        let Some(vendor) = vendor else {
            self.errors.push(RowError::new(row.line, "vendor", "a line names its store, or --vendor does for all"));
            return None;
        };
        let vendor = vendor.to_lowercase();
        if !is_slug(&vendor) {
            let reason = format!("expected a store's slug: up to 60 Latin letters, digits and hyphens, found {vendor:?}");
            self.errors.push(RowError::new(row.line, "vendor", reason));
            return None;
        }
        let said = self.table.cell(row, "status").to_lowercase();
        let known = self.wanted.statuses.get(&said).map(String::as_str);
        let status = match known.unwrap_or(&said) {
            _ if is_taken_back => "cancelled",
            "" | "delivered" | "complete" | "completed" | "fulfilled" => "delivered",
            "cancelled" | "canceled" => "cancelled",
            "confirmed" | "paid" => "confirmed",
            "processing" => "processing",
            "shipped" => "shipped",
            "returned" | "refunded" => "returned",
            other => {
                let reason = format!(
                    "expected confirmed, processing, shipped, delivered, returned or cancelled, found {other:?}; --status {other}=… says which it is"
                );
                self.errors.push(RowError::new(row.line, "status", reason));
                return None;
            }
        };
        Some((vendor, status.to_owned()))
    }

    fn item(&mut self, row: &Row) -> Option<Json> {
        let (sku, title) = (self.table.cell(row, "sku"), self.table.cell(row, "title"));
        let sku = if sku.is_empty() { title } else { sku };
        if sku.is_empty() {
            self.errors.push(RowError::new(row.line, "sku", "a line has a sku, or a title"));
        }
        let text = self.table.cell(row, "quantity");
        let quantity = text.trim_start_matches('-').parse::<i64>().ok().filter(|n| *n > 0);
        if quantity.is_none() {
            self.errors.push(RowError::new(row.line, "quantity", format!("expected a whole number that is not 0, found {text:?}")));
        }
        let currency = self.currency(row)?;
        let price = self.table.money(row, "unit_price", currency);
        let price = price.map_err(|e| self.errors.push(e)).ok()?;
        let mut item = json!({ "sku": sku, "quantity": quantity?, "unitPrice": price });
        for (column, value) in [("title", title), ("kind", self.table.cell(row, "kind"))] {
            if !value.is_empty() {
                item[column] = value.into();
            }
        }
        self.add(row, "tax", &mut item);
        Some(item)
    }

    fn currency(&mut self, row: &Row) -> Option<Currency> {
        match self.table.cell(row, "currency") {
            "" => Some(self.wanted.currency),
            text => {
                text.parse().map_err(|e: contracts::MoneyError| self.errors.push(RowError::new(row.line, "currency", e.to_string()))).ok()
            }
        }
    }

    /// Adds a row's amount, where it has one, to that of its part or line.
    fn add(&mut self, row: &Row, column: &'static str, to: &mut Json) {
        if self.table.cell(row, column).is_empty() {
            return;
        }
        let Some(currency) = self.currency(row) else { return };
        match self.table.money(row, column, currency) {
            Ok(amount) => {
                let before = to[column]["amount"].as_i64().unwrap_or(0);
                to[column] = json!({ "amount": before.saturating_add(amount.amount), "currency": currency });
            }
            Err(e) => self.errors.push(e),
        }
    }

    fn time(&mut self, row: &Row, column: &str) -> Option<Time> {
        let text = self.table.cell(row, column);
        let read = moment(text);
        if read.is_none() {
            let reason = format!("expected a time such as 2026-01-31T12:00:00+06:00 or 2026-01-31 12:00:00 (UTC), found {text:?}");
            self.errors.push(RowError::new(row.line, column, reason));
        }
        read
    }

    fn time_if_any(&mut self, row: &Row, column: &str) -> Option<Time> {
        if self.table.cell(row, column).is_empty() { None } else { self.time(row, column) }
    }
}

/// A moment with an offset, or in UTC; a day is its beginning.
fn moment(text: &str) -> Option<Time> {
    let text = text.trim().replacen(' ', "T", 1);
    let has_offset = text.get(10..).is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']));
    let whole = match (text.len(), has_offset) {
        (10, _) => format!("{text}T00:00:00Z"),
        (16, false) => format!("{text}:00Z"),
        (_, false) => format!("{text}Z"),
        (_, true) => text,
    };
    serde_json::from_value(Json::String(whole)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, statuses: &[(&str, &str)]) -> Vec<Result<FileOrder, Vec<RowError>>> {
        read_of(Some("old"), text, statuses)
    }

    fn read_of(source: Option<&str>, text: &str, statuses: &[(&str, &str)]) -> Vec<Result<FileOrder, Vec<RowError>>> {
        let statuses = statuses.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let wanted = WantedOrders {
            file: Path::new("-"),
            source,
            vendor: None,
            rules: Vec::new(),
            statuses,
            currency: "GBP".parse().unwrap(),
            opens_stores: false,
            is_dry: true,
            report: None,
        };
        let reader = || Reader::new(std::io::Cursor::new(text.as_bytes().to_vec()), &wanted).unwrap();
        let mut reader = reader().refusing(reader().apart());
        std::iter::from_fn(|| reader.next()).collect()
    }

    const HEADER: &str = "number,placed_at,status,email,vendor,sku,title,quantity,unit_price,currency,shipping,tax\n";

    #[test]
    fn rows_of_one_number_are_an_order_with_a_part_per_store_and_state() {
        let rows = "1,2026-01-02 03:04:05,shipped,a@b.test,looms,S1,Sari,2,10.50,,1.00,\n1,,invoiced,,teas,T1,,1,4,,,0.4\n1,,shipped,,looms,S2,Cap,1,2,,0.50,\n";
        let order = read(&format!("{HEADER}{rows}"), &[("invoiced", "confirmed")]).remove(0).unwrap();
        let gbp = |amount: i64| json!({"amount": amount, "currency": "GBP"});
        let looms = json!({"vendor": "looms", "status": "shipped", "shipping": gbp(150), "items": [
            {"sku": "S1", "quantity": 2, "unitPrice": gbp(1050), "title": "Sari"}, {"sku": "S2", "quantity": 1, "unitPrice": gbp(200), "title": "Cap"}]});
        let teas = json!({"vendor": "teas", "status": "confirmed", "items": [{"sku": "T1", "quantity": 1, "unitPrice": gbp(400), "tax": gbp(40)}]});
        assert_eq!(order.body["parts"], json!([looms, teas]));
        assert_eq!((&order.body["placedAt"], &order.body["email"]), (&json!("2026-01-02T03:04:05.000000Z"), &json!("a@b.test")));
        assert_eq!((order.line, order.lines), (2, vec![vec![2, 4], vec![3]]));
    }

    #[test]
    fn an_order_whose_rows_stand_apart_is_not_taken_at_all() {
        let row = |source: &str, number: &str| format!("{source},{number},2026-01-02,,looms,S1,1,1\n");
        let told = |shop: Option<&str>, rows: &[(&str, &str)]| -> Vec<_> {
            let rows: String = rows.iter().map(|(source, number)| row(source, number)).collect();
            let text = format!("source,number,placed_at,status,vendor,sku,quantity,unit_price\n{rows}");
            read_of(shop, &text, &[])
                .into_iter()
                .map(|o| o.map(|o| o.line).map_err(|e| e.into_iter().map(|e| (e.line, e.column)).collect()))
                .collect()
        };
        let apart = |line: u64| Err(vec![(line, "number".to_owned())]);
        assert_eq!(told(Some("old"), &[("", "1"), ("", "2"), ("", "1")]), [apart(2), Ok(3), apart(4)]);
        // Numbers of two shops are two orders, also where one follows the other.
        assert_eq!(told(None, &[("a", "1"), ("b", "1"), ("", "1"), ("a", "2")]), [Ok(2), Ok(3), Ok(5)]);
        assert_eq!(told(None, &[("a", "1"), ("b", "1"), ("a", "1")]), [apart(2), Ok(3), apart(4)]);
        let found = told(None, &[("a", "1"), ("b", "2"), ("", "1")]);
        assert_eq!((&found[0], &found[1]), (&apart(2), &Ok(3)), "a row that does not say which order it is of");
    }

    #[test]
    fn quantities_below_nothing_are_an_order_that_was_called_off() {
        let rows = "C1,2026-01-02,,,looms,S1,,-2,10,,,\n2,2026-01-02,,,looms,S1,,-2,10,,,\n2,,,,looms,S2,,1,10,,,\n";
        let found = read(&format!("{HEADER}{rows}"), &[]);
        let order = found[0].as_ref().unwrap();
        assert_eq!((&order.body["parts"][0]["status"], &order.body["parts"][0]["items"][0]["quantity"]), (&json!("cancelled"), &json!(2)));
        assert_eq!(found[1].as_ref().unwrap_err()[0].column, "quantity");
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_column() {
        let rows = "1,yesterday,lost,,looms,S1,,x,ten,,,\n2,2026-01-02,,,,S1,,1,1,EURO,,\n3,2026-01-02,,,looms,,,0,1,,-x,\n";
        let errors: Vec<_> =
            read(&format!("{HEADER}{rows}"), &[]).into_iter().filter_map(Result::err).flatten().map(|e| (e.line, e.column)).collect();
        let expected = [(2, "placed_at"), (2, "status"), (3, "vendor"), (4, "sku"), (4, "quantity")];
        assert_eq!(errors, expected.map(|(line, column)| (line, column.to_owned())));
    }

    #[test]
    fn moments_are_read_as_files_write_them() {
        let cases = [
            ("2026-01-02T03:04:05+06:00", Some("2026-01-01T21:04:05.000000Z")),
            ("2026-01-02T03:04:05", Some("2026-01-02T03:04:05.000000Z")),
            ("2026-01-02 03:04", Some("2026-01-02T03:04:00.000000Z")),
            ("2026-01-02", Some("2026-01-02T00:00:00.000000Z")),
            ("02/01/2026", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(moment(text).map(|t| t.to_string()).as_deref(), expected, "{text}");
        }
    }
}
