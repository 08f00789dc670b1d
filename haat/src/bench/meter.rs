//! What the server uses while the clients work, read once a second.

use std::time::Duration;

use anyhow::Result;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::client::Connection;
use super::effects::Effects;
use super::series::Sample;
use super::server::Server;
use super::usage::{self, Usage};

const EVERY: Duration = Duration::from_secs(1);

/// Reads again and again.
pub struct Meter {
    connection: Connection,
    server: Option<u32>,
    began: Instant,
    last: (Instant, Usage),
    pub samples: Vec<Sample>,
}

impl Meter {
    /// From now on.
    pub async fn begin(server: &Server) -> Result<Meter> {
        let mut connection = Connection::open(server.address()).await?;
        let usage = Usage::of(&usage::metrics(&mut connection).await?, server.pid())?;
        let began = Instant::now();
        Ok(Meter { connection, server: server.pid(), began, last: (began, usage), samples: Vec::new() })
    }

    /// Goes on until `moment`, and says how it stands then.
    pub async fn until(&mut self, mut moment: oneshot::Receiver<()>) -> Result<(Usage, Effects)> {
        loop {
            tokio::select! {
                biased;
                // Where the other side is gone there is no moment any more; its own error says why.
                _ = &mut moment => break,
                () = tokio::time::sleep_until(self.last.0 + EVERY) => drop(self.read().await?),
            }
        }
        let text = usage::metrics(&mut self.connection).await?;
        Ok((Usage::of(&text, self.server)?, Effects::of(&text)))
    }

    async fn read(&mut self) -> Result<()> {
        let usage = Usage::of(&usage::metrics(&mut self.connection).await?, self.server)?;
        let now = Instant::now();
        let (seconds, at_seconds) = ((now - self.last.0).as_secs_f64(), (now - self.began).as_secs_f64());
        self.samples.push(Sample::between(&self.last.1, &usage, seconds, at_seconds));
        self.last = (now, usage);
        Ok(())
    }
}
