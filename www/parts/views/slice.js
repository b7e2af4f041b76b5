// @ts-check
// With several inputs the fit chart sets predicted against actual; this lets it show a slice along one of them instead, the
// others held at what stands in the panel of predictions.
import { Asking } from '../../tabs/asking.js';
import { effectOf } from '../../tabs/diagnostics/effect.js';
import { said } from '../../words/table.js';
import { make } from '../dom.js';
import { PlotFigure } from '../plot-figure.js';

/** @typedef {import('../../store.js').Page} Page */

/**
 * The chooser next to the fit chart, and the picture in its place.
 * @param {Page} page
 * @param {HTMLElement} tools in which it is chosen
 * @param {HTMLElement} chart the figure of the fit chart
 */
export function startSlice(page, tools, chart) {
  const { store } = page;
  const [label, word, control] = [make('label', 'tick slice-choice'), make('span'), document.createElement('select')];
  label.append(word, control);
  tools.prepend(label);
  /** @type {PlotFigure | undefined} */
  let plot;

  /** The picture of the slice in the place of the chart, or the chart. */
  const place = () => {
    if (!plot) return;
    if (!plot.element.isConnected) chart.after(plot.element);
    chart.hidden = control.value !== '';
    plot.element.hidden = !chart.hidden;
  };
  /** What is asked of the worker; nothing where no input is chosen. */
  const chosen = () => {
    const { dataset, inputs } = store.state;
    if (!dataset || control.value === '') return undefined;
    const at = dataset.inputs.map(({ levels }, i) => {
      const value = inputs[i] ?? '';
      const number = levels.length ? levels.indexOf(value) : Number(value);
      return value !== '' && Number.isFinite(number) && !(levels.length && number < 0) ? number : null;
    });
    return { input: Number(control.value), at };
  };
  const asking = new Asking(
    page,
    () => {
      const effect = chosen();
      return effect && store.state.tab === 'fit' ? { part: 'training', effect, exact: false } : undefined;
    },
    (_, diagnosed) => {
      const { dataset, theme } = store.state;
      if (!plot) {
        plot = new PlotFigure(page, 'slice');
        plot.element.classList.add('fit');
      }
      // It may have been chosen away meanwhile.
      place();
      if (dataset && diagnosed.effect) plot.show(effectOf(diagnosed.effect, diagnosed, dataset, theme.dark));
    },
    // What stands in a box of the panel is no number: it says so itself.
    () => {},
  );
  const say = () => {
    word.textContent = said('slice');
    if (control.options.length) control.options[0].text = said('slice_none');
  };
  const begin = () => {
    const { dataset, run } = store.state;
    if (!dataset || !run) return;
    const before = control.selectedOptions[0]?.text;
    control.replaceChildren(new Option('', ''), ...dataset.inputs.map(({ name }, i) => new Option(name, String(i))));
    label.hidden = dataset.inputs.length < 2 || run.config.data.source.kind === 'linspace';
    // The same feature, where the next run has it, too.
    const same = label.hidden ? -1 : dataset.inputs.findIndex(({ name }) => name === before);
    control.value = same >= 0 ? String(same) : '';
    say();
    place();
  };

  control.addEventListener('change', () => {
    place();
    asking.again();
  });
  store.subscribe(['dataset'], begin);
  store.subscribe(['inputs', 'tab'], () => asking.soon());
  store.subscribe(['language', 'theme'], () => {
    say();
    if (control.value !== '') asking.again();
  });
  begin();
}
