//! Money: integer minor units beside their currency, which cannot be mixed.
//!
//! **One rounding policy**: half to even, and only in [`Money::fraction`], on which rates and included taxes stand.
//! Sums are never rounded: an amount that is shared out goes through [`Money::allocate`], whose parts add up exactly.

mod currency;
mod decimal;

pub use currency::Currency;
use serde::{Deserialize, Serialize};

/// An amount in minor units (ISO 4217 exponent: 129900 BDT is 1,299.00 taka). May be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units.
    #[schema(example = 129900)]
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

/// What can be wrong with a calculation in money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met.
    #[error("cannot mix {0:?} and {1:?}")]
    MixedCurrency(Currency, Currency),
    /// The result does not fit 64 bits.
    #[error("amount out of range")]
    Overflow,
    /// Not three capital letters of an active currency.
    #[error("unknown currency {0:?}")]
    UnknownCurrency(String),
    /// Not a decimal number.
    #[error("expected an amount such as 1299.00, found {0:?}")]
    Malformed(String),
    /// More decimal places than the currency has.
    #[error("{currency} has {places} decimal places")]
    TooPrecise {
        /// The currency.
        currency: Currency,
        /// How many places it has.
        places: u32,
    },
    /// There is something to share out, but no weight above zero, or one below.
    #[error("an amount is shared out over weights of at least 0, not all 0")]
    NoWeights,
}

impl Money {
    /// `amount` minor units of `currency`.
    pub fn new(amount: i64, currency: Currency) -> Money {
        Money { amount, currency }
    }

    /// Nothing, in `currency`.
    pub fn zero(currency: Currency) -> Money {
        Money::new(0, currency)
    }

