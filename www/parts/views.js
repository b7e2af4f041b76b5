// @ts-check
// The two pictures: what the pointer, the keyboard and new snapshots do to them. Drawn by requestAnimationFrame, only
// when something changed.
import { FitChart, LossChart } from '../wasm/engine/downhill.js';
import { count, figure, text } from '../words/index.js';
import { chartTheme } from './theme.js';
import { formula } from '../words/formula.js';

/** @typedef {import('../wasm/engine/downhill.js').Snapshot} Snapshot */
/** @typedef {import('../wasm/engine/downhill.js').DatasetInfo} DatasetInfo */
/** @typedef {import('../wasm/engine/downhill.js').RunConfig} RunConfig */

/** Text alternatives follow a training run this often, so that a screen reader can keep up. */
const TEXT_MS = 5000;
/** A press that moves further than this is a drag. */
const CLICK_PX = 4;
/** Two clicks within this are one double click. */
const DOUBLE_CLICK_MS = 300;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id */
const box = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

/**
 * @typedef {object} Zoomable
 * @property {(x: number, y: number, factor: number) => void} zoom
 * @property {(dx: number, dy: number) => void} pan
 * @property {() => void} reset_zoom
 * @property {() => boolean} is_zoomed
 */

/** Fit above loss. */
export class Views {
  /** @type {Snapshot | undefined} */
  #snapshot;
  /** @type {DatasetInfo | undefined} */
  #dataset;
  #bias = true;
  /** Whether the exact answer is that of least squares. */
  #squares = true;
  #fresh = false;
  #asked = false;
  #textAt = -Infinity;
  /** @type {number | undefined} */
  #fitCursor;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #densityTimer;

