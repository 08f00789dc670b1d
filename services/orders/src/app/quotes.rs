//! Prices that are held for a while.

use contracts::proto::cart as cart_api;
use contracts::{QuoteId, Time};
use kit::DbError;

use super::quote::Basket;
use super::{App, Place};
use crate::domain::pricing::{Offer, Priced, Shipping};
use crate::domain::{Destination, Quote};
use crate::error::Error;
use crate::store::{self, Filter};

/// A quote that was just made.
pub(crate) struct Held {
    /// What a checkout names it by.
    pub id: QuoteId,
    /// Until when its prices hold.
    pub expires_at: Time,
    /// What was quoted.
    pub priced: Priced,
    /// By which methods the stores would ship.
    pub offers: Vec<Offer>,
}

impl App {
    /// What the owner's cart would cost, held for a while.
    pub async fn quote_cart(
        &self,
        who: Filter,
        owner: cart_api::Owner,
        to: Option<Destination>,
        shipping: &Shipping,
    ) -> Result<Held, Error> {
        let basket = self.basket(owner, None, to.as_ref()).await?;
        let priced = self.price(&basket, to.as_ref(), shipping)?;
        let now = self.clock.now();
        let (id, expires_at) = (QuoteId(self.ids.uuid(now)), now.plus_seconds(self.config.quote_seconds));
        let quote = Quote { to, priced };
        let kept = quote.clone();
        self.db.write(move |tx| store::insert_quote(tx, &who, id, &kept, expires_at)).await?;
        Ok(Held { id, expires_at, priced: quote.priced, offers: basket.offers })
    }

    /// What a checkout comes to: at the prices of the quote that it names, or at those of now.
    pub(super) async fn price_of(&self, request: &Place, basket: &Basket, to: Option<&Destination>) -> Result<Priced, Error> {
        let shipping = &request.checkout.shipping;
        let Some(id) = request.checkout.quote else { return self.price(basket, to, shipping) };
        let (who, now) = (request.owner()?, self.clock.now());
        let quote = self.db.read(move |q| Ok::<_, Error>(store::quote(q, &who, id, now)?)).await?.ok_or(Error::NoQuote)?;
        let differences = quote.differences(&basket.items, to, shipping);
        if differences.is_empty() { Ok(quote.priced) } else { Err(Error::NotAsQuoted(differences)) }
    }

    /// Forgets the quotes that no longer hold.
    pub async fn prune_quotes(&self) -> Result<(), DbError> {
        let now = self.clock.now();
        while self.db.write_behind(move |tx| store::prune_quotes(tx, now)).await? > 0 {}
        Ok(())
    }
}
