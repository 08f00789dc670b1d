//! What stores, shoppers and the marketplace do with orders that are there.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use kit::Caller;
use serde_json::{Value as Json, json};

use super::plan::{Event, Moment, Plan};
use super::{AT_ONCE, Past, Placed};

/// Carriers of the demo, invented.
const CARRIERS: [&str; 3] = ["Shapla Express", "Meghna Courier", "Doel Parcel"];

/// How often cash is handed over and messages are read, in days.
const WEEK_DAYS: u32 = 7;

impl Past<'_> {
    /// Everything that is planned for now, for a few orders at once.
    pub(super) async fn later(&self, now: Moment) -> anyhow::Result<()> {
        let due = self.orders.iter().flat_map(|(placed, plan)| {
            let events = plan.events.iter().filter(|(at, _)| *at == now);
            events.map(move |(_, event)| (placed, plan, *event))
        });
        let mut due: Vec<_> = due.collect();
        // Sellers have their own hours.
        due.sort_by_key(|(placed, _, _)| (placed.order["vendorOrders"][0]["vendorId"].to_string(), placed.key.clone()));
        for few in due.chunks(AT_ONCE) {
            self.world.pass(45 * few.len() as i64);
            try_join_all(few.iter().map(|(placed, plan, event)| self.happens(placed, plan, *event))).await?;
        }
        Ok(())
    }

    async fn happens(&self, placed: &Placed, plan: &Plan, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Packed => self.parts(placed, |_, _| json!({"status": "processing"})).await,
            Event::Shipped => {
                let number = |n: usize| format!("D{:02}{}{}", plan.at.day, plan.at.slot, plan.key.len() + n);
                let carrier = CARRIERS[placed.key.bytes().map(usize::from).sum::<usize>() % CARRIERS.len()];
                self.parts(placed, |n, _| json!({"status": "shipped", "tracking": {"carrier": carrier, "number": number(n)}})).await
            }
            Event::Delivered { collected: 100 } => self.parts(placed, |_, _| json!({"status": "delivered"})).await,
            Event::Delivered { collected } => {
                let cash = |total: &Json| json!({"amount": share(total, collected), "currency": total["currency"]});
                self.parts(placed, |_, total| json!({"status": "delivered", "collected": cash(total)})).await
            }
            Event::Refused => self.parts(placed, |_, _| json!({"status": "refused"})).await,
            Event::CalledOff => {
                let path = format!("/api/v1/orders/{}/cancel", id(&placed.order));
                let why = json!({"reason": "found it elsewhere"});
                self.world.ask("orders", &self.buyer(plan), ("PUT", &path), Some(why), "").await?.done_or_refused()
            }
            Event::AskedBack => self.ask_back(placed, plan).await,
            Event::Agreed => self.answer(placed, plan, "approve").await,
            Event::Disagreed => self.answer(placed, plan, "reject").await,
            Event::Received => self.answer(placed, plan, "receive").await,
            Event::Refunded { percent } => self.refund(placed, percent).await,
            Event::CollectedLate | Event::WrittenOff => self.short(placed, event).await,
        }
    }

    /// Each store moves its part on; one that has gone another way stays where it is.
    async fn parts(&self, placed: &Placed, body: impl Fn(usize, &Json) -> Json) -> anyhow::Result<()> {
        for (n, part) in parts(&placed.order).enumerate() {
            let Some(owner) = self.owner(part) else { continue };
            let path = format!("/api/v1/vendor/orders/{}/status", id(part));
            self.world.ask("orders", owner, ("PUT", &path), Some(body(n, &part["totals"]["total"])), "").await?.done_or_refused()?;
        }
        Ok(())
    }

    fn owner(&self, part: &Json) -> Option<&Caller> {
        self.cast.owners.get(part["vendorId"].as_str()?)
    }

    async fn ask_back(&self, placed: &Placed, plan: &Plan) -> anyhow::Result<()> {
        let lines = parts(&placed.order).flat_map(|p| p["items"].as_array().into_iter().flatten());
        let Some(line) = lines.into_iter().find(|l| l["kind"] == "physical") else { return Ok(()) };
        let path = format!("/api/v1/orders/{}/return", id(&placed.order));
        let wish = json!({"items": [{"lineId": line["id"], "quantity": 1}], "reason": "not as I had hoped"});
        self.world.ask("orders", &self.buyer(plan), ("POST", &path), Some(wish), &format!("{} back", plan.key)).await?.done_or_refused()
    }

    /// A store says something to the order's first return.
    async fn answer(&self, placed: &Placed, plan: &Plan, word: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/orders/{}/returns", id(&placed.order));
        let found = self.world.ask("orders", &self.buyer(plan), ("GET", &path), None, "").await?.ok()?;
        let back = &found["data"][0];
        let Some(owner) = self.owner(back) else { return Ok(()) };
        let reason = (word == "reject").then(|| json!({"reason": "it has been used"}));
        self.world.ask("orders", owner, ("POST", &format!("/api/v1/returns/{}/{word}", id(back))), reason, "").await?.done_or_refused()
    }

    /// The first store gives some of its part back.
    async fn refund(&self, placed: &Placed, percent: u8) -> anyhow::Result<()> {
        let Some((part, owner)) = parts(&placed.order).find_map(|p| Some((p, self.owner(p)?))) else { return Ok(()) };
        let total = &part["totals"]["total"];
        let path = format!("/api/v1/payments/{}/refund", id(&placed.order["payment"]));
        let amount = json!({"amount": share(total, percent), "currency": total["currency"]});
        let body = json!({"amount": amount, "reason": "it arrived with a scratch"});
        self.world.ask("payments", owner, ("POST", &path), Some(body), &format!("{} refund", placed.key)).await?.done_or_refused()
    }

    /// What a store's part lacked at the door is collected, or given up.
    async fn short(&self, placed: &Placed, event: Event) -> anyhow::Result<()> {
        for part in parts(&placed.order) {
            let Some(owner) = self.owner(part) else { continue };
            let cash = self.world.ask("payments", owner, ("GET", "/api/v1/payments/cash?status=short&limit=100"), None, "").await?.ok()?;
            let rows = cash["data"].as_array().into_iter().flatten();
            let Some(row) = rows.into_iter().find(|r| r["orderId"] == placed.order["id"]) else { continue };
            let payment = row["paymentId"].as_str().unwrap_or_default();
            let key = format!("{} {}", placed.key, id(part));
            let (who, path, body) = match event {
                Event::CollectedLate => {
                    (owner, format!("/api/v1/payments/{payment}/collect"), json!({"vendorId": row["vendorId"], "amount": row["missing"]}))
                }
                _ => {
                    let why = "the shopper has moved away";
                    (&self.cast.admin, format!("/api/v1/payments/{payment}/write-off"), json!({"vendorId": row["vendorId"], "reason": why}))
                }
            };
            self.world.ask("payments", who, ("POST", &path), Some(body), &key).await?.done_or_refused()?;
        }
        Ok(())
    }

    /// Once a week stores hand over the cash that they have collected, and the shopper has read what there was to read.
    pub(super) async fn end_of_day(&self, day: u32) -> anyhow::Result<()> {
        if day % WEEK_DAYS != WEEK_DAYS - 1 {
            return Ok(());
        }
        let cash = self
            .world
            .ask("payments", &self.cast.admin, ("GET", "/api/v1/payments/cash?status=collected&limit=100"), None, "")
            .await?
            .ok()?;
        let mut by_store: BTreeMap<&str, (i64, &Json)> = BTreeMap::new();
        for row in cash["data"].as_array().into_iter().flatten() {
            let in_transit = &row["inTransit"];
            let sum = by_store.entry(row["vendorId"].as_str().unwrap_or_default()).or_insert((0, &in_transit["currency"]));
            sum.0 += in_transit["amount"].as_i64().unwrap_or(0);
        }
        for (n, (vendor, (amount, currency))) in by_store.into_iter().enumerate().filter(|(_, (_, sum))| sum.0 > 0) {
            let reference = format!("deposit slip {}-{}", day + 1, n + 1);
            let body = json!({"vendorId": vendor, "amount": {"amount": amount, "currency": currency}, "reference": reference});
            let key = format!("demo remittance {day} {vendor}");
            self.world.ask("payments", &self.cast.admin, ("POST", "/api/v1/payments/cash/remittances"), Some(body), &key).await?.ok()?;
        }
        self.world.ask("notifications", &self.cast.shopper, ("POST", "/api/v1/notifications/read-all"), None, "").await?.ok()?;
        self.world.rest().await
    }
}

fn parts(order: &Json) -> impl Iterator<Item = &Json> {
    order["vendorOrders"].as_array().into_iter().flatten()
}

fn id(thing: &Json) -> &str {
    thing["id"].as_str().unwrap_or_default()
}

/// So many percent of an amount, in minor units.
fn share(money: &Json, percent: u8) -> i64 {
    money["amount"].as_i64().unwrap_or(0) * i64::from(percent) / 100
}
