//! Stock held for orders. The reservation's id is its key: every use case here can be repeated.

use contracts::events::catalog::{InventoryReleased, InventoryReserved, InventoryUpdated, ReservedLine};
use contracts::{ProductId, ReservationId, Time, VariantId};
use kit::Tx;

use super::App;
use crate::domain::{self, Kind};
use crate::error::{Error, Shortage};
use crate::store::{self, ReservedPart};

impl App {
    /// Holds all lines or none. Lines that never run out are not held.
    pub async fn reserve(&self, id: ReservationId, lines: Vec<(VariantId, i64)>, expires_at: Time) -> Result<(), Error> {
        // Variants are touched in one order everywhere, so that two reservations never wait for each other in a circle.
        let mut lines = self.stocked(lines).await?;
        lines.sort();
        self.db
            .write(move |tx| match store::reservation(tx, id)?.map(|r| r.state).as_deref() {
                Some("held" | "committed") => Ok(()),
                Some("expired") => {
                    let parts = hold(tx, &lines)?;
                    store::reopen(tx, id, "held", &parts, expires_at)?;
                    published(tx, id, &lines)
                }
                Some(_) => Err(Error::ReleasedBefore),
                None => {
                    let parts = hold(tx, &lines)?;
                    if !store::insert_reservation(tx, id, "held", &parts, expires_at)? {
                        return Err(tx.lost_race().into());
                    }
                    published(tx, id, &lines)
                }
            })
            .await
    }

    /// Makes a reservation permanent. False where it expired and its stock is gone, or where it was released.
    pub async fn commit(&self, id: ReservationId) -> Result<bool, Error> {
        let result = self
            .db
            .write(move |tx| {
                if store::set_state(tx, id, "held", "committed")? {
                    return Ok(true);
                }
                let Some(found) = store::reservation(tx, id)? else { return Ok(false) };
                if found.state != "expired" {
                    return Ok(found.state == "committed");
                }
                let lines: Vec<_> = summed(&found.parts);
                let parts = hold(tx, &lines)?;
                let now = tx.now();
                store::reopen(tx, id, "committed", &parts, now)?;
                published(tx, id, &lines)?;
                Ok(true)
            })
            .await;
        match result {
            Err(Error::OutOfStock(_)) => Ok(false),
            other => other,
        }
    }

    /// Gives the stock back; a reservation never seen is remembered as released, so that it cannot be made later.
    pub async fn release(&self, id: ReservationId) -> Result<(), Error> {
        self.db.write(move |tx| give_back(tx, id, "released")).await
    }

    /// These variants of a committed reservation leave the house. What has left before stays gone.
    pub async fn ship(&self, id: ReservationId, variants: Vec<VariantId>) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let found = store::reservation(tx, id)?.filter(|r| r.state == "committed").ok_or(Error::NotCommitted)?;
                let mut parts = found.parts;
                for part in parts.iter_mut().filter(|p| !p.shipped && variants.contains(&p.variant_id)) {
                    part.shipped = true;
                    leave(tx, part)?;
                }
                Ok(store::set_parts(tx, id, &parts)?)
            })
            .await
    }

    /// Gives back what nobody committed in time.
    pub async fn expire_reservations(&self) -> Result<(), Error> {
        loop {
            let due = self.db.write_behind(move |tx| {
                let now = tx.now();
                let due = store::due(tx, now)?;
                due.iter().try_for_each(|id| give_back(tx, *id, "expired"))?;
                Ok::<_, Error>(due.len())
            });
            if due.await? < 100 {
                return Ok(());
            }
        }
    }

    /// The lines that have stock at all, one per variant.
    async fn stocked(&self, lines: Vec<(VariantId, i64)>) -> Result<Vec<(VariantId, i64)>, Error> {
        let ids = lines.iter().map(|(v, _)| v.0).collect();
        let known = self.variants(Vec::new(), ids).await?;
        let mut out: Vec<(VariantId, i64)> = Vec::new();
        for (variant, quantity) in lines {
            let found = known.iter().find(|k| k.variant.id == variant).ok_or(Error::NoVariant)?;
            match out.iter_mut().find(|(v, _)| *v == variant) {
                Some((_, n)) => *n = n.saturating_add(quantity),
                None if found.kind == Kind::Physical => out.push((variant, quantity)),
                None => {}
            }
        }
        Ok(out)
    }
}

