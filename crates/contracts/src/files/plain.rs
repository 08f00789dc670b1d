//! Plain product CSV: a row per variant, joined by `handle`. What is said of the product stands in its first row, and
//! may be said again in the others. A row without a price is a further picture.

use std::io::Read;

use serde_json::{Map, Value as Json, json};

use super::{Apart, By, FileProduct, Row, RowError, Table};
use crate::Currency;

/// The columns without which it is not a file of products.
const REQUIRED: [&str; 3] = ["handle", "title", "price"];
/// Said once for a product.
const OF_PRODUCT: [&str; 6] = ["title", "description", "category", "brand", "kind", "status"];
/// Said for each variant.
const OF_VARIANT: [&str; 7] = ["sku", "price", "currency", "compare_at_price", "weight_grams", "stock", "image_url"];
/// How many options a variant has.
const OPTIONS_MAX: usize = 10;

/// Goes through a plain CSV product by product; never holds more than one.
pub struct PlainCsv<R: Read> {
    table: Table<R>,
    currency: Currency,
}

/// The rows of a handle are a product.
const BY: By = By { name: "handle", within: None };

impl<R: Read> PlainCsv<R> {
    /// Reads the header. Prices are in the row's `currency`, or in this one where it names none.
    pub fn new(input: R, currency: Currency) -> Result<PlainCsv<R>, RowError> {
        let table = Table::new(input, "a file of products", &REQUIRED, BY)?;
        match table.columns().iter().find(|name| !is_known(name)) {
            Some(strange) => Err(RowError::new(1, strange, "no such column; what a file says of its own begins with attr.")),
            None => Ok(PlainCsv { table, currency }),
        }
    }

    /// As [`PlainCsv::new`], of a file that has columns of others besides: those are left out.
    pub fn among_others(input: R, currency: Currency) -> Result<PlainCsv<R>, RowError> {
        Ok(PlainCsv { table: Table::new(input, "a file of products", &REQUIRED, BY)?, currency })
    }

    /// Goes through all of it and says which products' rows do not stand together.
    pub fn apart(self) -> Apart {
        self.table.apart()
    }

    /// Refuses these products.
    pub fn refusing(self, apart: Apart) -> PlainCsv<R> {
        PlainCsv { table: self.table.refusing(apart), ..self }
    }

    /// Bytes of the file that have been read.
    pub fn position(&self) -> u64 {
        self.table.position()
    }

