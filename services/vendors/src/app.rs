//! The use cases of stores.

use std::sync::Arc;

use contracts::events::vendors::{VendorStaffInvited, VendorUpdated};
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::identity::{GetUserRequest, GrantRoleRequest};
use contracts::{UserId, VendorId};
use kit::channel::Channel;
use kit::http::{Period, day_text};
use kit::{Clock, Db, Role};

use crate::domain::commission::{Rule, mistakes, rate};
use crate::domain::figures::{Day, Metrics, Sums, days};
use crate::domain::shipping::{Destination, Method, Offer, Parcel, SaleLine, offers};
use crate::domain::{self, Invitation, Member, Store, StoreChange, Terms, is_slug};
use crate::error::Error;
use crate::store::{commission, figures, shipping, staff, stores};

/// How often a store may invite the same person in which time, in seconds.
const INVITATIONS_MAX: i64 = 3;
const INVITATIONS_WINDOW_SECONDS: i64 = 24 * 3_600;

/// What the use cases need.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub clock: Clock,
    pub default_rate: i64,
    pub shipping: Arc<[Method]>,
    pub identity: IdentityClient<Channel>,
}

/// A store at a glance.
pub(crate) struct Analytics {
    pub metrics: Metrics,
    /// By currency.
    pub earnings: Vec<Sums>,
    pub days: Vec<Day>,
}

impl App {
    /// Stores by id; unknown ones are absent.
    pub async fn stores(&self, ids: Vec<VendorId>) -> Result<Vec<Store>, Error> {
        self.db.read(move |q| Ok(stores::by_ids(q, &ids)?)).await
    }

    /// Stores by slug; unknown ones are absent.
    pub async fn stores_named(&self, slugs: Vec<String>) -> Result<Vec<Store>, Error> {
        self.db.read(move |q| Ok(stores::by_slugs(q, &slugs)?)).await
    }

    /// One store.
    pub async fn store(&self, id: VendorId) -> Result<Store, Error> {
        self.stores(vec![id]).await?.pop().ok_or(Error::NoStore)
    }

    /// The stores that a user may act for.
    pub async fn stores_of(&self, user: UserId) -> Result<Vec<Store>, Error> {
        self.db.read(move |q| Ok(stores::of_user(q, user)?)).await
    }

    /// The store for which a user acts: the one named, the only one, or the only one of their own.
    pub async fn store_of(&self, user: UserId, named: Option<VendorId>) -> Result<Store, Error> {
        let mut stores = self.stores_of(user).await?;
        stores.retain(|s| named.is_none_or(|id| s.id == id));
        if stores.len() > 1 && stores.iter().filter(|s| s.owner_id == Some(user)).count() == 1 {
            stores.retain(|s| s.owner_id == Some(user));
        }
        if stores.len() > 1 {
            return Err(Error::Several(stores.into_iter().map(|s| (s.id, s.name)).collect()));
        }
        stores.pop().ok_or(Error::NoStore)
    }

    /// The store with a slug, opened where it is missing.
    pub async fn ensure(&self, slug: String, name: String, owner: Option<UserId>) -> Result<Store, Error> {
        if !is_slug(&slug) {
            return Err(Error::InvalidSlug);
        }
        self.db
            .write(move |tx| {
                if let Some(found) = stores::by_slug(tx, &slug)? {
                    return Ok(found);
                }
                stores::insert(tx, &slug, if name.is_empty() { &slug } else { &name }, owner)?;
                stores::by_slug(tx, &slug)?.ok_or(Error::NoStore)
            })
            .await
    }

    /// Changes what a store says of itself, if it is still as the caller read it.
    pub async fn change(&self, id: VendorId, change: StoreChange, expects: impl Fn(i64) -> bool + Send + 'static) -> Result<Store, Error> {
        let errors = change.mistakes();
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        self.db
            .write(move |tx| {
                let before = stores::lock(tx, id)?.ok_or(Error::NoStore)?;
                if !expects(before.version) {
                    return Err(Error::Stale);
                }
                let after = stores::save(tx, &before, change.clone())?;
                let (slug, name, status) = (after.slug.clone(), after.name.clone(), after.status.clone());
                tx.publish(VendorUpdated { vendor_id: id, slug, name, status })?;
                Ok(after)
            })
            .await
    }

