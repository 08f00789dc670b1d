//! The release binary, started and killed.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::client::Client;

const READY_SECONDS_MAX: u64 = 120;
const LOOK_MS: u64 = 5;
/// `std::process::abort` on Linux.
const SIGABRT: i32 = 6;

/// A server on one port and one data directory, through all its lives.
pub struct Server {
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    environment: Vec<(&'static str, String)>,
    child: Option<Child>,
}

/// How a life ended without being killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At the point it was told to die at.
    AsTold,
    /// In any other way.
    Otherwise(ExitStatus),
}

impl Server {
    /// Not started yet. Its data and its log are in `folder`; `environment` is what it is told besides.
    pub fn new(binary: &Path, folder: &Path, environment: Vec<(&'static str, String)>) -> Result<Server> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        Ok(Server { binary: binary.to_owned(), folder: folder.to_owned(), port, environment, child: None })
    }

    /// Where it listens.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it, with `<point>:<n>` to die at, and waits until it is ready. `false` where it died before.
    pub fn start(&mut self, crash_at: Option<String>) -> Result<bool> {
        let log = self.log()?;
        let mut command = Command::new(&self.binary);
        command.args(["demo", "--days", "0", "--listen", &format!("127.0.0.1:{}", self.port), "--data"]).arg(self.folder.join("data"));
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        if let Some(crash_at) = crash_at {
            command.env("HAAT_CRASH_AT", crash_at);
        }
        self.child = Some(command.spawn().with_context(|| format!("cannot start {}", self.binary.display()))?);
        let (started, client) = (Instant::now(), Client::guest(&self.base()));
        while started.elapsed().as_secs() < READY_SECONDS_MAX {
            if self.end()?.is_some() {
                return Ok(false);
            }
            if client.send("GET", "/ready", None, None).is_ok_and(|answer| answer.is_ok()) {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        }
        bail!("the server is not ready after {READY_SECONDS_MAX} s; its log is {}", self.log_path().display())
    }

    /// Waits until it has died by itself; `None` where it lives on after that time.
    pub fn dies_within(&mut self, limit: Duration) -> Result<Option<End>> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(end) = self.end()? {
                return Ok(Some(end));
            }
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        }
        self.end()
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// The lines of its log that tell of a bug, over all its lives.
    pub fn complaints(&self) -> Result<Vec<String>> {
        let text = std::fs::read(self.log_path())?;
        let text = String::from_utf8_lossy(&text);
        let bad = text.lines().filter(|line| line.contains("panicked at"));
        Ok(bad.map(|line| format!("the server's log: {line}")).collect())
    }

    /// What it wrote over all its lives.
    pub fn log_path(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn end(&mut self) -> Result<Option<End>> {
        let Some(child) = &mut self.child else { return Ok(None) };
        let status = child.try_wait()?;
        Ok(status.map(|status| if status.signal() == Some(SIGABRT) { End::AsTold } else { End::Otherwise(status) }))
    }

    fn log(&self) -> Result<File> {
        OpenOptions::new().create(true).append(true).open(self.log_path()).context("cannot write the server's log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // At the end of a storm there is nobody to tell.
        let _ = self.kill();
    }
}
