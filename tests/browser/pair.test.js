// The CPU's second worker: tried if a pass is long, with both speeds shown, and the same run either
// way.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { exportWeights } from './hands.js';
import { launch, openPage, startServer } from './harness.js';
import { figure, person } from './person.js';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Twelve powers of a million values: a pass takes milliseconds. */
const million = '#data.source.n_samples=1000000&model.degree=12&method=batch&steps_per_second=null&learning_rate=0.1'
  + '&stop.steps=60&stop.converged=false';

/**
 * @param {import('playwright-core').Page} page
 * @param {RegExp} wanted
 */
async function how(page, wanted) {
  const reason = page.locator('#backend-reason').filter({ hasText: wanted });
  await reason.waitFor({ timeout: 60_000 });
  const found = wanted.exec(await reason.innerText());
  assert.ok(found);
  return found;
}

const figures = /read every row in (one worker|two workers) \(([^ ]+) steps\/s; ([^ ]+) in (one|two) workers?\)/;

/** @param {import('playwright-core').Page} page */
async function trained(page) {
  await page.getByText('Reached your limit of 60 steps').first().waitFor({ timeout: 120_000 });
  const { file } = await exportWeights(page);
  return [...file.layers[0].kernel.flat(), ...file.layers[0].bias];
}

/** @param {RegExpExecArray} found */
function checkFigures([, taken, first, second, other]) {
  assert.notEqual(taken.startsWith(other), true);
  const [its, others] = [first, second].map(figure);
  assert.ok(its > 0 && others > 0, `${its}, ${others}`);
  // Two workers are used if they make 1.3 times the steps of one; four digits are shown.
  const gain = taken === 'two workers' ? its / others : others / its;
  assert.ok(taken === 'two workers' ? gain > 1.298 : gain < 1.302, `${taken}: ${gain}`);
  console.log(`${taken}: two make ${gain.toFixed(2)} times the steps of one`);
}

test('a long pass is tried in two workers, offline too, and the run is that of one', async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const first = await openPage(browser, { server, hash: `${million}&backend=cpu` });
  const { output, number, until } = person(first.page);
  await output('Backend in use').filter({ hasText: /^CPU · chosen by you/ }).waitFor({ timeout: 60_000 });
  checkFigures(await how(first.page, figures));
  const weights = await trained(first.page);
  await until('Step count', (step) => step === 60);
  assert.ok(await number('Loss') < 1);

  // Sufficient statistics from the same start give the same weights up to rounding.
  const other = await openPage(browser, { server, context: first.context, hash: `${million}&backend=statistics` });
  const expected = await trained(other.page);
  const norm = Math.hypot(...expected);
  const apart = Math.hypot(...weights.map((weight, i) => weight - expected[i]));
  console.log(`weights after 60 steps: ${apart / norm} of their norm apart`);
  assert.ok(weights.length === 13 && apart <= 1e-4 * norm, `${apart / norm}`);
  await other.close();

  // The service worker now answers and adds a policy to workers, including the second one.
  await first.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await server.close();
  const offline = await openPage(browser, { server, context: first.context, hash: `${million}&backend=cpu` });
  checkFigures(await how(offline.page, figures));
  await offline.close();
  await first.close();
});

test('a short pass is not', async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const { page, close } = await openPage(browser, { server, hash: '#method=batch&backend=cpu' });
  await person(page).until('Step count', (step) => step > 0);
  assert.doesNotMatch(await page.locator('#backend-reason').innerText(), /worker/);
  await close();
});

test('where no second worker starts, the page trains in one and says why', async (t) => {
  const server = await startServer();
  t.after(() => server.close());
  const context = await browser.newContext({ serviceWorkers: 'block' });
  t.after(() => context.close());
  await context.route(/worker\/session\.js$/, async (route) => {
    const script = await (await route.fetch()).text();
    const body = script.replace(/new Worker\(import\.meta\.url/, 'new Worker("./missing.js"');
    assert.notEqual(body, script);
    await route.fulfill({ contentType: 'text/javascript', body });
  });
  const allow = [/missing\.js|404/, /service ?worker/i];
  const { page, close } = await openPage(browser, { server, context, hash: `${million}&backend=cpu`, allow });
  const [said] = await how(page, /full batches run in one worker, because a second one could not start \(.+\)/);
  console.log(said);
  const weights = await trained(page);
  assert.equal(weights.length, 13);
  assert.ok(weights.every(Number.isFinite));
  await close();
});
