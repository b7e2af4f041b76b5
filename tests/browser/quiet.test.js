// Announcements and labels while numbers change many times a second.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './hands.js';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

const { browser, server } = await setUp();

test('no live region but the summary says anything while it trains', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#stop.converged=false' });
  const { pause, number, until } = person(page);
  await pause.waitFor();
  await until('Step count', (step) => step > 5);
  // <output> has the role status, which is live by default (HTML AAM; WAI-ARIA 1.2, aria-live).
  await page.evaluate(() => {
    /** @type {Record<string, number>} */
    const heard = {};
    Object.assign(globalThis, { heard });
    for (const region of document.querySelectorAll('output, [role=status], [role=alert], [role=log], [aria-live]')) {
      if (region.getAttribute('aria-live') === 'off') continue;
      const name = region.getAttribute('aria-label') ?? region.id;
      const listen = () => {
        heard[name] = (heard[name] ?? 0) + 1;
      };
      new MutationObserver(listen).observe(region, { childList: true, characterData: true, subtree: true });
    }
  });
  const first = await number('Step count');
  /** @returns {Promise<Record<string, number>>} */
  const heard = () => page.evaluate(() => /** @type {any} */ (globalThis).heard);
  const told = await eventually(heard, (regions) => Object.keys(regions).length > 0, 'the summary');
  assert.deepEqual(told, { status: 1 });
  // At 60 steps per second, other numbers have certainly changed by then.
  await until('Step count', (step) => step > first + 30);
  assert.deepEqual(Object.keys(await heard()), ['status']);
  await close();
});

test('a loss that is taken over a sample says so, and over every row when it holds', async () => {
  // Twelve powers of a million values take longer to measure than a twentieth of a frame.
  const hash = '#data.source.n_samples=2000000&model.degree=12&method=mini_batch&steps_per_second=null&backend=cpu'
    + '&stop.converged=false';
  const { page, close } = await openPage(browser, { server, hash });
  const { stop, train } = person(page);
  const label = page.getByText('sample', { exact: true });
  const note = page.getByText(/fixed sample of [\d,]+ rows; when paused, on all rows/);
  await label.waitFor();
  const rows = Number((await note.innerText()).replace(/\D/g, ''));
  assert.ok(rows >= 10_000 && rows < 2_000_000, `${rows} rows`);
  await stop();
  await label.waitFor({ state: 'hidden' });
  assert.equal(await note.count(), 0);
  await train.click();
  await label.waitFor();
  await close();
});
