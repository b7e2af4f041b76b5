// Export to and import from other tools: every format, models of other tools, hostile files,
// predicted tables. By roles, names, keys and files.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dropFile, eventually, exportAs, exportWeights, importWeights, openExport, reads, rows, upload } from './hands.js';
import { openPage, root, setUp } from './harness.js';
import { figure, person } from './person.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */

const { browser, server } = await setUp();

const STEPS = 300;

/**
 * A finished run.
 * @param {string} [hash]
 * @param {Partial<Parameters<typeof openPage>[1]>} [options]
 */
async function trained(hash = '', options = {}) {
  const opened = await openPage(
    browser,
    { server, hash: `#steps_per_second=null&backend=cpu&stop.steps=${STEPS}&stop.converged=false${hash}`, ...options },
  );
  await person(opened.page).ready();
  await opened.page.getByText(`Reached your limit of ${STEPS} steps.`, { exact: true }).waitFor();
  return opened;
}

/** @param {Page} page */
const alerts = (page) => page.getByRole('alert').filter({ hasText: /./ });

/** What the page shows of a run. @param {Page} page */
async function shown(page) {
  const { number, weights } = person(page);
  return { step: await number('Step count'), epoch: await number('Epoch count'), loss: await number('Loss'), weights: await weights() };
}

/** Back at step 0. @param {Page} page */
async function reset(page) {
  await person(page).button('Reset').click();
  await person(page).until('Step count', (step) => step === 0);
}

/** The dialog in which a model of another tool is shown. @param {Page} page */
const modelDialog = (page) => page.getByRole('dialog', { name: /^Model: / });

/** @param {Page} page */
const predictions = (page) => page.getByRole('dialog', { name: 'Predict a table' });

/**
 * Predicts pasted rows; returns the first rows as shown, with the names first.
 * @param {Page} page
 * @param {string} text
 */
async function predictPasted(page, text) {
  const dialog = predictions(page);
  await dialog.getByRole('textbox').fill(text);
  await dialog.getByRole('button', { name: 'Predict', exact: true }).click();
  await dialog.getByRole('heading', { name: /Predicted .*rows?/ }).waitFor();
  return cells(dialog.getByRole('region', { name: 'First rows' }));
}

/** @param {Locator} place that has a table in it */
const cells = (place) => place.getByRole('table').evaluate((table) => {
  const { rows } = /** @type {HTMLTableElement} */ (table);
  return [...rows].map((row) => [...row.cells].map((cell) => cell.textContent ?? ''));
});

/**
 * A safetensors file, as its documentation describes it: the length of the header, the header, the
 * numbers.
 * @param {Record<string, { shape: number[], values: number[] }>} tensors
 */
function safetensors(tensors) {
  /** @type {Record<string, object>} */
  const list = {};
  let end = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    list[name] = { dtype: 'F32', shape, data_offsets: [end, end += 4 * values.length] };
  }
  const head = Buffer.from(JSON.stringify(list));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  return Buffer.concat([length, head, Buffer.from(Float32Array.from(Object.values(tensors).flatMap(({ values }) => values)).buffer)]);
}

/** y = 2 x + 1. */
const line = safetensors({ 'linear.weight': { shape: [1, 1], values: [2] }, 'linear.bias': { shape: [1], values: [1] } });

/** Formats whose files carry the whole run. */
const WHOLE = [
  'Keras HDF5 (.h5)', 'Keras 3 (.keras)', 'ONNX', 'TensorFlow.js', 'PMML', 'Web page', 'safetensors', 'NumPy (.npz)',
  'Python', 'JavaScript', 'Rust', 'C', 'SQL', 'Keras script', 'PyTorch script', 'scikit-learn script', 'PySpark script',
];

test('every format leaves, and comes back under a wrong name as the run that it was', async () => {
  const { page, close } = await trained();
  const before = await shown(page);
  const names = new Set();
  for (const format of WHOLE) {
    const { name, bytes, said, facts } = await exportAs(page, format);
    assert.ok(!names.has(name), `${name} twice`);
    names.add(name);
    assert.ok(bytes.length > 100, format);
    assert.ok(facts.startsWith(name), `${facts} names ${name}`);
    // The dialog showed its contents and how to load it before saving.
    assert.match(said, /weights/, format);
    assert.match(said, /Load it in |Call it from |Run it in |How to use it/, format);
    await reset(page);
    await dropFile(page, 'notes.txt', bytes);
    await person(page).until('Step count', (step) => step === STEPS).catch(async (error) => assert.fail(
      `${format}: ${error.message} ${await alerts(page).allInnerTexts()}`,
    ));
    assert.deepEqual(await shown(page), before, format);
  }
  const all = await (await openExport(page)).getByRole('radio').evaluateAll(
    (radios) => radios.filter((radio) => radio.getAttribute('name') === 'format').length,
  );
  assert.equal(all, WHOLE.length + 3, 'a format that nothing is known of');
  await close();
});

