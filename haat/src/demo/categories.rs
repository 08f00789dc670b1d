//! Where the demo's goods are filed: a tree three deep.

use std::collections::BTreeMap;

use contracts::proto::catalog::EnsureCategoryRequest;
use contracts::proto::catalog::catalog_client::CatalogClient;
use kit::channel::Channel;
use serde_json::{Value as Json, json};

use super::pictures::Ground;

/// What a root asks of the products below it, as `POST /categories` takes it.
const ROOTS: &[(&str, &[&str])] = &[
    (
        "Fashion",
        &[
            r#"{"name": "material", "type": "text", "required": true, "allowed": ["cotton", "silk", "linen", "khadi", "wool", "leather", "rubber"]}"#,
        ],
    ),
    ("Home", &[r#"{"name": "material", "type": "text", "allowed": ["brass", "steel", "clay", "silk", "plastic"]}"#]),
    ("Food", &[r#"{"name": "origin", "type": "text", "required": true, "allowed": ["Sylhet", "Moulvibazar", "Panchagarh"]}"#]),
    ("Outdoors", &[r#"{"name": "waterproof", "type": "boolean"}"#]),
    ("Books and Paper", &[r#"{"name": "pages", "type": "number"}"#]),
    ("Digital", &[r#"{"name": "licence", "type": "text", "allowed": ["personal", "commercial"]}"#]),
    ("Learning", &[r#"{"name": "hours", "type": "number", "required": true}"#]),
];

/// A category at the end of the tree, and what lies in it.
struct Leaf {
    path: [&'static str; 3],
    /// The nouns of the products in it.
    nouns: &'static [&'static str],
    /// An attribute that they have, and its value.
    attribute: (&'static str, Value),
}

#[derive(Clone, Copy)]
enum Value {
    Text(&'static str),
    Number(i64),
    Boolean(bool),
}

use Value::{Boolean, Number, Text};

const fn leaf(path: [&'static str; 3], attribute: (&'static str, Value), nouns: &'static [&'static str]) -> Leaf {
    Leaf { path, nouns, attribute }
}

const LEAVES: &[Leaf] = &[
    leaf(["Fashion", "Women", "Sarees"], ("material", Text("silk")), &["Jamdani Saree", "Silk Saree"]),
    leaf(["Fashion", "Women", "Kurtis"], ("material", Text("cotton")), &["Block-print Kurti"]),
    leaf(["Fashion", "Women", "Blouses"], ("material", Text("silk")), &["Silk Blouse"]),
    leaf(["Fashion", "Men", "Panjabis"], ("material", Text("cotton")), &["Cotton Panjabi"]),
    leaf(["Fashion", "Men", "Shirts and Vests"], ("material", Text("linen")), &["Linen Shirt", "Khadi Vest"]),
    leaf(["Fashion", "Children", "Clothes"], ("material", Text("cotton")), &["Baby Romper", "Winter Cap", "Play Dress"]),
    leaf(["Fashion", "Children", "Shoes"], ("material", Text("rubber")), &["School Shoes", "Rain Boots"]),
    leaf(["Fashion", "Accessories", "Shawls and Scarves"], ("material", Text("silk")), &["Handloom Shawl", "Silk Scarf", "Silk Tie"]),
    leaf(["Fashion", "Accessories", "Wallets and Belts"], ("material", Text("leather")), &["Wallet", "Belt", "Key Holder"]),
    leaf(["Fashion", "Accessories", "Bags"], ("material", Text("leather")), &["Laptop Sleeve", "Shoulder Bag"]),
    leaf(["Fashion", "Accessories", "Sandals"], ("material", Text("leather")), &["Sandals"]),
    leaf(["Home", "Kitchen", "Cookware"], ("material", Text("steel")), &["Rice Cooker", "Frying Pan", "Tea Kettle"]),
    leaf(["Home", "Kitchen", "Tools"], ("material", Text("steel")), &["Chef Knife", "Mixing Bowl", "Grinder"]),
    leaf(["Home", "Table", "Brassware"], ("material", Text("brass")), &["Serving Bowl", "Water Jug", "Spice Box"]),
    leaf(["Home", "Decoration", "Lamps and Bells"], ("material", Text("brass")), &["Oil Lamp", "Door Bell", "Candle Stand"]),
    leaf(["Home", "Decoration", "Cushions"], ("material", Text("silk")), &["Silk Cushion"]),
    leaf(["Home", "Garden", "Pots and Planters"], ("material", Text("clay")), &["Clay Pot", "Hanging Planter"]),
    leaf(["Home", "Garden", "Tools and Seeds"], ("material", Text("plastic")), &["Herb Seeds", "Watering Can", "Garden Gloves"]),
    leaf(["Food", "Tea", "Pure Tea"], ("origin", Text("Sylhet")), &["Black Tea", "Green Tea", "White Tea"]),
    leaf(["Food", "Tea", "Blends"], ("origin", Text("Moulvibazar")), &["Masala Chai", "Lemongrass Blend"]),
    leaf(["Outdoors", "Bags", "Packs"], ("waterproof", Boolean(true)), &["Day Pack", "Dry Bag"]),
    leaf(["Outdoors", "Clothes", "Jackets"], ("waterproof", Boolean(true)), &["Rain Jacket"]),
    leaf(["Outdoors", "Camp", "Gear"], ("waterproof", Boolean(false)), &["Camp Lantern", "Hammock", "Travel Bottle"]),
    leaf(["Books and Paper", "Books", "Reading"], ("pages", Number(96)), &["Picture Book", "Poem Collection", "Cook Book"]),
    leaf(["Books and Paper", "Paper", "Notebooks"], ("pages", Number(160)), &["Notebook", "Travel Diary", "Planner"]),
    leaf(["Digital", "Design", "Graphics"], ("licence", Text("commercial")), &["Icon Set", "Poster Template", "Bangla Typeface"]),
    leaf(["Digital", "Media", "Photo and Sound"], ("licence", Text("personal")), &["Photo Preset", "Sound Pack"]),
    leaf(["Learning", "Crafts", "Handwork"], ("hours", Number(16)), &["Course in Pottery", "Course in Tailoring"]),
    leaf(["Learning", "Work", "Office and Web"], ("hours", Number(24)), &["Course in Bookkeeping", "Course in Web Design"]),
    leaf(["Learning", "Languages", "English"], ("hours", Number(40)), &["Course in Spoken English"]),
];

/// The category of each noun, with the attribute of what lies in it.
pub struct Shelves(BTreeMap<&'static str, Shelf>);

struct Shelf {
    id: String,
    /// An attribute and its value.
    attribute: (&'static str, Json),
    ground: Ground,
}

impl Shelves {
    /// Makes what is missing of the tree.
    pub async fn build(mut catalog: CatalogClient<Channel>) -> anyhow::Result<Shelves> {
        for (name, attributes) in ROOTS {
            let attributes = attributes.iter().map(|a| (*a).to_owned()).collect();
            catalog
                .ensure_category(EnsureCategoryRequest { path: vec![(*name).to_owned()], attributes, ..EnsureCategoryRequest::default() })
                .await?;
        }
        let mut ids = Vec::new();
        for leaf in LEAVES {
            let path = leaf.path.map(str::to_owned).to_vec();
            let made = catalog.ensure_category(EnsureCategoryRequest { path, ..EnsureCategoryRequest::default() }).await?;
            ids.push(made.into_inner().category_id);
        }
        Ok(Shelves::of(&ids))
    }

    /// With the ids of the categories at the ends of the tree, in order.
    pub fn of(ids: &[String]) -> Shelves {
        let mut shelves = BTreeMap::new();
        for (leaf, id) in LEAVES.iter().zip(ids) {
            let (name, value) = leaf.attribute;
            let value = match value {
                Text(text) => json!(text),
                Number(number) => json!(number),
                Boolean(boolean) => json!(boolean),
            };
            let ground = ground(leaf.path[0]);
            shelves.extend(leaf.nouns.iter().map(|noun| (*noun, Shelf { id: id.clone(), attribute: (name, value.clone()), ground })));
        }
        Shelves(shelves)
    }

    /// Where a product is filed, its attributes, and before what it is drawn.
    pub fn place(&self, noun: &str) -> (Vec<&str>, Json, Ground) {
        match self.0.get(noun) {
            Some(Shelf { id, attribute: (name, value), ground }) => (vec![id.as_str()], json!({"type": noun, *name: value}), *ground),
            None => (Vec::new(), json!({ "type": noun }), Ground::Home),
        }
    }
}

fn ground(root: &str) -> Ground {
    match root {
        "Fashion" => Ground::Fashion,
        "Food" => Ground::Food,
        "Outdoors" => Ground::Outdoors,
        "Books and Paper" => Ground::Paper,
        "Digital" => Ground::Digital,
        "Learning" => Ground::Learning,
        _ => Ground::Home,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_noun_lies_in_one_category_below_a_known_root() {
        let ids: Vec<String> = (0..LEAVES.len()).map(|n| n.to_string()).collect();
        let shelves = Shelves::of(&ids);
        assert_eq!(shelves.0.len(), LEAVES.iter().map(|l| l.nouns.len()).sum::<usize>());
        assert!(LEAVES.iter().all(|l| ROOTS.iter().any(|(root, _)| *root == l.path[0])));
        for store in crate::demo::STORES {
            for product in store.products("w", &shelves) {
                assert_eq!(product["categoryIds"].as_array().map(Vec::len), Some(1), "{product}");
            }
        }
    }
}
