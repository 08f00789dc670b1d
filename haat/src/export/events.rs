//! Events, as CloudEvents in JSON Lines.

use std::io::Write;
use std::path::Path;

use anyhow::bail;
use kit::Platform;

use super::{Output, PAGE};
use crate::import::Progress;

/// Writes the log of every service, or of one, oldest first; how many there were.
pub async fn events(platform: &Platform, service: Option<&str>, to: &Path) -> anyhow::Result<u64> {
    let services: Vec<&str> = platform.services().filter(|name| service.is_none_or(|wanted| wanted == *name)).collect();
    if services.is_empty() {
        bail!("there is no such service: expected one of {}", platform.services().collect::<Vec<_>>().join(", "));
    }
    let (mut out, mut progress, mut count) = (Output::to(to)?, Progress::new(None, "events"), 0);
    for service in services {
        let Some(env) = platform.env(service) else { continue };
        let mut position = 0;
        loop {
            let page = env.db.read(move |q| kit::events::after(q, position, PAGE)).await?;
            let Some(last) = page.last() else { break };
            position = last.position;
            for event in &page {
                writeln!(out, "{}", event.to_cloud_event())?;
                count += 1;
            }
            progress.tell(count, count);
        }
    }
    out.finish()?;
    progress.end();
    Ok(count)
}
