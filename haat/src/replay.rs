//! Building a read model anew, with a bar that says how far it is.

use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use kit::Platform;
use kit::events::{ReplayStatus, Replays};
use serde::Deserialize;

use crate::exchange::Server;

/// How often the bar moves.
const LOOK: Duration = Duration::from_millis(100);
/// A replay that has failed so many looks in a row is not waited for.
const FAILED_LOOKS_MAX: u32 = 50;

/// How far a replay is; as a server says it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    status: String,
    position: i64,
    target: i64,
    events: i64,
    per_second: f64,
    error: Option<String>,
}

/// Starts the replay of a read model, or joins the one that is running, and waits until it is done. Returns what was done.
pub async fn here(platform: &Platform, model: &str) -> anyhow::Result<String> {
    let known = || platform.replays().iter().flat_map(Replays::models).collect::<Vec<_>>().join(", ");
    let replays = platform.replays().iter().find(|r| r.models().any(|m| m == model));
    let replays = replays.with_context(|| format!("there is no read model {model}: expected one of {}", known()))?;
    let id = replays.start(model).await?.context("the read model is gone")?;
    followed(model, async || {
        let replay = replays.get(id).await?.context("the replay is gone")?;
        let status = replay.status.as_str().to_owned();
        let per_second = replay.events_per_second();
        Ok(Progress { status, position: replay.position, target: replay.target, events: replay.events, per_second, error: replay.error })
    })
    .await
}

/// The same on a running server.
pub async fn there(server: &Server, model: &str) -> anyhow::Result<String> {
    let begun = server.start_replay(model).await?;
    let id = begun["id"].as_str().context("the replay has no id")?;
    followed(model, async || Ok(serde_json::from_value(server.replay(id).await?)?)).await
}

async fn followed(model: &str, look: impl AsyncFn() -> anyhow::Result<Progress>) -> anyhow::Result<String> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {pos} of {len}  {per_sec}  {eta} left {msg}") {
        bar.set_style(style);
    }
    let mut failed = 0;
    loop {
        let replay = look().await?;
        bar.set_length(replay.target.unsigned_abs());
        bar.set_position(replay.position.min(replay.target).unsigned_abs());
        if replay.status == ReplayStatus::Done.as_str() {
            bar.finish_and_clear();
            return Ok(format!("{model}: {} events taken in, {:.0} per second", replay.events, replay.per_second));
        }
        if replay.status != ReplayStatus::Running.as_str() {
            bail!("{model} stays as it is: the replay is {} {}", replay.status, replay.error.unwrap_or_default());
        }
        failed = if replay.error.is_some() { failed + 1 } else { 0 };
        if let Some(reason) = replay.error.filter(|_| failed > FAILED_LOOKS_MAX) {
            bail!("{model} stays as it is: {reason}. The replay goes on by itself once that is mended");
        }
        tokio::time::sleep(LOOK).await;
    }
}
