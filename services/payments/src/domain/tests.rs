use contracts::{Currency, EventSet, UserId};
use proptest::prelude::*;

use super::ledger::{Journal, journal};
use super::*;
use crate::error::Error;

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
fn shares() -> Vec<Share> {
    vec![
        share("vendor_payable:", 0, 600),
        share("commission", 0, 60),
        share("shipping_payable:", 0, 40),
        share("vendor_payable:", 1, 255),
        share("commission", 1, 30),
        share("tax_payable", 1, 15),
    ]
}

fn wanted(amount: i64, shares: Vec<Share>) -> PaymentInitiated {
    PaymentInitiated {
        payment_id: PAYMENT,
        order_id: ORDER,
        user_id: Some(UserId(Uuid::from_u128(3))),
        guest: None,
        method: "sandbox".into(),
        amount: bdt(amount),
        shares,
        action_url: Some("http://haat.test/pay".into()),
        lines: vec![],
    }
}

fn initiate() -> Command {
    Command::Initiate(wanted(1_000, shares()))
}

fn capture_of(amount: Money) -> Command {
    Command::Capture(Charge { method: "sandbox".into(), reference: "ch_1".into(), amount })
}

fn capture() -> Command {
    capture_of(bdt(1_000))
}

fn void() -> Command {
    Command::Void { order_id: ORDER, reason: "the order was cancelled".into() }
}

fn fail() -> Command {
    Command::Fail("payment_declined".into())
}

fn refund_id(n: u128) -> RefundId {
    RefundId(Uuid::from_u128(n))
}

fn refund(n: u128, amount: i64) -> Command {
    refund_from(n, Some(bdt(amount)), None)
}

fn refund_from(n: u128, amount: Option<Money>, stores: Option<Vec<VendorId>>) -> Command {
    let wanted = amount.map_or(RefundWanted::Everything, RefundWanted::Amount);
    Command::Refund(RefundOrder { id: refund_id(n), wanted, reason: "broken".into(), stores })
}

/// The payment after all these commands, each of which must be taken.
pub(super) fn after(commands: impl IntoIterator<Item = Command>) -> Payment {
    let mut payment = Payment::default();
    for command in commands {
        let events = decide(&payment, PAYMENT, command.clone()).unwrap_or_else(|e| panic!("{command:?}: {e}"));
        events.iter().for_each(|e| payment.evolve(e));
    }
    payment
}

pub(super) fn kinds(payment: &Payment, command: Command) -> Result<Vec<&'static str>, Error> {
    Ok(decide(payment, PAYMENT, command)?.iter().map(|e| e.kind().0).collect())
}

