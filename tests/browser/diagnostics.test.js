// Diagnostics are correct, follow the weights, and can be read with a keyboard and a screen reader.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { chooseTable, description, eventually, reads, upload } from './hands.js';
import { openPage, setUp, startTabsAlone } from './harness.js';
import { figure, person } from './person.js';

/** @typedef {import('playwright-core').Page} Page */

const { browser, server } = await setUp();

// y = 3 + 2 a - 10 (low), except for one row that is 40 too high. Levels are in alphabetical order.
const a = [...Array(40).keys()];
const kind = (/** @type {number} */ i) => (i % 4 === 0 ? 'low' : 'high');
const y = a.map((a) => 3 + 2 * a - (kind(a) === 'low' ? 10 : 0) + (a === 30 ? 40 : 0));
const table = ['a,kind,y', ...a.map((a) => `${a},${kind(a)},${y[a]}`)].join('\n');

/** @param {Partial<Parameters<typeof openPage>[1]>} [options] */
async function open(options = {}) {
  const opened = await openPage(browser, { server, hash: '#stop.converged=false', reducedMotion: true, ...options });
  await person(opened.page).ready();
  if (options.width) await opened.page.getByText('Data', { exact: true }).first().click();
  await chooseTable(opened.page, upload('made.csv', table));
  const choice = opened.page.getByRole('dialog', { name: /^Columns of / });
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  return { ...opened, ...person(opened.page) };
}

/** @param {Page} page */
async function diagnostics(page) {
  await page.getByRole('tab', { name: 'Diagnostics' }).click();
  const view = page.getByRole('tabpanel', { name: 'Diagnostics' });
  await view.getByRole('img', { name: 'Predicted against actual' }).waitFor();
  return view;
}

test('pictures say which row the fit misses most, and follow the weights', async () => {
  const { page, close, button, type, until } = await open();
  const view = await diagnostics(page);
  // Nothing is learned yet: every prediction is 0, so the largest target is the furthest off.
  const largest = y.indexOf(Math.max(...y));
  const first = await eventually(() => description(page, 'Predicted against actual'), (text) => text.includes(`row ${largest + 1}:`));
  reads(figure(/actual ([^,]+),/.exec(first)?.[1] ?? ''), y[largest]);
  await type('Learning rate', 0.3);
  await button('Train').click();
  await until('Loss', (loss) => loss < 60);
  await button('Pause').click();
  // Row 31 was made 40 too high.
  const later = await eventually(() => description(page, 'Residuals against fitted'), (text) => text.includes('for row 31 '));
  assert.ok(figure(/largest is ([\d.−]+),/.exec(later)?.[1] ?? '') > 30, later);
  assert.match(later, /A funnel means/, 'what a bad one looks like is said, too');
  await view.getByText('RMSE', { exact: true }).waitFor();
  await close();
});

test('an effect is of the chosen feature, the others held where a person holds them', async () => {
  const { page, close, button, type, until } = await open();
  await type('Learning rate', 0.3);
  await button('Train').click();
  await until('Loss', (loss) => loss < 60);
  await button('Pause').click();
  const view = await diagnostics(page);
  const said = (/** @type {RegExp} */ pattern) => eventually(() => description(page, 'Partial effect'), (text) => pattern.test(text));
  const numbers = (/** @type {string} */ text) => /goes from ([\d.,−]+) to ([\d.,−]+)/.exec(text)?.slice(1).map(figure) ?? [];
  const [low, high] = numbers(await said(/^y goes from .* as a goes from 0.* to 39/));
  // The slope is 2 plus the influence of the odd row: 39 units of a make about 78.
  assert.ok(Math.abs(high - low - 78) < 12, `${low} to ${high}`);
  await view.getByText('Other features at').click();
  await view.getByRole('combobox', { name: 'kind', exact: true }).selectOption('low');
  const held = await eventually(
    async () => numbers(await description(page, 'Partial effect')),
    ([from]) => from !== low && Number.isFinite(from),
  );
  assert.ok(held[0] < low - 5 && Math.abs(held[1] - held[0] - (high - low)) < 0.1, `${held} after ${low}, ${high}`);
  await view.getByRole('combobox', { name: 'Feature of the partial effect' }).selectOption('kind');
  await said(/^y is lowest \(.*\) for kind = low and highest \(.*\) for kind = high/);
  await close();
});

