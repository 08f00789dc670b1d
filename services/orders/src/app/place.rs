//! `POST /orders`: quote, hold the stock, then the order, its key and its saga in one transaction.

use std::time::Duration;

use contracts::events::orders::OrderCreated;
use contracts::proto::cart as cart_api;
use contracts::proto::catalog as catalog_api;
use contracts::{OrderId, PaymentId, SagaId, Time, UserId};
use kit::idempotency::{self, Answer, Key, Seen};
use kit::{DbError, Tx};
use serde_json::json;
use tonic::{Code, Status};

use super::quote::{Basket, check_payment, id};
use super::{App, unreachable, view};
use crate::domain::pricing::{self, Item, Priced};
use crate::domain::{Checkout, Destination, Order, field};
use crate::error::{Error, Shortage};
use crate::sagas::{Charge, FULFILMENT, Fulfilment, RESERVE};
use crate::store::{self, Filter};

/// Who orders what.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The user, where signed in.
    pub user: Option<UserId>,
    /// The guest's cart token and its hash, where not.
    pub guest: Option<(String, String)>,
    /// What is ordered.
    pub checkout: Checkout,
    /// The request's key.
    pub key: Key,
}

impl Place {
    /// Whose quotes it may name.
    pub(super) fn owner(&self) -> Result<Filter, Error> {
        let guest = || self.guest.as_ref().map(|(_, hash)| Filter::Guest(hash.clone()));
        self.user.map(Filter::User).or_else(guest).ok_or(Error::NoQuote)
    }
}

/// Whose cart is asked for.
pub(crate) fn cart_owner(user: Option<UserId>, token: Option<String>) -> cart_api::Owner {
    match user {
        Some(user) => cart_api::Owner { user_id: user.to_string(), cart_token: String::new() },
        None => cart_api::Owner { user_id: String::new(), cart_token: token.unwrap_or_default() },
    }
}

/// How a request for an order ended.
#[derive(Debug)]
pub(crate) enum Placed {
    /// There is a new order; this is the first answer.
    Now(Answer),
    /// There was one before; this is its first answer.
    Before(Answer),
    /// The order is there, its answer not yet.
    Running,
    /// The key came with another body.
    Mismatch,
}

/// What a new order is made of.
struct Draft {
    order_id: OrderId,
    payment_id: PaymentId,
    priced: Priced,
    basket: Basket,
    deadline: Time,
}

impl App {
    /// Places an order, once per key.
    pub async fn place(&self, request: Place) -> Result<Placed, Error> {
        if let Some(before) = seen(self.look_up(&request.key).await?) {
            return Ok(before);
        }
        let key = request.key.clone();
        match self.place_new(request).await {
            Ok(placed) => Ok(placed),
            // The same request may have come twice and emptied the cart, or taken the last piece, in the meantime.
            Err(e) => seen(self.look_up(&key).await?).ok_or(e),
        }
    }

    async fn place_new(&self, request: Place) -> Result<Placed, Error> {
        if request.checkout.items.is_some() {
            // Nothing was begun before: it may as well come later.
            self.db.admit()?;
        }
        let owner = cart_owner(request.user, request.guest.as_ref().map(|(token, _)| token.clone()));
        let to = request.checkout.contact.address.as_ref().map(Destination::from);
        let basket = self.basket(owner, request.checkout.items.as_deref(), to.as_ref()).await?;
        let priced = self.price_of(&request, &basket, to.as_ref()).await?;
        check_payment(&request.checkout, &priced)?;
        let now = self.clock.now();
        let draft = Draft {
            order_id: order_id(&self.id_secret, &request.key, &basket, now),
            payment_id: PaymentId(self.ids.uuid(now)),
            priced,
            deadline: now.plus_seconds(self.config.payment_deadline_seconds),
            basket,
        };
        self.reserve(&draft).await?;
        let (order_id, is_quoted) = (draft.order_id, request.checkout.quote.is_some());
        let (key, wait) = (request.key.clone(), Duration::from_secs(self.config.checkout_wait_seconds));
        let saga = match self.create(request, draft).await {
            Err(Error::NoQuote) if is_quoted => {
                self.release(order_id).await;
                return Err(Error::NoQuote);
            }
            Err(e) => return Err(e),
            Ok(Ok(saga)) => saga,
            Ok(Err(seen_now)) => {
                self.give_back(order_id, &seen_now).await;
                return seen(seen_now).ok_or_else(|| Error::Internal("a key was new after it was not".into()));
            }
        };
        // However this ends, the saga goes on by itself; what it has answered by then is what counts.
        let _ = tokio::time::timeout(wait, self.sagas.settle(saga)).await;
        match self.look_up(&key).await? {
            Seen::Answered(answer) => Ok(Placed::Now(answer)),
            _ => self.answer_early(key, order_id).await,
        }
    }

