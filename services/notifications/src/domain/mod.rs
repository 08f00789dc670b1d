//! What messages there are, whom they concern and what they say. No I/O, no clock, no SQL.

mod check;
mod delivery;
mod html;
mod kind;
mod locale;
mod push;
mod quiet;
mod sample;
mod story;
mod template;
mod unsubscribe;
mod variables;
pub(crate) mod webhook;

use contracts::{Money, OrderId, OrderLineId, UserId, VendorId, VendorOrderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use check::{Mistake, check};
pub(crate) use delivery::{Answer, Outcome, Status, after};
pub(crate) use html::escape;
pub(crate) use kind::Kind;
pub(crate) use locale::Locale;
pub(crate) use push::{DEVICES_MAX, Platform, PushToken, token_error};
pub(crate) use quiet::{QuietHours, WrongHours};
pub(crate) use sample::sample;
pub(crate) use story::{HIDDEN, Order, Part, Story, UNSUBSCRIBE};
pub(crate) use template::{Source, TemplateError, Texts, fill};
pub(crate) use unsubscribe::{LinkKey, unsubscribe_url};
pub(crate) use variables::{Variables, Wanted, WrongVariable, check_variables, filled, is_sendable};

/// The way on which a message reaches somebody: its channel, as everybody outside says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Medium {
    /// The list that somebody signed in sees.
    InApp,
    /// E-mail.
    Email,
}

impl Medium {
    /// From what is stored.
    pub fn parse(text: &str) -> Option<Medium> {
        [Medium::InApp, Medium::Email].into_iter().find(|medium| medium.as_str() == text)
    }

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Medium::InApp => "in_app",
            Medium::Email => "email",
        }
    }
}

/// What happened, as far as the event says; the rest is asked for when the messages are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cause {
    /// What kind of message it asks for.
    pub kind: Kind,
    /// What it happened to: an order, a part, a refund, a return, an invitation, a user; for goods, the event. One message of a kind about it for everybody concerned.
    pub about: Uuid,
    /// The user it is about, where it is about nobody's order.
    pub user_id: Option<UserId>,
    /// The order.
    pub order_id: Option<OrderId>,
    /// The store's part of it.
    pub part: Option<VendorOrderId>,
    /// The stores that are told besides the shopper; for an invitation, the one that asks.
    #[serde(default)]
    pub stores: Vec<VendorId>,
    /// Why.
    pub reason: Option<String>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
    /// How much money moved.
    pub amount: Option<Money>,
    /// The address that it is about.
    #[serde(default)]
    pub url: Option<String>,
    /// What of the part comes back, where not all of it.
    #[serde(default)]
    pub pieces: Vec<Pieces>,
    /// The goods that it is about, where it is about nobody's order.
    #[serde(default)]
    pub goods: Option<Goods>,
}

/// Some of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pieces {
    /// The line.
    pub line: OrderLineId,
    /// How many.
    pub quantity: i64,
}

/// Something that is for sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Goods {
    /// What it is called.
    pub title: String,
    /// Where the reader finds it, from a slash on.
    pub path: String,
    /// How many can be bought.
    pub available: Option<i64>,
}

impl Cause {
    /// Something that happened to a user.
    pub fn of_user(kind: Kind, user: UserId) -> Cause {
        Cause { user_id: Some(user), ..Cause::new(kind, user.0) }
    }

    /// Something that happened to an order.
    pub fn of_order(kind: Kind, order: OrderId) -> Cause {
        Cause { order_id: Some(order), ..Cause::new(kind, order.0) }
    }

    /// Something that happened to a store's goods, by its event.
    pub fn of_goods(kind: Kind, event: Uuid, goods: Goods) -> Cause {
        Cause { goods: Some(goods), ..Cause::new(kind, event) }
    }

    fn new(kind: Kind, about: Uuid) -> Cause {
        let (reason, carrier, tracking_number, url) = (None, None, None, None);
        let (user_id, order_id, part, amount, goods) = (None, None, None, None, None);
        let (stores, pieces) = (Vec::new(), Vec::new());
        Cause { kind, about, user_id, order_id, part, stores, reason, carrier, tracking_number, amount, url, pieces, goods }
    }
}

/// Somebody who is written to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Addressee {
    /// The user, or a guest's order.
    pub recipient: Uuid,
    /// None for a guest.
    pub user_id: Option<UserId>,
    /// Empty where there is none.
    pub email: String,
    /// Given name, or empty.
    pub name: String,
    /// In which language.
    pub locale: Locale,
    /// For links that turn off mails.
    pub link_token: String,
}

impl Addressee {
    /// On which channels a message of this kind reaches them.
    pub fn channels(&self, kind: Kind) -> impl Iterator<Item = Medium> {
        let (is_user, has_email) = (self.user_id.is_some(), !self.email.is_empty());
        kind.channels().iter().copied().filter(move |channel| match channel {
            Medium::InApp => is_user,
            Medium::Email => has_email,
        })
    }
}

/// A message that is written and not stored yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// The user, or a guest's order.
    pub recipient: Uuid,
    /// None for a guest.
    pub user_id: Option<UserId>,
    /// What kind.
    pub kind: Kind,
    /// What it happened to.
    pub about: Uuid,
    /// The order, where it is about one.
    pub order_id: Option<OrderId>,
    /// On which way.
    pub channel: Medium,
    /// Where to; empty within the application.
    pub address: String,
    /// What it says.
    pub text: Text,
}

/// A message's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Text {
    /// One line: the subject of a mail.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// The same as a page, for mails.
    pub html: Option<String>,
}

impl Text {
    /// A mail's words, with the link that turns off mails like it at their end.
    pub fn with_unsubscribe(self, url: &str, locale: Locale) -> Text {
        let words = locale.unsubscribe();
        let html = self.html.map(|html| html::footed(&html, words, url));
        Text { title: self.title, body: format!("{}\n\n-- \n{words}:\n{url}", self.body), html }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_have_no_list_and_nobody_is_mailed_without_an_address() {
        let user = Addressee {
            recipient: Uuid::nil(),
            user_id: Some(UserId::default()),
            email: "a@b.test".into(),
            name: String::new(),
            locale: Locale::English,
            link_token: String::new(),
        };
        let guest = Addressee { user_id: None, ..user.clone() };
        let nobody = Addressee { email: String::new(), ..guest.clone() };
        let channels = |who: &Addressee, kind| who.channels(kind).collect::<Vec<_>>();
        assert_eq!(channels(&user, Kind::OrderConfirmed), [Medium::InApp, Medium::Email]);
        assert_eq!(channels(&user, Kind::OrderCreated), [Medium::InApp]);
        assert_eq!(channels(&guest, Kind::OrderConfirmed), [Medium::Email]);
        assert_eq!(channels(&nobody, Kind::OrderConfirmed), []);
    }
}
