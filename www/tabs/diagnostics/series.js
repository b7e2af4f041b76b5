// @ts-check
// Numbers that pictures of rows have in common.
import { column } from '../../parts/plot-figure.js';

/**
 * Index of the greatest of some numbers; those that are none do not count.
 * @param {readonly (number | null)[]} values
 * @param {(value: number) => number} [measure]
 */
export function greatest(values, measure = Math.abs) {
  let found = 0;
  let most = -Infinity;
  values.forEach((value, i) => {
    if (value !== null && measure(value) > most) [found, most] = [i, measure(value)];
  });
  return found;
}

/** @param {readonly number[]} values @returns {[number, number]} */
export const ends = (values) =>
  values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

/** Across the plot at zero. */
export const zero = () => /** @type {const} */ ({ kind: 'rules', colour: 'exact', x: column([NaN]), y: column([0]), width: 1.5 });

/**
 * @param {[number, number]} range
 * @returns {import('../../wasm/engine/downhill.js').PlotSeries}
 */
export const diagonal = (range) => ({
  kind: 'dashed', colour: 'exact', x: column(range), y: column(range), read: false, fitted: false, width: 1.5,
});
