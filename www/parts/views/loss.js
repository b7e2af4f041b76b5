// @ts-check
// The loss by step, and what is read of it.
import { LossChart } from '../../wasm/engine/downhill.js';
import { count, figure, text, wording } from '../../words/index.js';
import { controlChart, fitToArea } from '../chart-area.js';
import { part } from '../dom.js';

/** @typedef {import('../../store.js').Snapshot} Snapshot */
/** @typedef {import('../../store.js').DatasetInfo} DatasetInfo */
/** @typedef {{ ask: () => void, hovered: () => void, left: () => void }} Around what hears of the pointer and asks for frames */

export class LossView {
  #store;
  #reading;
  #legend;

  /**
   * @param {import('../../store.js').Page} page
   * @param {Around} around
   */
  constructor({ root, store }, { ask, hovered, left }) {
    this.#store = store;
    this.#reading = part(root, 'loss-reading');
    this.#legend = part(root, 'legend-validation');
    const area = part(root, 'loss-canvas');
    const [base, top] = area.querySelectorAll('canvas');
    this.chart = new LossChart(base, top);
    this.#options(root, ask);
    fitToArea(area, this.chart, ask);
    controlChart(area, this.chart, {
      ask,
      leave: left,
      hover: ({ x, y }) => {
        this.chart.set_cursor(x);
        this.#read(this.chart.reading(x, y));
        hovered();
      },
      key: ({ key, shiftKey }) => {
        const move = { ArrowLeft: -1, ArrowRight: 1 }[key];
        if (move !== undefined) this.#read(this.chart.move_cursor(move * (shiftKey ? 20 : 1)));
        return move !== undefined;
      },
    });
  }

  /**
   * @param {HTMLElement} root
   * @param {() => void} ask
   */
  #options(root, ask) {
    const [logX, logY, batch, smoothing] = ['log-x', 'log-y', 'show-batch', 'smoothing']
      .map((name) => /** @type {HTMLInputElement} */ (part(root, name)));
    const set = () => {
      this.chart.set_options(logX.checked, logY.checked, smoothing.valueAsNumber, batch.checked);
      ask();
    };
    for (const control of [logX, logY, batch, smoothing]) control.addEventListener('input', set);
    set();
  }

  /** Takes the colours and words of the day. @param {import('../../wasm/engine/downhill.js').ChartTheme} theme */
  dress(theme) {
    this.chart.set_theme(theme);
    this.chart.set_labels(text('axis_step'), text('axis_loss'), text('axis_rate'));
  }

  /** Other rows. @param {DatasetInfo} dataset */
  begin(dataset) {
    this.#legend.hidden = dataset.n_validation === 0;
    this.chart.clear();
  }

  /** What descent is heading for. @param {import('../../wasm/engine/downhill.js').Exact} exact */
  head(exact) {
    this.chart.set_reference(exact.loss ?? undefined);
  }

  /** Takes what is new of the history, even if the next snapshot comes before the next frame. @param {Snapshot} snapshot */
  apply({ history, step }) {
    if (history.first === 0 && step === 0) {
      this.chart.clear();
      this.chart.set_reference(this.#store.state.exact?.loss ?? undefined);
    }
    this.chart.apply(history, step);
  }

  /** Takes the rest of the newest snapshot. */
  update() {
    const { snapshot } = this.#store.state;
    if (!snapshot) return;
    this.chart.set_marks(Float64Array.from(snapshot.marks, ({ step }) => step));
    this.chart.set_diverged(snapshot.status.kind === 'diverged' ? snapshot.step : undefined);
  }

  /** Reads the chart where it was last read. */
  readAgain() {
    this.#read(this.chart.move_cursor(0));
  }

  forget() {
    this.chart.set_cursor(undefined);
    this.#reading.textContent = '';
  }

  /** @param {import('../../wasm/engine/downhill.js').LossReading | undefined} reading */
  #read(reading) {
    this.#reading.textContent = reading ? this.#words(reading) : '';
  }

  /** @param {import('../../wasm/engine/downhill.js').LossReading} reading */
  #words({ step, loss, validation, batch_loss, rate, mark }) {
    const words = text('reading_loss', {
      step: count(step),
      loss: figure(loss),
      validation: validation === null ? '' : text('reading_validation', { loss: figure(validation) }),
      batch: figure(batch_loss),
      rate: figure(rate, true),
    });
    const near = mark === null ? undefined : this.#store.state.snapshot?.marks[mark];
    return near ? `${words}  · ${wording(near.message)}` : words;
  }
}
