//! Messages: whoever is to be told of something was told of it, once.

use std::collections::BTreeMap;

use anyhow::ensure;

use super::story::Story;
use crate::sim::store;
use crate::sim::world::World;

/// Kinds that go into the list within the application alone.
const NOT_BY_MAIL: &[&str] = &["order.created"];
/// To the owner of a store: of a sale, and of what shall come back.
const TO_STORES: [&str; 2] = ["vendor_order.confirmed", "vendor_order.return_requested"];

/// Every message of an order is there once on each of its channels, and no other is; what goes by mail has left.
pub async fn once(world: &World, stories: &BTreeMap<String, Story>, owned: &[String]) -> anyhow::Result<()> {
    let mut found = BTreeMap::new();
    for message in world.read("notifications", store::messages).await? {
        ensure!(message.channel != "email" || message.left == 1, "a mail has left {} times: {message:?}", message.left);
        let key = (message.order.to_string(), message.kind, message.about.to_string(), message.channel);
        *found.entry(key).or_insert(0) += 1;
    }
    for (order, story) in stories {
        let is_member = !story.created["userId"].is_null();
        let mut wanted: Vec<(&str, &str, bool)> = story.told.iter().map(|(kind, about)| (*kind, about.as_str(), is_member)).collect();
        let sold = story.parts.iter().filter(|p| story.sold && owned.contains(&p.vendor));
        wanted.extend(sold.map(|p| (TO_STORES[0], p.id.as_str(), true)));
        let asked_back = story.asked_back.iter().filter(|(_, vendor)| owned.contains(vendor));
        wanted.extend(asked_back.map(|(id, _)| (TO_STORES[1], id.as_str(), true)));
        for (kind, about, in_app) in wanted {
            for channel in ["in_app", "email"] {
                let times = found.remove(&(order.clone(), kind.into(), about.into(), channel.into())).unwrap_or(0);
                let due = i32::from(if channel == "in_app" { in_app } else { !NOT_BY_MAIL.contains(&kind) });
                ensure!(times == due, "{kind} about {about} of order {order} was told {times} times by {channel}, not {due}");
            }
        }
    }
    let known = |kind: &str| TO_STORES.contains(&kind) || stories.values().any(|s| s.told.iter().any(|(k, _)| *k == kind));
    let stray = found.keys().find(|(_, kind, _, _)| known(kind));
    ensure!(stray.is_none(), "told of what never happened: {stray:?}");
    Ok(())
}
