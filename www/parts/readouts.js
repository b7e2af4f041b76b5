// @ts-check
// Numbers beside the pictures: each snapshot whole, so that what stands together belongs together.
import { format_bytes } from '../wasm/engine/downhill.js';
import { count, figure, text, wording } from '../words/index.js';
import { helpButton } from './help.js';
import { make } from './dom.js';

/** @typedef {import('../wasm/engine/downhill.js').Snapshot} Snapshot */
/** @typedef {import('../wasm/engine/downhill.js').DatasetInfo} DatasetInfo */

/** A summary for screen readers comes no more often than this while training. */
const SUMMARY_MS = 5000;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {string} id
 * @param {string} words
 */
function put(id, words) {
  const node = element(id);
  // Assigning the same text again would make the browser lay out again.
  if (node.textContent !== words) node.textContent = words;
}

/** Weights, read-outs, status. */
export class Readouts {
  /** @type {DatasetInfo | undefined} */
  #dataset;
  #bias = true;
  /** @type {Snapshot | undefined} */
  #last;
  #asked = false;
  #status = '';
  /** How the run stands, as it is drawn. @type {string | undefined} */
  drawn;
  #spokenAt = 0;
  /** @type {{ now: HTMLElement, exact: HTMLElement }[]} */
  #weights = [];
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();

  /** @param {(rate: number) => void} restartAt */
  constructor(restartAt) {
    this.restartAt = restartAt;
    this.rebuild();
  }

  get status() {
    return this.#last?.status.kind ?? 'paused';
  }

