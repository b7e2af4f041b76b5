// @ts-check
// The dialog in which a run leaves: which weights, in what format, what the file holds and how it is loaded. Loaded when it
// is first opened. The run file is chosen as it opens, so that Enter saves it.
import { count, figure, wording } from '../words/index.js';
import { said } from '../words/exchange.js';
import { copyButton, held, open, sheet } from './parts.js';
import { exchange } from './model-files.js';
import { make } from '../parts/dom.js';
import { format_bytes } from '../wasm/engine/downhill.js';
import { save } from '../parts/saving.js';

/** @typedef {import('../worker/model-files-types.js').Description} Description */
/** @typedef {{ file_name: string, text: string, steps: number, loss: number }} Taken a run file, and what it is of */

/** The formats in the order in which they are shown, as `Format` of the exchange names them. */
export const GROUPS = {
  run: ['run_file'],
  models: ['keras_h5', 'keras', 'onnx', 'tfjs', 'pmml', 'page'],
  arrays: ['safetensors', 'npz', 'coefficients', 'history'],
  code: ['python', 'javascript', 'rust', 'c', 'sql'],
  recipes: ['recipe_keras', 'recipe_pytorch', 'recipe_sklearn', 'recipe_spark'],
};

/**
 * @param {import('../client.js').Client} client
 * @param {'current' | 'best'} which
 * @returns {Promise<Taken>}
 */
export async function takeRun(client, which = 'current') {
  const { file_name, text } = await client.ask({ kind: 'export', which, saved: new Date().toISOString() });
  const { steps, loss } = JSON.parse(text);
  return { file_name, text, steps, loss };
}

/** @param {import('../client.js').Client} client */
export async function openExport(client) {
  const [current, best] = await Promise.all([takeRun(client), takeRun(client, 'best').catch(() => undefined)]);
  /** @type {Record<string, Taken>} */
  const runs = best ? { current, best } : { current };
  const place = await sheet('export');
  const form = make('form', 'sheet');
  form.setAttribute('method', 'dialog');
  const title = make('h2', '', said('export_title'));

  // --- Which weights.
  const which = make('fieldset', 'which');
  which.append(make('legend', '', said('export_which')));
  const weights = Object.entries(runs).map(([name, { steps, loss }]) => {
    const { row, control } = choice('weights', name, said(`export_${name}`));
    control.checked = name === 'current';
    control.addEventListener('change', () => void show());
    row.append(make('span', 'muted figure', said('export_at', { step: count(steps), loss: figure(loss) })));
    which.append(row);
    return control;
  });

  // --- In what format: a list, and on a phone the phone's own.
  const list = make('div', 'formats');
  const compact = /** @type {HTMLSelectElement} */ (make('select', 'formats-compact'));
  compact.setAttribute('aria-label', said('export_format'));
  /** @type {HTMLInputElement[]} */
  const formats = [];
  for (const [group, names] of Object.entries(GROUPS)) {
    const set = make('fieldset', '');
    set.append(make('legend', '', said(`group_${group}`)));
    const options = document.createElement('optgroup');
    options.label = said(`group_${group}`);
    for (const name of names) {
      const { row, control } = choice('format', name, said(`format_${name}`));
      control.checked = name === 'run_file';
      control.addEventListener('change', () => choose(name));
      formats.push(control);
      set.append(row);
      options.append(new Option(said(`format_${name}`), name));
    }
    list.append(set);
    compact.append(options);
  }
  compact.addEventListener('change', () => choose(compact.value));

  // --- What will be saved.
  const details = make('section', 'details');
  details.setAttribute('aria-label', said('export_details'));
  const facts = make('p', 'facts figure');
  facts.setAttribute('role', 'status');
  const error = make('p', 'error');
  error.setAttribute('role', 'alert');
  error.hidden = true;
  const end = make('div', 'buttons end');
  const cancel = make('button', '', said('cancel'));
  cancel.setAttribute('value', 'cancel');
  cancel.setAttribute('type', 'button');
  cancel.addEventListener('click', () => place.close());
  const take = /** @type {HTMLButtonElement} */ (make('button', 'primary', said('save')));
  take.type = 'submit';
  end.append(facts, cancel, take);

  const body = make('div', 'export-body');
  body.append(list, compact, details);
  form.append(title, which, body, error, end);

  let format = 'run_file';
  /** @param {string} name */
  const choose = (name) => {
    format = name;
    compact.value = name;
    for (const control of formats) control.checked = control.value === name;
    void show();
  };

  /** What is chosen, ready to be saved: until it is there, saving waits. @type {Promise<{ name: string, blob: Blob } | undefined>} */
  let ready = Promise.resolve(undefined);
  const show = () => {
    const asked = format;
    const run = runs[weights.find(({ checked }) => checked)?.value ?? 'current'];
    details.setAttribute('aria-busy', 'true');
    const now = prepare(run, asked).then(({ description, blob }) => {
      if (now === ready) {
        details.replaceChildren(...described(asked, description));
        facts.textContent = said('export_file', { name: description.file_name, size: format_bytes(description.size) });
        complain();
      }
      return { name: description.file_name, blob };
    }).catch((problem) => {
      if (now === ready) {
        details.replaceChildren(...described(asked));
        facts.textContent = '';
        complain(problem);
      }
      return undefined;
    }).finally(() => {
      if (now === ready) details.removeAttribute('aria-busy');
    });
    ready = now;
    return now;
  };
  /** @param {any} [problem] */
  const complain = (problem) => {
    error.hidden = !problem;
    error.textContent = problem ? wording(problem) : '';
    take.disabled = Boolean(problem);
  };

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      const file = await ready;
      if (!file || !(await save(file.name, file.blob))) return;
      place.close();
      const status = document.getElementById('status');
      if (status) status.textContent = said('export_saved', { name: file.name });
    } catch (problem) {
      complain(problem);
      take.disabled = false;
    }
  });

  void show();
  open(place, form, title);
  (list.checkVisibility() ? formats[0] : compact).focus();
}

