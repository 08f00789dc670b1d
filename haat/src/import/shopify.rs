//! Reads Shopify's product CSV: a row per variant or further picture, joined by `Handle`.
//! Columns: <https://help.shopify.com/en/manual/products/import-export/using-csv>.

use std::io::Read;

use contracts::{Currency, Money};
use csv::StringRecord;
use serde_json::{Map, Value as Json, json};

/// Why a row cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RowError {
    /// Line in the file, from 1, where the row begins.
    pub line: u64,
    /// The column's name; empty where it is the whole row.
    pub column: String,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

/// A product as the file gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileProduct {
    /// Line of its first row.
    pub line: u64,
    /// The file's `Vendor`.
    pub vendor: String,
    /// The body that `POST /products` takes.
    pub body: Json,
}

/// Goes through a file product by product; never holds more than one.
pub struct Reader<R: Read> {
    csv: csv::Reader<R>,
    columns: Vec<String>,
    currency: Currency,
    ahead: Option<(u64, StringRecord)>,
}

/// The columns without which it is not a Shopify file.
const REQUIRED: [&str; 3] = ["Handle", "Title", "Variant Price"];

impl<R: Read> Reader<R> {
    /// Reads the header. Prices are in `currency`.
    pub fn new(input: R, currency: Currency) -> Result<Reader<R>, RowError> {
        let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let header = csv.headers().map_err(|e| unreadable(&e))?;
        let columns: Vec<String> = header.iter().map(|c| c.trim().trim_start_matches('\u{feff}').to_owned()).collect();
        match REQUIRED.into_iter().find(|name| !columns.iter().any(|c| c == name)) {
            Some(missing) => Err(RowError { line: 1, column: missing.into(), reason: "a Shopify product file has this column".into() }),
            None => Ok(Reader { csv, columns, currency, ahead: None }),
        }
    }

    /// Bytes of the file that have been read.
    pub fn position(&self) -> u64 {
        self.csv.position().byte()
    }

    fn next_row(&mut self) -> Option<Result<(u64, StringRecord), RowError>> {
        if let Some(row) = self.ahead.take() {
            return Some(Ok(row));
        }
        let mut record = StringRecord::new();
        match self.csv.read_record(&mut record) {
            Ok(false) => None,
            Ok(true) => Some(Ok((record.position().map_or(0, csv::Position::line), record))),
            Err(e) => Some(Err(unreadable(&e))),
        }
    }

