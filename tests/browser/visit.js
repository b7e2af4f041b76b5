// Measures how fast the page is: for `cargo xtask bench page`, and for tests, which allow three
// times as much because machines differ.
import { openPage } from './harness.js';
import { person } from './person.js';

/** @typedef {import('playwright-core').Browser} Browser */
/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('./harness.js').Server} Server */

/** The connection over which a slow first visit is measured. */
export const LINE = { megabits: 10, latency_ms: 40 };

/** The limits on a quiet machine with two cores. */
export const LIMITS = {
  /** From the start of a first visit until the first step is shown, in ms. */
  first_step_ms: 1000,
  /** The same over [`LINE`]. */
  slow_first_step_ms: 1500,
  /** From an input to the next frame, and the longest task of the page's thread, in ms. */
  input_ms: 50,
  /** Lighthouse's performance score, of 100. */
  performance: 95,
};

/** Event durations are rounded to this many ms. */
const ROUNDED_MS = 8;

/**
 * Milliseconds from the start of a first visit until the page shows a training step.
 * @param {Browser} browser
 * @param {Server} server
 */
export async function firstStep(browser, server) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
  await context.addInitScript(() => {
    const observer = new MutationObserver(() => {
      const shown = document.querySelector('[aria-label="Step count"]')?.textContent ?? '';
      if (Number(shown.replaceAll(/\D/g, '')) === 0) return;
      observer.disconnect();
      Object.assign(globalThis, { first_step_ms: performance.now() });
    });
    observer.observe(document, { childList: true, subtree: true, characterData: true });
  });
  const { page, close } = await openPage(browser, { server, context });
  const found = await page.waitForFunction(() => /** @type {any} */ (globalThis).first_step_ms);
  const ms = /** @type {number} */ (await found.jsonValue());
  await close();
  await context.close();
  return ms;
}

/** The address of a run on a million rows. @param {string} backend */
export const million = (backend) => `#data.source.n_samples=1000000&steps_per_second=null&backend=${backend}&stop.converged=false`;

/**
 * Moves a slider by keys and by pointer and types, while the page trains. Returns a function that
 * does so and measures, in ms, the longest time from an input to the next frame, and the longest
 * task of the page's thread.
 * @param {Page} page
 */
export async function inputs(page) {
  const { slider, number, until } = person(page);
  await page.evaluate(() => {
    /** @type {Record<string, number[]>} */
    const seen = { longtask: [], event: [] };
    Object.assign(globalThis, { seen });
    for (const [type, into] of Object.entries(seen)) {
      const observer = new PerformanceObserver((list) => {
        into.push(...list.getEntries().map(({ duration }) => duration));
      });
      observer.observe(/** @type {any} */ ({ type, durationThreshold: 16 }));
    }
  });
  const frame = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  return async () => {
    await page.evaluate(() => {
      for (const list of Object.values(/** @type {any} */ (globalThis).seen)) list.length = 0;
    });
    const before = await number('Step count');
    for (let i = 0; i < 12; i += 1) {
      await slider('Learning rate').press(i % 2 ? 'ArrowLeft' : 'ArrowRight');
      await frame();
    }
    await page.getByRole('textbox', { name: 'x values to predict' }).pressSequentially(' 1 2 3', { delay: 30 });
    const box = await slider('Learning rate').boundingBox();
    if (!box) throw new Error('the slider is out of sight');
    await page.mouse.move(box.x + 20, box.y + box.height / 2);
    await page.mouse.down();
    for (let i = 0; i < 20; i += 1) await page.mouse.move(box.x + 20 + 4 * i, box.y + box.height / 2);
    await page.mouse.up();
    await until('Step count', (step) => step > before, 120_000);
    // Entries arrive after the frame that they describe.
    await frame();
    await frame();
    const { longtask, event } = await page.evaluate(() => /** @type {any} */ (globalThis).seen);
    return {
      n_events: event.length,
      input_ms: Math.max(0, ...event) - ROUNDED_MS / 2,
      // Shorter tasks are not reported.
      task_ms: Math.max(0, ...longtask),
    };
  };
}

/**
 * Lighthouse's scores of a first visit, of 100 each, and its findings.
 * @param {Server} server
 * @param {number} port of a browser's remote debugging
 * @param {'desktop' | 'phone'} device
 */
export async function audit(server, port, device) {
  const { default: lighthouse, desktopConfig } = await import('lighthouse');
  const categories = ['performance', 'accessibility', 'best-practices', 'seo'];
  const options = { port, onlyCategories: categories, logLevel: /** @type {const} */ ('error') };
  const result = await lighthouse(server.url, options, device === 'desktop' ? desktopConfig : undefined);
  if (!result) throw new Error('Lighthouse gave no result');
  const { lhr } = result;
  const scores = categories.map((name) => [name, Math.round(100 * (lhr.categories[name].score ?? 0))]);
  const wanting = Object.values(lhr.audits)
    .filter(({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== 'informative')
    .map(({ id, displayValue }) => `${id} ${displayValue ?? ''}`);
  return { scores: /** @type {Record<string, number>} */ (Object.fromEntries(scores)), wanting: wanting.join('; ') };
}
