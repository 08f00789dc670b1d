use std::collections::BTreeMap;

use contracts::events::payments::PaymentInitiated;
use contracts::{Currency, EventSet, OrderId, RefundId, UserId};
use proptest::prelude::*;

use super::super::ledger::journal;
use super::super::tests::{after, kinds};
use super::super::{Command, RefundOrder, RefundStatus, RefundWanted, Status, decide};
use super::*;

const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(1));
const ORDER: OrderId = OrderId(Uuid::from_u128(2));
const STORES: [VendorId; 2] = [VendorId(Uuid::from_u128(11)), VendorId(Uuid::from_u128(12))];

fn bdt(amount: i64) -> Money {
    Money::new(amount, Currency::BDT)
}

fn share(account: &str, store: usize, amount: i64) -> Share {
    let account = if account.ends_with(':') { format!("{account}{}", STORES[store]) } else { account.to_owned() };
    Share { account, amount, vendor_id: STORES[store] }
}

/// 700 for the first store, 300 for the second.
fn promise() -> Command {
    let shares = vec![
        share("vendor_payable:", 0, 600),
        share("commission", 0, 60),
        share("shipping_payable:", 0, 40),
        share("vendor_payable:", 1, 255),
        share("commission", 1, 30),
        share("tax_payable", 1, 15),
    ];
    Command::Initiate(PaymentInitiated {
        payment_id: PAYMENT,
        order_id: ORDER,
        user_id: Some(UserId(Uuid::from_u128(3))),
        guest: None,
        method: CASH_ON_DELIVERY.into(),
        amount: bdt(1_000),
        shares,
        action_url: None,
        lines: vec![],
    })
}

fn collect(store: usize, n: u128, amount: i64) -> Command {
    Command::Collect(Collection { id: CollectionId(Uuid::from_u128(n)), vendor_id: STORES[store], amount: bdt(amount) })
}

fn release(store: usize) -> Command {
    Command::Release(Release { vendor_id: STORES[store], reason: "refused at the door".into() })
}

fn remit(store: usize, n: u128, amount: i64) -> Command {
    Command::Remit(Remittance { id: RemittanceId(Uuid::from_u128(n)), vendor_id: STORES[store], amount: bdt(amount) })
}

fn refund(n: u128, amount: i64) -> Command {
    let (id, wanted) = (RefundId(Uuid::from_u128(n)), RefundWanted::Amount(bdt(amount)));
    Command::Refund(RefundOrder { id, wanted, reason: "broken".into(), stores: None })
}

fn void() -> Command {
    Command::Void { order_id: ORDER, reason: "cancelled".into() }
}

