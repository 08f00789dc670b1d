mod cash;
mod sequences;

use contracts::events::orders::{Line, OrderCreated, Totals, VendorPart};
use contracts::{Currency, EventSet, Money, OrderId, OrderLineId, PaymentId, ProductId, SagaId, UserId, VariantId};
use contracts::{RefundId, Time, VendorId, VendorOrderId};
use kit::Aggregate;
use uuid::Uuid;

use super::*;

pub(super) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(super) fn money(amount: i64) -> Money {
    Money::new(amount, Currency::BDT)
}

fn totals(amount: i64) -> Totals {
    Totals { subtotal: money(amount), discount: money(0), shipping: money(0), tax: money(0), tax_included: true, total: money(amount) }
}

pub(super) fn created(kinds: &[&str]) -> OrderCreated {
    let part = |(n, kind): (usize, &&str)| VendorPart {
        vendor_order_id: VendorOrderId(id(n as u128)),
        vendor_id: VendorId(id(100 + n as u128)),
        lines: vec![Line {
            line_id: OrderLineId(id(200 + n as u128)),
            variant_id: VariantId(id(300)),
            product_id: ProductId(id(301)),
            sku: None,
            title: "Jamdani sari".into(),
            kind: (*kind).to_owned(),
            quantity: 1,
            unit_price: money(500),
            line_total: money(500),
            tax: money(0),
            tax_basis_points: None,
            commission_basis_points: 1_000,
            commission: money(50),
        }],
        shipping_method: "standard".into(),
        shipping_tax: money(0),
        totals: totals(500),
    };
    OrderCreated {
        order_id: OrderId(id(1_000)),
        number: "HT-2026-000001".into(),
        user_id: Some(UserId(id(1_001))),
        guest: None,
        parts: kinds.iter().enumerate().map(part).collect(),
        totals: totals(500 * kinds.len() as i64),
        payment_method: "sandbox".into(),
        payment_deadline: Time(900),
        payment_id: PaymentId(id(1_002)),
        saga_id: SagaId(id(1_003)),
        at: Time(1),
    }
}

pub(super) fn fold(events: impl IntoIterator<Item = OrderEvent>) -> Order {
    events.into_iter().fold(Order::default(), |mut order, event| {
        order.evolve(&event);
        order
    })
}

fn new_order(kinds: &[&str]) -> Order {
    fold([OrderEvent::from(created(kinds))])
}

/// What somebody may try.
#[derive(Clone, Debug)]
enum Command {
    RequestPayment,
    Confirm(Settlement),
    DeliverDigital,
    Pay(i64),
    Fail,
    Cancel,
    Advance(usize, PartStatus),
    Deliver(usize, Option<i64>),
    Complete,
    Refund(i64),
}

fn decide(order: &Order, command: &Command, at: Time) -> Result<Vec<OrderEvent>, Refused> {
    match command {
        Command::RequestPayment => order.request_payment(Some("https://pay".into()), at),
        Command::Confirm(money) => order.confirm(*money, at),
        Command::DeliverDigital => order.deliver_digital(at),
        Command::Pay(amount) => order.pay(money(*amount), at),
        Command::Fail => order.fail("payment_declined", at),
        Command::Cancel => order.cancel("changed my mind", at),
        Command::Advance(part, to) => order.advance(&[VendorOrderId(id(*part as u128))], &Move::to(*to), at),
        Command::Deliver(part, cash) => {
            let step = Move { collected: cash.map(money), ..Move::to(PartStatus::Delivered) };
            order.advance(&[VendorOrderId(id(*part as u128))], &step, at)
        }
        Command::Complete => order.complete(at),
        Command::Refund(amount) => order.refund(RefundId(id(1)), money(*amount), at),
    }
}

fn run(order: &mut Order, commands: &[Command]) {
    for command in commands {
        let events = decide(order, command, Time(2)).unwrap_or_else(|e| panic!("{command:?}: {e}"));
        events.iter().for_each(|e| order.evolve(e));
    }
}

const PAID: [Command; 2] = [Command::RequestPayment, Command::Confirm(Settlement::Captured)];

fn shipped(part: usize) -> [Command; 2] {
    [Command::Advance(part, PartStatus::Processing), Command::Advance(part, PartStatus::Shipped)]
}

