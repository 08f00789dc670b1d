//! Reads JSON Lines: a product on each line, under haat's names or, by `--map`, under foreign ones.

use std::io::BufRead;

use contracts::files::{FileProduct, RowError};
use contracts::{Currency, Money};
use serde_json::{Map, Value as Json, json};

use super::mapping::{Rule, apply};

/// The longest line, in bytes.
const LINE_MAX: usize = 4 << 20;
/// Said of the product, in words.
const WORDS: [&str; 7] = ["handle", "title", "description", "category", "brand", "kind", "status"];
/// Taken over as they are.
const PARTS: [&str; 2] = ["categoryIds", "categories"];
/// Said of a variant, besides its options.
const OF_VARIANT: [&str; 9] =
    ["sku", "price", "priceMinor", "currency", "compareAtPrice", "compareAtPriceMinor", "weightGrams", "lowStockAt", "stock"];
/// How many options a variant has.
const OPTIONS_MAX: usize = 10;

/// Goes through a file line by line.
pub struct Reader<R: BufRead> {
    input: R,
    currency: Currency,
    rules: Vec<Rule>,
    line: u64,
    buffer: Vec<u8>,
    is_over: bool,
}

impl<R: BufRead> Reader<R> {
    /// Prices that name no currency are in `currency`.
    pub fn new(input: R, currency: Currency, rules: Vec<Rule>) -> Reader<R> {
        Reader { input, currency, rules, line: 0, buffer: Vec::new(), is_over: false }
    }

    /// The next line that says anything; `None` at the end.
    fn next_line(&mut self) -> Option<Result<Map<String, Json>, RowError>> {
        while !self.is_over {
            self.buffer.clear();
            self.line += 1;
            let mut limited = std::io::Read::take(&mut self.input, LINE_MAX as u64 + 1);
            match limited.read_until(b'\n', &mut self.buffer) {
                Ok(0) => self.is_over = true,
                Ok(_) if self.buffer.len() > LINE_MAX && !self.buffer.ends_with(b"\n") => return Some(Err(self.leave_out())),
                Ok(_) if self.buffer.trim_ascii().is_empty() => {}
                Ok(_) => return Some(parse(self.line, &self.buffer)),
                Err(e) => {
                    self.is_over = true;
                    return Some(Err(RowError::new(self.line, "", format!("the file cannot be read here: {e}"))));
                }
            }
        }
        None
    }

    /// Goes on behind a line that is too long; the rest of it is not kept.
    fn leave_out(&mut self) -> RowError {
        let reason = match self.input.skip_until(b'\n') {
            Ok(_) => "a line has at most 4 MB; this one is left out".to_owned(),
            Err(e) => {
                self.is_over = true;
                format!("a line has at most 4 MB; the file cannot be read behind this one: {e}")
            }
        };
        RowError::new(self.line, "", reason)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<FileProduct, Vec<RowError>>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.next_line()?;
        Some(line.map_err(|e| vec![e]).and_then(|line| {
            let fields = apply(&self.rules, line, is_known);
            Line { number: self.line, currency: self.currency, errors: Vec::new() }.product(fields)
        }))
    }
}

fn parse(number: u64, bytes: &[u8]) -> Result<Map<String, Json>, RowError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match serde_json::from_slice(bytes) {
        Ok(Json::Object(line)) => Ok(line),
        Ok(_) => {
            Err(RowError::new(number, "", "expected an object, such as {\"handle\": \"lamp\", \"title\": \"Lamp\", \"price\": \"12.50\"}"))
        }
        Err(e) => Err(RowError::new(number, "", format!("not JSON: {e}"))),
    }
}

/// Whether haat has a field of this name.
fn is_known(name: &str) -> bool {
    let option = name.strip_prefix("option").is_some_and(|rest| rest.ends_with("Name") || rest.ends_with("Value"));
    let others = ["vendor", "attributes", "media", "imageUrl", "variants"];
    WORDS.contains(&name)
        || PARTS.contains(&name)
        || OF_VARIANT.contains(&name)
        || others.contains(&name)
        || option
        || name.starts_with("attr.")
}

/// One line, as it becomes a product.
struct Line {
    number: u64,
    currency: Currency,
    errors: Vec<RowError>,
}

