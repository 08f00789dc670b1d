use contracts::events::orders::OrderCreated;
use contracts::{EventSet, PaymentId};
use kit::Aggregate;
use proptest::prelude::*;

use super::super::tests::{created, fold, id, money};
use super::super::{Move, Settlement};
use super::*;

fn line_id(part: usize) -> OrderLineId {
    OrderLineId(id(200 + part as u128))
}

fn part_id(part: usize) -> VendorOrderId {
    VendorOrderId(id(part as u128))
}

fn return_id(n: u128) -> ReturnId {
    ReturnId(id(9_000 + n))
}

fn item(part: usize, quantity: i64) -> ReturnItem {
    ReturnItem { line: line_id(part), quantity }
}

/// What somebody may try.
#[derive(Clone, Debug)]
enum Command {
    Move(usize, PartStatus),
    Request(u128, Vec<(usize, i64)>),
    Approve(u128),
    Reject(u128),
    Receive(u128),
    Refund(u128),
    Complete,
}

fn decide(order: &Order, command: &Command) -> Decision {
    let at = Time(5);
    match command {
        Command::Move(part, to) => order.advance(&[part_id(*part)], &Move::to(*to), at),
        Command::Request(n, items) => {
            let items: Vec<_> = items.iter().map(|(part, quantity)| item(*part, *quantity)).collect();
            order.request_return(return_id(*n), &items, "too small", at)
        }
        Command::Approve(n) => order.approve_return(return_id(*n), at),
        Command::Reject(n) => order.reject_return(return_id(*n), "worn", at),
        Command::Receive(n) => order.receive_return(return_id(*n), at),
        Command::Refund(n) => order.refund_return(return_id(*n), Some(RefundId(id(*n))), money(100), at),
        Command::Complete => order.complete(at),
    }
}

fn run(order: &mut Order, commands: &[Command]) {
    for command in commands {
        let events = decide(order, command).unwrap_or_else(|e| panic!("{command:?}: {e}"));
        events.iter().for_each(|e| order.evolve(e));
    }
}

/// A confirmed order whose parts have a line of three pieces each.
fn confirmed(kinds: &[&str]) -> Order {
    let mut first = created(kinds);
    first.parts.iter_mut().flat_map(|p| &mut p.lines).for_each(|l| l.quantity = 3);
    let mut order = fold([OrderEvent::from(OrderCreated { payment_id: PaymentId(id(7)), ..first })]);
    let events = order.request_payment(None, Time(2)).unwrap();
    events.iter().for_each(|e| order.evolve(e));
    let events = order.confirm(Settlement::Captured, Time(3)).unwrap();
    events.iter().for_each(|e| order.evolve(e));
    order
}

fn way_to_the_door(part: usize) -> [Command; 3] {
    [PartStatus::Processing, PartStatus::Shipped, PartStatus::Delivered].map(|to| Command::Move(part, to))
}

fn delivered() -> Order {
    let mut order = confirmed(&["physical", "physical"]);
    run(&mut order, &way_to_the_door(0));
    run(&mut order, &way_to_the_door(1));
    order
}

#[test]
fn no_more_comes_back_than_was_delivered() {
    use Command::{Approve, Receive, Refund, Reject, Request};
    let exceeds = |left| Err(Refused::ReturnExceedsDelivered { line_id: line_id(0), left });
    let asked = Ok(vec!["order.return_requested"]);
    for (before, items, expected) in [
        (vec![], vec![(0, 1)], asked.clone()),
        (vec![], vec![(0, 3)], asked.clone()),
        (vec![], vec![(0, 4)], exceeds(3)),
        (vec![], vec![(0, 0)], exceeds(3)),
        (vec![], vec![(0, -1)], exceeds(3)),
        (vec![], vec![(0, 2), (0, 2)], exceeds(1)),
        (vec![], vec![], Err(Refused::NothingToReturn)),
        (vec![], vec![(7, 1)], Err(Refused::NoSuchLine(line_id(7)))),
        (vec![], vec![(0, 1), (1, 1)], Err(Refused::SeveralStores)),
        (vec![Request(1, vec![(0, 2)])], vec![(0, 1)], asked.clone()),
        (vec![Request(1, vec![(0, 2)])], vec![(0, 2)], exceeds(1)),
        (vec![Request(1, vec![(0, 2)]), Approve(1), Receive(1), Refund(1)], vec![(0, 2)], exceeds(1)),
        (vec![Request(1, vec![(0, 3)]), Reject(1)], vec![(0, 3)], asked.clone()),
        (vec![Request(1, vec![(1, 3)])], vec![(0, 3)], asked),
    ] {
        let mut order = delivered();
        run(&mut order, &before);
        let found = decide(&order, &Request(2, items.clone())).map(|e| e.iter().map(|e| e.kind().0).collect::<Vec<_>>());
        assert_eq!(found, expected, "{before:?}, then {items:?}");
    }
}

