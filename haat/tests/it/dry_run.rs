//! What a dry run of an import says is what the import does.

use rusqlite::{Connection, params};

use crate::binary::folder;
use crate::import::{count, run, runs, write};

/// How many categories there can be.
const CATEGORIES_MAX: i64 = 5_000;
/// For how many more there is room.
const ROOM: i64 = 6;

/// What each product is called, where it is filed, and whether it says its size.
const PRODUCTS: [(&str, &str, bool); 10] = [
    ("two-new", "A > B", false),
    ("one-new", "A > C", false),
    ("by-its-slug", "a-b", false),
    ("without-what-is-asked", "Asks > X", false),
    ("with-what-is-asked", "Asks > X", true),
    ("too-many", "D > E > F", false),
    ("the-last-two", "D | F", false),
    ("one-too-many", "G", false),
    ("all-there", "A > B | D", false),
    ("there-before", "Asks | A", true),
];

#[test]
fn a_dry_run_counts_categories_as_the_import_does() {
    let folder = folder();
    runs(folder.path(), &["migrate"]);
    fill(&Connection::open(folder.path().join("haat-data/haat.db")).unwrap());
    let line = |(handle, category, has_size): (&str, &str, bool)| {
        let size = if has_size { ", \"attr.size\": \"M\"" } else { "" };
        format!("{{\"handle\": \"{handle}\", \"title\": \"T\", \"price\": 1, \"category\": \"{category}\"{size}}}\n")
    };
    write(folder.path(), "lines.jsonl", &PRODUCTS.map(line).concat());
    let import = ["import", "products", "lines.jsonl", "--vendor", "shop", "--open-categories"];
    let told = |more: &[&str]| {
        let (is_well, said) = run(folder.path(), &[&import[..], more].concat());
        let report = std::fs::read_to_string(folder.path().join(more[1])).unwrap();
        let counts = said.split_once("per second): ").and_then(|(_, rest)| rest.lines().next()).unwrap_or_default().to_owned();
        (is_well, counts, report, said)
    };
    let dry = told(&["--report", "dry.csv", "--dry-run"]);
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM catalog_categories"), CATEGORIES_MAX - ROOM, "nothing was made");
    let real = told(&["--report", "real.csv"]);
    assert_eq!((dry.0, dry.1.as_str(), dry.2.as_str()), (real.0, real.1.as_str(), real.2.as_str()), "{}\n{}", dry.3, real.3);
    assert_eq!(dry.1, "7 new, 0 changed, 0 as they were", "{}", dry.3);
    let lines: Vec<&str> = dry.2.lines().filter_map(|row| row.split(',').next()).collect();
    assert_eq!(lines, ["line", "6", "8", "4"], "{}", dry.2);
    assert_eq!(count(folder.path(), "SELECT COUNT(*) FROM catalog_categories"), CATEGORIES_MAX);
}

/// Makes nearly as many categories as there can be; one of them asks for a size.
fn fill(database: &Connection) {
    let asks = r#"[{"name": "size", "type": "text", "required": true, "allowed": []}]"#;
    database.execute_batch("BEGIN").unwrap();
    for n in 0..CATEGORIES_MAX - ROOM {
        let id = (1_u128 << 100 | n.unsigned_abs() as u128).to_be_bytes().to_vec();
        let (name, attributes) = if n == 0 { ("Asks".to_owned(), asks) } else { (format!("Filler {n}"), "[]") };
        let slug = name.to_lowercase().replace(' ', "-");
        let sql = "INSERT INTO catalog_categories (id, slug, name, place, attributes, version, created_at, updated_at) VALUES (?1, ?2, ?3, 0, ?4, 1, 0, 0)";
        database.execute(sql, params![id, slug, name, attributes]).unwrap();
        let sql = "INSERT INTO catalog_category_paths (ancestor_id, category_id, distance) VALUES (?1, ?1, 0)";
        database.execute(sql, params![id]).unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
}
