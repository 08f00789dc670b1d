//! Asking the others what they know: who is written to, and about what. Nothing of it is kept.

use contracts::proto::identity as identity_api;
use contracts::proto::orders as orders_api;
use contracts::proto::vendors as vendors_api;
use contracts::{OrderId, UserId, VendorId};
use serde::Deserialize;
use tonic::{Code, Status};
use uuid::Uuid;

use super::App;
use crate::domain::{Addressee, Answer, Locale, Order, Outcome};
use crate::error::Error;

/// A store, as far as messages name it.
pub(super) struct Store {
    pub id: VendorId,
    pub name: String,
    pub owner: Option<UserId>,
}

impl App {
    /// A user; `None` where the account is gone.
    pub(super) async fn user(&self, user: UserId) -> Result<Option<Addressee>, Error> {
        let request = identity_api::GetUserRequest { user_id: user.to_string() };
        let answer = self.identity.clone().get_user(request).await.map_err(unreachable("identity"))?;
        Ok(answer.into_inner().user.map(|found| Addressee {
            recipient: user.0,
            user_id: Some(user),
            email: found.email,
            name: found.first_name,
            locale: Locale::of(&found.locale),
            link_token: self.links.token(user.0),
        }))
    }

    /// An order, and where its guest wants to be written to.
    pub(super) async fn order(&self, order: OrderId) -> Result<(Order, String), Error> {
        let request = orders_api::GetOrderRequest { order_id: order.to_string() };
        let answer = self.orders.clone().get_order(request).await.map_err(unreachable("orders"))?.into_inner();
        let text = answer.order.ok_or_else(|| Error::Internal(format!("orders does not know order {order}")))?;
        let raw: serde_json::Value = serde_json::from_str(&text).map_err(|e| Error::Internal(e.to_string()))?;
        let found = Order::deserialize(raw).map_err(|e| Error::Internal(format!("order {order}: {e}")))?;
        Ok((found, answer.email))
    }

    /// Who placed an order.
    pub(super) async fn shopper(&self, order: &Order, email: String) -> Result<Option<Addressee>, Error> {
        match order.user_id {
            Some(user) => self.user(user).await,
            None => {
                let (recipient, name, locale) = (order.id.0, String::new(), Locale::English);
                Ok(Some(Addressee { recipient, user_id: None, email, name, locale, link_token: self.links.token(recipient) }))
            }
        }
    }

    /// Stores by id.
    pub(super) async fn stores(&self, stores: impl Iterator<Item = VendorId>) -> Result<Vec<Store>, Error> {
        let request = vendors_api::GetStoresRequest { vendor_ids: stores.map(|s| s.to_string()).collect() };
        let answer = self.vendors.clone().get_stores(request).await.map_err(unreachable("vendors"))?.into_inner();
        let store = |s: vendors_api::Store| Some(Store { id: s.vendor_id.parse().ok()?, name: s.name, owner: s.owner_id.parse().ok() });
        Ok(answer.stores.into_iter().filter_map(store).collect())
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

fn unreachable(service: &'static str) -> impl Fn(Status) -> Error {
    move |status| Error::Unreachable(service, status)
}
