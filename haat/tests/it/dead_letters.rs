//! Events that a service cannot take in, as an operator meets them: seen, tried again, given up.

use contracts::VendorId;
use contracts::events::vendors::VendorUpdated;
use kit::{DbError, Tx, Value, params};
use serde_json::{Value as Json, json};
use testing::Engine;
use uuid::Uuid;

use crate::market::{Good, Market, text};
use crate::nodes::Layout;

testing::both_engines!(a_dead_letter_is_seen_and_delivered_again, a_dead_letter_is_given_up_and_what_is_behind_it_goes_on);

/// A version of events that this haat does not know.
const UNKNOWN_VERSION: i64 = 99;

/// A store, one of its goods, and what the shop calls the store.
struct Store {
    id: Uuid,
    good: Good,
}

impl Store {
    async fn of(market: &Market, seller: usize) -> Store {
        let good = market.good(&market.sellers[seller], 100, 1).await;
        let id = text(&market.get(&market.admin, &format!("/products/{}", good.product)).await["vendorId"]);
        Store { id: id.parse().unwrap(), good }
    }

    async fn name(&self, market: &Market) -> String {
        text(&market.get(&market.admin, &format!("/products/{}", self.good.product)).await["vendorName"])
    }

    /// The store is called `unreadable` by a version of haat that is to come, and then, where that is given, `readable`.
    async fn renamed(&self, market: &Market, unreadable: &'static str, readable: Option<&'static str>) {
        let vendor_id = VendorId(self.id);
        let updated = move |name: &str| VendorUpdated { vendor_id, slug: "slug".into(), name: name.into(), status: "active".into() };
        let said = market.platform().env("vendors").unwrap().db.write(move |tx| {
            say_in_the_future(tx, vendor_id.0, &serde_json::to_value(updated(unreadable)).unwrap())?;
            readable.map_or(Ok(()), |name| tx.publish(updated(name)))
        });
        said.await.unwrap();
    }
}

/// Writes an event as a version would that is to come.
fn say_in_the_future(tx: &mut Tx, stream: Uuid, data: &Json) -> Result<(), DbError> {
    let next = "INSERT INTO own.streams (stream, version) VALUES ($1, 1) ON CONFLICT (stream) DO UPDATE SET version = own.streams.version + 1 RETURNING version";
    let version: i64 = tx.row(next, params![stream])?.map_or(Ok(0), |r| r.get(0))?;
    let (id, now) = (tx.id(), tx.now());
    let event = params![id, stream, version, "vendor.updated", UNKNOWN_VERSION, data.to_string(), "{}", now];
    let columns = "id, stream, version, type, schema_version, data, metadata, occurred_at";
    tx.execute(&format!("INSERT INTO own.events ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"), event).map(drop)
}

/// The dead letters, as an operator sees them, once there are so many.
async fn letters(market: &Market, count: usize) -> Vec<Json> {
    let list = || async { market.get(&market.admin, "/dead-letters").await["data"].as_array().unwrap().clone() };
    testing::eventually("the dead letters are there", || async { list().await.len() == count }).await;
    list().await
}

async fn a_dead_letter_is_seen_and_delivered_again(engine: Engine) {
    let market = Market::open(Layout::Together(engine)).await;
    let store = Store::of(&market, 0).await;
    store.renamed(&market, "Looms of Tomorrow", None).await;

    let letter = letters(&market, 1).await.remove(0);
    let id = text(&letter["id"]);
    assert_eq!((&letter["service"], &letter["subscriber"], &letter["source"]), (&json!("catalog"), &json!("catalog"), &json!("vendors")));
    assert_eq!((&letter["type"], &letter["stream"]), (&json!("vendor.updated"), &json!(store.id)));
    assert_eq!((&letter["error"], &letter["attempts"]), (&json!("event type vendor.updated has no version 99 here"), &json!(1)));
    assert!(letter["sequence"].as_i64().unwrap() >= 1 && letter["createdAt"].is_string(), "{letter}");
    assert_ne!(store.name(&market).await, "Looms of Tomorrow");

    // Whoever tries again too early has it back.
    let retry = format!("/dead-letters/{id}/retry");
    market.send(&market.admin, "POST", &retry, None).await.expect(204);
    assert_eq!(letters(&market, 1).await[0]["id"], letter["id"]);

    mend(&market, &id).await;
    market.send(&market.admin, "POST", &retry, None).await.expect(204);
    testing::eventually("it took effect", || async { store.name(&market).await == "Looms of Tomorrow" }).await;
    letters(&market, 0).await;
    assert_eq!(market.send(&market.admin, "POST", &retry, None).await.expect(404).code(), "not_found");
    market.close().await;
}

/// Makes a letter one that this version understands, as the next one might that one.
async fn mend(market: &Market, id: &str) {
    let id: Uuid = id.parse().unwrap();
    let mended = market.platform().env("catalog").unwrap().db.write(move |tx| {
        let row = tx.row("SELECT event FROM own.inbox WHERE event_id = $1", params![id])?;
        let mut event: Json = row.map_or(Ok(Json::Null), |r| r.get(0))?;
        event["dataschema"] = json!("/schemas/vendor.updated/1");
        tx.execute("UPDATE own.inbox SET event = $2 WHERE event_id = $1", &[Value::from(id), Value::from(event)])
    });
    assert_eq!(mended.await, Ok::<_, DbError>(1));
}

async fn a_dead_letter_is_given_up_and_what_is_behind_it_goes_on(engine: Engine) {
    let market = Market::open(Layout::Together(engine)).await;
    let (looms, teas) = (Store::of(&market, 0).await, Store::of(&market, 1).await);
    looms.renamed(&market, "Looms of Tomorrow", Some("Looms of Today")).await;
    teas.renamed(&market, "Teas of Tomorrow", Some("Teas of Today")).await;
    let letters_of_two = letters(&market, 2).await;
    assert!(letters_of_two[0]["id"].as_str() > letters_of_two[1]["id"].as_str(), "the newest first");
    let first = market.get(&market.admin, "/dead-letters?limit=1").await;
    let cursor = text(&first["nextCursor"]);
    let second = market.get(&market.admin, &format!("/dead-letters?limit=1&cursor={cursor}")).await;
    assert_eq!(([&first["data"][0], &second["data"][0]], &second["nextCursor"]), ([&letters_of_two[0], &letters_of_two[1]], &Json::Null));
    assert_ne!(looms.name(&market).await, "Looms of Today", "it waits behind the one before it");

    let of_looms = letters_of_two.iter().find(|l| l["stream"] == json!(looms.id)).unwrap();
    let discard = format!("/dead-letters/{}/discard", text(&of_looms["id"]));
    market.send(&market.admin, "POST", &discard, None).await.expect(204);
    testing::eventually("what was behind it goes on", || async { looms.name(&market).await == "Looms of Today" }).await;
    assert_eq!(market.send(&market.admin, "POST", &discard, None).await.expect(404).code(), "not_found");
    let left = letters(&market, 1).await.remove(0);
    assert_eq!(left["stream"], json!(teas.id), "the other one is as it was");
    assert_ne!(teas.name(&market).await, "Teas of Today");
    market.send(&market.admin, "POST", &format!("/dead-letters/{}/discard", text(&left["id"])), None).await.expect(204);
    testing::eventually("that goes on too", || async { teas.name(&market).await == "Teas of Today" }).await;
    market.close().await;
}
