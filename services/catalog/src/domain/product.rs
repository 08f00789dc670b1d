//! What a product is.

use contracts::{CategoryId, Money, ProductId, Time, VariantId, VendorId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

/// How a product is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Ships from a warehouse.
    Physical,
    /// Delivered at confirmation; never out of stock.
    Digital,
    /// Enrols the buyer; never out of stock.
    Course,
}

impl Kind {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Physical => "physical",
            Kind::Digital => "digital",
            Kind::Course => "course",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Kind> {
        [Kind::Physical, Kind::Digital, Kind::Course].into_iter().find(|k| k.as_str() == text)
    }
}

/// Where a product is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Seen by its store only.
    Draft,
    /// For sale.
    Published,
    /// No longer for sale.
    Archived,
}

impl Status {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Published => "published",
            Status::Archived => "archived",
        }
    }

    /// Whether anybody may see lists that are narrowed to it: to what is for sale, also where nothing is said.
    pub fn is_public(narrowed_to: Option<Status>) -> bool {
        matches!(narrowed_to, None | Some(Status::Published))
    }

    /// What it can become. What was taken from sale is looked at again before it is sold again.
    pub fn next(self) -> &'static [Status] {
        match self {
            Status::Draft => &[Status::Published, Status::Archived],
            Status::Published => &[Status::Draft, Status::Archived],
            Status::Archived => &[Status::Draft],
        }
    }
}

/// A title of options such as `M / Blue`; `Default` where there are none.
pub fn option_title(options: &Map<String, Json>) -> String {
    let values: Vec<_> = options.values().filter_map(Json::as_str).collect();
    if values.is_empty() { "Default".into() } else { values.join(" / ") }
}

/// The longest slug, in characters.
const SLUG_MAX: usize = 80;

/// A name fit for addresses: lower-case letters and digits of any script, joined by hyphens.
pub fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let mut out = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    if out.chars().count() > SLUG_MAX {
        out = out.chars().take(SLUG_MAX).collect();
    }
    out
}

/// A slug with a number behind it, cut where it would be too long with that.
pub fn numbered_slug(slug: &str, n: usize) -> String {
    let number = format!("-{n}");
    let kept: String = slug.chars().take(SLUG_MAX - number.len()).collect();
    format!("{}{number}", kept.trim_end_matches('-'))
}

/// A product as everybody sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The product.
    pub id: ProductId,
    /// Its name in addresses.
    pub slug: String,
    /// How it is delivered.
    pub kind: Kind,
    /// Where it is in its life.
    pub status: Status,
    /// Its store.
    pub vendor_id: VendorId,
    /// Its store's name.
    pub vendor_name: String,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Who makes it.
    pub brand: Option<String>,
    /// Where it is filed.
    pub category_ids: Vec<CategoryId>,
    /// Names and values.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Json>,
    /// Pictures.
    pub media: Vec<Media>,
    /// What can be bought.
    pub variants: Vec<Variant>,
    /// What buyers think.
    pub rating: Rating,
    /// For entity tags.
    #[serde(skip)]
    pub version: i64,
    /// When it came into being.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl Product {
    /// With its pictures' addresses in full: those of this platform are kept as paths, since where it answers may change.
    pub fn located(mut self, public_url: &str) -> Product {
        self.media.iter_mut().for_each(|m| *m = std::mem::take(m).located(public_url));
        self
    }
}

impl Media {
    /// With its address in full.
    pub fn located(self, public_url: &str) -> Media {
        let url = if self.url.starts_with('/') { format!("{public_url}{}", self.url) } else { self.url };
        Media { url, ..self }
    }
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// The picture.
    pub id: uuid::Uuid,
    /// Where it is.
    pub url: String,
    /// What it shows.
    pub alt: String,
}

/// What can be bought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// The variant.
    pub id: VariantId,
    /// The store's own number.
    pub sku: String,
    /// Such as `M / Blue`.
    pub title: String,
    /// Size, colour, ….
    #[schema(value_type = Object)]
    pub options: Map<String, Json>,
    /// What it costs.
    pub price: Money,
    /// What it cost before.
    pub compare_at_price: Option<Money>,
    /// For shipping.
    pub weight_grams: i64,
    /// How many can be bought now; null where it never runs out.
    pub available: Option<i64>,
}

/// What buyers think.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rating {
    /// 1 to 5; null without ratings.
    pub average: Option<f64>,
    /// How many.
    pub count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_keep_letters_of_any_script() {
        let cases = [("Red  Shirt!", "red-shirt"), ("Ärmel 3/4", "ärmel-3-4"), ("--", "")];
        for (title, expected) in cases {
            assert_eq!(slug(title), expected);
        }
    }

    #[test]
    fn a_number_has_room_behind_every_slug() {
        let cut = |n: usize| format!("{}-{}", "x".repeat(n), "y".repeat(79 - n));
        let cases = [
            ("shirts".to_owned(), 2, "shirts-2".to_owned()),
            (cut(40), 12, format!("{}-{}-12", "x".repeat(40), "y".repeat(36))),
            (cut(77), 2, format!("{}-2", "x".repeat(77))),
        ];
        for (from, n, expected) in cases {
            assert_eq!(numbered_slug(&from, n), expected);
            assert_eq!(slug(&expected), expected, "it is a slug");
        }
    }
}
