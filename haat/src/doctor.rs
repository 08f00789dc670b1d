//! `haat doctor`: what can keep haat from starting or from running well, each with what to do. It changes nothing.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kit::db::{Database, DbError, pending};
use kit::platform::Abandoned;
use kit::{Clock, Platform};

use crate::config::{Config, Flags, Profile, given_key, key_file, load};
use crate::{platform, run, sealed};

/// Less room than this is too little.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Less room than this, and haat does not start.
const FREE_BYTES_TO_START: u64 = 16 << 20;
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
    let mut checks = Vec::new();
    let (checked, key) = key(&config);
    checks.push(match run::try_out(&config, key.unwrap_or_default()).await {
        Ok(()) => Check::new("configuration", Finding::Good, "can be started with"),
        Err(e) => Check::new("configuration", Finding::Bad, format!("{e:#}")),
    });
    checks.extend([clock(), open_files(), checked]);
    checks.extend(directory(&config.data));
    let (database, in_use) = database(&config, key).await;
    checks.extend([Some(config.listen), config.internal_listen].into_iter().flatten().map(|address| port(address, in_use)));
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

/// What was found, and the key where there is one.
fn key(config: &Config) -> (Check, Option<[u8; 32]>) {
    const WHAT: &str = "master key";
    let found = |finding, text: String| Check::new(WHAT, finding, text);
    let key = match given_key(config) {
        Ok(key) => key,
        Err(e) => return (found(Finding::Bad, format!("{e:#}")), None),
    };
    let check = match (key, key_file(config)) {
        (Some(_), None) => found(Finding::Good, "is given".into()),
        (Some(_), Some(file)) if is_for_others(&file) => {
            found(Finding::Warning, format!("{0} can be read by others: chmod 600 {0}", file.display()))
        }
        (Some(_), Some(file)) => found(Finding::Good, format!("in {}", file.display())),
        (None, _) if config.profile == Profile::Development => found(Finding::Good, "is made at the first start".into()),
        (None, _) => found(Finding::Bad, "none is given: make one with `openssl rand -hex 32` and give it as HAAT_MASTER_KEY".into()),
    };
    (check, key)
}

/// Whether others than its owner may do anything with it.
fn is_for_others(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

fn directory(data: &Path) -> Vec<Check> {
    const WHAT: &str = "data directory";
    let name = data.display();
    // What is missing is made in the first one above it that is there.
    let place = data.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let mut checks = Vec::new();
    checks.push(match tempfile::tempfile_in(place) {
        Err(e) => {
            let text =
                format!("{} cannot be written ({e}): give it to the user who runs haat, or choose another with --data", place.display());
            Check::new(WHAT, Finding::Bad, text)
        }
        Ok(_) if !data.exists() => Check::new(WHAT, Finding::Good, format!("{name} is made at the first start")),
        Ok(_) if is_for_others(data) => {
            Check::new(WHAT, Finding::Warning, format!("{name} can be read by others, and names and addresses with it: chmod 700 {name}"))
        }
        Ok(_) => Check::new(WHAT, Finding::Good, format!("{name} can be written")),
    });
    if let Ok(found) = rustix::fs::statvfs(place) {
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        let (finding, advice) = match free {
            FREE_BYTES_MIN.. => (Finding::Good, ""),
            FREE_BYTES_TO_START.. => (Finding::Warning, ": make room; without any, haat answers 503 until there is some"),
            _ => (Finding::Bad, ": make room; haat cannot start with so little"),
        };
        checks.push(Check::new("free space", finding, format!("{} MiB on the disk of {name}{advice}", free >> 20)));
    }
    checks
}

/// `in_use`: a running haat has the data, and most likely the port too.
fn port(address: SocketAddr, in_use: bool) -> Check {
    const WHAT: &str = "listener";
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
async fn database(config: &Config, key: Option<[u8; 32]>) -> (Vec<Check>, bool) {
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
    let mut checks = inside(&database).await;
    if let Some(key) = key
        && let Err(e) = sealed::check(&database, &key, |_| true).await
    {
        checks.push(Check::new("master key", Finding::Bad, e.to_string()));
    }
    database.close();
    (checks, false)
}

async fn inside(database: &Database) -> Vec<Check> {
    let (mut checks, mut steps, mut there) = (Vec::new(), 0, Vec::new());
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
        let Ok(found) = db.read(kit::platform::abandoned).await else { continue };
        there.push(service.name);
        let check = |(count, what, advice)| Check::new(what, Finding::Bad, format!("{count} of {}: {advice}", service.name));
        checks.extend(waiting(found).into_iter().map(check));
    }
    if let Err(e) = Platform::check_positions(platform::SERVICES, database, &there).await {
        checks.push(Check::new("events", Finding::Bad, e.to_string()));
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
        (found.dead_jobs, "dead jobs", "start haat and look at GET /api/v1/dead-jobs; see docs/operations/runbooks/dead-jobs.md"),
    ];
    all.into_iter().filter(|(count, ..)| *count > 0).collect()
}