/// Takes every line, or says for all of them what is missing.
fn hold(tx: &mut Tx, lines: &[(VariantId, i64)]) -> Result<Vec<ReservedPart>, Error> {
    let mut parts = Vec::new();
    let mut shortages = Vec::new();
    for (variant_id, quantity) in lines.iter().copied() {
        if let Some(warehouse_id) = store::reserve_in_one_place(tx, variant_id, quantity)? {
            parts.push(ReservedPart { variant_id, warehouse_id, quantity, shipped: false });
            continue;
        }
        let free = store::free(tx, variant_id)?;
        let Some(taken) = domain::take(&free, quantity) else {
            shortages.push(Shortage { variant_id, requested: quantity, available: free.iter().map(|(_, n)| n).sum() });
            continue;
        };
        for (warehouse_id, quantity) in taken {
            if !store::reserve_part(tx, variant_id, warehouse_id, quantity)? {
                return Err(tx.lost_race().into());
            }
            parts.push(ReservedPart { variant_id, warehouse_id, quantity, shipped: false });
        }
    }
    if shortages.is_empty() { Ok(parts) } else { Err(Error::OutOfStock(shortages)) }
}

fn leave(tx: &mut Tx, part: &ReservedPart) -> Result<(), Error> {
    let on_hand = store::ship(tx, part.variant_id, part.warehouse_id, part.quantity)?;
    let variant = store::variants(tx, &[], &[part.variant_id.0])?;
    let product_id: ProductId = variant.first().ok_or(Error::NoVariant)?.product_id;
    let (variant_id, warehouse_id, delta) = (part.variant_id, part.warehouse_id, -part.quantity);
    Ok(tx.publish(InventoryUpdated { product_id, variant_id, warehouse_id, delta, on_hand, reason: "shipped".into() })?)
}

fn give_back(tx: &mut Tx, id: ReservationId, to: &'static str) -> Result<(), Error> {
    let Some(found) = store::reservation(tx, id)? else {
        let now = tx.now();
        return if store::insert_reservation(tx, id, to, &[], now)? { Ok(()) } else { Err(tx.lost_race().into()) };
    };
    if found.state == "expired" && to == "released" {
        store::set_state(tx, id, "expired", to)?;
        return Ok(());
    }
    if found.state != "held" && (found.state != "committed" || to == "expired") {
        return Ok(());
    }
    store::set_state(tx, id, &found.state, to)?;
    let held: Vec<_> = found.parts.into_iter().filter(|part| !part.shipped).collect();
    for part in &held {
        store::release(tx, part.variant_id, part.warehouse_id, part.quantity)?;
    }
    let lines = events(&summed(&held));
    Ok(tx.publish(InventoryReleased { reservation_id: id, lines, reason: to.into() })?)
}

fn published(tx: &mut Tx, id: ReservationId, lines: &[(VariantId, i64)]) -> Result<(), Error> {
    Ok(tx.publish(InventoryReserved { reservation_id: id, lines: events(lines) })?)
}

fn events(lines: &[(VariantId, i64)]) -> Vec<ReservedLine> {
    lines.iter().map(|(variant_id, quantity)| ReservedLine { variant_id: *variant_id, quantity: *quantity }).collect()
}

fn summed(parts: &[ReservedPart]) -> Vec<(VariantId, i64)> {
    let mut sums: Vec<(VariantId, i64)> = Vec::new();
    for part in parts {
        match sums.iter_mut().find(|(v, _)| *v == part.variant_id) {
            Some((_, n)) => *n += part.quantity,
            None => sums.push((part.variant_id, part.quantity)),
        }
    }
    sums.sort();
    sums
}
