//! Numbers with twice the digits of f64: an unevaluated sum of two that do not overlap, by
//! error-free transformations (Dekker 1971; Knuth, TAOCP 4.2.2). They keep the last digit right
//! when many products nearly cancel.
//!
//! Products are split by Veltkamp's method, because WebAssembly has no fused multiply-add.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// `high + low`, where `low` is at most half a unit in the last place of `high`: about 31 decimal
/// digits. Magnitudes above 1e290 would overflow when split.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Double {
    high: f64,
    low: f64,
}

impl Double {
    /// Rounds to the nearest f64.
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    /// The exact product `a b`.
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
        let low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low;
        Self { high, low }
    }

    /// The exact sum `a + b`.
    pub(crate) fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let of_b = high - a;
        Self { high, low: (a - (high - of_b)) + (b - of_b) }
    }

    /// This number raised to an integer power.
    pub(crate) fn power(self, exponent: u32) -> Self {
        (0..exponent).fold(Self::from(1.0), |power, _| power * self)
    }

    /// Normalizes so that `|low|` is at most half a unit in the last place of `high`, given `|a| >=
    /// |b|`.
    fn normal(a: f64, b: f64) -> Self {
        let high = a + b;
        Self { high, low: b - (high - a) }
    }
}

impl From<f64> for Double {
    fn from(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }
}

impl Add for Double {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (high, low) = (Self::sum(self.high, other.high), Self::sum(self.low, other.low));
        let sum = Self::normal(high.high, high.low + low.high);
        Self::normal(sum.high, sum.low + low.low)
    }
}

impl AddAssign for Double {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Double {
    type Output = Self;

    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl Sub for Double {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Double {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = Self::product(self.high, other.high);
        Self::normal(product.high, product.low + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Double {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        // Long division, one f64 digit at a time.
        let first = self.high / other.high;
        let left = self - other * Self::from(first);
        let second = left.high / other.high;
        let third = (left - other * Self::from(second)).high / other.high;
        Self::normal(first, second) + Self::from(third)
    }
}

impl Sum for Double {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::default(), |sum, value| sum + value)
    }
}

/// Splits `a` into two numbers of at most 26 bits each whose sum is `a`.
fn split(a: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0; // 2^27 + 1
    let wide = SPLITTER * a;
    let high = wide - (wide - a);
    (high, a - high)
}
