//! Readers of logs: each event was handled once, and those of a stream in their order.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use contracts::Envelope;
use uuid::Uuid;

use crate::sim::world::World;
use crate::sim::{store, witness};

/// What the witness was given is what was said.
pub async fn once_and_in_order(world: &World, events: &[Envelope]) -> anyhow::Result<()> {
    let kinds = witness::kinds();
    let mut said: BTreeMap<Uuid, &Envelope> = events.iter().filter(|e| kinds.contains(&e.kind.as_str())).map(|e| (e.id, e)).collect();
    let mut last: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (event, stream, sequence) in world.read(witness::SERVICE.name, store::handled).await? {
        let before = last.insert(stream, sequence).unwrap_or(0);
        ensure!(before < sequence, "a reader was given number {sequence} of stream {stream} after number {before}");
        if said.remove(&event).is_none() {
            bail!("a reader was given an event that nobody said, or twice: {event}, number {sequence} of {stream}");
        }
    }
    match said.values().next() {
        Some(missed) => bail!("a reader was never given {} {} of {}", missed.kind, missed.sequence, missed.stream),
        None => Ok(()),
    }
}
