//! A table as a source of rows, with a fingerprint that identifies it.

use super::Dataset;

/// A table that somebody has read.
#[derive(Clone, Debug)]
pub struct Table {
    /// The rows of the table.
    pub dataset: Dataset,
    fingerprint: String,
}

impl Table {
    /// A table that is kept here.
    pub fn new(dataset: Dataset) -> Self {
        let fingerprint = fingerprint(&dataset);
        Self { dataset, fingerprint }
    }

    /// A table that somebody else keeps, under a hash of all of its columns, chosen or not.
    pub fn kept_elsewhere(dataset: Dataset, fingerprint: String) -> Self {
        Self { dataset, fingerprint }
    }

    /// A hash that identifies this table, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// FNV-1a, 64 bits, of every input and then of every target.
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
