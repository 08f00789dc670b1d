//! The goods of the demo marketplace: invented, and the same at every start.

use contracts::{Currency, Money};
use serde_json::{Value as Json, json};

use super::categories::Shelves;
use super::pictures::{Colour, Ground, PATTERNS, Picture, View};

/// A store with what it sells.
pub struct DemoStore {
    /// Its name in addresses.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How its goods are delivered.
    pub kind: &'static str,
    /// What one can choose.
    pub options: Options,
    /// Lowest and highest price, in taka.
    pub prices: (i64, i64),
    /// What its goods are coloured with.
    pub colours: &'static [Colour],
    /// What it makes.
    pub nouns: &'static [Noun],
    /// In which ways it makes each of them.
    pub qualities: &'static [&'static str],
}

/// A kind of thing.
pub struct Noun {
    /// What it is called.
    pub name: &'static str,
    /// What is drawn.
    pub motif: &'static str,
    /// What is said of it.
    pub words: &'static str,
}

/// What one can choose of a product.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Options {
    None,
    Sizes,
    Colours,
    SizesAndColours,
    Weights,
}

const SIZES: &[&str] = &["S", "M", "L", "XL"];
const WEIGHTS: &[&str] = &["100 g", "250 g", "500 g"];

/// One of a store's products.
struct Product<'a> {
    store: &'a DemoStore,
    noun: &'a Noun,
    quality: &'a str,
    /// Its place in the store.
    number: usize,
}

impl DemoStore {
    /// The store's products, as `POST /products` takes them; part of the stock lies in a second warehouse.
    pub fn products(&self, second_warehouse: &str, shelves: &Shelves) -> Vec<Json> {
        let each = self.nouns.iter().flat_map(|noun| self.qualities.iter().map(move |quality| (noun, *quality)));
        let product = |(number, (noun, quality))| Product { store: self, noun, quality, number };
        each.enumerate().map(product).map(|p: Product| p.body(second_warehouse, shelves)).collect()
    }
}

