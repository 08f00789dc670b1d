//! The goods of the demo marketplace: invented, and the same at every start.

use serde_json::{Value as Json, json};

use super::categories::Shelves;

/// A store with what it sells.
pub struct DemoStore {
    /// Its name in addresses.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    kind: &'static str,
    options: Options,
    /// Lowest and highest price, in taka.
    prices: (i64, i64),
    nouns: &'static [&'static str],
    qualities: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Options {
    None,
    Sizes,
    Colours,
    SizesAndColours,
    Weights,
}

/// Every store of the demo.
pub const STORES: &[DemoStore] = &[
    DemoStore {
        slug: "dhaka-looms",
        name: "Dhaka Looms",
        kind: "physical",
        options: Options::SizesAndColours,
        prices: (900, 6_500),
        nouns: &["Jamdani Saree", "Cotton Panjabi", "Block-print Kurti", "Handloom Shawl", "Linen Shirt", "Khadi Vest"],
        qualities: &["Morning", "Monsoon", "River", "Festival", "Everyday"],
    },
    DemoStore {
        slug: "sylhet-tea-house",
        name: "Sylhet Tea House",
        kind: "physical",
        options: Options::Weights,
        prices: (180, 1_900),
        nouns: &["Black Tea", "Green Tea", "Masala Chai", "White Tea", "Lemongrass Blend"],
        qualities: &["Hilltop", "First Flush", "Estate", "Evening", "Smoked", "Garden"],
    },
    DemoStore {
        slug: "bengal-brass",
        name: "Bengal Brass",
        kind: "physical",
        options: Options::None,
        prices: (450, 8_900),
        nouns: &["Serving Bowl", "Water Jug", "Oil Lamp", "Spice Box", "Door Bell", "Candle Stand"],
        qualities: &["Hammered", "Polished", "Engraved", "Antique", "Small"],
    },
    DemoStore {
        slug: "chattogram-outdoors",
        name: "Chattogram Outdoors",
        kind: "physical",
        options: Options::Colours,
        prices: (600, 14_000),
        nouns: &["Day Pack", "Rain Jacket", "Camp Lantern", "Dry Bag", "Hammock", "Travel Bottle"],
        qualities: &["Coast", "Hill Track", "Light", "All-weather", "Compact"],
    },
    DemoStore {
        slug: "rajshahi-silk",
        name: "Rajshahi Silk",
        kind: "physical",
        options: Options::Colours,
        prices: (1_200, 12_500),
        nouns: &["Silk Saree", "Silk Scarf", "Silk Tie", "Silk Cushion", "Silk Blouse"],
        qualities: &["Mulberry", "Tussar", "Printed", "Plain", "Wedding", "Soft"],
    },
    DemoStore {
        slug: "kitchen-corner",
        name: "Kitchen Corner",
        kind: "physical",
        options: Options::None,
        prices: (250, 7_500),
        nouns: &["Rice Cooker", "Chef Knife", "Frying Pan", "Mixing Bowl", "Grinder", "Tea Kettle"],
        qualities: &["Family", "Steel", "Non-stick", "Clay", "Everyday"],
    },
    DemoStore {
        slug: "little-steps",
        name: "Little Steps",
        kind: "physical",
        options: Options::Sizes,
        prices: (300, 3_200),
        nouns: &["Baby Romper", "School Shoes", "Winter Cap", "Play Dress", "Rain Boots"],
        qualities: &["Sunny", "Star", "Cloud", "Mango", "Tiger", "Lily"],
    },
    DemoStore {
        slug: "paper-boat-books",
        name: "Paper Boat Books",
        kind: "physical",
        options: Options::None,
        prices: (150, 1_400),
        nouns: &["Picture Book", "Notebook", "Poem Collection", "Cook Book", "Travel Diary", "Planner"],
        qualities: &["Riverside", "Moonlit", "Garden", "City", "Journey"],
    },
    DemoStore {
        slug: "green-roof",
        name: "Green Roof",
        kind: "physical",
        options: Options::None,
        prices: (80, 2_600),
        nouns: &["Clay Pot", "Herb Seeds", "Watering Can", "Garden Gloves", "Hanging Planter"],
        qualities: &["Rooftop", "Balcony", "Terrace", "Starter", "Large", "Small"],
    },
    DemoStore {
        slug: "khulna-leather",
        name: "Khulna Leather",
        kind: "physical",
        options: Options::Colours,
        prices: (700, 9_800),
        nouns: &["Wallet", "Belt", "Laptop Sleeve", "Sandals", "Shoulder Bag", "Key Holder"],
        qualities: &["Classic", "Slim", "Woven", "Rugged", "Soft"],
    },
    DemoStore {
        slug: "pixel-workshop",
        name: "Pixel Workshop",
        kind: "digital",
        options: Options::None,
        prices: (100, 2_000),
        nouns: &["Icon Set", "Photo Preset", "Poster Template", "Bangla Typeface", "Sound Pack"],
        qualities: &["Rickshaw", "Monsoon", "Neon", "Minimal", "Alpona"],
    },
    DemoStore {
        slug: "shikkha-studio",
        name: "Shikkha Studio",
        kind: "course",
        options: Options::None,
        prices: (500, 5_000),
        nouns: &["Course in Pottery", "Course in Bookkeeping", "Course in Spoken English", "Course in Web Design", "Course in Tailoring"],
        qualities: &["Beginner", "Weekend", "Intensive", "Evening", "Advanced"],
    },
];

