// One screen on a desktop, one hand on a phone; sharp at every pixel ratio; light and dark.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

/** The minimum size of touch targets in CSS pixels (WCAG 2.5.5). */
const TARGET_PX = 44;

const { browser, server } = await setUp();

/** @param {import('playwright-core').Page} page */
const overflow = (page) => page.evaluate(() => {
  const { scrollWidth, scrollHeight } = document.documentElement;
  return { x: scrollWidth - innerWidth, y: scrollHeight - innerHeight };
});

for (const locale of ['en-US', 'zh-CN']) {
  test(`fits 1280 by 800 without scrolling, in ${locale}`, async () => {
    const { page, close } = await openPage(browser, { server, locale });
    await person(page).ready();
    assert.deepEqual(await overflow(page), { x: 0, y: 0 });
    // On a first visit, the form fits into its column without scrolling.
    const hidden = await page.locator('#form').evaluate((form) => form.scrollHeight - form.clientHeight);
    assert.ok(hidden <= 0, `${hidden} px of the form are out of sight`);
    const [fit, loss] = await Promise.all(['#fit-canvas', '#loss-canvas'].map((id) => page.locator(id).boundingBox()));
    assert.ok(fit && loss && fit.height > 200 && loss.height > 200);
    await close();
  });

  test(`fits 390 by 844, for a thumb, in ${locale}`, async () => {
    const { page, close } = await openPage(browser, {
      server, locale, width: 390, height: 844, contextOptions: { isMobile: true, hasTouch: true },
    });
    await person(page).ready();
    for (const fold of await page.locator('details:not([open]) > summary').all()) {
      if (await fold.isVisible()) await fold.click();
    }
    assert.equal((await overflow(page)).x, 0);
    const small = await page.evaluate((least) => {
      const controls = document.querySelectorAll('button, select, summary, input:not([type=checkbox]):not([hidden])');
      return [...controls].flatMap((control) => {
        const { width, height } = control.getBoundingClientRect();
        const covered = control.closest('.segments, dialog, [hidden]');
        // A checkbox is hit by its whole row; controls in closed dialogs have no size.
        if (width === 0 || covered || (width >= least && height >= least)) return [];
        const name = control.id || control.className || control.textContent;
        return height >= least - 0.5 && control.matches('input, .menu *') ? [] : [`${name} ${width} x ${height}`];
      });
    }, TARGET_PX);
    assert.deepEqual(small, []);
    for (const row of await page.locator('.checks .field:visible, .tick:visible').all()) {
      const box = await row.boundingBox();
      assert.ok(box && box.height >= TARGET_PX, `${await row.innerText()} is ${box?.height} px high`);
    }
    await close();
  });
}

for (const locale of ['en-US', 'zh-CN']) {
  test(`shows every label of the form whole, in ${locale}`, async () => {
    // All fields of every group are visible, except those that depend on another choice.
    const hash = '#penalty.strength=0.1&loss.kind=huber&optimizer.kind=momentum&schedule.kind=cosine&validation.fraction=0.2';
    for (const [width, height] of [[1280, 800], [1440, 900], [390, 844]]) {
      const { page, close } = await openPage(browser, { server, locale, hash, width, height });
      await person(page).ready();
      const cut = await page.locator('#form').evaluate((form) => {
        for (const fold of form.querySelectorAll('details')) fold.open = true;
        const range = document.createRange();
        return [...form.querySelectorAll('.field')].flatMap((field) => {
          const label = field.querySelector('label');
          const group = field.closest('.group');
          if (!label || !group || label.offsetParent === null) return [];
          range.selectNodeContents(label);
          // If labels were too long, the element next to the label would overflow the field.
          const words = range.getBoundingClientRect().right - label.getBoundingClientRect().right;
          const marks = [...field.querySelectorAll('.head .restart')].map((mark) => mark.getBoundingClientRect().right);
          const past = Math.max(...marks, 0) - field.getBoundingClientRect().right;
          const fields = field.getBoundingClientRect().right - group.getBoundingClientRect().right;
          return Math.max(words, past, fields) > 0.5 ? [label.textContent] : [];
        });
      });
      assert.deepEqual(cut, [], `${width} px wide`);
      assert.equal((await overflow(page)).x, 0, `${width} px wide`);
      await close();
    }
  });
}

