//! What lists of products can be narrowed to.

use axum::extract::Query;
use axum::http::Uri;
use contracts::VendorId;
use kit::Problem;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::{IntoParams, ToSchema};

use crate::domain::{Kind, Status};
use crate::store::Sort;

/// How many attributes a list can be narrowed to.
const ATTRIBUTES_MAX: usize = 10;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// 1 to 100; 20 where left out.
    pub limit: Option<i64>,
    /// Of the page before.
    pub cursor: Option<String>,
    /// In this category, by id or slug, or below it.
    pub category: Option<String>,
    /// Of this store only.
    pub vendor_id: Option<VendorId>,
    /// Of this kind only.
    pub kind: Option<Kind>,
    /// Where a variant costs at least this, in minor units.
    pub min_price: Option<i64>,
    /// Where a variant costs at most this, in minor units.
    pub max_price: Option<i64>,
    /// Of this brand only.
    pub brand: Option<String>,
    /// Whether it can be bought now. An attribute is asked for as `attr.<name>=<value>`, up to ten of them.
    pub in_stock: Option<bool>,
    /// `newest`, `price` or `-price`.
    #[param(inline)]
    pub sort: Option<SortParam>,
    /// `published` where left out; the others are of the caller's own stores.
    pub status: Option<Status>,
}

/// In which order a list stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(super) enum SortParam {
    /// Newest first.
    #[serde(rename = "newest")]
    Newest,
    /// Cheapest first.
    #[serde(rename = "price")]
    Price,
    /// Dearest first.
    #[serde(rename = "-price")]
    PriceDown,
}

impl From<SortParam> for Sort {
    fn from(sort: SortParam) -> Sort {
        match sort {
            SortParam::Newest => Sort::Newest,
            SortParam::Price => Sort::Price,
            SortParam::PriceDown => Sort::PriceDown,
        }
    }
}

/// The parameters of a query string, and the attributes it asks for.
pub(super) fn parsed(query: &str) -> Result<(ListParams, Vec<(String, String)>), Problem> {
    kit::http::refuse_in_query(query)?;
    // Attributes have any name: they are taken out before the rest is read as what it must be.
    let mut rest = Vec::new();
    let mut attributes = Vec::new();
    for part in query.split('&').filter(|p| !p.is_empty()) {
        let pairs: Vec<(String, String)> = read(part)?;
        match pairs.into_iter().next() {
            Some((name, value)) if name.starts_with("attr.") => attributes.push((name["attr.".len()..].to_owned(), value)),
            _ => rest.push(part),
        }
    }
    let params: ListParams = read(&rest.join("&"))?;
    if attributes.len() > ATTRIBUTES_MAX || !attributes.iter().all(|(name, _)| is_name(name)) {
        return Err(invalid(
            "at most ten attributes, each as attr.<name>=<value>; no name begins with $ or [ or holds a quotation mark or a backslash",
        ));
    }
    let (low, high) = (params.min_price.unwrap_or(0), params.max_price.unwrap_or(i64::MAX));
    if low < 0 || high < low {
        return Err(invalid("minPrice is not below 0, and maxPrice not below minPrice"));
    }
    attributes.sort();
    Ok((params, attributes))
}

/// Whether databases take it for the name of a member: SQLite reads paths, and marks within names, where PostgreSQL does not.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['$', '[']) && !name.contains(['"', '\\']) && !name.contains(char::is_control)
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let uri = Uri::builder().path_and_query(format!("/?{query}")).build().map_err(|e| invalid(&e.to_string()))?;
    Query::<T>::try_from_uri(&uri).map(|q| q.0).map_err(|e| invalid(&e.body_text()))
}

fn invalid(detail: &str) -> Problem {
    Problem::bad_request("invalid_query", format!("the query string does not fit: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_any_name_and_the_rest_is_what_it_must_be() {
        let (params, attributes) = parsed("limit=3&attr.sleeve%20length=7%2F8&sort=-price&attr.fabric=cotton&inStock=true").unwrap();
        assert_eq!((params.limit, params.in_stock), (Some(3), Some(true)));
        let expected = [("fabric", "cotton"), ("sleeve length", "7/8")];
        assert_eq!(attributes, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        for bad in
            ["sort=rating", "colour=red", "limit=x", "limit=1&limit=2", "attr.=x", "minPrice=5&maxPrice=4", "minPrice=-1", "inStock=2"]
        {
            assert_eq!(parsed(bad).err().map(|p| p.code), Some("invalid_query"), "{bad}");
        }
        assert!(parsed("").is_ok());
    }
}
