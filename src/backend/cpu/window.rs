//! Copies rows in an epoch's shuffled order to consecutive memory; also reads rows in file order if they are
//! not in memory.
//!
//! Copying a window of rows ahead of the steps that use them costs a copy but gains more: the
//! copies do not wait for each other, so memory works on many rows at a time, and every step then
//! reads a stream.

use super::lanes::{F32x4, N};
use crate::dataset::{Problem, Stored};
use crate::rng::{Permutation, TabledPermutation};

/// Number of f32 values per window, which then stays in a core's own cache.
const WINDOW_NUMBERS: usize = 1 << 14;

/// A copy of the rows at consecutive positions of one epoch's shuffled order.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Seed, epoch and block size, and the row order that they determine.
    order: Option<((u32, u32, u32), TabledPermutation)>,
    start: usize,
    rows: Vec<u32>,
    features: Vec<f32>,
    targets: Vec<f32>,
    blocks: Blocks,
}

/// The blocks of features that were read most recently from storage. The batches of one call lie in at most
/// two blocks, so parallel runs read each block once.
#[derive(Debug, Default)]
struct Blocks {
    /// Block number and features of each kept block, the most recently used first.
    kept: Vec<(u32, Vec<f32>)>,
}

/// Number of blocks that are kept.
const N_KEPT: usize = 2;

impl Blocks {
    /// The features of block number `block`, which are read if it is not kept.
    fn of<'a>(&'a mut self, stored: &Stored, block: u32) -> &'a [f32] {
        match self.kept.iter().position(|(own, _)| *own == block) {
            Some(place) => self.kept[..=place].rotate_right(1),
            None => {
                if self.kept.len() < N_KEPT {
                    self.kept.push((block, Vec::new()));
                }
                self.kept.rotate_right(1);
                let (own, features) = &mut self.kept[0];
                *own = block;
                stored.read(block, features);
            }
        }
        &self.kept[0].1
    }
}

impl Window {
    /// Features and targets in file order from row `start` on: at least one row, at most `n_rows`, all within
    /// one block.
    #[inline(always)]
    pub(super) fn in_order<'a>(
        &'a mut self,
        problem: &'a Problem,
        start: usize,
        n_rows: usize,
    ) -> (&'a [f32], &'a [f32]) {
        let d = problem.n_features as usize;
        let mut end = start + n_rows;
        if problem.has_blocks() || problem.stored().is_some() {
            let block_rows = problem.block_rows as usize;
            let first = start - start % block_rows;
            end = end.min(first + block_rows);
            if let Some(stored) = problem.stored() {
                let features = self.blocks.of(stored, (first / block_rows) as u32);
                return (&features[(start - first) * d..(end - first) * d], &problem.targets[start..end]);
            }
        }
        (&problem.features[start * d..end * d], &problem.targets[start..end])
    }

    /// Copies the features of the window's rows from blocks in storage; `d` is the number of features.
    fn copy_stored(&mut self, stored: &Stored, block_rows: u32, d: usize) {
        let mut out = self.features.chunks_exact_mut(d);
        for rows in self.rows.chunk_by(|a, b| a / block_rows == b / block_rows) {
            let block = rows[0] / block_rows;
            let features = self.blocks.of(stored, block);
            for (row, out) in rows.iter().zip(&mut out) {
                out.copy_from_slice(&features[(row - block * block_rows) as usize * d..][..d]);
            }
        }
    }

    /// Number of rows per window for batches of `batch_rows` rows: whole batches, or part of one.
    fn length(n_features: usize, batch_rows: usize) -> usize {
        let rows = (WINDOW_NUMBERS / (n_features + 1)).max(1);
        if batch_rows < rows { rows / batch_rows * batch_rows } else { rows }
    }

    /// Features and targets at position `start` of the shuffled order and those that follow: at least one
    /// row, at most `n_rows`. `key` is seed, epoch and block size; `batch_rows` is the number of rows that
    /// the next call will ask for.
    pub(super) fn rows(
        &mut self,
        problem: &Problem,
        key: (u32, u32, u32),
        start: usize,
        n_rows: usize,
        batch_rows: usize,
    ) -> (&[f32], &[f32]) {
        let d = problem.n_features as usize;
        let end = self.start + self.targets.len();
        if self.order.as_ref().is_none_or(|(own, _)| *own != key) || start < self.start || start >= end {
            self.fill(problem, key, start, Self::length(d, batch_rows));
        }
        let from = start - self.start;
        let to = (from + n_rows).min(self.targets.len());
        (&self.features[from * d..to * d], &self.targets[from..to])
    }

    /// Does the same as `rows`, and also returns the indices of the rows.
    pub(super) fn indexed_rows(
        &mut self,
        problem: &Problem,
        key: (u32, u32, u32),
        start: usize,
        n_rows: usize,
        batch_rows: usize,
    ) -> (&[u32], &[f32], &[f32]) {
        let n = self.rows(problem, key, start, n_rows, batch_rows).1.len();
        let (d, from) = (problem.n_features as usize, start - self.start);
        let to = from + n;
        (&self.rows[from..to], &self.features[from * d..to * d], &self.targets[from..to])
    }

    fn fill(&mut self, problem: &Problem, key: (u32, u32, u32), start: usize, length: usize) {
        let n_samples = problem.n_samples as usize;
        let d = problem.n_features as usize;
        let n = length.min(n_samples - start);
        let (seed, epoch, block_rows) = key;
        let wanted = Permutation::new(problem.n_samples, block_rows, seed, epoch);
        let (own, order) = self.order.get_or_insert_with(|| (key, TabledPermutation::new(wanted)));
        if *own != key {
            *own = key;
            order.change(wanted);
        }
        self.start = start;
        self.rows.resize(n, 0);
        self.targets.resize(n, 0.0);
        self.features.resize(n * d, 0.0);
        order.rows(start as u32, &mut self.rows);
        for (target, row) in self.targets.iter_mut().zip(&self.rows) {
            *target = problem.targets[*row as usize];
        }
        if let Some(stored) = problem.stored() {
            self.copy_stored(stored, problem.block_rows, d);
            return;
        }
        let rows = self.rows.iter().map(|row| *row as usize);
        match d {
            1 => {
                for (feature, row) in self.features.iter_mut().zip(rows) {
                    *feature = problem.features[row];
                }
            }
            2 | 3 => {
                for (out, row) in self.features.chunks_exact_mut(d).zip(rows) {
                    for (out, feature) in out.iter_mut().zip(&problem.features[row * d..][..d]) {
                        *out = *feature;
                    }
                }
            }
            4..=12 => copy::<3>(&problem.features, d, rows, &mut self.features),
            _ => {
                for (out, row) in self.features.chunks_exact_mut(d).zip(rows) {
                    out.copy_from_slice(&problem.features[row * d..][..d]);
                }
            }
        }
    }
}

/// Copies rows of `V` vectors, the last of which may overlap the one before it; `d` is the number of
/// features. One call for all rows, because a call per row would cost more than the copy itself.
fn copy<const V: usize>(features: &[f32], d: usize, rows: impl Iterator<Item = usize>, out: &mut [f32]) {
    for (out, row) in out.chunks_exact_mut(d).zip(rows) {
        let row = &features[row * d..][..d];
        for v in 0..V {
            let start = (N * v).min(d - N);
            out[start..start + N].copy_from_slice(&F32x4::load_at(row, start).array());
        }
    }
}