  /** @param {{ addPoint: (x: number, y: number) => void, removePoint: (index: number) => void, density: (view: Float64Array) => Promise<any> }} actions */
  constructor(actions) {
    this.actions = actions;
    const [fitBase, fitTop] = element('fit-canvas').querySelectorAll('canvas');
    const [lossBase, lossTop] = element('loss-canvas').querySelectorAll('canvas');
    this.fit = new FitChart(fitBase, fitTop);
    this.loss = new LossChart(lossBase, lossTop);
    this.#options();
    const sized = new ResizeObserver(() => this.#resize());
    sized.observe(element('fit-canvas'));
    sized.observe(element('loss-canvas'));
    const options = () => {
      this.#options();
      this.ask();
    };
    for (const id of ['log-x', 'log-y', 'show-batch', 'smoothing', 'show-residuals', 'show-exact']) {
      element(id).addEventListener('input', options);
    }
    this.#pointer(element('fit-canvas'), this.fit, true);
    this.#pointer(element('loss-canvas'), this.loss, false);
    this.#keys();
    this.#divider();
    this.retheme();
  }

  /** Takes the colours and words of the day. */
  retheme() {
    const theme = chartTheme();
    this.fit.set_theme(theme);
    this.loss.set_theme(theme);
    this.loss.set_labels(text('axis_step'), text('axis_loss'), text('axis_rate'));
    if (this.#dataset) this.#label(this.#dataset);
    this.#textAt = -Infinity;
    this.#fresh = true;
    this.ask();
  }

  /**
   * A new run on these rows.
   * @param {DatasetInfo} dataset
   * @param {RunConfig} config
   */
  begin(dataset, config) {
    this.#dataset = dataset;
    this.#bias = config.model.bias;
    this.#snapshot = undefined;
    this.#textAt = -Infinity;
    this.fit.set_dataset(dataset.points_x, dataset.points_y, ...dataset.x_range, ...dataset.y_range);
    element('legend-validation').hidden = dataset.n_validation === 0;
    this.loss.clear();
    this.head(dataset.exact, config);
    this.#density(0);
  }

  /**
   * What descent is heading for.
   * @param {DatasetInfo['exact']} exact
   * @param {RunConfig} config
   */
  head(exact, { loss, penalty }) {
    this.#squares = loss.kind === 'squared' && penalty.strength === 0;
    if (this.#dataset) this.#label(this.#dataset);
    this.fit.set_exact(exact.curve_x, exact.curve_y);
    this.loss.set_reference(exact.loss ?? undefined);
    this.ask();
  }

  /** Whether the fit is no curve, and what is predicted is set against what is. */
  get #several() {
    return (this.#dataset?.inputs.length ?? 1) > 1;
  }

  /** @param {DatasetInfo} dataset */
  #label({ inputs, target, classes }) {
    const several = inputs.length > 1;
    // Of many classes a row shows how probable its own is; of two, how probable the second is.
    const own = classes.length > 2 ? text('axis_own') : `${target} = ${classes[1]}`;
    const predicted = classes.length ? text('axis_probability', { name: own }) : text('axis_predicted', { target });
    const named = classes.length < 6 && classes.some((name, i) => name !== String(i));
    const across = named ? `${target}: ${classes.map((name, i) => `${i} ${name}`).join(', ')}` : target;
    this.fit.set_labels(several ? predicted : inputs[0].name, several && !named ? text('axis_actual', { target }) : across);
    element('legend-points').textContent = text(several ? 'legend_rows' : 'legend_points');
    element('legend-exact').textContent = text(several ? 'legend_equal' : this.#squares ? 'legend_exact' : 'legend_optimum');
    element('legend-fit').hidden = several;
    element('residuals-tick').hidden = several;
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    if (snapshot.history.first === 0 && snapshot.step === 0) {
      this.loss.clear();
      this.loss.set_reference(this.#dataset?.exact.loss ?? undefined);
    }
    // Every delta counts, even if the next snapshot comes before the next frame.
    this.loss.apply(snapshot.history, snapshot.step);
    this.#snapshot = snapshot;
    this.#fresh = true;
    this.ask();
  }

  /** Asks for a frame. */
  ask() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #draw() {
    const snapshot = this.#snapshot;
    if (snapshot && this.#fresh) {
      this.#fresh = false;
      if (this.#several) this.fit.set_points(snapshot.predicted, this.#dataset?.points_y ?? new Float32Array());
      else this.fit.set_fit(snapshot.curve_x, snapshot.curve_y);
      this.loss.set_marks(Float64Array.from(snapshot.marks, ({ step }) => step));
      this.loss.set_diverged(snapshot.status.kind === 'diverged' ? snapshot.step : undefined);
      this.#words(snapshot);
      if (this.#fitCursor !== undefined) this.#readFit(this.#fitCursor);
    }
    this.fit.draw();
    this.loss.draw();
  }

  /** @param {Snapshot} snapshot */
  #words(snapshot) {
    const now = performance.now();
    if (snapshot.status.kind === 'training' && now - this.#textAt < TEXT_MS) return;
    this.#textAt = now;
    const dataset = this.#dataset;
    if (!dataset) return;
    const least = figure(dataset.exact.loss);
    const said = { target: dataset.target, n: count(dataset.n_samples), loss: figure(snapshot.loss), r2: figure(snapshot.r2), least };
    element('fit-text').textContent = this.#several
      ? text('fit_text_several', { ...said, features: dataset.inputs.map(({ name }) => name).join(text('separator')) })
      : text('fit_text', { ...said, feature: dataset.inputs[0].name, formula: formula([...snapshot.weights ?? []], this.#bias) });
    const last = snapshot.marks.at(-1);
    const change = last ? text('last_change', { step: count(last.step), change: this.markWords(last.message) }) : '';
    element('loss-text').textContent = text('loss_text', {
      loss: figure(snapshot.loss), step: count(snapshot.step), rate: figure(snapshot.learning_rate, true), least,
    }) + change;
  }

  #resize() {
    for (const [chart, id] of /** @type {const} */ ([[this.fit, 'fit-canvas'], [this.loss, 'loss-canvas']])) {
      const { width, height } = element(id).getBoundingClientRect();
      if (width > 0 && height > 0) chart.resize(width, height, devicePixelRatio);
    }
    this.#density(150);
    this.ask();
  }

  #options() {
    this.fit.set_options(box('show-residuals').checked, box('show-exact').checked);
    this.loss.set_options(box('log-x').checked, box('log-y').checked, box('smoothing').valueAsNumber, box('show-batch').checked);
  }

  /** More rows than can be drawn are counted on a grid, by the worker, over what is in view. */
  #density(/** @type {number} */ delay) {
    clearTimeout(this.#densityTimer);
    const dataset = this.#dataset;
    if (!dataset || this.#several || dataset.points_x.length > 0) return;
    this.#densityTimer = setTimeout(async () => {
      const view = this.fit.view();
      if (view.length < 4) return;
      try {
        const density = await this.actions.density(view);
        if (this.#dataset === dataset) this.fit.set_density(density);
      } catch {
        // A run that is just being replaced has no rows to count; the next one asks again.
      }
      this.ask();
    }, delay);
  }

  /**
   * @param {HTMLElement} area
   * @param {Zoomable} chart
   * @param {boolean} isFit
   */
  #pointer(area, chart, isFit) {
    /** @type {Map<number, { x: number, y: number }>} */
    const pressed = new Map();
    let moved = 0;
    const place = (/** @type {MouseEvent} */ event) => {
      const { left, top } = area.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    };
    area.addEventListener('pointerdown', (event) => {
      pressed.set(event.pointerId, place(event));
      moved = pressed.size > 1 ? CLICK_PX + 1 : 0;
      area.setPointerCapture(event.pointerId);
    });
    area.addEventListener('pointermove', (event) => {
      const now = place(event);
      const before = pressed.get(event.pointerId);
      if (before) {
        moved += Math.hypot(now.x - before.x, now.y - before.y);
        if (pressed.size === 2) {
          const [other] = [...pressed].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
          const apart = (/** @type {{ x: number, y: number }} */ at) => Math.hypot(at.x - other.x, at.y - other.y);
          const factor = apart(now) / Math.max(apart(before), 1);
          chart.zoom((now.x + other.x) / 2, (now.y + other.y) / 2, factor);
          this.#density(150);
        } else if (moved > CLICK_PX && chart.is_zoomed()) {
          chart.pan(now.x - before.x, now.y - before.y);
          this.#density(150);
        }
        pressed.set(event.pointerId, now);
      }
      this.#hover(isFit, now.x, now.y);
      this.ask();
    });
    const release = (/** @type {PointerEvent} */ event) => {
      const wasPressed = pressed.delete(event.pointerId);
      if (isFit && wasPressed && event.type === 'pointerup' && moved <= CLICK_PX) this.#press(place(event));
    };
    area.addEventListener('pointerup', release);
    area.addEventListener('pointercancel', release);
    area.addEventListener('pointerleave', () => {
      if (document.activeElement !== area) this.#leave();
    });
    area.addEventListener('wheel', (event) => {
      event.preventDefault();
      const { x, y } = place(event);
      chart.zoom(x, y, Math.exp(-event.deltaY / 400));
      this.#density(150);
      this.ask();
    }, { passive: false });
    area.addEventListener('dblclick', () => {
      chart.reset_zoom();
      this.#density(0);
      this.ask();
    });
    area.addEventListener('blur', () => this.#leave());
  }

  /** @type {{ timer: ReturnType<typeof setTimeout>, at: { x: number, y: number } } | undefined} */
  #pressed;

  /**
   * A click acts at once; where the view is zoomed, it may be the first half of the double click that resets it.
   * @param {{ x: number, y: number }} at
   */
  #press(at) {
    const before = this.#pressed;
    clearTimeout(before?.timer);
    this.#pressed = undefined;
    if (before && Math.hypot(before.at.x - at.x, before.at.y - at.y) <= CLICK_PX) return;
    if (before) this.#click(before.at);
    if (!this.fit.is_zoomed()) {
      this.#click(at);
      return;
    }
    const timer = setTimeout(() => {
      this.#pressed = undefined;
      this.#click(at);
    }, DOUBLE_CLICK_MS);
    this.#pressed = { timer, at };
  }

  /** @param {{ x: number, y: number }} at */
  #click({ x, y }) {
    // A point has one x.
    if (this.#several) return;
    const reading = this.fit.reading(x, y);
    if (reading?.point !== null && reading?.point !== undefined) {
      this.actions.removePoint(reading.point);
      return;
    }
    const data = this.fit.data_at(x, y);
    if (data.length === 2 && reading) this.actions.addPoint(data[0], data[1]);
  }

  /**
   * @param {boolean} isFit
   * @param {number} x
   * @param {number} y
   */
  #hover(isFit, x, y) {
    if (isFit) {
      const reading = this.fit.reading(x, y);
      this.#fitCursor = reading?.x;
      this.fit.set_cursor(reading?.x);
      this.#showFit(reading);
      this.#showLoss(this.loss.move_cursor(0));
    } else {
      this.loss.set_cursor(x);
      this.#showLoss(this.loss.reading(x, y));
      if (this.#fitCursor !== undefined) this.#readFit(this.#fitCursor);
    }
  }

  #leave() {
    this.#fitCursor = undefined;
    this.fit.set_cursor(undefined);
    this.loss.set_cursor(undefined);
    element('fit-reading').textContent = '';
    element('loss-reading').textContent = '';
    this.ask();
  }

  /** @param {number} x in the units of the data */
  #readFit(x) {
    const view = this.fit.view();
    const width = element('fit-canvas').clientWidth;
    // The chart answers in pixels; any height does, since only x is asked for.
    for (let pixel = 0; pixel < width; pixel += 4) {
      const at = this.fit.data_at(pixel, element('fit-canvas').clientHeight / 2);
      if (at.length === 2 && at[0] >= x && at[0] >= view[0]) {
        this.#showFit(this.fit.reading(pixel, -100) ?? this.fit.reading(pixel, element('fit-canvas').clientHeight / 2));
        return;
      }
    }
  }

  /** @param {import('../wasm/engine/downhill.js').FitReading | undefined} reading */
  #showFit(reading) {
    element('fit-reading').textContent = reading
      ? this.#several
        ? text('reading_pair', { predicted: figure(reading.point_x ?? reading.x), actual: figure(reading.point_y) })
        : text('reading_fit', { x: figure(reading.x), predicted: figure(reading.predicted), exact: figure(reading.exact) })
      : '';
  }

  /** @param {import('../wasm/engine/downhill.js').LossReading | undefined} reading */
  #showLoss(reading) {
    if (!reading) {
      element('loss-reading').textContent = '';
      return;
    }
    const near = reading.mark === null ? undefined : this.#snapshot?.marks[reading.mark];
    const words = text('reading_loss', {
      step: count(reading.step), loss: figure(reading.loss), validation: reading.validation === null ? '' : text('reading_validation', { loss: figure(reading.validation) }), batch: figure(reading.batch_loss), rate: figure(reading.rate, true),
    });
    element('loss-reading').textContent = near ? `${words}  · ${this.markWords(near.message)}` : words;
  }

  /** @param {import('../wasm/engine/downhill.js').Message} message */
  markWords = (message) => message.text;

  #keys() {
    /** @type {[string, Zoomable][]} */
    const charts = [['fit-canvas', this.fit], ['loss-canvas', this.loss]];
    for (const [id, chart] of charts) {
      const area = element(id);
      area.addEventListener('keydown', (event) => {
        const [x, y] = [area.clientWidth / 2, area.clientHeight / 2];
        const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (move !== undefined) {
          if (id === 'loss-canvas') this.#showLoss(this.loss.move_cursor(move * (event.shiftKey ? 20 : 1)));
          else this.#moveFit(move * (event.shiftKey ? 40 : 8));
        } else if (event.key === '+' || event.key === '=') chart.zoom(x, y, 1.25);
        else if (event.key === '-') chart.zoom(x, y, 0.8);
        else if (event.key === '0') chart.reset_zoom();
        else if (id === 'fit-canvas' && (event.key === 'Delete' || event.key === 'Backspace')) this.#removeAtCursor();
        else return;
        event.preventDefault();
        this.#density(150);
        this.ask();
      });
    }
  }

