// The exported web page: opened from disk and without a network, it predicts as Downhill does, for
// eyes, hands and screen readers.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch } from './harness.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * @typedef {{ inputs: { name: string, levels: string[] }[], target: string, classes: string[], activation: string,
 *   rows: (number | string)[][], outputs: number[][] }} Expected
 */

/** @type {string} */
let folder;
/** @type {Record<string, Expected>} */
let expected;
/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'downhill-pages-'));
  execFileSync('cargo', ['run', '--quiet', '--package', 'downhill-model-files', '--example', 'exported', '--', folder], { stdio: 'pipe' });
  expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8'));
  browser = await launch();
});
after(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

/**
 * Opens the page of a sample from disk. Console errors and network requests fail the test.
 * @param {string} sample
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
async function open(sample, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', ...options });
  await context.addInitScript(axe);
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) problems.push(request.url());
  });
  await page.goto(pathToFileURL(join(folder, 'page', `${sample}.html`)).href);
  const close = async () => {
    await context.close();
    assert.deepEqual(problems, []);
  };
  return { page, problems, close };
}

/**
 * All digits of the displayed number.
 * @param {import('playwright-core').Page} page
 * @param {string} activation
 */
const predicted = (page, activation) => activation === 'softmax'
  ? page.$$eval('#bars .fill', (fills) => fills.map((fill) => parseFloat(/** @type {HTMLElement} */ (fill).style.width) / 100))
  : page.$eval('#prediction', (output) => [Number(/** @type {HTMLElement} */ (output).title)]);

for (const sample of ['story', 'unbiased', 'powers', 'mixed', 'ten', 'yes', 'classes']) {
  test(`${sample}: every row that is typed is predicted as by Downhill`, async () => {
    const { inputs, rows, outputs, activation } = expected[sample];
    const { page, close } = await open(sample);
    for (const [i, row] of rows.entries()) {
      for (const [j, value] of row.entries()) {
        const field = page.getByLabel(inputs[j].name, { exact: true }).first();
        await (inputs[j].levels.length ? field.selectOption(String(value)) : field.fill(String(value)));
      }
      const now = await predicted(page, activation);
      assert.equal(now.length, outputs[i].length);
      // Percentages of a bar have fewer digits.
      const tolerance = activation === 'softmax' ? 1e-6 : 1e-12;
      now.forEach((value, k) => assert.ok(
        Math.abs(value - outputs[i][k]) <= tolerance * Math.max(Math.abs(outputs[i][k]), activation === 'softmax' ? 1 : 0),
        `${value} where ${outputs[i][k]} is expected`,
      ));
    }
    await close();
  });
}

test('it says what is no number, and what lies outside the data', async () => {
  const { page, close } = await open('powers');
  const year = page.getByRole('spinbutton', { name: 'year' });
  await year.fill('');
  assert.equal(await page.locator('#prediction').innerText(), '–');
  assert.equal(await year.getAttribute('aria-invalid'), 'true');
  await page.getByText('enter a number').waitFor();
  await year.fill('2000');
  await page.getByText('Outside the range of the training data: year (1852 to 1961).').waitFor();
  await page.getByRole('button', { name: 'Middle of the data' }).click();
  assert.equal(await page.locator('#outside').isVisible(), false);
  // The arrow keys move the slider, and with it the number.
  await page.getByRole('slider', { name: 'year' }).focus();
  const before = await page.locator('#prediction').getAttribute('title');
  await page.keyboard.press('Home');
  assert.equal(await year.inputValue(), '1852');
  assert.notEqual(await page.locator('#prediction').getAttribute('title'), before);
  await close();
});

test('axe finds nothing, in light and dark, on a phone, in Chinese; nothing is wider than the phone', async () => {
  for (const sample of ['mixed', 'classes', 'yes']) {
    for (const options of /** @type {import('playwright-core').BrowserContextOptions[]} */ ([
      {}, { colorScheme: 'dark' }, { viewport: { width: 390, height: 844 } }, { locale: 'zh-CN' },
    ])) {
      const { page, close } = await open(sample, options);
      await page.locator('summary').click();
      const violations = await page.evaluate(async () => {
        const found = await /** @type {any} */ (globalThis).axe.run(
          document,
          { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
        );
        return found.violations.map(
          (/** @type {any} */ violation) => `${violation.id}: ${violation.nodes.map((/** @type {any} */ node) => node.html).join(' ')}`,
        );
      });
      assert.deepEqual(violations, [], `${sample} ${JSON.stringify(options)}`);
      const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= width, `${sample} is ${wide} px wide on ${width}`);
      assert.equal(await page.evaluate(() => document.documentElement.lang), options.locale === 'zh-CN' ? 'zh' : 'en');
      await close();
    }
  }
});

test('nothing but its own script and style is let in', async () => {
  const { page, problems, close } = await open('story');
  const reached = await page.evaluate(() => fetch('https://example.com/').then(() => true, () => false));
  assert.equal(reached, false);
  const added = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.added = true';
    document.body.append(script);
    return 'added' in globalThis;
  });
  assert.equal(added, false);
  // Only the refusal appears on the console.
  assert.ok(problems.length > 0 && problems.every((problem) => /Content Security Policy/.test(problem)), problems.join());
  problems.length = 0;
  await close();
});
