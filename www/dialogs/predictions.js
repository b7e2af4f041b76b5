// @ts-check
// The dialog in which a table is predicted: pasted or chosen, of any size, a piece at a time, and saved with the predictions
// beside what was there. Loaded when it is first opened.
import { count, wording } from '../words/index.js';
import { said } from '../words/exchange.js';
import { grid, open, sheet } from './parts.js';
import { exchange } from './model-files.js';
import { make } from '../parts/dom.js';
import { save } from '../parts/saving.js';

/** @typedef {import('../worker/model-files-types.js').Counts} Counts */
/** @typedef {import('../worker/model-files-types.js').Takes} Takes */
/** @typedef {{ text: string, name: string }} Predicting a run file or a model as JSON, and what it is called to a person */

/** Inputs that are named one by one. */
const MAX_NAMED = 12;
const MAX_LEVELS = 6;

/**
 * The model on screen.
 * @param {import('../client.js').Client} client
 */
export async function predictRun(client) {
  const { takeRun } = await import('./export.js');
  const { text, steps } = await takeRun(client);
  await openPredictions({ text, name: said('predict_on_screen', { step: count(steps) }) });
}

/** @param {Predicting} model */
export async function openPredictions(model) {
  const place = await sheet('predictions');
  const form = make('form', 'sheet');
  form.setAttribute('method', 'dialog');
  const title = make('h2', '', said('predict_title'));
  const facts = make('p', 'muted', said('predict_model', { name: model.name }));
  const needs = make('dl', 'needs');

  const paste = /** @type {HTMLTextAreaElement} */ (make('textarea'));
  paste.rows = 6;
  paste.spellcheck = false;
  const pasteLabel = make('label', 'stacked');
  pasteLabel.append(make('span', '', said('predict_paste')), paste);
  const input = /** @type {HTMLInputElement} */ (make('input'));
  input.type = 'file';
  input.accept = '.csv,.tsv,.txt,text/*';
  input.hidden = true;
  input.setAttribute('aria-label', said('predict_choose'));
  const button = (/** @type {string} */ words, kind = '') => {
    const made = make('button', kind, said(words));
    made.setAttribute('type', 'button');
    return made;
  };
  const choose = button('predict_choose');
  choose.addEventListener('click', () => input.click());
  const go = button('predict_go', 'primary');
  const start = make('div', 'buttons choose');
  start.append(input, choose, go);

  const progress = make('div', 'predict-progress');
  progress.hidden = true;
  const bar = document.createElement('progress');
  bar.max = 1;
  const told = make('span', 'figure');
  told.id = 'predict-progress-text';
  bar.setAttribute('aria-labelledby', told.id);
  const stop = button('cancel');
  progress.append(told, bar, stop);

  const error = make('p', 'error');
  error.setAttribute('role', 'alert');
  error.hidden = true;
  const results = make('section', 'results');
  const status = make('p', 'hidden');
  status.setAttribute('role', 'status');
  const saving = button('save_csv', 'primary');
  saving.hidden = true;
  const close = button('close');
  close.addEventListener('click', () => place.close());
  const end = make('div', 'buttons end');
  end.append(close, saving);
  form.append(title, facts, needs, pasteLabel, start, progress, error, results, status, end);

  /** @type {AbortController | undefined} */
  let running;
  let nOutputs = 1;
  /** @type {{ name: string, blob: Blob } | undefined} */
  let done;
  const complain = (/** @type {any} */ problem) => {
    const is = problem && problem.code !== 'cancelled';
    error.hidden = !is;
    error.textContent = is ? wording(problem) : '';
  };

  /**
   * @param {string} name
   * @param {Blob} blob
   */
  const predict = async (name, blob) => {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    complain(undefined);
    results.replaceChildren();
    saving.hidden = true;
    go.classList.add('primary');
    done = undefined;
    progress.hidden = false;
    bar.removeAttribute('value');
    told.textContent = said('predicting', { n: '0', percent: '0' });
    try {
      /** @type {{ counts: Counts, blob: Blob }} */
      const answer = await exchange({ kind: 'predict', text: model.text, blob }, {
        signal: mine.signal,
        progress: ({ fraction, n_rows }) => {
          bar.value = fraction;
          told.textContent = said('predicting', { n: count(n_rows), percent: count(100 * fraction) });
        },
      });
      results.replaceChildren(...shown(answer.counts, nOutputs));
      done = { name: `${name.replace(/\.\w+$/, '')}-predictions.csv`, blob: answer.blob };
      saving.hidden = answer.counts.n_rows === 0;
      go.classList.toggle('primary', saving.hidden);
      status.textContent = summary(answer.counts);
      results.scrollIntoView({ block: 'nearest' });
    } catch (problem) {
      complain(problem);
      if (/** @type {any} */ (problem).code === 'cancelled' && running === mine) status.textContent = said('predict_cancelled');
    }
    if (running !== mine) return;
    running = undefined;
    progress.hidden = true;
  };

  stop.addEventListener('click', () => running?.abort());
  go.addEventListener('click', () => {
    if (paste.value.trim()) void predict('pasted', new Blob([paste.value]));
    else {
      complain(new Error(said('predict_nothing')));
      paste.focus();
    }
  });
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = '';
    if (file) void predict(file.name, file);
  });
  // A table that is dropped here is to be predicted; elsewhere on the page it would be a run's.
  place.ondragover = (event) => event.preventDefault();
  place.ondrop = (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    void predict(file.name, file);
  };
  place.onclose = () => running?.abort();
  saving.addEventListener('click', async () => {
    if (!done) return;
    try {
      await save(done.name, done.blob);
    } catch (problem) {
      complain(problem);
    }
  });

  open(place, form, title);
  paste.focus();
  try {
    /** @type {Takes} */
    const takes = await exchange({ kind: 'takes', text: model.text });
    nOutputs = takes.outputs.length;
    needs.replaceChildren(...wanted(takes));
    paste.placeholder = example(takes);
  } catch (problem) {
    complain(problem);
  }
}

/** What a table must have. @param {Takes} takes */
function wanted({ inputs, outputs }) {
  const kind = (/** @type {string[]} */ levels) => (levels.length ? `${levels.slice(0, MAX_LEVELS).join(' | ')}${levels.length > MAX_LEVELS ? ' …' : ''}` : said('a_number'));
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
  const row = (/** @type {string} */ number, /** @type {number} */ level) => inputs.map(({ levels }) => (levels.length ? levels[level % levels.length] : number)).join(',');
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

