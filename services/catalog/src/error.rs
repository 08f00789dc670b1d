use contracts::VariantId;
use kit::problem::FieldError;
use kit::{DbError, Problem};

use crate::domain::{Refused, Status};

/// What can go wrong in the catalog.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such product, or not one that the caller may see.
    #[error("no such product")]
    NoProduct,
    /// No such variant, in this product.
    #[error("no such variant")]
    NoVariant,
    /// No such warehouse.
    #[error("no such warehouse")]
    NoWarehouse,
    /// No such warehouse, or not one that the caller may see.
    #[error("no such warehouse")]
    UnknownWarehouse,
    /// No such variant, in this product, where the address names it.
    #[error("no such variant")]
    UnknownVariant,
    /// No such picture, of this product.
    #[error("no such picture")]
    NoPicture,
    /// Another variant of the product has this sku.
    #[error("another variant of the product has this sku")]
    SkuTaken,
    /// A product without variants cannot be bought.
    #[error("a product keeps at least one variant; archive the product instead")]
    LastVariant,
    /// A product's life does not lead there.
    #[error("a product that is {} does not become {}", from.as_str(), to.as_str())]
    IllegalStatus {
        /// What it is.
        from: Status,
        /// What was asked for.
        to: Status,
    },
    /// No such category.
    #[error("no such category")]
    NoCategory,
    /// Another category has this slug.
    #[error("another category has this slug")]
    SlugTaken,
    /// Products or categories lie in it.
    #[error("products or categories lie in it; move them first")]
    NotEmpty,
    /// Another warehouse has this code.
    #[error("another warehouse has this code")]
    CodeTaken,
    /// Seen, but somebody else's to change.
    #[error("{0}")]
    NotYours(&'static str),
    /// It has changed since the caller read it.
    #[error("it has changed")]
    Stale(Problem),
    /// There are as many as there may be.
    #[error("{0}")]
    TooMany(&'static str),
    /// Digital goods and courses never run out.
    #[error("this product has no stock to count")]
    NoStock,
    /// There is nothing to wait for.
    #[error("it can be bought now")]
    InStock,
    /// The product has several variants, and none was named.
    #[error("name a variant: the product has several")]
    VariantNeeded,
    /// The caller acts for several stores, and named none.
    #[error("you act for several stores: name one as vendorId")]
    StoreNeeded,
    /// The caller has no store, or not this one.
    #[error("no such store")]
    NoStore,
    /// Fields that do not make a product.
    #[error("invalid product")]
    Invalid(Vec<FieldError>),
    /// The store has a product with this handle already.
    #[error("the store has a product with this handle")]
    HandleTaken,
    /// Stock would fall below what is reserved.
    #[error("stock would fall below what is reserved")]
    BelowReserved,
    /// Not everything asked for is there; nothing is held.
    #[error("out of stock")]
    OutOfStock(Vec<Shortage>),
    /// The reservation was given back before it was made.
    #[error("the reservation was released before it was made")]
    ReleasedBefore,
    /// Only what is held for good can be shipped.
    #[error("the reservation is not committed")]
    NotCommitted,
    /// More would come back than has left.
    #[error("variant {0} was not shipped so often")]
    NotShipped(VariantId),
    /// Another service did not answer.
    #[error("{0} did not answer")]
    Unreachable(&'static str),
    /// No such file, or not one of the caller's.
    #[error("no such upload")]
    NoUpload,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A line that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What was asked for.
    pub variant_id: VariantId,
    /// How many.
    pub requested: i64,
    /// How many there are.
    pub available: i64,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        match refused {
            Refused::NotCommitted => Error::NotCommitted,
            Refused::NotShipped(variant) => Error::NotShipped(variant),
        }
    }
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        let text = e.to_string();
        match e {
            Error::NoProduct => Problem::not_found("product"),
            Error::NoVariant => Problem::unprocessable("unknown_variant", "this product has no such variant"),
            Error::NoWarehouse => Problem::unprocessable("unknown_warehouse", "there is no such warehouse"),
            Error::UnknownWarehouse => Problem::not_found("warehouse"),
            Error::UnknownVariant => Problem::not_found("variant"),
            Error::NoPicture => Problem::not_found("picture"),
            Error::SkuTaken => Problem::conflict("sku_taken", text),
            Error::LastVariant => Problem::conflict("last_variant", text),
            Error::IllegalStatus { from, .. } => Problem::conflict("illegal_transition", text).with("allowed", from.next()),
            Error::NoCategory => Problem::not_found("category"),
            Error::SlugTaken => Problem::conflict("slug_taken", text),
            Error::NotEmpty => Problem::conflict("not_empty", text),
            Error::CodeTaken => Problem::conflict("code_taken", text),
            Error::NotYours(_) => Problem::forbidden(text),
            Error::Stale(problem) => problem,
            Error::TooMany(_) => Problem::conflict("too_many", text),
            Error::NoStock => Problem::unprocessable("no_stock", text),
            Error::InStock => Problem::conflict("in_stock", text),
            Error::VariantNeeded => Problem::unprocessable("variant_needed", text),
            Error::StoreNeeded => Problem::unprocessable("vendor_id_needed", text),
            Error::NoStore => Problem::not_found("store"),
            Error::Invalid(errors) => Problem::invalid(errors),
            Error::HandleTaken => Problem::conflict("handle_taken", "the store has another product with this handle"),
            Error::BelowReserved => Problem::conflict("below_reserved", "fewer would be on hand than are reserved for orders"),
            Error::OutOfStock(_) => Problem::conflict("out_of_stock", text),
            Error::ReleasedBefore => Problem::conflict("reservation_released", text),
            Error::NotCommitted => Problem::conflict("reservation_not_committed", text),
            Error::NotShipped(_) => Problem::conflict("not_shipped", text),
            Error::Unreachable(_) => Problem::unavailable("unavailable", text),
            Error::NoUpload => Problem::not_found("upload"),
            Error::Db(e) => e.into(),
        }
    }
}