#[test]
fn only_what_was_delivered_not_long_ago_comes_back() {
    let one = Command::Request(1, vec![(0, 1)]);
    let mut order = confirmed(&["physical", "physical"]);
    for (step, from) in [(None, "confirmed"), (Some(PartStatus::Processing), "processing"), (Some(PartStatus::Shipped), "shipped")] {
        step.into_iter().for_each(|to| run(&mut order, &[Command::Move(0, to)]));
        assert!(matches!(decide(&order, &one), Err(Refused::Illegal { from: found, .. }) if found == from), "{from}");
    }
    run(&mut order, &[Command::Move(0, PartStatus::Delivered)]);
    assert!(decide(&order, &one).is_ok(), "though the other part has not arrived");
    let mut completed = delivered();
    run(&mut completed, &[Command::Complete]);
    assert!(matches!(decide(&completed, &one), Err(Refused::Illegal { from: "completed", .. })));
    let mut digital = confirmed(&["digital"]);
    digital.deliver_digital(Time(4)).unwrap().iter().for_each(|e| digital.evolve(e));
    assert_eq!(decide(&digital, &one), Err(Refused::NotReturnable(line_id(0))));
}

#[test]
fn a_return_goes_its_way_and_no_other() {
    use Command::{Approve, Receive, Refund, Reject, Request};
    let way = [Request(1, vec![(0, 1)]), Approve(1), Receive(1), Refund(1)];
    // Whether each of approve, reject, receive and refund may follow; `None`: it has happened already.
    let after = [
        [Some(true), Some(true), Some(false), Some(false)],
        [None, Some(true), Some(true), Some(false)],
        [Some(false), Some(false), None, Some(true)],
        [Some(false), Some(false), None, None],
    ];
    let mut order = delivered();
    for (step, allowed) in way.iter().zip(after) {
        run(&mut order, std::slice::from_ref(step));
        for (next, expected) in [Approve(1), Reject(1), Receive(1), Refund(1)].iter().zip(allowed) {
            let found = decide(&order, next);
            let seen = found
                .as_ref()
                .map(|e| !e.is_empty())
                .or_else(|e| if matches!(e, Refused::Illegal { .. }) { Ok(false) } else { Err(e.clone()) });
            let happened = found == Ok(vec![]);
            assert_eq!((seen, happened), (Ok(expected == Some(true)), expected.is_none()), "{step:?}, then {next:?}");
        }
    }
    let [_, _, _, refunded] = way;
    run(&mut order, &[Request(2, vec![(0, 1)]), Reject(2)]);
    for next in [Approve(2), Receive(2), Refund(2)] {
        assert!(matches!(decide(&order, &next), Err(Refused::Illegal { from: "rejected", .. })), "{next:?}");
    }
    assert_eq!(decide(&order, &Approve(3)), Err(Refused::NoSuchReturn));
    assert_eq!(decide(&order, &refunded), Ok(vec![]));
    assert_eq!(decide(&order, &Request(1, vec![(0, 1)])), Ok(vec![]), "the same return is asked for once");
}

#[test]
fn the_part_and_the_order_show_what_came_back() {
    use Command::{Approve, Complete, Receive, Refund, Reject, Request};
    let mut order = delivered();
    for (step, part, whole) in [
        (Request(1, vec![(0, 1)]), "return_requested", "return_requested"),
        (Approve(1), "return_requested", "return_requested"),
        (Receive(1), "partially_returned", "partially_returned"),
        (Refund(1), "partially_returned", "partially_returned"),
        (Request(2, vec![(0, 2)]), "return_requested", "return_requested"),
        (Reject(2), "partially_returned", "partially_returned"),
        (Request(3, vec![(0, 2)]), "return_requested", "return_requested"),
        (Approve(3), "return_requested", "return_requested"),
        (Receive(3), "returned", "partially_returned"),
        (Refund(3), "returned", "partially_returned"),
        (Complete, "returned", "completed"),
    ] {
        if matches!(step, Complete) {
            assert_eq!(order.delivered_at(), Some(Time(5)));
        } else {
            assert!(order.complete(Time(5)).is_err() || !order.returns.iter().any(|r| r.status.is_open()), "an open return is waited for");
        }
        run(&mut order, std::slice::from_ref(&step));
        assert_eq!((order.parts[0].status.as_str(), order.status().as_str()), (part, whole), "{step:?}");
    }
    let mut whole = confirmed(&["physical"]);
    run(&mut whole, &way_to_the_door(0));
    run(&mut whole, &[Request(1, vec![(0, 3)]), Approve(1), Receive(1), Refund(1)]);
    assert_eq!((whole.status().as_str(), whole.complete(Time(5))), ("returned", Ok(vec![])));
}