#[test]
fn what_follows_from_each_command_in_each_state() {
    let nothing: Vec<&str> = vec![];
    let late = vec!["payment.completed", "payment.refund_requested"];
    let open = || after([initiate()]);
    let captured = || after([initiate(), capture()]);
    let cancelled = || after([initiate(), void()]);
    let failed = || after([initiate(), fail()]);
    let tombstone = || after([void()]);
    let refunded = || after([initiate(), capture(), refund(1, 1_000), Command::CompleteRefund(refund_id(1))]);
    for (state, payment, command, expected) in [
        ("new", Payment::default(), initiate(), Ok(vec!["payment.initiated"])),
        ("new", Payment::default(), capture(), Err(Error::NotFound)),
        ("new", Payment::default(), fail(), Err(Error::NotFound)),
        ("new", Payment::default(), void(), Ok(vec!["payment.cancelled"])),
        ("new", Payment::default(), refund(1, 1), Err(Error::NotCaptured)),
        ("open", open(), initiate(), Ok(nothing.clone())),
        ("open", open(), Command::Initiate(wanted(999, vec![share("commission", 0, 999)])), Err(Error::PaymentMismatch)),
        ("open", open(), capture(), Ok(vec!["payment.completed"])),
        ("open", open(), capture_of(bdt(999)), Err(Error::ChargeMismatch { asked: Some(bdt(1_000)), charged: bdt(999) })),
        ("open", open(), fail(), Ok(vec!["payment.failed"])),
        ("open", open(), void(), Ok(vec!["payment.cancelled"])),
        ("open", open(), refund(1, 1), Err(Error::NotCaptured)),
        ("captured", captured(), initiate(), Ok(nothing.clone())),
        ("captured", captured(), capture(), Ok(nothing.clone())),
        ("captured", captured(), fail(), Ok(nothing.clone())),
        ("captured", captured(), void(), Ok(vec!["payment.refund_requested"])),
        ("captured", captured(), refund(1, 1_000), Ok(vec!["payment.refund_requested"])),
        ("captured", captured(), refund(1, 1_001), Err(Error::RefundExceedsCaptured { left: bdt(1_000) })),
        ("captured", captured(), refund(1, 0), Err(Error::AmountNotPositive)),
        ("captured", captured(), refund(1, -5), Err(Error::AmountNotPositive)),
        ("captured", captured(), Command::CompleteRefund(refund_id(9)), Ok(nothing.clone())),
        ("cancelled", cancelled(), initiate(), Ok(nothing.clone())),
        ("cancelled", cancelled(), capture(), Ok(late.clone())),
        ("cancelled", cancelled(), fail(), Ok(nothing.clone())),
        ("cancelled", cancelled(), void(), Ok(nothing.clone())),
        ("failed", failed(), capture(), Ok(late.clone())),
        ("failed", failed(), void(), Ok(nothing.clone())),
        ("tombstone", tombstone(), initiate(), Err(Error::Cancelled)),
        ("tombstone", tombstone(), capture(), Ok(late)),
        ("tombstone", tombstone(), void(), Ok(nothing.clone())),
        ("refunded", refunded(), void(), Ok(nothing.clone())),
        ("refunded", refunded(), refund(2, 1), Err(Error::RefundExceedsCaptured { left: bdt(0) })),
        ("refunded", refunded(), refund(1, 1_000), Ok(nothing.clone())),
        ("refunded", refunded(), refund(1, 999), Err(Error::RefundMismatch)),
        ("refunded", refunded(), Command::FailRefund(refund_id(1), "no".into()), Ok(nothing)),
    ] {
        assert_eq!(kinds(&payment, command.clone()), expected, "{state}: {command:?}");
    }
}

#[test]
fn a_refund_in_another_currency_is_refused() {
    let payment = after([initiate(), capture()]);
    let usd = Money::new(1, "USD".parse().unwrap());
    let found = decide(&payment, PAYMENT, refund_from(1, Some(usd), None));
    assert!(matches!(found, Err(Error::CurrencyMismatch { .. })), "{found:?}");
}

#[test]
fn statuses_follow_the_money() {
    let paid = [initiate(), capture()];
    let with = |more: &[Command]| after(paid.iter().cloned().chain(more.iter().cloned()));
    let done = |n| Command::CompleteRefund(refund_id(n));
    let refused = |n| Command::FailRefund(refund_id(n), "no".into());
    let cash = PaymentInitiated { method: "cod".into(), action_url: None, ..wanted(1_000, shares()) };
    for (payment, status, refunded) in [
        (after([initiate()]), Status::RequiresAction, 0),
        (after([Command::Initiate(cash)]), Status::Processing, 0),
        (after([Command::Initiate(wanted(0, vec![]))]), Status::Completed, 0),
        (after([initiate(), fail()]), Status::Failed, 0),
        (after([initiate(), void()]), Status::Cancelled, 0),
        (with(&[]), Status::Completed, 0),
        (with(&[refund(1, 400)]), Status::Completed, 400),
        (with(&[refund(1, 400), done(1)]), Status::PartiallyRefunded, 400),
        (with(&[refund(1, 400), refused(1)]), Status::Completed, 0),
        (with(&[refund(1, 400), done(1), refund(2, 600)]), Status::PartiallyRefunded, 1_000),
        (with(&[refund(1, 400), done(1), refund(2, 600), done(2)]), Status::Refunded, 1_000),
        (after([initiate(), void(), capture()]), Status::Cancelled, 1_000),
    ] {
        assert_eq!((payment.status(), payment.refunded()), (status, refunded), "{payment:?}");
    }
    let late = after([initiate(), fail(), capture()]);
    let id = late.refunds[0].id;
    let back = after([initiate(), fail(), capture(), Command::CompleteRefund(id)]);
    assert_eq!((late.status(), back.status()), (Status::Failed, Status::Refunded));
}

