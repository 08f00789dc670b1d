//! What carriers tell of parcels: how it is read, by which names they are known, and what it means for what is paid at
//! the door.

use contracts::{Currency, Money, Time, VendorOrderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{COD, Order, Part, PartStatus};

/// The longest number of a parcel, in characters: as long as a store may write it.
const NUMBER_MAX: usize = 500;
/// The longest name of a carrier and the longest number that are found, in bytes as they are compared: what is longer does
/// not fit into an index everywhere.
pub const CARRIER_KEY_MAX: usize = 100;
pub const NUMBER_KEY_MAX: usize = 200;
/// The longest name of a place, and the longest note, in characters; what is longer is cut.
const LOCATION_MAX: usize = 200;
const NOTE_MAX: usize = 500;
/// How far ahead of ours a carrier's clock may be, in seconds.
const AHEAD_SECONDS_MAX: i64 = 24 * 3_600;
/// How old what a carrier tells may be, in seconds: it sorts among the steps by this time.
const AGE_SECONDS_MAX: i64 = 366 * 24 * 3_600;

/// What happened to a parcel, as its carrier says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CarrierStatus {
    /// The carrier has it.
    PickedUp,
    /// It is on its way.
    InTransit,
    /// It comes today.
    OutForDelivery,
    /// It was handed over.
    Delivered,
    /// Nobody took it; the carrier tries again.
    FailedAttempt,
    /// It goes back to the store.
    Returned,
}

impl CarrierStatus {
    const ALL: [(CarrierStatus, &'static str); 6] = [
        (CarrierStatus::PickedUp, "picked_up"),
        (CarrierStatus::InTransit, "in_transit"),
        (CarrierStatus::OutForDelivery, "out_for_delivery"),
        (CarrierStatus::Delivered, "delivered"),
        (CarrierStatus::FailedAttempt, "failed_attempt"),
        (CarrierStatus::Returned, "returned"),
    ];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        CarrierStatus::ALL.iter().find(|(s, _)| *s == self).map_or("in_transit", |(_, name)| name)
    }

    /// From what is stored or sent.
    pub fn parse(text: &str) -> Option<CarrierStatus> {
        CarrierStatus::ALL.iter().find(|(_, name)| *name == text).map(|(s, _)| *s)
    }
}

/// What a carrier tells of a parcel.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The carrier's number.
    pub number: String,
    /// What happened.
    pub status: CarrierStatus,
    /// When, by the carrier's clock.
    pub time: Time,
    /// Where.
    pub location: Option<String>,
    /// In the carrier's words.
    pub note: Option<String>,
    /// The cash that was taken at the door.
    pub collected: Option<Money>,
}

/// A carrier's message. What outsiders send may have more fields than we know.
#[derive(Deserialize, ToSchema)]
#[schema(as = CarrierReport)]
pub struct ReportBody {
    /// The number under which the store has handed it over; case and spaces around it do not matter.
    #[schema(example = "SE-1001")]
    number: String,
    /// picked_up, in_transit, out_for_delivery, delivered, failed_attempt or returned.
    #[schema(example = "in_transit")]
    status: String,
    /// When it happened: not more than a year ago.
    time: Time,
    /// Where; what is longer than 200 characters is cut.
    #[serde(default)]
    location: Option<String>,
    /// In the carrier's words; what is longer than 500 characters is cut.
    #[serde(default)]
    note: Option<String>,
    /// With `delivered`, where it is paid in cash: what was taken at the door, if it is not all that was due.
    #[serde(default)]
    collected: Option<Collected>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = CarrierCash)]
struct Collected {
    /// Minor units.
    amount: i64,
    currency: Currency,
}

