// @ts-check
// The dialog in which a table is predicted: pasted or chosen, of any size, a piece at a time, and saved with the predictions
// next to what was there. Loaded when it is first opened.
import { make, makeButton } from '../parts/dom.js';
import { save } from '../parts/saving.js';
import { said } from '../words/model-files.js';
import { count, wording } from '../words/index.js';
import { askModelFiles } from './model-files.js';
import { errorLine, grid, open, sheet, sheetForm } from './sheet.js';

/** @typedef {import('../worker/model-files-types.js').Counts} Counts */
/** @typedef {import('../worker/model-files-types.js').Takes} Takes */
/** @typedef {import('../store.js').Page} Page */
/** @typedef {{ text: string, name: string }} Predicting a run file or a model as JSON, and what it is called to a person */

/** Inputs that are named one by one. */
const MAX_NAMED = 12;
const MAX_LEVELS = 6;

/** Predicts with the model on screen. @param {Page} page */
export async function predictRun(page) {
  const { takeRun } = await import('./export.js');
  const { text, steps } = await takeRun(page);
  await openPredictions(page, { text, name: said('predict_on_screen', { step: count(steps) }) });
}

/**
 * @param {Page} page
 * @param {Predicting} model
 */
export async function openPredictions(page, model) {
  const place = await sheet(page.root, 'predictions');
  const { form, title } = sheetForm(said('predict_title'));
  const needs = make('dl', 'needs');
  const paste = /** @type {HTMLTextAreaElement} */ (make('textarea'));
  paste.rows = 6;
  paste.spellcheck = false;
  const pasteLabel = make('label', 'stacked');
  pasteLabel.append(make('span', '', said('predict_paste')), paste);
  const go = makeButton('primary', said('predict_go'));
  const error = errorLine();
  const complain = (/** @type {any} */ problem) => {
    const is = problem && problem.code !== 'cancelled';
    error.hidden = !is;
    error.textContent = is ? wording(problem) : '';
  };
  const progress = progressLine();
  const { results, status, saving, show, clear } = resultsOf(go, complain);
  let nOutputs = 1;
  /** @type {AbortController | undefined} */
  let running;

  /**
   * @param {string} name
   * @param {Blob} blob
   */
  const predict = async (name, blob) => {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    complain(undefined);
    clear();
    progress.begin();
    try {
      const options = { signal: mine.signal, progress: progress.show };
      show(name, await askModelFiles({ kind: 'predict', text: model.text, blob }, options), nOutputs);
    } catch (problem) {
      complain(problem);
      if (/** @type {any} */ (problem).code === 'cancelled' && running === mine) status.textContent = said('predict_cancelled');
    }
    if (running !== mine) return;
    running = undefined;
    progress.element.hidden = true;
  };
  progress.stop.addEventListener('click', () => running?.abort());
  place.onclose = () => running?.abort();
  go.addEventListener('click', () => {
    if (paste.value.trim()) void predict('pasted', new Blob([paste.value]));
    else {
      complain(new Error(said('predict_nothing')));
      paste.focus();
    }
  });
  const start = make('div', 'buttons choose');
  start.append(...fileChooser((file) => void predict(file.name, file)), go);
  takeDrops(place, (file) => void predict(file.name, file));
  const end = make('div', 'buttons end');
  end.append(makeButton('', said('close'), () => place.close()), saving);
  const facts = make('p', 'muted', said('predict_model', { name: model.name }));
  form.append(facts, needs, pasteLabel, start, progress.element, error, results, status, end);
  open(place, form, title);
  paste.focus();
  try {
    /** @type {Takes} */
    const takes = await askModelFiles({ kind: 'takes', text: model.text });
    nOutputs = takes.outputs.length;
    needs.replaceChildren(...wanted(takes));
    paste.placeholder = example(takes);
  } catch (problem) {
    complain(problem);
  }
}

/**
 * Where the predictions are shown, and the button that saves them.
 * @param {HTMLElement} go the button that predicts
 * @param {(problem: any) => void} complain
 */
function resultsOf(go, complain) {
  const results = make('section', 'results');
  const status = make('p', 'hidden');
  status.setAttribute('role', 'status');
  /** @type {{ name: string, blob: Blob } | undefined} */
  let done;
  const saving = makeButton('primary', said('save_csv'), async () => {
    try {
      if (done) await save(done.name, done.blob);
    } catch (problem) {
      complain(problem);
    }
  });
  saving.hidden = true;
  return {
    results,
    status,
    saving,
    clear() {
      results.replaceChildren();
      saving.hidden = true;
      go.classList.add('primary');
      done = undefined;
    },
    /** @param {string} name @param {{ counts: Counts, blob: Blob }} answer @param {number} nOutputs */
    show(name, { counts, blob }, nOutputs) {
      results.replaceChildren(...shown(counts, nOutputs));
      done = { name: `${name.replace(/\.\w+$/, '')}-predictions.csv`, blob };
      saving.hidden = counts.n_rows === 0;
      go.classList.toggle('primary', saving.hidden);
      status.textContent = summary(counts);
      results.scrollIntoView({ block: 'nearest' });
    },
  };
}