#[test]
fn cash_in_every_state() {
    let promised = || after([promise()]);
    let first = || after([promise(), collect(0, 1, 700)]);
    let short = || after([promise(), collect(0, 1, 500)]);
    let both = || after([promise(), collect(0, 1, 700), collect(1, 2, 300)]);
    let refused = || after([promise(), release(0)]);
    let (collected, released, remitted) = ("payment.cash_collected", "payment.cash_released", "payment.cash_remitted");
    for (state, payment, command, expected) in [
        ("new", Payment::default(), collect(0, 1, 1), Err(Error::NoCash)),
        ("promised", promised(), collect(0, 1, 700), Ok(vec![collected])),
        ("promised", promised(), collect(0, 1, 0), Ok(vec![collected])),
        ("promised", promised(), collect(0, 1, 701), Err(Error::CollectionExceedsDue { missing: bdt(700) })),
        ("promised", promised(), collect(0, 1, -1), Err(Error::AmountNotPositive)),
        ("promised", promised(), remit(0, 1, 1), Err(Error::RemittanceExceedsCollected { left: bdt(0) })),
        ("promised", promised(), release(0), Ok(vec![released])),
        ("promised", promised(), refund(1, 1), Err(Error::NotCaptured)),
        ("promised", promised(), void(), Ok(vec!["payment.cancelled"])),
        ("first part", first(), collect(0, 1, 700), Ok(vec![])),
        ("first part", first(), collect(0, 1, 699), Err(Error::CollectionMismatch)),
        ("first part", first(), collect(0, 9, 1), Err(Error::CollectionExceedsDue { missing: bdt(0) })),
        ("first part", first(), collect(0, 9, 0), Err(Error::CollectionExceedsDue { missing: bdt(0) })),
        ("first part", first(), release(0), Ok(vec![])),
        ("first part", first(), collect(1, 2, 300), Ok(vec![collected, "payment.completed"])),
        ("first part", first(), release(1), Ok(vec![released, "payment.completed"])),
        ("first part", first(), remit(0, 1, 701), Err(Error::RemittanceExceedsCollected { left: bdt(700) })),
        ("first part", first(), remit(0, 1, 0), Err(Error::AmountNotPositive)),
        ("first part", first(), remit(0, 1, 300), Ok(vec![remitted])),
        ("first part", first(), remit(1, 1, 1), Err(Error::RemittanceExceedsCollected { left: bdt(0) })),
        ("first part", first(), refund(1, 700), Ok(vec!["payment.refund_requested"])),
        ("first part", first(), refund(1, 701), Err(Error::RefundExceedsCaptured { left: bdt(700) })),
        ("first part", first(), void(), Ok(vec![released, "payment.completed", "payment.refund_requested"])),
        ("short", short(), collect(0, 2, 200), Ok(vec![collected])),
        ("short", short(), collect(0, 2, 201), Err(Error::CollectionExceedsDue { missing: bdt(200) })),
        ("short", short(), collect(1, 2, 300), Ok(vec![collected])),
        ("short", short(), release(0), Ok(vec![released])),
        ("both", both(), void(), Ok(vec!["payment.refund_requested"])),
        ("both", both(), release(0), Ok(vec![])),
        ("refused", refused(), collect(0, 1, 1), Err(Error::CollectionExceedsDue { missing: bdt(0) })),
        ("refused", refused(), collect(1, 1, 300), Ok(vec![collected, "payment.completed"])),
        ("refused", refused(), release(1), Ok(vec![released, "payment.cancelled"])),
        ("cancelled", after([promise(), void()]), collect(0, 1, 1), Err(Error::CollectionExceedsDue { missing: bdt(0) })),
        ("cancelled", after([promise(), void()]), release(0), Ok(vec![])),
    ] {
        assert_eq!(kinds(&payment, command.clone()), expected, "{state}: {command:?}");
    }
}

#[test]
fn the_payment_is_complete_when_no_part_lacks_anything() {
    use CashStatus::{Collected, Promised, Released, Remitted, Short};
    let done = |n| Command::CompleteRefund(RefundId(Uuid::from_u128(n)));
    for (commands, status, captured, parts) in [
        (vec![], Status::Processing, 0, [Promised, Promised]),
        (vec![collect(0, 1, 700)], Status::Processing, 700, [Collected, Promised]),
        (vec![collect(0, 1, 500), collect(1, 2, 300)], Status::Processing, 800, [Short, Collected]),
        (vec![collect(0, 1, 0), collect(1, 2, 300)], Status::Processing, 300, [Short, Collected]),
        (vec![collect(0, 1, 500), collect(1, 2, 300), collect(0, 3, 200)], Status::Completed, 1_000, [Collected, Collected]),
        (vec![collect(0, 1, 500), collect(1, 2, 300), release(0)], Status::Completed, 800, [Collected, Collected]),
        (vec![collect(0, 1, 0), collect(1, 2, 300), release(0)], Status::Completed, 300, [Released, Collected]),
        (vec![collect(0, 1, 0), release(0), release(1)], Status::Cancelled, 0, [Released, Released]),
        (vec![release(0), collect(1, 2, 300), remit(1, 1, 100)], Status::Completed, 300, [Released, Collected]),
        (vec![release(0), collect(1, 2, 300), remit(1, 1, 100), remit(1, 2, 200)], Status::Completed, 300, [Released, Remitted]),
        (vec![collect(0, 1, 500), remit(0, 1, 500)], Status::Processing, 500, [Short, Promised]),
        (vec![collect(0, 1, 700), refund(1, 700), done(1)], Status::Processing, 700, [Collected, Promised]),
        (vec![collect(0, 1, 700), refund(1, 700), done(1), release(1)], Status::Refunded, 700, [Collected, Released]),
        (vec![collect(0, 1, 700), refund(1, 700), done(1), collect(1, 2, 300)], Status::PartiallyRefunded, 1_000, [Collected, Collected]),
    ] {
        let payment = after([promise()].into_iter().chain(commands.clone()));
        let found: Vec<_> = payment.cash.iter().map(CashPart::status).collect();
        assert_eq!((payment.status(), payment.captured(), found), (status, captured, parts.to_vec()), "{commands:?}");
    }
}

