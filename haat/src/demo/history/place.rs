//! Ordering and paying.

use anyhow::Context as _;
use kit::Caller;
use serde_json::{Value as Json, json};

use super::plan::{Buyer, Paying, Plan};
use super::world::{World, guest};
use super::{Good, Past};

/// Where goods go: a road and a town for each shopper.
const TOWNS: [(&str, &str); 8] = [
    ("Dhaka", "1207"),
    ("Dhaka", "1212"),
    ("Chattogram", "4000"),
    ("Sylhet", "3100"),
    ("Khulna", "9100"),
    ("Rajshahi", "6000"),
    ("Barishal", "8200"),
    ("Mymensingh", "2200"),
];

/// Everything that can be bought, in an order of its own: the first sell best.
pub async fn goods(world: &World) -> anyhow::Result<Vec<Good>> {
    let mut found: Vec<(String, Good)> = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/products?limit=100{cursor}");
        let page = world.ask("catalog", &Caller::default(), ("GET", &path), None, "").await?.ok()?;
        for product in page["data"].as_array().into_iter().flatten() {
            for variant in product["variants"].as_array().into_iter().flatten() {
                let rank = kit::auth::hex(&variant["sku"].as_str().unwrap_or_default().bytes().rev().collect::<Vec<_>>());
                let variant = variant["id"].as_str().unwrap_or_default().to_owned();
                found.push((rank, Good { variant, physical: product["kind"] == "physical" }));
            }
        }
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found.into_iter().map(|(_, good)| good).collect())
}

impl Past<'_> {
    /// Who orders by a plan.
    pub(super) fn buyer(&self, plan: &Plan) -> Caller {
        match plan.buyer {
            Buyer::Shopper => self.cast.shopper.clone(),
            Buyer::Member(n) => self.cast.members.get(n as usize).unwrap_or(&self.cast.shopper).clone(),
            Buyer::Guest => guest(&plan.key),
        }
    }

    /// Places an order and pays it as planned; `None` where something of it was sold out.
    pub(super) async fn place(&self, plan: &Plan) -> anyhow::Result<Option<Json>> {
        let who = self.buyer(plan);
        let body = self.order_of(plan)?;
        let answer = self.world.ask("orders", &who, ("POST", "/api/v1/orders"), Some(body), &plan.key).await?;
        if answer.body["code"] == "out_of_stock" {
            return Ok(None);
        }
        let mut order = answer.ok().with_context(|| format!("order {}", plan.key))?;
        if order["payment"].is_null() {
            // It was answered before it could be paid.
            self.world.rest().await?;
            let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap_or_default());
            order = self.world.ask("orders", &who, ("GET", &path), None, "").await?.ok()?;
        }
        if let Some(url) = order["payment"]["action"]["url"].as_str() {
            self.pay(plan, &who, &order, url).await?;
        }
        Ok(Some(order))
    }

    fn order_of(&self, plan: &Plan) -> anyhow::Result<Json> {
        let count = self.goods.len() as u64;
        // The numbers go up to a million; the small ones come often.
        let good = |n: u64| self.goods.get((n * count / 1_000_000) as usize);
        let goods: Vec<(&Good, i64)> = plan.lines.iter().filter_map(|(n, pieces)| Some((good(*n)?, *pieces))).collect();
        anyhow::ensure!(!goods.is_empty(), "there is nothing to buy");
        let cash = plan.cash && goods.iter().all(|(g, _)| g.physical);
        let seed = match plan.buyer {
            Buyer::Shopper => 0,
            Buyer::Member(n) => n as usize + 1,
            Buyer::Guest => plan.key.len() + plan.at.day as usize,
        };
        let mut body = json!({
            "items": goods.iter().map(|(g, pieces)| json!({"variantId": g.variant, "quantity": pieces})).collect::<Vec<_>>(),
            "shippingAddress": address(seed),
            "paymentMethod": if cash { "cod" } else { "sandbox" },
        });
        if plan.buyer == Buyer::Guest {
            body["email"] = json!(format!("{}@demo.haat.test", plan.key.replacen("demo", "guest", 1)));
        }
        Ok(body)
    }

    async fn pay(&self, plan: &Plan, who: &Caller, order: &Json, url: &str) -> anyhow::Result<()> {
        let path = url.find("/sandbox/").map_or(url, |at| url.get(at..).unwrap_or_default());
        let answer = match plan.paying {
            Paying::Approves => "approve",
            Paying::Declines => "decline",
            Paying::Forgets => return Ok(()),
            Paying::CallsOff => {
                let path = format!("/api/v1/orders/{}/cancel", order["id"].as_str().unwrap_or_default());
                self.world
                    .ask("orders", who, ("PUT", &path), Some(json!({"reason": "ordered by mistake"})), "")
                    .await?
                    .done_or_refused()?;
                return Ok(());
            }
        };
        // Where it was answered before, the same answer is harmless.
        self.world.ask("sandbox", &Caller::default(), ("POST", &format!("{path}/{answer}")), None, "").await?.done_or_refused()
    }
}

/// The address of a shopper.
pub fn address(seed: usize) -> Json {
    let (city, postal_code) = TOWNS[seed % TOWNS.len()];
    json!({
        "name": "Demo Shopper",
        "phone": format!("+88017000{:05}", seed * 37 % 100_000),
        "line1": format!("House {}, Road {}", 1 + seed * 7 % 90, 1 + seed * 3 % 30),
        "city": city,
        "postalCode": postal_code,
        "country": "BD",
    })
}

/// Gives the shopper of the welcome an address.
pub async fn address_book(world: &World, shopper: &Caller) -> anyhow::Result<()> {
    let mut home = address(0);
    (home["label"], home["isDefault"]) = (json!("Home"), json!(true));
    world.ask("identity", shopper, ("POST", "/api/v1/users/addresses"), Some(home), "demo address").await?.ok().map(drop)
}
