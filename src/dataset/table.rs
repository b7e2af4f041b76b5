//! A table as a source of rows, with a fingerprint that identifies it.

use super::Dataset;

/// A table of rows, with a fingerprint that identifies it in configurations.
#[derive(Clone, Debug)]
pub struct Table {
    /// The rows of the table, with the chosen columns.
    pub dataset: Dataset,
    fingerprint: String,
}

impl Table {
    /// A table in memory; its fingerprint is computed from the rows.
    pub fn new(dataset: Dataset) -> Self {
        let fingerprint = fingerprint(&dataset);
        Self { dataset, fingerprint }
    }

    /// A table that is stored outside this crate. `fingerprint` is a hash of all its columns, chosen or not.
    pub fn kept_elsewhere(dataset: Dataset, fingerprint: String) -> Self {
        Self { dataset, fingerprint }
    }

    /// A hash that identifies this table, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// The 64-bit FNV-1a hash of all inputs and then of all targets, in hexadecimal.
fn fingerprint(dataset: &Dataset) -> String {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut add = |values: &[f64]| {
        for byte in values.iter().flat_map(|value| value.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    };
    dataset.for_each_block(|x, _| add(x));
    dataset.for_each_block(|_, y| add(y));
    format!("{hash:016x}")
}
