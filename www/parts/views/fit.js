// @ts-check
// The fit: points and the model's line or curve, or predicted against actual; what is read of it, and points that come and go.
import { FitChart } from '../../wasm/engine/downhill.js';
import { figure, text } from '../../words/index.js';
import { CLICK_PX, apart, controlChart, fitToArea } from '../chart-area.js';
import { part, partsOf } from '../dom.js';

/** @typedef {import('../../store.js').DatasetInfo} DatasetInfo */
/** @typedef {import('../../wasm/engine/downhill.js').FitReading} FitReading */
/** @typedef {import('../chart-area.js').Place} Place */

/** Two clicks within this are one double click. */
const DOUBLE_CLICK_MS = 300;

/** Whether the fit is no curve, and what is predicted is set against what is. @param {DatasetInfo | undefined} dataset */
const hasSeveral = (dataset) => (dataset?.inputs.length ?? 1) > 1;

export class FitView {
  #page;
  #area;
  #ask;
  #words;
  /** Where the chart is read, in the units of the data. @type {number | undefined} */
  #cursor;
  /** Where the keyboard reads it. */
  #pixel = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #densityTimer;
  /** A click that may be the first half of a double click. @type {{ timer: ReturnType<typeof setTimeout>, at: Place } | undefined} */
  #pressed;

