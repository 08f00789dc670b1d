//! Writes what the platform holds so that an import takes it again.

pub mod events;
mod orders;
mod output;
mod products;

use output::Output;

pub use orders::{COLUMNS as ORDER_COLUMNS, orders};
pub use products::{ProductFormat, products};

/// Rows of a page, as they are asked for.
const PAGE: i64 = 200;