#[test]
fn a_short_part_is_shared_out_as_far_as_it_goes_and_the_rest_makes_it_whole() {
    let first = decide(&after([promise()]), PAYMENT, collect(0, 1, 350)).unwrap();
    let PaymentEvent::CashCollected(e) = &first[0] else { panic!("{first:?}") };
    assert_eq!(e.shares, [share("vendor_payable:", 0, 300), share("commission", 0, 30), share("shipping_payable:", 0, 20)]);
    assert_eq!(e.missing, bdt(350));
    let whole = after([promise(), collect(0, 1, 349), collect(0, 2, 1), collect(0, 3, 350)]);
    assert_eq!(whole.captured, [share("vendor_payable:", 0, 600), share("commission", 0, 60), share("shipping_payable:", 0, 40)]);
}

#[test]
fn cash_is_booked_where_it_lies() {
    let posted = |before: &Payment, command: Command| {
        let events = decide(before, PAYMENT, command).unwrap();
        let mut payment = before.clone();
        events.iter().for_each(|e| payment.evolve(e));
        let journals: Vec<_> = events.iter().filter_map(|e| journal(&payment, e).unwrap()).collect();
        let line = |e: &contracts::events::payments::Entry| (e.account.clone(), e.debit - e.credit);
        journals.iter().map(|j| (j.kind(), j.entries().iter().map(line).collect::<Vec<_>>())).collect::<Vec<_>>()
    };
    let transit = format!("cash_in_transit:{}", STORES[1]);
    let vendor = format!("vendor_payable:{}", STORES[1]);
    let collected = vec![(transit.clone(), 300), (vendor.clone(), -255), ("commission".into(), -30), ("tax_payable".into(), -15)];
    let second = after([promise(), release(0), collect(1, 1, 300)]);
    let refunded = after([promise(), release(0), collect(1, 1, 300), refund(1, 300)]);
    let settle = Command::CompleteRefund(RefundId(Uuid::from_u128(1)));
    let cases = [
        ("a promise", after([]), promise(), vec![]),
        ("a refusal", after([promise()]), release(0), vec![]),
        ("nothing at the door", after([promise()]), collect(0, 1, 0), vec![]),
        ("all of it", after([promise(), release(0)]), collect(1, 1, 300), vec![("cash_collected", collected)]),
        ("handed over", second, remit(1, 1, 120), vec![("cash_remitted", vec![("cash".to_owned(), 120), (transit, -120)])]),
        ("given back", refunded, settle, vec![("refund_completed", vec![("refunds_payable".into(), 300), ("cash".into(), -300)])]),
    ];
    for (case, before, command, expected) in cases {
        assert_eq!(posted(&before, command), expected, "{case}");
    }
}

#[test]
fn no_provider_captures_what_is_promised_in_cash() {
    let charge = Charge { method: "sandbox".into(), reference: "ch_1".into(), amount: bdt(1_000) };
    let found = decide(&after([promise()]), PAYMENT, Command::Capture(charge));
    assert!(matches!(found, Err(Error::ChargeMismatch { .. })), "{found:?}");
}

