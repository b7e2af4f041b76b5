// @ts-check
// Files that come: what each is, by its content, and who reads it. Runs go on in the session; of a model that another tool
// has made, a dialog says what it is before anything is done with it. Loaded when the first file comes.
import { make, makeButton } from '../parts/dom.js';
import { OfferingProblem, loadTable, takeFromFile } from '../parts/files.js';
import { addStyle } from '../parts/styles.js';
import { bytesOf } from '../worker/blob.js';
import { count, figure, text, wording } from '../words/index.js';
import { said } from '../words/model-files.js';
import { askModelFiles } from './model-files.js';
import { errorLine, grid, open, sheet, sheetForm } from './sheet.js';

/** @typedef {import('../worker/model-files-types.js').Seen} Seen */
/** @typedef {import('../store.js').Page} Page */
/** @typedef {import('../store.js').Problem} Problem */

/** Larger files hold no linear model, and are refused before they are read into memory. */
const MAX_BYTES = 100_000_000;
/** What kinds are told apart by: the beginning, and the end, where archives list what is in them. */
const HEAD_BYTES = 4096;
const TAIL_BYTES = 1 << 16;
/** An equation of more terms is a table. */
const MAX_EQUATION = 4;
/** Rows of a table that are shown. */
const MAX_ROWS = 200;

/**
 * What a file is: a run of Downhill's, what may be a model of another tool, or a table, which is read piece by piece and may
 * be of any size.
 * @param {Blob} file
 * @returns {Promise<'run' | 'model' | 'table'>}
 */
export async function kindOf(file) {
  const head = await bytesOf(file, 0, HEAD_BYTES);
  // Bytes as signs, one each; those from 128 on as Windows has them.
  const latin = (/** @type {Uint8Array} */ bytes) => new TextDecoder('latin1').decode(bytes);
  const begins = latin(head).replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
  if (begins.startsWith('{')) {
    if (/"(modelTopology|weightsManifest|format"\s*:\s*"(layers|graph)-model)"/.test(begins)) return 'model';
    return /^{\s*"format"|"format"\s*:\s*"downhill-weights"/.test(begins) ? 'run' : 'table';
  }
  if (begins.startsWith('PK')) {
    // Its list of contents; that of a table is of sheets, or of arrays whose names are not those of weights.
    const list = latin(await bytesOf(file, Math.max(0, file.size - TAIL_BYTES)));
    return /config\.json|model\.json|weights|\.npy/.test(list) && !list.includes('[Content_Types].xml') ? 'model' : 'table';
  }
  const binary = /^.HDF\r\n/.test(begins)
    // A message of protobuf whose first field is a small number, or a word: ONNX.
    || /^[\u0008\u0012\u001a][^\n\r]/.test(latin(head))
    // The length of a list of tensors, and the list.
    || (head[8] === 0x7b && head[4] + head[5] + head[6] + head[7] === 0);
  // Markup, code that carries a run, a table of coefficients.
  const textual = /^<(\?xml|!doctype html|html|PMML)/i.test(begins) || /downhill/i.test(begins.slice(0, 400))
    || /^"?term"?\s*,\s*"?estimate"?/i.test(begins);
  return binary || textual ? 'model' : 'table';
}

/**
 * A file that was dropped: a table or a model.
 * @param {Page} page
 * @param {File} file
 */
export async function arrived(page, file) {
  const kind = await kindOf(file);
  if (kind === 'table') return loadTable(page, file.name, file);
  if (kind === 'model' && file.size <= MAX_BYTES) {
    const bytes = await read(file);
    // Arrays and texts may be either.
    const format = await askModelFiles({ kind: 'format', bytes });
    return format ? takeModel(page, file.name, bytes) : loadTable(page, file.name, file);
  }
  return importFile(page, file);
}

/**
 * A file that was chosen as a model.
 * @param {Page} page
 * @param {File} file
 */
export async function importFile(page, file) {
  const bytes = await read(file);
  const start = new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES)).trimStart();
  if (start.startsWith('{') && (await kindOf(file)) !== 'model') await takeRun(page, file.name, bytes);
  else await takeModel(page, file.name, bytes);
}

/**
 * A run goes on where it stood. Where its table is not here, it can be used as a model all the same.
 * @param {Page} page
 * @param {string} name
 * @param {Uint8Array} bytes a run file
 * @param {Seen} [seen] what is known of it as a model
 */
async function takeRun(page, name, bytes, seen) {
  try {
    takeFromFile(page, await page.client.ask({ kind: 'import', bytes }));
  } catch (error) {
    const problem = /** @type {Problem} */ (error);
    if (problem.code !== 'table_missing' && problem.code !== 'table_differs') throw problem;
    await addStyle('model-files.css');
    throw new OfferingProblem(problem, (place) => {
      place.append(makeButton('sample', said('import_as_model'), async () => {
        await show(page, name, seen ?? await askModelFiles({ kind: 'read', bytes }));
      }));
    });
  }
}

/** @param {File} file */
async function read(file) {
  if (file.size > MAX_BYTES) {
    const params = { megabytes: String(Math.round(file.size / 1e6)), limit: String(MAX_BYTES / 1e6) };
    throw Object.assign(new Error(text('too_large', params)), { code: 'file_too_large', params });
  }
  try {
    return await bytesOf(file, 0);
  } catch (error) {
    throw new Error(text('file_unreadable', { detail: String(/** @type {any} */ (error)?.message) }));
  }
}

/**
 * @param {Page} page
 * @param {string} name
 * @param {Uint8Array} bytes
 */
