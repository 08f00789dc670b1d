//! What an endpoint is sent: of an event only what its owner may know.

use std::sync::LazyLock;

use contracts::event::Description;
use contracts::events::{identity, orders, payments};
use contracts::{Envelope, OrderId, Time, VendorId, WebhookId};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::Owner;

/// The type of what is sent to try an endpoint.
pub(crate) const TEST_EVENT: &str = "webhook.test";

/// With which link a password can be set is nobody's but identity's and the mail's; what roles open is the marketplace's own.
const SECRET: &[&str] = &["user.link_requested", "role.changed"];

/// Every type of event that somebody may be told of.
pub(crate) fn descriptions() -> &'static [Description] {
    static KNOWN: LazyLock<Vec<Description>> = LazyLock::new(|| {
        let all = [orders::descriptions(), payments::descriptions(), identity::descriptions()];
        all.into_iter().flatten().filter(|d| !SECRET.contains(&d.kind)).collect()
    });
    &KNOWN
}

/// What a store is told of, and which members of it: nothing of other stores, and nothing of the shopper. Members that
/// are lists of parts are cut to the store's own.
const FOR_STORES: &[(&str, &[&str])] = &[
    ("order.created", &["orderId", "number", "parts", "paymentMethod", "paymentDeadline", "at"]),
    ("order.confirmed", &["orderId", "number", "at"]),
    ("order.paid", &["orderId", "at"]),
    ("order.failed", &["orderId", "number", "reason", "at"]),
    ("order.cancelled", &["orderId", "number", "reason", "at"]),
    ("order.parts_cancelled", &["orderId", "number", "parts", "reason", "at"]),
    ("order.updated", &["orderId", "changed", "at"]),
    ("order.status_changed", &["orderId", "vendorOrderId", "status", "carrier", "trackingNumber", "collected", "at"]),
    ("order.return_requested", &["orderId", "number", "returnId", "vendorOrderId", "lines", "reason", "at"]),
    ("order.return_approved", &["orderId", "number", "returnId", "vendorOrderId", "at"]),
    ("order.return_rejected", &["orderId", "number", "returnId", "vendorOrderId", "reason", "partStatus", "at"]),
    ("order.returned", &["orderId", "number", "returnId", "vendorOrderId", "lines", "reason", "partStatus", "at"]),
    ("order.return_refunded", &["orderId", "number", "returnId", "vendorOrderId", "refundId", "amount", "at"]),
    ("order.shipped", &["orderId", "number", "at"]),
    ("order.delivered", &["orderId", "number", "at"]),
    ("order.completed", &["orderId", "number", "at"]),
];

/// What nobody is told: the hash of a guest's cart, and the page on which somebody pays.
const HIDDEN: &[&str] = &["guest", "actionUrl"];

/// Whether stores may hear of a type.
pub(crate) fn is_for_stores(kind: &str) -> bool {
    FOR_STORES.iter().any(|(known, _)| *known == kind)
}

/// An event, with its data in the newest shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Happened {
    /// Its type.
    pub kind: String,
    /// When.
    pub at: Time,
    /// What.
    pub data: Json,
}

impl Happened {
    /// From a log; `None` where nobody is told of such events.
    pub fn new(event: &Envelope) -> Result<Option<Happened>, String> {
        let Some(description) = descriptions().iter().find(|d| d.kind == event.kind) else { return Ok(None) };
        let data = (description.rewrite)(event.schema_version, &event.json()).map_err(|e| e.to_string())?;
        Ok(Some(Happened { kind: event.kind.clone(), at: event.time, data }))
    }

    /// The order that it is about.
    pub fn order_id(&self) -> Option<OrderId> {
        self.data["orderId"].as_str()?.parse().ok()
    }
}

/// The stores that the event itself says it concerns; `None` where it does not say, and they are those of the order.
pub(crate) fn stores_named(data: &Json) -> Option<Vec<VendorId>> {
    let id = |json: &Json| json.as_str().and_then(|text| text.parse().ok());
    if let Some(vendor) = id(&data["vendorId"]) {
        return Some(vec![vendor]);
    }
    if let Some(parts) = data["parts"].as_array() {
        return Some(parts.iter().filter_map(|part| id(&part["vendorId"])).collect());
    }
    data["vendorIds"].as_array().map(|ids| ids.iter().filter_map(id).collect())
}

