//! Chance that can be repeated.

use downhill::rng::philox4x32;

/// Numbers that are a function of (seed, stream, iteration) and of how many were drawn before.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u32,
    stream: u32,
    iteration: u64,
    n_drawn: u32,
}

impl Random {
    /// From the first on.
    pub fn new(seed: u32, stream: u32, iteration: u64) -> Self {
        Self { seed, stream, iteration, n_drawn: 0 }
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.word() % n.max(1) as u64) as usize
    }

    /// Whether it is that one of `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// 64 bits.
    pub fn word(&mut self) -> u64 {
        self.n_drawn += 1;
        let place = [self.n_drawn, self.iteration as u32, (self.iteration >> 32) as u32, 0];
        let words = philox4x32(place, [self.seed, self.stream]);
        u64::from(words[0]) << 32 | u64::from(words[1])
    }
}
