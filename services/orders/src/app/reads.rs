//! What callers see of orders.

use std::time::Duration;

use contracts::proto::vendors as vendors_api;
use contracts::{Envelope, OrderId, UserId, VendorId, VendorOrderId};
use kit::http::PageRequest;
use kit::{DbError, Query};
use tokio::time::Instant;

use super::quote::id;
use super::view::InvoiceView;
use super::{App, Viewer, unreachable, visible};
use crate::domain::{Contact, InvoiceScope, Order, OrderStatus, PartStatus};
use crate::error::Error;
use crate::store::{self, Filter};

/// An order that is waited for is looked at so often: another process may have changed it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// An order with what is kept apart from its events.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub order: Order,
    /// How many events it has: its entity tag.
    pub version: i64,
    pub contact: Contact,
}

/// One part of it.
pub(crate) struct FoundPart {
    pub found: Found,
    pub part: VendorOrderId,
}

impl App {
    /// One order.
    pub async fn order(&self, viewer: Viewer, id: OrderId) -> Result<Found, Error> {
        self.db
            .read(move |q| {
                let order = visible(q, &viewer, id)?;
                Ok(Found { contact: store::contact(q, id)?, order: order.state, version: order.version })
            })
            .await
    }

    /// One order, as soon as it no longer waits to be paid, or as it is when the time is over or the process stops.
    pub async fn order_once_settled(&self, viewer: Viewer, id: OrderId, wait: Duration) -> Result<Found, Error> {
        let end = Instant::now() + wait;
        let mut changes = self.db.watch(id.0);
        loop {
            let found = self.order(viewer.clone(), id).await?;
            let waits = matches!(found.order.status(), OrderStatus::Created | OrderStatus::AwaitingPayment);
            let now = Instant::now();
            if !waits || now >= end || self.tasks.is_stopping() {
                return Ok(found);
            }
            tokio::select! {
                biased;
                () = changes.changed() => {}
                () = self.tasks.stopping() => {}
                () = tokio::time::sleep_until(end.min(now + LOOK_AGAIN)) => {}
            }
        }
    }

    /// The invoice of an order, for whoever may see it; for one of these stores that of its parts.
    pub async fn invoice(
        &self,
        viewer: Viewer,
        own: Vec<VendorId>,
        id: OrderId,
        part: Option<VendorOrderId>,
    ) -> Result<InvoiceView, Error> {
        let invoice = self.db.read(move |q| {
            let order = q.load::<Order>(id.0)?.ok_or(Error::NoOrder)?.state;
            let stores = if viewer.may_see(&order) { None } else { Some(own.clone()) };
            if stores.as_ref().is_some_and(|s| order.parts.iter().all(|p| !s.contains(&p.vendor_id))) {
                return Err(Error::NoOrder);
            }
            Ok(order.invoice(&InvoiceScope { stores, part }, &store::contact(q, id)?)?)
        });
        let invoice = invoice.await?;
        let request = vendors_api::GetStoresRequest {
            vendor_ids: invoice.parts.iter().map(|p| p.vendor_id.to_string()).collect(),
            slugs: Vec::new(),
        };
        let answer = self.vendors.clone().get_stores(request).await.map_err(unreachable("vendors"))?.into_inner();
        let names = answer.stores.into_iter().map(|s| Ok((super::quote::id(&s.vendor_id)?, s.name))).collect::<Result<_, Error>>()?;
        Ok(InvoiceView::new(invoice, names))
    }

    /// Somebody's orders, newest first; one more than the limit where there are more.
    pub async fn orders(&self, owner: Filter, page: PageRequest) -> Result<Vec<Found>, Error> {
        self.db
            .read(move |q| {
                let ids = store::orders_of(q, &owner, page.after, page.limit)?;
                Ok(found(q, ids.into_iter().map(OrderId).collect())?)
            })
            .await
    }

    /// The events of an order, oldest first.
    pub async fn events(&self, viewer: Viewer, id: OrderId) -> Result<Vec<Envelope>, Error> {
        self.db
            .read(move |q| {
                visible(q, &viewer, id)?;
                Ok(kit::events::of_stream(q, id.0)?)
            })
            .await
    }

    /// The stores that a user may act for.
    pub async fn stores_of(&self, user: UserId) -> Result<Vec<VendorId>, Error> {
        let request = vendors_api::StoresOfUserRequest { user_id: user.to_string() };
        let answer = self.vendors.clone().stores_of_user(request).await.map_err(unreachable("vendors"))?;
        answer.into_inner().stores.iter().map(|s| id(&s.vendor_id)).collect()
    }

    /// The parts of some stores, newest first; one more than the limit where there are more.
    pub async fn parts(&self, stores: Vec<VendorId>, status: Option<PartStatus>, page: PageRequest) -> Result<Vec<FoundPart>, Error> {
        self.db
            .read(move |q| {
                let rows = store::parts_of(q, &stores, status, page.after, page.limit)?;
                let (parts, orders): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
                let found = found(q, orders)?;
                Ok(found.into_iter().zip(parts).map(|(found, part)| FoundPart { found, part }).collect())
            })
            .await
    }

    /// One part, of one of these stores; `None` for any.
    pub async fn part(&self, stores: Option<Vec<VendorId>>, part: VendorOrderId) -> Result<FoundPart, Error> {
        self.db
            .read(move |q| {
                let order = store::order_of_part(q, stores.as_deref(), part)?.ok_or(Error::NoVendorOrder)?;
                let found = found(q, vec![order])?.pop().ok_or(Error::NoVendorOrder)?;
                Ok(FoundPart { found, part })
            })
            .await
    }
}

/// Orders with their contacts, at the places of `ids`; an id may come twice.
pub(super) fn found(q: &mut Query, ids: Vec<OrderId>) -> Result<Vec<Found>, DbError> {
    let contacts = store::contacts(q, &ids)?;
    let streams: Vec<_> = ids.iter().map(|id| id.0).collect();
    let loaded = q.load_many::<Order>(&streams)?;
    let at_its_place = |(id, contact): (OrderId, Contact)| {
        let order = loaded.iter().find(|l| l.id == id.0);
        let order = order.ok_or_else(|| DbError::Internal(format!("order {id} is listed and has no events")))?;
        Ok(Found { order: order.state.clone(), version: order.version, contact })
    };
    ids.into_iter().zip(contacts).map(at_its_place).collect()
}
