// Many rows: the page says beforehand what memory they need, shows progress, and cancelling keeps
// the previous run.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { description, eventually, rows } from './hands.js';
import { launch, openPage, setUp } from './harness.js';
import { person } from './person.js';

/** The heap may hold this much for every byte of data: features and targets in f32. */
const HEAP_PER_DATA = 1.2;

const { browser, server } = await setUp();

/** @param {import('playwright-core').Page} page */
function progress(page) {
  const region = page.getByRole('region', { name: 'Progress', exact: true });
  const bar = region.getByRole('progressbar');
  return {
    bar,
    cancel: region.getByRole('button', { name: 'Cancel', exact: true }),
    percent: () => bar.evaluate((bar) => Math.floor(100 * /** @type {HTMLProgressElement} */ (bar).value)),
    gone: () => bar.waitFor({ state: 'hidden', timeout: 120_000 }),
  };
}

/**
 * Everything a person would miss if it were lost.
 * @param {import('playwright-core').Page} page
 */
async function state(page) {
  const { number, weights, box } = person(page);
  return {
    step: await number('Step count'),
    loss: await number('Loss'),
    weights: await weights(),
    rows: await rows(page),
    count: await box('Count').inputValue(),
  };
}

/** @param {string} text `80 MB` */
function megabytes(text) {
  const [, value, unit] = /([\d.]+) (B|kB|MB|GB)/.exec(text) ?? [];
  return Number(value) * { B: 1e-6, kB: 1e-3, MB: 1, GB: 1e3 }[/** @type {'MB'} */ (unit)];
}

test('ten million rows show their progress, can be cancelled, and take little more than their bytes', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#backend=cpu&stop.converged=false' });
  const { stop, button, box, until, number, slider, train, pause, type } = person(page);
  const { bar, cancel, percent, gone } = progress(page);
  await stop();
  await button('Reset').click();
  for (let i = 0; i < 3; i += 1) await button('Step').click();
  await until('Step count', (step) => step === 3);
  const before = await state(page);
  await page.getByText('100 rows need about 800 B').waitFor();
  assert.equal(await bar.isVisible(), false);

  // The memory estimate updates while the number is being typed, for screen readers too.
  await box('Count').fill('10000000');
  const told = page.getByText('10,000,000 rows need about 80 MB');
  await told.waitFor();
  assert.ok((await box('Count').getAttribute('aria-describedby'))?.split(' ').includes((await told.getAttribute('id')) ?? '-'));
  assert.equal(await rows(page), 100);
  assert.deepEqual({ ...(await state(page)), count: '100' }, before);

  // Cancelled by the button.
  const address = page.url();
  await box('Count').press('Tab');
  await page.getByRole('progressbar', { name: 'Generating 10,000,000 rows' }).waitFor();
  await page.locator('#status').filter({ hasText: /^Generating 10,000,000 rows: \d+%$/ }).waitFor();
  const first = await percent();
  await eventually(percent, (now) => now > first, 'the bar moves');
  await cancel.focus();
  await cancel.press('Enter');
  await gone();
  await page.locator('#status').filter({ hasText: 'Cancelled. The previous run is unchanged.' }).waitFor();
  assert.deepEqual(await state(page), before);
  assert.equal(page.url(), address);
  await page.getByText('100 rows need about 800 B').waitFor();
  await button('Step').click();
  await until('Step count', (step) => step === 4);

  // Cancelled by a key while training, which continues.
  await train.click();
  await pause.waitFor();
  await type('Count', 10_000_000);
  await bar.waitFor();
  await page.keyboard.press('Escape');
  await gone();
  const then = await number('Step count');
  await until('Step count', (step) => step > then);
  assert.equal(await rows(page), 100);
  assert.equal(await box('Count').inputValue(), '100');

  // Not cancelled.
  await slider('Speed').press('End');
  const start = Date.now();
  await type('Count', 10_000_000);
  await bar.waitFor();
  await gone();
  const ready = Date.now() - start;
  await eventually(() => description(page, 'Fit chart'), (text) => text.includes(': 10,000,000 rows,'), 'the new run');
  await until('Step count', (step) => step > 3, 120_000);
  await stop();
  // y = 2 x + 1 with noise 0.1: four digits of the exact line are those of the formula.
  const exact = await page.getByRole('status', { name: 'Weights' }).locator('.exact').allInnerTexts();
  assert.deepEqual(exact, ['2.000', '1.000']);
  await heapFits(page, ready);
  // Ten million more rows until they replace the old ones: twice the bytes while both exist, and no
  // more however often.
  for (const seed of [2, 3, 4]) {
    await type('Noise seed', seed);
    await bar.waitFor();
    await gone();
    await eventually(async () => page.url(), (url) => url.includes(`source.seed=${seed}`), 'the new rows');
  }
  await heapFits(page, 0, 2);
  await close();
});

