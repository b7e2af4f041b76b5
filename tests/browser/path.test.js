// The tabs of the path and of the folds, fed with numbers of a run: what they show, and what a
// click selects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { description, eventually } from './hands.js';
import { openPage, setUp, startTabsAlone } from './harness.js';
import { person } from './person.js';

const { browser, server } = await setUp();

/** A page with both tabs, with strengths from 0.001 to 10, ten per decade; the validation loss is lowest at 0.3162. */
async function open() {
  const opened = await openPage(browser, { server, reducedMotion: true });
  await person(opened.page).ready();
  await startTabsAlone(opened.page);
  await opened.page.evaluate(() => {
    const { store, config } = /** @type {any} */ (globalThis).made;
    const strengths = Float32Array.from({ length: 41 }, (_, i) => 10 ** (-3 + i / 10));
    const coefficients = new Float32Array(82);
    strengths.forEach((strength, i) => {
      coefficients[2 * i] = Math.max(5 - strength, 0);
      coefficients[2 * i + 1] = -Math.max(0.05 - strength, 0);
    });
    const validation = strengths.map((strength) => 1 + Math.log10(strength / 0.3162) ** 2);
    const penalty = { strength: 0.1, l1_ratio: 1 };
    const run = { run: 1, config: { ...config, penalty, penalty_path: strengths.length } };
    const folds = [0, 10, 20].map((step) => ({ step, losses: Float32Array.of(4 - step / 10, 2, 3) }));
    store.set({ run, dataset: { terms: ['size', 'rooms'], inputs: [] }, exact: {}, folds });
    store.set({ path: { strengths, coefficients, loss: strengths.map((strength) => strength), validation } });
  });
  const chosen = () => opened.page.evaluate(() => /** @type {any} */ (globalThis).made.chosen);
  return { ...opened, chosen };
}

test('a path says what is left at the chosen strength, and a strength is taken by pointer, by key and by name', async () => {
  const { page, close, chosen } = await open();
  await page.getByRole('tab', { name: 'Penalty path' }).click();
  const picture = page.getByRole('img', { name: 'Coefficients by penalty strength' });
  await picture.waitFor();
  assert.match(await description(page, 'Coefficients by penalty strength'), /At strength 0\.1, 1 of 2 coefficients are not zero/);
  assert.match(await description(page, 'Loss by penalty strength'), /validation loss is lowest, 1\.000, at strength 0\.3162/);
  const view = page.getByRole('tabpanel', { name: 'Penalty path' });
  assert.deepEqual(await view.locator('.path-coefficients .legend li').allInnerTexts(), ['size', 'rooms', 'in use: 0.1']);

  await view.getByRole('button', { name: 'Use the best penalty: 0.3162' }).click();
  assert.ok(Math.abs((await chosen())[0] / 0.316228 - 1) < 1e-5, String(await chosen()));

  // The keyboard starts in the middle, at 0.1 of the largest coefficient, and reads it out.
  await picture.focus();
  await page.keyboard.press('ArrowRight');
  const reading = view.locator('.path-coefficients .reading');
  assert.equal(await reading.innerText(), 'size   4.874 at strength 0.1259');
  await page.keyboard.press('ArrowUp');
  assert.equal(await reading.innerText(), 'rooms   0.000 at strength 0.1259');
  await page.keyboard.press('Enter');
  assert.ok(Math.abs((await chosen())[1] / 0.125893 - 1) < 1e-5, String(await chosen()));

  const box = await picture.boundingBox();
  assert.ok(box);
  await page.mouse.click(box.x + box.width * 0.7, box.y + box.height / 2);
  const [, , clicked] = await chosen();
  assert.ok(clicked > 0.3 && clicked < 3, `${clicked}`);

  // The run continues with another strength.
  await page.evaluate(() => {
    const { store, config } = /** @type {any} */ (globalThis).made;
    const penalty = { strength: 0.01, l1_ratio: 1 };
    store.set({ run: { run: 1, config: { ...config, penalty, penalty_path: 41 } }, exact: {} });
  });
  await eventually(
    () => description(page, 'Coefficients by penalty strength'),
    (text) => /At strength 0\.01, 2 of 2 coefficients are not zero/.test(text),
  );
  await close();
});

test('folds show their mean and how far they lie apart, and begin again with a run', async () => {
  const { page, close } = await open();
  await page.getByRole('tab', { name: 'Folds' }).click();
  await page.getByRole('img', { name: 'Validation loss of each fold' }).waitFor();
  // 2, 2 and 3 at step 20.
  assert.match(
    await description(page, 'Validation loss of each fold'),
    /3 folds at step 20: mean validation loss 2\.333, from 2\.000 to 3\.000/,
  );
  await page.evaluate(() => /** @type {any} */ (globalThis).made.store.set({ folds: [{ step: 0, losses: Float32Array.of(9, 9) }] }));
  await eventually(
    () => description(page, 'Validation loss of each fold'),
    (text) => text.startsWith('2 folds at step 0: mean validation loss 9.000'),
  );
  await close();
});
