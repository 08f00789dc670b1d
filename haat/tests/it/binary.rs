//! The binary itself, where something is wrong around it: it says what, and what to do, and loses nothing.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::outside::{Outside, Visitor};

pub const MASTER_KEY: &str = "5e8b10f7d6a2c95e43b8071f6dce52a9043a9f6be1c04d5278e1b6f0937ad24c";

pub fn haat(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haat"));
    command.args(arguments).current_dir(folder).env_clear().env("HAAT_MASTER_KEY", MASTER_KEY).stdin(Stdio::null());
    command
}

/// Runs a command that is to fail, and returns what it says.
fn refusal(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// A server that is ready, on a port of its own.
pub struct Server {
    child: Child,
    pub url: String,
    /// Open for as long as it may write.
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn serve(folder: &Path) -> Server {
        Server::start(&mut haat(folder, &["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Starts what is to be a server, and waits until it is ready.
    pub fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut line, mut url) = (String::new(), String::new());
        while !line.trim_end().ends_with("ready") {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the server ended before it was ready");
            if let Some((_, address)) = line.split_once("listens on ") {
                url = address.trim().to_owned();
            }
        }
        Server { child, url, _stdout: lines }
    }

    /// Asks it to end; returns how it did.
    pub fn stop(self) -> Option<i32> {
        self.ask_to_stop();
        self.ends()
    }

    /// Asks it to end.
    pub fn ask_to_stop(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
    }

    /// Waits for its end; returns how it ended.
    pub fn ends(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn one_process_at_a_time_uses_a_directory() {
    let folder = folder();
    let server = Server::serve(folder.path());
    let said = refusal(&mut haat(folder.path(), &["migrate"]));
    assert!(said.contains("in use by another haat") && said.contains("haat.db"), "{said}");
    drop(server);
    // Killed where it stood; the next one finds the directory free.
    drop(Server::serve(folder.path()));
}

#[test]
fn asked_to_stop_it_ends_without_an_error() {
    let folder = folder();
    assert_eq!(Server::serve(folder.path()).stop(), Some(0));
}

/// The demo on a small disk of its own that only this process sees; in a user's name space, so that nobody need be root.
fn on_a_small_disk(folder: &Path) -> Command {
    let script = "mount -t tmpfs -o size=64m none disk && exec \"$0\" demo --days 0 --listen 127.0.0.1:0 --data disk/data";
    std::fs::create_dir(folder.join("disk")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--", "sh", "-c", script, env!("CARGO_BIN_EXE_haat")]);
    command.current_dir(folder).env_remove("HAAT_DATA").env("HAAT_MASTER_KEY", MASTER_KEY).stdin(Stdio::null());
    command
}

/// Writes until nothing more fits.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).unwrap();
    for size in [1 << 20, 4_096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[test]
fn a_full_disk_refuses_and_keeps_what_it_has() {
    let folder = folder();
    let server = Server::start(&mut on_a_small_disk(folder.path()));
    let (outside, guest) = (Outside::of(&server.url), Visitor::default());
    let filler = format!("/proc/{}/cwd/disk/filler", server.child.id());
    testing::run(async {
        let list = outside.send(&guest, "GET", "/products?limit=20&inStock=true", None, &[]).await.expect(200).body;
        let item = json!({"variantId": list["data"][0]["variants"][0]["id"], "quantity": 1});
        let add = async || outside.send(&guest, "POST", "/cart/items", Some(item.clone()), &[]).await;
        fill(Path::new(&filler));
        let mut carts = Vec::new();
        let refused = loop {
            let answer = add().await;
            if answer.status >= 400 {
                break answer;
            }
            carts.push(Visitor::guest(answer.header("x-cart-token")));
            assert!(carts.len() < 50_000, "64 MiB are never full");
        };
        assert_eq!((refused.status, refused.body["code"].as_str()), (503, Some("storage_full")), "{}", refused.body);
        outside.send(&guest, "GET", "/products", None, &[]).await.expect(200);

        std::fs::remove_file(&filler).unwrap();
        add().await.expect(201);
        for cart in &carts {
            let found = outside.send(cart, "GET", "/cart", None, &[]).await.expect(200).body;
            assert_eq!(found["items"][0]["quantity"], 1, "it was acknowledged");
        }
    });
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let folder = folder();
    assert!(haat(folder.path(), &["migrate"]).status().unwrap().success());
    let database = rusqlite::Connection::open(folder.path().join("haat-data/haat.db")).unwrap();
    database.execute("INSERT INTO orders_schema_steps (name, applied_at) VALUES ('9999_tomorrow', 0)", []).unwrap();
    drop(database);
    let said = refusal(&mut haat(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("orders") && said.contains("9999_tomorrow") && said.contains("newer"), "{said}");
}

#[test]
fn stock_that_is_right_is_left_alone() {
    let folder = folder();
    assert!(haat(folder.path(), &["migrate"]).status().unwrap().success());
    let said = haat(folder.path(), &["inventory", "repair", "--dry-run"]).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(String::from_utf8_lossy(&said.stdout), "there is nothing to mend\n");
}

#[test]
fn what_only_reads_makes_no_database() {
    let folder = folder();
    let commands: [&[&str]; 6] = [
        &["export", "products", "all.jsonl"],
        &["export", "orders", "-"],
        &["export", "events"],
        &["inventory", "repair"],
        &["replay", "orders"],
        &["backup", "copy"],
    ];
    for command in commands {
        let said = refusal(&mut haat(folder.path(), &[command, &["--data", "typo"]].concat()));
        assert!(said.contains("there is no database typo/haat.db") && said.contains("--data"), "{command:?}: {said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{command:?} leaves something behind");
    }
    let doctor = haat(folder.path(), &["doctor", "--data", "typo", "--listen", "127.0.0.1:0"]).output().unwrap();
    let report = String::from_utf8_lossy(&doctor.stdout);
    assert!(report.contains("typo is made at the first start"), "{report}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the doctor changes nothing");
}

#[test]
fn a_command_whose_output_nobody_reads_ends_without_a_word() {
    let folder = folder();
    assert!(haat(folder.path(), &["migrate"]).status().unwrap().success());
    let commands: [&[&str]; 12] = [
        &["config"],
        &["doctor", "--listen", "127.0.0.1:0"],
        &["openapi"],
        &["openapi", "--collection"],
        &["services"],
        &["services", "--json"],
        &["completions", "bash"],
        &["export", "products", "--format", "csv"],
        &["export", "orders"],
        &["inventory", "repair"],
        &["replay", "orders"],
        &["migrate"],
    ];
    for command in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = haat(folder.path(), command).stdout(writer).env("HAAT_LOG__FILTER", "off").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        // As a shell says it of a program that SIGPIPE has ended.
        assert_eq!((output.status.code(), said.as_ref()), (Some(141), ""), "{command:?}");
    }
}

#[test]
fn what_cannot_be_started_with_is_named() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "not a directory").unwrap();
    std::fs::create_dir(folder.path().join("odd")).unwrap();
    std::fs::write(folder.path().join("odd/haat.db"), "this is no database, whatever its name says; it is long enough to be read").unwrap();
    let serve = |more: &[&str]| refusal(&mut haat(folder.path(), &[&["serve"], more].concat()));
    assert!(serve(&["--data", "file"]).contains("cannot make the directory"), "a file in place of the directory");
    let said = serve(&["--data", "odd", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("haat.db") && said.contains("not a database"), "{said}");
    let said = refusal(haat(folder.path(), &["serve"]).env("HAAT_LISTN", "1"));
    assert!(said.to_lowercase().contains("listn") && said.contains("`listen`"), "{said}");
    let said = refusal(haat(folder.path(), &["serve"]).env_remove("HAAT_MASTER_KEY"));
    assert!(said.contains("HAAT_MASTER_KEY") && said.contains("openssl rand"), "{said}");
    let said = refusal(haat(folder.path(), &["serve"]).env("HAAT_MASTER_KEY", "abc"));
    assert!(said.contains("master_key") && !said.contains("abc"), "{said}");
    let said = serve(&["--only", "ordrs"]);
    assert!(said.contains("ordrs") && said.contains("orders"), "{said}");
}

#[test]
fn another_master_key_than_the_datas_is_refused() {
    let folder = folder();
    assert!(
        haat(folder.path(), &["admin", "create", "--email", "boss@haat.test"])
            .env("HAAT_ADMIN_PASSWORD", "correct horse battery")
            .status()
            .unwrap()
            .success()
    );
    let server = Server::serve(folder.path());
    testing::run(async {
        let body = serde_json::json!({"email": "boss@haat.test", "password": "correct horse battery"});
        Outside::of(&server.url).send(&Visitor::default(), "POST", "/auth/login", Some(body), &[]).await.expect(200);
    });
    drop(server);
    let other = MASTER_KEY.replace('5', "6");
    for command in ["serve", "migrate"] {
        let said = refusal(haat(folder.path(), &[command, "--listen", "127.0.0.1:0"]).env("HAAT_MASTER_KEY", &other));
        assert!(said.contains("another key than the one under which") && !said.contains(&other), "{said}");
    }
    let doctor = haat(folder.path(), &["doctor", "--listen", "127.0.0.1:0"]).env("HAAT_MASTER_KEY", &other).output().unwrap();
    let report = String::from_utf8_lossy(&doctor.stdout);
    assert!(!doctor.status.success() && report.lines().any(|l| l.starts_with("BAD   master key") && l.contains("another key")), "{report}");
    drop(Server::serve(folder.path()));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refusal(&mut haat(folder.path(), &["serve", "--listen", &address]));
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
}

#[test]
fn where_serve_refuses_to_start_the_doctor_says_so() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("wrong.toml", "[services.orders]\nnonsense = 1");
    file("unknown.toml", "[services.ordrs]\nx = 1");
    file("private.toml", "[services.notifications.webhooks]\nprivate_addresses = true");
    file("proxy.toml", "trusted_proxies = ['nowhere']");
    let cases: [(&[&str], &str, &str); 7] = [
        (&["--config", "wrong.toml"], MASTER_KEY, "nonsense"),
        (&["--config", "unknown.toml"], MASTER_KEY, "ordrs"),
        (&["--config", "private.toml"], MASTER_KEY, "private_addresses"),
        (&["--config", "proxy.toml"], MASTER_KEY, "trusted_proxies"),
        (&[], "short", "64 hexadecimal digits"),
        (&["--data", "file/inside"], MASTER_KEY, "file"),
        (&["--data", "/proc/inside"], MASTER_KEY, "/proc"),
    ];
    for (more, key, expected) in cases {
        let run = |command: &str| {
            let arguments = [&[command, "--listen", "127.0.0.1:0"], more].concat();
            haat(folder.path(), &arguments).env("HAAT_MASTER_KEY", key).output().unwrap()
        };
        let (doctor, serve) = (run("doctor"), run("serve"));
        let report = String::from_utf8_lossy(&doctor.stdout);
        assert!(!serve.status.success(), "serve starts with {more:?}");
        assert!(!doctor.status.success() && report.lines().any(|l| l.starts_with("BAD") && l.contains(expected)), "{more:?}: {report}");
    }
}

#[test]
fn what_people_have_said_is_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    assert!(haat(folder.path(), &["migrate"]).status().unwrap().success());
    assert!(haat(folder.path(), &["backup", "copy"]).status().unwrap().success());
    assert!(haat(folder.path(), &["restore", "copy", "--data", "other"]).status().unwrap().success());
    for directory in ["haat-data", "copy", "other"] {
        let path = folder.path().join(directory);
        let entries = std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path());
        for path in entries.chain([path.clone()]) {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} can be read by others: {mode:o}", path.display());
        }
    }
    std::fs::set_permissions(folder.path().join("other"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let doctor = haat(folder.path(), &["doctor", "--data", "other", "--listen", "127.0.0.1:0"]).output().unwrap();
    let report = String::from_utf8_lossy(&doctor.stdout);
    assert!(doctor.status.success() && report.contains("WARN  data directory") && report.contains("chmod 700 other"), "{report}");
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let folder = folder();
    let server = Server::serve(folder.path());
    testing::run(async {
        let (outside, anybody) = (Outside::of(&server.url), Visitor::default());
        for left in (0..100).rev() {
            let answer = outside.send(&anybody, "GET", "/products", None, &[]).await.expect(200);
            assert_eq!(answer.header("ratelimit-policy"), "\"anonymous\";q=100;w=60");
            let first = format!("\"anonymous\";r={left};");
            assert!(answer.header("ratelimit").starts_with(&first) || left < 99, "{}", answer.header("ratelimit"));
        }
        // The quota refills while it is used: a few more may be let in.
        let mut refused = None;
        for _ in 0..200 {
            let answer = outside.send(&anybody, "GET", "/products", None, &[]).await;
            if answer.status != 200 {
                refused = Some(answer.expect(429));
                break;
            }
        }
        let refused = refused.expect("somebody who goes on and on is refused");
        assert_eq!(refused.code(), "rate_limited");
        assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|s| (1..=60).contains(&s)), "{refused:?}");
        outside.send_to(&anybody, "GET", &format!("{}/health", server.url), None, &[]).await.expect(200);
    });
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let folder = folder();
    let doctor = |more: &[&str]| {
        let output = haat(folder.path(), &[&["doctor", "--listen", "127.0.0.1:0"], more].concat()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (well, report) = doctor(&[]);
    assert!(well && report.contains("haat-data is made at the first start"), "{report}");
    drop(Server::serve(folder.path()));
    let (well, report) = doctor(&[]);
    assert!(well && report.contains("is up to date") && !report.contains("BAD"), "{report}");

    let running = Server::serve(folder.path());
    let (well, report) = doctor(&[]);
    assert!(well && report.contains("is in use by another haat") && report.contains("GET /ready"), "{report}");
    drop(running);

    let file = rusqlite::Connection::open(folder.path().join("haat-data/haat.db")).unwrap();
    let stuck = "INSERT INTO orders_jobs (id, kind, key, payload, metadata, state, due_at, attempts, epoch, created_at)
                 VALUES (x'00', 'complete', 'x', '{}', '{}', 'dead', 0, 1, 1, 0)";
    file.execute(stuck, []).unwrap();
    file.execute("INSERT INTO catalog_schema_steps (name, applied_at) VALUES ('9999_future', 0)", []).unwrap();
    drop(file);
    let (well, report) = doctor(&[]);
    let bad: Vec<_> = report.lines().filter(|line| line.starts_with("BAD")).collect();
    assert!(!well && bad.len() == 2, "{report}");
    assert!(bad.iter().any(|line| line.contains("dead jobs") && line.contains("1 of orders")), "{report}");
    assert!(bad.iter().any(|line| line.contains("9999_future") && line.contains("newer")), "{report}");

    let behind = rusqlite::Connection::open(folder.path().join("haat-data/haat.db")).unwrap();
    behind.execute("INSERT OR REPLACE INTO vendors_readers (source, position, updated_at) VALUES ('orders', 9000, 0)", []).unwrap();
    drop(behind);
    let (well, report) = doctor(&[]);
    assert!(!well && report.contains("vendors has read the events of orders up to 9000"), "{report}");

    let (well, report) = doctor(&["--config", "missing.toml"]);
    assert!(!well && report.contains("missing.toml"), "{report}");
}
