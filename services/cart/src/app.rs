//! The use cases of carts, one transaction each.

use contracts::events::cart::{CartCheckedOut, CartItemAdded, CartItemRemoved};
use contracts::proto::catalog as api;
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::{CartId, CartItemId, Currency, Money, OrderId, VariantId};
use kit::channel::Channel;
use kit::{Db, Ids};

use crate::domain::{self, Cart, Fact, LINES_MAX, Line, Owner, QUANTITY_MAX};
use crate::error::Error;
use crate::store;

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub ids: Ids,
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

    /// Puts more of a variant into the cart.
    pub async fn add(&self, owner: &Owner, variant: VariantId, quantity: i64) -> Result<Cart, Error> {
        let id = owner.cart_id();
        let before = self.lines(id).await?;
        let facts = self.facts(before.iter().map(|l| l.variant_id).chain([variant])).await?;
        let fact = facts.iter().find(|f| f.variant_id == variant && f.buyable).ok_or(Error::NotForSale)?;
        let price = fact.price;
        let lines = self
            .db
            .write(move |tx| {
                let total = store::add(tx, id, variant, quantity, price)?;
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
        let id = owner.cart_id();
        self.db
            .write(move |tx| {
                if quantity == 0 {
                    let variant_id = store::remove(tx, id, item)?.ok_or(Error::NoItem)?;
                    return Ok(tx.publish(CartItemRemoved { cart_id: id, variant_id })?);
                }
                let variant_id = store::set_quantity(tx, id, item, quantity)?.ok_or(Error::NoItem)?;
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
