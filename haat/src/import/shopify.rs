//! Reads Shopify's product CSV: a row per variant or further picture, joined by `Handle`.
//! Columns: <https://help.shopify.com/en/manual/products/import-export/using-csv>.

use std::io::Read;

use contracts::files::{Apart, By, FileProduct, Row, RowError, Table};
use contracts::{Currency, Money};
use serde_json::{Map, Value as Json, json};

/// Goes through a file product by product; never holds more than one.
pub struct Reader<R: Read> {
    table: Table<R>,
    currency: Currency,
}

/// The columns without which it is not a Shopify file.
const REQUIRED: [&str; 3] = ["Handle", "Title", "Variant Price"];
/// The rows of a handle are a product.
const BY: By = By { name: "Handle", within: None };

impl<R: Read> Reader<R> {
    /// Reads the header. Prices are in `currency`.
    pub fn new(input: R, currency: Currency) -> Result<Reader<R>, RowError> {
        Ok(Reader { table: Table::new(input, "a Shopify product file", &REQUIRED, BY)?, currency })
    }

    /// Goes through all of it and says which products' rows do not stand together.
    pub fn apart(self) -> Apart {
        self.table.apart()
    }

    /// Refuses these products.
    pub fn refusing(self, apart: Apart) -> Reader<R> {
        Reader { table: self.table.refusing(apart), ..self }
    }

    fn cell<'a>(&self, row: &'a Row, column: &str) -> &'a str {
        self.table.cell(row, column)
    }

    fn join(&self, rows: &[Row]) -> Result<FileProduct, Vec<RowError>> {
        let Some(first) = rows.first() else { return Err(Vec::new()) };
        let mut errors = Vec::new();
        let handle = self.cell(first, "Handle");
        if self.cell(first, "Title").is_empty() {
            errors.push(RowError::new(first.line, "Title", "the first row of a product has a title"));
        }
        let ships = !self.cell(first, "Variant Requires Shipping").eq_ignore_ascii_case("false");
        let names: Vec<&str> = OPTIONS.iter().map(|n| self.cell(first, &format!("{n} Name"))).collect();
        let (mut variants, mut variant_lines, mut media) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let picture = self.cell(row, "Image Src");
            if !picture.is_empty() {
                media.push(json!({"url": picture, "alt": self.cell(row, "Image Alt Text")}));
            }
            if !self.cell(row, "Variant Price").is_empty() {
                let place = variants.len();
                variant_lines.push(row.line);
                match self.variant(row, (handle, ships), &names, place) {
                    Ok(variant) => variants.push(variant),
                    Err(e) => errors.push(e),
                }
            }
        }
        if variants.is_empty() && errors.is_empty() {
            errors.push(RowError::new(first.line, "Variant Price", "a product has at least one row with a price"));
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
        Ok(FileProduct { line: first.line, handle: handle.to_owned(), vendor, body, variant_lines })
    }

    fn attributes(&self, first: &Row) -> Map<String, Json> {
        let columns = [("Type", "type"), ("Tags", "tags"), ("Google Shopping / Gender", "gender")];
        let filled = columns.iter().map(|(column, name)| (*name, self.cell(first, column))).filter(|(_, v)| !v.is_empty());
        filled.map(|(name, value)| (name.to_owned(), Json::from(value))).collect()
    }

    fn variant(&self, row: &Row, (handle, ships): (&str, bool), names: &[&str], place: usize) -> Result<Json, RowError> {
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
        let stock = self.number(row, "Variant Inventory Qty")?.max(0);
        Ok(json!({
            "sku": sku,
            "options": options,
            "price": self.money(row, "Variant Price")?,
            "compareAtPrice": if self.cell(row, "Variant Compare At Price").is_empty() { Json::Null } else { json!(self.money(row, "Variant Compare At Price")?) },
            "weightGrams": self.number(row, "Variant Grams")?.max(0),
            "stock": if ships { json!([{"onHand": stock}]) } else { json!([]) },
        }))
    }

    fn money(&self, row: &Row, column: &str) -> Result<Money, RowError> {
        self.table.money(row, column, self.currency)
    }

    fn number(&self, row: &Row, column: &str) -> Result<i64, RowError> {
        let text = self.cell(row, column);
        if text.is_empty() {
            return Ok(0);
        }
        let reason = || RowError::new(row.line, column, format!("expected a whole number, found {text:?}"));
        text.parse::<f64>().ok().filter(|n| n.is_finite() && n.abs() < 1e12).map(|n| n.round() as i64).ok_or_else(reason)
    }
}

const OPTIONS: [&str; 3] = ["Option1", "Option2", "Option3"];

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<FileProduct, Vec<RowError>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.table.next_group()?.and_then(|rows| self.join(&rows)))
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

/// The words of a piece of HTML: tags become breaks, entities what they stand for.
fn plain_text(html: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(html.len()), html);
    while let Some(place) = rest.find('<') {
        out.push_str(&rest[..place]);
        rest = &rest[place..];
        match tag(rest) {
            Some(length) => {
                out.push(' ');
                rest = &rest[length..];
            }
            None => {
                out.push('<');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    html_escape::decode_html_entities(&out).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How long the tag is that a text begins with: with what nobody is to read behind it; `None` where `<` is only less.
fn tag(text: &str) -> Option<usize> {
    let inner = &text[1..];
    if inner.starts_with("!--") {
        return text.find("-->").map(|place| place + 3);
    }
    let name = inner.strip_prefix('/').unwrap_or(inner);
    if !inner.starts_with('!') && !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let mut quote = None;
    let ends = |c: char| {
        match quote {
            Some(open) if open == c => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            _ => {}
        }
        quote.is_none() && c == '>'
    };
    // A quote that nobody closes is none.
    let end = text.find(ends).or_else(|| text.find('>'))? + 1;
    let unread = ["script", "style"].into_iter().find(|tag| {
        let (begin, behind) = (inner.get(..tag.len()), inner.as_bytes().get(tag.len()));
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(tag)) && !behind.is_some_and(u8::is_ascii_alphanumeric)
    });
    let closed = unread.and_then(|tag| text[end..].to_ascii_lowercase().find(&format!("</{tag}")));
    Some(closed.map_or(end, |place| end + place))
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
    fn no_word_of_a_description_is_lost() {
        let cases = [
            ("For kids < 3 years, and > 1", "For kids < 3 years, and > 1"),
            ("I <3 it <b>a lot</b><br/>x<y", "I <3 it a lot x<y"),
            ("caf&eacute; it&#8217;s &#x2714; &lt;b&gt; &amp;amp; &unknown; a&nbsp;b", "café it’s ✔ <b> &amp; &unknown; a b"),
            ("<a title=\"a > b\" href='x'>link</a> <!-- not > this --> <p class=it's>end", "link end"),
            ("<STYLE>p > a {}</STYLE>one<script>if (a<b) {}</script> two <strong>three", "one two three"),
            ("রহিম <p>দোকান</p> 5 <", "রহিম দোকান 5 <"),
            ("<script>never closed", "never closed"),
        ];
        for (html, expected) in cases {
            assert_eq!(plain_text(html), expected, "{html}");
        }
    }

    #[test]
    fn a_file_without_the_columns_is_refused() {
        let error = Reader::new("Handle,Title\n".as_bytes(), Currency::BDT).err().unwrap();
        assert_eq!(error.column, "Variant Price");
    }
}