test('how the loss went leaves as a table', async () => {
  const { page, close } = await trained();
  const { name, bytes } = await exportAs(page, 'Loss history (CSV)');
  assert.equal(name, `downhill-step-${STEPS}-history.csv`);
  const [heads, ...lines] = bytes.toString('utf8').trim().split('\n');
  assert.match(heads, /^step,/);
  const steps = lines.map((row) => Number(row.split(',')[0]));
  assert.ok(steps.length > 20 && steps.every((step, i) => i === 0 || step > steps[i - 1]), 'steps rise');
  assert.equal(steps.at(-1), STEPS);
  await close();
});

test('a table of coefficients comes back as a model, and predicts what the run does', async () => {
  const { page, close } = await trained();
  const { file: { layers: [{ kernel: [[w]], bias: [b] }] } } = await exportWeights(page);
  const { name, bytes, said } = await exportAs(page, 'Coefficients (CSV)');
  assert.match(name, /\.csv$/);
  assert.match(said, /Not in the file\s+.*optimizer state/);
  await dropFile(page, 'coefficients', bytes);
  const dialog = modelDialog(page);
  await dialog.getByRole('button', { name: 'Predict with it' }).click();
  const [heads, ...table] = await predictPasted(page, 'x\n0.5\n-0.5\n');
  assert.deepEqual(heads.slice(0, 1), ['x']);
  table.forEach(([x, y]) => {
    const bound = 1e-6 * (Math.abs(b) + Math.abs(w * Number(x)));
    assert.ok(Math.abs(Number(y) - (w * Number(x) + b)) <= bound, `${y} at ${x}, ${w} x + ${b}`);
  });
  assert.equal(table.length, 2);
  await close();
});

for (const preset of ['Motor Trend cars', 'Three classes', 'Yes or no']) {
  test(`what is scaled, curved or classified comes back, too: ${preset}`, async () => {
    const { page, close } = await openPage(browser, { server, hash: '#steps_per_second=null&backend=cpu', reducedMotion: true });
    const { ready, select, button, until, pause, stop } = person(page);
    await ready();
    await select('Preset').selectOption(preset);
    await page.locator('#notices [data-kind="preset"]').waitFor();
    await button('Epoch').click();
    await until('Step count', (step) => step > 0);
    if (await pause.isVisible()) await stop();
    const before = await shown(page);
    for (const format of WHOLE) {
      const { bytes, said } = await exportAs(page, format);
      assert.match(said, /scaling/, `${format} says what becomes of the scaling`);
      await reset(page);
      await dropFile(page, 'notes.txt', bytes);
      await until('Step count', (step) => step === before.step).catch(async (error) => assert.fail(
        `${format}: ${error.message} ${await alerts(page).allInnerTexts()}`,
      ));
      assert.deepEqual(await shown(page), before, format);
    }
    await close();
  });
}

