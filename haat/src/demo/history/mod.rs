//! The days that lie behind the demo: shoppers order, stores ship, some of it goes wrong. All of it is done by the services
//! themselves, asked as people ask them, at times of the past; so whatever they derive from it is as it would be.
//!
//! A start that is cut off goes on with the part of a day in which it was: every request has a key, and what has
//! happened already is refused without harm.

mod later;
mod place;
mod plan;
mod world;

use std::collections::BTreeMap;

use contracts::Time;
use futures::future::try_join_all;
use kit::Caller;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use place::address_book;
pub use plan::MEMBERS;
use plan::{Moment, Plan, SLOTS};
pub use world::{Shift, World, caller};

use super::store;

const DAY_SECONDS: i64 = 24 * 3_600;
/// So many people act at once, which keeps two cores busy. Time stands still meanwhile: nobody's call is to be late.
pub const AT_ONCE: usize = 4;
/// How long a part of a day takes at most.
const SLOT_SECONDS: i64 = 3_600 * 7 / 2;

/// Everybody who takes part.
pub struct Cast {
    /// The shopper of the welcome.
    pub shopper: Caller,
    /// The other shoppers with accounts.
    pub members: Vec<Caller>,
    /// Who runs the marketplace.
    pub admin: Caller,
    /// The owner of each store, by the store's id.
    pub owners: BTreeMap<String, Caller>,
}

/// Something that can be bought.
#[derive(Clone, Debug)]
struct Good {
    variant: String,
    physical: bool,
}

/// An order that was placed, as it is kept until the past is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Placed {
    /// The plan's name.
    pub key: String,
    /// When it was placed.
    pub day: u32,
    /// In which part of that day.
    pub slot: usize,
    /// As it was answered.
    pub order: Json,
}

/// The past, as far as it goes.
struct Past<'a> {
    world: &'a World,
    cast: &'a Cast,
    goods: Vec<Good>,
    /// Each with its plan.
    orders: Vec<(Placed, Plan)>,
}

/// Plays `days` days that begin at `from`, from where they were left; `progress` is told after each how many are done.
pub async fn play(world: &World, cast: &Cast, from: Time, days: u32, progress: &mut impl FnMut(u32)) -> anyhow::Result<()> {
    if days == 0 {
        return Ok(());
    }
    let db = &world.console()?.db;
    let begin = store::next_moment(db).await?;
    let mut past = Past { world, cast, goods: place::goods(world).await?, orders: Vec::new() };
    for placed in store::orders(db).await? {
        let plan = plan::orders(placed.day, placed.slot).into_iter().find(|p| p.key == placed.key);
        past.orders.extend(plan.map(|plan| (placed, plan)));
    }
    for day in 0..days {
        for (slot, hour) in SLOTS.into_iter().enumerate().filter(|(slot, _)| (day, *slot) >= begin) {
            let starts = from.plus_seconds(i64::from(day) * DAY_SECONDS + hour * 3_600);
            past.part_of_day(Moment { day, slot }, starts).await?;
            kit::crash::point("demo.after_slot");
        }
        past.end_of_day(day).await?;
        progress(day + 1);
    }
    Ok(())
}

impl Past<'_> {
    async fn part_of_day(&mut self, now: Moment, starts: Time) -> anyhow::Result<()> {
        let db = &self.world.console()?.db;
        // Whoever goes on after a cut begins behind all that may have happened before it: time does not go back.
        store::reach(db, starts.plus_seconds(SLOT_SECONDS)).await?;
        self.world.pass_until(starts);
        // Who has not paid by now does not any more.
        self.world.wake();
        self.later(now).await?;
        let mut placed = Vec::new();
        for few in plan::orders(now.day, now.slot).chunks(AT_ONCE) {
            self.world.pass(few.iter().map(|plan| 60 + 37 * (plan.lines.len() as i64 + plan.key.len() as i64 % 5)).sum());
            let orders = try_join_all(few.iter().map(|plan| self.place(plan))).await?;
            let of_plan = |(plan, order): (&Plan, Option<Json>)| {
                let placed = Placed { key: plan.key.clone(), day: now.day, slot: now.slot, order: order? };
                Some((placed, plan.clone()))
            };
            placed.extend(few.iter().zip(orders).filter_map(of_plan));
        }
        self.world.rest().await?;
        let next = (now.day, now.slot + 1);
        store::keep(db, placed.iter().map(|(p, _)| p.clone()).collect(), next).await?;
        self.orders.extend(placed);
        Ok(())
    }
}