impl Line {
    fn product(mut self, mut fields: Map<String, Json>) -> Result<FileProduct, Vec<RowError>> {
        let mut body = Map::new();
        for name in WORDS {
            if let Some(words) = self.words(&mut fields, "", name) {
                body.insert(name.to_owned(), words.into());
            }
        }
        body.extend(PARTS.iter().filter_map(|name| fields.shift_remove_entry(*name)));
        let vendor = self.words(&mut fields, "", "vendor").unwrap_or_default();
        body.insert("attributes".into(), self.attributes(&mut fields).into());
        body.insert("media".into(), self.media(&mut fields).into());
        let handle = body.get("handle").and_then(Json::as_str).unwrap_or_default().to_owned();
        if handle.is_empty() {
            self.wrong("handle", "a product has a handle: its name within the store, by which it is found again");
        }
        let variants = match fields.shift_remove("variants") {
            Some(Json::Array(list)) => list.into_iter().enumerate().map(|(i, v)| self.nested(v, &handle, i)).collect(),
            Some(_) => {
                self.wrong("variants", "expected a list of variants");
                Vec::new()
            }
            None => vec![self.variant(&mut fields, "", &handle, 1)],
        };
        body.insert("variants".into(), variants.into());
        for name in fields.keys() {
            let reason = "no such field; --map takes a foreign one, and attr. begins what a file says of its own";
            self.errors.push(RowError::new(self.number, name, reason));
        }
        match self.errors.is_empty() {
            true => Ok(FileProduct { line: self.number, handle, vendor, body: body.into(), variant_lines: Vec::new() }),
            false => Err(self.errors),
        }
    }

    fn wrong(&mut self, column: impl Into<String>, reason: impl Into<String>) {
        self.errors.push(RowError::new(self.number, column, reason));
    }

    /// Words, or a number as words; `None` where there are none.
    fn words(&mut self, fields: &mut Map<String, Json>, place: &str, name: &str) -> Option<String> {
        match fields.shift_remove(name)? {
            Json::Null => None,
            Json::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
            Json::Number(number) => Some(number.to_string()),
            other => {
                self.wrong(format!("{place}{name}"), format!("expected words, found {other}"));
                None
            }
        }
    }

    fn attributes(&mut self, fields: &mut Map<String, Json>) -> Map<String, Json> {
        let mut attributes = match fields.shift_remove("attributes") {
            Some(Json::Object(attributes)) => attributes,
            None | Some(Json::Null) => Map::new(),
            Some(_) => {
                self.wrong("attributes", "expected an object of names and values");
                Map::new()
            }
        };
        let own: Vec<String> = fields.keys().filter(|name| name.starts_with("attr.")).cloned().collect();
        for name in own {
            if let Some(value) = fields.shift_remove(&name).filter(|v| !v.is_null()) {
                attributes.insert(name["attr.".len()..].to_owned(), value);
            }
        }
        attributes
    }

    fn media(&mut self, fields: &mut Map<String, Json>) -> Vec<Json> {
        let mut media = Vec::new();
        for name in ["media", "imageUrl"] {
            match fields.shift_remove(name) {
                None | Some(Json::Null) => {}
                Some(Json::Array(list)) => media.extend(list),
                Some(one) => media.push(one),
            }
        }
        media.into_iter().map(|m| if m.is_string() { json!({"url": m}) } else { m }).collect()
    }

    fn nested(&mut self, variant: Json, handle: &str, place: usize) -> Json {
        let at = format!("variants[{place}].");
        let Json::Object(mut fields) = variant else {
            self.wrong(at.trim_end_matches('.'), "expected an object");
            return Json::Null;
        };
        let (title, options) = (fields.shift_remove("title"), fields.shift_remove("options"));
        let mut made = self.variant(&mut fields, &at, handle, place + 1);
        if let Some(title) = title {
            made["title"] = title;
        }
        if let Some(options) = options {
            made["options"] = options;
        }
        for name in fields.keys() {
            self.errors.push(RowError::new(self.number, format!("{at}{name}"), "no such field of a variant"));
        }
        made
    }

