//! Files of products that stores send: what is in them, and how far they are.

use contracts::files::{FileProduct, PlainCsv, RowError, plain_column};
use contracts::{Currency, Time, VendorId};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;
use uuid::Uuid;

/// The most products of one file.
pub const UPLOAD_PRODUCTS_MAX: usize = 5_000;
/// The largest file, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many mistakes of a file are kept.
const MISTAKES_MAX: usize = 10_000;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain CSV, a row per variant.
    Csv,
    /// A product as JSON in each line.
    JsonLines,
}

impl Format {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::JsonLines => "jsonl",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Format> {
        [Format::Csv, Format::JsonLines].into_iter().find(|f| f.as_str() == text)
    }

    /// What the file calls the place of a body's member: a column, or the pointer itself.
    pub fn place(self, pointer: &str) -> String {
        match self {
            Format::Csv => plain_column(pointer),
            Format::JsonLines => pointer.to_owned(),
        }
    }
}

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// What can be looked at further.
    pub products: Vec<FileProduct>,
    /// How many products cannot even be read.
    pub failed: usize,
    /// Why they cannot.
    pub mistakes: Vec<RowError>,
}

/// Why a file is not taken at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It has other columns.
    #[error("line 1, column {:?}: {}", .0.column, .0.reason)]
    Header(RowError),
    /// It is no text.
    #[error("line {0} holds the character NUL (U+0000); a file is UTF-8 text, which UTF-16 is not")]
    Nul(usize),
    /// It holds no product.
    #[error("the file holds no product")]
    Empty,
    /// It holds too many.
    #[error("a file holds at most {UPLOAD_PRODUCTS_MAX} products; send several")]
    TooMany,
}

/// Reads a file whose prices are in `currency` where they do not say.
pub fn read_upload(format: Format, bytes: &[u8], currency: Currency) -> Result<Upload, Unreadable> {
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        return Err(Unreadable::Nul(1 + bytes[..at].iter().filter(|b| **b == b'\n').count()));
    }
    let mut upload = Upload::default();
    match format {
        Format::Csv => {
            let file = || PlainCsv::new(bytes, currency).map_err(Unreadable::Header);
            let apart = file()?.apart();
            file()?.refusing(apart).try_for_each(|found| upload.take(found))?;
        }
        Format::JsonLines => json_lines(bytes).try_for_each(|found| upload.take(found))?,
    }
    if upload.products.is_empty() && upload.failed == 0 { Err(Unreadable::Empty) } else { Ok(upload) }
}

impl Upload {
    fn take(&mut self, found: Result<FileProduct, Vec<RowError>>) -> Result<(), Unreadable> {
        match found {
            Ok(product) => self.products.push(product),
            Err(mistakes) => {
                self.failed += 1;
                let room = MISTAKES_MAX.saturating_sub(self.mistakes.len());
                self.mistakes.extend(mistakes.into_iter().take(room));
            }
        }
        if self.products.len() + self.failed > UPLOAD_PRODUCTS_MAX { Err(Unreadable::TooMany) } else { Ok(()) }
    }
}

fn json_lines(bytes: &[u8]) -> impl Iterator<Item = Result<FileProduct, Vec<RowError>>> {
    let lines = (1_u64..).zip(bytes.split(|b| *b == b'\n')).map(|(line, text)| (line, text.trim_ascii()));
    lines.filter(|(_, text)| !text.is_empty()).map(|(line, text)| {
        let members = serde_json::from_slice::<Map<String, Json>>(text);
        let members = members.map_err(|e| vec![RowError::new(line, "", format!("expected a product as JSON: {e}"))])?;
        let members = Json::Object(members);
        if let Some(place) = kit::nul_in(&members) {
            return Err(vec![RowError::new(line, place, kit::NUL_REFUSED)]);
        }
        let word = |name: &str| members.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (handle, vendor) = (word("handle"), word("vendorName"));
        Ok(FileProduct { line, handle, vendor, body: members, variant_lines: Vec::new() })
    })
}

/// How far a file is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadJob {
    /// The job.
    pub id: Uuid,
    /// Into which store its products go.
    pub vendor_id: VendorId,
    /// Whether it is only looked at: what would be done is counted, and nothing is changed.
    pub dry_run: bool,
    /// `running` or `completed`.
    pub status: String,
    /// How many products the file holds.
    pub total: i64,
    /// How many of them were gone through.
    pub done: i64,
    /// How many are new.
    pub created: i64,
    /// How many changed.
    pub updated: i64,
    /// How many were there as they are.
    pub unchanged: i64,
    /// How many could not be taken; see `report`.
    pub failed: i64,
    /// When it was sent.
    pub created_at: Time,
    /// When it last moved.
    pub updated_at: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, text: &str) -> Result<Upload, Unreadable> {
        read_upload(format, text.as_bytes(), Currency::BDT)
    }

    #[test]
    fn lines_are_products_or_mistakes() {
        let upload =
            read(Format::JsonLines, "{\"handle\": \"a\"}\r\n\n[]\n{\"handle\":\n{\"title\": \"b\"}\n{\"title\": \"\\u0000\"}").unwrap();
        let told: Vec<_> = upload.products.iter().map(|p| (p.line, p.handle.as_str())).collect();
        assert_eq!(told, [(1, "a"), (5, "")]);
        assert_eq!(upload.mistakes.iter().map(|m| m.line).collect::<Vec<_>>(), [3, 4, 6]);
        assert_eq!((upload.failed, upload.mistakes[2].column.as_str()), (3, "/title"));
    }

    #[test]
    fn a_product_whose_rows_stand_apart_is_not_taken_at_all() {
        let rows = "handle,title,sku,price\nv,V,V1,1\nu,U,U1,1\nv,V,V2,2\n";
        let upload = read(Format::Csv, rows).unwrap();
        assert_eq!(upload.products.iter().map(|p| p.handle.as_str()).collect::<Vec<_>>(), ["u"]);
        assert_eq!(upload.mistakes.iter().map(|m| (m.line, m.column.as_str())).collect::<Vec<_>>(), [(2, "handle"), (4, "handle")]);
    }

    #[test]
    fn files_that_are_none_or_too_large_are_refused() {
        assert_eq!(read(Format::JsonLines, " \n").err(), Some(Unreadable::Empty));
        assert_eq!(read(Format::Csv, "handle,title,price\na,b\0,1").err(), Some(Unreadable::Nul(2)));
        assert_eq!(read(Format::Csv, "handle,title,price\n").err(), Some(Unreadable::Empty));
        assert!(matches!(read(Format::Csv, "handle,title\n").err(), Some(Unreadable::Header(e)) if e.column == "price"));
        let many = "{}\n".repeat(UPLOAD_PRODUCTS_MAX + 1);
        assert_eq!(read(Format::JsonLines, &many).err(), Some(Unreadable::TooMany));
    }
}