fn any_command() -> impl Strategy<Value = Command> {
    let (store, n, amount) = (0..2_usize, 1..6_u128, -5..800_i64);
    prop_oneof![
        2 => Just(promise()),
        6 => (store.clone(), n.clone(), prop_oneof![amount.clone(), Just(700), Just(300)]).prop_map(|(s, n, a)| collect(s, n, a)),
        2 => store.clone().prop_map(release),
        4 => (store, n.clone(), amount.clone()).prop_map(|(s, n, a)| remit(s, n, a)),
        4 => (n.clone(), amount).prop_map(|(n, a)| refund(n, a)),
        2 => n.clone().prop_map(|n| Command::CompleteRefund(RefundId(Uuid::from_u128(n)))),
        1 => n.prop_map(|n| Command::FailRefund(RefundId(Uuid::from_u128(n)), "no".into())),
        1 => Just(void()),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_to_cash_the_money_adds_up(commands in prop::collection::vec(any_command(), 0..40)) {
        let mut payment = Payment::default();
        let mut balances: BTreeMap<String, i64> = BTreeMap::new();
        let mut ends = 0;
        for command in commands {
            let Ok(events) = decide(&payment, PAYMENT, command.clone()) else { continue };
            prop_assert!(events.len() < 2 || decide(&payment, PAYMENT, command.clone()).is_ok());
            for event in &events {
                payment.evolve(event);
                let (kind, version) = event.kind();
                prop_assert_eq!(&PaymentEvent::decode(kind, version, &event.data().unwrap()).unwrap(), event);
                ends += i32::from(matches!(event, PaymentEvent::Completed(_) | PaymentEvent::Cancelled(_)));
            }
            prop_assert!(decide(&payment, PAYMENT, command).map_or(true, |again| again.is_empty()), "a repeat does nothing");
            for posted in events.iter().filter_map(|e| journal(&payment, e).unwrap()) {
                let (debits, credits) = posted.entries().iter().fold((0, 0), |(d, c), e| (d + e.debit, c + e.credit));
                prop_assert_eq!((debits, credits), (posted.amount(), posted.amount()));
                for entry in posted.entries() {
                    *balances.entry(entry.account.clone()).or_default() += entry.debit - entry.credit;
                }
            }
            adds_up(&payment, &balances)?;
        }
        prop_assert!(ends <= 1);
    }
}

/// What must hold at any time, said without the rules that made it.
fn adds_up(payment: &Payment, balances: &BTreeMap<String, i64>) -> Result<(), TestCaseError> {
    let of = |account: &str| balances.get(account).copied().unwrap_or(0);
    let sum = |of: fn(&CashPart) -> i64| payment.cash.iter().map(of).sum::<i64>();
    let done: i64 = payment.refunds.iter().filter(|r| r.status == RefundStatus::Completed).map(|r| r.amount.amount).sum();
    let (collected, handed_over) = (sum(CashPart::in_hand), sum(CashPart::handed_over));
    prop_assert_eq!(balances.values().sum::<i64>(), 0);
    prop_assert_eq!(payment.captured(), collected);
    prop_assert_eq!(of("cash"), handed_over - done);
    prop_assert_eq!(-of("refunds_payable"), payment.refunded() - done);
    prop_assert!((0..=collected).contains(&payment.refunded()));
    for (part, most) in payment.cash.iter().zip([700, 300]) {
        prop_assert_eq!(of(&format!("cash_in_transit:{}", part.vendor_id)), part.in_hand() - part.handed_over());
        prop_assert!(part.handed_over() <= part.in_hand() && part.in_hand() <= part.due && part.due <= most);
    }
    for (account, balance) in balances.iter().filter(|(a, _)| !a.starts_with("cash")) {
        prop_assert!(*balance <= 0, "{} was overdrawn by {}", account, balance);
    }
    let lacking = payment.cash.iter().any(|p| p.missing() > 0);
    let complete = payment.charge.is_some();
    prop_assert_eq!(complete, payment.stage == Stage::Open && !lacking && collected > 0);
    prop_assert_eq!(payment.charge.as_ref().map_or(0, |c| c.amount.amount), if complete { collected } else { 0 });
    Ok(())
}
