//! Reproducible random numbers.

use downhill::rng::philox4x32;

/// A sequence of random numbers that depends only on (seed, stream, iteration).
#[derive(Clone, Debug)]
pub struct Random {
    seed: u32,
    stream: u32,
    iteration: u64,
    n_drawn: u32,
}

impl Random {
    /// Starts a sequence.
    pub fn new(seed: u32, stream: u32, iteration: u64) -> Self {
        Self { seed, stream, iteration, n_drawn: 0 }
    }

    /// Returns a number below `n`, which must not be 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.word() % n.max(1) as u64) as usize
    }

    /// Returns true with probability 1/n.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Returns a random element.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Returns 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.n_drawn += 1;
        let place = [self.n_drawn, self.iteration as u32, (self.iteration >> 32) as u32, 0];
        let words = philox4x32(place, [self.seed, self.stream]);
        u64::from(words[0]) << 32 | u64::from(words[1])
    }
}
