//! Everything that both sides of the mirror share: the parameters of the kernels, byte for byte, the shapes that kernels
//! are compiled for, and their sources.

use crate::choices;

mod constants;
mod parameters;
mod shape;
mod slots;

pub use constants::*;
pub use parameters::*;
use shape::{FEW_ROWS, MAX_UNROLLED};
pub use shape::{MAX_TILES, Shape, tiles};
pub use slots::SlotSet;

/// Invocations per workgroup. With 64, short batches do not idle through a wide reduction.
pub const WORKGROUP_SIZE: u32 = 64;

/// A kernel: its name on both sides, and its WGSL source.
#[derive(Debug)]
pub struct Kernel {
    /// Name of the entry point, and of the CPU version in [`mod@super::cpu`].
    pub name: &'static str,
    /// The parts of its source, in order.
    parts: &'static [&'static str],
    /// The parts for the general kernels.
    general: &'static [&'static str],
}

macro_rules! parts {
    ($($stem:ident)*) => {
        &[$(include_str!(concat!(env!("OUT_DIR"), "/", stringify!($stem), ".wgsl"))),*]
    };
}

macro_rules! kernel {
    ($name:literal: $($part:ident)*; $($general:ident)*) => {
        Kernel {
            name: $name,
            parts: parts!(types $($part)*),
            general: parts!(types settings $($general)*),
        }
    };
}

/// How rows are weighted: all the same, or by weights and folds.
const SHARES: [&[&str]; 2] = [parts!(unweighted), parts!(weighted)];

/// The seed of a run's row order: shared by all runs, or its own.
const ORDERS: [&[&str]; 2] = [parts!(shared_order), parts!(own_order)];

/// Partial sums of loss and gradient, one workgroup per tile of the batch. In each pair, the second
/// kernel takes rows in shuffled order.
pub const GRADIENT: [Kernel; 2] = [
    kernel!("gradient": ordered loss narrow fold gradient; ordered losses narrow_general fold gradient),
    kernel!("gradient": permutation shuffled loss narrow fold gradient;
        permutation shuffled losses narrow_general fold gradient),
];

/// Partial sums for many features.
pub const GRADIENT_WIDE: [Kernel; 2] = [
    kernel!("gradient": ordered loss gradient_wide; ordered losses gradient_wide_general),
    kernel!("gradient": permutation shuffled loss gradient_wide;
        permutation shuffled losses gradient_wide_general),
];

/// Many steps on small batches, one workgroup per run.
pub const DESCEND: [Kernel; 2] = [
    kernel!("descend": ordered loss narrow fold optimizer plain apply descend;
        ordered losses narrow_general fold optimizer penalized apply descend),
    kernel!("descend": permutation shuffled loss narrow fold optimizer plain apply descend;
        permutation shuffled losses narrow_general fold optimizer penalized apply descend),
];

/// Adds up the partial sums and makes one update, one workgroup per run.
pub const UPDATE: Kernel = kernel!("update": optimizer plain apply update; optimizer penalized apply update);

impl Kernel {
    /// Invocations per workgroup. If few rows are visited again and again, half as many synchronize
    /// faster.
    pub fn workgroup_size(&self, shape: &Shape) -> u32 {
        if self.name == DESCEND[0].name && shape.n_samples <= FEW_ROWS {
            WORKGROUP_SIZE / 2
        } else {
            WORKGROUP_SIZE
        }
    }

    /// The WGSL source for a problem of this shape.
    pub fn source(&self, shape: &Shape) -> String {
        let constants = [&shape.constants(self.workgroup_size(shape))[..], &shape.slots.constants()].concat();
        if shape.general() {
            let constants = [&constants[..], &shape.general_constants()].concat();
            let (shares, order) = (usize::from(shape.weighted), usize::from(shape.own_orders));
            return write(&[self.general, SHARES[shares], ORDERS[order]].concat(), &constants);
        }
        write(&[self.parts, ORDERS[0]].concat(), &constants)
    }
}

fn write(parts: &[&str], constants: &[(&str, u32)]) -> String {
    let mut source = String::new();
    let shared = SHARED_CONSTANTS.iter().map(|(name, value)| ((*name).to_owned(), *value));
    let own = constants.iter().map(|(name, value)| ((*name).to_owned(), *value));
    for (name, value) in own.chain(shared).chain(choices::kernel_constants()) {
        source += &format!("const {name}: u32 = {value}u;\n");
    }
    for (name, value) in SHARED_FLOATS {
        source += &format!("const {name}: f32 = {value:?}f;\n");
    }
    for part in parts {
        unroll(part, 0, constants, &mut source);
    }
    source
}

/// Unrolls the loops that a shader marks as `// unrolled`, so that values with constant indices
/// stay in registers. Drivers unroll where they can, but software adapters gather and scatter
/// instead.
///
/// `build.rs` has turned them into `\x01i N`, their body and `\x02`, and nested ones into `\x03`
/// and `\x04`.
fn unroll(text: &str, level: u8, constants: &[(&str, u32)], out: &mut String) {
    let [open, close] = [1, 2].map(|mark| char::from(2 * level + mark));
    let mut rest = text;
    while let Some((before, marked)) = rest.split_once(open) {
        let (body, after) = marked.split_once(close).unwrap_or_default();
        let (header, body) = body.split_once('\n').unwrap_or_default();
        let (i, n) = header.split_once(' ').unwrap_or_default();
        let rounds = constants.iter().find(|constant| constant.0 == n).map_or(0, |constant| constant.1);
        let looped = rounds > MAX_UNROLLED;
        out.push_str(before);
        for round in 0..if looped { 1 } else { rounds } {
            out.push_str(&if looped {
                format!("for(var {i}=0u;{i}<{n};{i}++){{")
            } else {
                format!("{{const {i}={round}u;")
            });
            unroll(body, level + 1, constants, out);
            out.push('}');
        }
        rest = after;
    }
    out.push_str(rest);
}