fn kinds(events: &[OrderEvent]) -> Vec<&'static str> {
    events.iter().map(|e| e.kind().0).collect()
}

#[test]
fn an_order_is_the_least_advanced_of_its_parts() {
    use PartStatus::{AwaitingPayment, Cancelled, Confirmed, Created, Delivered, Failed, PartiallyReturned, Processing, Refused};
    use PartStatus::{ReturnRequested, Returned, Shipped};
    let cases: &[(&[PartStatus], bool, &str)] = &[
        (&[Created, Created], false, "created"),
        (&[AwaitingPayment], false, "awaiting_payment"),
        (&[Confirmed, Confirmed], false, "confirmed"),
        (&[Confirmed, Processing], false, "confirmed"),
        (&[Processing, Processing], false, "processing"),
        (&[Confirmed, Shipped], false, "partially_shipped"),
        (&[Shipped, Shipped], false, "shipped"),
        (&[Shipped, Delivered], false, "partially_delivered"),
        (&[Confirmed, Delivered], false, "partially_delivered"),
        (&[Delivered, Delivered], false, "delivered"),
        (&[Delivered, Delivered], true, "completed"),
        (&[Failed, Failed], false, "failed"),
        (&[Cancelled, Cancelled], false, "cancelled"),
        (&[Cancelled, Shipped], false, "shipped"),
        (&[Cancelled, Delivered], false, "partially_cancelled"),
        (&[Cancelled, Delivered], true, "completed"),
        (&[Refused, Shipped], false, "shipped"),
        (&[Refused, Delivered], false, "delivered"),
        (&[Refused, Delivered], true, "completed"),
        (&[Refused, Refused], false, "returned"),
        (&[ReturnRequested], false, "return_requested"),
        (&[ReturnRequested, Delivered], false, "return_requested"),
        (&[ReturnRequested, Shipped], false, "partially_delivered"),
        (&[PartiallyReturned, Delivered], false, "partially_returned"),
        (&[Returned, Delivered], false, "partially_returned"),
        (&[Returned, PartiallyReturned], false, "partially_returned"),
        (&[Returned, Processing], false, "partially_delivered"),
        (&[Returned, Returned], false, "returned"),
        (&[Returned, Refused], false, "returned"),
        (&[Returned, Delivered], true, "completed"),
    ];
    for (parts, completed, expected) in cases {
        assert_eq!(OrderStatus::of(parts.iter().copied(), *completed).as_str(), *expected, "{parts:?}");
    }
}

#[test]
fn a_store_cannot_skip_a_state_and_learns_which_may_follow() {
    use PartStatus::{Confirmed, Delivered, Processing, Shipped};
    // (moved so far, asked for, allowed; none where it is allowed)
    type Case<'a> = (&'a [PartStatus], PartStatus, Option<&'a [&'a str]>);
    let cases: &[Case] = &[
        (&[], Processing, None),
        (&[], Shipped, Some(&["processing"])),
        (&[], Delivered, Some(&["processing"])),
        (&[], Confirmed, Some(&["processing"])),
        (&[Processing], Processing, Some(&["shipped"])),
        (&[Processing], Shipped, None),
        (&[Processing, Shipped], Delivered, None),
        (&[Processing, Shipped], PartStatus::Refused, None),
        (&[Processing], PartStatus::Refused, Some(&["shipped"])),
        (&[Processing, Shipped, Delivered], PartStatus::Refused, Some(&[])),
        (&[Processing, Shipped, PartStatus::Refused], Delivered, Some(&[])),
        (&[Processing, Shipped], Processing, Some(&["delivered", "refused"])),
        (&[Processing, Shipped, Delivered], Delivered, Some(&[])),
    ];
    for (moved, to, refused) in cases {
        let mut order = new_order(&["physical"]);
        run(&mut order, &PAID);
        moved.iter().for_each(|s| run(&mut order, &[Command::Advance(0, *s)]));
        match (order.advance(&[VendorOrderId(id(0))], &Move::to(*to), Time(2)), refused) {
            (Ok(_), None) => {}
            (Err(Refused::Illegal { allowed, .. }), Some(expected)) => assert_eq!(allowed, *expected, "{moved:?} to {to:?}"),
            (found, _) => panic!("{moved:?} to {to:?}: {found:?}"),
        }
    }
    let unpaid = new_order(&["physical"]).advance(&[VendorOrderId(id(0))], &Move::to(Processing), Time(2));
    assert_eq!(unpaid, Err(Refused::Illegal { from: "created", to: "processing", allowed: vec![] }));
    let nobodys = new_order(&["physical"]).advance(&[VendorOrderId(id(9))], &Move::to(Processing), Time(2));
    assert_eq!(nobodys, Err(Refused::NoSuchPart));
}

