//! What a template is given: everything that a kind of message may name, in the reader's language.

use contracts::events::orders::Totals;
use contracts::{Money, OrderId, OrderLineId, UserId, VendorId, VendorOrderId};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Addressee, Cause, Kind, Locale, Pieces, unsubscribe_url};

/// An order, as orders shows it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    /// The order.
    pub id: OrderId,
    /// Its number for people.
    pub number: String,
    /// The shopper; null for a guest.
    pub user_id: Option<UserId>,
    /// The stores' parts.
    pub vendor_orders: Vec<Part>,
    /// Sums over the parts.
    pub totals: Totals,
}

/// One store's part of an order.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    /// The part.
    pub id: VendorOrderId,
    /// The store.
    pub vendor_id: VendorId,
    /// What was sold.
    pub items: Vec<Item>,
    /// Its sums.
    pub totals: Totals,
}

/// A line of a part.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    /// The line.
    pub id: OrderLineId,
    /// What was sold.
    pub title: String,
    /// How many.
    pub quantity: i64,
    /// What all cost.
    pub line_total: Money,
}

/// What stands in stored texts where a link's token goes.
pub(crate) const HIDDEN: &str = "•••";

/// The field with the link that turns off mails.
pub(crate) const UNSUBSCRIBE: &str = "unsubscribeUrl";

/// One message's circumstances.
#[derive(Clone, Copy)]
pub(crate) struct Story<'a> {
    /// What happened.
    pub cause: &'a Cause,
    /// To which order.
    pub order: Option<&'a Order>,
    /// To which part of it, where not to all of it.
    pub part: Option<&'a Part>,
    /// Whose part.
    pub store_name: &'a str,
    /// Where haat is, without a slash at the end.
    pub public_url: &'a str,
}

impl Story<'_> {
    /// Exactly the fields that templates of `kind` may name; what is not known is empty. With them goes the link that
    /// turns off mails of this kind, which no template names: it is part of every mail that can be turned off.
    pub fn fields(&self, kind: Kind, reader: &Addressee) -> Json {
        let mut known = self.known(kind, reader);
        let mut fields: Map<String, Json> =
            kind.fields().map(|field| (field.to_owned(), known.remove(field).unwrap_or_else(|| json!("")))).collect();
        if let Some(url) = unsubscribe_url(self.public_url, &reader.link_token, kind) {
            fields.insert(UNSUBSCRIBE.to_owned(), json!(url));
        }
        Json::Object(fields)
    }

    fn known(&self, kind: Kind, reader: &Addressee) -> Map<String, Json> {
        let locale = reader.locale;
        let mut known = Map::new();
        let mut put = |field: &str, value: Json| drop(known.insert(field.to_owned(), value));
        put("name", json!(reader.name));
        put("shopUrl", json!(self.public_url));
        let page = if kind == Kind::UserResetPassword { "reset-password" } else { "verify-email" };
        put("linkUrl", json!(format!("{}/{page}?token={HIDDEN}", self.public_url)));
        put("storeName", json!(self.store_name));
        put("invitationsUrl", json!(format!("{}/vendor/invitations", self.public_url)));
        put("reason", json!(self.cause.reason.as_deref().unwrap_or("")));
        put("webhookUrl", json!(self.cause.url.as_deref().unwrap_or("")));
        put("carrier", json!(self.cause.carrier.as_deref().unwrap_or("")));
        put("trackingNumber", json!(self.cause.tracking_number.as_deref().unwrap_or("")));
        put("amount", json!(self.cause.amount.map(|m| locale.money(m)).unwrap_or_default()));
        if let Some(goods) = &self.cause.goods {
            put("productTitle", json!(goods.title));
            put("productUrl", json!(format!("{}{}", self.public_url, goods.path)));
            put("available", json!(goods.available.map(|n| locale.number(n)).unwrap_or_default()));
        }
        if let Some(order) = self.order {
            let items = match self.part {
                Some(part) => items(part.items.iter(), &self.cause.pieces, locale),
                None => items(order.vendor_orders.iter().flat_map(|p| &p.items), &[], locale),
            };
            let total = self.part.map_or(order.totals.total, |p| p.totals.total);
            put("orderNumber", json!(order.number));
            put("orderUrl", json!(self.order_url(kind, order)));
            put("total", json!(locale.money(total)));
            put("items", items);
        }
        known
    }

    fn order_url(&self, kind: Kind, order: &Order) -> String {
        match self.part {
            Some(part) if kind.is_to_store() => format!("{}/vendor/orders/{}", self.public_url, part.id),
            _ => format!("{}/orders/{}", self.public_url, order.id),
        }
    }
}

/// Lines, or pieces of some of them.
fn items<'i>(items: impl Iterator<Item = &'i Item>, pieces: &[Pieces], locale: Locale) -> Json {
    let chosen = items.filter_map(|item| match pieces {
        [] => Some((item, item.quantity, item.line_total)),
        pieces => {
            let quantity = pieces.iter().find(|p| p.line == item.id)?.quantity;
            let total = item.line_total.amount / item.quantity.max(1) * quantity;
            Some((item, quantity, Money { amount: total, ..item.line_total }))
        }
    });
    let shown = |(item, quantity, total): (&Item, i64, Money)| json!({"quantity": locale.number(quantity), "title": item.title, "total": locale.money(total)});
    chosen.map(shown).collect()
}