/// What an owner is told of an event: `type`, `timestamp` and `data`, as JSON text. `None`: nothing.
pub(crate) fn payload(happened: &Happened, owner: Owner) -> Option<String> {
    let members = happened.data.as_object()?;
    let data: Map<String, Json> = match owner {
        Owner::Marketplace => members.iter().filter(|(name, _)| !HIDDEN.contains(&name.as_str())).map(owned).collect(),
        Owner::Store(vendor) => {
            let (_, told) = FOR_STORES.iter().find(|(kind, _)| *kind == happened.kind)?;
            let mut data: Map<String, Json> = members.iter().filter(|(name, _)| told.contains(&name.as_str())).map(owned).collect();
            if let Some(Json::Array(parts)) = data.get_mut("parts") {
                parts.retain(|part| part["vendorId"] == json!(vendor));
            }
            data.insert("vendorId".into(), json!(vendor));
            data
        }
    };
    Some(written(&happened.kind, happened.at, &Json::Object(data)))
}

/// What is sent to try an endpoint.
pub(crate) fn test_payload(webhook: WebhookId, at: Time) -> String {
    written(TEST_EVENT, at, &json!({"webhookId": webhook}))
}

/// The id of a message: of the event and not of the attempt, and without a full stop.
pub(crate) fn message_id(event: Uuid) -> String {
    format!("msg_{}", event.simple())
}

fn owned((name, value): (&String, &Json)) -> (String, Json) {
    (name.clone(), value.clone())
}

fn written(kind: &str, at: Time, data: &Json) -> String {
    json!({"type": kind, "timestamp": at, "data": data}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &str, data: Json, owner: Owner) -> Option<Json> {
        let happened = Happened { kind: kind.into(), at: Time(0), data };
        payload(&happened, owner).map(|text| serde_json::from_str::<Json>(&text).unwrap()["data"].clone())
    }

    #[test]
    fn stores_hear_of_known_types_only() {
        let known: Vec<_> = descriptions().iter().map(|d| d.kind).collect();
        assert!(FOR_STORES.iter().all(|(kind, _)| known.contains(kind)));
        let store = Owner::Store(VendorId::default());
        for kind in known.into_iter().filter(|kind| !is_for_stores(kind)) {
            assert_eq!(told(kind, json!({"orderId": 1}), store), None, "{kind}");
        }
    }

    #[test]
    fn what_stores_are_told_are_members_that_there_are() {
        for (kind, members) in FOR_STORES {
            let description = descriptions().iter().find(|d| d.kind == *kind).unwrap();
            let schema = serde_json::to_value((description.schema)()).unwrap();
            for member in *members {
                assert!(schema["properties"].get(*member).is_some(), "{kind} has no {member}");
            }
        }
    }

    #[test]
    fn a_store_sees_its_own_part_and_nothing_of_the_shopper() {
        let (mine, other) = (VendorId(Uuid::from_u128(1)), VendorId(Uuid::from_u128(2)));
        let data = json!({"orderId": "o", "number": "n", "userId": "u", "guest": "g", "totals": {"total": 5},
            "parts": [{"vendorId": mine, "a": 1}, {"vendorId": other, "a": 2}]});
        let expected = json!({"orderId": "o", "number": "n", "parts": [{"vendorId": mine, "a": 1}], "vendorId": mine});
        assert_eq!(told("order.created", data.clone(), Owner::Store(mine)), Some(expected));
        assert_eq!(stores_named(&data), Some(vec![mine, other]));
        let all = told("order.created", data, Owner::Marketplace).unwrap();
        assert_eq!((all["parts"].as_array().unwrap().len(), all.get("guest")), (2, None));
    }

    #[test]
    fn stores_are_named_by_the_event_or_by_its_order() {
        let it = VendorId(Uuid::from_u128(1));
        assert_eq!(stores_named(&json!({"vendorId": it})), Some(vec![it]));
        assert_eq!(stores_named(&json!({"vendorIds": [it]})), Some(vec![it]));
        assert_eq!(stores_named(&json!({"vendorIds": []})), Some(vec![]));
        assert_eq!(stores_named(&json!({"orderId": "x"})), None);
    }
}
