// Lighthouse, as a first visit on a desktop and on a phone sees the page: 95 or more in each category.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import lighthouse, { desktopConfig } from 'lighthouse';
import { setUp } from './harness.js';

const categories = ['performance', 'accessibility', 'best-practices', 'seo'];
const port = 9333;

const { browser, server } = await setUp({ args: [`--remote-debugging-port=${port}`] });

for (const [device, config] of /** @type {const} */ ([['desktop', desktopConfig], ['phone', undefined]])) {
  test(`a ${device} gives 95 or more in each category`, async () => {
    const result = await lighthouse(server.url, { port, onlyCategories: categories, logLevel: 'error' }, config);
    assert.ok(result);
    /** @type {Record<string, number>} */
    const scores = {};
    for (const name of categories) {
      scores[name] = Math.round(100 * (result.lhr.categories[name].score ?? 0));
    }
    const failed = Object.values(result.lhr.audits)
      .filter(({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== 'informative')
      .map(({ id, displayValue }) => `${id} ${displayValue ?? ''}`);
    console.log(device, JSON.stringify(scores), failed.join('; '));
    for (const name of categories) {
      assert.ok(scores[name] >= 95, `${name} is ${scores[name]}: ${failed.join('; ')}`);
    }
  });
}