    /// Holds the stock, which then expires by itself unless the order is paid.
    async fn reserve(&self, draft: &Draft) -> Result<(), Error> {
        let line = |i: &Item| catalog_api::ReserveLine { variant_id: i.variant_id.to_string(), quantity: i.quantity };
        let request = catalog_api::ReserveRequest {
            reservation_id: draft.order_id.to_string(),
            lines: draft.basket.items.iter().map(line).collect(),
            expires_at: draft.deadline.plus_seconds(self.config.reservation_slack_seconds).0,
        };
        let answer = self.catalog.clone().reserve(request).await.map_err(not_reserved)?.into_inner();
        if answer.shortages.is_empty() {
            return Ok(());
        }
        let shortage =
            |s: &catalog_api::Shortage| Ok(Shortage { variant_id: id(&s.variant_id)?, requested: s.requested, available: s.available });
        Err(Error::OutOfStock(answer.shortages.iter().map(shortage).collect::<Result<_, Error>>()?))
    }

    /// The order, its key, its contact and its saga; or what the key says, where somebody was faster.
    async fn create(&self, request: Place, draft: Draft) -> Result<Result<uuid::Uuid, Seen>, Error> {
        let sagas = self.sagas.clone();
        self.db
            .write(move |tx| {
                match idempotency::look_up(tx, &request.key)? {
                    Seen::New => {}
                    before => return Ok(Err(before)),
                }
                if let Some(quote) = request.checkout.quote
                    && !store::use_quote(tx, quote)?
                {
                    return Err(Error::NoQuote);
                }
                let order_id = draft.order_id;
                idempotency::claim(tx, &request.key, order_id.0)?;
                store::insert_contact(tx, order_id, &request.checkout.contact)?;
                let now = tx.now();
                let number = store::next_number(tx, order_id, now)?;
                let data = fulfilment(&request, &draft, &number)?;
                let saga = sagas.start(tx, FULFILMENT, &order_id.to_string(), order_id.0, data, &[(RESERVE, json!({}))])?;
                let created = created(&request, &draft, number, SagaId(saga), now).into();
                store::project(tx, &created)?;
                tx.create::<Order>(order_id.0, [created])?;
                Ok(Ok(saga))
            })
            .await
    }

    /// The saga has not reached the payer in time: answers with the order as it is, for good.
    async fn answer_early(&self, key: Key, order_id: OrderId) -> Result<Placed, Error> {
        self.db
            .write(move |tx| {
                complete(tx, &key.scope, &key.key, order_id)?;
                match idempotency::look_up(tx, &key)? {
                    Seen::Answered(answer) => Ok(Placed::Now(answer)),
                    _ => Err(Error::Internal(format!("order {order_id} has lost its key"))),
                }
            })
            .await
    }

    /// Gives stock back that was held for a request which lost the race for its key. Where this fails it expires.
    async fn give_back(&self, order_id: OrderId, winner: &Seen) {
        let same = match winner {
            Seen::Claimed(reference) => *reference == order_id.0,
            Seen::Answered(answer) => answer.location.as_deref() == Some(&view::location(order_id)),
            Seen::New | Seen::Mismatch => false,
        };
        if !same {
            self.release(order_id).await;
        }
    }

    async fn release(&self, order_id: OrderId) {
        let request = catalog_api::ReleaseRequest { reservation_id: order_id.to_string(), variant_ids: Vec::new() };
        let _ = self.catalog.clone().release(request).await;
    }

