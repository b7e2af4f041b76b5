//! The story's data: a line with noise.

use super::Dataset;
use crate::config::Source;
use crate::rng::{Rng, Stream};

/// `y = slope x + intercept + noise e` at x evenly from `start` to `stop`, both included (NumPy's `linspace`).
pub(super) fn linspace(source: &Source) -> Dataset {
    let Source::Linspace { start, stop, n_samples, slope, intercept, noise, seed } = *source else {
        return Dataset { x: Vec::new(), y: Vec::new(), feature: String::new(), target: String::new() };
    };
    let n = n_samples as usize;
    let step = (stop - start) / (n.max(2) - 1) as f64;
    let mut rng = Rng::new(seed, Stream::Noise);
    let mut x = Vec::with_capacity(n);
    let mut y = Vec::with_capacity(n);
    for i in 0..n {
        // The last x is `stop` itself, whatever the rounding of the steps.
        let at = if i + 1 == n { stop } else { start + step * i as f64 };
        x.push(at);
        y.push(slope * at + intercept + noise * rng.normal());
    }
    Dataset { x, y, feature: "x".to_owned(), target: "y".to_owned() }
}