    /// A variant of what is said on the line itself, or in its list of variants.
    fn variant(&mut self, fields: &mut Map<String, Json>, at: &str, handle: &str, number: usize) -> Json {
        let sku = self.words(fields, at, "sku");
        let sku = sku.unwrap_or_else(|| format!("{}-{number}", handle.chars().take(80).collect::<String>()));
        let currency = match self.words(fields, at, "currency").map(|code| code.parse::<Currency>()) {
            Some(Err(e)) => {
                self.wrong(format!("{at}currency"), e.to_string());
                self.currency
            }
            Some(Ok(currency)) => currency,
            None => self.currency,
        };
        let mut made = json!({ "sku": sku, "options": self.options(fields, at) });
        let wrong_so_far = self.errors.len();
        match self.money(fields, at, "price", currency) {
            Some(price) => made["price"] = json!(price),
            None if self.errors.len() == wrong_so_far => self.wrong(format!("{at}price"), "a variant has a price"),
            None => {}
        }
        if let Some(before) = self.money(fields, at, "compareAtPrice", currency) {
            made["compareAtPrice"] = json!(before);
        }
        for name in ["weightGrams", "lowStockAt"] {
            if let Some(number) = self.whole(fields, at, name) {
                made[name] = number.into();
            }
        }
        match fields.shift_remove("stock") {
            None | Some(Json::Null) => {}
            Some(places @ Json::Array(_)) => made["stock"] = places,
            Some(count) => {
                fields.insert("stock".into(), count);
                if let Some(on_hand) = self.whole(fields, at, "stock") {
                    made["stock"] = json!([{ "onHand": on_hand }]);
                }
            }
        }
        made
    }

    fn options(&mut self, fields: &mut Map<String, Json>, at: &str) -> Map<String, Json> {
        let mut options = Map::new();
        for n in 1..=OPTIONS_MAX {
            let name = self.words(fields, at, &format!("option{n}Name"));
            let value = self.words(fields, at, &format!("option{n}Value"));
            match (name, value) {
                (Some(name), Some(value)) => drop(options.insert(name, value.into())),
                (None, Some(_)) => self.wrong(format!("{at}option{n}Name"), format!("option{n}Value is there, but not of what")),
                (_, None) => {}
            }
        }
        options
    }

