//! Whatever is tried in whatever order.

use proptest::prelude::*;

use super::*;

fn any_command() -> impl Strategy<Value = Command> {
    let status = prop_oneof![
        Just(PartStatus::Confirmed),
        Just(PartStatus::Processing),
        Just(PartStatus::Shipped),
        Just(PartStatus::Delivered),
        Just(PartStatus::Refused),
        Just(PartStatus::Cancelled)
    ];
    prop_oneof![
        1 => Just(Command::RequestPayment),
        1 => prop_oneof![Just(Settlement::Captured), Just(Settlement::Promised)].prop_map(Command::Confirm),
        1 => Just(Command::DeliverDigital),
        1 => (1..1_500i64).prop_map(Command::Pay),
        1 => Just(Command::Fail),
        1 => Just(Command::Cancel),
        6 => (0..3usize, status).prop_map(|(part, to)| Command::Advance(part, to)),
        2 => (0..3usize, prop::option::of(-1..600i64)).prop_map(|(part, cash)| Command::Deliver(part, cash)),
        1 => Just(Command::Complete),
        1 => (1..500i64).prop_map(Command::Refund),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_commands_reaches_an_impossible_state(
        kinds in prop::collection::vec(prop_oneof!["physical", "digital"], 1..4), method in prop_oneof!["sandbox", "cod"],
        commands in prop::collection::vec(any_command(), 0..40),
    ) {
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let mut log = vec![OrderEvent::from(OrderCreated { payment_method: method, ..created(&kinds) })];
        let mut order = fold(log.clone());
        for command in &commands {
            let before = order.clone();
            let Ok(events) = decide(&order, command, Time(log.len() as i64)) else { continue };
            events.iter().for_each(|e| order.evolve(e));
            log.extend(events);
            prop_assert!(possible(&before, &order), "{:?} led from {:?} to {:?}", command, before.status(), order.status());
        }
        prop_assert_eq!(&fold(log.clone()), &order);
        let count = |kind: &str| log.iter().filter(|e| e.kind().0 == kind).count();
        for once in ["order.created", "order.confirmed", "order.paid", "order.shipped", "order.delivered", "order.completed"] {
            prop_assert!(count(once) <= 1, "{} of {}", count(once), once);
        }
        prop_assert!(count("order.failed") + count("order.cancelled") + count("order.completed") <= 1);
        prop_assert!(count("order.paid") <= count("order.confirmed"));
        let taken: i64 = order.parts.iter().filter_map(|p| p.collected).sum();
        prop_assert!((0..=order.totals.total.amount).contains(&taken));
        prop_assert!(count("order.parts_cancelled") + count("order.cancelled") <= 1);
        let refused = order.parts.iter().filter(|p| p.status == PartStatus::Refused).count();
        prop_assert_eq!(count("order.returned"), refused);
        let stored: serde_json::Value = serde_json::to_value(&order).unwrap();
        prop_assert_eq!(serde_json::from_value::<Order>(stored).unwrap(), order);
    }
}

/// What must hold of one step, said without the rules that made it.
fn possible(before: &Order, after: &Order) -> bool {
    let ended =
        |o: &Order| matches!(o.status(), OrderStatus::Failed | OrderStatus::Cancelled | OrderStatus::Completed | OrderStatus::Returned);
    let together = |s: PartStatus| !after.parts.iter().any(|p| p.status == s) || after.parts.iter().all(|p| p.status == s);
    let forward = before.parts.iter().zip(&after.parts).all(|(b, a)| match a.status {
        PartStatus::Failed | PartStatus::Cancelled => b.status < PartStatus::Shipped,
        PartStatus::Refused => matches!(b.status, PartStatus::Shipped | PartStatus::Refused),
        _ => b.status <= a.status && !b.status.is_dead(),
    });
    let cash = after.parts.iter().all(|p| p.collected.is_none() || p.status == PartStatus::Delivered && after.payment.method == COD);
    let whole = [PartStatus::Created, PartStatus::AwaitingPayment, PartStatus::Failed].into_iter().all(together);
    let called_off = after.parts.iter().any(|p| p.status == PartStatus::Cancelled);
    let kept_sold = |p: &Part| p.status == PartStatus::Cancelled || p.is_digital() && p.status == PartStatus::Delivered;
    let whole = whole && (!called_off || after.parts.iter().all(kept_sold));
    let kept = before.payment.paid.is_none_or(|p| after.payment.paid == Some(p)) && before.totals == after.totals;
    let paid_only_once_confirmed = after.payment.paid.is_none() || after.parts.iter().all(|p| p.status > PartStatus::AwaitingPayment);
    let still = !ended(before) || before.status() == after.status();
    forward && cash && whole && kept && paid_only_once_confirmed && still
}