#[test]
fn several_parts_move_together_or_not_at_all() {
    use PartStatus::{Delivered, Processing, Refused as AtDoor, Shipped};
    let all = [VendorOrderId(id(0)), VendorOrderId(id(1))];
    // (where the first part is, where the second is, where both go, how many move or why none does)
    type Row = (&'static [PartStatus], &'static [PartStatus], PartStatus, Result<usize, &'static [&'static str]>);
    let rows: &[Row] = &[
        (&[], &[], Processing, Ok(2)),
        (&[Processing], &[], Processing, Ok(1)),
        (&[Processing, Shipped, Delivered], &[], Processing, Ok(1)),
        (&[Processing, Shipped, AtDoor], &[], Processing, Ok(1)),
        (&[Processing], &[Processing], Processing, Err(&["shipped"])),
        (&[Processing], &[], Shipped, Err(&["processing"])),
        (&[Processing, Shipped], &[Processing, Shipped], AtDoor, Ok(2)),
        (&[Processing, Shipped], &[Processing, Shipped, Delivered], AtDoor, Err(&[])),
    ];
    for (first, second, to, expected) in rows {
        let mut order = new_order(&["physical", "physical"]);
        run(&mut order, &PAID);
        for (part, steps) in [first, second].into_iter().enumerate() {
            steps.iter().for_each(|s| run(&mut order, &[Command::Advance(part, *s)]));
        }
        let found = order.advance(&all, &Move::to(*to), Time(2));
        let moved = found.as_ref().map(|events| kinds(events).iter().filter(|k| **k == "order.status_changed").count());
        match (moved, expected) {
            (Ok(moved), Ok(expected)) => assert_eq!(moved, *expected, "{first:?} and {second:?} to {to:?}"),
            (Err(Refused::Illegal { allowed, .. }), Err(expected)) => assert_eq!(allowed, expected, "{first:?} and {second:?} to {to:?}"),
            (found, _) => panic!("{first:?} and {second:?} to {to:?}: {found:?}"),
        }
    }
    let mut order = new_order(&["physical", "physical"]);
    run(&mut order, &PAID);
    assert_eq!(order.advance(&[], &Move::to(Processing), Time(2)), Err(Refused::NoSuchPart));
    shipped(0).iter().chain(&shipped(1)).for_each(|c| run(&mut order, std::slice::from_ref(c)));
    let step = Move { collected: Some(money(500)), ..Move::to(Delivered) };
    assert_eq!(order.advance(&all, &step, Time(2)), Err(Refused::CashOfSeveral));
    let events = order.advance(&all, &Move::to(Delivered), Time(2)).unwrap();
    assert_eq!(kinds(&events), ["order.status_changed", "order.status_changed", "order.delivered"]);
}

#[test]
fn an_order_may_change_until_a_store_packs() {
    let note = || vec!["note".to_owned()];
    let mut order = new_order(&["digital", "physical"]);
    for step in [Command::RequestPayment, Command::Confirm(Settlement::Captured), Command::DeliverDigital] {
        assert_eq!(kinds(&order.update(note(), Time(2)).unwrap()), ["order.updated"], "before {step:?}");
        run(&mut order, &[step]);
    }
    assert_eq!(kinds(&order.update(note(), Time(2)).unwrap()), ["order.updated"]);
    assert_eq!(order.update(vec![], Time(2)), Ok(vec![]), "what is the same is no event");
    run(&mut order, &[Command::Advance(1, PartStatus::Processing)]);
    assert_eq!(order.update(note(), Time(2)), Err(Refused::Packed));
    let mut cancelled = new_order(&["physical"]);
    run(&mut cancelled, &[Command::Cancel]);
    assert_eq!(cancelled.update(note(), Time(2)), Err(Refused::Packed));
}

