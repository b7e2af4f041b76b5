// @ts-check
// What the model says of inputs that a person types: of one feature many x at once, of several a value each, with what
// every one of them adds.
import { figure, text, wording } from '../words/index.js';
import { make, makeSelect, part } from './dom.js';

/** @typedef {import('../store.js').Page} Page */
/** @typedef {import('../store.js').DatasetInfo} DatasetInfo */
/** @typedef {HTMLInputElement | HTMLSelectElement} Control */
/** @typedef {{ name: string, control: Control, share: HTMLElement, row: HTMLElement }} Input */

/** Predictions follow training this often at most. */
const SOON_MS = 100;

/** @param {Page} page */
export function startPredict({ root, store, client }) {
  const one = /** @type {HTMLInputElement} */ (part(root, 'predict-x'));
  const [error, rows, shown, baselineText] =
    ['predict-error', 'predict-rows', 'predictions', 'predict-baseline'].map((name) => part(root, name));
  /** @type {Input[]} */
  let inputs = [];
  const START = one.value;
  /** Whether a person has said what is to be predicted. */
  let typed = false;

  const predictOne = async () => {
    const { outputs } = await client.ask({ kind: 'predict', inputs: one.value });
    shown.textContent = outputs.map((/** @type {number} */ output) => saysOne(output, store.state)).join(', ');
  };
  const predictRow = async () => {
    const asked = inputs;
    const values = asked.map(({ control }) => control.value);
    /** @type {import('../wasm/engine/downhill.js').Explained} */
    const { output, baseline, contributions, response } = await client.ask({ kind: 'predict_row', values });
    if (asked !== inputs) return;
    shown.textContent = saysRow(response, store.state);
    baselineText.textContent = text(scaleOf(response[0], output, store.state), { baseline: figure(baseline), sum: figure(output) });
    showShares(asked, contributions);
  };
  const predict = oneAtATime(async () => {
    try {
      await (inputs.length ? predictRow() : predictOne());
      error.hidden = true;
      for (const control of [one, ...inputs.map(({ control }) => control)]) control.removeAttribute('aria-invalid');
    } catch (problem) {
      const { params } = /** @type {any} */ (problem);
      error.hidden = false;
      error.textContent = wording(/** @type {any} */ (problem));
      const wrong = inputs.find(({ name }) => name === params?.column);
      (wrong?.control ?? one).setAttribute('aria-invalid', 'true');
      shown.textContent = '';
    }
  });
  const heard = () => {
    store.set({ inputs: inputs.map(({ control }) => control.value) });
    predict();
  };
  const begin = (/** @type {DatasetInfo} */ dataset) => {
    const several = dataset.inputs.length > 1;
    part(root, 'predict-one').hidden = several;
    // Of a generated line what stands there is inside it; of a table, the middle is, until a person says otherwise.
    if (!several && !typed) one.value = dataset.inputs[0].name === 'x' ? START : dataset.inputs[0].start;
    baselineText.hidden = !several;
    // Where the same inputs are asked for, what was typed stays.
    const same = inputs.map(({ name }) => name).join('\n') === dataset.inputs.map(({ name }) => name).join('\n');
    if (several && same) return;
    inputs = several ? dataset.inputs.map((input) => buildInput(input, heard)) : [];
    rows.replaceChildren(...inputs.map(({ row }) => row));
    store.set({ inputs: inputs.map(({ control }) => control.value) });
  };

  one.addEventListener('input', () => {
    typed = true;
    predict();
  });
  store.subscribe(['dataset'], ({ dataset }) => dataset && begin(dataset));
  store.subscribe(['snapshot', 'run'], predict);
}

/**
 * What asks for work soon: one piece at a time, and again where it was asked for meanwhile.
 * @param {() => Promise<void>} work
 */
function oneAtATime(work) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let [busy, again] = [false, false];
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void run();
    }, SOON_MS);
  };
  const run = async () => {
    again = busy;
    if (busy) return;
    busy = true;
    await work();
    busy = false;
    if (again) soon();
    again = false;
  };
  return soon;
}

/**
 * Words for what the inputs add up to: the prediction itself, or the number that it is made of.
 * @param {number} response
 * @param {number} output
 * @param {import('../store.js').State} state
 */
function scaleOf(response, output, state) {
  const { classes = [], has_probabilities } = state.dataset ?? {};
  if (classes.length && !has_probabilities) return 'predict_score';
  if (figure(response) === figure(output)) return 'predict_baseline';
  return classes.length && !isSoftmax(state) ? 'predict_link' : 'predict_log';
}

/**
 * What a response says: a number, the most probable class with its probability, or a class without one.
 * @param {number[]} response
 * @param {import('../store.js').State} state
 */
function saysRow(response, { dataset }) {
  const { classes = [], has_probabilities } = dataset ?? {};
  if (!classes.length) return figure(response[0]);
  if (!has_probabilities) return text('predict_class', { name: classes[response[0]] ?? response[0] });
  const shares = response.length > 1 ? response : [1 - response[0], response[0]];
  const best = shares.indexOf(Math.max(...shares));
  return text('predict_likely_class', { name: classes[best] ?? best, percent: figure(100 * shares[best], true) });
}

/**
 * What an output for one x says: of softmax it is the class.
 * @param {number} output
 * @param {import('../store.js').State} state
 */
function saysOne(output, state) {
  const classes = state.dataset?.classes ?? [];
  return classes.length && isSoftmax(state) ? classes[output] ?? output : saysRow([output], state);
}

/** @param {import('../store.js').State} state */
const isSoftmax = ({ run }) => run?.config.loss.kind === 'softmax';

/**
 * @param {Input[]} inputs
 * @param {number[]} contributions
 */
function showShares(inputs, contributions) {
  const largest = Math.max(...contributions.map(Math.abs));
  inputs.forEach(({ share }, i) => {
    const value = contributions[i];
    share.textContent = `${value < 0 ? '' : '+'}${figure(value)}`;
    share.style.setProperty('--share', String(largest > 0 ? Math.abs(value) / largest : 0));
    share.classList.toggle('negative', value < 0);
  });
}

/**
 * @param {DatasetInfo['inputs'][number]} input
 * @param {() => void} heard
 * @returns {Input}
 */
function buildInput({ name, levels, start }, heard) {
  /** @type {Control} */
  let control;
  if (levels.length) control = makeSelect(levels.map((level) => [level, level]));
  else {
    control = document.createElement('input');
    control.type = 'text';
    control.inputMode = 'decimal';
  }
  control.value = start;
  control.setAttribute('aria-label', name);
  control.setAttribute('aria-describedby', 'predict-error');
  control.addEventListener('input', heard);
  const label = make('span', 'name', name);
  label.title = name;
  const share = make('span', 'figure share', '–');
  const row = make('div', 'predict-row');
  row.append(label, control, share);
  return { name, control, share, row };
}
