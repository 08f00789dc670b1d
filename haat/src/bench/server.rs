//! The server under load.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Method;
use tempfile::TempDir;
use tokio::time::Instant;

use super::args::BenchArgs;
use super::client::Connection;

/// Making and filling an empty marketplace takes a while.
const START_SECONDS_MAX: u64 = 120;

/// A server of our own, killed with its folder at the end, or one that runs already.
pub struct Server {
    address: SocketAddr,
    own: Option<Own>,
}

struct Own {
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Starts this program on an empty folder and a free port, or finds the named server.
    pub async fn start(args: &BenchArgs) -> Result<Server> {
        if let Some(target) = &args.target {
            return Ok(Server { address: address_of(target)?, own: None });
        }
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let folder = tempfile::tempdir()?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(std::env::current_exe()?);
        if args.no_cache {
            command.env("HAAT_SERVICES__CATALOG__LISTS_KEPT_MS", "0");
        }
        let child = command
            .args(["demo", "--days", "0", "--listen", &address.to_string(), "--data"])
            .arg(folder.path().join("data"))
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start the server")?;
        let mut own = Own { child, folder };
        own.wait_until_ready(address).await?;
        Ok(Server { address, own: Some(own) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process, where it is our own.
    pub fn pid(&self) -> Option<u32> {
        self.own.as_ref().map(|own| own.child.id())
    }
}

impl Own {
    async fn wait_until_ready(&mut self, address: SocketAddr) -> Result<()> {
        let started = Instant::now();
        while started.elapsed().as_secs() < START_SECONDS_MAX {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", self.log());
            }
            if let Ok(mut connection) = Connection::open(address).await
                && connection.send(Method::GET, "/ready", Bytes::new(), None).await.is_ok_and(|a| a.is_ok())
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the server is not ready after {START_SECONDS_MAX} s: {}", self.log())
    }

    /// The end of what it wrote.
    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Its data goes with it; there is nothing to end gracefully.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_of(target: &str) -> Result<SocketAddr> {
    let rest = target.strip_prefix("http://").with_context(|| format!("--target is http://host:port, found {target:?}"))?;
    let host = rest.trim_end_matches('/');
    let mut addresses = host.to_socket_addrs().with_context(|| format!("--target is http://host:port, found {target:?}"))?;
    addresses.next().with_context(|| format!("{host} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_http_address_with_a_port() {
        assert_eq!(address_of("http://127.0.0.1:80/").expect("an address").port(), 80);
        for bad in ["127.0.0.1:80", "https://127.0.0.1:443", "http://127.0.0.1"] {
            assert!(address_of(bad).is_err_and(|e| e.to_string().contains(bad)), "{bad}");
        }
    }
}