#[test]
fn a_full_refund_that_was_refused_can_be_asked_for_again() {
    let first = after([initiate(), capture(), void()]);
    let refused = Command::FailRefund(first.refunds[0].id, "no".into());
    let again = after([initiate(), capture(), void(), refused, void()]);
    assert_eq!(again.refunds.len(), 2);
    assert_ne!(again.refunds[0].id, again.refunds[1].id);
    assert_eq!(again.refunded(), 1_000);
}

#[test]
fn a_store_gives_back_its_own_part_and_no_more() {
    let payment = after([initiate(), capture()]);
    let own = |amount| refund_from(1, amount, Some(vec![STORES[1]]));
    assert_eq!(decide(&payment, PAYMENT, own(Some(bdt(301)))), Err(Error::RefundExceedsCaptured { left: bdt(300) }));
    let events = decide(&payment, PAYMENT, own(None)).unwrap();
    let PaymentEvent::RefundRequested(e) = &events[0] else { panic!("{events:?}") };
    assert_eq!(e.amount, bdt(300));
    assert_eq!(e.shares, shares()[3..]);
}

#[test]
fn a_refund_is_taken_from_what_is_left_of_each_share() {
    let payment = after([initiate(), capture(), refund_from(1, None, Some(vec![STORES[1]]))]);
    let events = decide(&payment, PAYMENT, refund(2, 350)).unwrap();
    let PaymentEvent::RefundRequested(e) = &events[0] else { panic!("{events:?}") };
    assert_eq!(e.shares, [share("vendor_payable:", 0, 300), share("commission", 0, 30), share("shipping_payable:", 0, 20)]);
}

#[test]
fn shares_that_do_not_share_out_the_amount_are_refused() {
    let of = |shares: Vec<Share>| shares::checked(bdt(1_000), &shares);
    for bad in [
        vec![],
        vec![share("commission", 0, 999)],
        vec![share("commission", 0, 1_001), share("tax_payable", 0, -1)],
        vec![share("refunds_payable", 0, 1_000)],
        vec![share("provider_clearing:", 0, 1_000)],
        vec![share("vendor_payable:x", 0, 1_000)],
        vec![share("vendor_payable", 0, 1_000)],
        vec![share("commission", 0, i64::MAX), share("tax_payable", 0, i64::MAX)],
    ] {
        assert!(matches!(of(bad.clone()), Err(Error::InvalidShares(_))), "{bad:?}");
    }
    for amount in [-1, i64::MAX] {
        assert!(matches!(shares::checked(bdt(amount), &[share("commission", 0, amount)]), Err(Error::InvalidShares(_))));
    }
    let merged = of(vec![share("commission", 0, 400), share("tax_payable", 0, 0), share("commission", 0, 600)]);
    assert_eq!(merged, Ok(vec![share("commission", 0, 1_000)]));
}

fn journals(payment: &Payment, events: &[PaymentEvent]) -> Vec<Journal> {
    events.iter().filter_map(|e| journal(payment, e).unwrap()).collect()
}

#[test]
fn a_capture_credits_everybody_with_a_share_of_it() {
    let payment = after([initiate(), capture()]);
    let completed = decide(&after([initiate()]), PAYMENT, capture()).unwrap();
    let posted = &journals(&payment, &completed)[0];
    let lines: Vec<_> = posted.entries().iter().map(|e| (e.account.as_str(), e.debit, e.credit)).collect();
    let (a, b, ship) =
        (format!("vendor_payable:{}", STORES[0]), format!("vendor_payable:{}", STORES[1]), format!("shipping_payable:{}", STORES[0]));
    let expected = [
        ("provider_clearing:sandbox", 1_000, 0),
        (a.as_str(), 0, 600),
        ("commission", 0, 90),
        (ship.as_str(), 0, 40),
        (b.as_str(), 0, 255),
        ("tax_payable", 0, 15),
    ];
    assert_eq!(lines, expected);
    assert_eq!((posted.kind(), posted.amount()), ("capture", 1_000));
}

