// @ts-check
// How the parts of a cross-validation do over time.
import { PlotFigure, column } from '../parts/plot-figure.js';
import { count, figure } from '../words/index.js';
import { said } from '../words/table.js';
import { isWide } from './scale.js';

/** @typedef {import('../store.js').Page} Page */

/**
 * @param {Page} page
 * @param {HTMLElement} panel
 */
export function start(page, panel) {
  const { store } = page;
  const plot = new PlotFigure(page, 'folds');
  panel.append(plot.element);
  const draw = () => {
    const { tab, folds } = store.state;
    if (tab === 'folds' && folds.length) plot.show(pictureOf(folds));
  };
  store.subscribe(['tab', 'folds', 'language'], draw);
  draw();
}

/**
 * @param {import('../store.js').State['folds']} history
 * @returns {import('../parts/plot-figure.js').Picture}
 */
function pictureOf(history) {
  const steps = column(history.map(({ step }) => step));
  const means = history.map(({ losses }) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
  const now = history[history.length - 1];
  const [low, high] = [Math.min, Math.max].map((end) => column(history.map(({ losses }) => end(...losses))));
  const each = [...now.losses.keys()].map((fold) => ({
    kind: /** @type {const} */ ('line'), colour: 'exact', x: steps, y: column(history.map(({ losses }) => losses[fold] ?? NaN)), width: 1,
  }));
  const last = (/** @type {ArrayLike<number>} */ values) => figure(values[values.length - 1]);
  return {
    title: said('folds_title'),
    plot: {
      x: { title: said('folds_step'), range: [0, Math.max(now.step, 1)] },
      y: { title: said('path_loss_axis'), log: isWide(low, high) },
      series: [
        { kind: 'band', colour: 'validation', x: steps, y: high, low },
        ...each,
        { kind: 'line', colour: 'validation', x: steps, y: column(means), width: 2.5 },
      ],
    },
    legend: [
      { mark: 'line', colour: 'validation', words: said('folds_mean') },
      { mark: 'line', colour: 'exact', words: said('folds_each') },
      { mark: 'area', colour: 'validation', words: said('folds_band') },
    ],
    hint: said('folds_hint'),
    text: said('folds_text', {
      n: count(now.losses.length), mean: last(means), low: last(low), high: last(high), step: count(now.step),
    }),
    read: ({ series, x, y }) => (series <= each.length
      ? said('folds_read', { fold: count(series), step: count(x), loss: figure(y) })
      : said('folds_read_mean', { step: count(x), loss: figure(y) })),
  };
}
