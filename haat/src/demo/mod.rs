//! Loads the demo marketplace: accounts, stores and goods, and the days that lie behind it. Loading it twice changes
//! nothing, and a load that was cut off goes on where it was.

mod catalogue;
mod categories;
mod history;
mod http;
mod pictures;
mod store;
mod stores;

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use contracts::proto::catalog::catalog_client::CatalogClient;
use contracts::proto::catalog::{EnsureWarehouseRequest, ImportProductsRequest};
use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use contracts::proto::vendors::vendors_client::VendorsClient;
use contracts::proto::vendors::{EnsureStoreRequest, Store};
use contracts::{Time, UserId};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kit::{Caller, Clock, Env, Role};

use history::{Cast, Shift, World};
pub use http::routes;
pub use stores::STORES;

use crate::config::Config;
use crate::run;

/// The password of every demo account.
pub const PASSWORD: &str = "demo-haat-1234";
/// Where the pictures are.
pub const PICTURES: &str = "/media/demo/";
/// How many days of orders lie behind the demo, where nobody says.
pub const DAYS: u32 = 60;

const DAY_SECONDS: i64 = 24 * 3_600;

/// How far the loading is.
pub enum Step {
    /// So many stores are filled.
    Stores(usize),
    /// So many days have passed.
    Days(u32),
}

/// Loads what is missing: everything is done by the services themselves, at times that end yesterday. `progress` is told
/// of each step.
pub async fn load(config: &Config, days: u32, mut progress: impl FnMut(Step)) -> anyhow::Result<()> {
    let began = match noted(config).await? {
        store::Progress::Loaded => return Ok(()),
        store::Progress::Began(began, reached) => Some((began, reached)),
        store::Progress::Nothing => None,
    };
    let now = Clock::system().now();
    let midnight = Time(now.0 - now.0.rem_euclid(DAY_SECONDS * 1_000_000));
    let (from, at) = began.unwrap_or((midnight.plus_seconds(-i64::from(days) * DAY_SECONDS), Time::default()));
    let shift = Shift::default();
    if days > 0 {
        // The market opens half a day before anybody comes.
        shift.set(Time(at.0.max(from.plus_seconds(-DAY_SECONDS / 2).0)));
    }
    let running = run::start_in_the_past(config, shift.clock()).await?;
    let world = World::new(running, shift);
    let loaded = fill(&world, from, days, &mut progress).await;
    world.stop().await;
    loaded
}

/// What the console noted of an earlier load.
async fn noted(config: &Config) -> anyhow::Result<store::Progress> {
    let alone = run::start_console(config).await?;
    let noted = store::progress(&alone.console()?.db).await;
    alone.stop().await;
    Ok(noted?)
}

async fn fill(world: &World, from: Time, days: u32, progress: &mut impl FnMut(Step)) -> anyhow::Result<()> {
    let console = world.console()?;
    store::begin(&console.db, from).await?;
    let cast = open(world, if days > 0 { history::MEMBERS } else { 0 }, progress).await?;
    history::play(world, &cast, from, days, &mut |day| progress(Step::Days(day))).await?;
    store::mark_loaded(&console.db).await.map_err(anyhow::Error::from)
}

/// How many goods of each store come after all others, so that the newest are of every kind.
const NEWEST_OF_STORE: usize = 2;

/// Accounts, stores and goods.
async fn open(world: &World, members: u64, progress: &mut impl FnMut(Step)) -> anyhow::Result<Cast> {
    let console = world.console()?;
    let customer = &[Role::Customer];
    let shopper = account(console, "shopper@demo.haat.test", "Demo Shopper", customer).await?;
    let admin = account(console, "admin@demo.haat.test", "Demo Admin", &[Role::Customer, Role::Admin]).await?;
    let mut cast = Cast {
        shopper: history::caller(shopper, customer),
        members: Vec::new(),
        admin: history::caller(admin, &[Role::Customer, Role::Admin]),
        owners: BTreeMap::new(),
    };
    history::address_book(world, &cast.shopper).await?;
    let joining = (0..members).map(|n| async move {
        let member = account(console, &format!("shopper{}@demo.haat.test", n + 2), "Demo Shopper", customer).await?;
        anyhow::Ok(history::caller(member, customer))
    });
    cast.members = stream::iter(joining).buffered(history::AT_ONCE).try_collect().await?;
    let second = EnsureWarehouseRequest { code: "chattogram".into(), name: "Chattogram warehouse".into() };
    let mut catalog = CatalogClient::new(console.channel("catalog")?);
    let second = catalog.ensure_warehouse(second).await?.into_inner().warehouse_id;
    let shelves = categories::Shelves::build(catalog).await?;
    let mut newest = Vec::new();
    for (i, store) in STORES.iter().enumerate() {
        let email = if i == 0 { "vendor@demo.haat.test".to_owned() } else { format!("vendor{}@demo.haat.test", i + 1) };
        let owner = account(console, &email, store.name, &[Role::Customer, Role::Vendor]).await?;
        let request = EnsureStoreRequest { slug: store.slug.into(), name: store.name.into(), owner_id: owner.to_string() };
        let opened = VendorsClient::new(console.channel("vendors")?).ensure_store(request).await?.into_inner();
        let mut goods: Vec<String> = store.products(&second, &shelves).iter().map(ToString::to_string).collect();
        let last = goods.split_off(goods.len().saturating_sub(NEWEST_OF_STORE));
        stock(console, &opened, goods).await.with_context(|| format!("store {}", store.slug))?;
        cast.owners.insert(opened.vendor_id.clone(), seller(owner));
        newest.push((opened, last));
        progress(Step::Stores(i + 1));
    }
    for (store, goods) in newest {
        stock(console, &store, goods).await.with_context(|| format!("store {}", store.slug))?;
    }
    Ok(cast)
}

fn seller(user: UserId) -> Caller {
    history::caller(user, &[Role::Customer, Role::Vendor])
}

async fn account(console: &Env, email: &str, name: &str, roles: &[Role]) -> anyhow::Result<UserId> {
    let (first_name, last_name) = name.split_once(' ').unwrap_or((name, ""));
    let request = EnsureUserRequest {
        email: email.into(),
        password: PASSWORD.into(),
        first_name: first_name.into(),
        last_name: last_name.into(),
        roles: roles.iter().map(|r| r.as_str().to_owned()).collect(),
    };
    let answer = IdentityClient::new(console.channel("identity")?).ensure_user(request).await?;
    answer.into_inner().user_id.parse().context("identity answers with the user's id")
}

/// Brings goods into a store.
async fn stock(console: &Env, store: &Store, products: Vec<String>) -> anyhow::Result<()> {
    let request =
        ImportProductsRequest { vendor_id: store.vendor_id.clone(), vendor_name: store.name.clone(), products, check_only: false };
    let done = CatalogClient::new(console.channel("catalog")?).import_products(request).await?.into_inner();
    match done.results.into_iter().find(|r| r.outcome == "refused") {
        Some(refused) => bail!("a demo product was refused: {:?}", refused.errors),
        None => Ok(()),
    }
}
