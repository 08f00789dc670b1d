//! Backups: made while haat runs, read back, restored.

use std::path::Path;
use std::process::Output;

use serde_json::{Value as Json, json};

use crate::binary::{Server, folder, haat};
use crate::outside::{Outside, Visitor};

/// Runs a command; whether it succeeded, and what it said.
fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = haat(folder, arguments).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!said.contains("panicked"), "{said}");
    (status.success(), said)
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let (done, said) = run(folder, arguments);
    assert!(!done, "{said}");
    said
}

fn development(folder: &Path, data: &str) -> Server {
    Server::start(&mut haat(folder, &["serve", "--profile", "development", "--listen", "127.0.0.1:0", "--data", data]))
}

async fn register(outside: &Outside, email: &str) -> u16 {
    let body = json!({"email": email, "password": "correct horse battery", "firstName": "A", "lastName": "B"});
    outside.send(&Visitor::default(), "POST", "/auth/register", Some(body), &[]).await.status
}

async fn signs_in(outside: &Outside, email: &str) -> bool {
    let body = json!({"email": email, "password": "correct horse battery"});
    outside.send(&Visitor::default(), "POST", "/auth/login", Some(body), &[]).await.status == 200
}

#[test]
fn what_was_acknowledged_before_a_backup_is_there_after_its_restoration() {
    let folder = folder();
    let server = development(folder.path(), "haat-data");
    testing::run(async {
        let outside = Outside::of(&server.url);
        assert_eq!(register(&outside, "before@backup.test").await, 201);
        // While it is made, others write.
        let busy = async {
            for n in 0..40 {
                assert_eq!(register(&outside, &format!("during{n}@backup.test")).await, 201);
            }
        };
        let path = folder.path().to_owned();
        let made = tokio::task::spawn_blocking(move || run(&path, &["backup", "copies/first"]));
        let (made, ()) = tokio::join!(made, busy);
        let (done, said) = made.unwrap();
        assert!(done && said.contains("rows in") && said.contains("copies/first"), "{said}");
        assert_eq!(register(&outside, "after@backup.test").await, 201);
    });
    let manifest: Json = serde_json::from_str(&std::fs::read_to_string(folder.path().join("copies/first/manifest.json")).unwrap()).unwrap();
    assert!(manifest["rows"]["identity_users"].as_i64().unwrap() >= 1 && manifest["steps"]["orders"].is_array(), "{manifest}");
    assert!(refused(folder.path(), &["backup", "copies/first"]).contains("is not empty"));

    let (done, said) = run(folder.path(), &["restore", "copies/first", "--data", "other"]);
    assert!(done, "{said}");
    let other = development(folder.path(), "other");
    testing::run(async {
        let outside = Outside::of(&other.url);
        assert!(signs_in(&outside, "before@backup.test").await);
        assert!(!signs_in(&outside, "after@backup.test").await);
        assert_eq!(register(&outside, "later@backup.test").await, 201, "it is written on as before");
    });
    drop(other);

    let said = refused(folder.path(), &["restore", "copies/first", "--data", "other"]);
    assert!(said.contains("is not empty") && said.contains("--force"), "{said}");
    let said = refused(folder.path(), &["restore", "copies/first", "--force"]);
    assert!(said.contains("in use by another haat"), "{said}");
    drop(server);
    let (done, said) = run(folder.path(), &["restore", "copies/first", "--force"]);
    assert!(done, "{said}");
    let again = development(folder.path(), "haat-data");
    testing::run(async {
        let outside = Outside::of(&again.url);
        assert!(signs_in(&outside, "before@backup.test").await);
        assert!(!signs_in(&outside, "after@backup.test").await, "nothing of the write-ahead log is left");
    });
}

