// Points added by hand and points by the million: what the fit chart shows, and what a click on it
// does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, exactWeights, rows } from './hands.js';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

const { browser, server } = await setUp();

/** @param {string} [hash] */
async function waiting(hash = '') {
  const opened = await openPage(browser, { server, hash, reducedMotion: true });
  const hands = person(opened.page);
  await hands.ready();
  return { ...opened, ...hands };
}

/**
 * Both layers of the fit chart as they are now.
 * @param {import('playwright-core').Page} page
 */
async function picture(page) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  return page.locator('#fit-canvas').evaluate((area) => (
    [...area.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()).join(' ')
  ));
}

test('adds a point where the chart is clicked, and takes it away again', async () => {
  const { page, close, until, number, output } = await waiting();
  const before = await exactWeights(page);
  const loss = await number('Loss');
  const area = await page.getByRole('img', { name: 'Fit chart' }).boundingBox();
  assert.ok(area);
  const place = { x: area.x + area.width * 0.3, y: area.y + area.height * 0.15 };
  await page.mouse.click(place.x, place.y);
  await eventually(() => rows(page), (n) => n === 101, 'rows');
  await eventually(() => exactWeights(page), (exact) => exact[0] < before[0] && exact[1] > before[1], 'a pull up on the left');
  await page.mouse.click(place.x, place.y);
  await eventually(() => rows(page), (n) => n === 100, 'rows');
  assert.deepEqual(await exactWeights(page), before);
  await until('Loss', (now) => now === loss);
  assert.ok(await output('Weights').isVisible());
  // A drag is not a click.
  await page.mouse.move(place.x, place.y);
  await page.mouse.down();
  await page.mouse.move(place.x + 60, place.y + 20, { steps: 4 });
  await page.mouse.up();
  await picture(page);
  assert.equal(await rows(page), 100);
  await close();
});

test('adds a point by its numbers, exactly', async () => {
  const { page, close, box, button } = await waiting('#data.source.n_samples=2&data.source.noise=0');
  // Two rows are on 2 x + 1 at -1 and 1; a third at (0, 4) raises the line by a third of its
  // distance of 3.
  await page.getByText('More settings', { exact: true }).click();
  await box('Point x').fill('0');
  await box('Point y').fill('4');
  await button('Add point').click();
  await eventually(() => rows(page), (n) => n === 3, 'rows');
  assert.deepEqual(await exactWeights(page), [2, 2]);
  await close();
});

test('shows residuals and the exact line when asked, and not else', async () => {
  const { page, close } = await waiting();
  const [residuals, exact] = ['Residuals', 'Exact line'].map((name) => page.getByRole('checkbox', { name }));
  const plain = await picture(page);
  await residuals.check();
  const withResiduals = await picture(page);
  assert.notEqual(withResiduals, plain);
  await residuals.uncheck();
  assert.equal(await picture(page), plain);
  await exact.uncheck();
  const without = await picture(page);
  assert.notEqual(without, plain);
  await exact.check();
  assert.equal(await picture(page), plain);
  await close();
});

test('zooms by wheel and key, and comes back', async () => {
  const { page, close } = await waiting();
  const chart = page.getByRole('img', { name: 'Fit chart' });
  const whole = await picture(page);
  await chart.hover();
  await page.mouse.wheel(0, -400);
  // The pointer has its own readout on the picture, so it is removed before pictures are compared.
  await page.mouse.move(5, 5);
  const near = await picture(page);
  assert.notEqual(near, whole);
  await chart.dblclick();
  await page.mouse.move(5, 5);
  const elsewhere = page.getByRole('textbox', { name: 'x values to predict' });
  await elsewhere.focus();
  await eventually(async () => await picture(page) === whole, Boolean, 'the whole view');
  assert.equal(await rows(page), 100, 'a double click adds nothing');
  await chart.focus();
  await chart.press('+');
  assert.notEqual(await picture(page), whole);
  await chart.press('0');
  await elsewhere.focus();
  await eventually(async () => await picture(page) === whole, Boolean, 'the whole view');
  await close();
});

test('reads out both pictures at once', async () => {
  const { page, close, button, until } = await waiting();
  for (let i = 1; i <= 3; i += 1) {
    await button('Step').click();
    await until('Step count', (step) => step === i);
  }
  const area = await page.getByRole('img', { name: 'Fit chart' }).boundingBox();
  assert.ok(area);
  await page.mouse.move(area.x + area.width / 2, area.y + area.height / 2);
  const fit = page.locator('#fit-reading');
  await fit.filter({ hasText: /x/ }).waitFor();
  const [, x, predicted] = /x (\S+) +ŷ (\S+) +exact (\S+)/.exec(await fit.innerText()) ?? [];
  const plain = (/** @type {string} */ text) => Number(text.replace('−', '-'));
  const [w, b] = await person(page).weights();
  // Displayed numbers have four digits.
  assert.ok(Math.abs(w * plain(x) + b - plain(predicted)) < 1e-3, await fit.innerText());
  assert.match(await page.locator('#loss-reading').innerText(), /step \d+ +loss [\d.]+/);
  await close();
});

/**
 * Pixels of the fit chart's lower layer (points or density) that are not blank.
 * @param {import('playwright-core').Page} page
 */
const inked = (page) => page.locator('#fit-canvas canvas').first().evaluate((area) => {
  const canvas = /** @type {HTMLCanvasElement} */ (area);
  const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
  let n = 0;
  for (let i = 3; i < data.length; i += 4) n += data[i] > 0 ? 1 : 0;
  return n;
});

test('draws a density of more points than can be told apart', async () => {
  const thin = await waiting('#data.source.n_samples=20001&data.source.noise=0');
  await eventually(() => rows(thin.page), (n) => n === 20001, 'rows');
  // Axes, text and a band no wider than the line; anything more comes from the noise.
  const bare = await eventually(() => inked(thin.page), (n) => n > 1000, 'a chart');
  await thin.close();
  const { page, close, until } = await waiting('#data.source.n_samples=20001&data.source.noise=0.5');
  const area = await page.locator('#fit-canvas').evaluate((chart) => chart.clientWidth * chart.clientHeight);
  // y spans 4 plus 4 sd of 0.5 on either side: 8, of which +-2 sd, with 95% of the points, are a
  // quarter. Half of that allows for margins and empty cells.
  await eventually(() => inked(page), (n) => n - bare > area / 8, 'a cloud');
  await page.getByRole('button', { name: 'Epoch' }).click();
  await until('Step count', (step) => step === 1);
  await close();
});

test('takes a table that is pasted onto the page', async () => {
  const { page, close } = await waiting();
  await page.getByRole('main').evaluate((main) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', 'x\ty\n1\t3\n2\t5\n4\t9\n');
    main.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  });
  await eventually(() => rows(page), (n) => n === 3, 'rows');
  // y = 2 x + 1 exactly.
  assert.deepEqual(await exactWeights(page), [2, 1]);
  await close();
});
