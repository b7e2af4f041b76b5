// @ts-check
// What the model says of inputs that a person types: of one feature many x at once, of several a value each, with what
// every one of them adds.
import { figure, text, wording } from '../words/index.js';
import { make } from './dom.js';

/** @typedef {import('../wasm/engine/downhill.js').DatasetInfo} DatasetInfo */

/** Predictions follow training this often at most. */
const SOON_MS = 100;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {import('../client.js').Client} client */
export function startPredict(client) {
  const one = /** @type {HTMLInputElement} */ (element('predict-x'));
  const error = element('predict-error');
  const rows = element('predict-rows');
  /** @type {{ control: HTMLInputElement | HTMLSelectElement, share: HTMLElement }[]} */
  let inputs = [];
  /** Names of the target's classes. @type {string[]} */
  let classes = [];
  let softmax = false;
  const START = one.value;
  /** Whether a person has said what is to be predicted. */
  let typed = false;

  /** What a response says: a number, or the most probable class with its probability. @param {number[]} response */
  const meaning = (response) => {
    if (!classes.length) return figure(response[0]);
    const shares = response.length > 1 ? response : [1 - response[0], response[0]];
    const best = shares.indexOf(Math.max(...shares));
    return text('predict_class', { name: classes[best] ?? best, percent: figure(100 * shares[best], true) });
  };

  const predictOne = async () => {
    const { outputs } = await client.ask({ kind: 'predict', inputs: one.value });
    element('predictions').textContent = outputs.map((/** @type {number} */ output) => (softmax ? classes[output] ?? output : meaning([output]))).join(', ');
  };

  const predictRow = async () => {
    const asked = inputs;
    const values = asked.map(({ control }) => control.value);
    /** @type {import('../wasm/engine/downhill.js').Explained} */
    const { output, baseline, contributions, response } = await client.ask({ kind: 'predict_row', values });
    if (asked !== inputs) return;
    element('predictions').textContent = meaning(response);
    // The inputs add up to the prediction itself, or to the number that the link function takes.
    const plain = figure(response[0]) === figure(output);
    const words = plain ? 'predict_baseline' : classes.length && !softmax ? 'predict_link' : 'predict_log';
    element('predict-baseline').textContent = text(words, { baseline: figure(baseline), sum: figure(output) });
    const largest = Math.max(...contributions.map(Math.abs));
    asked.forEach(({ share }, i) => {
      const value = contributions[i];
      share.textContent = `${value < 0 ? '' : '+'}${figure(value)}`;
      share.style.setProperty('--share', String(largest > 0 ? Math.abs(value) / largest : 0));
      share.classList.toggle('negative', value < 0);
    });
  };

  let busy = false;
  let again = false;
  const predict = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await (inputs.length ? predictRow() : predictOne());
      error.hidden = true;
      for (const control of [one, ...inputs.map(({ control }) => control)]) control.removeAttribute('aria-invalid');
    } catch (problem) {
      const { params } = /** @type {any} */ (problem);
      error.hidden = false;
      error.textContent = wording(/** @type {any} */ (problem));
      const wrong = inputs.find(({ control }) => control.getAttribute('aria-label') === params?.column);
      (wrong?.control ?? one).setAttribute('aria-invalid', 'true');
      element('predictions').textContent = '';
    }
    busy = false;
    if (again) {
      again = false;
      soon();
    }
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void predict();
    }, SOON_MS);
  };
  one.addEventListener('input', () => {
    typed = true;
    soon();
  });

  return {
    soon,
    /**
     * A new run on these rows.
     * @param {DatasetInfo} dataset
     */
    begin(dataset) {
      classes = dataset.classes;
      softmax = classes.length > 0 && dataset.exact.weights.length > dataset.n_features + 1;
      const several = dataset.inputs.length > 1;
      element('predict-one').hidden = several;
      // Of a generated line what stands there is inside it; of a table, the middle is, until a person says otherwise.
      if (!several && !typed) one.value = dataset.inputs[0].name === 'x' ? START : dataset.inputs[0].start;
      element('predict-baseline').hidden = !several;
      // Where the same inputs are asked for, what was typed stays.
      const asked = inputs.map(({ control }) => control.getAttribute('aria-label')).join('\n');
      if (several && asked === dataset.inputs.map(({ name }) => name).join('\n')) return;
      rows.replaceChildren();
      inputs = several ? dataset.inputs.map((input) => row(input)) : [];
    },
  };

  /** @param {DatasetInfo['inputs'][number]} input */
  function row({ name, levels, start }) {
    const line = make('div', 'predict-row');
    /** @type {HTMLInputElement | HTMLSelectElement} */
    let control;
    if (levels.length) {
      control = document.createElement('select');
      control.append(...levels.map((level) => new Option(level, level)));
    } else {
      control = document.createElement('input');
      control.type = 'text';
      control.inputMode = 'decimal';
    }
    control.value = start;
    control.setAttribute('aria-label', name);
    control.setAttribute('aria-describedby', 'predict-error');
    control.addEventListener('input', soon);
    const label = make('span', 'name', name);
    label.title = name;
    const share = make('span', 'figure share', '–');
    line.append(label, control, share);
    rows.append(line);
    return { control, share };
  }
}
