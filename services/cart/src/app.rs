//! The use cases of carts, one transaction each.

use contracts::events::cart::{AbandonedLine, CartAbandoned, CartCheckedOut, CartItemAdded, CartItemRemoved, CartMerged};
use contracts::proto::catalog as api;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::{CartId, CartItemId, Currency, Money, OrderId, UserId, VariantId};
use kit::channel::Channel;
use kit::{Clock, Db, DbError, Ids, Tx};

use crate::domain::{self, Cart, Fact, Kept, LINES_MAX, Lifetimes, Line, Owner, QUANTITY_MAX};
use crate::error::Error;
use crate::store;

/// How many carts end in one transaction.
const CARTS_AT_ONCE: i64 = 100;
/// How many checkouts are forgotten in one transaction.
const CHECKOUTS_AT_ONCE: i64 = 500;
/// How long it is known which cart became which order: longer than an order tries to empty it.
const CHECKOUTS_KEPT_SECONDS: i64 = 90 * 24 * 3_600;

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub ids: Ids,
    pub clock: Clock,
    pub lifetimes: Lifetimes,
    pub catalog: CatalogClient<Channel>,
    pub currency: Currency,
}

impl App {
    /// The owner's cart, priced live.
    pub async fn cart(&self, owner: &Owner) -> Result<Cart, Error> {
        let lines = self.lines(owner.cart_id()).await?;
        let facts = self.facts(lines.iter().map(|l| l.variant_id)).await?;
        Ok(domain::price(owner.cart_id(), &lines, &facts, self.currency))
    }

    /// The lines of a cart.
    pub async fn lines(&self, cart: CartId) -> Result<Vec<Line>, Error> {
        self.db.read(move |q| Ok(store::lines(q, cart)?)).await
    }

    /// Puts more of a variant into the cart, which `is_new` where its owner was not known a moment ago. An empty one is
    /// refused while the database has too much to do.
    pub async fn add(&self, owner: &Owner, is_new: bool, variant: VariantId, quantity: i64) -> Result<Cart, Error> {
        let (id, kept) = (owner.cart_id(), Kept::of(owner, self.lifetimes));
        let before = if is_new { Vec::new() } else { self.lines(id).await? };
        if before.is_empty() {
            // Who has begun is served; who has not may as well come later.
            self.db.admit()?;
        }
        let facts = self.facts(before.iter().map(|l| l.variant_id).chain([variant])).await?;
        let fact = facts.iter().find(|f| f.variant_id == variant && f.buyable).ok_or(Error::NotForSale)?;
        let price = fact.price;
        let lines = self
            .db
            .write(move |tx| {
                let total = store::add(tx, &kept, variant, quantity, price)?;
                let lines = store::lines(tx, id)?;
                check(&lines, total)?;
                tx.publish(CartItemAdded { cart_id: id, variant_id: variant, quantity: total })?;
                Ok::<_, Error>(lines)
            })
            .await?;
        Ok(domain::price(id, &lines, &facts, self.currency))
    }

    /// Sets how many are in a line; 0 takes it out.
    pub async fn set_quantity(&self, owner: &Owner, item: CartItemId, quantity: i64) -> Result<Cart, Error> {
        let (id, kept) = (owner.cart_id(), Kept::of(owner, self.lifetimes));
        self.db
            .write(move |tx| {
                if quantity == 0 {
                    let variant_id = store::remove(tx, &kept, item)?.ok_or(Error::NoItem)?;
                    return Ok(tx.publish(CartItemRemoved { cart_id: id, variant_id })?);
                }
                let variant_id = store::set_quantity(tx, &kept, item, quantity)?.ok_or(Error::NoItem)?;
                Ok::<_, Error>(tx.publish(CartItemAdded { cart_id: id, variant_id, quantity })?)
            })
            .await?;
        self.cart(owner).await
    }

    /// Takes everything out.
    pub async fn clear(&self, owner: &Owner) -> Result<(), Error> {
        let id = owner.cart_id();
        self.db
            .write(move |tx| {
                for line in store::lines(tx, id)? {
                    tx.publish(CartItemRemoved { cart_id: id, variant_id: line.variant_id })?;
                }
                Ok(store::clear(tx, id)?)
            })
            .await
    }

