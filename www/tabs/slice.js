// @ts-check
// With several inputs the fit chart sets predicted against actual; this lets it show a slice along one of them instead, the
// others held at what stands in the panel of predictions.
import { said } from '../words/table.js';
import { make } from '../parts/dom.js';
import { Asking } from '../parts/asking.js';
import { onChange } from '../parts/changes.js';
import { effectOf } from './diagnostics.js';
import { PlotFigure } from '../parts/plots.js';

/** @typedef {import('../wasm/engine/downhill.js').Configured} Configured */
/** @typedef {import('../wasm/engine/downhill.js').Snapshot} Snapshot */
/** @typedef {import('../wasm/engine/downhill.js').InputInfo} InputInfo */

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** The chooser beside the fit chart, and the picture in its place. */
export class Slice {
  #label = make('label', 'tick slice-choice');
  #word = make('span');
  #control = document.createElement('select');
  /** @type {PlotFigure | undefined} */
  #figure;
  #asking;

  /** @param {import('../client.js').Client} client */
  constructor(client) {
    this.#label.append(this.#word, this.#control);
    this.#label.hidden = true;
    document.querySelector('.tabs > .tools')?.prepend(this.#label);
    this.#asking = new Asking(
      client,
      () => (this.#chosen && element('fit-view').checkVisibility() ? { part: 'training', effect: this.#chosen, exact: false } : undefined),
      async (_, diagnosed) => {
        const dataset = this.#asking.run?.dataset;
        const plot = this.#plot();
        // It may have been chosen away meanwhile.
        this.#place(plot);
        if (dataset && diagnosed.effect) plot.show(effectOf(diagnosed.effect, diagnosed, dataset));
      },
      // What stands in a box of the panel is no number: it says so itself.
      () => {},
    );
    this.#control.addEventListener('change', () => {
      if (this.#figure) this.#place(this.#figure);
      this.#asking.again();
    });
    element('predict-rows').addEventListener('input', () => this.#asking.soon());
    element('tab-fit').addEventListener('click', () => this.#asking.soon());
    onChange(() => {
      this.#words();
      if (this.#chosen) this.#asking.again();
    });
  }

  /**
   * A run began.
   * @param {Configured} run
   */
  begin(run) {
    this.#asking.begin(run);
    const { dataset } = run;
    if (!dataset) return;
    const before = this.#control.selectedOptions[0]?.text;
    this.#control.replaceChildren(new Option('', ''), ...dataset.inputs.map(({ name }, i) => new Option(name, String(i))));
    // The same feature, where the next run has it, too.
    const same = dataset.inputs.findIndex(({ name }) => name === before);
    this.#control.value = same >= 0 ? String(same) : '';
    this.#label.hidden = dataset.inputs.length < 2 || run.config.data.source.kind === 'linspace';
    if (this.#label.hidden) this.#control.value = '';
    this.#words();
    if (this.#figure) this.#place(this.#figure);
  }

  /**
   * The run goes on under another configuration.
   * @param {import('../wasm/engine/downhill.js').RunConfig} config
   */
  change(config) {
    this.#asking.change(config);
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    this.#asking.show(snapshot);
  }

  #words() {
    this.#word.textContent = said('slice');
    if (this.#control.options.length) this.#control.options[0].text = said('slice_none');
  }

  /** What is asked of the worker; nothing where no input is chosen. */
  get #chosen() {
    const inputs = this.#asking.run?.dataset?.inputs;
    if (!inputs || this.#control.value === '') return undefined;
    const boxes = [...element('predict-rows').querySelectorAll('input, select')];
    const at = inputs.map(({ levels }, i) => {
      const { value = '' } = /** @type {Partial<HTMLInputElement>} */ (boxes[i] ?? {});
      const number = levels.length ? levels.indexOf(value) : Number(value);
      return value !== '' && Number.isFinite(number) && !(levels.length && number < 0) ? number : null;
    });
    return { input: Number(this.#control.value), at };
  }

  #plot() {
    if (!this.#figure) {
      this.#figure = new PlotFigure('slice');
      this.#figure.element.classList.add('fit');
    }
    return this.#figure;
  }

  /** The picture of the slice in the place of the chart, or the chart. @param {PlotFigure} plot */
  #place(plot) {
    const chart = /** @type {HTMLElement} */ (element('fit-canvas').closest('figure'));
    if (!plot.element.isConnected) chart.after(plot.element);
    chart.hidden = this.#control.value !== '';
    plot.element.hidden = !chart.hidden;
  }
}
