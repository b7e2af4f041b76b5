// Everything works by keyboard, and nothing takes the focus away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportWeights } from './hands.js';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

const { browser, server } = await setUp();

test('trains, steps and starts over by single keys', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#method=mini_batch' });
  const { ready, until, train, pause, number } = person(page);
  await ready();
  await page.keyboard.press(' ');
  await train.waitFor();
  await page.keyboard.press('r');
  await until('Step count', (step) => step === 0);
  await page.keyboard.press('.');
  await until('Step count', (step) => step === 1);
  await page.keyboard.press('e');
  await until('Epoch count', (epoch) => epoch === 1);
  assert.equal(await number('Step count'), 4);
  await page.keyboard.press(' ');
  await pause.waitFor();
  await until('Step count', (step) => step > 8);
  await page.keyboard.press('?');
  const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await list.waitFor();
  for (const words of ['train or pause', 'one step', 'one epoch', 'reset', 'show this list']) {
    assert.ok(await list.getByText(words, { exact: true }).isVisible());
  }
  await page.keyboard.press('Escape');
  await list.waitFor({ state: 'hidden' });
  await close();
});

test('leaves keys to whoever is typing', async () => {
  const { page, close } = await openPage(browser, { server });
  const { stop, button, until, number, train } = person(page);
  await stop();
  await button('Reset').click();
  await until('Step count', (step) => step === 0);
  const box = page.getByRole('textbox', { name: 'x values to predict' });
  await box.fill('');
  await box.pressSequentially('1e1 .5 r?');
  assert.equal(await box.inputValue(), '1e1 .5 r?');
  assert.equal(await page.getByRole('dialog').count(), 0);
  // A button handles its own Space once, and a checkbox its own.
  await page.getByRole('checkbox', { name: 'Exact line' }).press(' ');
  assert.equal(await page.getByRole('checkbox', { name: 'Exact line' }).isChecked(), false);
  await train.waitFor();
  await button('Step').press(' ');
  await until('Step count', (step) => step === 1);
  assert.equal(await number('Step count'), 1);
  await close();
});

test('reaches every control with Tab, and shows where it is', async () => {
  const { page, close } = await openPage(browser, { server, reducedMotion: true });
  await person(page).ready();
  await page.evaluate(() => {
    for (const fold of document.querySelectorAll('details')) fold.open = true;
  });
  await page.keyboard.press('Tab');
  const wanted = await page.evaluate(() => {
    const all = document.querySelectorAll('button, select, input, summary, a[href], textarea, [tabindex="0"]');
    return [...all].filter((element) => {
      const { disabled } = /** @type {HTMLButtonElement} */ (element);
      return !disabled && element.checkVisibility() && !element.closest('dialog');
    }).length;
  });
  /** @type {string[]} */
  const unseen = [];
  let reached = 0;
  for (let i = 0; i < wanted + 5; i += 1) {
    const found = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body || element.hasAttribute('data-reached')) return null;
      element.setAttribute('data-reached', '');
      // A styled substitute may show the focus ring of the real control.
      const shown = element.matches('.segments select') ? element.nextElementSibling : element;
      const { outlineStyle, outlineWidth } = getComputedStyle(shown ?? element);
      const name = element.getAttribute('aria-label') || element.outerHTML.slice(0, 120);
      return { name, visible: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 };
    });
    if (found) {
      reached += 1;
      if (!found.visible) unseen.push(found.name);
    }
    await page.keyboard.press('Tab');
  }
  const missed = await page.evaluate(() => {
    const all = document.querySelectorAll('button, select, input, summary, a[href], textarea, [tabindex="0"]');
    return [...all].filter((element) => {
      const { disabled } = /** @type {HTMLButtonElement} */ (element);
      return !disabled && element.checkVisibility() && !element.closest('dialog') && !element.hasAttribute('data-reached');
    }).map((element) => element.getAttribute('aria-label') || element.outerHTML.slice(0, 120));
  });
  assert.deepEqual(missed, []);
  assert.deepEqual(unseen, []);
  assert.ok(reached > 40, `${reached}`);
  await close();
});

test('keeps the focus where it is while it trains', async () => {
  const { page, close } = await openPage(browser, { server });
  const { ready, box, until, number } = person(page);
  await ready();
  await box('Noise').focus();
  const before = await number('Step count');
  await until('Step count', (step) => step > before + 40);
  assert.ok(await box('Noise').evaluate((element) => element === document.activeElement));
  await box('Noise').pressSequentially('5');
  await until('Step count', (step) => step > before + 60);
  // Text being typed is not changed until it is complete.
  assert.match(await box('Noise').inputValue(), /5/);
  await close();
});

test('opens and leaves dialogs, and comes back to where it was', async () => {
  const { page, close } = await openPage(browser, { server });
  const { stop, button } = person(page);
  await stop();
  for (const opener of [button('Load data'), button('Keyboard shortcuts'), button('What is Learning rate?')]) {
    await opener.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    assert.ok(await dialog.evaluate((element) => element.contains(document.activeElement)));
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.ok(await opener.evaluate((element) => element === document.activeElement));
  }
  await close();
});

test('takes a held Space for one, and a held point for many', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#steps_per_second=null&stop.converged=false' });
  const { ready, until, train, number, pause } = person(page);
  await ready();
  await pause.waitFor();
  await page.keyboard.down(' ');
  await train.waitFor();
  const step = await number('Step count');
  for (let i = 0; i < 5; i += 1) await page.keyboard.down(' ');
  // Each file is saved after all earlier requests, and a tick of training lies between two.
  for (let i = 0; i < 2; i += 1) assert.equal((await exportWeights(page)).file.steps, step);
  assert.ok(await train.isVisible());
  await page.keyboard.up(' ');
  await page.keyboard.press('Escape');
  await page.locator('body').press('.');
  for (let i = 0; i < 4; i += 1) await page.keyboard.down('.');
  await page.keyboard.up('.');
  await until('Step count', (now) => now === step + 5);
  await close();
});

test('leaves keys to lists and to the browser, and takes them on a slider', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#method=mini_batch', reducedMotion: true });
  const { ready, select, slider, number, until, train, pause } = person(page);
  await ready();
  await select('Schedule').press('e');
  await select('Method').press('.');
  await page.keyboard.press('Control+e');
  await page.keyboard.press('Alt+e');
  // If any of them were a command, this would not be the first epoch.
  await slider('Learning rate').press('e');
  await until('Epoch count', (epoch) => epoch === 1);
  assert.equal(await number('Step count'), 4);
  await slider('Learning rate').press(' ');
  await pause.waitFor();
  await slider('Speed').press(' ');
  await train.waitFor();
  await close();
});

test('mends a divergence by keys, and keeps a place for the next one', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#learning_rate=10', reducedMotion: true });
  const { ready, train, pause, button, until } = person(page);
  await ready();
  await page.keyboard.press(' ');
  const offer = button('Restart at 0.5');
  await offer.press('Enter');
  await pause.waitFor();
  assert.ok(await pause.evaluate((element) => element === document.activeElement));
  await page.keyboard.press('Enter');
  await train.waitFor();
  await until('Loss', (loss) => loss < 3);
  await close();
});
