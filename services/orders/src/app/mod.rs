//! The use cases of orders, one transaction each.

mod advance;
mod carriers;
mod changes;
mod import;
mod place;
mod quote;
mod quotes;
mod reads;
mod returns;
mod shipping;
mod stock;
pub(crate) mod view;

use std::sync::Arc;

use contracts::proto::cart::cart_client::CartClient;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::{OrderId, UserId};
use kit::channel::Channel;
use kit::idempotency::{Answer, Given};
use kit::saga::Sagas;
use kit::{Clock, Db, DbError, Ids, Loaded, Tasks, Tx};
use tonic::{Code, Status};

use crate::Config;
use crate::domain::{Order, OrderEvent};
use crate::error::Error;
use crate::store::{self, Filter};

pub(crate) use advance::{PartChange, Which};
pub(crate) use carriers::{Carriers, HEAR};
pub(crate) use changes::{COMPLETE, Change, complete_later, complete_order, payment_completed, payment_failed, payment_refunded};
pub(crate) use import::Brought;
pub(crate) use place::{Place, Placed, cart_owner, complete};
pub(crate) use quote::Taken;
pub(crate) use quotes::Held;
pub(crate) use reads::{Found, FoundPart};
pub(crate) use returns::{FoundReturn, Named, ReturnRequest, StoreSays, Wanted};
pub(crate) use shipping::StoreOffers;
pub(crate) use stock::{RESTOCK, SHIP_STOCK};

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub ids: Ids,
    /// What orders' ids follow from beside the request.
    pub id_secret: [u8; 32],
    pub tasks: Tasks,
    pub sagas: Sagas,
    pub catalog: CatalogClient<Channel>,
    pub cart: CartClient<Channel>,
    pub vendors: VendorsClient<Channel>,
    pub config: Config,
    /// Those that may tell something.
    pub carriers: Arc<Carriers>,
    /// The address under which people reach haat, without a slash at the end.
    pub public_url: String,
    /// For invoices.
    pub fonts: Arc<view::Fonts>,
}

/// Who looks at an order.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// The user, where signed in.
    pub user: Option<UserId>,
    /// The hash of the cart token, where there is one.
    pub guest: Option<String>,
    /// Sees, or changes, every order.
    pub staff: bool,
}

impl Viewer {
    /// Whether the order is the viewer's own, or the viewer may see all.
    fn may_see(&self, order: &Order) -> bool {
        let own = self.user.is_some() && order.user_id == self.user;
        let own_as_guest = self.guest.is_some() && order.guest == self.guest;
        self.staff || own || own_as_guest
    }

    /// Whose list this viewer has.
    pub fn own(&self) -> Option<Filter> {
        self.user.map(Filter::User).or_else(|| self.guest.clone().map(Filter::Guest))
    }
}

/// Saves what happened to an order, in its stream and then in the lists: everywhere in this order, so that no two
/// transactions wait for each other in a circle.
pub(crate) fn save(tx: &mut Tx, order: &mut Loaded<Order>, events: Vec<OrderEvent>) -> Result<(), DbError> {
    tx.save(order, events.iter().cloned())?;
    events.iter().try_for_each(|e| store::project(tx, e))
}

/// The order, if the viewer may see it.
fn visible(tx: &mut kit::Query, viewer: &Viewer, id: OrderId) -> Result<Loaded<Order>, Error> {
    tx.load::<Order>(id.0)?.filter(|o| viewer.may_see(&o.state)).ok_or(Error::NoOrder)
}

/// The answer to a request that is done once per key, and whether it was given before.
fn answer_of(given: Given) -> Result<(Answer, bool), Error> {
    match given {
        Given::Now(answer) => Ok((answer, false)),
        Given::Before(answer) => Ok((answer, true)),
        Given::Mismatch => Err(Error::KeyReused),
        // Only the key of a new order is claimed before its answer is known.
        Given::Running => Err(Error::Db(DbError::Conflict)),
    }
}

/// A call that failed: what cannot be reached is the caller's to repeat, everything else is a mistake in haat.
fn unreachable(service: &'static str) -> impl Fn(Status) -> Error {
    move |status| match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled | Code::Aborted => {
            Error::Unreachable(service)
        }
        _ => Error::Internal(format!("{service}: {status}")),
    }
}
