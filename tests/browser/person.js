// The page as a person sees it: by role and name, in English.
import assert from 'node:assert/strict';

/** @typedef {import('playwright-core').Page} Page */

/**
 * Every control and output that has a stable name.
 * @param {Page} page
 */
export function person(page) {
  const button = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true });
  const select = (/** @type {string} */ name) => page.getByRole('combobox', { name, exact: true });
  const output = (/** @type {string} */ name) => page.getByRole('status', { name, exact: true });
  const box = (/** @type {string} */ name) => page.getByRole('spinbutton', { name, exact: true });
  const number = async (/** @type {string} */ name) => figure(await output(name).innerText());
  return {
    button, select, output, box, number,
    slider: (/** @type {string} */ name) => page.getByRole('slider', { name, exact: true }),
    checkbox: (/** @type {string} */ name) => page.getByRole('checkbox', { name, exact: true }),
    train: button('Train'),
    pause: button('Pause'),
    /** Waits until the page can be used and shows the state of the run. */
    ready: () => page.locator('body.is-ready').waitFor(),
    /** Pauses if it is training. */
    stop: async () => {
      await page.locator('body.is-ready').waitFor();
      if (await button('Pause').isVisible()) await button('Pause').click();
      await button('Train').waitFor();
    },
    /**
     * Types a number as a person does, and leaves the box.
     * @param {string} name
     * @param {string | number} value
     */
    type: async (name, value) => {
      await box(name).fill(String(value));
      await box(name).press('Tab');
    },
    /** The parameters shown, as numbers. */
    weights: async () => (await output('Weights').locator('.now').allInnerTexts()).map(figure),
    /**
     * Waits until a displayed number satisfies a condition, and returns it.
     * @param {string} name
     * @param {(value: number) => boolean} is
     * @param {number} [timeout]
     */
    until: async (name, is, timeout = 30_000) => {
      const end = Date.now() + timeout;
      for (;;) {
        const value = await number(name);
        if (is(value)) return value;
        assert.ok(Date.now() < end, `${name} stays at ${value}: ${is}`);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
      }
    },
  };
}

/**
 * Reads a number as the page writes it: thousands separated, a real minus sign.
 * @param {string} text
 */
export function figure(text) {
  const plain = text.trim().replaceAll(',', '').replaceAll('−', '-');
  return plain === '–' ? NaN : Number(plain);
}