    /// Who works in a store besides its owner.
    pub async fn staff(&self, store: VendorId) -> Result<Vec<Member>, Error> {
        self.db.read(move |q| Ok(staff::list(q, store)?)).await
    }

    /// Invites somebody with an account to work in a store, and has them told. Once, until they have declined; and a few
    /// times a day, since each is a mail to who did not ask for it.
    pub async fn invite(&self, store: VendorId, user: UserId) -> Result<Vec<Member>, Error> {
        let known = self.identity.clone().get_user(GetUserRequest { user_id: user.to_string() }).await.map_err(Error::unreachable)?;
        if known.into_inner().user.is_none() {
            return Err(Error::NoUser);
        }
        self.db
            .write(move |tx| {
                if staff::invite(tx, store, user)? {
                    let now = tx.now();
                    let (sent, first_at) = staff::count_invitation(tx, store, user, now.plus_seconds(-INVITATIONS_WINDOW_SECONDS))?;
                    if sent > INVITATIONS_MAX {
                        let left_us = first_at.plus_seconds(INVITATIONS_WINDOW_SECONDS).0 - now.0;
                        let left_seconds = (left_us / 1_000_000 + 1).clamp(1, INVITATIONS_WINDOW_SECONDS);
                        return Err(Error::TooManyInvitations { retry_after_seconds: u32::try_from(left_seconds).unwrap_or(u32::MAX) });
                    }
                    let invitation_id = tx.id();
                    tx.publish(VendorStaffInvited { invitation_id, vendor_id: store, user_id: user })?;
                }
                Ok::<_, Error>(())
            })
            .await?;
        self.staff(store).await
    }

    /// The stores that wait for a user's answer.
    pub async fn invitations(&self, user: UserId) -> Result<Vec<Invitation>, Error> {
        self.db.read(move |q| Ok(staff::invitations(q, user)?)).await
    }

    /// Somebody who was invited works in a store from now on: what the role of a vendor allows, there.
    pub async fn accept(&self, store: VendorId, user: UserId) -> Result<Store, Error> {
        if !self.db.write(move |tx| Ok::<_, Error>(staff::accept(tx, store, user)?)).await? {
            return Err(Error::NoInvitation);
        }
        // A repeat of the request gives the role where this one dies before it.
        let role = GrantRoleRequest { user_id: user.to_string(), role: Role::Vendor.as_str().to_owned() };
        self.identity.clone().grant_role(role).await.map_err(Error::unreachable)?;
        self.store(store).await
    }

    /// Somebody does not want to work in a store.
    pub async fn decline(&self, store: VendorId, user: UserId) -> Result<(), Error> {
        let declined = self.db.write(move |tx| Ok::<_, Error>(staff::decline(tx, store, user)?)).await?;
        if declined { Ok(()) } else { Err(Error::NoInvitation) }
    }

    /// Somebody leaves the store in which they work.
    pub async fn leave(&self, user: UserId, named: Option<VendorId>) -> Result<(), Error> {
        let mut stores = self.stores_of(user).await?;
        stores.retain(|s| s.owner_id != Some(user) && named.is_none_or(|id| s.id == id));
        match stores.as_slice() {
            [] => Err(Error::NoUser),
            [only] => self.remove_staff(only.id, user).await,
            _ => Err(Error::Several(stores.into_iter().map(|s| (s.id, s.name)).collect())),
        }
    }

    /// Somebody no longer works in a store. The role stays: without a store it opens nothing.
    pub async fn remove_staff(&self, store: VendorId, user: UserId) -> Result<(), Error> {
        let removed = self.db.write(move |tx| Ok::<_, Error>(staff::remove(tx, store, user)?)).await?;
        if removed { Ok(()) } else { Err(Error::NoUser) }
    }

    /// All commission rules.
    pub async fn rules(&self) -> Result<Vec<Rule>, Error> {
        self.db.read(|q| Ok(commission::all(q)?)).await
    }