  #fitPixel = 0;

  /** @param {number} pixels */
  #moveFit(pixels) {
    const area = element('fit-canvas');
    const from = this.#fitCursor === undefined ? area.clientWidth / 2 : this.#fitPixel;
    this.#fitPixel = Math.min(Math.max(from + pixels, 0), area.clientWidth);
    const reading = this.fit.reading(this.#fitPixel, area.clientHeight / 2);
    if (!reading) return;
    this.#fitCursor = reading.x;
    this.fit.set_cursor(reading.x);
    this.#showFit(reading);
  }

  /** Removes the point that is nearest to the read-out's line, wherever it stands on it. */
  #removeAtCursor() {
    if (this.#fitCursor === undefined || this.#several) return;
    const height = element('fit-canvas').clientHeight;
    for (let y = 0; y < height; y += 6) {
      const point = this.fit.reading(this.#fitPixel, y)?.point;
      if (point !== null && point !== undefined) {
        this.actions.removePoint(point);
        return;
      }
    }
  }

  #divider() {
    const divider = element('divider');
    const stack = element('fit-view');
    const set = (/** @type {number} */ share) => {
      const bounded = Math.min(Math.max(share, 25), 75);
      stack.style.setProperty('--fit-share', String(bounded));
      divider.setAttribute('aria-valuenow', String(Math.round(bounded)));
    };
    divider.addEventListener('pointerdown', (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener('pointermove', (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const { top, height } = stack.getBoundingClientRect();
      set((100 * (event.clientY - top)) / height);
    });
    divider.addEventListener('keydown', (event) => {
      const move = { ArrowUp: -5, ArrowDown: 5 }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      set(Number(divider.getAttribute('aria-valuenow')) + move);
    });
  }
}
