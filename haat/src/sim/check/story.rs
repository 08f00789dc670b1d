//! An order as its log tells it, read apart from haat's own code.

use std::collections::BTreeMap;

use contracts::Envelope;
use serde_json::Value as Json;

use crate::sim::shopper::text;

/// What happened to an order.
#[derive(Default)]
pub struct Story {
    /// What `order.created` says.
    pub created: Json,
    /// Whether it was confirmed.
    pub sold: bool,
    /// When it was.
    pub sold_at: Json,
    /// Whether it failed or was called off.
    pub over: bool,
    /// Its parts.
    pub parts: Vec<Part>,
    /// What must have been told about it: the kind of message, and about what.
    pub told: Vec<(&'static str, String)>,
    /// Returns that were asked for, each with its store: the store must have been told.
    pub asked_back: Vec<(String, String)>,
    /// What went back for returned goods, in minor units.
    pub returned: i64,
    /// What goes back for parts that were called off, in minor units, by refund.
    called_back: BTreeMap<String, i64>,
    /// Pieces that came back or are to come, by line.
    pub pieces_back: Pieces,
    /// Pieces whose money went back, by line.
    pub pieces_refunded: Pieces,
}

/// How many pieces of each line, by what asked for them.
#[derive(Default)]
pub struct Pieces(BTreeMap<String, Vec<(String, i64)>>);

impl Pieces {
    /// Of one line, in sum.
    pub fn of(&self, line: &str) -> i64 {
        self.0.values().flatten().filter(|(l, _)| l == line).map(|(_, n)| n).sum()
    }
}

/// One store's part.
#[derive(Default)]
pub struct Part {
    /// Its id.
    pub id: String,
    /// Its store.
    pub vendor: String,
    /// Its lines: id, variant, how many.
    pub lines: Vec<(String, String, i64)>,
    /// Whether it has left its store.
    pub shipped: bool,
    /// Whether it was not taken at the door.
    pub refused: bool,
    /// What came back, by variant.
    pub back: BTreeMap<String, i64>,
    /// Whether it needs no carrier: digital goods and courses.
    pub digital: bool,
    /// When it was delivered, if it was.
    pub delivered_at: Json,
    /// Whether it was called off while another part stayed sold.
    pub cancelled: bool,
    /// What it costs, in minor units.
    pub total: i64,
}

/// Why the money of parts that were called off goes back, as the refund says.
const CALLED_OFF: &str = "order cancelled in part";

/// The stories of all orders, by id.
pub fn stories(events: &[Envelope]) -> BTreeMap<String, Story> {
    let mut stories: BTreeMap<String, Story> = BTreeMap::new();
    for event in events.iter().filter(|e| e.source == "orders") {
        stories.entry(event.stream.to_string()).or_default().take(&event.kind, &event.json());
    }
    for event in events.iter().filter(|e| e.source == "payments") {
        let data = event.json();
        let payment = &data["paymentId"];
        if let Some(story) = stories.values_mut().find(|s| !payment.is_null() && s.created["paymentId"] == *payment) {
            story.money_moved(&event.kind, &data);
        }
    }
    stories
}

impl Story {
    fn take(&mut self, kind: &str, data: &Json) {
        let order = || text(&data["orderId"]);
        match kind {
            "order.created" => {
                self.created = data.clone();
                self.parts = list(&data["parts"]).map(part).collect();
                self.told.push(("order.created", order()));
            }
            "order.confirmed" => {
                self.sold = true;
                self.sold_at = data["at"].clone();
                self.told.push(("order.confirmed", order()));
            }
            "order.failed" | "order.cancelled" => {
                self.over = true;
                self.told.push((if kind == "order.failed" { "order.failed" } else { "order.cancelled" }, order()));
            }
            "order.status_changed" => self.part_moved(data),
            "order.parts_cancelled" => {
                for part in list(&data["parts"]) {
                    if let Some(part) = self.part(&part["vendorOrderId"]) {
                        part.cancelled = true;
                    }
                }
            }
            "order.return_requested" => {
                self.pieces_back.0.insert(text(&data["returnId"]), lines(&data["lines"], "lineId"));
                self.asked_back.push((text(&data["returnId"]), text(&data["vendorId"])));
            }
            "order.return_approved" => self.told.push(("order.return_approved", text(&data["returnId"]))),
            "order.return_rejected" => {
                self.pieces_back.0.remove(&text(&data["returnId"]));
                self.told.push(("order.return_rejected", text(&data["returnId"])));
            }
            "order.returned" => {
                if let Some(part) = self.part(&data["vendorOrderId"]) {
                    lines(&data["lines"], "variantId").into_iter().for_each(|(variant, n)| *part.back.entry(variant).or_default() += n);
                }
            }
            "order.return_refunded" => self.returned += data["amount"]["amount"].as_i64().unwrap_or(0),
            _ => {}
        }
    }

    fn money_moved(&mut self, kind: &str, data: &Json) {
        let refund = || text(&data["refundId"]);
        match kind {
            "payment.refund_requested" => {
                self.pieces_refunded.0.insert(refund(), lines(&data["items"], "lineId"));
                if data["reason"] == CALLED_OFF {
                    self.called_back.insert(refund(), data["amount"]["amount"].as_i64().unwrap_or(0));
                }
            }
            "payment.refund_failed" => {
                self.pieces_refunded.0.remove(&refund());
                self.called_back.remove(&refund());
            }
            "payment.refunded" => self.told.push(("payment.refunded", refund())),
            _ => {}
        }
    }

    fn part_moved(&mut self, data: &Json) {
        let id = text(&data["vendorOrderId"]);
        let Some(part) = self.part(&data["vendorOrderId"]) else { return };
        match data["status"].as_str() {
            Some("shipped") => {
                part.shipped = true;
                self.told.push(("order.shipped", id));
            }
            Some("delivered") => {
                part.delivered_at = data["at"].clone();
                self.told.push(("order.delivered", id));
            }
            Some("refused") => part.refused = true,
            _ => {}
        }
    }

    /// What goes back for parts that were called off, in minor units.
    pub fn called_back(&self) -> i64 {
        self.called_back.values().sum()
    }

    fn part(&mut self, id: &Json) -> Option<&mut Part> {
        self.parts.iter_mut().find(|p| *id == p.id.as_str())
    }
}

fn part(json: &Json) -> Part {
    let line = |l: &Json| (text(&l["lineId"]), text(&l["variantId"]), l["quantity"].as_i64().unwrap_or(0));
    Part {
        id: text(&json["vendorOrderId"]),
        vendor: text(&json["vendorId"]),
        lines: list(&json["lines"]).map(line).collect(),
        digital: list(&json["lines"]).all(|l| l["kind"] != "physical"),
        total: json["totals"]["total"]["amount"].as_i64().unwrap_or(0),
        ..Part::default()
    }
}

fn lines(json: &Json, by: &str) -> Vec<(String, i64)> {
    list(json).map(|l| (text(&l[by]), l["quantity"].as_i64().unwrap_or(0))).collect()
}

fn list(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}