    fn cell<'a>(&self, row: &'a StringRecord, column: &str) -> &'a str {
        let place = self.columns.iter().position(|c| c == column);
        place.and_then(|i| row.get(i)).unwrap_or("").trim()
    }

    fn join(&self, rows: &[(u64, StringRecord)]) -> Result<FileProduct, Vec<RowError>> {
        let Some((line, first)) = rows.first() else { return Err(Vec::new()) };
        let mut errors = Vec::new();
        let handle = self.cell(first, "Handle");
        if self.cell(first, "Title").is_empty() {
            errors.push(RowError { line: *line, column: "Title".into(), reason: "the first row of a product has a title".into() });
        }
        let ships = !self.cell(first, "Variant Requires Shipping").eq_ignore_ascii_case("false");
        let names: Vec<&str> = OPTIONS.iter().map(|n| self.cell(first, &format!("{n} Name"))).collect();
        let (mut variants, mut media) = (Vec::new(), Vec::new());
        for (line, row) in rows {
            let picture = self.cell(row, "Image Src");
            if !picture.is_empty() {
                media.push(json!({"url": picture, "alt": self.cell(row, "Image Alt Text")}));
            }
            if !self.cell(row, "Variant Price").is_empty() {
                let place = variants.len();
                match self.variant(*line, row, (handle, ships), &names, place) {
                    Ok(variant) => variants.push(variant),
                    Err(e) => errors.push(e),
                }
            }
        }
        if variants.is_empty() && errors.is_empty() {
            errors.push(RowError {
                line: *line,
                column: "Variant Price".into(),
                reason: "a product has at least one row with a price".into(),
            });
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        make_skus_unique(&mut variants);
        let published = !self.cell(first, "Published").eq_ignore_ascii_case("false");
        let vendor = self.cell(first, "Vendor").to_owned();
        let body = json!({
            "handle": handle,
            "kind": if ships { "physical" } else { "digital" },
            "status": if published { "published" } else { "draft" },
            "title": self.cell(first, "Title"),
            "description": plain_text(self.cell(first, "Body (HTML)")),
            "brand": if vendor.is_empty() { Json::Null } else { vendor.clone().into() },
            "attributes": self.attributes(first),
            "media": media,
            "variants": variants,
        });
        Ok(FileProduct { line: *line, vendor, body })
    }

    fn attributes(&self, first: &StringRecord) -> Map<String, Json> {
        let columns = [("Type", "type"), ("Tags", "tags"), ("Google Shopping / Gender", "gender")];
        let filled = columns.iter().map(|(column, name)| (*name, self.cell(first, column))).filter(|(_, v)| !v.is_empty());
        filled.map(|(name, value)| (name.to_owned(), Json::from(value))).collect()
    }

    fn variant(
        &self,
        line: u64,
        row: &StringRecord,
        (handle, ships): (&str, bool),
        names: &[&str],
        place: usize,
    ) -> Result<Json, RowError> {
        let mut options = Map::new();
        for (option, name) in OPTIONS.iter().zip(names) {
            let value = self.cell(row, &format!("{option} Value"));
            let only_choice = *name == "Title" && value == "Default Title";
            if !name.is_empty() && !value.is_empty() && !only_choice {
                options.insert((*name).to_lowercase(), value.into());
            }
        }
        let sku = self.cell(row, "Variant SKU").trim_start_matches('\'');
        let sku = if sku.is_empty() { format!("{}-{}", handle.chars().take(80).collect::<String>(), place + 1) } else { sku.to_owned() };
        let stock = self.number(line, row, "Variant Inventory Qty")?.max(0);
        Ok(json!({
            "sku": sku,
            "options": options,
            "price": self.money(line, row, "Variant Price")?,
            "compareAtPrice": if self.cell(row, "Variant Compare At Price").is_empty() { Json::Null } else { json!(self.money(line, row, "Variant Compare At Price")?) },
            "weightGrams": self.number(line, row, "Variant Grams")?.max(0),
            "stock": if ships { json!([{"onHand": stock}]) } else { json!([]) },
        }))
    }

    fn money(&self, line: u64, row: &StringRecord, column: &str) -> Result<Money, RowError> {
        let text = self.cell(row, column);
        Money::parse(text, self.currency).map_err(|e| RowError { line, column: column.into(), reason: format!("{text:?}: {e}") })
    }

    fn number(&self, line: u64, row: &StringRecord, column: &str) -> Result<i64, RowError> {
        let text = self.cell(row, column);
        if text.is_empty() {
            return Ok(0);
        }
        let reason = || RowError { line, column: column.into(), reason: format!("expected a whole number, found {text:?}") };
        text.parse::<f64>().ok().filter(|n| n.is_finite() && n.abs() < 1e12).map(|n| n.round() as i64).ok_or_else(reason)
    }
}

const OPTIONS: [&str; 3] = ["Option1", "Option2", "Option3"];

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<FileProduct, Vec<RowError>>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = match self.next_row()? {
            Ok(row) => row,
            Err(e) => return Some(Err(vec![e])),
        };
        let handle = self.cell(&first.1, "Handle").to_owned();
        if handle.is_empty() {
            let reason = "a row names the product it belongs to".to_owned();
            return Some(Err(vec![RowError { line: first.0, column: "Handle".into(), reason }]));
        }
        let mut rows = vec![first];
        loop {
            match self.next_row() {
                Some(Ok(row)) if self.cell(&row.1, "Handle") == handle => rows.push(row),
                Some(Ok(row)) => {
                    self.ahead = Some(row);
                    break;
                }
                Some(Err(e)) => return Some(Err(vec![e])),
                None => break,
            }
        }
        Some(self.join(&rows))
    }
}

