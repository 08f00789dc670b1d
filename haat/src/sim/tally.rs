//! What happened in sum.

use std::fmt;

use anyhow::ensure;

use super::faults::{Counts, KINDS};

/// So many seeds and more must show every kind of fault and of outcome: otherwise the simulation tests less than it says.
const ENOUGH_SEEDS: u64 = 100;

/// What happened in sum.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs.
    pub seeds: u64,
    /// Shoppers.
    pub shoppers: u64,
    /// Orders.
    pub orders: u64,
    /// Those that were confirmed.
    pub confirmed: u64,
    /// Those that failed or were cancelled.
    pub ended: u64,
    /// Parts that left their store.
    pub shipped: u64,
    /// Parts that were refused at the door.
    pub refused: u64,
    /// Parts that were delivered with the confirmation.
    pub digital: u64,
    /// Parts that were called off while another one stayed sold.
    pub called_off: u64,
    /// Payments of which something, or all, went back.
    pub refunded: u64,
    /// Returns whose money went back.
    pub returned: u64,
    /// Orders that were delivered for less cash than was due, for good.
    pub short: u64,
    /// Requests that were asked again at the end, with the key they had.
    pub replayed: u64,
    /// Carts that went along at sign-in.
    pub carts: u64,
    /// Events in all logs.
    pub events: u64,
    /// What went wrong.
    pub faults: Counts,
}

impl Tally {
    /// Adds another run.
    pub fn add(&mut self, other: &Tally) {
        let Tally {
            seeds,
            shoppers,
            orders,
            confirmed,
            ended,
            shipped,
            refused,
            digital,
            called_off,
            refunded,
            returned,
            short,
            replayed,
            carts,
            events,
            faults,
        } = other;
        self.seeds += seeds;
        self.shoppers += shoppers;
        self.orders += orders;
        self.confirmed += confirmed;
        self.ended += ended;
        self.shipped += shipped;
        self.refused += refused;
        self.digital += digital;
        self.called_off += called_off;
        self.refunded += refunded;
        self.returned += returned;
        self.short += short;
        self.replayed += replayed;
        self.carts += carts;
        self.events += events;
        self.faults.iter_mut().zip(faults).for_each(|(sum, n)| *sum += n);
    }

    /// Whether so many runs have shown everything that is to be tested.
    pub fn shows_everything(&self) -> anyhow::Result<()> {
        if self.seeds < ENOUGH_SEEDS {
            return Ok(());
        }
        let outcomes = [
            ("confirmed orders", self.confirmed),
            ("failed or cancelled orders", self.ended),
            ("shipped parts", self.shipped),
            ("parts refused at the door", self.refused),
            ("parts delivered at once", self.digital),
            ("parts called off alone", self.called_off),
            ("refunds", self.refunded),
            ("returns", self.returned),
            ("orders short of cash", self.short),
            ("repeated requests", self.replayed),
            ("carts taken along", self.carts),
        ];
        let faults = KINDS.iter().zip(self.faults).map(|((_, name), n)| (*name, n));
        for (name, n) in outcomes.into_iter().chain(faults) {
            ensure!(n > 0, "{} seeds have shown no {name}: the simulation tests less than it should", self.seeds);
        }
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            seeds,
            shoppers,
            orders,
            confirmed,
            ended,
            shipped,
            refused,
            digital,
            called_off,
            refunded,
            returned,
            short,
            replayed,
            carts,
            events,
            faults,
        } = self;
        writeln!(
            f,
            "{seeds} seeds: {shoppers} shoppers, {orders} orders ({confirmed} confirmed, {ended} failed or cancelled), {events} events"
        )?;
        writeln!(f, "  {shipped} parts shipped, {refused} of them refused, {returned} returns, {short} orders short of cash")?;
        writeln!(f, "  {digital} parts delivered at once, {called_off} called off beside one that stays sold")?;
        writeln!(f, "  {refunded} payments refunded, {replayed} requests repeated, {carts} carts taken along")?;
        let faults = KINDS.iter().zip(faults).map(|((_, name), n)| format!("{n} {name}"));
        write!(f, "  {}", faults.collect::<Vec<_>>().join(", "))
    }
}
