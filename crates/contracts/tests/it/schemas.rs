//! `schemas/events/<type>/<version>.json` says what the Rust types say, and never breaks a reader.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;

use crate::compatible::breaks;
use crate::{folder, updates};

#[test]
fn schemas_are_written_down_and_break_no_reader() {
    let root = folder("../../schemas/events");
    let mut wrong = Vec::new();
    for event in contracts::events::all() {
        let new = (event.schema)().to_value();
        let path = root.join(event.kind).join(format!("{}.json", event.version));
        let old = std::fs::read_to_string(&path).ok().map(|t| serde_json::from_str::<Json>(&t).expect("a schema file is JSON"));
        match old {
            Some(old) if old == new => continue,
            Some(old) => {
                if let Some(why) = breaks(&old, &new) {
                    wrong.push(format!(
                        "{} {}: {why}. Raise its version and give it an upcast (an event that was never in a log: delete {} and run this again with HAAT_UPDATE=1)",
                        event.kind,
                        event.version,
                        path.display()
                    ));
                    continue;
                }
            }
            None => {}
        }
        if updates() {
            write(&path, &new);
        } else {
            wrong.push(format!("{} {} differs from {}: run this test with HAAT_UPDATE=1", event.kind, event.version, path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_events_is_known() {
    let files: BTreeSet<String> = std::fs::read_dir(folder("src/events"))
        .expect("the events have a folder")
        .map(|entry| entry.expect("it can be listed").path().file_stem().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let sources: BTreeSet<String> = contracts::events::all().iter().map(|e| e.source.to_owned()).collect();
    assert_eq!(files, sources, "each file of src/events belongs into `contracts::events::all`, and is called as the service is");
}

#[test]
fn types_are_unique_and_well_formed() {
    let mut seen = BTreeSet::new();
    for event in contracts::events::all() {
        assert!(seen.insert(event.kind), "{} is declared twice", event.kind);
        let is_word = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let parts: Vec<_> = event.kind.split('.').collect();
        assert!(parts.len() == 2 && parts.iter().all(|p| is_word(p)), "{} is not <aggregate>.<what_happened>", event.kind);
        assert!(event.version >= 1, "{} begins with version 1", event.kind);
    }
}

fn write(path: &Path, schema: &Json) {
    std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
    let text = serde_json::to_string_pretty(schema).expect("JSON can be written") + "\n";
    std::fs::write(path, text).expect("the schema can be written");
}
