// @ts-check
// The rows that every participant trains on, number for number as `problem` in
// `crates/bench-engine/src/engine.rs` makes them.

/**
 * A bijection of 32-bit words (Wellons 2018, "lowbias32"), as in `src/rng.rs`.
 * @param {number} x
 */
function mix(x) {
  x ^= x >>> 16;
  x = Math.imul(x, 0x7FEB352D);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846CA68B);
  return (x ^ (x >>> 16)) >>> 0;
}

/** @param {number} counter */
const uniform = (counter) => (mix(counter) >>> 8) / 8388608 - 1;

/**
 * Features row by row, then targets.
 * @param {number} n
 * @param {number} d
 */
export function makeRows(n, d) {
  const features = new Float32Array(n * d);
  for (let i = 0; i < features.length; i++) features[i] = uniform(i);
  const weights = Array.from({ length: d }, (_, j) => Math.fround(((5 * j) % 7 - 2) / Math.sqrt(d)));
  const targets = new Float32Array(n);
  for (let row = 0; row < n; row++) {
    let signal = 0.5;
    for (let j = 0; j < d; j++) signal += features[row * d + j] * weights[j];
    targets[row] = signal + 0.1 * uniform(row ^ 0x80000000);
  }
  return { features, targets };
}
