//! Seeded random numbers, and the order in which an epoch visits the rows.
//!
//! Both are counter-based: each value is a function of seed, stream and position. Every backend, thread and
//! resumed run therefore gets the same values, without any state to pass on.

use std::f64::consts::TAU;

/// The random number generator Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
/// 3").
pub fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const M: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const W: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..10 {
        let p0 = M[0] * u64::from(counter[0]);
        let p1 = M[1] * u64::from(counter[2]);
        counter = [
            (p1 >> 32) as u32 ^ counter[1] ^ key[0],
            p1 as u32,
            (p0 >> 32) as u32 ^ counter[3] ^ key[1],
            p0 as u32,
        ];
        key = [key[0].wrapping_add(W[0]), key[1].wrapping_add(W[1])];
    }
    counter
}

/// What random numbers are used for. The streams of one seed do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Noise of generated targets.
    Noise = 1,
    /// Initial weights.
    InitialWeights = 2,
}

/// Random numbers of one stream, in order.
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u32; 2],
    counter: u64,
}

impl Rng {
    /// The numbers of a stream under `seed`, from the first one.
    pub fn new(seed: u32, stream: Stream) -> Self {
        Self::from_place(seed, stream, 0)
    }

    /// The numbers of a stream under `seed`, from number `place` on. Each number uses one position, whatever
    /// its distribution.
    pub fn from_place(seed: u32, stream: Stream, place: u64) -> Self {
        Self { key: [seed, stream as u32], counter: place }
    }

    /// Two uniform numbers on [0, 1), with 53 bits each.
    fn uniform_pair(&mut self) -> [f64; 2] {
        let words = philox4x32([self.counter as u32, (self.counter >> 32) as u32, 0, 0], self.key);
        self.counter += 1;
        let unit = |high: u32, low: u32| {
            let bits = (u64::from(high) << 21) | u64::from(low >> 11);
            bits as f64 / (1_u64 << 53) as f64
        };
        [unit(words[0], words[1]), unit(words[2], words[3])]
    }

    /// Returns a number that is uniform on [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform_pair()[0]
    }

    /// Returns a number that is normal with mean 0 and variance 1 (Box and Muller 1958). It uses libm, so
    /// that every platform has the same result.
    pub fn normal(&mut self) -> f64 {
        let [u, v] = self.uniform_pair();
        libm::sqrt(-2.0 * libm::log(1.0 - u)) * libm::cos(TAU * v)
    }
}

/// Number of rounds of the Feistel network. With six, a chi-square test finds no structure for small n.
pub const N_ROUNDS: usize = 6;

/// Rows per block if all rows are in memory. There is only one block then, so all rows are shuffled together.
pub const IN_MEMORY_BLOCK_ROWS: u32 = 1 << 24;

/// The row order of an epoch: a bijection from position to row, in two levels. Blocks of
/// `block_rows` rows are shuffled, then the rows within each block. `shaders/permutation.wgsl` does
/// the same on the GPU.
///
/// Each level is a Feistel network (Luby and Rackoff 1988) over the next power of two, repeated
/// until the result is in range (Black and Rogaway 2002). It needs no index array, whatever the
/// number of rows.
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    n_samples: u32,
    block_rows: u32,
    seed: u32,
    epoch: u32,
    /// Position of the last block, which may be shorter, in the shuffled order of blocks.
    tail_slot: u32,
    /// Number of rows in the last block.
    tail_rows: u32,
    /// Round keys for shuffling blocks, or rows if there is only one block.
    keys: [u32; N_ROUNDS],
}

impl Permutation {
    /// The order of `n_samples` rows in epoch `epoch` (modulo 2^32) under `seed`, in blocks of `block_rows`
    /// rows.
    pub fn new(n_samples: u32, block_rows: u32, seed: u32, epoch: u32) -> Self {
        let n_blocks = n_samples.div_ceil(block_rows).max(1);
        let keys = round_keys(seed, epoch, 0);
        let tail_slot = if n_blocks > 1 { unpermute(n_blocks - 1, n_blocks, &keys) } else { 0 };
        let tail_rows = n_samples - (n_blocks - 1) * block_rows;
        Self { n_samples, block_rows, seed, epoch, tail_slot, tail_rows, keys }
    }

    /// The index of the row at `position` of the epoch, both from 0.
    #[inline]
    pub fn row(&self, position: u32) -> u32 {
        if self.n_samples <= self.block_rows {
            return permute(position, self.n_samples, &self.keys);
        }
        let n_blocks = self.n_samples.div_ceil(self.block_rows);
        let tail_start = self.tail_slot * self.block_rows;
        let (slot, within, length) = if position < tail_start {
            (position / self.block_rows, position % self.block_rows, self.block_rows)
        } else if position - tail_start < self.tail_rows {
            (self.tail_slot, position - tail_start, self.tail_rows)
        } else {
            let after = position - tail_start - self.tail_rows;
            (self.tail_slot + 1 + after / self.block_rows, after % self.block_rows, self.block_rows)
        };
        let block = permute(slot, n_blocks, &self.keys);
        let keys = round_keys(self.seed, self.epoch, block + 1);
        block * self.block_rows + permute(within, length, &keys)
    }

    /// Position of the shorter block in the shuffled order of blocks, which kernels take as a parameter.
    pub fn tail_slot(&self) -> u32 {
        self.tail_slot
    }
}

/// The same order as a [`Permutation`], made faster for many rows by tables of the network's rounds. Half an
/// index has few values, so the tables are quick to make, and a row costs six look-ups in the nearest cache.
#[derive(Clone, Debug)]
pub struct TabledPermutation {
    order: Permutation,
    halves: Halves,
    /// For each round, a table that gives the change of one half of an index by the value of the other half;
    /// even rounds change the left half.
    rounds: [Vec<u16>; N_ROUNDS],
}

