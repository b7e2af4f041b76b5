//! The only sort of the crate, because sorting code takes several kilobytes for each type that is sorted.

/// Returns the indices of `keys` in ascending order of the keys. Equal keys keep their order; NaN comes last
/// (or first if its sign is negative).
#[must_use]
pub fn argsort(keys: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_by(|a, b| keys[*a as usize].total_cmp(&keys[*b as usize]));
    order
}

#[cfg(test)]
mod tests {
    use super::argsort;

    #[test]
    fn order_is_stable_and_puts_nan_last() {
        assert_eq!(argsort(&[2.0, f64::NAN, 1.0, 2.0, -0.0, 0.0, f64::INFINITY]), [4, 5, 2, 0, 3, 6, 1]);
    }
}