/** How far a prediction is, and the button that stops it. */
function progressLine() {
  const element = make('div', 'predict-progress');
  element.hidden = true;
  const bar = document.createElement('progress');
  bar.max = 1;
  const told = make('span', 'figure');
  told.id = 'predict-progress-text';
  bar.setAttribute('aria-labelledby', told.id);
  const stop = makeButton('', said('cancel'));
  element.append(told, bar, stop);
  return {
    element,
    stop,
    begin() {
      element.hidden = false;
      bar.removeAttribute('value');
      told.textContent = said('predicting', { n: '0', percent: '0' });
    },
    show({ fraction = 0, n_rows = 0 }) {
      bar.value = fraction;
      told.textContent = said('predicting', { n: count(n_rows), percent: count(100 * fraction) });
    },
  };
}

/**
 * A hidden input and the button that opens it.
 * @param {(file: File) => void} take
 */
function fileChooser(take) {
  const input = /** @type {HTMLInputElement} */ (make('input'));
  input.type = 'file';
  input.accept = '.csv,.tsv,.txt,text/*';
  input.hidden = true;
  input.setAttribute('aria-label', said('predict_choose'));
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = '';
    if (file) take(file);
  });
  return [input, makeButton('', said('predict_choose'), () => input.click())];
}

/**
 * A table that is dropped here is to be predicted; elsewhere on the page it would be a run's.
 * @param {HTMLDialogElement} place
 * @param {(file: File) => void} take
 */
function takeDrops(place, take) {
  place.ondragover = (event) => event.preventDefault();
  place.ondrop = (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    take(file);
  };
}

/** What a table must have. @param {Takes} takes */
function wanted({ inputs, outputs }) {
  const listed = (/** @type {string[]} */ levels) => levels.slice(0, MAX_LEVELS).join(' | ') + (levels.length > MAX_LEVELS ? ' …' : '');
  const kind = (/** @type {string[]} */ levels) => (levels.length ? listed(levels) : said('a_number'));
  const names = inputs.slice(0, MAX_NAMED).map(({ name, levels }) => {
    const column = make('span', 'column-name', name);
    column.title = kind(levels);
    if (levels.length) column.append(make('span', 'muted', ` ${kind(levels)}`));
    return column;
  });
  if (inputs.length > MAX_NAMED) names.push(make('span', 'muted', said('more_columns', { n: inputs.length - MAX_NAMED })));
  const gains = outputs.map((name) => make('span', 'column-name gained', name));
  const row = (/** @type {string} */ words, /** @type {HTMLElement[]} */ what) => {
    const line = make('div');
    const list = make('dd');
    list.append(...what);
    line.append(make('dt', '', said(words)), list);
    return line;
  };
  return [row('predict_needs', names), row('predict_adds', gains)];
}

/** A table as it might be. @param {Takes} takes */
function example({ inputs }) {
  const row = (/** @type {string} */ number, /** @type {number} */ level) =>
    inputs.map(({ levels }) => (levels.length ? levels[level % levels.length] : number)).join(',');
  return [inputs.map(({ name }) => name).join(','), row('0.5', 0), row('-0.5', 1)].join('\n');
}

/** @param {Counts} counts */
function summary({ n_rows, n_predicted, n_bad }) {
  return said(n_bad ? 'predicted_bad' : 'predicted', { n: count(n_predicted), rows: count(n_rows), bad: count(n_bad) });
}

/** @param {Counts} counts @param {number} nOutputs columns that were added */
function shown(counts, nOutputs) {
  const { n_bad, problems, notices, preview, n_rows } = counts;
  const found = [make('h3', '', summary(counts)), ...notices.map((notice) => make('p', 'note', wording(notice)))];
  if (preview.length > 1) {
    const [heads, ...rows] = preview;
    const table = grid(said('predict_rows'), heads, rows, true);
    // Predictions stand behind what was there.
    const first = heads.length - nOutputs;
    for (const { cells } of table.querySelectorAll('tr')) [...cells].slice(first).forEach((cell) => cell.classList.add('gained'));
    found.push(table);
    if (n_rows > rows.length) found.push(make('p', 'muted', said('first_rows', { n: count(rows.length), all: count(n_rows) })));
  }
  if (n_bad) {
    const list = make('ul', 'problems');
    for (const problem of problems) list.append(make('li', '', wording(problem)));
    if (n_bad > problems.length) list.append(make('li', 'muted', said('more_problems', { n: count(n_bad - problems.length) })));
    found.push(make('h4', '', said('predict_problems')), list);
  }
  return found;
}

