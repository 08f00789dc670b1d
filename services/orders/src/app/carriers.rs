//! What carriers tell of parcels: every message is kept as it came, with what became of it, and can be handled again.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use contracts::{Money, OrderId, Time, VendorOrderId};
use kit::http::PageRequest;
use kit::jobs::{self, Job, JobOutcome};
use kit::webhook::{Secret, inbox};
use kit::{Loaded, Tx};
use serde_json::json;
use uuid::Uuid;

use super::advance::moved;
use super::{App, Viewer, visible};
use crate::CarrierConfig;
use crate::domain::{
    CARRIER_KEY_MAX, CarrierStatus, CashOfOrders, CashOfParcel, Move, Order, OrderEvent, PartStatus, Refused, Report, SharedCash, Verdict,
    carrier_key, cash_of, number_key,
};
use crate::error::Error;
use crate::store::{self, Arrived, ArrivedFilter, ArrivedRow, CarrierStep};

/// The kind of the job that handles what a carrier told of a part before it was known here, or with the carrier; its key is the part's id.
pub(crate) const HEAR: &str = "hear_carrier";

/// How many messages about a number are handled again once it is known.
const HEARD_MAX: i64 = 100;
/// How many steps of a part are kept.
const STEPS_MAX: i64 = 200;

/// The fewest bytes of a secret.
const SECRET_BYTES_MIN: usize = 16;

/// The carrier that the development profile has besides those that are configured.
const INVENTED: &str = "shapla-express";

/// The carriers that may tell something, as they are compared, and what each signs with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carriers {
    secrets: BTreeMap<String, Secret>,
    /// Whether the invented one is among them.
    invents: bool,
}

