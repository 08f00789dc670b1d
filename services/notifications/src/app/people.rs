//! Asking the others what they know: who is written to, and about what. Nothing of it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::proto::identity as identity_api;
use contracts::proto::orders as orders_api;
use contracts::proto::vendors as vendors_api;
use contracts::{OrderId, UserId, VendorId};
use tonic::{Code, Status};
use uuid::Uuid;

use super::App;
use super::templates::Written;
use crate::domain::{Addressee, Answer, Locale, Order, Outcome};
use crate::error::Error;

/// A store, as far as messages name it.
#[derive(Clone)]
pub(super) struct Store {
    pub id: VendorId,
    pub name: String,
    pub owner: Option<UserId>,
}

/// What the others have said while messages are written together: much of it is about the same orders and stores.
pub(super) struct Known {
    /// Templates in place of the built-in ones.
    pub written: Written,
    users: BTreeMap<UserId, Option<Addressee>>,
    orders: BTreeMap<OrderId, (Arc<Order>, String)>,
    stores: BTreeMap<VendorId, Store>,
}

impl Known {
    /// Nothing but the templates.
    pub fn new(written: Written) -> Known {
        Known { written, users: BTreeMap::new(), orders: BTreeMap::new(), stores: BTreeMap::new() }
    }
}

impl App {
    /// A user; `None` where the account is gone.
    pub(super) async fn user(&self, user: UserId, known: &mut Known) -> Result<Option<Addressee>, Error> {
        if let Some(found) = known.users.get(&user) {
            return Ok(found.clone());
        }
        let request = identity_api::GetUserRequest { user_id: user.to_string() };
        let answer = self.identity.clone().get_user(request).await.map_err(unreachable("identity"))?;
        let found = answer.into_inner().user.map(|found| Addressee {
            recipient: user.0,
            user_id: Some(user),
            email: found.email,
            name: found.first_name,
            locale: Locale::of(&found.locale),
            link_token: self.links.token(user.0),
        });
        known.users.insert(user, found.clone());
        Ok(found)
    }

    /// An order, and where its guest wants to be written to.
    pub(super) async fn order(&self, order: OrderId, known: &mut Known) -> Result<(Arc<Order>, String), Error> {
        if let Some(found) = known.orders.get(&order) {
            return Ok(found.clone());
        }
        let request = orders_api::GetOrderRequest { order_id: order.to_string() };
        let answer = self.orders.clone().get_order(request).await.map_err(unreachable("orders"))?.into_inner();
        let text = answer.order.ok_or_else(|| Error::Internal(format!("orders does not know order {order}")))?;
        let found: Order = serde_json::from_str(&text).map_err(|e| Error::Internal(format!("order {order}: {e}")))?;
        let found = (Arc::new(found), answer.email);
        known.orders.insert(order, found.clone());
        Ok(found)
    }

    /// Who placed an order.
    pub(super) async fn shopper(&self, order: &Order, email: String, known: &mut Known) -> Result<Option<Addressee>, Error> {
        match order.user_id {
            Some(user) => self.user(user, known).await,
            None => {
                let (recipient, name, locale) = (order.id.0, String::new(), Locale::English);
                Ok(Some(Addressee { recipient, user_id: None, email, name, locale, link_token: self.links.token(recipient) }))
            }
        }
    }

    /// Stores by id.
    pub(super) async fn stores(&self, stores: impl Iterator<Item = VendorId>, known: &mut Known) -> Result<Vec<Store>, Error> {
        let stores: Vec<VendorId> = stores.collect();
        let unknown: Vec<String> = stores.iter().filter(|s| !known.stores.contains_key(s)).map(VendorId::to_string).collect();
        if !unknown.is_empty() {
            let request = vendors_api::GetStoresRequest { vendor_ids: unknown, slugs: Vec::new() };
            let answer = self.vendors.clone().get_stores(request).await.map_err(unreachable("vendors"))?.into_inner();
            let store = |s: vendors_api::Store| Some(Store { id: s.vendor_id.parse().ok()?, name: s.name, owner: s.owner_id.parse().ok() });
            known.stores.extend(answer.stores.into_iter().filter_map(store).map(|s| (s.id, s)));
        }
        Ok(stores.iter().filter_map(|s| known.stores.get(s).cloned()).collect())
    }
}

impl App {
    /// The token of a link, for the mail that leaves now. A link that was used or has expired needs no mail any more.
    pub(super) async fn issue_link(&self, link: Uuid) -> Result<String, Answer> {
        let request = identity_api::IssueLinkRequest { link_id: link.to_string() };
        match self.identity.clone().issue_link(request).await {
            Ok(issued) => Ok(issued.into_inner().token),
            Err(status) if status.code() == Code::NotFound => Err(Answer::new(Outcome::Never, "the link was used or has expired")),
            Err(status) => Err(Answer::new(Outcome::Later, &format!("identity did not answer: {}", status.message()))),
        }
    }
}

pub(super) fn unreachable(service: &'static str) -> impl Fn(Status) -> Error {
    move |status| Error::Unreachable(service, status)
}
