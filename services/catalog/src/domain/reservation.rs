//! Stock that is held for an order, and what becomes of it. Every step can be repeated: what has happened happens once.

use std::cmp::Reverse;

use contracts::{VariantId, WarehouseId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Until it is committed or its time is up.
    Held,
    /// The order's for good.
    Committed,
    /// Given back; it cannot be made again.
    Released,
    /// Given back because its time was up; it can be taken anew.
    Expired,
}

impl State {
    const ALL: [State; 4] = [State::Held, State::Committed, State::Released, State::Expired];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Held => "held",
            State::Committed => "committed",
            State::Released => "released",
            State::Expired => "expired",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What an order has of one variant in one warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What.
    #[serde(rename = "v")]
    pub variant_id: VariantId,
    /// Where.
    #[serde(rename = "w")]
    pub warehouse_id: WarehouseId,
    /// How many were reserved.
    #[serde(rename = "n")]
    pub quantity: i64,
    /// How many have left the warehouse.
    #[serde(default, rename = "out", skip_serializing_if = "is_zero")]
    pub shipped: i64,
    /// How many were given back while the rest stayed.
    #[serde(default, rename = "off", skip_serializing_if = "is_zero")]
    pub released: i64,
    /// How many of the shipped have come back.
    #[serde(default, rename = "back", skip_serializing_if = "is_zero")]
    pub restocked: i64,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

impl Part {
    /// All of it is to be held.
    pub fn new(variant_id: VariantId, warehouse_id: WarehouseId, quantity: i64) -> Part {
        Part { variant_id, warehouse_id, quantity, shipped: 0, released: 0, restocked: 0 }
    }

    /// What is neither shipped nor given back.
    fn open(&self) -> i64 {
        self.quantity - self.shipped - self.released
    }

    fn change(&self, on_hand: i64, reserved: i64) -> Change {
        Change { variant_id: self.variant_id, warehouse_id: self.warehouse_id, on_hand, reserved }
    }
}

/// What is added to the stock of a variant in a warehouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub variant_id: VariantId,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// To what is on hand.
    pub on_hand: i64,
    /// To what is reserved.
    pub reserved: i64,
}

/// Why something may not happen to a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Only what is held for good leaves the house.
    NotCommitted,
    /// More would come back than has left.
    NotShipped(VariantId),
}

/// Stock held for one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Where it stands.
    pub state: State,
    /// What it is of.
    pub parts: Vec<Part>,
    /// The returns that were taken back into stock.
    pub returns: Vec<Uuid>,
}

impl Reservation {
    /// A new one.
    pub fn new(state: State, parts: Vec<Part>) -> Reservation {
        Reservation { state, parts, returns: Vec::new() }
    }

    /// Whether stock is held under it now.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Held | State::Committed)
    }

    /// What it holds now, by place.
    pub fn held(&self) -> impl Iterator<Item = ((VariantId, WarehouseId), i64)> {
        let live = self.is_live();
        self.parts.iter().filter(move |p| live && p.open() > 0).map(|p| ((p.variant_id, p.warehouse_id), p.open()))
    }

    /// What it holds, or would hold if it were taken anew: one line per variant, sorted.
    pub fn lines(&self) -> Vec<(VariantId, i64)> {
        let mut lines: Vec<(VariantId, i64)> = Vec::new();
        for part in self.parts.iter().filter(|p| p.open() > 0) {
            match lines.iter_mut().find(|(v, _)| *v == part.variant_id) {
                Some((_, n)) => *n += part.open(),
                None => lines.push((part.variant_id, part.open())),
            }
        }
        lines.sort();
        lines
    }

    /// Its time is up, unless it was committed or given back before.
    pub fn expire(&mut self) -> Vec<Change> {
        if self.state != State::Held {
            return Vec::new();
        }
        let changes = self.freed();
        self.state = State::Expired;
        changes
    }

    /// Gives back all that it holds. What has left does not come back by this.
    pub fn release(&mut self) -> Vec<Change> {
        let changes = if self.is_live() { self.freed() } else { Vec::new() };
        self.state = State::Released;
        changes
    }

    /// Gives back what it holds of some variants: a part of the order was called off.
    pub fn release_some(&mut self, variants: &[VariantId]) -> Vec<Change> {
        let is_live = self.is_live();
        let mut changes = Vec::new();
        for part in self.parts.iter_mut().filter(|p| p.open() > 0 && variants.contains(&p.variant_id)) {
            if is_live {
                changes.push(part.change(0, -part.open()));
            }
            part.released += part.open();
        }
        changes
    }

    /// All that is held of some variants leaves the house.
    pub fn ship(&mut self, variants: &[VariantId]) -> Result<Vec<Change>, Refused> {
        if self.state != State::Committed {
            return Err(Refused::NotCommitted);
        }
        let mut changes = Vec::new();
        for part in self.parts.iter_mut().filter(|p| p.open() > 0 && variants.contains(&p.variant_id)) {
            changes.push(part.change(-part.open(), -part.open()));
            part.shipped += part.open();
        }
        Ok(changes)
    }

    /// What a shopper sent back goes where it came from; each return once.
    pub fn restock(&mut self, return_id: Uuid, lines: &[(VariantId, i64)]) -> Result<Vec<Change>, Refused> {
        if self.returns.contains(&return_id) {
            return Ok(Vec::new());
        }
        let mut after = self.clone();
        let mut changes = Vec::new();
        // What has no stock, such as a course, comes back without a place to go.
        let stocked = |variant| self.parts.iter().any(|p| p.variant_id == variant);
        for (variant, quantity) in lines.iter().copied().filter(|(v, n)| *n > 0 && stocked(*v)) {
            let mut left = quantity;
            for part in after.parts.iter_mut().filter(|p| p.variant_id == variant) {
                let back = left.min(part.shipped - part.restocked);
                if back > 0 {
                    changes.push(part.change(back, 0));
                    part.restocked += back;
                    left -= back;
                }
            }
            if left > 0 {
                return Err(Refused::NotShipped(variant));
            }
        }
        after.returns.push(return_id);
        *self = after;
        Ok(changes)
    }

    fn freed(&self) -> Vec<Change> {
        self.parts.iter().filter(|p| p.open() > 0).map(|p| p.change(0, -p.open())).collect()
    }
}

/// Takes `quantity` from places with so much free stock each: from one place where one has enough, else from
/// the fullest first. `None` where all together have too little.
pub fn take(free: &[(WarehouseId, i64)], quantity: i64) -> Option<Vec<(WarehouseId, i64)>> {
    if let Some((place, _)) = free.iter().find(|(_, n)| *n >= quantity) {
        return Some(vec![(*place, quantity)]);
    }
    let mut fullest = free.to_vec();
    fullest.sort_by_key(|(place, n)| (Reverse(*n), *place));
    let mut left = quantity;
    let mut taken = Vec::new();
    for (place, n) in fullest.into_iter().filter(|(_, n)| *n > 0) {
        let part = n.min(left);
        taken.push((place, part));
        left -= part;
        if left == 0 {
            return Some(taken);
        }
    }
    None
}
