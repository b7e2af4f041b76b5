// @ts-check
// The dialog in which a run leaves: which weights, in what format, what the file holds and how it is loaded. Loaded when it
// is first opened. The run file is chosen as it opens, so that Enter saves it.
import { make, makeButton } from '../parts/dom.js';
import { helpButton } from '../parts/help.js';
import { save } from '../parts/saving.js';
import { format_bytes } from '../wasm/engine/downhill.js';
import { said } from '../words/model-files.js';
import { count, figure, wording } from '../words/index.js';
import { GROUPS } from './formats.js';
import { askModelFiles } from './model-files.js';
import { errorLine, open, sheet, sheetForm } from './sheet.js';

/** @typedef {import('../worker/model-files-types.js').Description} Description */
/** @typedef {import('../store.js').Page} Page */
/** @typedef {{ file_name: string, text: string, steps: number, loss: number }} Taken a run file, and what it is of */

/**
 * The run as a file.
 * @param {Page} page
 * @param {'current' | 'best'} which
 * @returns {Promise<Taken>}
 */
export async function takeRun({ client }, which = 'current') {
  const { file_name, text } = await client.ask({ kind: 'export', which, saved: new Date().toISOString() });
  const { steps, loss } = JSON.parse(text);
  return { file_name, text, steps, loss };
}

/** @param {Page} page */
export async function openExport(page) {
  const [current, best] = await Promise.all([takeRun(page), takeRun(page, 'best').catch(() => undefined)]);
  /** @type {Record<string, Taken>} */
  const runs = best ? { current, best } : { current };
  const place = await sheet(page.root, 'export');
  const { form, title } = sheetForm(said('export_title'));
  let [which, format] = ['current', 'run_file'];

  const details = make('section', 'details');
  details.setAttribute('aria-label', said('export_details'));
  const facts = make('p', 'facts figure');
  facts.setAttribute('role', 'status');
  const error = errorLine();
  const cancel = makeButton('', said('cancel'), () => place.close());
  cancel.setAttribute('value', 'cancel');
  const take = /** @type {HTMLButtonElement} */ (make('button', 'primary', said('save')));
  take.type = 'submit';
  const end = make('div', 'buttons end');
  end.append(facts, cancel, take);

  const complain = (/** @type {any} */ problem) => {
    error.hidden = !problem;
    error.textContent = problem ? wording(problem) : '';
    take.disabled = Boolean(problem);
  };
  /** What is chosen, ready to be saved: until it is there, saving waits. @type {Promise<{ name: string, blob: Blob } | undefined>} */
  let ready = Promise.resolve(undefined);
  const show = () => {
    const asked = format;
    details.setAttribute('aria-busy', 'true');
    const now = prepare(runs[which], asked).then(({ description, blob }) => {
      if (now === ready) {
        details.replaceChildren(...described(asked, description));
        facts.textContent = said('export_file', { name: description.file_name, size: format_bytes(description.size) });
        complain(undefined);
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
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      const file = await ready;
      if (!file || !(await save(file.name, file.blob))) return;
      place.close();
      page.store.set({ announcement: said('export_saved', { name: file.name }) });
    } catch (problem) {
      complain(problem);
      take.disabled = false;
    }
  });

  const formats = formatChoice((name) => {
    format = name;
    show();
  });
  const weights = weightsChoice(runs, (name) => {
    which = name;
    show();
  });
  const body = make('div', 'export-body');
  body.append(formats.list, formats.compact, details);
  form.append(weights, body, error, end);
  show();
  open(place, form, title);
  formats.focus();
}

/**
 * Which weights leave.
 * @param {Record<string, Taken>} runs
 * @param {(name: string) => void} choose
 */
function weightsChoice(runs, choose) {
  const which = make('fieldset', 'which');
  which.append(make('legend', '', said('export_which')));
  for (const [name, { steps, loss }] of Object.entries(runs)) {
    const { row, control } = choice('weights', name, said(`export_${name}`));
    control.checked = name === 'current';
    control.addEventListener('change', () => choose(name));
    row.append(make('span', 'muted figure', said('export_at', { step: count(steps), loss: figure(loss) })));
    which.append(row);
  }
  return which;
}

/**
 * In what format they leave: a list, and on a phone the phone's own.
 * @param {(name: string) => void} chosen
 */
function formatChoice(chosen) {
  const list = make('div', 'formats');
  const compact = /** @type {HTMLSelectElement} */ (make('select', 'formats-compact'));
  compact.setAttribute('aria-label', said('export_format'));
  /** @type {HTMLInputElement[]} */
  const formats = [];
  const choose = (/** @type {string} */ name) => {
    compact.value = name;
    for (const control of formats) control.checked = control.value === name;
    chosen(name);
  };
  for (const [group, names] of Object.entries(GROUPS)) {
    const set = make('fieldset');
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
  return { list, compact, focus: () => (list.checkVisibility() ? formats[0] : compact).focus() };
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
  const { description, bytes } = await askModelFiles({ kind: 'prepare', run: run.text, format });
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

const HELD = ['inside', 'folded', 'note', 'outside'];

/**
 * What a file holds of a model, by how it does; everything where nothing is told apart.
 * @param {[string, string][]} holds
 */
function held(holds) {
  const list = make('dl', 'held');
  /** @param {string} how @param {string} words */
  const row = (how, words) => {
    const line = make('div', `how-${how}`);
    const term = make('dt', '', said(`holds_${how}`));
    if (how === 'folded') term.append(helpButton('folded', said('holds_folded')));
    line.append(term, make('dd', '', words));
    list.append(line);
  };
  if (holds.length === 0) row('inside', said('holds_everything'));
  for (const how of HELD) {
    const parts = holds.filter(([, found]) => found === how).map(([part]) => said(`holds_${part}`));
    if (parts.length) row(how, parts.join(said('comma')));
  }
  return list;
}

/** @param {() => string} content */
function copyButton(content) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const button = makeButton('copy', said('copy'), async () => {
    let told = 'copied';
    try {
      await navigator.clipboard.writeText(content());
    } catch {
      // A page without a secure origin has no clipboard.
      told = 'not_copied';
    }
    button.textContent = said(told);
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = said('copy');
    }, 2000);
  });
  button.setAttribute('aria-live', 'polite');
  return button;
}
