// @ts-check
// The two pictures, fit above loss. They are drawn in the next frame, and only when something changed.
import { framed, part } from '../dom.js';
import { chartTheme } from '../theme.js';
import { isCurrent } from '../../store.js';
import { startDivider } from './divider.js';
import { FitView } from './fit.js';
import { LossView } from './loss.js';
import { fitText, lossText } from './words.js';

/** Text alternatives follow a training run this often, so that a screen reader can keep up. */
const TEXT_MS = 5000;

/** @param {import('../../store.js').Page} page */
export function startViews(page) {
  const { root, store } = page;
  /** Whether there is something new to show since the last frame. */
  let fresh = false;
  let textAt = -Infinity;

  const describe = () => {
    const { state } = store;
    const now = performance.now();
    if (state.snapshot?.status.kind === 'training' && now - textAt < TEXT_MS) return;
    textAt = now;
    part(root, 'fit-text').textContent = fitText(state);
    part(root, 'loss-text').textContent = lossText(state);
  };
  const ask = framed(() => {
    if (fresh && isCurrent(store.state)) {
      fresh = false;
      fit.update();
      loss.update();
      describe();
      fit.readAgain();
    }
    fit.chart.draw();
    loss.chart.draw();
  });
  /** @type {FitView} */
  const fit = new FitView(page, { ask, hovered: () => loss.readAgain(), left: leave });
  /** @type {LossView} */
  const loss = new LossView(page, { ask, hovered: () => fit.readAgain(), left: leave });
  function leave() {
    fit.forget();
    loss.forget();
    ask();
  }
  const refresh = () => {
    textAt = -Infinity;
    fresh = true;
    ask();
  };
  const dress = () => {
    const theme = chartTheme(root);
    fit.dress(theme);
    loss.dress(theme);
    refresh();
  };

  store.subscribe(['theme', 'language'], dress);
  store.subscribe(['dataset', 'exact'], ({ dataset, exact }, before) => {
    if (!dataset || !exact) return;
    if (dataset !== before.dataset) {
      textAt = -Infinity;
      fresh = false;
      fit.begin(dataset);
      loss.begin(dataset);
    }
    fit.head(dataset, exact);
    loss.head(exact);
    ask();
  });
  store.subscribe(['snapshot'], ({ snapshot }) => {
    if (!snapshot) return;
    loss.apply(snapshot);
    fresh = true;
    ask();
  });
  startDivider(part(root, 'divider'), part(root, 'fit-view'));
  startLater(page, fit, loss);
  dress();
}

/**
 * What comes later than the first picture: saving them, and with several inputs a slice along one.
 * @param {import('../../store.js').Page} page
 * @param {FitView} fit
 * @param {LossView} loss
 */
function startLater(page, fit, loss) {
  const { root, store } = page;
  const area = part(root, 'fit-canvas');
  store.subscribe(['ready'], async () => {
    const { offerSaving } = await import('../pictures/menu.js');
    offerSaving(page, area, fit.chart, 'fit');
    offerSaving(page, part(root, 'loss-canvas'), loss.chart, 'loss');
  });
  let sliced = false;
  store.subscribe(['dataset'], async ({ dataset }) => {
    if (sliced || !dataset || dataset.inputs.length < 2) return;
    sliced = true;
    const { startSlice } = await import('./slice.js');
    startSlice(page, part(root, 'fit-tools'), /** @type {HTMLElement} */ (area.closest('figure')));
  });
}