impl Product<'_> {
    fn body(&self, second_warehouse: &str, shelves: &Shelves) -> Json {
        let (store, title) = (self.store, self.title());
        let (categories, attributes, ground) = shelves.place(self.noun.name);
        let variants: Vec<Json> =
            self.choices().into_iter().enumerate().map(|(i, options)| self.variant(i, &options, second_warehouse)).collect();
        json!({
            "handle": title.to_lowercase().replace(' ', "-"),
            "kind": store.kind,
            "title": title,
            "description": format!("{} The {} one of {}.", self.noun.words, self.quality.to_lowercase(), store.name),
            "brand": store.name,
            "categoryIds": categories,
            "attributes": attributes,
            "media": self.pictures(ground),
            "variants": variants,
        })
    }

    fn title(&self) -> String {
        format!("{} {}", self.quality, self.noun.name)
    }

    /// The colours in which it comes, the first one in its first picture.
    fn colours(&self) -> Vec<Colour> {
        let count = match self.store.options {
            Options::Colours => 3,
            Options::SizesAndColours => 2,
            Options::None | Options::Sizes | Options::Weights => 1,
        };
        self.store.colours.iter().cycle().skip(self.number).take(count).copied().collect()
    }

    /// One in each colour, and a close one.
    fn pictures(&self, ground: Ground) -> Vec<Json> {
        let colours = self.colours();
        let pattern = (self.number % self.store.qualities.len()) as u8 % PATTERNS;
        let of = |main: Colour, view| Picture { motif: self.noun.motif, main, accent: main.goes_with(), ground, pattern, view };
        let words = |main: Colour| format!("{} in {}", self.title(), main.as_str());
        let mut list: Vec<(Picture, String)> = colours.iter().map(|c| (of(*c, View::Whole), words(*c))).collect();
        list.extend(colours.first().map(|c| (of(*c, View::Close), format!("{}, seen from near", self.title()))));
        list.into_iter().map(|(picture, alt)| json!({"url": format!("{}{}", super::PICTURES, picture.name()), "alt": alt})).collect()
    }

    fn taka(&self) -> i64 {
        let (low, high) = self.store.prices;
        let taka = low + (scatter(self.store.slug, self.number) as i64 % (high - low));
        // Prices end in 9 or 0, as shops write them.
        taka / 10 * 10 + if self.number.is_multiple_of(3) { 0 } else { 9 }
    }

    fn variant(&self, i: usize, options: &Json, second: &str) -> Json {
        let (store, seed) = (self.store, scatter(self.store.slug, self.number * 31 + i));
        let stock = match store.kind {
            "physical" if seed.is_multiple_of(3) => json!([{"onHand": 40 + seed % 180}]),
            "physical" => json!([{"onHand": 20 + seed % 90}, {"warehouseId": second, "onHand": 10 + seed / 7 % 90}]),
            _ => json!([]),
        };
        // Heavier packs cost more; sizes and colours cost the same.
        let factor = if store.options == Options::Weights { [10, 23, 42][i % 3] } else { 10 };
        let price = self.taka() * 100 * factor / 10;
        // Some things cost more before.
        let before = (self.number % 5 == 2).then(|| Money::new(price * 5 / 4 / 1_000 * 1_000 + 900, Currency::BDT));
        let initials: String = store.slug.split('-').filter_map(|w| w.chars().next()).collect();
        json!({
            "sku": format!("{}-{:03}-{}", initials.to_uppercase(), self.number + 1, i + 1),
            "options": options,
            "price": Money::new(price, Currency::BDT),
            "compareAtPrice": before,
            "weightGrams": if store.kind == "physical" { 150 + seed % 900 } else { 0 },
            "stock": stock,
        })
    }

    fn choices(&self) -> Vec<Json> {
        let one = |name: &'static str, values: &'static [&'static str]| values.iter().map(|v| json!({name: v})).collect::<Vec<_>>();
        let colours: Vec<String> = self.colours().iter().map(|c| capital(c.as_str())).collect();
        match self.store.options {
            Options::None => vec![json!({})],
            Options::Sizes => one("size", SIZES),
            Options::Weights => one("weight", WEIGHTS),
            Options::Colours => colours.iter().map(|c| json!({"color": c})).collect(),
            Options::SizesAndColours => {
                let pair = |s: &&str| colours.iter().map(|c| json!({"size": s, "color": c})).collect::<Vec<_>>();
                SIZES[..3].iter().flat_map(pair).collect()
            }
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// FNV-1a over a store and a number: the same at every start, and without a visible pattern.
fn scatter(store: &str, number: usize) -> u64 {
    let bytes = store.bytes().chain(number.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)) >> 8
}

#[cfg(test)]
mod tests {
    use super::super::{PICTURES, STORES};
    use super::*;

    #[test]
    fn the_demo_has_twelve_stores_and_three_hundred_products_of_every_kind() {
        let shelves = Shelves::of(&[]);
        let all: Vec<_> = STORES.iter().flat_map(|s| s.products("w", &shelves)).collect();
        assert!(STORES.len() >= 12 && all.len() >= 300, "{} stores, {} products", STORES.len(), all.len());
        for kind in ["physical", "digital", "course"] {
            assert!(all.iter().any(|p| p["kind"] == kind));
        }
        let handles: std::collections::BTreeSet<_> =
            STORES.iter().flat_map(|s| s.products("w", &shelves).into_iter().map(|p| (s.slug, p["handle"].to_string()))).collect();
        assert_eq!(handles.len(), all.len(), "handles repeat within a store");
    }

    #[test]
    fn every_product_has_pictures_that_can_be_drawn() {
        for product in STORES.iter().flat_map(|s| s.products("w", &Shelves::of(&[]))) {
            let urls: Vec<_> = product["media"].as_array().unwrap().iter().map(|m| m["url"].as_str().unwrap().to_owned()).collect();
            assert!(urls.len() >= 2, "{product}");
            for url in urls {
                assert!(url.strip_prefix(PICTURES).and_then(Picture::named).is_some(), "{url}");
            }
        }
    }
}
