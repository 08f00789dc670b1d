//! Stock held for orders. The reservation's id is its key: every use case here can be repeated.

use contracts::events::catalog::{InventoryReleased, InventoryReserved, ReservedLine};
use contracts::{ReservationId, Time, VariantId};
use kit::Tx;
use uuid::Uuid;

use super::App;
use super::stock::{Why, move_stock};
use super::watch::watch;
use crate::domain::{self, Change, Kind, Part, Reservation, State};
use crate::error::{Error, Shortage};
use crate::store;

impl App {
    /// Holds all lines or none. Lines that never run out are not held.
    pub async fn reserve(&self, id: ReservationId, lines: Vec<(VariantId, i64)>, expires_at: Time) -> Result<(), Error> {
        // Variants are touched in one order everywhere, so that two reservations never wait for each other in a circle.
        let mut lines = self.stocked(lines).await?;
        lines.sort();
        self.db
            .write(move |tx| match store::reservation(tx, id)?.map(|r| r.state) {
                Some(State::Held | State::Committed) => Ok(()),
                Some(State::Expired) => {
                    let taken = Reservation::new(State::Held, hold(tx, &lines)?);
                    store::reopen(tx, id, &taken, expires_at)?;
                    reserved(tx, id, &lines)
                }
                Some(State::Released) => Err(Error::ReleasedBefore),
                None => {
                    let taken = Reservation::new(State::Held, hold(tx, &lines)?);
                    if !store::insert_reservation(tx, id, &taken, expires_at)? {
                        return Err(tx.lost_race().into());
                    }
                    reserved(tx, id, &lines)
                }
            })
            .await
    }

    /// Makes a reservation permanent. False where it expired and its stock is gone, or where it was released.
    pub async fn commit(&self, id: ReservationId) -> Result<bool, Error> {
        let result = self
            .db
            .write(move |tx| {
                if store::set_state(tx, id, State::Held, State::Committed)? {
                    return Ok(true);
                }
                let Some(found) = store::reservation(tx, id)? else { return Ok(false) };
                if found.state != State::Expired {
                    return Ok(found.state == State::Committed);
                }
                let lines = found.lines();
                let taken = Reservation::new(State::Committed, hold(tx, &lines)?);
                store::save_reservation(tx, id, &taken)?;
                reserved(tx, id, &lines)?;
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
        self.db
            .write(move |tx| {
                let Some(mut found) = store::reservation(tx, id)? else {
                    let (never, now) = (Reservation::new(State::Released, Vec::new()), tx.now());
                    return if store::insert_reservation(tx, id, &never, now)? { Ok(()) } else { Err(tx.lost_race().into()) };
                };
                if found.state == State::Released {
                    return Ok(());
                }
                let freed = found.release();
                give_back(tx, id, &found, &freed, "released")
            })
            .await
    }

    /// Gives back what is held of some variants; the others stay.
    pub async fn release_some(&self, id: ReservationId, variants: Vec<VariantId>) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let mut found = store::reservation(tx, id)?.ok_or(Error::NotCommitted)?;
                let freed = found.release_some(&variants);
                give_back(tx, id, &found, &freed, "released")
            })
            .await
    }

    /// These variants of a committed reservation leave the house. What has left before stays gone.
    pub async fn ship(&self, id: ReservationId, variants: Vec<VariantId>) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let mut found = store::reservation(tx, id)?.ok_or(Error::NotCommitted)?;
                let gone = found.ship(&variants)?;
                move_stock(tx, &gone, &Why::shipped(id))?;
                Ok(store::save_reservation(tx, id, &found)?)
            })
            .await
    }

    /// What a shopper sent back goes into the warehouse from which it came; each return once.
    pub async fn restock(&self, id: ReservationId, return_id: Uuid, lines: Vec<(VariantId, i64)>) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                let mut found = store::reservation(tx, id)?.ok_or(Error::NotCommitted)?;
                let back = found.restock(return_id, &lines)?;
                move_stock(tx, &back, &Why::restocked(id))?;
                Ok(store::save_reservation(tx, id, &found)?)
            })
            .await
    }

    /// Gives back what nobody committed in time.
    pub async fn expire_reservations(&self) -> Result<(), Error> {
        loop {
            let due = self.db.write_behind(move |tx| {
                let now = tx.now();
                let due = store::due(tx, now)?;
                due.iter().try_for_each(|id| expire(tx, *id))?;
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
fn hold(tx: &mut Tx, lines: &[(VariantId, i64)]) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    let (mut shortages, mut scarce) = (Vec::new(), Vec::new());
    for (variant_id, quantity) in lines.iter().copied() {
        if let Some(taken) = store::reserve_in_one_place(tx, variant_id, quantity)? {
            parts.push(Part::new(variant_id, taken.warehouse_id, quantity));
            if taken.left <= taken.low_stock_at {
                scarce.push(variant_id);
            }
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
            parts.push(Part::new(variant_id, warehouse_id, quantity));
        }
        scarce.push(variant_id);
    }
    if !shortages.is_empty() {
        return Err(Error::OutOfStock(shortages));
    }
    watch(tx, &scarce)?;
    Ok(parts)
}

fn expire(tx: &mut Tx, id: ReservationId) -> Result<(), Error> {
    let Some(mut found) = store::reservation(tx, id)?.filter(|r| r.state == State::Held) else { return Ok(()) };
    let freed = found.expire();
    give_back(tx, id, &found, &freed, "expired")
}

fn give_back(tx: &mut Tx, id: ReservationId, now: &Reservation, freed: &[Change], reason: &'static str) -> Result<(), Error> {
    store::save_reservation(tx, id, now)?;
    if freed.is_empty() {
        return Ok(());
    }
    move_stock(tx, freed, &Why::released(id))?;
    let mut lines: Vec<ReservedLine> = Vec::new();
    for change in freed {
        match lines.iter_mut().find(|l| l.variant_id == change.variant_id) {
            Some(line) => line.quantity -= change.reserved,
            None => lines.push(ReservedLine { variant_id: change.variant_id, quantity: -change.reserved }),
        }
    }
    lines.sort_by_key(|l| l.variant_id);
    Ok(tx.publish(InventoryReleased { reservation_id: id, lines, reason: reason.into() })?)
}

fn reserved(tx: &mut Tx, id: ReservationId, lines: &[(VariantId, i64)]) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let line = |(variant_id, quantity): &(VariantId, i64)| ReservedLine { variant_id: *variant_id, quantity: *quantity };
    Ok(tx.publish(InventoryReserved { reservation_id: id, lines: lines.iter().map(line).collect() })?)
}