#[test]
fn money_on_a_payment_that_never_began_is_owed_back_at_once() {
    let payment = after([void(), capture()]);
    let events = decide(&after([void()]), PAYMENT, capture()).unwrap();
    let posted = journals(&payment, &events);
    assert_eq!(posted.len(), 1);
    let lines: Vec<_> = posted[0].entries().iter().map(|e| (e.account.as_str(), e.debit, e.credit)).collect();
    assert_eq!(lines, [("provider_clearing:sandbox", 1_000, 0), ("refunds_payable", 0, 1_000)]);
    assert_eq!(payment.refunded(), 1_000);
}

fn any_command() -> impl Strategy<Value = Command> {
    let refund_n = 1..5_u128;
    let stores = prop::option::of(prop::sample::subsequence(STORES.to_vec(), 0..=2));
    let amount = prop::option::weighted(0.8, (-10..1_200_i64).prop_map(bdt));
    prop_oneof![
        2 => Just(initiate()),
        4 => Just(capture()),
        1 => (0..2_000_i64).prop_map(|a| capture_of(bdt(a))),
        1 => Just(fail()),
        1 => Just(void()),
        6 => (refund_n.clone(), amount, stores).prop_map(|(n, a, s)| refund_from(n, a, s)),
        2 => refund_n.clone().prop_map(|n| Command::CompleteRefund(refund_id(n))),
        2 => refund_n.prop_map(|n| Command::FailRefund(refund_id(n), "no".into())),
    ]
}

proptest! {
    #[test]
    fn whatever_is_asked_the_money_adds_up(commands in prop::collection::vec(any_command(), 0..40)) {
        let mut payment = Payment::default();
        let mut balances: std::collections::BTreeMap<String, i64> = std::collections::BTreeMap::new();
        let mut captures = 0;
        for command in commands {
            let Ok(events) = decide(&payment, PAYMENT, command) else { continue };
            for event in &events {
                payment.evolve(event);
                captures += i32::from(matches!(event, PaymentEvent::Completed(_)));
            }
            for posted in journals(&payment, &events) {
                let (debits, credits) = posted.entries().iter().fold((0, 0), |(d, c), e| (d + e.debit, c + e.credit));
                prop_assert_eq!((debits, credits), (posted.amount(), posted.amount()));
                for entry in posted.entries() {
                    *balances.entry(entry.account.clone()).or_default() += entry.debit - entry.credit;
                }
            }
            let captured = payment.charge.as_ref().map_or(0, |c| c.amount.amount);
            let done: i64 = payment.refunds.iter().filter(|r| r.status == RefundStatus::Completed).map(|r| r.amount.amount).sum();
            prop_assert!((0..=captured).contains(&payment.refunded()));
            prop_assert!(payment.refunds.iter().all(|r| r.amount.amount > 0));
            prop_assert_eq!(balances.values().sum::<i64>(), 0);
            prop_assert_eq!(balances.get("provider_clearing:sandbox").copied().unwrap_or(0), captured - done);
            prop_assert_eq!(-balances.get("refunds_payable").copied().unwrap_or(0), payment.refunded() - done);
            let theirs = balances.iter().filter(|(account, _)| !account.starts_with("provider_clearing") && *account != "refunds_payable");
            for (account, balance) in theirs {
                prop_assert!(*balance <= 0, "{} was overdrawn by {}", account, balance);
            }
        }
        prop_assert!(captures <= 1);
    }

    #[test]
    fn what_is_stored_is_what_is_read(commands in prop::collection::vec(any_command(), 0..20)) {
        let mut payment = Payment::default();
        for command in commands {
            for event in decide(&payment, PAYMENT, command).unwrap_or_default() {
                let (kind, version) = event.kind();
                prop_assert_eq!(&PaymentEvent::decode(kind, version, &event.data().unwrap()).unwrap(), &event);
                payment.evolve(&event);
            }
            let snapshot = serde_json::to_value(&payment).unwrap();
            prop_assert_eq!(&serde_json::from_value::<Payment>(snapshot).unwrap(), &payment);
        }
    }
}