test('the fit becomes a slice along a feature, the others held at what is typed to predict', async () => {
  const { page, close, button, type, until } = await open();
  await type('Learning rate', 0.3);
  await button('Train').click();
  await until('Loss', (loss) => loss < 60);
  await button('Pause').click();
  const chooser = page.getByRole('combobox', { name: 'Show' });
  await page.getByRole('img', { name: 'Fit chart' }).waitFor();
  await chooser.selectOption('a');
  await page.getByRole('img', { name: 'Partial effect' }).waitFor();
  assert.equal(await page.getByRole('img', { name: 'Fit chart' }).isVisible(), false);
  const from = async () => figure(/^y goes from ([\d.,−]+) to/.exec(await description(page, 'Partial effect'))?.[1] ?? '');
  await page.getByRole('combobox', { name: 'kind', exact: true }).selectOption('high');
  const high = await eventually(from, Number.isFinite);
  await page.getByRole('combobox', { name: 'kind', exact: true }).selectOption('low');
  await eventually(from, (low) => low < high - 5);
  await chooser.selectOption('predicted against actual');
  await page.getByRole('img', { name: 'Fit chart' }).waitFor();
  assert.equal(await page.getByRole('img', { name: 'Partial effect' }).count(), 0);
  await close();
});

test('a picture is read by the keyboard, row by row', async () => {
  const { page, close } = await open();
  await diagnostics(page);
  const picture = page.getByRole('img', { name: 'Predicted against actual' });
  const reading = picture.locator('xpath=..').locator('.reading');
  await picture.focus();
  await page.keyboard.press('ArrowRight');
  assert.match(await reading.innerText(), /^row \d+\s+predicted 0.000\s+actual [\d.−]+$/);
  assert.equal(await reading.getAttribute('aria-live'), 'polite');
  const before = await reading.innerText();
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await reading.innerText(), before);
  await page.keyboard.press('Tab');
  assert.equal(await reading.innerText(), '');
  await close();
});

test('rows held out are looked at by themselves', async () => {
  const { page, close } = await open({ hash: '#stop.converged=false&validation.fraction=0.25' });
  const view = await diagnostics(page);
  const chooser = view.getByRole('combobox', { name: 'Rows' });
  const rmse = async () => figure(await view.locator('.scores div').filter({ hasText: 'RMSE' }).locator('dd').innerText());
  const trained = await rmse();
  await chooser.selectOption('held out for validation');
  const held = await eventually(rmse, (value) => value !== trained);
  // Weights are 0: each value is the root mean square of its targets, and both together that of
  // all.
  const all = y.reduce((sum, y) => sum + y * y, 0);
  const both = 30 * trained ** 2 + 10 * held ** 2;
  assert.ok(Math.abs(both / all - 1) < 2e-3, `${both} of ${all}`);
  await close();
});

test('on a phone one picture stands at a time', async () => {
  const { page, close } = await open({ width: 390, height: 844 });
  const view = await diagnostics(page);
  assert.equal(await view.getByRole('img').count(), 1);
  await view.getByRole('combobox', { name: 'Picture' }).selectOption('Partial effect');
  await view.getByRole('img', { name: 'Partial effect' }).waitFor();
  assert.equal(await view.getByRole('img').count(), 1);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await close();
});

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

