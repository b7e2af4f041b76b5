// @ts-check
// Pictures of rows that say whether a model is to be trusted, each with what to look for.
import { column } from '../../parts/plot-figure.js';
import { count, figure } from '../../words/index.js';
import { said } from '../../words/table.js';
import { effectOf } from './effect.js';
import { diagonal, ends, greatest, zero } from './series.js';

/** @typedef {import('../../wasm/engine/downhill.js').Diagnosed} Diagnosed */
/** @typedef {import('../../parts/plot-figure.js').Picture} Picture */
/** @typedef {{ target: string, inputs: import('../../wasm/engine/downhill.js').InputInfo[] }} Names */
/** @typedef {NonNullable<Diagnosed['rows']>} Rows */
/** @typedef {NonNullable<Diagnosed['exact']>} Exact */

/**
 * What there is to be seen, in its order.
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @param {boolean} dark
 */
export function picturesOf(diagnosed, names, dark) {
  const { rows, exact, roc, calibration, confusion, histogram, effect, task } = diagnosed;
  /** @type {Map<string, any>} */
  const pictures = new Map();
  if (rows && (task === 'regression' || task === 'counts')) {
    pictures.set('actual', actual(rows, diagnosed, names));
    pictures.set('residuals', residuals(rows, task, names));
    if (exact?.rows.standardized.some((value) => value !== null) && diagnosed.part === 'training') {
      if (task === 'regression') pictures.set('quantiles', quantiles(exact.rows));
      pictures.set('leverage', leverage(exact));
    }
  }
  if (roc) pictures.set('roc', rocOf(roc));
  if (calibration) pictures.set('calibration', calibrationOf(calibration));
  if (confusion) pictures.set('confusion', confusion);
  if (histogram) pictures.set('histogram', histogramOf(histogram));
  if (effect) pictures.set('effect', effectOf(effect, diagnosed, names, dark));
  return pictures;
}

/**
 * @param {Rows} rows
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @returns {Picture}
 */
function actual({ row, actual, fitted, residual }, { scores = [] }, { target }) {
  const [low, high] = ends([...actual, ...fitted]);
  const pad = (high - low || 1) * 0.04;
  const worst = greatest(residual);
  const score = (/** @type {string} */ name) => figure(scores.find(([of]) => of === name)?.[1]);
  const facts = (/** @type {number} */ i) => ({ row: count(row[i]), fitted: figure(fitted[i]), actual: figure(actual[i]) });
  return {
    title: said('picture_actual'),
    plot: {
      x: { title: said('axis_fitted', { target }), range: [low - pad, high + pad] },
      y: { title: said('axis_observed', { target }), range: [low - pad, high + pad] },
      series: [diagonal([low - pad, high + pad]), { kind: 'points', colour: 'points', x: column(fitted), y: column(actual) }],
    },
    legend: [
      { mark: 'dots', colour: 'points', words: said('legend_row') },
      { mark: 'dashed', colour: 'exact', words: said('legend_same') },
    ],
    hint: said('hint_actual'),
    text: said('text_actual', { r2: score('r2'), rmse: score('rmse'), ...facts(worst) }),
    read: ({ index }) => said('read_actual', facts(index)),
  };
}

/**
 * @param {Rows} rows
 * @param {'regression' | 'counts'} task
 * @param {Names} names
 * @returns {Picture}
 */
function residuals({ row, fitted, residual }, task, { target }) {
  const worst = greatest(residual);
  const [low, high] = ends(residual);
  const facts = (/** @type {number} */ i) => ({ row: count(row[i]), fitted: figure(fitted[i]), residual: figure(residual[i]) });
  return {
    title: said(task === 'counts' ? 'picture_deviance' : 'picture_residuals'),
    plot: {
      x: { title: said('axis_fitted', { target }) },
      y: { title: said(task === 'counts' ? 'axis_deviance' : 'axis_residual') },
      series: [zero(), { kind: 'points', colour: 'points', x: column(fitted), y: column(residual) }],
    },
    legend: [{ mark: 'dots', colour: 'points', words: said('legend_row') }],
    hint: said('hint_residuals'),
    text: said('text_residuals', { low: figure(low), high: figure(high), ...facts(worst) }),
    read: ({ index }) => said('read_residual', facts(index)),
  };
}

/**
 * @param {Exact['rows']} rows
 * @returns {Picture}
 */
function quantiles({ rows, normal_quantiles: expected, standardized }) {
  const range = ends(expected);
  const [low, high] = ends(standardized.filter((value) => value !== null));
  const worst = greatest(standardized);
  const facts = (/** @type {number} */ i) => ({
    row: count(rows[i] + 1), expected: figure(expected[i]), standardized: figure(standardized[i]),
  });
  return {
    title: said('picture_quantiles'),
    plot: {
      x: { title: said('axis_quantile') },
      y: { title: said('axis_standardized') },
      series: [diagonal(range), { kind: 'points', colour: 'points', x: column(expected), y: column(standardized) }],
    },
    legend: [
      { mark: 'dots', colour: 'points', words: said('legend_exact_row') },
      { mark: 'dashed', colour: 'exact', words: said('legend_normal') },
    ],
    hint: said('hint_quantiles'),
    text: said('text_quantiles', { low: figure(low), high: figure(high), ...facts(worst) }),
    read: ({ index }) => said('read_quantile', facts(index)),
  };
}

