// The address holds the whole configuration: whoever opens it sees the same curve.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openPage, startServer } from './harness.js';
import { eventually, exportWeights } from './hands.js';
import { person } from './person.js';

/** @type {import('./harness.js').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.close();
});

test('gives the same run to whoever opens it', async () => {
  const first = await openPage(browser, { server });
  const { stop, type, select, checkbox, button, slider, train } = person(first.page);
  await stop();
  await select('Method').selectOption('Mini-batch');
  await type('Batch size', 13);
  await select('Optimizer').selectOption('Nesterov');
  await type('Momentum coefficient', 0.8);
  await select('Schedule').selectOption('Time decay');
  await type('Learning rate', 0.02);
  await type('Degree', 3);
  await checkbox('Standardize').check();
  await select('Initial weights').selectOption('Normal');
  await type('Seed', 77);
  await type('Noise', 0.3);
  await first.page.getByText('Stop and more').click();
  await type('Stop at step', 200);
  await slider('Speed').press('End');
  await button('Reset').click();
  await train.click();
  await first.page.getByText('step 200 was to be the last').first().waitFor();
  const address = await eventually(async () => first.page.url(), (url) => url.includes('stop.steps=200'));
  const mine = (await exportWeights(first.page)).file;
  await first.close();

  const second = await openPage(browser, { server, hash: new URL(address).hash });
  await second.page.getByText('step 200 was to be the last').first().waitFor();
  const theirs = (await exportWeights(second.page)).file;
  assert.deepEqual(theirs, mine);
  assert.equal(await person(second.page).box('Momentum coefficient').inputValue(), '0.8');
  await second.close();
});

test('stays bare for the default, and follows a link that is followed', async () => {
  const { page, close } = await openPage(browser, { server });
  const { ready, until, box } = person(page);
  await ready();
  await until('Step count', (step) => step > 3);
  assert.equal(new URL(page.url()).hash, '');
  await page.evaluate(() => {
    location.hash = 'model.degree=2&learning_rate=0.05';
  });
  await eventually(() => box('Degree').inputValue(), (degree) => degree === '2');
  assert.equal(await box('Learning rate').inputValue(), '0.05');
  assert.equal((await person(page).weights()).length, 3);
  await close();
});

test('takes what it can of a broken link, and says what it cannot', async () => {
  const broken = '#learning_rate=0.2&model.degree=two&nonsense=1&batch_size=%zz';
  const { page, close } = await openPage(browser, { server, hash: broken });
  const { ready, box, until } = person(page);
  await ready();
  const notice = page.getByText(/Of the link, this could not be used/);
  await notice.waitFor();
  const words = await notice.innerText();
  for (const part of ['model.degree=two', 'nonsense', 'batch_size=%zz']) assert.ok(words.includes(part), words);
  assert.equal(await box('Learning rate').inputValue(), '0.2');
  assert.equal(await box('Degree').inputValue(), '1');
  await until('Step count', (step) => step > 3);
  await page.getByRole('button', { name: 'Dismiss' }).first().click();
  await notice.waitFor({ state: 'hidden' });
  await close();
});

test('refuses a link whose numbers make no run, and shows the default', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#learning_rate=-1&model.degree=99' });
  const { ready, box, number } = person(page);
  await ready();
  await page.locator('#notices').getByText(/give a number/).first().waitFor();
  assert.equal(await box('Degree').inputValue(), '1');
  assert.equal(await box('Learning rate').inputValue(), '0.03');
  assert.ok(await number('Loss') > 0);
  await close();
});
