//! `haat doctor`: what can keep haat from starting or from running well, each with what to do. It changes nothing.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kit::Clock;
use kit::db::{Database, DbError, pending};
use kit::platform::Abandoned;

use crate::config::{Config, Flags, Profile, load};
use crate::platform;

/// Less room than this is too little.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Fewer open files than this are too few for a thousand clients.
const OPEN_FILES_MIN: u64 = 4_096;
/// A clock before this moment, in seconds since 1970, is wrong: haat is younger.
const CLOCK_SECONDS_MIN: i64 = 1_767_225_600;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// As it should be.
    Good,
    /// haat runs, but not well.
    Warning,
    /// haat does not start, or something waits for an operator.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Check {
    what: &'static str,
    finding: Finding,
    /// What was found, and what to do about it.
    text: String,
}

impl Check {
    fn new(what: &'static str, finding: Finding, text: impl Into<String>) -> Check {
        Check { what, finding, text: text.into() }
    }
}

/// Looks at everything. Without a configuration that can be read there is nothing more to look at.
pub async fn examine(flags: &Flags) -> Vec<Check> {
    let config = match load(flags) {
        Ok(config) => config,
        Err(e) => return vec![Check::new("configuration", Finding::Bad, format!("{e:#}"))],
    };
    let mut checks = vec![Check::new("configuration", Finding::Good, "can be read"), clock(), open_files(), key(&config)];
    checks.extend(directory(&config.data));
    let (database, in_use) = database(&config).await;
    checks.push(port(&config, in_use));
    checks.extend(database);
    checks
}

/// The report, and whether anything is bad.
pub fn report(checks: &[Check]) -> (String, bool) {
    let mut text = String::new();
    for check in checks {
        let mark = match check.finding {
            Finding::Good => "ok  ",
            Finding::Warning => "WARN",
            Finding::Bad => "BAD ",
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{mark}  {:<16} {}", check.what, check.text);
    }
    (text, checks.iter().any(|check| check.finding == Finding::Bad))
}

fn clock() -> Check {
    let now = Clock::system().now();
    if now.unix_seconds() < CLOCK_SECONDS_MIN {
        return Check::new("clock", Finding::Bad, format!("says {now}: set it; tokens and deadlines rest on it"));
    }
    Check::new("clock", Finding::Good, now.to_string())
}

fn open_files() -> Check {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match limit {
        Some(limit) if limit < OPEN_FILES_MIN => {
            let text = format!("{limit} at most: a thousand clients need more; raise it with ulimit -n 65536, or LimitNOFILE= of systemd");
            Check::new("open files", Finding::Warning, text)
        }
        limit => Check::new("open files", Finding::Good, limit.map_or("no limit".into(), |limit| format!("{limit} at most"))),
    }
}

fn key(config: &Config) -> Check {
    const WHAT: &str = "master key";
    let own = config.data.join("master.key");
    let file = config.master_key_file.clone().or_else(|| own.exists().then_some(own));
    if config.master_key.is_some() {
        return Check::new(WHAT, Finding::Good, "is given");
    }
    let Some(file) = file else {
        return match config.profile {
            Profile::Development => Check::new(WHAT, Finding::Good, "is made at the first start"),
            _ => Check::new(WHAT, Finding::Bad, "none is given: make one with `openssl rand -hex 32` and give it as HAAT_MASTER_KEY"),
        };
    };
    let name = file.display();
    match file.metadata() {
        Err(e) => Check::new(WHAT, Finding::Bad, format!("{name} cannot be read: {e}")),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            Check::new(WHAT, Finding::Warning, format!("{name} can be read by others: chmod 600 {name}"))
        }
        Ok(_) => Check::new(WHAT, Finding::Good, format!("in {name}")),
    }
}