/// Why a message of a carrier did not, or not wholly, have its effect.
#[derive(Debug, thiserror::Error)]
enum Unapplied {
    #[error("no part ships with this carrier under this number")]
    NoParcel,
    #[error("every order with this number was placed after this happened")]
    Younger,
    #[error("a part under this number is not shipped yet")]
    NotShipped,
    #[error("a part has {STEPS_MAX} steps, and no more are kept")]
    TooManySteps,
    #[error(transparent)]
    Cash(#[from] CashOfParcel),
    #[error(transparent)]
    CashOfOrders(#[from] CashOfOrders),
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Carriers {
    /// From names and secrets as they are configured. The error says what is wrong with them.
    pub fn new(configured: &BTreeMap<String, CarrierConfig>) -> Result<Carriers, String> {
        let mut secrets = BTreeMap::new();
        for (name, CarrierConfig { secret }) in configured {
            let (key, secret) = (carrier_key(name), Secret::from_text(secret));
            if !(1..=CARRIER_KEY_MAX).contains(&key.len()) || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                return Err(format!("carriers: expected a name of letters, digits, - and _, found {name:?}"));
            }
            if secret.bytes().len() < SECRET_BYTES_MIN {
                return Err(format!("carriers.{name}.secret: expected at least {SECRET_BYTES_MIN} bytes"));
            }
            if secrets.insert(key, secret).is_some() {
                return Err(format!("carriers: {name} is there twice: small and capital letters, - and _ are one"));
            }
        }
        Ok(Carriers { secrets, invents: false })
    }

    /// With an invented one that signs with a key derived from the master key, unless it is configured.
    pub fn with_invented(mut self, master_key: &[u8; 32]) -> Carriers {
        self.invents = !self.secrets.contains_key(INVENTED);
        let derived = || Secret::new(kit::auth::derive(master_key, &format!("haat/webhooks/{INVENTED}")));
        self.secrets.entry(INVENTED.into()).or_insert_with(derived);
        self
    }

    /// The invented one, where there is one.
    pub fn invented(&self) -> Option<(&str, &Secret)> {
        self.secrets.get(INVENTED).filter(|_| self.invents).map(|secret| (INVENTED, secret))
    }

    /// Queues that what such a carrier told of these parts before is handled again, now that their number is known or they
    /// are with the carrier.
    pub fn hear_later(&self, tx: &mut Tx, parts: &[VendorOrderId]) -> Result<(), Error> {
        let now = tx.now();
        for part in parts {
            if store::carrier_of(tx, *part)?.is_some_and(|(carrier, _)| self.secrets.contains_key(&carrier)) {
                jobs::queue(tx, HEAR, &part.to_string(), json!({}), now)?;
            }
        }
        Ok(())
    }
}

impl App {
    /// Takes in a message of a carrier: verified, then kept and applied in one transaction. A repeat of one that was applied
    /// writes nothing. One about a number that is not known here waits until it is.
    pub async fn carrier_webhook(&self, carrier: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
        let carrier = carrier_key(carrier);
        let secret = self.carriers.secrets.get(&carrier).ok_or(Error::NoCarrier)?;
        let mut arrived = arrived(carrier, headers, body);
        let id = match secret.verify(headers, self.clock.now(), body) {
            Ok(id) => format!("{}:{id}", arrived.carrier),
            Err(e) => {
                arrived.body.truncate(inbox::REFUSED_BYTES_MAX);
                self.keep(arrived, Verdict::Refused, &e.to_string()).await?;
                return Err(e.into());
            }
        };
        arrived.message = Some(id.clone());
        if self.db.read(move |q| Ok::<_, Error>(store::was_applied(q, &id)?)).await? {
            return Ok(());
        }
        self.handle(arrived).await
    }

    /// Messages, newest first.
    pub async fn carrier_messages(&self, filter: ArrivedFilter, page: PageRequest) -> Result<Vec<ArrivedRow>, Error> {
        self.db.read(move |q| Ok(store::all_arrived(q, &filter, &page)?)).await
    }

    /// Handles a message once more, as it came; what it did it does not do twice. One that nobody vouched for stays refused.
    pub async fn replay_carrier_message(&self, id: Uuid) -> Result<ArrivedRow, Error> {
        let row = self.carrier_message(id).await?;
        if row.verdict == Verdict::Refused || row.arrived.message.is_none() {
            return Err(Error::NotVerified);
        }
        self.handle_again(row.arrived).await?;
        self.carrier_message(id).await
    }

    /// What carriers told of an order's parts.
    pub async fn track(&self, viewer: Viewer, id: OrderId) -> Result<(Order, BTreeMap<VendorOrderId, Vec<CarrierStep>>), Error> {
        self.db
            .read(move |q| {
                let order = visible(q, &viewer, id)?;
                Ok((order.state, store::carrier_steps(q, id)?))
            })
            .await
    }

    /// Handles what a carrier told of a part before its number was known.
    pub async fn run_hear(&self, job: Job) -> JobOutcome {
        let Ok(part) = job.key.parse::<VendorOrderId>() else { return JobOutcome::Failed(format!("not a part: {:?}", job.key)) };
        self.hear(part).await.map_or_else(|e| JobOutcome::Retry(e.to_string()), |()| JobOutcome::Done)
    }

    /// Forgets old messages, in chunks.
    pub async fn forget_carrier_messages(&self) -> Result<(), Error> {
        let before = self.clock.now().plus_seconds(-inbox::KEPT_SECONDS);
        while self.db.write_behind(move |tx| Ok::<_, Error>(store::forget_arrived(tx, before)?)).await? > 0 {}
        Ok(())
    }

    async fn hear(&self, part: VendorOrderId) -> Result<(), Error> {
        let waiting = self.db.read(move |q| {
            let Some((carrier, number)) = store::carrier_of(q, part)? else { return Ok(Vec::new()) };
            Ok::<_, Error>(store::unapplied(q, &carrier, &number, HEARD_MAX)?)
        });
        for row in waiting.await? {
            self.handle_again(row.arrived).await?;
        }
        Ok(())
    }

    /// What is wrong with the message stands in its row, for who looks.
    async fn handle_again(&self, arrived: Arrived) -> Result<(), Error> {
        match self.handle(arrived).await {
            Err(Error::Malformed(_)) => Ok(()),
            handled => handled,
        }
    }

    async fn carrier_message(&self, id: Uuid) -> Result<ArrivedRow, Error> {
        self.db.read(move |q| store::arrived(q, id)?.ok_or(Error::NoMessage)).await
    }

    /// Applies a message that is the carrier's, and keeps it with what became of it.
    async fn handle(&self, mut arrived: Arrived) -> Result<(), Error> {
        let told = match Report::read(&arrived.body, self.clock.now()) {
            Ok(told) => told,
            Err(why) => {
                self.keep(arrived, Verdict::Malformed, &why).await?;
                return Err(Error::Malformed(why));
            }
        };
        arrived.status = Some(told.status);
        let number = arrived.number.insert(number_key(&told.number)).clone();
        let (carrier, complete_after) = (arrived.carrier.clone(), self.config.complete_after_seconds);
        let apply = move |tx: &mut Tx| take_in(tx, &arrived, &told, complete_after);
        // A store that wrote the number down or shipped at this very moment did not see the message, nor was that seen here.
        let again = match self.db.write(apply.clone()).await? {
            Parcel::Known => false,
            Parcel::Waiting => true,
            Parcel::Unknown => !self.db.read(move |q| Ok::<_, Error>(store::parcel(q, &carrier, &number)?)).await?.is_empty(),
        };
        if again {
            self.db.write(apply).await?;
        }
        Ok(())
    }

    async fn keep(&self, arrived: Arrived, verdict: Verdict, why: &str) -> Result<(), Error> {
        let detail = inbox::detail(why);
        let note = move |tx: &mut Tx| {
            store::keep_arrived(tx, &arrived, verdict, Some(&detail))?;
            if verdict == Verdict::Refused {
                store::thin_out_refused(tx, inbox::REFUSED_MAX)?;
            }
            Ok(())
        };
        // Who cannot be believed waits behind everybody.
        if verdict == Verdict::Refused { self.db.write_behind(note).await } else { self.db.write(note).await }
    }
}

/// Whether a part ships under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parcel {
    Known,
    /// It does, and is not with the carrier yet.
    Waiting,
    Unknown,
}

/// An order, and the parts of it that are in a parcel.
struct Carried {
    order: Loaded<Order>,
    parts: Vec<VendorOrderId>,
}

/// Adds what a carrier told to the steps of each part that it has under the number, takes them to their shopper where it
/// says so, and keeps the message with what became of it.
fn take_in(tx: &mut Tx, arrived: &Arrived, told: &Report, complete_after_seconds: i64) -> Result<Parcel, Error> {
    let message = arrived.message.as_deref().ok_or(Error::NotVerified)?;
    let (mut carried, younger) = carried(tx, &arrived.carrier, told)?;
    let nowhere = if younger { Unapplied::Younger } else { Unapplied::NoParcel };
    let mut why = carried.is_empty().then_some(nowhere);
    let delivery = delivered(&carried, told, tx.now());
    let only = delivery.as_ref().ok().and_then(|d| d.only);
    for (_, inside) in carried.iter().enumerate().filter(|(i, _)| only.is_none_or(|only| only == *i)) {
        for part in &inside.parts {
            match store::other_steps(tx, *part, message)? {
                STEPS_MAX.. => why = Some(Unapplied::TooManySteps),
                _ => store::insert_step(tx, (OrderId(inside.order.id), *part), message, told)?,
            }
        }
    }
    match delivery {
        Ok(delivery) => {
            for (inside, events) in carried.iter_mut().zip(delivery.events).filter(|(_, events)| !events.is_empty()) {
                moved(tx, &mut inside.order, events, PartStatus::Delivered, complete_after_seconds)?;
            }
            why = delivery.why.or(why);
        }
        Err(refused) => why = Some(refused),
    }
    let waits = told.status == CarrierStatus::Delivered && carried.iter().any(Carried::waits);
    let verdict = if why.is_none() { Verdict::Applied } else { Verdict::Failed };
    store::keep_arrived(tx, arrived, verdict, why.map(|why| inbox::detail(&why.to_string())).as_deref())?;
    Ok(match carried.is_empty() {
        true if !younger => Parcel::Unknown,
        _ if waits => Parcel::Waiting,
        _ => Parcel::Known,
    })
}

/// What a carrier has under the number, and whether a delivery is older than an order that has it: that one is not meant.
/// Where it was given out again, orders that were final before are not meant either.
fn carried(tx: &mut Tx, carrier: &str, told: &Report) -> Result<(Vec<Carried>, bool), Error> {
    let parts = store::parcel(tx, carrier, &number_key(&told.number))?;
    let mut ids: Vec<Uuid> = parts.iter().map(|(order, _)| order.0).collect();
    ids.dedup();
    let inside = |order: Loaded<Order>| {
        let own = parts.iter().filter(|(id, _)| id.0 == order.id).map(|(_, part)| *part);
        Carried { parts: own.collect(), order }
    };
    let all: Vec<Carried> = tx.load_many::<Order>(&ids)?.into_iter().map(inside).collect();
    let is_younger = |c: &Carried| told.status == CarrierStatus::Delivered && c.order.state.is_younger_than(told.time);
    let (younger, mut carried): (Vec<Carried>, Vec<Carried>) = all.into_iter().partition(is_younger);
    let was_final = |c: &Carried| c.order.state.completed && c.was_over(told);
    if carried.iter().any(|c| !was_final(c)) {
        carried.retain(|c| !was_final(c));
    }
    Ok((carried, !younger.is_empty()))
}

impl Carried {
    fn waits(&self) -> bool {
        self.order.state.waits(&self.parts)
    }

