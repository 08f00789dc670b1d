use std::collections::BTreeMap;

use contracts::events::payments::PaymentInitiated;
use contracts::{OrderId, PaymentId, RefundId};
use kit::Aggregate;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{Charge, Command, RefundOrder, RefundWanted, decide};
use super::*;

const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(1));
const STORES: [VendorId; 2] = [VendorId(Uuid::from_u128(11)), VendorId(Uuid::from_u128(12))];

fn bdt(amount: i64) -> Money {
    Money::new(amount, Currency::BDT)
}

fn line_id(n: u128) -> OrderLineId {
    OrderLineId(Uuid::from_u128(n))
}

fn line(n: u128, store: usize, quantity: i64, (total, tax, commission): (i64, i64, i64)) -> PaidLine {
    PaidLine { line_id: line_id(n), vendor_id: STORES[store], quantity, total, tax, commission }
}

fn item(n: u128, quantity: i64) -> RefundedItem {
    RefundedItem { line_id: line_id(n), quantity }
}

/// Three pieces for 1,000 and one for 500 of the first store, two for 301 of the second; 60 of shipping each.
fn lines() -> Vec<PaidLine> {
    vec![line(1, 0, 3, (1_000, 130, 87)), line(2, 0, 1, (500, 65, 43)), line(3, 1, 2, (301, 0, 30))]
}

fn shares(lines: &[PaidLine]) -> Vec<Share> {
    let mut shares = Vec::new();
    lines.iter().for_each(|l| super::shares::add(&mut shares, &accounts(l)));
    for vendor_id in STORES {
        super::shares::add(&mut shares, &[Share { account: format!("shipping_payable:{vendor_id}"), amount: 60, vendor_id }]);
    }
    shares.retain(|s| s.amount > 0);
    shares
}

fn paid(lines: Vec<PaidLine>) -> Payment {
    let shares = shares(&lines);
    let amount = bdt(shares.iter().map(|s| s.amount).sum());
    let begin = Command::Initiate(PaymentInitiated {
        payment_id: PAYMENT,
        order_id: OrderId(Uuid::from_u128(2)),
        user_id: None,
        guest: None,
        method: "sandbox".into(),
        amount,
        shares,
        action_url: None,
        lines,
    });
    let capture = Command::Capture(Charge { method: "sandbox".into(), reference: "ch_1".into(), amount });
    let mut payment = Payment::default();
    run(&mut payment, begin).unwrap();
    run(&mut payment, capture).unwrap();
    payment
}

fn refund(n: u128, wanted: RefundWanted) -> Command {
    Command::Refund(RefundOrder { id: RefundId(Uuid::from_u128(n)), wanted, reason: "returned".into(), stores: None })
}

fn run(payment: &mut Payment, command: Command) -> Result<(), Error> {
    decide(payment, PAYMENT, command)?.iter().for_each(|e| payment.evolve(e));
    Ok(())
}

fn amount_of(payment: &Payment, items: Vec<RefundedItem>) -> Result<i64, Error> {
    take(payment, &items, &[], None, Beyond::Refused).map(|t| t.amount)
}

#[test]
fn pieces_bring_what_was_paid_for_them() {
    let payment = paid(lines());
    for (items, expected) in [
        (vec![item(1, 1)], Ok(333)),
        (vec![item(1, 2)], Ok(667)),
        (vec![item(1, 3)], Ok(1_000)),
        (vec![item(1, 3), item(2, 1)], Ok(1_500)),
        (vec![item(1, 3), item(3, 2)], Ok(1_301)),
        (vec![item(1, 4)], Err(Error::LineExceeded { line_id: line_id(1), left: 3 })),
        (vec![item(1, 0)], Err(Error::QuantityNotPositive(0))),
        (vec![item(2, 1), item(1, -1)], Err(Error::QuantityNotPositive(1))),
        (vec![item(9, 1)], Err(Error::UnknownLine(line_id(9)))),
        (vec![item(1, 1), item(1, 1)], Err(Error::InvalidItems(format!("line {} comes twice", line_id(1))))),
        (vec![], Err(Error::InvalidItems("expected 1 to 100 items, found 0".into()))),
    ] {
        assert_eq!(amount_of(&payment, items.clone()), expected, "{items:?}");
    }
    let others = take(&payment, &[item(1, 1)], &[], Some(&[STORES[1]]), Beyond::Refused).err();
    assert_eq!(others, Some(Error::UnknownLine(line_id(1))), "a store refunds its own lines");
}

