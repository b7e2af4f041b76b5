// @ts-check
// Scales of axes.

/**
 * Whether losses lie too far apart for a linear axis; some may be no numbers.
 * @param {ArrayLike<number>[]} columns
 */
export function isWide(...columns) {
  const values = columns.flatMap((column) => Array.from(column)).filter(Number.isFinite);
  const [low, high] = [Math.min, Math.max].map((end) => values.reduce((a, b) => end(a, b), values[0]));
  return low > 0 && high > 20 * low;
}