/**
 * The file in a format, with what is said of it. The run file is at hand: nothing has to be loaded for it.
 * @param {Taken} run
 * @param {string} format
 * @returns {Promise<{ description: Description, blob: Blob }>}
 */
async function prepare(run, format) {
  if (format === 'run_file') {
    const blob = new Blob([run.text], { type: 'application/json' });
    return { description: { file_name: run.file_name, holds: [], how_to_load: '', language: '', size: blob.size }, blob };
  }
  const { description, bytes } = await exchange({ kind: 'prepare', run: run.text, format });
  return { description, blob: new Blob([bytes], { type: 'application/octet-stream' }) };
}

/**
 * @param {string} format
 * @param {Description} [description] none where the format cannot hold the run
 */
function described(format, description) {
  const parts = [make('h3', '', said(`format_${format}`)), make('p', 'muted', said(`about_${format}`))];
  if (!description) return parts;
  parts.push(held(description.holds));
  if (description.how_to_load) {
    const head = make('div', 'lines-head');
    const lines = make('pre', 'lines');
    const code = make('code', '', description.how_to_load.trimEnd());
    const title = make('h4', '', said(`load_${description.language}`));
    lines.tabIndex = 0;
    lines.setAttribute('role', 'region');
    lines.setAttribute('aria-label', title.textContent ?? '');
    lines.append(code);
    head.append(title, copyButton(() => code.textContent ?? ''));
    parts.push(head, lines);
  } else {
    parts.push(make('h4', '', said('export_back')), make('p', '', said('export_back_how')));
  }
  return parts;
}

/**
 * @param {string} name of what is chosen
 * @param {string} value
 * @param {string} words
 */
function choice(name, value, words) {
  const control = document.createElement('input');
  control.type = 'radio';
  control.name = name;
  control.value = value;
  const row = make('label', 'choice');
  row.append(control, make('span', '', words));
  return { row, control };
}