    /// The sum; refuses mixed currencies and overflow.
    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Ok(Money::new(self.amount.checked_add(other.amount).ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// The difference; refuses mixed currencies and overflow.
    pub fn minus(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Ok(Money::new(self.amount.checked_sub(other.amount).ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// This amount `quantity` times.
    pub fn times(self, quantity: i64) -> Result<Money, MoneyError> {
        Ok(Money::new(self.amount.checked_mul(quantity).ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// The sum of all; zero of `currency` when there are none.
    pub fn sum(currency: Currency, parts: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
        parts.into_iter().try_fold(Money::zero(currency), Money::plus)
    }

    /// `numerator / denominator` of this amount, rounded half to even. A denominator of 0 has no result: overflow.
    ///
    /// The tax inside a price at a rate of `r` basis points is `price.fraction(r, 10_000 + r)`.
    pub fn fraction(self, numerator: i64, denominator: i64) -> Result<Money, MoneyError> {
        let amount = divide_half_even(i128::from(self.amount) * i128::from(numerator), i128::from(denominator));
        let amount = amount.and_then(|a| i64::try_from(a).ok()).ok_or(MoneyError::Overflow)?;
        Ok(Money::new(amount, self.currency))
    }

    /// `rate` basis points (1/100 of a percent) of this amount, rounded half to even.
    pub fn basis_points(self, rate: i64) -> Result<Money, MoneyError> {
        self.fraction(rate, 10_000)
    }

    /// Shares the amount out in proportion to `weights` by largest remainder: the parts sum to the amount exactly, each
    /// is less than one minor unit from its exact share, ties go to the lower index, a weight of 0 gets nothing. While
    /// the amount is no larger than the sum of the weights, no part is larger than its weight.
    pub fn allocate(self, weights: &[i64]) -> Result<Vec<Money>, MoneyError> {
        let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
        if weights.iter().any(|w| *w < 0) || (total == 0 && self.amount != 0) {
            return Err(MoneyError::NoWeights);
        }
        let amount = i128::from(self.amount).abs();
        let exact = |w: &i64| amount * i128::from(*w);
        let mut parts: Vec<i128> = weights.iter().map(|w| exact(w).checked_div(total).unwrap_or(0)).collect();
        let missing = amount - parts.iter().sum::<i128>();
        let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
        by_remainder.sort_by_key(|&i| std::cmp::Reverse(exact(&weights[i]).checked_rem(total).unwrap_or(0)));
        for &i in by_remainder.iter().take(usize::try_from(missing).unwrap_or(0)) {
            parts[i] += 1;
        }
        let sign = i128::from(self.amount.signum());
        let money = |part: i128| Ok(Money::new(i64::try_from(part * sign).map_err(|_| MoneyError::Overflow)?, self.currency));
        parts.into_iter().map(money).collect()
    }

    fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::MixedCurrency(self.currency, other.currency)) }
    }
}

/// The quotient nearest to the exact one; of two equally near ones the even. `None` for a divisor of 0.
fn divide_half_even(dividend: i128, divisor: i128) -> Option<i128> {
    let floor = dividend.checked_div_euclid(divisor)?;
    let twice = dividend.rem_euclid(divisor) * 2;
    let up = if divisor > 0 { 1 } else { -1 };
    let rounds_up = match twice.cmp(&divisor.abs()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => floor % 2 != 0,
    };
    Some(if rounds_up { floor + up } else { floor })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bdt(amount: i64) -> Money {
        Money::new(amount, Currency::BDT)
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (amount, rate, expected) in [
            (100, 1_250, 12),
            (300, 1_250, 38),
            (-100, 1_250, -12),
            (-300, 1_250, -38),
            (999, 1_000, 100),
            (994, 1_000, 99),
            (129_900, 0, 0),
            (129_900, 10_000, 129_900),
            (1, 5_000, 0),
            (3, 5_000, 2),
            (5, -5_000, -2),
        ] {
            assert_eq!(bdt(amount).basis_points(rate), Ok(bdt(expected)), "{rate} basis points of {amount}");
        }
        assert_eq!(bdt(11_500).fraction(1_500, 11_500), Ok(bdt(1_500)));
        assert_eq!(bdt(7).fraction(1, -2), Ok(bdt(-4)));
        assert_eq!(bdt(7).fraction(1, 0), Err(MoneyError::Overflow));
        assert_eq!(bdt(i64::MAX).fraction(2, 1), Err(MoneyError::Overflow));
    }

    #[test]
    fn amounts_are_shared_out_to_the_last_unit() {
        for (amount, weights, expected) in [
            (100, vec![1, 1, 1], vec![34, 33, 33]),
            (-100, vec![1, 1, 1], vec![-34, -33, -33]),
            (101, vec![1, 1, 1], vec![34, 34, 33]),
            (10, vec![0, 3, 0, 1], vec![0, 8, 0, 2]),
            (5, vec![0, 0, 7], vec![0, 0, 5]),
            (0, vec![0, 0], vec![0, 0]),
            (0, vec![], vec![]),
            (i64::MIN, vec![1], vec![i64::MIN]),
            (i64::MAX, vec![i64::MAX, i64::MAX], vec![i64::MAX / 2 + 1, i64::MAX / 2]),
        ] {
            let parts = bdt(amount).allocate(&weights).unwrap();
            assert_eq!(parts.iter().map(|p| p.amount).collect::<Vec<_>>(), expected, "{amount} over {weights:?}");
        }
        for weights in [vec![], vec![0, 0], vec![2, -1]] {
            assert_eq!(bdt(1).allocate(&weights), Err(MoneyError::NoWeights), "{weights:?}");
        }
    }

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let usd = Money::new(1, "USD".parse().unwrap());
        assert!(matches!(bdt(1).plus(usd), Err(MoneyError::MixedCurrency(..))));
        assert!(matches!(bdt(1).minus(usd), Err(MoneyError::MixedCurrency(..))));
        assert_eq!(bdt(i64::MAX).plus(bdt(1)), Err(MoneyError::Overflow));
        assert_eq!(bdt(i64::MIN).minus(bdt(1)), Err(MoneyError::Overflow));
        assert_eq!(bdt(i64::MAX).times(2), Err(MoneyError::Overflow));
        assert_eq!(Money::sum(Currency::BDT, [bdt(2), bdt(3)]), Ok(bdt(5)));
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_lie_next_to_their_exact_share(amount: i64, weights in prop::collection::vec(0..=i64::MAX, 1..12)) {
            let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
            prop_assume!(total > 0);
            let parts = bdt(amount).allocate(&weights).unwrap();
            prop_assert_eq!(parts.iter().map(|p| i128::from(p.amount)).sum::<i128>(), i128::from(amount));
            for (part, weight) in parts.iter().zip(&weights) {
                let (floor, rest) = { let e = i128::from(amount).abs() * i128::from(*weight); (e / total, e % total) };
                let size = i128::from(part.amount).abs();
                prop_assert!(size == floor || (size == floor + 1 && rest > 0), "{} of {} by {}/{}", size, amount, weight, total);
                prop_assert!(part.amount == 0 || part.amount.signum() == amount.signum());
            }
        }

        #[test]
        fn what_is_taken_in_proportion_never_exceeds_what_is_there(left in prop::collection::vec(0..1_000_000_i64, 1..12), part in 0.0..=1.0_f64) {
            let total: i64 = left.iter().sum();
            let amount = (total as f64 * part) as i64;
            for (taken, there) in bdt(amount).allocate(&left).unwrap().iter().zip(&left) {
                prop_assert!(taken.amount <= *there);
            }
        }

        #[test]
        fn rounding_is_never_further_than_half_and_never_panics(amount: i64, numerator: i64, denominator: i64) {
            if let Ok(rounded) = bdt(amount).fraction(numerator, denominator) {
                let difference = i128::from(rounded.amount) * i128::from(denominator) - i128::from(amount) * i128::from(numerator);
                prop_assert!(difference.abs() * 2 <= i128::from(denominator).abs());
            }
        }

        #[test]
        fn arithmetic_never_panics(a: i64, b: i64) {
            let _ = (bdt(a).plus(bdt(b)), bdt(a).minus(bdt(b)), bdt(a).times(b), bdt(a).basis_points(b));
        }
    }
}