#[test]
fn a_contact_changes_within_its_country() {
    let address = |city: &str, country: &str| contracts::events::orders::Address {
        name: "A B".into(),
        phone: "+8801711111111".into(),
        line1: "1 Road".into(),
        line2: None,
        city: city.into(),
        postal_code: "1207".into(),
        country: country.into(),
    };
    let change = |address: Option<_>, note: Option<&str>| ContactChange { shipping_address: address, note: note.map(str::to_owned) };
    let before = Contact { email: None, address: Some(address("Dhaka", "BD")), note: Some("ring twice".into()) };
    let digital = Contact { address: None, ..before.clone() };
    // (the contact, the change, what is another, or what is wrong)
    type Row<'a> = (&'a Contact, ContactChange, Result<&'a [&'a str], &'a str>);
    let rows: Vec<Row> = vec![
        (&before, change(None, None), Ok(&[])),
        (&before, change(Some(address("Dhaka", "BD")), Some("ring twice")), Ok(&[])),
        (&before, change(Some(address("Sylhet", "BD")), None), Ok(&["shippingAddress"])),
        (&before, change(Some(address("Sylhet", "BD")), Some("")), Ok(&["shippingAddress", "note"])),
        (&before, change(Some(address("Delhi", "IN")), None), Err("/shippingAddress/country")),
        (&before, change(Some(address("", "BD")), None), Err("/shippingAddress/city")),
        (&before, change(None, Some("\u{0}")), Err("/note")),
        (&digital, change(Some(address("Dhaka", "BD")), None), Err("/shippingAddress")),
        (&digital, change(None, Some("thanks")), Ok(&["note"])),
    ];
    for (contact, change, expected) in rows {
        let found = contact.changed(change.clone());
        match (found, expected) {
            (Ok((_, changed)), Ok(expected)) => assert_eq!(changed, expected, "{change:?}"),
            (Err(errors), Err(pointer)) => assert_eq!(errors[0].pointer, pointer, "{change:?}"),
            (found, _) => panic!("{change:?}: {found:?}"),
        }
    }
    let (after, _) = before.changed(change(None, Some(" "))).unwrap();
    assert_eq!(after, Contact { note: None, ..before.clone() }, "an empty note takes it away, and nothing else");
}

#[test]
fn an_order_can_be_called_off_until_a_part_has_shipped() {
    let mut order = new_order(&["physical", "physical"]);
    for step in [Command::RequestPayment, Command::Confirm(Settlement::Captured), Command::Advance(0, PartStatus::Processing)] {
        run(&mut order, &[step]);
        assert_eq!(kinds(&order.cancel("late", Time(2)).unwrap()), ["order.cancelled"]);
    }
    run(&mut order, &[Command::Advance(0, PartStatus::Shipped)]);
    assert_eq!(order.cancel("late", Time(2)), Err(Refused::Illegal { from: "partially_shipped", to: "cancelled", allowed: vec![] }));
}

#[test]
fn the_whole_order_is_shipped_and_delivered_with_its_last_part() {
    let mut order = new_order(&["physical", "physical"]);
    run(&mut order, &PAID);
    run(&mut order, &shipped(0));
    let tracking = Tracking { carrier: Some("Pathao".into()), number: Some("P1".into()) };
    run(&mut order, &[Command::Advance(1, PartStatus::Processing)]);
    let step = Move { tracking: Some(tracking.clone()), ..Move::to(PartStatus::Shipped) };
    let events = order.advance(&[VendorOrderId(id(1))], &step, Time(3)).unwrap();
    assert_eq!(kinds(&events), ["order.status_changed", "order.shipped"]);
    events.iter().for_each(|e| order.evolve(e));
    assert_eq!(order.parts[1].tracking, Some(tracking));
    run(&mut order, &[Command::Advance(0, PartStatus::Delivered)]);
    assert_eq!(order.status(), OrderStatus::PartiallyDelivered);
    let events = order.advance(&[VendorOrderId(id(1))], &Move::to(PartStatus::Delivered), Time(4)).unwrap();
    assert_eq!(kinds(&events), ["order.status_changed", "order.delivered"]);
    events.iter().for_each(|e| order.evolve(e));
    let steps: Vec<_> = order.parts[1].steps.iter().map(|(s, _)| s.as_str()).collect();
    assert_eq!(steps, ["confirmed", "processing", "shipped", "delivered"]);
    assert_eq!((order.updated_at, order.created_at), (Time(4), Time(1)));
}