    /// Takes out what was ordered; what was added since stays. A repeat for the same order changes nothing.
    pub async fn check_out(&self, cart: CartId, order: OrderId, ordered: Vec<(VariantId, i64)>) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                if ordered.is_empty() || !store::insert_checkout(tx, cart, order)? {
                    return Ok(());
                }
                if store::remove_ordered(tx, cart, &ordered)? < ordered.len() as u64 {
                    ordered.iter().try_for_each(|(variant, quantity)| store::reduce(tx, cart, *variant, *quantity))?;
                }
                Ok(tx.publish(CartCheckedOut { cart_id: cart, order_id: order })?)
            })
            .await
    }

    /// Takes the cart of whoever holds the token with this hash over into the user's own.
    pub async fn merge(&self, user: UserId, guest: String) -> Result<Cart, Error> {
        let lifetimes = self.lifetimes;
        self.db.write(move |tx| Ok::<_, Error>(merge(tx, user, guest.clone(), lifetimes)?)).await?;
        self.cart(&Owner::User(user)).await
    }

    /// Ends the carts that nobody has changed for as long as they are kept.
    pub async fn expire(&self) -> Result<(), DbError> {
        let now = self.clock.now();
        loop {
            let ended = self.db.write_behind(move |tx| {
                let carts = store::expired(tx, now, CARTS_AT_ONCE)?;
                for cart_id in &carts {
                    let taken = store::take_expired(tx, *cart_id, now)?;
                    let Some(user_id) = taken.first().map(|(_, user)| *user) else { continue };
                    let line =
                        |(l, _): &(Line, _)| AbandonedLine { variant_id: l.variant_id, quantity: l.quantity, unit_price: l.seen_price };
                    tx.publish(CartAbandoned { cart_id: *cart_id, user_id, lines: taken.iter().map(line).collect() })?;
                }
                Ok::<_, DbError>(carts.len() as i64)
            });
            if ended.await? < CARTS_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Forgets which carts became orders long ago: the order is final, and nobody empties its cart again.
    pub async fn prune(&self) -> Result<(), DbError> {
        let before = self.clock.now().plus_seconds(-CHECKOUTS_KEPT_SECONDS);
        while self.db.write_behind(move |tx| store::prune_checkouts(tx, before, CHECKOUTS_AT_ONCE)).await? > 0 {}
        Ok(())
    }

    async fn facts(&self, variants: impl Iterator<Item = VariantId>) -> Result<Vec<Fact>, Error> {
        let mut variant_ids: Vec<String> = variants.map(|v| v.to_string()).collect();
        variant_ids.sort();
        variant_ids.dedup();
        if variant_ids.is_empty() {
            return Ok(Vec::new());
        }
        let request = api::GetVariantsRequest { variant_ids, product_ids: Vec::new() };
        let answer = self.catalog.clone().get_variants(request).await.map_err(|_| Error::Unreachable)?;
        Ok(answer.into_inner().variants.into_iter().filter_map(fact).collect())
    }
}

/// Takes a guest's cart over into a user's. A repeat, or one at the same time, finds nothing left to take.
pub(crate) fn merge(tx: &mut Tx, user: UserId, guest: String, lifetimes: Lifetimes) -> Result<(), DbError> {
    let from = Owner::Guest(guest).cart_id();
    let guests = store::lock_lines(tx, from)?;
    if guests.is_empty() {
        return Ok(());
    }
    let kept = Kept::of(&Owner::User(user), lifetimes);
    let own = store::lock_lines(tx, kept.cart_id)?;
    let merge = domain::merge(&own, &guests);
    if merge.taken.is_empty() {
        return Ok(());
    }
    for (variant, more, price) in merge.more {
        // Something of it was put in since the user's lines were read.
        if store::add(tx, &kept, variant, more, price)? > QUANTITY_MAX {
            return Err(tx.lost_race());
        }
    }
    store::remove_all(tx, from, &merge.taken)?;
    tx.publish(CartMerged { cart_id: kept.cart_id, from_cart_id: from, user_id: user })
}

fn check(lines: &[Line], quantity: i64) -> Result<(), Error> {
    if quantity > QUANTITY_MAX {
        return Err(Error::TooMany);
    }
    if lines.len() > LINES_MAX {
        return Err(Error::TooManyLines);
    }
    let first = lines.first().map(|l| l.seen_price.currency);
    if lines.iter().all(|l| Some(l.seen_price.currency) == first) { Ok(()) } else { Err(Error::MixedCurrency) }
}

fn fact(v: api::Variant) -> Option<Fact> {
    let price = v.price?;
    Some(Fact {
        variant_id: v.variant_id.parse().ok()?,
        product_id: v.product_id.parse().ok()?,
        vendor_id: v.vendor_id.parse().ok()?,
        title: v.title,
        price: Money::new(price.amount, price.currency.parse().ok()?),
        available: v.available,
        buyable: v.buyable,
    })
}