test('a run whose table is not here is refused, and can be used as a model all the same', async () => {
  const file = JSON.parse(await readFile(join(root, 'crates/model-files/samples/mixed.json'), 'utf8'));
  file.config.data.source = { kind: 'table', name: 'homes.csv', fingerprint: '0123456789abcdef' };
  const run = JSON.stringify(file);
  const { columns: { inputs }, check_predictions: [check] } = file;
  const { page, close } = await trained();
  const before = await shown(page);
  await importWeights(page, run);
  await alerts(page).filter({ hasText: /needs the table ".*Load that file to continue/ }).waitFor();
  await page.getByRole('button', { name: 'Use it as a model' }).click();
  await modelDialog(page).getByRole('button', { name: 'Predict with it' }).click();
  const names = inputs.map((/** @type {any} */ input) => input.name).join(',');
  const values = check.slice(0, -1).map((/** @type {number} */ value, /** @type {number} */ i) => inputs[i].levels[value] ?? value);
  const [, row] = await predictPasted(page, `${names}\n${values.join(',')}\n`);
  const expected = check.at(-1);
  assert.ok(Math.abs(Number(row.at(-1)) - expected) <= 1e-5 * Math.abs(expected), `${row} for ${expected}`);
  await page.keyboard.press('Escape');
  assert.deepEqual(await shown(page), before);
  await close();
});

test('a model of another tool is shown, compared, trained on and asked', async () => {
  const { page, close } = await trained();
  const before = await shown(page);
  await dropFile(page, 'from-pytorch.csv', line);
  const dialog = modelDialog(page);
  await dialog.getByText('y = 2 x1 + 1').or(dialog.getByText('y = 2 x + 1')).waitFor();
  await dialog.getByText(/^safetensors.* Inputs: 1, predicts a number\.$/).waitFor();
  const coefficients = await cells(dialog.getByRole('region', { name: 'Coefficients, in the units of the data' }));
  assert.deepEqual(coefficients.slice(1).map(([, value]) => figure(value)), [2, 1]);

  await dialog.getByRole('button', { name: 'Compare with this run' }).click();
  const beside = dialog.getByRole('region', { name: 'Side by side' });
  await beside.getByRole('heading', { name: 'Side by side' }).waitFor();
  const scores = await cells(beside.getByRole('region', { name: /: 100$/ }));
  assert.deepEqual(scores[0], ['score', 'current', 'this file']);
  assert.equal(figure(scores[1][1]), before.loss);
  // The generator's noise has a deviation of 0.1 around 2 x + 1.
  assert.ok(figure(scores[1][2]) > 0.005 && figure(scores[1][2]) < 0.015, scores[1][2]);
  assert.deepEqual(await shown(page), before, 'comparing changes nothing');

  await dialog.getByRole('button', { name: 'Continue training here' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await person(page).until('Step count', (step) => step === 0);
  assert.deepEqual(await person(page).weights(), [2, 1]);
  await person(page).button('Step').click();
  await person(page).until('Step count', (step) => step === 1);

  await importWeights(page, upload('from-pytorch.json', line));
  await dialog.getByRole('button', { name: 'Predict with it' }).click();
  assert.deepEqual((await predictPasted(page, '0.5\n-0.5\n')).slice(-2).map((row) => row.at(-1)), ['2', '0']);
  await close();
});

test('a model too deep is refused with what it holds, one of other inputs with what it takes', async () => {
  const { page, close } = await trained();
  const before = await shown(page);
  await dropFile(page, 'deep', safetensors({
    'first.weight': { shape: [4, 1], values: [1, 2, 3, 4] }, 'first.bias': { shape: [4], values: [1, 2, 3, 4] },
    'second.weight': { shape: [1, 4], values: [1, 2, 3, 4] }, 'second.bias': { shape: [1], values: [1] },
  }));
  await alerts(page).filter({ hasText: /more than a linear model: .*first\.weight.*choose a model with one layer/ }).waitFor();
  await dropFile(page, 'wide', safetensors({ weight: { shape: [1, 3], values: [1, 2, 3] } }));
  const dialog = modelDialog(page);
  await dialog.getByRole('button', { name: 'Compare with this run' }).click();
  await dialog.getByRole('alert').filter({ hasText: /The model takes .* but this data has x\. Load the model.s own table/i }).waitFor();
  await dialog.getByRole('button', { name: 'Continue training here' }).click();
  await dialog.getByRole('alert').filter({ hasText: /but this data has x/ }).waitFor();
  await page.keyboard.press('Escape');
  assert.deepEqual(await shown(page), before);
  await close();
});

test('files that mean harm are refused at once, and cost nothing', async () => {
  const { page, close } = await trained();
  const before = await shown(page);
  const long = Buffer.concat([Buffer.from([255, 255, 255, 255, 255, 255, 255, 127]), Buffer.from('{"a":1}'), Buffer.alloc(999)]);
  /** @type {[string, Buffer][]} */
  const files = [
    ['cut', line.subarray(0, line.length - 3)],
    ['cut in its list', line.subarray(0, 40)],
    ['longer than any file', long],
    ['no number', safetensors({ weight: { shape: [1, 1], values: [NaN] } })],
    ['a shape that overflows', Buffer.from(line.toString('latin1').replace('"shape":[1,1]', '"shape":[9,9]'), 'latin1')],
    ['HDF5 in name alone', Buffer.concat([Buffer.from('\u0089HDF\r\n\u001a\n', 'latin1'), Buffer.alloc(4000, 7)])],
    ['protobuf of another schema', Buffer.from([8, 7, 18, 4, 1, 2, 3, 4, 58, 255, 255, 255, 255, 15, 9, 9])],
    ['PMML that never ends', Buffer.from('<?xml version="1.0"?><PMML version="4.4">' + '<a>'.repeat(50_000))],
  ];
  // Everything for import and export is loaded, so no test waits for it.
  await exportAs(page, 'safetensors');
  const good = (await exportWeights(page)).text;
  for (const [what, content] of files) {
    await importWeights(page, upload('model.onnx', content));
    const since = Date.now();
    await alerts(page).first().waitFor();
    // A second on a quiet machine.
    assert.ok(Date.now() - since < 3000, `${what}: ${Date.now() - since} ms`);
    // What happened, then what to do, each in a sentence.
    assert.match(await alerts(page).first().innerText(), /\S\. [A-Z].*\.$/, `${what}: no remedy`);
    assert.deepEqual(await shown(page), before, what);
    // A valid file removes the error.
    await importWeights(page, good);
    await eventually(() => alerts(page).count(), (n) => n === 0, what);
  }
  await reset(page);
  await person(page).button('Step').click();
  await person(page).until('Step count', (step) => step === 1);
  await close();
});

for (const [what, read, message] of /** @type {const} */ ([
  [
    'breaks its reader',
    'throw new WebAssembly.RuntimeError("unreachable")',
    /^The file is damaged or incomplete \(unreachable\)\. Save or download it again/,
  ],
  ['keeps its reader', 'for (;;);', /No response for 15 seconds, so this was stopped\. Try again/],
])) {
  test(`a file that ${what} costs the run nothing, and the next file is read`, async () => {
    // Without its service worker, which would serve the real file.
    const { page, context, close } = await trained('', { contextOptions: { serviceWorkers: 'block' } });
    const before = await shown(page);
    const stub = `export default async () => {}; export const format_of = () => 'onnx'; export function read() { ${read} }`;
    await context.route(
      '**/wasm/model-files/downhill_model_files.js',
      (route) => route.fulfill({ contentType: 'text/javascript', body: stub }),
    );
    await importWeights(page, upload('model.onnx', line));
    await alerts(page).filter({ hasText: message }).waitFor();
    assert.deepEqual(await shown(page), before);
    await context.unroute('**/wasm/model-files/downhill_model_files.js');
    await importWeights(page, upload('model.onnx', line));
    await modelDialog(page).waitFor();
    assert.equal(await alerts(page).count(), 0);
    await close();
  });
}

test('without a network, says so, and the run file is saved all the same', async () => {
  const { page, context, close } = await trained('', { allow: [/ERR_FAILED/], contextOptions: { serviceWorkers: 'block' } });
  await context.route('**/model-files/**', (route) => route.abort());
  const dialog = await openExport(page);
  await dialog.getByRole('radio', { name: 'ONNX' }).check();
  await dialog.getByRole('alert').filter({ hasText: /could not be loaded .*Check the connection and try again/ }).waitFor();
  assert.ok(await dialog.getByRole('button', { name: 'Save', exact: true }).isDisabled());
  await page.keyboard.press('Escape');
  assert.equal((await exportWeights(page)).file.steps, STEPS);
  await close();
});

test('kinds are told by content: tables under names of models, arrays of a table in an archive', async () => {
  const { page, close } = await trained();
  const table = 'x,y\n1,2\n2,4\n3,6\n';
  await dropFile(page, 'model.h5', table);
  await eventually(() => rows(page), (n) => n === 3, 'rows');
  await dropFile(page, 'weights.json', '[{"x":1,"y":2},{"x":2,"y":3},{"x":3,"y":4},{"x":4,"y":9}]');
  await eventually(() => rows(page), (n) => n === 4, 'rows');
  await dropFile(page, 'model.onnx', await readFile(join(root, 'crates/model-files/tests/fixtures/arrays/table.npz')));
  const choice = page.getByRole('dialog', { name: /^Columns of / });
  await Promise.race([choice.waitFor(), eventually(() => rows(page), (n) => n !== 4, 'other rows'), alerts(page).first().waitFor()]);
  assert.ok(!(await modelDialog(page).isVisible()));
  await close();
});

test('the export is chosen by keys: arrows, Enter, Escape', async () => {
  const { page, close } = await trained();
  const opener = person(page).button('Export weights');
  await opener.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Export weights' });
  await dialog.waitFor();
  const chosen = () => page.evaluate(() => document.activeElement?.closest('label')?.textContent);
  assert.equal(await chosen(), 'Run file');
  await page.keyboard.press('ArrowDown');
  assert.equal(await chosen(), 'Keras HDF5 (.h5)');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  assert.equal(await chosen(), 'PySpark script');
  await dialog.getByRole('heading', { name: 'PySpark script' }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.ok(await opener.evaluate((element) => element === document.activeElement));
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  assert.equal(download.suggestedFilename(), `downhill-weights-step-${STEPS}.json`);
  await page.getByRole('status').filter({ hasText: `downhill-weights-step-${STEPS}.json is saved.` }).waitFor({ state: 'attached' });
  await close();
});

test('lines that load a file are copied', async () => {
  const { page, context, close } = await trained();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const dialog = await openExport(page);
  await dialog.getByRole('radio', { name: 'safetensors' }).check();
  await dialog.getByRole('button', { name: 'Copy', exact: true }).click();
  await dialog.getByRole('button', { name: 'Copied' }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /load_file\("downhill-step-300\.safetensors"\)/);
  assert.equal(copied, await dialog.getByRole('region', { name: 'Load it in Python' }).locator('code').innerText());
  await close();
});

test('where the browser has a dialog for saving, that is used; closed, nothing is lost; refused, it is a download', async () => {
  const { page, close } = await trained('', { picker: true });
  await page.evaluate(() => {
    /** @type {any} */ (globalThis).showSaveFilePicker = async (/** @type {any} */ { suggestedName }) => {
      const of = /** @type {any} */ (globalThis);
      of.asked = suggestedName;
      if (of.refuse) throw new DOMException('no', of.refuse);
      return {
        createWritable: async () => ({
          write: async (/** @type {Blob} */ blob) => { of.written = await blob.text(); },
          close: async () => { of.ended = true; },
        }),
      };
    };
  });
  const global = (/** @type {string} */ name) => page.evaluate((name) => /** @type {any} */ (globalThis)[name], name);
  const dialog = await openExport(page);
  const save = dialog.getByRole('button', { name: 'Save', exact: true });
  await page.evaluate(() => { /** @type {any} */ (globalThis).refuse = 'AbortError'; });
  await save.click();
  await eventually(() => global('asked'), Boolean);
  assert.ok(await dialog.isVisible(), 'who thought better of it is where they were');
  assert.equal(await global('written'), undefined);
  await page.evaluate(() => { /** @type {any} */ (globalThis).refuse = 'SecurityError'; });
  const [download] = await Promise.all([page.waitForEvent('download'), save.click()]);
  assert.equal(download.suggestedFilename(), `downhill-weights-step-${STEPS}.json`);
  await dialog.waitFor({ state: 'hidden' });
  await page.evaluate(() => { /** @type {any} */ (globalThis).refuse = ''; });
  await openExport(page);
  await save.click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await global('ended'), true);
  assert.equal(JSON.parse(await global('written')).steps, STEPS);
  await close();
});

test('the best weights leave beside those on screen', async () => {
  // A rate near the stability limit varies a lot, so the best weights are earlier ones.
  const { page, close } = await trained('&method=stochastic&learning_rate=0.4&data.source.noise=1');
  const dialog = await openExport(page);
  const best = dialog.getByRole('radio', { name: /^Best so far/ });
  const told = await dialog.locator('.which').innerText();
  const losses = [...told.matchAll(/loss ([\d.,e−]+)/g)].map(([, text]) => figure(text));
  assert.equal(losses.length, 2);
  assert.ok(losses[1] < losses[0], told);
  await best.check();
  await dialog.locator('.details:not([aria-busy])').waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Save', exact: true }).click()]);
  const file = JSON.parse(await readFile(await download.path(), 'utf8'));
  reads(losses[1], file.loss, 'the best loss');
  assert.ok(Math.abs(Date.parse(file.provenance?.saved ?? file.saved) - Date.now()) < 60_000, 'when it was saved');
  await close();
});

test('a table is predicted beside what it holds, bad rows are named, and it is saved as CSV', async () => {
  const { page, close } = await trained();
  const { file: { layers: [{ kernel: [[w]], bias: [b] }] } } = await exportWeights(page);
  await person(page).button('Predict a table').click();
  const table = await predictPasted(page, 'id;x\n"a;b";0,5\nb;-0,5\nc;oops\nd;\n');
  const dialog = predictions(page);
  await dialog.getByText(`Using the current weights (step ${STEPS}).`).waitFor();
  await dialog.getByRole('heading', { name: 'Predicted 2 of 4 rows; 2 have problems' }).waitFor();
  await dialog.getByText('row 4, column "x": "oops" is not a number').waitFor();
  await dialog.getByText('row 5, column "x": empty cell').waitFor();
  assert.deepEqual(table.map((row) => row[0]), ['id', 'a;b', 'b', 'c', 'd']);
  assert.deepEqual(table.slice(3).map((row) => row[2]), ['', '']);
  const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Save as CSV' }).click()]);
  assert.equal(download.suggestedFilename(), 'pasted-predictions.csv');
  const saved = (await readFile(await download.path(), 'utf8')).trim().split('\n');
  assert.equal(saved.length, 5);
  for (const [i, x] of [[1, 0.5], [2, -0.5]]) {
    // In the dialect of the table: decimal commas, so cells are separated by semicolons.
    const y = Number(saved[i].split(';').at(-1)?.replace(',', '.'));
    assert.ok(Math.abs(y - (w * x + b)) <= 1e-6 * (Math.abs(b) + Math.abs(w * x)), `${saved[i]} at ${x}`);
  }
  await close();
});

test('a large table is predicted from a file with its progress in sight, and can be cancelled', async () => {
  const { page, close } = await trained();
  await person(page).button('Predict a table').click();
  const dialog = predictions(page);
  const choose = async (/** @type {string} */ name, /** @type {Buffer} */ buffer) => {
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      dialog.getByRole('button', { name: 'Choose a file', exact: true }).click(),
    ]);
    await chooser.setFiles({ name, mimeType: 'text/csv', buffer });
  };
  // 40 MB, near the limit of what a test can pass.
  const many = Buffer.from(`x\n${'0.125\n-0.25\n'.repeat(3_000_000)}`);
  await choose('many.csv', many);
  await dialog.getByRole('progressbar').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.getByRole('progressbar').waitFor({ state: 'hidden' });
  await dialog.getByRole('status').filter({ hasText: 'Cancelled.' }).waitFor({ state: 'attached' });
  assert.equal(await dialog.getByRole('heading', { name: /Predicted .*rows?/ }).count(), 0);
  // A new worker has replaced the one that was stopped.
  await choose('many.csv', many.subarray(0, 2 + 12 * 100_000));
  await dialog.getByRole('heading', { name: 'Predicted 200,000 rows' }).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Save as CSV' }).click()]);
  assert.equal(download.suggestedFilename(), 'many-predictions.csv');
  assert.equal((await readFile(await download.path(), 'utf8')).trim().split('\n').length, 200_001);
  await close();
});

test('a table without the columns is refused with those that it has; nothing pasted is said so', async () => {
  const { page, close } = await trained();
  await person(page).button('Predict a table').click();
  const dialog = predictions(page);
  const alert = dialog.getByRole('alert');
  const predict = dialog.getByRole('button', { name: 'Predict', exact: true });
  await predict.click();
  await alert.filter({ hasText: /paste some rows first/i }).waitFor();
  await dialog.getByRole('textbox').fill('id,z\na,1\nb,2\n');
  await predict.click();
  await alert.filter({ hasText: /the table has no column "x", which the model needs\. Its columns are id, z/i }).waitFor();
  await dialog.getByRole('textbox').fill('x\n1\n');
  await predict.click();
  await dialog.getByRole('heading', { name: 'Predicted 1 row' }).waitFor();
  assert.ok(!(await alert.isVisible()));
  await close();
});

test('on a phone the formats are the phone’s own list, and everything is large enough for a thumb', async () => {
  const { page, close } = await trained('', { width: 390, height: 844, contextOptions: { isMobile: true, hasTouch: true } });
  const fits = async (/** @type {Locator} */ dialog) => {
    for (const control of await dialog.locator('button:not(.help), select, label.choice, textarea').all()) {
      if (!(await control.isVisible())) continue;
      const box = await control.boundingBox();
      assert.ok(box && box.height >= 44, `${await control.innerText()}: ${box?.height} px`);
    }
    assert.ok(await dialog.evaluate((element) => element.scrollWidth <= element.clientWidth), 'it is too wide');
  };
  const dialog = await openExport(page);
  await fits(dialog);
  await dialog.getByRole('combobox', { name: 'Format' }).selectOption({ label: 'NumPy (.npz)' });
  await dialog.getByRole('heading', { name: 'NumPy (.npz)' }).waitFor();
  await fits(dialog);
  await page.keyboard.press('Escape');
  await dropFile(page, 'model', line);
  await fits(modelDialog(page));
  await modelDialog(page).getByRole('button', { name: 'Predict with it' }).click();
  await predictPasted(page, '1\n2\n');
  await fits(predictions(page));
  await close();
});