/**
 * @param {Exact} exact
 * @returns {Picture}
 */
function leverage({ rows: { rows, leverages, standardized, cooks_distances: cook }, contours }) {
  const worst = greatest(cook);
  const facts = (/** @type {number} */ i) => ({
    row: count(rows[i] + 1), leverage: figure(leverages[i]), standardized: figure(standardized[i]), cook: figure(cook[i]),
  });
  return {
    title: said('picture_leverage'),
    plot: {
      x: { title: said('axis_leverage') },
      y: { title: said('axis_standardized') },
      series: [
        zero(),
        ...contours.map(({ distance, leverage, standardized }) => ({
          kind: /** @type {const} */ ('dashed'), colour: 'diverged', x: column(leverage), y: column(standardized),
          read: false, fitted: false, width: 1.25,
          label: standardized[0] > 0 ? said('cook_at', { distance: figure(distance, true) }) : '',
        })),
        { kind: 'points', colour: 'points', x: column(leverages), y: column(standardized) },
      ],
    },
    legend: [
      { mark: 'dots', colour: 'points', words: said('legend_exact_row') },
      { mark: 'dashed', colour: 'diverged', words: said('legend_cook') },
    ],
    hint: said('hint_leverage'),
    text: said('text_leverage', facts(worst)),
    read: ({ index }) => said('read_leverage', facts(index)),
  };
}

/**
 * @param {NonNullable<Diagnosed['roc']>} roc
 * @returns {Picture}
 */
function rocOf({ false_positive, true_positive, auc }) {
  return {
    title: said('picture_roc'),
    plot: {
      x: { title: said('axis_false_positive'), range: [0, 1] },
      y: { title: said('axis_true_positive'), range: [0, 1] },
      series: [diagonal([0, 1]), { kind: 'line', colour: 'fit', x: column(false_positive), y: column(true_positive), width: 2.5 }],
    },
    legend: [
      { mark: 'line', colour: 'fit', words: said('legend_roc', { auc: figure(auc) }) },
      { mark: 'dashed', colour: 'exact', words: said('legend_chance') },
    ],
    hint: said('hint_roc'),
    text: said('text_roc', { auc: figure(auc) }),
    read: ({ x, y }) => said('read_roc', { x: figure(x), y: figure(y) }),
  };
}

/**
 * @param {NonNullable<Diagnosed['calibration']>} calibration
 * @returns {Picture}
 */
function calibrationOf({ predicted, observed, count: counts }) {
  const worst = greatest(predicted.map((value, i) => value - observed[i]));
  const facts = (/** @type {number} */ i) => ({ predicted: figure(predicted[i]), observed: figure(observed[i]), n: count(counts[i]) });
  return {
    title: said('picture_calibration'),
    plot: {
      x: { title: said('axis_predicted_share'), range: [0, 1] },
      y: { title: said('axis_observed_share'), range: [0, 1] },
      series: [
        diagonal([0, 1]),
        { kind: 'line', colour: 'fit', x: column(predicted), y: column(observed), read: false },
        { kind: 'points', colour: 'fit', x: column(predicted), y: column(observed) },
      ],
    },
    legend: [
      { mark: 'line', colour: 'fit', words: said('legend_bins') },
      { mark: 'dashed', colour: 'exact', words: said('legend_calibrated') },
    ],
    hint: said('hint_calibration'),
    text: said('text_calibration', facts(worst)),
    read: ({ index }) => said('read_calibration', facts(index)),
  };
}

/**
 * @param {NonNullable<Diagnosed['histogram']>} histogram
 * @returns {Picture}
 */
function histogramOf({ edges, labels, counts }) {
  const centres = edges.slice(1).map((edge, i) => (edge + edges[i]) / 2);
  const peak = (/** @type {number} */ k) => figure(centres[greatest(counts[k])], true);
  return {
    title: said('picture_histogram'),
    plot: {
      x: { title: said('axis_probability'), range: [0, 1] },
      y: { title: said('axis_rows') },
      series: [
        { kind: 'bars', colour: 'validation', x: column(centres), y: column(counts[0]) },
        // Stairs over bars: told apart without their colours.
        {
          kind: 'steps', colour: 'fit', x: column(edges), y: column([...counts[1], counts[1][counts[1].length - 1]]), width: 2.5,
          read: false,
        },
        { kind: 'points', colour: 'fit', x: column(centres), y: column(counts[1]), fitted: false },
      ],
    },
    legend: [{ mark: 'area', colour: 'validation', words: labels[0] }, { mark: 'line', colour: 'fit', words: labels[1] }],
    hint: said('hint_histogram'),
    text: said('text_histogram', { a: labels[0], at_a: peak(0), b: labels[1], at_b: peak(1) }),
    read: ({ series, x, y }) => said('read_histogram', { label: labels[series === 0 ? 0 : 1], x: figure(x, true), n: count(y) }),
  };
}
