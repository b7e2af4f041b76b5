//! What the CPU engine and the WGSL shaders share: the kernels' parameters with identical byte layout, the
//! shapes that kernels are compiled for, and the shader sources.

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

/// Invocations per workgroup. With 64, a short batch does not waste time in a wide reduction.
pub const WORKGROUP_SIZE: u32 = 64;

/// A kernel: its name on CPU and GPU, and the parts of its WGSL source.
#[derive(Debug)]
pub struct Kernel {
    /// Name of the WGSL entry point, and of the corresponding function in [`mod@super::cpu`].
    pub name: &'static str,
    /// The source parts of the kernel, in order, for the squared loss of one output over equally weighted
    /// rows.
    parts: &'static [&'static str],
    /// The source parts for every other case (see [`Shape::general`]).
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

/// Source parts for the weight of a row: `[no sample weights and folds, sample weights or folds]`.
const SHARES: [&[&str]; 2] = [parts!(unweighted), parts!(weighted)];

/// Source parts for the seed of a run's row order: `[all runs share it, each run has its own]`.
const ORDERS: [&[&str]; 2] = [parts!(shared_order), parts!(own_order)];

/// Kernels for partial sums of loss and gradient, one workgroup per tile of the batch: `[rows in order, rows
/// in shuffled order]`.
pub const GRADIENT: [Kernel; 2] = [
    kernel!("gradient": ordered loss narrow fold gradient; ordered losses narrow_general fold gradient),
    kernel!("gradient": permutation shuffled loss narrow fold gradient;
        permutation shuffled losses narrow_general fold gradient),
];

/// Kernels for partial sums of loss and gradient with many features: `[rows in order, rows in shuffled
/// order]`.
pub const GRADIENT_WIDE: [Kernel; 2] = [
    kernel!("gradient": ordered loss gradient_wide; ordered losses gradient_wide_general),
    kernel!("gradient": permutation shuffled loss gradient_wide;
        permutation shuffled losses gradient_wide_general),
];

/// Kernels for many steps on small batches, one workgroup per run: `[rows in order, rows in shuffled order]`.
pub const DESCEND: [Kernel; 2] = [
    kernel!("descend": ordered loss narrow fold optimizer plain apply descend;
        ordered losses narrow_general fold optimizer penalized apply descend),
    kernel!("descend": permutation shuffled loss narrow fold optimizer plain apply descend;
        permutation shuffled losses narrow_general fold optimizer penalized apply descend),
];

/// The kernel that adds up the partial sums and makes one update, one workgroup per run.
pub const UPDATE: Kernel = kernel!("update": optimizer plain apply update; optimizer penalized apply update);

impl Kernel {
    /// Invocations per workgroup for this shape. With few rows that are visited again and again, half as many
    /// are used, which synchronize faster.
    pub fn workgroup_size(&self, shape: &Shape) -> u32 {
        if self.name == DESCEND[0].name && shape.n_samples <= FEW_ROWS {
            WORKGROUP_SIZE / 2
        } else {
            WORKGROUP_SIZE
        }
    }

    /// The WGSL source of the kernel for a problem of this shape.
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
/// `build.rs` has encoded an outer loop as `\x01i N`, its body and `\x02`; nested loops use `\x03` and
/// `\x04`.
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