#[test]
fn what_is_damaged_or_newer_is_not_restored() {
    let folder = folder();
    assert!(run(folder.path(), &["migrate"]).0);
    assert!(refused(folder.path(), &["backup", "copy", "--data", "nowhere"]).contains("there is no database"));
    assert!(run(folder.path(), &["backup", "copy"]).0);
    let restore = || refused(folder.path(), &["restore", "copy", "--data", "new"]);
    let (manifest, file) = (folder.path().join("copy/manifest.json"), folder.path().join("copy/haat.db"));
    let (text, bytes) = (std::fs::read_to_string(&manifest).unwrap(), std::fs::read(&file).unwrap());
    let changed = |change: &dyn Fn(&mut Json)| {
        let mut json: Json = serde_json::from_str(&text).unwrap();
        change(&mut json);
        std::fs::write(&manifest, json.to_string()).unwrap();
        restore()
    };
    let said = changed(&|json| json["steps"]["orders"] = json!(["9999_tomorrow"]));
    assert!(said.contains("9999_tomorrow") && said.contains("newer than this one"), "{said}");
    assert!(changed(&|json| json["steps"]["telepathy"] = json!([])).contains("no service telepathy"));
    assert!(changed(&|json| json["format"] = json!(2)).contains("its format is 2"));
    assert!(changed(&|json| json["rows"]["orders_events"] = json!(7)).contains("orders_events: expected 7 rows, found 0"));
    std::fs::remove_file(&manifest).unwrap();
    assert!(restore().contains("no complete backup"));

    std::fs::write(&manifest, &text).unwrap();
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    std::fs::write(&file, damaged).unwrap();
    assert!(restore().contains("is damaged; nothing was replaced"));
    std::fs::write(&file, &bytes).unwrap();
    std::fs::write(folder.path().join("new/master.key"), "").unwrap();
    let (done, said) = run(folder.path(), &["restore", "copy", "--data", "new"]);
    assert!(done, "a key may be there already: {said}");
}

#[test]
fn what_a_killed_command_left_is_in_nobodys_way() {
    let folder = folder();
    assert!(run(folder.path(), &["migrate"]).0);
    for directory in ["copy", "new"] {
        std::fs::create_dir(folder.path().join(directory)).unwrap();
        for name in ["haat.db.unfinished", "haat.db.unfinished-journal"] {
            std::fs::write(folder.path().join(directory).join(name), "half a data").unwrap();
        }
    }
    let (done, said) = run(folder.path(), &["backup", "copy"]);
    assert!(done, "{said}");
    let (done, said) = run(folder.path(), &["restore", "copy", "--data", "new"]);
    assert!(done, "{said}");
    let names = |directory: &str| -> Vec<_> {
        let entries = std::fs::read_dir(folder.path().join(directory)).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).filter(|name| name.contains("unfinished")).collect()
    };
    assert_eq!((names("copy"), names("new")), (vec![], vec![]));

    let database = rusqlite::Connection::open(folder.path().join("new/haat.db")).unwrap();
    database
        .execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO payments_entries VALUES (x'01', x'02', x'03', 'cash', 5, 0, 'BDT', 0)")
        .unwrap();
    drop(database);
    refused(folder.path(), &["backup", "bad", "--data", "new"]);
    assert_eq!(names("bad"), Vec::<String>::new(), "a copy that is no backup does not stay");
}

#[test]
fn what_must_always_hold_is_looked_at() {
    for (damage, expected) in [
        (
            "PRAGMA foreign_keys = OFF; INSERT INTO payments_entries VALUES (x'01', x'02', x'03', 'cash', 5, 0, 'BDT', 0)",
            "payments_entries refers to rows that are missing",
        ),
        (
            "INSERT INTO payments_journals VALUES (x'02', 'capture', x'03', x'04', 'BDT', 5, 0);
             INSERT INTO payments_entries VALUES (x'01', x'02', x'03', 'cash', 5, 0, 'BDT', 0)",
            "payments_entries: debits and credits in BDT differ by 5",
        ),
        (
            "INSERT INTO orders_events (id, stream, version, type, schema_version, data, metadata, occurred_at) VALUES (x'01', x'02', 2, 'x', 1, '{}', '{}', 0)",
            "has holes",
        ),
        ("INSERT INTO vendors_readers (source, position, updated_at) VALUES ('orders', 9, 0)", "it has read orders up to 9"),
    ] {
        let folder = folder();
        assert!(run(folder.path(), &["migrate"]).0);
        let database = rusqlite::Connection::open(folder.path().join("haat-data/haat.db")).unwrap();
        database.execute("DELETE FROM vendors_readers", []).unwrap();
        database.execute_batch(damage).unwrap();
        drop(database);
        let said = refused(folder.path(), &["backup", "copy"]);
        assert!(said.contains(expected), "{said}");
        assert!(!folder.path().join("copy/manifest.json").exists());
    }
}

#[test]
fn postgres_has_tools_of_its_own() {
    let folder = folder();
    for command in ["backup", "restore"] {
        let output =
            haat(folder.path(), &[command, "copy"]).env("HAAT_DATABASE__URL", "postgres://haat:hush@127.0.0.1/haat").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("pg_dump") && said.contains("pg_restore") && !said.contains("hush"), "{said}");
    }
}
