// Axe finds no problem in any state, both languages are complete, and screen readers hear polite
// announcements.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { openPage, setUp } from './harness.js';
import { description, eventually } from './hands.js';
import { person } from './person.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const { browser, server } = await setUp();

/**
 * A page with axe, which is added before the page's own scripts because its policy blocks others.
 * @param {Partial<Parameters<typeof openPage>[1]> & { contextOptions?: object }} [options]
 */
async function open(options = {}) {
  const { width = 1280, height = 800, colorScheme = 'light', locale = 'en-US', contextOptions = {} } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, locale, ...contextOptions });
  await context.addInitScript(axe);
  const opened = await openPage(browser, { server, ...options, context });
  await person(opened.page).ready();
  const close = async () => {
    await opened.close();
    await context.close();
  };
  return { ...opened, ...person(opened.page), close };
}

/**
 * Checks that axe finds nothing.
 * @param {import('playwright-core').Page} page
 * @param {string} state
 */
async function sound(page, state) {
  const found = await page.evaluate(async () => {
    const { violations, passes } = await /** @type {any} */ (globalThis).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    const told = violations.map(
      (/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(' ')}`,
    );
    return { told, n: passes.length };
  });
  assert.ok(found.n > 8, 'axe has not looked');
  assert.deepEqual(found.told, [], state);
}

for (const [name, options] of /** @type {const} */ ([
  ['a desktop', {}],
  ['a desktop in the dark', { colorScheme: 'dark' }],
  ['a phone', { width: 390, height: 844, contextOptions: { isMobile: true, hasTouch: true } }],
  ['a phone in the dark, in Chinese', { width: 390, height: 844, colorScheme: 'dark', locale: 'zh-CN' }],
])) {
  test(`axe finds nothing on ${name}`, async () => {
    const { page, close } = await open(options);
    await sound(page, 'training');
    for (const fold of await page.locator('details:not([open]) > summary').all()) {
      if (await fold.isVisible()) await fold.click();
    }
    await page.keyboard.press('Escape');
    await sound(page, 'unfolded');
    for (const id of ['load', 'keys-button']) {
      if (!(await page.locator(`#${id}`).isVisible())) continue;
      await page.locator(`#${id}`).click();
      await sound(page, id);
      await page.keyboard.press('Escape');
    }
    await page.locator('button.help:visible').first().click();
    await page.locator('#help-dialog[open]').waitFor();
    await sound(page, 'an explanation');
    await page.keyboard.press('Escape');
    await page.locator('#rate-box').fill('-1');
    await page.locator('#rate-box').press('Tab');
    await sound(page, 'a refused entry');
    await page.locator('#rate-box').fill('10');
    await page.locator('#rate-box').press('Tab');
    await page.locator('#diverged:not([hidden])').waitFor();
    await sound(page, 'diverged');
    // The dialogs for export, import and predictions.
    await page.locator('#export').click();
    await page.locator('.export-dialog[open]').waitFor();
    await sound(page, 'an export');
    const compact = page.locator('.formats-compact');
    if (await compact.isVisible()) await compact.selectOption('safetensors');
    else await page.locator('.formats input[value="safetensors"]').check();
    await page.locator('.export-dialog .lines').waitFor();
    await sound(page, 'an export to another tool');
    await page.keyboard.press('Escape');
    const list = '{"weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"bias":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}';
    const buffer = Buffer.concat([
      Buffer.from([list.length, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from(list),
      Buffer.from([0, 0, 0, 64, 0, 0, 128, 63]),
    ]);
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator('#import').click()]);
    await chooser.setFiles({ name: 'model', mimeType: '', buffer });
    await page.locator('.import-dialog[open]').waitFor();
    await sound(page, 'a model of another tool');
    await page.locator('.import-dialog .end button').nth(2).click();
    await page.locator('.import-dialog h3').waitFor();
    await sound(page, 'a comparison');
    await page.keyboard.press('Escape');
    await page.locator('#predict-table').click();
    await page.locator('.predictions-dialog .gained').waitFor();
    await sound(page, 'a table to be predicted');
    await page.locator('.predictions-dialog textarea').fill('x\n1\noops\n');
    await page.locator('.predictions-dialog .choose button').last().click();
    await page.locator('.predictions-dialog h3').waitFor();
    await sound(page, 'predictions');
    await page.keyboard.press('Escape');
    await close();
  });
}

/**
 * Every visible text, and every accessible name.
 * @param {import('playwright-core').Page} page
 */
const words = (page) => page.evaluate(() => {
  /** @type {string[]} */
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (!parent || parent.closest('noscript, kbd, option[lang], [id=language]')) continue;
    if (node.textContent?.trim()) found.push(node.textContent.trim());
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [aria-valuetext]')) {
    for (const name of ['aria-label', 'title', 'aria-valuetext']) {
      const value = element.getAttribute(name);
      if (value) found.push(value);
    }
  }
  return found;
});