for (const [name, options] of /** @type {const} */ ([
  ['a desktop', { width: 1280, height: 800, colorScheme: 'light' }],
  ['a phone in the dark', { width: 390, height: 844, colorScheme: 'dark' }],
])) {
  test(`axe finds nothing among the pictures on ${name}`, async () => {
    const { width, height, colorScheme } = options;
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, locale: 'en-US' });
    // Added before the page's own scripts, because its policy blocks others.
    await context.addInitScript(axe);
    const { page, close } = await open({ context, ...(width < 720 ? { width, height } : {}) });
    const view = await diagnostics(page);
    await view.getByRole('button', { name: 'Save picture: Predicted against actual' }).click();
    const found = await page.evaluate(async () => {
      const { violations } = await /** @type {any} */ (globalThis).axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(' ')}`);
    });
    assert.deepEqual(found, []);
    await close();
    await context.close();
  });
}

test('leverage and quantiles are those of the exact fit, as statsmodels has them', async () => {
  const { page, close } = await open();
  await diagnostics(page);
  // statsmodels 0.15.0: OLS(y, [a, kind == low, 1]).fit().get_influence(), cooks_distance, hat_matrix_diag and
  // resid_studentized_internal of the row that is 40 too high.
  const text = await eventually(() => description(page, 'Leverage and Cook’s distance'), (text) => text.includes('row 31'));
  const said = /distance is ([\d.]+), for row 31: leverage ([\d.]+), studentized residual ([\d.]+\d)/.exec(text);
  const [cook, leverage, residual] = said?.slice(1).map(figure) ?? [];
  reads(cook, 0.679_274_496_8);
  reads(leverage, 0.052_201_257_9);
  reads(residual, 6.082_762_530_3);
  assert.match(await description(page, 'Normal Q-Q'), /for row 31; a normal distribution would give 2\.241/);
  await close();
});

test('two classes have their own pictures, which all are saved, and worded in Chinese', async () => {
  // A worker's answer for forty rows; tests/suite/diagnostics.rs compares the real one with
  // scikit-learn.
  const shares = Array.from({ length: 11 }, (_, i) => i / 10);
  const diagnosed = {
    kind: 'diagnosed', part: 'training', parts: ['training'], task: 'binary', n_samples: 40, scores: [['auc', 0.9], ['f1', 0.8]],
    roc: { false_positive: [0, 0.2, 1], true_positive: [0, 0.9, 1], auc: 0.85 },
    calibration: { predicted: [0.1, 0.6], observed: [0.15, 0.4], count: [30, 10] },
    confusion: { labels: ['no', 'yes'], counts: [[25, 3], [2, 10]] },
    histogram: { edges: shares, labels: ['no', 'yes'], counts: [[9, 8, 5, 3, 2, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]] },
    effect: { input: 0, at: [1], grid: shares, effect: shares, x: [], partial: [] },
  };
  const { page, close } = await openPage(browser, { server, reducedMotion: true });
  await person(page).ready();
  await startTabsAlone(page, diagnosed);
  await page.evaluate(() => {
    const { store, config } = /** @type {any} */ (globalThis).made;
    const inputs = [{ name: 'dose', levels: [], range: [0, 1], start: '1' }];
    const run = { run: 1, config: { ...config, data: { ...config.data, source: { kind: 'table' } } } };
    store.set({ run, dataset: { inputs, target: 'ill', n_samples: 40, n_features: 1 }, exact: {} });
    store.set({ snapshot: { run: 1, step: 1, weights: [1], status: { kind: 'paused' } } });
  });
  await page.getByRole('tab', { name: 'Diagnostics' }).click();
  const names = ['ROC curve', 'Calibration', 'Predicted probability by class', 'Partial effect'];
  for (const name of names) await page.getByRole('img', { name }).waitFor();
  assert.match(await description(page, 'ROC curve'), /area under the curve is 0\.8500/);
  assert.match(await description(page, 'Calibration'), /predicted 0\.6000, observed 0\.4000, from 10 rows/);
  const table = page.getByRole('region', { name: 'Confusion matrix' }).getByRole('table');
  assert.deepEqual(await table.getByRole('row').nth(1).getByRole('cell').allInnerTexts(), ['25', '3', '89.29%']);
  assert.deepEqual(await table.getByRole('row').nth(3).getByRole('cell').allInnerTexts(), ['92.59%', '76.92%', '']);
  for (const name of [...names, 'Confusion matrix']) {
    await page.getByRole('button', { name: `Save picture: ${name}`, exact: true }).click();
    const item = page.getByRole('menu', { name: `Save picture: ${name}`, exact: true }).getByRole('menuitem', { name: 'SVG' });
    const [download] = await Promise.all([page.waitForEvent('download'), item.click()]);
    const text = await readFile(await download.path(), 'utf8');
    assert.ok(text.includes(`<title id="title">${name}</title>`) && !/NaN|undefined/.test(text), name);
    const error = await page.evaluate(
      (text) => new DOMParser().parseFromString(text, 'image/svg+xml').querySelector('parsererror')?.textContent,
      text,
    );
    assert.equal(error, undefined, name);
    // Four cells, their counts, and the fractions next to them.
    if (name === 'Confusion matrix') {
      assert.equal(text.match(/<rect x=/g)?.length, 4);
      for (const words of ['25', '3', '2', '10', '89.29%']) assert.ok(text.includes(`>${words}</text>`), words);
    }
  }
  await page.getByRole('combobox', { name: 'Language' }).selectOption('zh');
  await page.getByRole('combobox', { name: '语言' }).waitFor();
  await page.evaluate(() => /** @type {any} */ (globalThis).made.store.set({ language: 'zh' }));
  await page.getByRole('img', { name: 'ROC 曲线' }).waitFor();
  await page.getByRole('tab', { name: '诊断' }).waitFor();
  await page.getByRole('button', { name: '保存图片：校准' }).waitFor();
  await close();
});