    async fn look_up(&self, key: &Key) -> Result<Seen, Error> {
        let key = key.clone();
        self.db.read(move |q| Ok(idempotency::look_up(q, &key)?)).await
    }
}

/// Gives the key of an order that is there its answer, unless it has one.
pub(crate) fn complete(tx: &mut Tx, scope: &str, key: &str, order_id: OrderId) -> Result<(), DbError> {
    let Some(order) = tx.load::<Order>(order_id.0)? else { return Ok(()) };
    let contact = store::contact(tx, order_id)?;
    idempotency::complete(tx, scope, key, &view::answer(&order.state, &contact))
}

/// The catalog may have changed since it was asked for prices.
fn not_reserved(status: Status) -> Error {
    match status.code() {
        Code::InvalidArgument | Code::NotFound => Error::Invalid(vec![field("/items", "unavailable", "an item is no longer sold")]),
        Code::FailedPrecondition | Code::Aborted => Error::Db(DbError::Conflict),
        _ => unreachable("catalog")(status),
    }
}

fn seen(seen: Seen) -> Option<Placed> {
    match seen {
        Seen::New => None,
        Seen::Answered(answer) => Some(Placed::Before(answer)),
        Seen::Claimed(_) => Some(Placed::Running),
        Seen::Mismatch => Some(Placed::Mismatch),
    }
}

/// The same for the same request and the same lines, so that repeats hold the stock once. Another one where the cart has
/// changed in between (or has got its last item anew), so that no order stands on a reservation of other lines; and on
/// another day, since a key that was forgotten may be used for a new order. Where two attempts differ, the key decides and
/// the other one's stock goes back.
/// It begins with a moment that repeats share: when the cart got its last item, or that day.
fn order_id(secret: &[u8; 32], key: &Key, basket: &Basket, now: Time) -> OrderId {
    let lines: Vec<String> = basket.items.iter().map(|i| format!("{}×{}", i.variant_id, i.quantity)).collect();
    let (request, day) = (kit::auth::hex(&key.request_hash), now.unix_seconds().div_euclid(KEY_KEPT_SECONDS));
    let moment = basket.filled_at.unwrap_or(Time(day * KEY_KEPT_SECONDS * 1_000_000));
    OrderId(key.derived_id_at(secret, &format!("order {day} {request} {}", lines.join(" ")), moment))
}

/// How long a key is remembered at least.
const KEY_KEPT_SECONDS: i64 = 24 * 3_600;

fn fulfilment(request: &Place, draft: &Draft, number: &str) -> Result<serde_json::Value, Error> {
    let total = draft.priced.totals.total;
    let charge = Charge {
        user_id: request.user,
        guest: request.guest.as_ref().map(|(_, hash)| hash.clone()),
        method: request.checkout.payment_method.clone(),
        amount: total,
        shares: pricing::shares(&draft.priced.parts).map_err(|e| Error::Internal(e.to_string()))?,
        lines: pricing::paid_lines(&draft.priced.parts).map_err(|e| Error::Internal(e.to_string()))?,
        reference: number.to_owned(),
    };
    let data = Fulfilment {
        payment_id: draft.payment_id,
        charge: Some(charge),
        cart: draft.basket.cart.clone(),
        key: Some((request.key.scope.clone(), request.key.key.clone())),
        deadline: draft.deadline,
        settlement: None,
        digital: draft.priced.parts.iter().any(|p| p.lines.iter().all(|l| l.kind != "physical")),
    };
    serde_json::to_value(data).map_err(|e| Error::Internal(e.to_string()))
}

fn created(request: &Place, draft: &Draft, number: String, saga_id: SagaId, at: Time) -> OrderCreated {
    OrderCreated {
        order_id: draft.order_id,
        number,
        user_id: request.user,
        guest: request.guest.as_ref().map(|(_, hash)| hash.clone()),
        parts: draft.priced.parts.clone(),
        totals: draft.priced.totals.clone(),
        payment_method: request.checkout.payment_method.clone(),
        payment_deadline: draft.deadline,
        payment_id: draft.payment_id,
        saga_id,
        at,
    }
}