/**
 * Checks that the worker's heap is at most 1.2 times the bytes of the data, times `times`.
 * @param {import('playwright-core').Page} page
 * @param {number} ready
 * @param {number} [times]
 */
async function heapFits(page, ready, times = 1) {
  const note = await page.getByText(/^Memory in use: .*, of which data: /).innerText();
  const [, used, data] = /Memory in use: (.*), of which data: (.*)/.exec(note) ?? [];
  assert.equal(data, '80 MB');
  const ratio = megabytes(used) / megabytes(data);
  const took = ready ? `ready in ${ready} ms; ` : '';
  console.log(`10,000,000 rows: ${took}heap ${used} for ${data} of data, ${ratio.toFixed(3)} times`);
  assert.ok(ratio >= 1 && ratio <= HEAP_PER_DATA * times, `${ratio}`);
}

test('newer rows supersede those that are being made', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#backend=cpu&stop.converged=false' });
  const { stop, box, type } = person(page);
  const { bar, gone } = progress(page);
  await stop();
  await page.evaluate(() => {
    /** @type {number[]} */
    const shown = [];
    Object.assign(globalThis, { shown });
    const place = document.querySelector('#progress-percent');
    if (place) new MutationObserver(() => shown.push(parseInt(place.textContent ?? '', 10))).observe(place, { childList: true });
  });
  await type('Count', 10_000_000);
  await bar.waitFor();
  await type('Count', 1_234);
  await gone();
  await eventually(() => rows(page), (n) => n === 1_234, 'the newest');
  assert.equal(await box('Count').inputValue(), '1234');
  // Cancelled preparations stopped at once: a finished one would have reached 95% or more.
  const furthest = Math.max(...(await page.evaluate(() => /** @type {any} */ (globalThis).shown)));
  assert.ok(furthest >= 0 && furthest < 90, `${furthest}%`);
  await eventually(async () => page.url(), (url) => url.includes('n_samples=1234'), 'the address follows');
  await close();
});

test('a link to ten million rows can be turned down', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#data.source.n_samples=10000000&learning_rate=0.07&backend=cpu' });
  const { ready, box, until, button } = person(page);
  await progress(page).bar.waitFor();
  await progress(page).cancel.click();
  await ready();
  assert.equal(await box('Count').inputValue(), '100');
  assert.equal(await box('Learning rate').inputValue(), '0.07');
  await button('Step').click();
  await until('Step count', (step) => step === 1);
  await close();
});

test('rows that the browser has no memory for are refused beside the count, before any is made', async (t) => {
  // 2,000 pages of 64 KiB are 131 MB.
  const small = await launch({ args: ['--js-flags=--wasm-max-mem-pages=2000'] });
  t.after(() => small.close());
  const { page, close } = await openPage(small, { server, hash: '#backend=cpu&stop.converged=false' });
  const { stop, box, type, button, until, number } = person(page);
  await stop();
  await type('Degree', 12);
  await eventually(async () => page.url(), (url) => url.includes('degree=12'), 'twelve powers');
  const step = await number('Step count');
  await box('Count').fill('10000000');
  await page.getByText('10,000,000 rows need about 520 MB').waitFor();
  await box('Count').press('Tab');
  const error = page.getByText(/^10,000,000 rows with 12 features need 520 MB, more memory than this browser has left/);
  await error.waitFor();
  assert.equal(await box('Count').getAttribute('aria-invalid'), 'true');
  const [words, place] = [await error.boundingBox(), await box('Count').boundingBox()];
  assert.ok(words && place && words.y >= place.y && words.y - place.y < 80, 'the message is not beside it');
  assert.equal(await progress(page).bar.isVisible(), false);
  assert.equal(await rows(page), 100);
  await button('Step').click();
  await until('Step count', (now) => now === step + 1);
  await type('Count', 1000);
  await eventually(() => rows(page), (n) => n === 1000, 'fewer fit');
  assert.equal(await error.isVisible(), false);
  await close();
});

test('what is ready at once shows no bar', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#backend=cpu' });
  const { stop, type } = person(page);
  await stop();
  await page.evaluate(() => {
    let shown = 0;
    const place = document.querySelector('#progress');
    if (place) new MutationObserver(() => { shown += 1; Object.assign(globalThis, { shown }); }).observe(place, { attributes: true });
    Object.assign(globalThis, { shown });
  });
  for (const n of [1000, 20_000, 300_000]) {
    await type('Count', n);
    await eventually(() => rows(page), (now) => now === n, `${n} rows`);
  }
  assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).shown), 0);
  await close();
});
