//! A private PostgreSQL server per test process: started when the first test asks, gone with the process.
//!
//! Nothing is kept: no flush to disk, a unix socket in a temporary folder, and a shell around the server that removes the
//! folder when the kernel tells it that this process has ended, however it ended.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use postgres::{Client, NoTls};

/// How long a server may take to answer, in tries of 20 ms.
const START_TRIES_MAX: u32 = 1_500;

const MISSING: &str =
    "PostgreSQL 15 or newer is needed for these tests: install the package `postgresql` (Debian, Ubuntu: apt-get install postgresql)";

/// An empty database on the private server; dropped with this value.
pub struct Fresh {
    server: &'static Server,
    name: String,
}

/// Makes an empty database.
pub fn fresh_database() -> Fresh {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let server = Server::shared();
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    server.administer(format!("CREATE DATABASE {name}"));
    Fresh { server, name }
}

impl Fresh {
    /// How to reach it.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.server.administer(format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

struct Server {
    folder: PathBuf,
}

impl Server {
    fn shared() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Server::start)
    }

    fn start() -> Server {
        let programs = programs();
        let folder = std::env::temp_dir().join(format!("haat-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a test needs a temporary folder");
        let user = unprivileged(&folder);
        let data = folder.join("data");
        let made = as_user(&user, &programs.join("initdb"))
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
            .arg(&data)
            .output();
        let made = made.expect("initdb was found a moment ago");
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        watch_over(user, &programs.join("postgres"), &folder);
        let server = Server { folder };
        server.wait_until_it_answers();
        server
    }

    fn url(&self, database: &str) -> String {
        let place = self.folder.display().to_string().replace('/', "%2F");
        format!("postgresql://postgres@{place}/{database}")
    }

    fn wait_until_it_answers(&self) {
        let url = self.url("postgres");
        let answered = std::thread::spawn(move || {
            (0..START_TRIES_MAX).any(|_| {
                let connected = Client::connect(&url, NoTls).is_ok();
                if !connected {
                    std::thread::sleep(Duration::from_millis(20));
                }
                connected
            })
        });
        assert!(answered.join().unwrap_or(false), "the private PostgreSQL server in {} does not answer", self.folder.display());
    }

    /// Runs a statement on a thread of its own: this client must not be used on a thread of an async runtime.
    fn administer(&self, statement: String) {
        let url = self.url("postgres");
        let done = std::thread::spawn(move || Client::connect(&url, NoTls)?.batch_execute(&statement));
        match done.join() {
            Ok(Ok(())) => {}
            Ok(Err(e)) if !std::thread::panicking() => panic!("the private PostgreSQL server: {e}"),
            _ => {}
        }
    }
}

/// The newest installed server programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").map(|d| d.filter_map(Result::ok).collect::<Vec<_>>()).unwrap_or_default();
    let number = |p: &Path| p.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    let newest = versions.iter().map(std::fs::DirEntry::path).filter(|p| p.join("bin/initdb").exists()).max_by_key(|p| number(p));
    if let Some(version) = newest {
        return version.join("bin");
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find(|p| p.join("initdb").exists()).unwrap_or_else(|| panic!("{MISSING}"))
}

/// PostgreSQL refuses to run as root: then the folder is given to the user `postgres`, who runs it.
fn unprivileged(folder: &Path) -> Option<u32> {
    let owner = std::fs::metadata(folder).expect("the folder was made a moment ago").uid();
    if owner != 0 {
        return None;
    }
    let asked = Command::new("id").args(["-u", "postgres"]).output().ok().filter(|o| o.status.success());
    let id = asked.and_then(|o| String::from_utf8_lossy(&o.stdout).trim().parse().ok()).unwrap_or_else(|| panic!("{MISSING}"));
    chown(folder, Some(id), None).expect("root may give its folder away");
    Some(id)
}

fn as_user(user: &Option<u32>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if user.is_some() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args(["--pdeathsig", "TERM"]).arg(program).current_dir("/");
    command
}

/// Starts the server from a thread that never ends, because the kernel's signal comes when the starting *thread* ends.
fn watch_over(user: Option<u32>, postgres: &Path, folder: &Path) {
    const SCRIPT: &str = r#"
        trap 'kill -INT $server 2>/dev/null' TERM INT HUP
        "$1" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
            -c max_connections=200 -c shared_buffers=64MB -c max_wal_size=512MB >"$2/log" 2>&1 &
        server=$!
        wait $server; wait $server
        rm -rf "$2""#;
    let mut command = as_user(&user, Path::new("/bin/sh"));
    command.args(["-c", SCRIPT, "sh"]).arg(postgres).arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let watch = std::thread::Builder::new().name("postgres".into()).spawn(move || {
        let ended = command.spawn().and_then(|mut child| child.wait());
        panic!("the private PostgreSQL server has ended: {ended:?}");
    });
    watch.expect("a test process can start a thread");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_is_its_own_and_goes_away() {
        let (one, two) = (fresh_database(), fresh_database());
        assert_ne!(one.url(), two.url());
        let count = |url: String, sql: &'static str| {
            let asked = std::thread::spawn(move || Client::connect(&url, NoTls).and_then(|mut c| c.query_one(sql, &[])));
            asked.join().unwrap().unwrap().get::<_, i64>(0)
        };
        one.server.administer("SELECT 1".into());
        let url = one.url();
        std::thread::spawn(move || Client::connect(&url, NoTls).unwrap().batch_execute("CREATE TABLE t (x int)").unwrap()).join().unwrap();
        let tables = "SELECT COUNT(*) FROM pg_tables WHERE tablename = 't'";
        assert_eq!((count(one.url(), tables), count(two.url(), tables)), (1, 0));
        let admin = two.server.url("postgres");
        drop((one, two));
        assert_eq!(count(admin, "SELECT COUNT(*) FROM pg_database WHERE datname LIKE 'test_%'"), 0);
    }
}