#[test]
fn digital_goods_are_delivered_with_the_confirmation() {
    let mut order = new_order(&["digital", "physical"]);
    run(&mut order, &PAID);
    run(&mut order, &[Command::DeliverDigital]);
    assert_eq!(order.status(), OrderStatus::PartiallyDelivered);
    let mut order = new_order(&["digital", "course"]);
    run(&mut order, &PAID);
    let events = order.deliver_digital(Time(2)).unwrap();
    assert_eq!(kinds(&events), ["order.status_changed", "order.status_changed", "order.delivered"]);
}

#[test]
fn what_was_delivered_without_a_carrier_stays_sold() {
    let mut order = new_order(&["digital", "physical", "physical"]);
    run(&mut order, &PAID);
    run(&mut order, &[Command::DeliverDigital, Command::Advance(1, PartStatus::Processing)]);
    let events = order.cancel("late", Time(2)).unwrap();
    assert_eq!(kinds(&events), ["order.parts_cancelled", "order.delivered"], "what is left of it is delivered");
    events.iter().for_each(|e| order.evolve(e));
    assert_eq!((order.status(), order.reason.as_deref()), (OrderStatus::PartiallyCancelled, Some("late")));
    assert_eq!(order.cancel("again", Time(3)), Ok(vec![]));
    assert_eq!(kinds(&order.complete(Time(3)).unwrap()), ["order.completed"]);

    let mut all = new_order(&["digital", "physical"]);
    run(&mut all, &PAID);
    assert_eq!(kinds(&all.cancel("at once", Time(2)).unwrap()), ["order.cancelled"], "nothing is delivered yet");
    run(&mut all, &[Command::DeliverDigital]);
    run(&mut all, &shipped(1));
    let too_late = Refused::Illegal { from: "partially_delivered", to: "cancelled", allowed: vec![] };
    assert_eq!(all.cancel("late", Time(2)), Err(too_late));
    let mut course = new_order(&["course"]);
    run(&mut course, &PAID);
    run(&mut course, &[Command::DeliverDigital]);
    assert_eq!(course.cancel("late", Time(2)), Err(Refused::Illegal { from: "delivered", to: "cancelled", allowed: vec![] }));
}

#[test]
fn the_first_end_of_an_order_stands() {
    let mut cancelled = new_order(&["physical"]);
    run(&mut cancelled, &[Command::RequestPayment, Command::Cancel]);
    assert_eq!(cancelled.fail("payment_timeout", Time(2)), Ok(vec![]));
    assert!(cancelled.confirm(Settlement::Captured, Time(2)).is_err());
    assert!(cancelled.pay(money(500), Time(2)).is_err());
    let mut failed = new_order(&["physical"]);
    run(&mut failed, &[Command::RequestPayment, Command::Fail]);
    assert!(failed.cancel("late", Time(2)).is_err());
    assert_eq!(failed.reason.as_deref(), Some("payment_declined"));
}

/// Every version of every event that was ever written, as the log of one order.
#[test]
fn an_order_reads_every_event_that_was_ever_written() {
    let corpus = include_str!("../../../../crates/contracts/tests/golden/orders.jsonl");
    let lines: Vec<serde_json::Value> = corpus.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let mut order = Order::default();
    for line in &lines {
        let kind = line["type"].as_str().unwrap();
        let event = OrderEvent::decode(kind, line["version"].as_i64().unwrap(), &line["data"].to_string());
        order.evolve(&event.unwrap_or_else(|e| panic!("{kind}: {e}")));
    }
    assert!(lines.len() >= 11, "an example of each event");
    assert_eq!(order.number, "text");
    let stored = serde_json::to_value(&order).unwrap();
    assert_eq!(serde_json::from_value::<Order>(stored).unwrap(), order);
}