  /**
   * @param {import('../../store.js').Page} page
   * @param {import('./loss.js').Around} around
   */
  constructor(page, { ask, hovered, left }) {
    const { root } = page;
    this.#page = page;
    this.#ask = ask;
    this.#area = part(root, 'fit-canvas');
    this.#words = partsOf(root, 'legend-points', 'legend-exact', 'legend-fit', 'residuals-tick', 'fit-reading');
    const [base, top] = this.#area.querySelectorAll('canvas');
    this.chart = new FitChart(base, top);
    this.#options();
    fitToArea(this.#area, this.chart, () => {
      this.#density(150);
      ask();
    });
    controlChart(this.#area, this.chart, {
      ask,
      leave: left,
      hover: ({ x, y }) => {
        const reading = this.chart.reading(x, y);
        this.#cursor = reading?.x;
        this.chart.set_cursor(reading?.x);
        this.#read(reading);
        hovered();
      },
      press: (at) => this.#press(at),
      key: (event) => this.#key(event),
      move: (delay) => this.#density(delay),
    });
  }

  #options() {
    const [residuals, exact] = ['show-residuals', 'show-exact']
      .map((name) => /** @type {HTMLInputElement} */ (part(this.#page.root, name)));
    const set = () => {
      this.chart.set_options(residuals.checked, exact.checked);
      this.#ask();
    };
    for (const control of [residuals, exact]) control.addEventListener('input', set);
    set();
  }

  /** Takes the colours and words of the day. @param {import('../../wasm/engine/downhill.js').ChartTheme} theme */
  dress(theme) {
    this.chart.set_theme(theme);
    const { dataset } = this.#page.store.state;
    if (dataset) this.#label(dataset);
  }

  /** Other rows. @param {DatasetInfo} dataset */
  begin({ points_x, points_y, x_range, y_range }) {
    this.chart.set_dataset(points_x, points_y, ...x_range, ...y_range);
    this.#density(0);
  }

  /**
   * What descent is heading for.
   * @param {DatasetInfo} dataset
   * @param {import('../../wasm/engine/downhill.js').Exact} exact
   */
  head(dataset, exact) {
    this.#label(dataset);
    this.chart.set_exact(exact.curve_x, exact.curve_y);
  }

  /** Takes the newest snapshot. */
  update() {
    const { snapshot, dataset } = this.#page.store.state;
    if (!snapshot || !dataset) return;
    if (hasSeveral(dataset)) this.chart.set_points(snapshot.predicted, dataset.points_y);
    else this.chart.set_fit(snapshot.curve_x, snapshot.curve_y);
  }

  /** @param {DatasetInfo} dataset */
  #label(dataset) {
    const { inputs, target, classes, has_probabilities } = dataset;
    const several = hasSeveral(dataset);
    const config = this.#page.store.state.run?.config;
    // Whether the exact answer is that of least squares.
    const squares = config?.loss.kind === 'squared' && config.penalty.strength === 0;
    // Of many classes a row shows how probable its own is; of two, how probable the second is.
    const own = classes.length > 2 ? text('axis_own') : `${target} = ${classes[1]}`;
    const predicted = has_probabilities ? text('axis_probability', { name: own }) : text('axis_predicted', { target });
    const named = classes.length < 6 && classes.some((name, i) => name !== String(i));
    const across = named ? `${target}: ${classes.map((name, i) => `${i} ${name}`).join(', ')}` : target;
    this.chart.set_labels(several ? predicted : inputs[0].name, several && !named ? text('axis_actual', { target }) : across);
    this.#words['legend-points'].textContent = text(several ? 'legend_rows' : 'legend_points');
    this.#words['legend-exact'].textContent = text(several ? 'legend_equal' : squares ? 'legend_exact' : 'legend_optimum');
    this.#words['legend-fit'].hidden = several;
    this.#words['residuals-tick'].hidden = several;
  }

  /** More rows than can be drawn are counted on a grid, by the worker, over what is in view. @param {number} delay */
  #density(delay) {
    clearTimeout(this.#densityTimer);
    const { store, client } = this.#page;
    const { dataset } = store.state;
    if (!dataset || hasSeveral(dataset) || dataset.points_x.length > 0) return;
    this.#densityTimer = setTimeout(async () => {
      const view = this.chart.view();
      if (view.length < 4) return;
      const [left, right, bottom, top] = view;
      try {
        const density = await client.ask({ kind: 'density', x: [left, right], y: [bottom, top], columns: 240, rows: 120 });
        if (store.state.dataset === dataset) this.chart.set_density(density);
      } catch {
        // A run that is just being replaced has no rows to count; the next one asks again.
      }
      this.#ask();
    }, delay);
  }

  /** A click acts at once; where the view is zoomed, it may be the first half of the double click that resets it. @param {Place} at */
  #press(at) {
    const before = this.#pressed;
    clearTimeout(before?.timer);
    this.#pressed = undefined;
    if (before && apart(before.at, at) <= CLICK_PX) return;
    if (before) this.#click(before.at);
    if (!this.chart.is_zoomed()) {
      this.#click(at);
      return;
    }
    const timer = setTimeout(() => {
      this.#pressed = undefined;
      this.#click(at);
    }, DOUBLE_CLICK_MS);
    this.#pressed = { timer, at };
  }

  /** @param {Place} at */
  #click({ x, y }) {
    const { store, runner } = this.#page;
    // A point has one x.
    if (hasSeveral(store.state.dataset)) return;
    const reading = this.chart.reading(x, y);
    const point = reading?.point ?? undefined;
    const data = this.chart.data_at(x, y);
    if (point !== undefined) void runner.change({ kind: 'remove_point', index: point });
    else if (data.length === 2 && reading) void runner.change({ kind: 'add_point', x: data[0], y: data[1] });
  }

  /** @param {KeyboardEvent} event */
  #key({ key, shiftKey }) {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (move !== undefined) this.#moveCursor(move * (shiftKey ? 40 : 8));
    else if (key === 'Delete' || key === 'Backspace') this.#removeAtCursor();
    else return false;
    return true;
  }

  /** @param {number} pixels */
  #moveCursor(pixels) {
    const { clientWidth: width, clientHeight: height } = this.#area;
    const from = this.#cursor === undefined ? width / 2 : this.#pixel;
    this.#pixel = Math.min(Math.max(from + pixels, 0), width);
    const reading = this.chart.reading(this.#pixel, height / 2);
    if (!reading) return;
    this.#cursor = reading.x;
    this.chart.set_cursor(reading.x);
    this.#read(reading);
  }

  /** Removes the point that is nearest to the read-out's line, wherever it stands on it. */
  #removeAtCursor() {
    const { store, runner } = this.#page;
    if (this.#cursor === undefined || hasSeveral(store.state.dataset)) return;
    for (let y = 0; y < this.#area.clientHeight; y += 6) {
      const index = this.chart.reading(this.#pixel, y)?.point ?? undefined;
      if (index !== undefined) {
        void runner.change({ kind: 'remove_point', index });
        return;
      }
    }
  }

  /** Reads the chart where it was last read. */
  readAgain() {
    const x = this.#cursor;
    if (x === undefined) return;
    const [left] = this.chart.view();
    const { clientWidth: width, clientHeight: height } = this.#area;
    // The chart answers in pixels; any height does, since only x is asked for.
    for (let pixel = 0; pixel < width; pixel += 4) {
      const at = this.chart.data_at(pixel, height / 2);
      if (at.length === 2 && at[0] >= x && at[0] >= left) {
        this.#read(this.chart.reading(pixel, -100) ?? this.chart.reading(pixel, height / 2));
        return;
      }
    }
  }

  forget() {
    this.#cursor = undefined;
    this.chart.set_cursor(undefined);
    this.#words['fit-reading'].textContent = '';
  }

  /** @param {FitReading | undefined} reading */
  #read(reading) {
    const place = this.#words['fit-reading'];
    if (!reading) place.textContent = '';
    else if (hasSeveral(this.#page.store.state.dataset)) {
      place.textContent = text('reading_pair', { predicted: figure(reading.point_x ?? reading.x), actual: figure(reading.point_y) });
    } else {
      const { x, predicted, exact } = reading;
      place.textContent = text('reading_fit', { x: figure(x), predicted: figure(predicted), exact: figure(exact) });
    }
  }
}