    /// Puts these rules in place of all others. Orders that were placed keep the rates of their time.
    pub async fn set_rules(&self, rules: Vec<Rule>) -> Result<Vec<Rule>, Error> {
        let errors = mistakes(&rules);
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        self.db
            .write(move |tx| {
                commission::replace(tx, &rules)?;
                Ok(rules.clone())
            })
            .await
    }

    /// Whether a store has shipping methods of its own, and those by which it ships.
    pub async fn shipping_of(&self, store: VendorId) -> Result<(bool, Vec<Method>), Error> {
        let terms = self.db.read(move |q| Ok::<_, Error>(shipping::terms(q, &[store])?.pop())).await?.ok_or(Error::NoStore)?;
        Ok((terms.shipping.is_some(), terms.shipping.unwrap_or_else(|| self.shipping.to_vec())))
    }

    /// Puts these in place of a store's shipping methods, if it is still as the caller read it; the store's new version.
    pub async fn set_shipping(
        &self,
        id: VendorId,
        methods: Vec<Method>,
        expects: impl Fn(i64) -> bool + Send + 'static,
    ) -> Result<i64, Error> {
        let errors = domain::shipping::mistakes(&methods);
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        self.db
            .write(move |tx| {
                let before = stores::lock(tx, id)?.ok_or(Error::NoStore)?;
                if !expects(before.version) {
                    return Err(Error::Stale);
                }
                Ok(shipping::save(tx, &before, &methods)?)
            })
            .await
    }

    /// On what terms these lines are sold now: the commission rate of each in basis points, in order, and by which methods
    /// each store ships its part. A store's own rate goes before the rules that are not its own.
    pub async fn sale_terms(&self, sale: Vec<SaleLine>, to: Option<Destination>) -> Result<(Vec<i64>, Vec<Offer>), Error> {
        let (default_rate, default_methods) = (self.default_rate, self.shipping.clone());
        self.db
            .read(move |q| {
                let mut vendors: Vec<VendorId> = sale.iter().map(|l| l.line.vendor).collect();
                vendors.sort();
                vendors.dedup();
                if vendors.is_empty() {
                    return Ok(Default::default());
                }
                let (terms, mut rules) = (shipping::terms(q, &vendors)?, commission::concerning(q, &vendors)?);
                rules.extend(terms.iter().filter_map(Terms::own_rule));
                let rates = sale.iter().map(|l| rate(&rules, &l.line, default_rate)).collect();
                let own = |vendor| terms.iter().find(|t| t.vendor == vendor).and_then(|t| t.shipping.as_deref());
                let offers = vendors.iter().flat_map(|v| offers_of(*v, own(*v).unwrap_or(&default_methods), &sale, to.as_ref()));
                Ok((rates, offers.collect()))
            })
            .await
    }

    /// What a store earned in a period: by currency, and by day and currency.
    pub async fn earnings(&self, store: VendorId, period: Period) -> Result<(Vec<Sums>, Vec<(i64, Sums)>), Error> {
        self.db.read(move |q| Ok((figures::earnings(q, store, period)?, figures::earnings_by_day(q, store, period)?))).await
    }

    /// How a store's sales of a period have gone on.
    pub async fn metrics(&self, store: VendorId, period: Period) -> Result<Metrics, Error> {
        self.db.read(move |q| Ok(figures::metrics(q, store, period)?)).await
    }

    /// Metrics and earnings of a period, and both by day.
    pub async fn analytics(&self, store: VendorId, period: Period) -> Result<Analytics, Error> {
        self.db
            .read(move |q| {
                let (sold, moved) = (figures::sales_by_day(q, store, period)?, figures::earnings_by_day(q, store, period)?);
                let (metrics, earnings) = (figures::metrics(q, store, period)?, figures::earnings(q, store, period)?);
                Ok(Analytics { metrics, earnings, days: days(&sold, &moved, day_text) })
            })
            .await
    }
}

/// Nothing is offered for what does not ship, nor to nowhere.
fn offers_of(vendor: VendorId, methods: &[Method], sale: &[SaleLine], to: Option<&Destination>) -> Vec<Offer> {
    let parcel = Parcel::of(sale.iter().filter(|l| l.line.vendor == vendor));
    parcel.zip(to).map(|(parcel, to)| offers(vendor, methods, parcel, to)).unwrap_or_default()
}