/// Files repeat a sku within a product; the later ones get a number.
fn make_skus_unique(variants: &mut [Json]) {
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for variant in variants {
        let sku = variant["sku"].as_str().unwrap_or_default().to_owned();
        let count = seen.entry(sku.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            variant["sku"] = format!("{sku}-{count}").into();
        }
    }
}

/// The words of a piece of HTML: tags become breaks, the five named entities of XML and `&nbsp;` become themselves.
fn plain_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                out.push(' ');
            }
            c if !in_tag => out.push(c),
            _ => {}
        }
    }
    let entities = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&apos;", "'"), ("&amp;", "&")];
    let text = entities.iter().fold(out, |text, (name, with)| text.replace(name, with));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unreadable(e: &csv::Error) -> RowError {
    let line = e.position().map_or(0, csv::Position::line);
    RowError { line, column: String::new(), reason: format!("the file cannot be read here: {e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Image Src\n";

    fn read(rows: &str) -> Vec<Result<FileProduct, Vec<RowError>>> {
        let text = format!("{HEADER}{rows}");
        Reader::new(text.as_bytes(), Currency::BDT).unwrap().collect()
    }

    #[test]
    fn rows_of_one_handle_become_one_product() {
        let found = read(
            "shirt,Red Shirt,<p>Soft &amp; warm</p>,Looms,tops,true,Size,M,'S1,100,3,1299.50,http://a/1.jpg\n\
             shirt,,,,,,,L,'S1,100,2,1399,http://a/2.jpg\nshirt,,,,,,,,,,,,http://a/3.jpg\nhat,Hat,,,,,Title,Default Title,,,,5,\n",
        );
        let shirt = found[0].as_ref().unwrap();
        assert_eq!((shirt.line, shirt.vendor.as_str()), (2, "Looms"));
        assert_eq!(shirt.body["description"], "Soft & warm");
        assert_eq!(shirt.body["media"].as_array().unwrap().len(), 3);
        let variants = shirt.body["variants"].as_array().unwrap();
        let told: Vec<_> = variants.iter().map(|v| (v["sku"].as_str().unwrap(), v["price"]["amount"].as_i64().unwrap())).collect();
        assert_eq!(told, [("S1", 129_950), ("S1-2", 139_900)]);
        assert_eq!(variants[1]["options"], json!({"size": "L"}));
        let hat = found[1].as_ref().unwrap();
        assert_eq!(hat.body["variants"][0]["options"], json!({}));
        assert_eq!(hat.body["variants"][0]["sku"], "hat-1");
    }

    #[test]
    fn a_bad_row_names_its_line_and_column_and_spoils_only_its_product() {
        let found = read("a,A,,,,,,,,,,ten,\nb,B,,,,,,,,,many,5,\n,C,,,,,,,,,,5,\nd,,,,,,,,,,,5,\ne,E,,,,,,,,,,5,\n");
        let told: Vec<_> = found.iter().map(|f| f.as_ref().map(|p| p.line).map_err(|e| (e[0].line, e[0].column.clone()))).collect();
        let column = |line, name: &str| Err((line, name.to_owned()));
        assert_eq!(told, [column(2, "Variant Price"), column(3, "Variant Inventory Qty"), column(4, "Handle"), column(5, "Title"), Ok(6)]);
    }

    #[test]
    fn a_file_without_the_columns_is_refused() {
        let error = Reader::new("Handle,Title\n".as_bytes(), Currency::BDT).err().unwrap();
        assert_eq!(error.column, "Variant Price");
    }
}
