//! Events, as CloudEvents in JSON Lines.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use kit::Platform;
use kit::events::{PART_EVENTS_MAX, part};

use super::Output;
use crate::exchange::Server;
use crate::import::Progress;
use crate::print;

/// After how long a log is read again whose next event may still be committed.
const LOOK: Duration = Duration::from_millis(100);

/// Writes the log of every service, or of one, oldest first; how many there were.
pub async fn here(platform: &Platform, service: Option<&str>, to: &Path) -> anyhow::Result<u64> {
    let services: Vec<&str> = platform.services().filter(|name| service.is_none_or(|wanted| wanted == *name)).collect();
    if services.is_empty() {
        bail!("there is no such service: expected one of {}", platform.services().collect::<Vec<_>>().join(", "));
    }
    let mut sheet = Sheet::to(to)?;
    for service in services {
        let Some(env) = platform.env(service) else { continue };
        let mut place = None;
        loop {
            let found = env.db.read(move |q| part(q, place, PART_EVENTS_MAX)).await?;
            sheet.take(&found.events)?;
            if found.next.is_none() {
                break;
            }
            if found.events.is_empty() {
                tokio::time::sleep(LOOK).await;
            }
            place = found.next;
        }
    }
    sheet.end()
}

/// The same of a running server.
pub async fn there(server: &Server, service: Option<&str>, to: &Path) -> anyhow::Result<u64> {
    let (mut sheet, mut after) = (Sheet::to(to)?, String::new());
    loop {
        let page = server.events(service, &after, PART_EVENTS_MAX).await?;
        sheet.take(&page.data)?;
        let Some(next) = page.next else {
            if !page.absent.is_empty() {
                print::aside(format_args!("left out, since they run nowhere: {}", page.absent.join(", ")));
            }
            return sheet.end();
        };
        if next == after {
            tokio::time::sleep(LOOK).await;
        }
        after = next;
    }
}

/// What is being written, and how far it is.
struct Sheet {
    out: Output,
    progress: Progress,
    count: u64,
}

impl Sheet {
    fn to(path: &Path) -> anyhow::Result<Sheet> {
        Ok(Sheet { out: Output::to(path)?, progress: Progress::new(None, "events"), count: 0 })
    }

    fn take(&mut self, events: &[impl Display]) -> anyhow::Result<()> {
        for event in events {
            writeln!(self.out, "{event}")?;
            self.count += 1;
        }
        self.progress.tell(self.count, self.count);
        Ok(())
    }

    fn end(self) -> anyhow::Result<u64> {
        self.out.finish()?;
        self.progress.end();
        Ok(self.count)
    }
}