impl TabledPermutation {
    /// Builds the tables for `order`.
    pub fn new(order: Permutation) -> Self {
        let mut tabled = Self { order, halves: Halves::of(order.n_samples), rounds: Default::default() };
        tabled.change(order);
        tabled
    }

    /// Replaces the tables by those for another order, reusing their memory.
    pub fn change(&mut self, order: Permutation) {
        self.order = order;
        self.halves = Halves::of(order.n_samples);
        for (round, (table, key)) in self.rounds.iter_mut().zip(order.keys).enumerate() {
            let masks = [self.halves.right_mask, self.halves.left_mask];
            let (from, to) = (masks[round % 2], masks[1 - round % 2]);
            table.resize(from as usize + 1, 0);
            for (half, change) in (0..).zip(table) {
                *change = (mix(half ^ key) & to) as u16;
            }
        }
    }

    /// Fills `out` with the row indices at the positions from `start` on, as [`Permutation::row`] returns
    /// them.
    pub fn rows(&self, start: u32, out: &mut [u32]) {
        let n = self.order.n_samples;
        if n > self.order.block_rows {
            for (position, row) in (start..).zip(out) {
                *row = self.order.row(position);
            }
            return;
        }
        let [t0, t1, t2, t3, t4, t5] = self.rounds.each_ref().map(Vec::as_slice);
        let look = |table: &[u16], half: u32| u32::from(table[half as usize]);
        let network = |index: u32| {
            let (mut left, mut right) = self.halves.split(index);
            left ^= look(t0, right);
            right ^= look(t1, left);
            left ^= look(t2, right);
            right ^= look(t3, left);
            left ^= look(t4, right);
            right ^= look(t5, left);
            self.halves.join(left, right)
        };
        // Indices out of range are mapped again, all together and without a branch, which no
        // processor could predict.
        let (mut walkers, mut places) = ([0_u32; AT_ONCE], [0_u16; AT_ONCE]);
        for (chunk, start) in out.chunks_mut(AT_ONCE).zip((start..).step_by(AT_ONCE)) {
            let mut outside = 0;
            for (i, (row, position)) in chunk.iter_mut().zip(start..).enumerate() {
                *row = network(position);
                (walkers[outside], places[outside]) = (*row, i as u16);
                outside += usize::from(*row >= n);
            }
            while outside > 0 {
                let n_walkers = std::mem::take(&mut outside);
                for i in 0..n_walkers {
                    let (row, place) = (network(walkers[i]), places[i]);
                    chunk[usize::from(place)] = row;
                    (walkers[outside], places[outside]) = (row, place);
                    outside += usize::from(row >= n);
                }
            }
        }
    }
}

/// Number of positions that are mapped at once.
const AT_ONCE: usize = 256;

/// A bijection of 32-bit integers whose output bits all depend on all input bits (Wellons 2018, "lowbias32").
#[inline(always)]
pub fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7FEB_352D);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

/// The round keys for shuffling at one level: blocks, or rows within a block.
#[inline]
pub fn round_keys(seed: u32, epoch: u32, level: u32) -> [u32; N_ROUNDS] {
    let base = mix(mix(mix(seed ^ 0x9E37_79B9) ^ epoch).wrapping_add(level));
    std::array::from_fn(|round| mix(base.wrapping_add((round as u32).wrapping_mul(0x9E37_79B9))))
}

/// Maps `index` to another index below `n`: a permutation that the keys determine.
#[inline]
fn permute(index: u32, n: u32, keys: &[u32; N_ROUNDS]) -> u32 {
    let halves = Halves::of(n);
    let mut index = index;
    loop {
        index = halves.network(index, keys);
        if index < n {
            return index;
        }
    }
}

/// The inverse of [`permute`].
fn unpermute(index: u32, n: u32, keys: &[u32; N_ROUNDS]) -> u32 {
    let halves = Halves::of(n);
    let mut index = index;
    loop {
        let (mut left, mut right) = halves.split(index);
        for pair in keys.chunks_exact(2).rev() {
            right ^= mix(left ^ pair[1]) & halves.right_mask;
            left ^= mix(right ^ pair[0]) & halves.left_mask;
        }
        index = halves.join(left, right);
        if index < n {
            return index;
        }
    }
}

/// How an index below the next power of two is divided into a left and a right half.
#[derive(Clone, Copy, Debug)]
struct Halves {
    right_bits: u32,
    left_mask: u32,
    right_mask: u32,
}

impl Halves {
    #[inline]
    fn of(n: u32) -> Self {
        let bits = (32 - n.saturating_sub(1).leading_zeros()).max(2);
        let left_bits = bits / 2;
        let right_bits = bits - left_bits;
        Self { right_bits, left_mask: (1 << left_bits) - 1, right_mask: (1 << right_bits) - 1 }
    }

    /// Applies all rounds of the network once.
    #[inline(always)]
    fn network(&self, index: u32, keys: &[u32; N_ROUNDS]) -> u32 {
        let (mut left, mut right) = self.split(index);
        for pair in keys.as_chunks::<2>().0 {
            left ^= mix(right ^ pair[0]) & self.left_mask;
            right ^= mix(left ^ pair[1]) & self.right_mask;
        }
        self.join(left, right)
    }

    #[inline(always)]
    fn split(&self, index: u32) -> (u32, u32) {
        (index >> self.right_bits, index & self.right_mask)
    }

    #[inline(always)]
    fn join(&self, left: u32, right: u32) -> u32 {
        (left << self.right_bits) | right
    }
}
