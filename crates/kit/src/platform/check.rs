//! What must be right before anything is opened.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Choice, StartError};
use crate::channel::EVERY_SERVICE;
use crate::events::{newest, position_in};
use crate::service::{BuildError, ServiceDef};
use crate::{Consumer, Db};

/// The chosen ones, in the order of their declaration.
pub(super) fn choose<'d>(defs: &'d [ServiceDef], choice: Choice<'_>) -> Result<Vec<&'d ServiceDef>, StartError> {
    for (i, def) in defs.iter().enumerate() {
        if defs[..i].iter().any(|other| other.name == def.name) {
            return Err(StartError::Duplicate(def.name));
        }
    }
    let names = match choice {
        Choice::All => return Ok(defs.iter().collect()),
        Choice::Only(names) => names,
    };
    if let Some(unknown) = names.iter().find(|name| defs.iter().all(|d| d.name != **name)) {
        return Err(unknown_service(defs, unknown));
    }
    Ok(defs.iter().filter(|d| names.contains(&d.name)).collect())
}

/// Whom a declaration names is declared, and nobody calls itself through others.
pub(super) fn declarations(defs: &[ServiceDef]) -> Result<(), StartError> {
    let by_name: BTreeMap<&str, &ServiceDef> = defs.iter().map(|d| (d.name, d)).collect();
    for def in defs {
        for (verb, others) in [("calls", def.calls), ("reads", def.reads)] {
            if let Some(other) = others.iter().copied().find(|other| !by_name.contains_key(other) && *other != EVERY_SERVICE) {
                return Err(StartError::UndeclaredOther { service: def.name, verb, other });
            }
        }
    }
    let mut clear = Vec::new();
    defs.iter().try_for_each(|def| follow_calls(def, &by_name, &mut Vec::new(), &mut clear))
}

/// Depth first; `path` leads to `def`, `clear` are those from which no circle can be reached.
fn follow_calls<'d>(
    def: &'d ServiceDef,
    by_name: &BTreeMap<&str, &'d ServiceDef>,
    path: &mut Vec<&'d str>,
    clear: &mut Vec<&'d str>,
) -> Result<(), StartError> {
    if let Some(begin) = path.iter().position(|name| *name == def.name) {
        let circle = path[begin..].iter().copied().chain([def.name]).collect::<Vec<_>>();
        return Err(StartError::Cycle(circle.join(" → ")));
    }
    if clear.contains(&def.name) {
        return Ok(());
    }
    path.push(def.name);
    for callee in def.calls.iter().filter_map(|name| by_name.get(name)) {
        follow_calls(callee, by_name, path, clear)?;
    }
    path.pop();
    clear.push(def.name);
    Ok(())
}

/// Publishers and callees run here or have an address.
pub(super) fn reachable(defs: &[ServiceDef], chosen: &[&ServiceDef], remotes: &BTreeMap<String, String>) -> Result<(), StartError> {
    if let Some(unknown) = remotes.keys().find(|name| defs.iter().all(|d| d.name != name.as_str())) {
        return Err(unknown_service(defs, unknown));
    }
    let here = |name: &str| chosen.iter().any(|d| d.name == name);
    for def in chosen {
        if let Some(publisher) = def.reads.iter().copied().find(|p| !here(p) && !remotes.contains_key(*p)) {
            return Err(StartError::PublisherElsewhere { subscriber: def.name, publisher });
        }
        if let Some(callee) = def.calls.iter().copied().find(|c| !here(c) && !remotes.contains_key(*c) && *c != EVERY_SERVICE) {
            return Err(StartError::NoAddress { caller: def.name, callee });
        }
    }
    Ok(())
}

/// Every section belongs to a declared service, and those of the chosen ones are right. One file may be for all processes: a
/// mistake in what is meant for another is told here too, but a secret that only that one is given is no reason to stop.
pub(super) fn configuration(defs: &[ServiceDef], chosen: &[&ServiceDef], config: &Json) -> Result<(), StartError> {
    if let Some(unknown) = config.as_object().into_iter().flat_map(|o| o.keys()).find(|k| defs.iter().all(|d| d.name != k.as_str())) {
        return Err(unknown_service(defs, unknown));
    }
    for def in defs {
        let Err(reason) = (def.check_config)(&section(config, def.name)) else { continue };
        if chosen.iter().any(|c| c.name == def.name) {
            return Err(BuildError::Config { service: def.name, reason }.into());
        }
        tracing::warn!(service = def.name, reason, "the configuration of a service that does not run here is not right");
    }
    Ok(())
}

/// A service's section; empty where there is none.
pub(super) fn section(config: &Json, service: &str) -> Json {
    config.get(service).cloned().unwrap_or_else(|| Json::Object(serde_json::Map::new()))
}

/// A service consumes only what it declared, so that the declarations tell the whole truth.
pub(super) fn consumers(def: &ServiceDef, consumers: &[Consumer]) -> Result<(), StartError> {
    match consumers.iter().find(|c| !def.reads.contains(&c.source())) {
        None => Ok(()),
        Some(c) => Err(StartError::UndeclaredConsumer { subscriber: def.name, publisher: c.source(), kind: c.kind() }),
    }
}

/// No subscriber has read further than a publisher that runs here too has written. Else what the publisher writes next
/// would never be read.
pub(super) async fn positions(chosen: &[&ServiceDef], db_of: impl Fn(&str) -> Option<Db>) -> Result<(), StartError> {
    for def in chosen {
        for publisher in def.reads.iter().copied() {
            let (Some(reading), Some(writing)) = (db_of(def.name), db_of(publisher)) else { continue };
            // In this order: both may go on on another node.
            let position = reading.read(move |q| position_in(q, publisher)).await?;
            let end = writing.read(newest).await?;
            if position > end {
                return Err(StartError::SubscriberAhead { subscriber: def.name, publisher, position, end });
            }
        }
    }
    Ok(())
}

fn unknown_service(defs: &[ServiceDef], name: &str) -> StartError {
    let known = defs.iter().map(|d| d.name).collect::<Vec<_>>().join(", ");
    StartError::UnknownService { name: name.to_owned(), known }
}
