//! Money that is taken at the door.

use super::*;

/// An order to be paid in cash, with every part at the door.
fn at_the_door(parts: usize) -> Order {
    let kinds = vec!["physical"; parts];
    let mut order = fold([OrderEvent::from(OrderCreated { payment_method: COD.into(), ..created(&kinds) })]);
    run(&mut order, &[Command::RequestPayment, Command::Confirm(Settlement::Promised)]);
    (0..parts).for_each(|part| run(&mut order, &shipped(part)));
    order
}

#[test]
fn cash_is_paid_once_and_after_the_confirmation() {
    let mut order = at_the_door(1);
    assert_eq!(order.payment.paid, None);
    run(&mut order, &[Command::Deliver(0, None), Command::Pay(500)]);
    assert_eq!(order.payment.paid, Some(500));
    assert_eq!(order.pay(money(500), Time(2)), Ok(vec![]));
}

#[test]
fn a_part_brings_its_cash_at_the_door() {
    // (what the store says was taken, what the event says)
    for (said, taken) in [
        (None, Ok(Some(500))),
        (Some(500), Ok(Some(500))),
        (Some(499), Ok(Some(499))),
        (Some(0), Ok(Some(0))),
        (Some(501), Err(Refused::CashOutOfRange { due: money(500) })),
        (Some(-1), Err(Refused::CashOutOfRange { due: money(500) })),
    ] {
        let mut order = at_the_door(2);
        let step = Move { collected: said.map(money), ..Move::to(PartStatus::Delivered) };
        let found = order.advance(&[VendorOrderId(id(0))], &step, Time(2));
        let seen = found.clone().map(|events| match &events[0] {
            OrderEvent::StatusChanged(e) => (e.payment_id, e.collected.map(|c| c.amount)),
            other => panic!("{other:?}"),
        });
        assert_eq!(seen, taken.map(|t| (Some(order.payment.id), t)), "{said:?}");
        found.unwrap_or_default().iter().for_each(|e| order.evolve(e));
        assert_eq!(order.parts[1].to_collect(&order.payment), Some(money(500)));
    }
    let usd = Money::new(500, "USD".parse().unwrap());
    let foreign = Move { collected: Some(usd), ..Move::to(PartStatus::Delivered) };
    assert_eq!(at_the_door(1).advance(&[VendorOrderId(id(0))], &foreign, Time(2)), Err(Refused::CashOutOfRange { due: money(500) }));
}

#[test]
fn cash_is_taken_only_where_it_is_due() {
    let mut paid = new_order(&["physical"]);
    run(&mut paid, &PAID);
    run(&mut paid, &shipped(0));
    assert_eq!(decide(&paid, &Command::Deliver(0, Some(500)), Time(2)), Err(Refused::NoCash));
    let events = decide(&paid, &Command::Deliver(0, None), Time(2)).unwrap();
    let OrderEvent::StatusChanged(e) = &events[0] else { panic!("{events:?}") };
    assert_eq!((e.payment_id, e.collected), (None, None));
    let refused = Move { collected: Some(money(1)), ..Move::to(PartStatus::Refused) };
    assert_eq!(at_the_door(1).advance(&[VendorOrderId(id(0))], &refused, Time(2)), Err(Refused::NoCash));
}

#[test]
fn what_is_refused_at_the_door_comes_back_whole() {
    let mut order = at_the_door(2);
    run(&mut order, &[Command::Deliver(0, None)]);
    let events = decide(&order, &Command::Advance(1, PartStatus::Refused), Time(2)).unwrap();
    assert_eq!(kinds(&events), ["order.status_changed", "order.returned", "order.delivered"], "what is left of it is delivered");
    let (OrderEvent::StatusChanged(moved), OrderEvent::Returned(back)) = (&events[0], &events[1]) else { panic!("{events:?}") };
    assert_eq!((moved.payment_id, moved.collected), (Some(order.payment.id), None));
    assert_eq!((back.reason.as_str(), back.lines.len(), back.lines[0].quantity), ("refused", 1, 1));
    let mut alone = at_the_door(1);
    run(&mut alone, &[Command::Advance(0, PartStatus::Refused)]);
    assert_eq!((alone.status(), alone.parts[0].to_collect(&alone.payment)), (OrderStatus::Returned, None));
    assert!(alone.pay(money(500), Time(2)).is_err() && alone.cancel("late", Time(2)).is_err());
    assert_eq!(alone.complete(Time(2)), Ok(vec![]), "there is nothing to complete");
}