const SIZES: &[&str] = &["S", "M", "L", "XL"];
const COLOURS: &[&str] = &["Indigo", "Crimson", "Leaf", "Sand"];
const WEIGHTS: &[&str] = &["100 g", "250 g", "500 g"];

impl DemoStore {
    /// The store's products, as `POST /products` takes them; part of the stock lies in a second warehouse.
    pub fn products(&self, second_warehouse: &str, shelves: &Shelves) -> Vec<Json> {
        let mut products = Vec::new();
        for (n, noun) in self.nouns.iter().enumerate() {
            let (categories, attributes) = shelves.place(noun);
            for (q, quality) in self.qualities.iter().enumerate() {
                let mut product = self.product(n * self.qualities.len() + q, &format!("{quality} {noun}"), second_warehouse);
                product["categoryIds"] = json!(categories);
                product["attributes"] = attributes.clone();
                products.push(product);
            }
        }
        products
    }

    fn product(&self, number: usize, title: &str, second: &str) -> Json {
        let (low, high) = self.prices;
        let taka = low + (scatter(self.slug, number) as i64 % (high - low));
        // Prices end in 9 or 0, as shops write them.
        let taka = taka / 10 * 10 + if number.is_multiple_of(3) { 0 } else { 9 };
        let variants: Vec<Json> =
            self.choices().into_iter().enumerate().map(|(i, options)| self.variant(number, i, taka, &options, second)).collect();
        json!({
            "handle": title.to_lowercase().replace(' ', "-"),
            "kind": self.kind,
            "title": title,
            "description": format!("{title}, made and sold by {}. Part of the demo marketplace.", self.name),
            "brand": self.name,
            "variants": variants,
        })
    }

    fn variant(&self, number: usize, i: usize, taka: i64, options: &Json, second: &str) -> Json {
        let seed = scatter(self.slug, number * 31 + i);
        let stock = match self.kind {
            "physical" if seed.is_multiple_of(3) => json!([{"onHand": 20 + seed % 180}]),
            "physical" => json!([{"onHand": 10 + seed % 90}, {"warehouseId": second, "onHand": 10 + seed / 7 % 90}]),
            _ => json!([]),
        };
        // Heavier packs cost more; sizes and colours cost the same.
        let factor = if matches!(self.options, Options::Weights) { [10, 23, 42][i % 3] } else { 10 };
        let initials: String = self.slug.split('-').filter_map(|w| w.chars().next()).collect();
        json!({
            "sku": format!("{}-{:03}-{}", initials.to_uppercase(), number + 1, i + 1),
            "options": options,
            "price": {"amount": taka * 100 * factor / 10, "currency": "BDT"},
            "weightGrams": if self.kind == "physical" { 150 + seed % 900 } else { 0 },
            "stock": stock,
        })
    }

    fn choices(&self) -> Vec<Json> {
        let one = |name: &'static str, values: &'static [&'static str]| values.iter().map(|v| json!({name: v})).collect::<Vec<_>>();
        match self.options {
            Options::None => vec![json!({})],
            Options::Sizes => one("size", SIZES),
            Options::Colours => one("color", &COLOURS[..3]),
            Options::Weights => one("weight", WEIGHTS),
            Options::SizesAndColours => {
                let pair = |s: &&str| COLOURS[..2].iter().map(|c| json!({"size": s, "color": c})).collect::<Vec<_>>();
                SIZES[..3].iter().flat_map(pair).collect()
            }
        }
    }
}

/// FNV-1a over a store and a number: the same at every start, and without a visible pattern.
fn scatter(store: &str, number: usize) -> u64 {
    let bytes = store.bytes().chain(number.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)) >> 8
}

#[cfg(test)]
mod tests {
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
}