impl Report {
    /// Reads a message that came by `now`. The error says what is wrong with it.
    pub fn read(body: &[u8], now: Time) -> Result<Report, String> {
        let body: ReportBody = serde_json::from_slice(body).map_err(|e| format!("the webhook does not fit: {e}"))?;
        let status = CarrierStatus::parse(&body.status).ok_or_else(|| {
            let known: Vec<&str> = CarrierStatus::ALL.iter().map(|(_, name)| *name).collect();
            format!("status: expected one of {}, found {:?}", known.join(", "), cut(&body.status, NUMBER_MAX))
        })?;
        let number = body.number.trim();
        if !(1..=NUMBER_MAX).contains(&number.chars().count()) || number.contains(char::is_control) {
            return Err(format!("number: expected 1 to {NUMBER_MAX} characters without control characters"));
        }
        if number_key(number).len() > NUMBER_KEY_MAX {
            return Err(format!("number: expected at most {NUMBER_KEY_MAX} bytes"));
        }
        if body.time > now.plus_seconds(AHEAD_SECONDS_MAX) || body.time < now.plus_seconds(-AGE_SECONDS_MAX) {
            return Err("time: expected a time within the last year, and no more than a day ahead".into());
        }
        Ok(Report {
            number: number.to_owned(),
            status,
            time: body.time,
            location: body.location.and_then(|text| plain(&text, LOCATION_MAX)),
            note: body.note.and_then(|text| plain(&text, NOTE_MAX)),
            collected: body.collected.map(|c| Money::new(c.amount, c.currency)),
        })
    }
}

/// Text without what no page shows; none where nothing is left.
fn plain(text: &str, max: usize) -> Option<String> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some(cut(text.trim(), max)).filter(|text| !text.is_empty())
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// By which name a carrier is found, however a store, the configuration or an address writes it: `Shapla Express`,
/// `shapla_express` and `shapla-express` are one.
pub fn carrier_key(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c == '-' || c == '_').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// By which number a parcel is found, however it is written.
pub fn number_key(number: &str) -> String {
    number.trim().to_lowercase()
}

/// Cash for several parts in one parcel that is not all that was due for them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{collected} was taken for {parts} parts in one parcel, which is not what was due: their stores say for each what was taken")]
pub struct CashOfParcel {
    collected: Money,
    parts: usize,
}

/// What is said of the cash for each part of a parcel that was delivered; `dues` are what is to be taken for each. One amount
/// for several parts can be shared out only where it is all that was due; where nothing is due, none is not worth a word.
pub fn cash_of(dues: &[Option<Money>], collected: Option<Money>) -> Result<Option<Money>, CashOfParcel> {
    let Some(collected) = collected else { return Ok(None) };
    let due = Money::sum(collected.currency, dues.iter().copied().flatten()).ok();
    let is_settled = due == Some(collected) && (dues.len() > 1 || collected.amount == 0);
    match dues.len() {
        _ if is_settled => Ok(None),
        0 | 1 => Ok(Some(collected)),
        parts => Err(CashOfParcel { collected, parts }),
    }
}

/// Cash under a number that is on parts of several orders, where it does not say for which of them it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{collected} was taken, and {orders} orders have parts under this number: it is not all that was due for them")]
pub struct CashOfOrders {
    collected: Money,
    orders: usize,
}

/// What is due for parts of several orders under one number.
#[derive(Clone, Debug)]
pub struct SharedCash {
    /// For each part of each order, also where it was taken before: a message that is read again means the same order.
    pub dues: Vec<Vec<Option<Money>>>,
    /// What was taken.
    pub collected: Money,
}

impl SharedCash {
    /// Which of the orders it was taken for: all of them, where there is no index.
    pub fn order(&self) -> Result<Option<usize>, CashOfOrders> {
        let is_all = |dues: &mut dyn Iterator<Item = Money>| Money::sum(self.collected.currency, dues).ok() == Some(self.collected);
        if is_all(&mut self.dues.iter().flatten().copied().flatten()) {
            return Ok(None);
        }
        let mut exact = (0..self.dues.len()).filter(|i| is_all(&mut self.dues[*i].iter().copied().flatten()));
        match (exact.next(), exact.next()) {
            (Some(only), None) => Ok(Some(only)),
            _ => Err(self.refused()),
        }
    }