/** What is called the same in Chinese. */
const names = new RegExp([
  'Downhill', 'Keras', 'AdaGrad', 'RMSProp', 'AdamW', 'Adam', 'Lion', 'SGD', 'Nesterov', 'Glorot', 'CPU', 'GPU', 'WebGPU', 'WebAssembly',
  'SIMD', 'CSV', 'JSON', 'PNG', 'SVG', 'Alpha', 'Beta', 'Gamma', 'Epsilon', 'max', 'ReLU', 'Galton', 'mtcars', 'Delete', 'Space',
  'Motor Trend', 'Bold driver', 'Huber', 'Lasso', 'Softmax',
].join('|'), 'gi');

test('speaks Chinese to a Chinese browser, all of it, and turns to English and back', async () => {
  const { page, close } = await open({ locale: 'zh-CN' });
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-Hans');
  const english = (/** @type {string[]} */ all) => all.filter((text) => /[a-z]{3,}/i.test(text.replace(names, '')));
  assert.deepEqual(english(await words(page)), []);
  // Dialogs that are built when opened, without the names of formats.
  const inDialog = async (/** @type {string} */ name) => (await page.locator(`.${name}-dialog`).innerText()).split('\n');
  await page.locator('#export').click();
  await page.locator('.export-dialog .held').waitFor();
  const formats = /Keras|ONNX|TensorFlow|PMML|safetensors|NumPy|Python|JavaScript|Rust|PyTorch|scikit|PySpark|SQL|\.json/;
  assert.deepEqual(english(await inDialog('export')).filter((text) => !formats.test(text)), []);
  await page.keyboard.press('Escape');
  await page.locator('#predict-table').click();
  await page.locator('.predictions-dialog .gained').waitFor();
  assert.deepEqual(english(await inDialog('predictions')).filter((text) => text !== 'y predicted'), []);
  await page.keyboard.press('Escape');
  // Rust's messages as well.
  await page.locator('#rate-box').fill('-1');
  await page.locator('#rate-box').press('Tab');
  const error = page.locator('#rate-error');
  await error.waitFor();
  assert.match(await error.innerText(), /学习率/);
  assert.deepEqual(english([await error.innerText()]), []);
  await page.locator('#rate-box').fill('10');
  await page.locator('#rate-box').press('Tab');
  await page.locator('#diverged:not([hidden])').waitFor();
  await eventually(async () => english(await words(page)), (left) => left.length === 0, 'all in Chinese');
  await page.locator('#language').selectOption('en');
  await page.getByRole('button', { name: 'Reset' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  const chinese = async () => (await words(page)).filter((text) => /[\u4e00-\u9fff]/.test(text));
  await eventually(chinese, (left) => left.length === 0, 'all in English');
  await page.locator('#language').selectOption('zh');
  // Metrics are updated in the next frame.
  await eventually(async () => english(await words(page)), (left) => left.length === 0, 'all in Chinese');
  await page.reload();
  await page.locator('body.is-ready').waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-Hans');
  await close();
});

test('tells in words what the pictures show, and what happens, politely', async () => {
  const { page, stop, train, until, number, output, close, type, button } = await open({ hash: '#stop.converged=false' });
  const status = page.locator('#status');
  await status.filter({ hasText: 'Training.' }).waitFor();
  await page.evaluate(() => {
    /** @type {[number, string][]} */
    const heard = [];
    Object.assign(globalThis, { heard });
    const place = document.querySelector('#status');
    if (place) new MutationObserver(() => heard.push([performance.now(), place.textContent ?? ''])).observe(place, { childList: true });
  });
  await eventually(() => page.evaluate(() => /** @type {any} */ (globalThis).heard.length), (n) => n >= 2, 'two summaries');
  const heard = await page.evaluate(() => /** @type {any} */ (globalThis).heard);
  for (const [, text] of heard) assert.match(text, /^Step [\d,]+, loss [\d.e−,]+\.$/);
  // A summary every five seconds at most.
  assert.ok(heard[1][0] - heard[0][0] >= 4900, `${heard[1][0] - heard[0][0]} ms`);
  await stop();
  await status.filter({ hasText: /^Paused at step/ }).waitFor();
  const [step, loss] = [await output('Step count').innerText(), await output('Loss').innerText()];
  const fit = await description(page, 'Fit chart');
  assert.match(fit, /Fit of y by x: 100 rows, y = [\d.−]+ x [+−] [\d.]+\./);
  assert.ok(fit.includes(`Loss ${loss}`), fit);
  const curve = await description(page, 'Loss chart');
  assert.ok(curve.includes(`${loss} at step ${step}`), curve);
  await type('Learning rate', 10);
  await train.click();
  await status.filter({ hasText: /^Diverged\. / }).waitFor();
  await button('Reset').click();
  await until('Step count', (now) => now === 0);
  assert.ok(await number('Loss') > 0);
  await close();
});