    fn was_over(&self, told: &Report) -> bool {
        self.order.state.was_over(&self.parts, told.time)
    }

    /// What happens by a delivery, as if its stores had said so; nothing to parts that are not under way.
    fn delivered(&self, collected: Option<Money>, at: Time) -> Result<Vec<OrderEvent>, Refused> {
        let moving: Vec<VendorOrderId> = self.order.state.under_way(&self.parts).map(|p| p.id).collect();
        let step = Move { collected, ..Move::to(PartStatus::Delivered) };
        if moving.is_empty() { Ok(Vec::new()) } else { self.order.state.advance(&moving, &step, at) }
    }
}

/// What a message does to the orders in a parcel.
#[derive(Default)]
struct Delivery {
    /// Of each of them.
    events: Vec<Vec<OrderEvent>>,
    /// The only one of them that is meant.
    only: Option<usize>,
    /// Why that is not all of it.
    why: Option<Unapplied>,
}

/// What happens to each order by a delivery. What is not shipped yet waits, and where cash was taken all that it was taken for.
fn delivered(carried: &[Carried], told: &Report, at: Time) -> Result<Delivery, Unapplied> {
    if told.status != CarrierStatus::Delivered {
        return Ok(Delivery::default());
    }
    let (mut only, mut why) = (None, carried.iter().any(Carried::waits).then_some(Unapplied::NotShipped));
    let mut said = None;
    if let Some(collected) = told.collected {
        let meant: Vec<usize> = (0..carried.len()).filter(|i| !carried[*i].was_over(told)).collect();
        let own = |i: &usize| carried[*i].order.state.dues(&carried[*i].parts);
        let shared = SharedCash { dues: meant.iter().map(own).collect(), collected };
        if meant.len() > 1 {
            only = shared.order()?.map(|i| meant[i]);
        }
        if carried.iter().enumerate().any(|(i, c)| only.is_none_or(|only| only == i) && c.waits()) {
            return Err(Unapplied::NotShipped);
        }
        if only.is_some() {
            why = Some(shared.refused().into());
        } else if meant.len() < 2 {
            let under_way =
                |c: &Carried| c.order.state.under_way(&c.parts).map(|p| p.to_collect(&c.order.state.payment)).collect::<Vec<_>>();
            said = cash_of(&carried.iter().flat_map(under_way).collect::<Vec<_>>(), Some(collected))?;
        }
    }
    let events = carried.iter().enumerate().map(|(i, c)| match only {
        Some(only) if only != i => Ok(Vec::new()),
        _ => c.delivered(said, at),
    });
    Ok(Delivery { events: events.collect::<Result<_, Refused>>()?, only, why })
}

fn arrived(carrier: String, headers: &HeaderMap, body: &[u8]) -> Arrived {
    Arrived { carrier, message: None, status: None, number: None, headers: inbox::headers_of(headers), body: body.to_vec() }
}