  /** The list anew, in the language of the day. */
  rebuild() {
    const list = element('readouts');
    list.replaceChildren();
    this.#values.clear();
    this.#status = '';
    /** @type {[string, string?][]} */
    const names = [
      ['validation_loss', 'validation'], ['best'], ['r2', 'r2'], ['validation_r2'], ['gradient_norm', 'gradient_norm'], ['learning_rate'], ['batch_loss', 'loss'],
      ['exact_loss', 'exact'], ['distance', 'distance'], ['steps_per_second'],
    ];
    for (const [name, help] of names) {
      const row = make('div');
      const value = make('dd', 'figure', '–');
      const term = make('dt', '', text(`read_${name}`));
      if (help) term.append(helpButton(help, text(`read_${name}`)));
      row.append(term, value);
      list.append(row);
      this.#values.set(name, value);
    }
    if (this.#dataset) this.begin(this.#dataset, this.#bias);
    if (this.#last) this.show(this.#last);
  }

  /**
   * @param {DatasetInfo} dataset
   * @param {boolean} bias
   */
  begin(dataset, bias) {
    this.#dataset = dataset;
    this.#bias = bias;
    const output = element('weights');
    output.replaceChildren();
    this.#weights = [];
    const head = make('div', 'row head');
    head.append(make('span'), make('span', '', text('now')), make('span', '', text('exact')));
    output.append(head);
    const perOutput = dataset.terms.length + (bias ? 1 : 0);
    const several = dataset.exact.weights.length > perOutput;
    const named = several || dataset.inputs.length > 1;
    output.classList.toggle('named', named);
    dataset.exact.weights.forEach((exact, i) => {
      const term = i % perOutput;
      const isBias = term === dataset.terms.length;
      if (several && term === 0) {
        const of = make('div', 'row head class');
        of.append(make('span', 'name', dataset.classes[i / perOutput]));
        output.append(of);
      }
      const row = make('div', 'row');
      const name = named
        ? make('span', 'name', isBias ? text('bias') : dataset.terms[term])
        : make('span', 'symbol', isBias ? 'b' : 'w');
      if (named) name.title = name.textContent ?? '';
      else if (!isBias && dataset.exact.weights.length > 2) name.append(sub(i + 1));
      const now = make('span', 'figure now', '–');
      const best = make('span', 'figure exact', exact === null || dataset.exact.unique ? figure(exact) : text('not_unique'));
      row.append(name, now, best);
      output.append(row);
      this.#weights.push({ now, exact: best });
    });
    put('standardized-note', dataset.scaling ? text(dataset.scaling === true ? 'in_standardized' : 'in_min_max') : '');
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    this.#last = snapshot;
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      if (this.#last) this.#draw(this.#last);
    });
  }

  /** @param {Snapshot} snapshot */
  #draw(snapshot) {
    put('step-count', count(snapshot.step));
    put('epoch-count', count(snapshot.epoch));
    // Nine digits are reached within seconds, and twelve within hours.
    element('counters').classList.toggle('long', snapshot.step >= 1e8);
    put('loss', figure(snapshot.loss));
    const sampled = snapshot.loss_is_sample;
    put('loss-kind', sampled ? text('loss_sample') : '');
    put('loss-note', sampled ? text('loss_sample_note', { rows: count(snapshot.loss_rows) }) : '');
    snapshot.weights?.forEach((weight, i) => {
      const place = this.#weights[i]?.now;
      const words = figure(weight);
      if (place && place.textContent !== words) place.textContent = words;
    });
    /** @type {Record<string, string>} */
    const values = {
      validation_loss: figure(snapshot.validation_loss),
      best: snapshot.best ? text('read_best_at', { loss: figure(snapshot.best[0]), step: count(snapshot.best[1]) }) : '–',
      validation_r2: figure(snapshot.validation_r2),
      r2: figure(snapshot.r2),
      gradient_norm: figure(snapshot.gradient_norm),
      learning_rate: figure(snapshot.learning_rate, true),
      batch_loss: figure(snapshot.batch_loss),
      exact_loss: figure(this.#dataset?.exact.loss),
      distance: snapshot.distance === null && this.#dataset?.exact.weights[0] !== null ? text('not_unique') : figure(snapshot.distance),
      steps_per_second: snapshot.steps_per_second > 0 ? count(snapshot.steps_per_second) : '–',
    };
    for (const name of ['validation_loss', 'best', 'validation_r2', 'r2']) {
      const line = this.#values.get(name)?.parentElement;
      if (line) line.hidden = values[name] === '–';
    }
    for (const [name, words] of Object.entries(values)) {
      const place = this.#values.get(name);
      if (place && place.textContent !== words) place.textContent = words;
    }
    if (this.#dataset) {
      const [used, data] = [snapshot.memory_bytes, this.#dataset.bytes].map(format_bytes);
      put('memory-note', text('memory_note', { used, data }));
    }
    this.#backend(snapshot);
    this.#state(snapshot);
  }

  /** @param {Snapshot} snapshot */
  #backend({ backend }) {
    const kind = backend.kind === 'gpu' ? 'GPU' : 'CPU';
    put('backend-kind', kind);
    put('backend-why', ` · ${wording(backend.reason)}`);
    const parts = { kind, name: backend.name, reason: wording(backend.reason) };
    const { how } = backend;
    const whole = how ? text('backend_reason_how', { ...parts, how: wording(how) }) : text('backend_reason', parts);
    put('backend-reason', whole);
    const chip = element('backend-chip');
    if (chip.title !== whole) chip.title = whole;
    chip.classList.toggle('fallback', backend.fallback);
    chip.dataset.kind = backend.kind;
  }

  /** @param {Snapshot} snapshot */
  #state(snapshot) {
    const { status } = snapshot;
    this.drawn = status.kind;
    const train = element('train');
    const training = status.kind === 'training';
    const words = text(training ? 'pause' : 'train');
    const label = /** @type {HTMLElement} */ (train.querySelector('span'));
    if (label.textContent !== words) label.textContent = words;
    train.classList.toggle('running', training);
    const at = { step: count(snapshot.step), loss: figure(snapshot.loss) };
    const key = `${status.kind} ${'reason' in status ? status.reason.code : ''} ${training ? '' : snapshot.step}`;
    const now = performance.now();
    if (key !== this.#status) {
      this.#status = key;
      this.#spokenAt = now;
      const reason = 'reason' in status ? wording(status.reason) : '';
      put('status', text(`status_${status.kind}`, { ...at, reason }));
      this.#diverged(snapshot);
      const finished = element('finished');
      finished.hidden = status.kind !== 'finished';
      finished.textContent = status.kind === 'finished' ? text('finished', { reason }) : '';
    } else if (training && now - this.#spokenAt > SUMMARY_MS) {
      this.#spokenAt = now;
      put('status', text('status_summary', at));
    }
  }

  /** @param {Snapshot} snapshot */
  #diverged({ status }) {
    const band = element('diverged');
    band.hidden = status.kind !== 'diverged';
    band.replaceChildren();
    if (status.kind !== 'diverged') return;
    const rate = status.suggested_rate;
    const mend = make('button', '', text('diverged_mend', { rate: String(rate) }));
    mend.setAttribute('type', 'button');
    mend.addEventListener('click', () => {
      // The button goes with what it mends: the keyboard is not left without a place.
      element('train').focus();
      this.restartAt(rate);
    });
    const words = make('p');
    words.append(make('strong', '', text('diverged_title')), text('diverged_reason', { reason: wording(status.reason) }));
    words.append(helpButton('divergence', text('diverged_title')));
    band.append(words, mend);
  }
}

/** @param {number} n */
function sub(n) {
  const element = document.createElement('sub');
  element.textContent = String(n);
  return element;
}