#[test]
fn a_return_that_comes_to_nothing_does_not_put_the_end_off() {
    let mut order = confirmed(&["physical"]);
    run(&mut order, &way_to_the_door(0));
    let asked = order.request_return(return_id(1), &[item(0, 1)], "too small", Time(8)).unwrap();
    asked.iter().for_each(|e| order.evolve(e));
    let rejected = order.reject_return(return_id(1), "worn", Time(9)).unwrap();
    rejected.iter().for_each(|e| order.evolve(e));
    assert_eq!((order.status().as_str(), order.delivered_at(), order.updated_at), ("delivered", Some(Time(5)), Time(9)));
}

#[test]
fn a_part_that_comes_back_early_does_not_keep_the_order_from_being_delivered() {
    let mut order = confirmed(&["physical", "physical"]);
    run(&mut order, &way_to_the_door(0));
    run(&mut order, &[Command::Request(1, vec![(0, 3)])]);
    run(&mut order, &way_to_the_door(1)[..2]);
    let events = decide(&order, &Command::Move(1, PartStatus::Delivered)).unwrap();
    assert_eq!(events.iter().map(|e| e.kind().0).collect::<Vec<_>>(), ["order.status_changed", "order.delivered"]);
}

fn any_command() -> impl Strategy<Value = Command> {
    let n = 1..5_u128;
    let to = prop_oneof![Just(PartStatus::Processing), Just(PartStatus::Shipped), Just(PartStatus::Delivered), Just(PartStatus::Refused)];
    let items = prop::collection::vec((0..2_usize, -1..5_i64), 0..3);
    prop_oneof![
        6 => (0..2_usize, to).prop_map(|(part, to)| Command::Move(part, to)),
        4 => (n.clone(), items).prop_map(|(n, items)| Command::Request(n, items)),
        2 => n.clone().prop_map(Command::Approve),
        1 => n.clone().prop_map(Command::Reject),
        2 => n.clone().prop_map(Command::Receive),
        2 => n.prop_map(Command::Refund),
        1 => Just(Command::Complete),
    ]
}

proptest! {
    #[test]
    fn whatever_is_sent_back_the_pieces_add_up(commands in prop::collection::vec(any_command(), 0..60)) {
        let mut order = confirmed(&["physical", "physical"]);
        let mut delivered = 0;
        for command in commands {
            let Ok(events) = decide(&order, &command) else { continue };
            for event in &events {
                let (kind, version) = event.kind();
                prop_assert_eq!(&OrderEvent::decode(kind, version, &event.data().unwrap()).unwrap(), event);
                order.evolve(event);
                delivered += i32::from(kind == "order.delivered");
            }
            prop_assert!(decide(&order, &command).map_or(true, |again| again.is_empty()) || matches!(command, Command::Move(..)));
            for part in &order.parts {
                let came = |s: ReturnStatus| matches!(s, ReturnStatus::Received | ReturnStatus::Refunded);
                let of = |wanted: &dyn Fn(ReturnStatus) -> bool| {
                    let returns = order.returns.iter().filter(|r| r.part == part.id && wanted(r.status));
                    returns.flat_map(|r| &r.lines).map(|l| l.quantity).sum::<i64>()
                };
                let (back, claimed) = (of(&came), of(&|s| s != ReturnStatus::Rejected));
                prop_assert!(claimed <= 3 && back <= claimed);
                prop_assert!(claimed == 0 || part.status >= PartStatus::Delivered, "only what was delivered comes back");
                let waiting = of(&|s| matches!(s, ReturnStatus::Requested | ReturnStatus::Approved)) > 0;
                let expected = match part.status {
                    PartStatus::ReturnRequested => waiting,
                    PartStatus::Returned => !waiting && back == 3,
                    PartStatus::PartiallyReturned => !waiting && (1..3).contains(&back),
                    _ => claimed == 0 || (!waiting && back == 0),
                };
                prop_assert!(expected, "{:?} with {} of {} back", part.status, back, claimed);
            }
            prop_assert!(!order.completed || !order.returns.iter().any(|r| r.status.is_open()));
        }
        prop_assert!(delivered <= 1);
        let stored = serde_json::to_value(&order).unwrap();
        prop_assert_eq!(serde_json::from_value::<Order>(stored).unwrap(), order);
    }
}
