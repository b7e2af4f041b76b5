//! Vectors of four f32 that are processed at once: `v128` in wasm, elsewhere an array that the compiler
//! vectorizes.
//!
//! Multiplications and additions are never fused, so both versions give the same bits.

use std::ops::{Add, AddAssign, Mul, Sub};

#[cfg(target_feature = "simd128")]
use std::arch::wasm32 as simd;

/// Number of lanes per vector.
pub(super) const N: usize = 4;

/// A vector of four f32, as wasm SIMD.
#[cfg(target_feature = "simd128")]
#[derive(Clone, Copy, Debug)]
pub(super) struct F32x4(simd::v128);

/// A vector of four f32, as an array.
#[cfg(not(target_feature = "simd128"))]
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct F32x4([f32; N]);

impl F32x4 {
    /// A vector of four zeros.
    #[inline(always)]
    pub(super) fn zero() -> Self {
        Self::splat(0.0)
    }

    /// Loads four values from `start` on.
    #[inline(always)]
    pub(super) fn load_at(values: &[f32], start: usize) -> Self {
        let own = &values[start..start + N];
        Self::load(&[own[0], own[1], own[2], own[3]])
    }

    /// The sum of the four values, computed in f64.
    #[inline(always)]
    pub(super) fn sum(self) -> f64 {
        let [a, b, c, d] = self.array().map(f64::from);
        (a + b) + (c + d)
    }
}

#[cfg(target_feature = "simd128")]
impl F32x4 {
    #[inline(always)]
    pub(super) fn load(values: &[f32; N]) -> Self {
        Self(simd::f32x4(values[0], values[1], values[2], values[3]))
    }

    #[inline(always)]
    pub(super) fn splat(value: f32) -> Self {
        Self(simd::f32x4_splat(value))
    }

    #[inline(always)]
    pub(super) fn array(self) -> [f32; N] {
        [
            simd::f32x4_extract_lane::<0>(self.0),
            simd::f32x4_extract_lane::<1>(self.0),
            simd::f32x4_extract_lane::<2>(self.0),
            simd::f32x4_extract_lane::<3>(self.0),
        ]
    }

    /// Keeps the lanes from `start` on and sets the lanes before it to zero.
    #[inline(always)]
    pub(super) fn keep_from(self, start: usize) -> Self {
        let lanes: [u32; N] = std::array::from_fn(|lane| if lane < start { 0 } else { u32::MAX });
        Self(simd::v128_and(self.0, simd::u32x4(lanes[0], lanes[1], lanes[2], lanes[3])))
    }

    /// A vector with the sum of each of the four given vectors, in order.
    #[inline(always)]
    pub(super) fn sum_each([a, b, c, d]: [Self; N]) -> Self {
        let pairs = |a: Self, b: Self| {
            let even = simd::i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0);
            let odd = simd::i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0);
            simd::f32x4_add(even, odd)
        };
        let (ab, cd) = (pairs(a, b), pairs(c, d));
        Self(simd::f32x4_add(simd::i64x2_shuffle::<0, 2>(ab, cd), simd::i64x2_shuffle::<1, 3>(ab, cd)))
    }

    /// Splits four pairs into their first and second values.
    #[inline(always)]
    pub(super) fn unzip2([a, b]: [Self; 2]) -> [Self; 2] {
        [Self(simd::i32x4_shuffle::<0, 2, 4, 6>(a.0, b.0)), Self(simd::i32x4_shuffle::<1, 3, 5, 7>(a.0, b.0))]
    }

    /// Splits four triples into their first, second and third values.
    #[inline(always)]
    pub(super) fn unzip3([a, b, c]: [Self; 3]) -> [Self; 3] {
        let ab = simd::i32x4_shuffle::<0, 3, 6, 0>(a.0, b.0);
        let bc = simd::i32x4_shuffle::<1, 4, 7, 0>(a.0, b.0);
        let ac = simd::i32x4_shuffle::<2, 5, 0, 0>(a.0, b.0);
        [
            Self(simd::i32x4_shuffle::<0, 1, 2, 5>(ab, c.0)),
            Self(simd::i32x4_shuffle::<0, 1, 2, 6>(bc, c.0)),
            Self(simd::i32x4_shuffle::<0, 1, 4, 7>(ac, c.0)),
        ]
    }
}

#[cfg(not(target_feature = "simd128"))]
impl F32x4 {
    #[inline(always)]
    pub(super) fn load(values: &[f32; N]) -> Self {
        Self(*values)
    }

    #[inline(always)]
    pub(super) fn splat(value: f32) -> Self {
        Self([value; N])
    }

    #[inline(always)]
    pub(super) fn array(self) -> [f32; N] {
        self.0
    }

    /// Keeps the lanes from `start` on and sets the lanes before it to zero.
    #[inline(always)]
    pub(super) fn keep_from(self, start: usize) -> Self {
        Self(std::array::from_fn(|lane| if lane < start { 0.0 } else { self.0[lane] }))
    }

    /// A vector with the sum of each of the four given vectors, in order.
    #[inline(always)]
    pub(super) fn sum_each(vectors: [Self; N]) -> Self {
        Self(vectors.map(|Self([a, b, c, d])| (a + c) + (b + d)))
    }

    /// Splits four pairs into their first and second values.
    #[inline(always)]
    pub(super) fn unzip2([Self(a), Self(b)]: [Self; 2]) -> [Self; 2] {
        [Self([a[0], a[2], b[0], b[2]]), Self([a[1], a[3], b[1], b[3]])]
    }

    /// Splits four triples into their first, second and third values.
    #[inline(always)]
    pub(super) fn unzip3([Self(a), Self(b), Self(c)]: [Self; 3]) -> [Self; 3] {
        [Self([a[0], a[3], b[2], c[1]]), Self([a[1], b[0], b[3], c[2]]), Self([a[2], b[1], c[0], c[3]])]
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $simd:ident) => {
        impl $trait for F32x4 {
            type Output = Self;

            #[cfg(target_feature = "simd128")]
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(simd::$simd(self.0, other.0))
            }

            #[cfg(not(target_feature = "simd128"))]
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(std::array::from_fn(|lane| self.0[lane].$method(other.0[lane])))
            }
        }
    };
}

operator!(Add, add, f32x4_add);
operator!(Sub, sub, f32x4_sub);
operator!(Mul, mul, f32x4_mul);

impl AddAssign for F32x4 {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