test('keeps the learning rate within reach of a thumb, wherever the page is scrolled to', async () => {
  const { page, close } = await openPage(browser, {
    server, width: 390, height: 844, contextOptions: { isMobile: true, hasTouch: true },
  });
  const { ready, slider, train, pause, output } = person(page);
  await ready();
  for (const place of [slider('Learning rate'), output('Loss'), output('Step count'), pause]) {
    const box = await place.boundingBox();
    assert.ok(box && box.y >= 0 && box.y + box.height <= 844, 'out of sight at first');
  }
  await page.locator('#loss-canvas').scrollIntoViewIfNeeded();
  const box = await output('Loss').boundingBox();
  assert.ok(box && box.y >= 0, 'the loss scrolls away');
  assert.ok(await pause.isVisible() || await train.isVisible());
  await close();
});

for (const deviceScaleFactor of [1, 2, 3]) {
  test(`draws every device pixel at a ratio of ${deviceScaleFactor}`, async () => {
    const { page, close } = await openPage(browser, { server, deviceScaleFactor });
    const { ready, until } = person(page);
    await ready();
    await until('Step count', (step) => step > 5);
    for (const id of ['fit-canvas', 'loss-canvas']) {
      const canvases = await page.locator(`#${id}`).evaluate((area) => {
        const { width, height } = area.getBoundingClientRect();
        return [...area.querySelectorAll('canvas')].map((canvas) => ({
          apart: [canvas.width - width * devicePixelRatio, canvas.height - height * devicePixelRatio],
          drawn: (canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []).some((v) => v > 0),
        }));
      });
      assert.equal(canvases.length, 2);
      for (const { apart } of canvases) {
        assert.ok(apart.every((pixels) => Math.abs(pixels) <= deviceScaleFactor), `${id} is off by ${apart}`);
      }
      assert.ok(canvases.some(({ drawn }) => drawn), `${id} is empty`);
    }
    await close();
  });
}

test('is light and dark after the system, and as chosen, and remembers', async () => {
  const brightness = (/** @type {import('playwright-core').Page} */ page) => page.evaluate(() => {
    const channels = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g) ?? [];
    return channels.slice(0, 3).reduce((sum, channel) => sum + Number(channel), 0) / 3;
  });
  const light = await openPage(browser, { server });
  assert.ok(await brightness(light.page) > 200);
  await light.close();
  const dark = await openPage(browser, { server, colorScheme: 'dark' });
  const { page } = dark;
  await person(page).ready();
  const night = await brightness(page);
  assert.ok(night > 0 && night < 60, 'near black, and not black');
  // The chart changes too: text and grid are on the lower canvas, which training does not redraw.
  const picture = () => page.locator('#fit-canvas canvas').first()
    .evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());
  const inTheDark = await picture();
  await page.getByRole('button', { name: 'Theme: same as the system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).waitFor();
  assert.ok(await brightness(page) > 200);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  assert.notEqual(await picture(), inTheDark);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: light' }).waitFor();
  assert.ok(await brightness(page) > 200);
  await dark.close();
});

test('divides the pictures by pointer and by key', async () => {
  const { page, close } = await openPage(browser, { server });
  await person(page).ready();
  const divider = page.getByRole('separator', { name: 'Height of the fit chart' });
  const height = async () => (await page.locator('#fit-canvas').boundingBox())?.height ?? 0;
  const first = await height();
  await divider.press('ArrowUp');
  assert.equal(await divider.getAttribute('aria-valuenow'), '50');
  const second = await height();
  assert.ok(second < first - 10);
  const box = await divider.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 100, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 100, box.y + 100, { steps: 5 });
  await page.mouse.up();
  assert.ok(Math.abs(await height() - second - 100) < 12, 'the divider follows the pointer');
  await close();
});

test('folds its columns away for the pictures', async () => {
  const { page, close } = await openPage(browser, { server });
  await person(page).ready();
  const width = async () => (await page.locator('#fit-canvas').boundingBox())?.width ?? 0;
  const whole = await width();
  const settings = page.getByRole('button', { name: 'Settings', exact: true });
  const results = page.getByRole('button', { name: 'Results', exact: true });
  await settings.click();
  assert.equal(await settings.getAttribute('aria-expanded'), 'false');
  assert.equal(await page.getByRole('combobox', { name: 'Optimizer' }).count(), 0);
  await results.click();
  assert.ok(await width() >= whole + 500);
  await settings.click();
  await results.click();
  assert.ok(Math.abs(await width() - whole) <= 1);
  await close();
});
