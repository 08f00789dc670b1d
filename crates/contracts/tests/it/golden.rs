//! Every shape an event ever had can still be read: `tests/golden/<service>.jsonl` has examples of each version, is only
//! ever added to, and goes through the same upcasts as the logs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use contracts::event::Description;
use serde_json::{Value as Json, json};

use crate::sample::{Members, of};
use crate::{folder, updates};

#[test]
fn every_version_ever_written_can_be_read() {
    let corpus = corpus();
    for event in contracts::events::all() {
        for (version, data) in corpus.get(event.kind).into_iter().flatten() {
            let newest = (event.rewrite)(*version, data).unwrap_or_else(|e| panic!("{} {version}: {e}\n{data}", event.kind));
            let again = (event.rewrite)(event.version, &newest).unwrap_or_else(|e| panic!("{}: {e}\n{newest}", event.kind));
            assert_eq!(again, newest, "{} {version}: what is written is not what is read", event.kind);
        }
    }
}

#[test]
fn the_corpus_has_every_version() {
    let corpus = corpus();
    let missing: Vec<Description> = contracts::events::all()
        .into_iter()
        .filter(|event| !corpus.get(event.kind).is_some_and(|examples| examples.iter().any(|(v, _)| *v == event.version)))
        .collect();
    if updates() {
        missing.iter().for_each(add);
    } else {
        let names: Vec<_> = missing.iter().map(|e| format!("{} {}", e.kind, e.version)).collect();
        assert!(names.is_empty(), "no example of {}: run this test with HAAT_UPDATE=1", names.join(", "));
    }
    for event in contracts::events::all() {
        let versions: BTreeSet<i64> = corpus.get(event.kind).into_iter().flatten().map(|(v, _)| *v).collect();
        let older = (1..event.version).find(|v| !versions.contains(v));
        assert_eq!(older, None, "{}: the examples of an older version are gone", event.kind);
    }
}

#[test]
fn the_corpus_names_only_events_that_exist() {
    let known: BTreeSet<&str> = contracts::events::all().iter().map(|e| e.kind).collect();
    for kind in corpus().keys() {
        assert!(known.contains(kind.as_str()), "{kind} is in the corpus and nowhere else: what lies in logs must stay readable");
    }
}

/// Version and data of the examples, by type.
fn corpus() -> BTreeMap<String, Vec<(i64, Json)>> {
    let mut all: BTreeMap<String, Vec<(i64, Json)>> = BTreeMap::new();
    let files = std::fs::read_dir(folder("tests/golden")).map(|d| d.filter_map(Result::ok).collect::<Vec<_>>()).unwrap_or_default();
    for file in files {
        let text = std::fs::read_to_string(file.path()).expect("the corpus can be read");
        for line in text.lines() {
            let example: Json = serde_json::from_str(line).unwrap_or_else(|e| panic!("{}: {e}: {line}", file.path().display()));
            let (kind, version) = (example["type"].as_str(), example["version"].as_i64());
            let (Some(kind), Some(version)) = (kind, version) else { panic!("an example without type or version: {line}") };
            all.entry(kind.to_owned()).or_default().push((version, example["data"].clone()));
        }
    }
    all
}

/// Adds an example with all members and one with only those that are required.
fn add(event: &Description) {
    let path = folder(&format!("tests/golden/{}.jsonl", event.source));
    std::fs::create_dir_all(folder("tests/golden")).expect("the folder can be made");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the corpus can be written");
    let schema = (event.schema)().to_value();
    let (all, required) = (of(&schema, Members::All), of(&schema, Members::Required));
    let examples = if all == required { vec![all] } else { vec![all, required] };
    let line = |data| json!({"type": event.kind, "version": event.version, "data": data}).to_string() + "\n";
    // In one piece: other tests read the file at the same time.
    file.write_all(examples.into_iter().map(line).collect::<String>().as_bytes()).expect("the corpus can be written");
}