    /// Why it is not for all of them.
    pub fn refused(&self) -> CashOfOrders {
        CashOfOrders { collected: self.collected, orders: self.dues.len() }
    }
}

/// What became of a carrier's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CarrierVerdict)]
pub enum Verdict {
    /// It is among the steps of what it is about.
    Applied,
    /// It is not the carrier's: its signature does not fit, or it is too old.
    Refused,
    /// It is the carrier's, and cannot be read.
    Malformed,
    /// It could not be applied: no part ships under its number, or what it says of cash does not fit.
    Failed,
}

impl Verdict {
    const ALL: [(Verdict, &'static str); 4] =
        [(Verdict::Applied, "applied"), (Verdict::Refused, "refused"), (Verdict::Malformed, "malformed"), (Verdict::Failed, "failed")];

    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        Verdict::ALL.iter().find(|(v, _)| *v == self).map_or("failed", |(_, name)| name)
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Verdict> {
        Verdict::ALL.iter().find(|(_, name)| *name == text).map(|(v, _)| *v)
    }
}

impl Order {
    /// Those of these parts that are under way: a carrier's `delivered` takes them to their shopper, and no others.
    pub fn under_way<'o>(&'o self, parts: &[VendorOrderId]) -> impl Iterator<Item = &'o Part> {
        self.parts.iter().filter(move |p| p.status == PartStatus::Shipped && parts.contains(&p.id))
    }

    /// Whether one of these parts is not with its carrier yet.
    pub fn waits(&self, parts: &[VendorOrderId]) -> bool {
        self.parts.iter().any(|p| p.status.can_be_called_off() && parts.contains(&p.id))
    }

    /// Whether it was placed only after `time`. Carriers tell whole seconds.
    pub fn is_younger_than(&self, time: Time) -> bool {
        self.created_at.unix_seconds() > time.unix_seconds()
    }

    /// Whether nothing of these parts was left to deliver long before `time`, however a carrier's clock goes.
    pub fn was_over(&self, parts: &[VendorOrderId], time: Time) -> bool {
        let is_open = self.waits(parts) || self.under_way(parts).next().is_some();
        !is_open && self.delivered_at().is_none_or(|at| at < time.plus_seconds(-AHEAD_SECONDS_MAX))
    }