    fn whole(&mut self, fields: &mut Map<String, Json>, at: &str, name: &str) -> Option<i64> {
        let found = fields.shift_remove(name)?;
        let number = match &found {
            Json::Null => return None,
            Json::String(text) if text.trim().is_empty() => return None,
            Json::String(text) => text.trim().parse().ok(),
            other => other.as_i64().or_else(|| other.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15).map(|n| n as i64)),
        };
        if number.is_none() {
            self.wrong(format!("{at}{name}"), format!("expected a whole number, found {found}"));
        }
        number
    }

    /// An amount such as `"12.50"`, 12.5 or `{"amount": 1250, "currency": "EUR"}`; or whole minor units under `<name>Minor`.
    fn money(&mut self, fields: &mut Map<String, Json>, at: &str, name: &str, currency: Currency) -> Option<Money> {
        if let Some(minor) = self.whole(fields, at, &format!("{name}Minor")) {
            return Some(Money::new(minor, currency));
        }
        let read = match fields.shift_remove(name)? {
            Json::Null => return None,
            Json::String(text) if text.trim().is_empty() => return None,
            Json::String(text) => Money::parse(text.trim(), currency).map_err(|e| format!("{text:?}: {e}")),
            Json::Number(number) => Money::parse(&number.to_string(), currency).map_err(|e| format!("{number}: {e}")),
            other => serde_json::from_value::<Money>(other).map_err(|e| e.to_string()),
        };
        read.map_err(|reason| self.wrong(format!("{at}{name}"), reason)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, rules: &[&str]) -> Vec<Result<FileProduct, Vec<RowError>>> {
        let rules = rules.iter().map(|r| r.parse().unwrap()).collect();
        Reader::new(text.as_bytes(), Currency::BDT, rules).collect()
    }

    fn errors(text: &str) -> Vec<(u64, String)> {
        read(text, &[]).into_iter().filter_map(Result::err).flatten().map(|e| (e.line, e.column)).collect()
    }

    /// A product whose line has so many bytes, without its end.
    fn of_length(handle: &str, bytes: usize) -> String {
        let line = format!("{{\"handle\": \"{handle}\", \"title\": \"T\", \"price\": 1}}");
        format!("{line}{}", " ".repeat(bytes - line.len()))
    }

    #[test]
    fn a_line_that_is_too_long_is_one_bad_row() {
        let (fits, long) = (of_length("b", LINE_MAX), of_length("c", LINE_MAX + 1));
        let text = [&of_length("a", 100), &fits, &long, &of_length("d", 100), &long].map(String::as_str).join("\n");
        let handles: Vec<_> = read(&text, &[]).into_iter().filter_map(Result::ok).map(|p| p.handle).collect();
        assert_eq!(handles, ["a", "b", "d"]);
        assert_eq!(errors(&text), [(3, String::new()), (5, String::new())]);
    }

    #[test]
    fn a_line_that_is_too_long_is_not_held_in_memory() {
        let endless = std::io::Read::take(std::io::repeat(b'x'), 40 * LINE_MAX as u64);
        let input = std::io::BufReader::new(std::io::Read::chain(endless, "\n[]\n".as_bytes()));
        let mut reader = Reader::new(input, Currency::BDT, Vec::new());
        let lines: Vec<u64> = reader.by_ref().filter_map(Result::err).flatten().map(|e| e.line).collect();
        assert_eq!(lines, [1, 2]);
        assert!(reader.buffer.capacity() <= 3 * LINE_MAX, "{} bytes", reader.buffer.capacity());
    }

    #[test]
    fn a_line_with_one_variant_is_flat() {
        let line = r#"{"handle": "lamp", "title": "Lamp", "price": 12.5, "compareAtPrice": "15", "currency": "EUR", "stock": "3",
            "option1Name": "colour", "option1Value": "red", "attr.watts": 40, "imageUrl": ["http://a/1.jpg"], "category": "Home > Lamps"}"#;
        let found = read(&line.replace('\n', " "), &[]).remove(0).unwrap();
        let variant = json!({"sku": "lamp-1", "options": {"colour": "red"}, "price": {"amount": 1250, "currency": "EUR"},
            "compareAtPrice": {"amount": 1500, "currency": "EUR"}, "stock": [{"onHand": 3}]});
        let body = json!({"handle": "lamp", "title": "Lamp", "category": "Home > Lamps", "attributes": {"watts": 40},
            "media": [{"url": "http://a/1.jpg"}], "variants": [variant]});
        assert_eq!((found.line, found.body), (1, body));
    }

    #[test]
    fn a_line_with_several_variants_lists_them() {
        let line = r#"{"handle": "tee", "title": "Tee", "variants": [{"sku": "S", "price": {"amount": 5, "currency": "BDT"}, "stock": 2},
            {"sku": "M", "price": "0.06", "options": {"size": "M"}, "title": "M"}]}"#;
        let found = read(&format!("\n{}\n\n", line.replace('\n', " ")), &[]).remove(0).unwrap();
        let variants = found.body["variants"].as_array().unwrap();
        assert_eq!(
            (found.line, variants[0]["stock"][0]["onHand"].as_i64(), variants[1]["price"]["amount"].as_i64()),
            (2, Some(2), Some(6))
        );
        assert_eq!(variants[1]["title"], "M");
    }

    #[test]
    fn foreign_names_are_mapped_and_the_rest_of_a_foreign_line_is_left_out() {
        let line = r#"{"id": 77, "name": "Pen", "cents": 199, "maker": {"name": "A"}, "spec_ink": "blue", "noise": [1]}"#;
        let rules = ["handle=id", "title=name", "priceMinor=cents", "brand=maker.name", "attr.*=spec_*"];
        let body = &read(line, &rules).remove(0).unwrap().body;
        assert_eq!((&body["handle"], &body["brand"], &body["attributes"]), (&json!("77"), &json!("A"), &json!({"ink": "blue"})));
        assert_eq!(body["variants"][0]["price"], json!({"amount": 199, "currency": "BDT"}));
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_field() {
        let text = "{\"handle\": \"a\", \"title\": \"A\", \"price\": \"ten\"}\n[1]\n{\"handle\": \"b\"\n\
                    {\"handle\": \"c\", \"title\": [], \"price\": 1, \"colour\": 1}\n{\"title\": \"D\", \"price\": 1}\n\
                    {\"handle\": \"e\", \"title\": \"E\", \"variants\": [{\"price\": 1, \"stock\": 1.5, \"size\": 1}, {}]}\n";
        let of_products = [(1, "price"), (2, ""), (3, ""), (4, "title"), (4, "colour"), (5, "handle")];
        let of_variants = [(6, "variants[0].stock"), (6, "variants[0].size"), (6, "variants[1].price")];
        let expected: Vec<_> = of_products.into_iter().chain(of_variants).map(|(line, column)| (line, column.to_owned())).collect();
        assert_eq!(errors(text), expected);
        assert_eq!(errors("{\"handle\": \"f\", \"title\": \"F\"}"), [(1, "price".to_owned())]);
    }
}