fn directory(data: &Path) -> Vec<Check> {
    const WHAT: &str = "data directory";
    let name = data.display();
    if !data.exists() {
        return vec![Check::new(WHAT, Finding::Good, format!("{name} is made at the first start"))];
    }
    let mut checks = Vec::new();
    checks.push(match tempfile::tempfile_in(data) {
        Ok(_) => Check::new(WHAT, Finding::Good, format!("{name} can be written")),
        Err(e) => Check::new(WHAT, Finding::Bad, format!("{name} cannot be written ({e}): give it to the user who runs haat")),
    });
    if let Ok(found) = rustix::fs::statvfs(data) {
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        let text = format!("{} MiB on the disk of {name}", free >> 20);
        let enough = free >= FREE_BYTES_MIN;
        let advice = if enough { "" } else { ": make room; without any, haat answers 503 until there is some" };
        checks.push(Check::new("free space", if enough { Finding::Good } else { Finding::Warning }, text + advice));
    }
    checks
}

/// `in_use`: a running haat has the data, and most likely the port too.
fn port(config: &Config, in_use: bool) -> Check {
    const WHAT: &str = "listener";
    let address = config.listen;
    match TcpListener::bind(address) {
        Ok(_) => Check::new(WHAT, Finding::Good, format!("{address} is free")),
        Err(e) if e.kind() == ErrorKind::AddrInUse && in_use => Check::new(WHAT, Finding::Good, format!("{address} is taken; haat runs")),
        Err(e) if e.kind() == ErrorKind::AddrInUse => {
            Check::new(WHAT, Finding::Bad, format!("{address} is taken by another program: stop it, or choose another with --listen"))
        }
        Err(e) => Check::new(WHAT, Finding::Bad, format!("{address} cannot be listened on: {e}; choose another with --listen")),
    }
}

/// What was found, and whether a running haat has the database.
async fn database(config: &Config) -> (Vec<Check>, bool) {
    const WHAT: &str = "database";
    let file = config.sqlite_file();
    let opened = match &config.database.url {
        Some(url) => Database::postgres(url, 1),
        None if !file.exists() => return (vec![Check::new(WHAT, Finding::Good, "is made at the first start")], false),
        None => Database::sqlite(&file),
    };
    let database = match opened {
        Ok(database) => database,
        Err(DbError::Unavailable(reason)) if reason.contains("in use by another haat") => {
            let text = format!("{reason}; ask that one: GET /ready, GET /api/v1/sagas?status=stuck, GET /api/v1/dead-letters");
            return (vec![Check::new(WHAT, Finding::Good, text)], true);
        }
        Err(e) => return (vec![Check::new(WHAT, Finding::Bad, e.to_string())], false),
    };
    let checks = inside(&database).await;
    database.close();
    (checks, false)
}

async fn inside(database: &Database) -> Vec<Check> {
    let (mut checks, mut steps) = (Vec::new(), 0);
    for service in platform::SERVICES {
        match pending(database, service.name, service.migrations).await {
            Ok(missing) => steps += missing.len(),
            Err(e) => {
                checks.push(Check::new("schema", Finding::Bad, e.to_string()));
                continue;
            }
        }
        let db = database.view(service.name);
        // A schema that is not there yet has nothing that waits.
        let found = db.read(kit::platform::abandoned).await.unwrap_or_default();
        let check = |(count, what, advice)| Check::new(what, Finding::Bad, format!("{count} of {}: {advice}", service.name));
        checks.extend(waiting(found).into_iter().map(check));
    }
    let text = match steps {
        0 => "is up to date".to_owned(),
        steps => format!("{steps} steps are taken at the next start, or with `haat migrate`"),
    };
    checks.insert(0, Check::new("schema", Finding::Good, text));
    checks
}

/// What waits for an operator: how many, what they are, and what to do.
fn waiting(found: Abandoned) -> Vec<(i64, &'static str, &'static str)> {
    let all = [
        (found.sagas, "stuck sagas", "start haat and look at GET /api/v1/sagas?status=stuck; see docs/operations/runbooks/saga-stuck.md"),
        (
            found.dead_letters,
            "dead letters",
            "start haat and look at GET /api/v1/dead-letters; see docs/operations/runbooks/dead-letters.md",
        ),
        (found.dead_jobs, "dead jobs", "the log says why each failed; see docs/operations/runbooks/dead-jobs.md"),
    ];
    all.into_iter().filter(|(count, ..)| *count > 0).collect()
}