    /// What is to be taken at the door for each of these parts, or was.
    pub fn dues(&self, parts: &[VendorOrderId]) -> Vec<Option<Money>> {
        let due = |p: &Part| (self.payment.method == COD && !p.status.is_dead()).then_some(p.totals.total);
        self.parts.iter().filter(|p| parts.contains(&p.id)).map(due).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(change: serde_json::Value) -> Result<Report, String> {
        let mut body = json!({"number": " SE-1 ", "status": "delivered", "time": "2026-01-31T12:00:00Z", "weight": {"grams": 7}});
        for (name, value) in change.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let now = serde_json::from_value(json!("2026-01-31T13:00:00Z")).unwrap();
        Report::read(body.to_string().as_bytes(), now)
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (change, expected) in [
            (json!({"number": " "}), "number"),
            (json!({"number": "a\nb"}), "number"),
            (json!({"number": "x".repeat(501)}), "number"),
            (json!({"number": "x".repeat(201)}), "200 bytes"),
            (json!({"number": "\u{995}".repeat(67)}), "200 bytes"),
            (json!({"number": 7}), "string"),
            (json!({"status": "lost"}), "out_for_delivery"),
            (json!({"time": "yesterday"}), "RFC 3339"),
            (json!({"time": "2026-02-01T13:00:01Z"}), "time"),
            (json!({"time": "2025-01-30T12:59:59Z"}), "time"),
            (json!({"collected": {"amount": 1.5, "currency": "BDT"}}), "i64"),
            (json!({"collected": {"amount": 1, "currency": "taka"}}), "currency"),
        ] {
            let error = read(change.clone()).unwrap_err();
            assert!(error.contains(expected), "{change}: {error}");
        }
    }

    #[test]
    fn what_outsiders_send_besides_is_passed_over_and_what_is_too_long_is_cut() {
        let report = read(
            json!({"location": "Dhaka\u{0000}", "note": "x".repeat(600), "collected": {"amount": 5, "currency": "BDT", "by": "hand"}}),
        );
        let report = report.unwrap();
        assert_eq!((report.number.as_str(), report.location.as_deref()), ("SE-1", Some("Dhaka")));
        assert_eq!(report.note.map(|n| n.len()), Some(500));
        assert_eq!(report.collected, Some(Money::new(5, Currency::BDT)));
        assert_eq!(read(json!({"location": " \t"})).unwrap().location, None);
    }

    #[test]
    fn carriers_and_numbers_are_found_however_they_are_written() {
        for name in ["Shapla Express", " shapla  express", "SHAPLA_EXPRESS", "shapla-express"] {
            assert_eq!(carrier_key(name), "shapla-express");
        }
        assert_eq!((carrier_key(" - "), number_key(" Se-1\n")), (String::new(), "se-1".to_owned()));
    }

    #[test]
    fn cash_of_several_parts_is_shared_out_only_where_it_is_all() {
        let taka = |amount| Money::new(amount, Currency::BDT);
        for (dues, collected, expected) in [
            (vec![Some(taka(5))], None, Ok(None)),
            (vec![Some(taka(5))], Some(taka(5)), Ok(Some(taka(5)))),
            (vec![Some(taka(5))], Some(taka(0)), Ok(Some(taka(0)))),
            (vec![None], Some(taka(0)), Ok(None)),
            (vec![None], Some(taka(1)), Ok(Some(taka(1)))),
            (vec![Some(taka(5)), Some(taka(7))], Some(taka(12)), Ok(None)),
            (vec![Some(taka(5)), None], Some(taka(5)), Ok(None)),
            (vec![Some(taka(5)), Some(taka(7))], Some(taka(11)), Err(CashOfParcel { collected: taka(11), parts: 2 })),
            (
                vec![Some(taka(5)), Some(Money::new(7, "USD".parse().unwrap()))],
                Some(taka(12)),
                Err(CashOfParcel { collected: taka(12), parts: 2 }),
            ),
        ] {
            assert_eq!(cash_of(&dues, collected), expected, "{dues:?} {collected:?}");
        }
    }

    #[test]
    fn cash_of_several_orders_is_of_all_or_of_the_only_one_that_it_fits() {
        let taka = |amount| Some(Money::new(amount, Currency::BDT));
        let order = |dues: &[&[i64]], amount| {
            let dues = dues.iter().map(|order| order.iter().map(|due| taka(*due)).collect()).collect();
            let shared = SharedCash { dues, collected: Money::new(amount, Currency::BDT) };
            shared.order().map_err(|refused| assert_eq!(refused, shared.refused()))
        };
        assert_eq!(order(&[&[5], &[4, 3]], 12), Ok(None));
        assert_eq!(order(&[&[5], &[4, 3]], 7), Ok(Some(1)));
        assert_eq!(order(&[&[5], &[]], 0), Ok(Some(1)));
        assert_eq!(order(&[&[], &[]], 0), Ok(None));
        for (dues, amount) in [([&[5_i64] as &[i64], &[5]], 5), ([&[5], &[4, 3]], 4), ([&[5], &[]], 4)] {
            assert_eq!(order(&dues, amount), Err(()), "{dues:?} {amount}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for (status, name) in CarrierStatus::ALL {
            assert_eq!((CarrierStatus::parse(name), status.as_str()), (Some(status), name));
        }
        for (verdict, name) in Verdict::ALL {
            assert_eq!((Verdict::parse(name), verdict.as_str()), (Some(verdict), name));
        }
    }
}