async function takeModel(page, name, bytes) {
  /** @type {Seen} */
  const seen = await askModelFiles({ kind: 'read', bytes });
  // What Downhill has written goes on where it stood.
  if (seen.run) await takeRun(page, name, new TextEncoder().encode(seen.run), seen);
  else await show(page, name, seen);
}

/**
 * Says what a model is, and what can be done with it.
 * @param {Page} page
 * @param {string} name
 * @param {Seen} seen
 */
async function show(page, name, seen) {
  const place = await sheet(page.root, 'import');
  const { model, format, producer } = seen;
  const { form, title } = sheetForm(said('import_title', { name }));
  const facts = make('p', 'muted', said(producer ? 'import_written' : 'import_facts', {
    format: said(`format_${format}`), producer: producer ?? '', inputs: said('n_inputs', { n: model.inputs.length }),
    outputs: said(`link_${model.activation}`),
  }));
  const error = errorLine();
  const list = terms(seen);
  const results = make('section', 'results');
  results.setAttribute('aria-live', 'polite');
  results.setAttribute('aria-label', said('compare_title'));

  const action = (/** @type {string} */ words, /** @type {() => Promise<void>} */ run) => {
    const button = makeButton('', said(words), async () => {
      button.setAttribute('aria-busy', 'true');
      error.hidden = true;
      try {
        await run();
      } catch (problem) {
        error.hidden = false;
        error.textContent = wording(/** @type {any} */ (problem));
        error.scrollIntoView({ block: 'nearest' });
      }
      button.removeAttribute('aria-busy');
    });
    return button;
  };
  const compare = action('import_compare', async () => {
    results.replaceChildren(...await compared(await page.client.ask({ kind: 'compare', model })));
    // Its coefficients stand there next to the run's.
    list.remove();
    results.scrollIntoView({ block: 'nearest' });
  });
  const adopt = action('import_adopt', async () => {
    takeFromFile(page, await page.client.ask({ kind: 'adopt', model }));
    place.close();
  });
  adopt.classList.add('primary');
  const predict = action('import_predict', async () => {
    const { openPredictions } = await import('./predictions.js');
    // Closed first: what closes gives the focus back.
    place.close();
    await openPredictions(page, { text: JSON.stringify(model), name });
  });
  const end = make('div', 'buttons end');
  end.append(makeButton('', said('cancel'), () => place.close()), predict, compare, adopt);
  form.append(facts, ...equation(seen), list, results, error, end);
  open(place, form, title);
  adopt.focus();
}

/** The model in a line, where it fits into one. @param {Seen} seen */
function equation({ model, terms: names, coefficients, constants }) {
  if (names.length > MAX_EQUATION || coefficients.some((row) => row.length !== 1)) return [];
  const products = names.map((name, i) => ({ value: coefficients[i][0], name: ` ${name.replaceAll(' * ', ' × ')}` }));
  const words = [...products, ...(constants ?? []).map((value) => ({ value, name: '' }))].map(({ value, name }, i) => {
    const sign = value < 0 ? '−' : '+';
    return `${i === 0 ? (value < 0 ? '−' : '') : ` ${sign} `}${figure(Math.abs(value), true)}${name}`;
  }).join('');
  return [make('p', 'formula', said(`equation_${model.activation}`, { target: model.target || 'y', sum: words }))];
}

/** Every coefficient, in the units of the data. @param {Seen} seen */
function terms({ model, terms: names, coefficients, constants }) {
  const n = coefficients[0]?.length ?? 0;
  const classes = model.target_levels;
  const heads = n === 1 ? [said('coefficient')] : Array.from({ length: n }, (_, k) => classes[k] ?? String(k));
  const rows = names.slice(0, MAX_ROWS).map((name, i) => [name, ...coefficients[i].map((value) => figure(value))]);
  if (constants) rows.push([said('bias'), ...constants.map((value) => figure(value))]);
  const part = make('section', 'terms');
  part.append(grid(said('terms'), [said('term'), ...heads], rows));
  if (names.length > MAX_ROWS) part.append(make('p', 'muted', said('more_rows', { n: names.length - MAX_ROWS })));
  return part;
}

/**
 * Both models side by side.
 * @param {import('../wasm/engine/downhill.js').Compared} answer
 */
async function compared({ parts, coefficients, notices }) {
  const { said: named } = await import('../words/table.js');
  const found = [make('h3', '', said('compare_title')), ...notices.map((notice) => make('p', 'note', wording(notice)))];
  const heads = [said('compare_score'), said('compare_current'), said('compare_file')];
  const several = coefficients.some(({ output }) => output !== null);
  const sides = (/** @type {{ current: number | null, model: number | null }} */ { current, model }) => [figure(current), figure(model)];
  for (const { part, n_samples, scores } of parts) {
    const label = said('compare_part', { part: named(`part_${part}`), n: count(n_samples) });
    const scoreName = (/** @type {string} */ name) => (name === 'loss' ? text('loss') : named(`score_${name}`));
    found.push(make('h4', '', label));
    found.push(grid(label, heads, scores.map((score) => [scoreName(score.name), ...sides(score)])));
  }
  found.push(make('h4', '', said('terms')));
  found.push(grid(said('terms'), [said('term'), ...heads.slice(1)], coefficients.slice(0, MAX_ROWS).map((coefficient) => [
    `${several ? `${coefficient.output}: ` : ''}${coefficient.term ?? said('bias')}`, ...sides(coefficient),
  ])));
  return found;
}
