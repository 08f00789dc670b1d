//! Products in files: which rows are one product, what body they make, and why a row cannot be taken.

mod bytes;
mod plain;
mod table;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use bytes::{page, size};
pub use plain::{PlainCsv, plain_column};
pub use table::{Apart, By, Row, Table};

/// Why a row cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RowError {
    /// Line in the file, from 1, where the row begins.
    pub line: u64,
    /// The column's name; empty where it is the whole row.
    pub column: String,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

impl RowError {
    /// What is wrong in a line's column.
    pub fn new(line: u64, column: impl Into<String>, reason: impl Into<String>) -> RowError {
        RowError { line, column: column.into(), reason: reason.into() }
    }
}

/// A product as a file gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileProduct {
    /// Line of its first row.
    pub line: u64,
    /// Its name within its store.
    pub handle: String,
    /// Whose it is, where the file says so; empty where it does not.
    pub vendor: String,
    /// What an import takes: a product as `POST /products` takes it; `category` may name where it is filed.
    pub body: Json,
    /// The line of each variant, in the body's order; empty where all is in one line.
    pub variant_lines: Vec<u64>,
}

impl FileProduct {
    /// The line where something of the body stands, such as `/variants/1/price`.
    pub fn line_of(&self, pointer: &str) -> u64 {
        let mut parts = pointer.split('/').skip(1);
        let variant = (parts.next() == Some("variants")).then(|| parts.next()?.parse::<usize>().ok()).flatten();
        variant.and_then(|place| self.variant_lines.get(place)).copied().unwrap_or(self.line)
    }
}