#[test]
fn a_stores_shipping_goes_back_once_with_its_pieces() {
    let mut payment = paid(lines());
    let all = || vec![item(1, 3), item(2, 1)];
    run(&mut payment, refund(1, RefundWanted::ItemsAtMost(all(), vec![STORES[0], STORES[0]]))).unwrap();
    assert_eq!(payment.refunded(), 1_500 + 60, "goods and shipping of the one store");
    assert_eq!(shares::left(&payment, Some(&STORES[..1])).available, 0);
    assert_eq!(shares::left(&payment, Some(&STORES[1..])).available, 301 + 60, "the other store's share is whole");
    let again = decide(&payment, PAYMENT, refund(2, RefundWanted::ItemsAtMost(vec![item(3, 2)], vec![STORES[0]]))).unwrap();
    again.iter().for_each(|e| payment.evolve(e));
    assert_eq!(payment.refunds[1].amount, bdt(301), "shipping that is back already is left out");
    assert_eq!(payment.refunds[1].shipping_of, []);
    let stored = serde_json::to_value(&payment).unwrap();
    assert_eq!(serde_json::from_value::<Payment>(stored).unwrap(), payment);
}

#[test]
fn pieces_in_any_portions_come_to_the_whole_line() {
    for portions in [vec![3], vec![1, 1, 1], vec![2, 1], vec![1, 2]] {
        let mut payment = paid(lines());
        for (n, quantity) in portions.iter().enumerate() {
            run(&mut payment, refund(n as u128, RefundWanted::Items(vec![item(1, *quantity)]))).unwrap();
        }
        assert_eq!(payment.refunded(), 1_000, "{portions:?}");
        let mut back: Vec<Share> = Vec::new();
        payment.refunds.iter().for_each(|r| super::shares::add(&mut back, &r.shares));
        assert_eq!(back, accounts(&lines()[0]), "to the accounts from which it came: {portions:?}");
        let more = decide(&payment, PAYMENT, refund(9, RefundWanted::Items(vec![item(1, 1)])));
        assert_eq!(more, Err(Error::LineExceeded { line_id: line_id(1), left: 0 }));
    }
}

#[test]
fn a_refund_that_failed_frees_its_pieces_and_a_repeat_is_no_second_one() {
    let mut payment = paid(lines());
    let all = || refund(1, RefundWanted::Items(vec![item(1, 3)]));
    run(&mut payment, all()).unwrap();
    assert_eq!(decide(&payment, PAYMENT, all()), Ok(vec![]));
    let other = refund(1, RefundWanted::Items(vec![item(1, 2)]));
    assert_eq!(decide(&payment, PAYMENT, other), Err(Error::RefundMismatch));
    run(&mut payment, Command::FailRefund(RefundId(Uuid::from_u128(1)), "no".into())).unwrap();
    assert_eq!(amount_of(&payment, vec![item(1, 3)]), Ok(1_000));
}

#[test]
fn after_a_refund_by_amount_the_pieces_bring_what_is_left() {
    let mut payment = paid(lines());
    let total = payment.captured();
    run(&mut payment, refund(1, RefundWanted::Amount(bdt(total - 400)))).unwrap();
    let pieces = || vec![item(1, 3)];
    let exact = decide(&payment, PAYMENT, refund(2, RefundWanted::Items(pieces())));
    assert!(matches!(exact, Err(Error::RefundExceedsCaptured { left }) if left.amount < 1_000), "{exact:?}");
    run(&mut payment, refund(2, RefundWanted::ItemsAtMost(pieces(), vec![]))).unwrap();
    let left_of_store = |p: &Payment| super::shares::left(p, Some(&STORES[..1])).available;
    assert_eq!(left_of_store(&payment), 0, "all that was left of the store");
    let nothing = refund(3, RefundWanted::ItemsAtMost(vec![item(2, 1)], vec![]));
    assert_eq!(decide(&payment, PAYMENT, nothing), Err(Error::RefundExceedsCaptured { left: bdt(0) }));
}