    fn join(&self, rows: &[Row]) -> Result<FileProduct, Vec<RowError>> {
        let Some(first) = rows.first() else { return Err(Vec::new()) };
        let handle = self.table.cell(first, "handle").to_owned();
        let mut errors = Vec::new();
        let mut body = self.words(rows, &mut errors);
        let (mut variants, mut variant_lines, mut pictures) = (Vec::new(), Vec::new(), Vec::<&str>::new());
        for row in rows {
            let picture = self.table.cell(row, "image_url");
            if !picture.is_empty() && !pictures.contains(&picture) {
                pictures.push(picture);
            }
            if self.is_picture_only(row) {
                continue;
            }
            match self.variant(row, first, (&handle, variants.len() + 1)) {
                Ok(variant) => variants.push(variant),
                Err(e) => errors.push(e),
            }
            variant_lines.push(row.line);
        }
        if variants.is_empty() && errors.is_empty() {
            errors.push(RowError::new(first.line, "price", "a product has at least one row with a price"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        body.insert("handle".into(), handle.clone().into());
        body.insert("media".into(), pictures.into_iter().map(|url| json!({ "url": url })).collect());
        body.insert("variants".into(), variants.into());
        Ok(FileProduct { line: first.line, handle, vendor: String::new(), body: body.into(), variant_lines })
    }

    /// What is said of the product as a whole.
    fn words(&self, rows: &[Row], errors: &mut Vec<RowError>) -> Map<String, Json> {
        let (mut body, mut attributes) = (Map::new(), Map::new());
        for column in self.table.columns() {
            let attribute = column.strip_prefix("attr.");
            if attribute.is_none() && !OF_PRODUCT.contains(&column.as_str()) {
                continue;
            }
            let Some(value) = self.said_once(rows, column, errors) else { continue };
            match attribute {
                Some(name) => attributes.insert(name.to_owned(), value.into()),
                None => body.insert(column.clone(), value.into()),
            };
        }
        if let Some(first) = rows.first().filter(|row| self.table.cell(row, "title").is_empty()) {
            errors.push(RowError::new(first.line, "title", "the first row of a product has a title"));
        }
        body.insert("attributes".into(), attributes.into());
        body
    }

    /// The value that the first row has in a column; later rows have it too, or none. Words of a few are checked here, to name the line.
    fn said_once<'a>(&self, rows: &'a [Row], column: &str, errors: &mut Vec<RowError>) -> Option<&'a str> {
        let first = rows.first()?;
        let value = self.table.cell(first, column);
        let differs = |row: &&Row| !["", value].contains(&self.table.cell(row, column));
        for row in rows.iter().filter(differs) {
            let reason = format!("differs from the product's first row, in line {}", first.line);
            errors.push(RowError::new(row.line, column, reason));
        }
        let allowed: &[&str] = match column {
            "kind" => &["physical", "digital", "course"],
            "status" => &["draft", "published", "archived"],
            _ => &[],
        };
        if !value.is_empty() && !allowed.is_empty() && !allowed.contains(&value) {
            errors.push(RowError::new(first.line, column, format!("expected one of {}, found {value:?}", allowed.join(", "))));
        }
        (!value.is_empty()).then_some(value)
    }

    fn is_picture_only(&self, row: &Row) -> bool {
        let empty = |column: &str| self.table.cell(row, column).is_empty();
        !empty("image_url") && ["sku", "price", "compare_at_price", "stock"].into_iter().all(empty)
    }

    fn variant(&self, row: &Row, first: &Row, (handle, number): (&str, usize)) -> Result<Json, RowError> {
        let sku = self.table.cell(row, "sku");
        let sku = if sku.is_empty() { format!("{}-{number}", handle.chars().take(80).collect::<String>()) } else { sku.to_owned() };
        let currency = match self.table.cell(row, "currency") {
            "" => self.currency,
            text => text.parse::<Currency>().map_err(|e| RowError::new(row.line, "currency", e.to_string()))?,
        };
        let mut variant = json!({
            "sku": sku,
            "options": self.options(row, first)?,
            "price": self.table.money(row, "price", currency)?,
        });
        if !self.table.cell(row, "compare_at_price").is_empty() {
            variant["compareAtPrice"] = json!(self.table.money(row, "compare_at_price", currency)?);
        }
        if let Some(grams) = self.number(row, "weight_grams")? {
            variant["weightGrams"] = grams.into();
        }
        if let Some(on_hand) = self.number(row, "stock")? {
            variant["stock"] = json!([{ "onHand": on_hand }]);
        }
        Ok(variant)
    }

    fn options(&self, row: &Row, first: &Row) -> Result<Map<String, Json>, RowError> {
        let mut options = Map::new();
        for n in 1..=OPTIONS_MAX {
            let (named, valued) = (format!("option{n}_name"), format!("option{n}_value"));
            let own = self.table.cell(row, &named);
            let name = if own.is_empty() { self.table.cell(first, &named) } else { own };
            let value = self.table.cell(row, &valued);
            if value.is_empty() {
                continue;
            }
            if name.is_empty() {
                return Err(RowError::new(row.line, named, format!("{valued} is {value:?}, but no row before says of what")));
            }
            options.insert(name.to_owned(), value.into());
        }
        Ok(options)
    }

    fn number(&self, row: &Row, column: &str) -> Result<Option<i64>, RowError> {
        match self.table.cell(row, column) {
            "" => Ok(None),
            text => {
                let reason = || RowError::new(row.line, column, format!("expected a whole number, found {text:?}"));
                text.parse().map(Some).map_err(|_| reason())
            }
        }
    }
}

impl<R: Read> Iterator for PlainCsv<R> {
    type Item = Result<FileProduct, Vec<RowError>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.table.next_group()?.and_then(|rows| self.join(&rows)))
    }
}

fn is_known(column: &str) -> bool {
    let option = |end: &str| (1..=OPTIONS_MAX).any(|n| column == format!("option{n}_{end}"));
    let attribute = column.strip_prefix("attr.").is_some_and(|name| !name.is_empty());
    column == "handle" || OF_PRODUCT.contains(&column) || OF_VARIANT.contains(&column) || attribute || option("name") || option("value")
}

/// The column from which a member of a body came, such as `compare_at_price` for `/variants/1/compareAtPrice/amount`.
pub fn plain_column(pointer: &str) -> String {
    let parts: Vec<_> = pointer.split('/').skip(1).collect();
    let name = match parts.as_slice() {
        ["attributes", name, ..] => return format!("attr.{}", name.replace("~1", "/").replace("~0", "~")),
        ["categoryIds", ..] => "category",
        ["media", ..] => "image_url",
        ["variants", _, "price", "currency"] => "currency",
        ["variants", _, "price", ..] => "price",
        ["variants", _, "compareAtPrice", ..] => "compare_at_price",
        ["variants", _, "weightGrams"] => "weight_grams",
        ["variants", _, "stock", ..] => "stock",
        ["variants", _, "options", ..] => "option1_value",
        ["variants", _, "sku"] => "sku",
        [name] if *name == "handle" || OF_PRODUCT.contains(name) => name,
        _ => "",
    };
    name.to_owned()
}