#[test]
fn pieces_that_went_back_before_are_left_out_where_that_is_asked_for() {
    let mut payment = paid(lines());
    run(&mut payment, refund(1, RefundWanted::Items(vec![item(1, 2), item(2, 1)]))).unwrap();
    run(&mut payment, refund(2, RefundWanted::ItemsAtMost(vec![item(1, 3), item(2, 1), item(3, 1)], vec![]))).unwrap();
    assert_eq!(payment.refunds[1].items, [item(1, 1), item(3, 1)]);
    assert_eq!(payment.refunds[1].amount, bdt(333 + 150), "half of 301 is rounded to the even number");
    let again = refund(2, RefundWanted::ItemsAtMost(vec![item(1, 3), item(2, 1), item(3, 1)], vec![]));
    assert_eq!(decide(&payment, PAYMENT, again), Ok(vec![]));
}

#[test]
fn lines_that_no_shares_bear_are_refused() {
    let shares = shares(&lines());
    for bad in [
        vec![line(1, 0, 0, (10, 1, 1))],
        vec![line(1, 0, 1, (10, 1, 1)), line(1, 0, 1, (10, 1, 1))],
        vec![line(1, 0, 1, (10, 9, 2))],
        vec![line(1, 0, 1, (10, -1, 2))],
        vec![line(1, 0, 1, (2_000, 0, 0))],
        vec![line(1, 1, 1, (10, 1, 0))],
        vec![line(1, 0, 1, (i64::MIN, 1, 1))],
    ] {
        assert!(matches!(check(&shares, &bad), Err(Error::InvalidShares(_))), "{bad:?}");
    }
    assert_eq!(check(&shares, &lines()), Ok(()));
    assert_eq!(check(&shares, &[]), Ok(()));
}

fn any_lines() -> impl Strategy<Value = Vec<PaidLine>> {
    let any = (0..2_usize, 1..7_i64, 0..100_000_i64, 0..2_500_i64, 0..3_000_i64);
    prop::collection::vec(any, 1..6).prop_map(|lines| {
        let made = lines.into_iter().enumerate().map(|(n, (store, quantity, total, tax_rate, fee_rate))| {
            let tax = total * tax_rate / 10_000;
            line(n as u128 + 1, store, quantity, (total, tax, (total - tax) * fee_rate / 10_000))
        });
        made.collect()
    })
}

proptest! {
    #[test]
    fn whatever_goes_back_by_piece_or_by_amount_the_money_adds_up(
        lines in any_lines(),
        steps in prop::collection::vec((1..7_u128, -1..8_i64, 0..4_u8, 0..40_000_i64), 1..30),
    ) {
        let mut payment = paid(lines.clone());
        let total = payment.captured();
        for (n, (line, quantity, kind, amount)) in steps.into_iter().enumerate() {
            let items = vec![item(line, quantity)];
            let wanted = match kind {
                0 | 1 => RefundWanted::Items(items),
                2 => RefundWanted::ItemsAtMost(items, vec![]),
                _ => RefundWanted::Amount(bdt(amount)),
            };
            let before = payment.refunded();
            if run(&mut payment, refund(n as u128, wanted)).is_err() {
                prop_assert_eq!(payment.refunded(), before);
                continue;
            }
            let refund = payment.refunds.last().unwrap();
            prop_assert_eq!(refund.shares.iter().map(|s| s.amount).sum::<i64>(), refund.amount.amount);
            prop_assert!(refund.shares.iter().all(|s| s.amount > 0) && refund.amount.amount > 0);
            if n % 5 == 4 {
                run(&mut payment, Command::FailRefund(RefundId(Uuid::from_u128(n as u128)), "no".into())).unwrap();
            }
            prop_assert!(payment.refunded() <= total);
            let mut taken: BTreeMap<(String, VendorId), i64> = BTreeMap::new();
            for share in payment.refunds.iter().filter(|r| r.status != RefundStatus::Failed).flat_map(|r| &r.shares) {
                *taken.entry((share.account.clone(), share.vendor_id)).or_default() += share.amount;
            }
            for ((account, vendor), amount) in taken {
                let share = payment.captured.iter().find(|s| s.account == account && s.vendor_id == vendor);
                prop_assert!(amount <= share.map_or(0, |s| s.amount), "{} was overdrawn", account);
            }
            for line in &lines {
                prop_assert!((0..=line.quantity).contains(&refunded(&payment, line.line_id)));
            }
        }
    }
}
