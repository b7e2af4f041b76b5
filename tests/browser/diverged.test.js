// A rate that is too high: the run stops on its last finite weights, says why, and suggests a
// stable rate.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, exactWeights, exportWeights, reads } from './hands.js';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

const { browser, server } = await setUp({ webgpu: true });

/**
 * A page that waits at step 0, and its alert for a divergence.
 * @param {string} hash
 */
async function open(hash) {
  const opened = await openPage(browser, { server, hash: `#${hash}`, reducedMotion: true });
  const hands = person(opened.page);
  await hands.ready();
  const alert = opened.page.getByRole('alert').filter({ hasText: 'Diverged' });
  return { ...opened, ...hands, alert, offer: alert.getByRole('button', { name: /^Restart at / }) };
}

/** @param {Awaited<ReturnType<typeof open>>} opened */
async function offered({ offer }) {
  return Number((await offer.innerText()).replace('Restart at ', ''));
}

for (const engine of /** @type {const} */ (['CPU', 'GPU'])) {
  test(`stops before the numbers burst, and mends by one click, on the ${engine}`, async () => {
    const opened = await open(`backend=${engine.toLowerCase()}&steps_per_second=200`);
    const { page, close, alert, offer, type, box, train, until, number, weights, output } = opened;
    await output('Backend in use').filter({ hasText: new RegExp(`^${engine} · chosen by you`) }).waitFor();
    const first = await number('Loss');
    await type('Learning rate', 10);
    await train.click();
    await alert.waitFor();
    await train.waitFor();
    // Batch descent from zero on rows x = linspace(-1, 1, 100), whose mean square is m = 101 / 297, follows b(k) = b*
    // - b* (1 - 2 r)^k and w(k) = w* - w* (1 - 2 m r)^k; the loss is the lowest loss + (b - b*)^2 + m (w - w*)^2.
    const [rate, m] = [10, 101 / 297];
    const [w, b] = await exactWeights(page);
    const { file } = await exportWeights(page);
    const bias = (/** @type {number} */ k) => b - b * (1 - 2 * rate) ** k;
    const slope = (/** @type {number} */ k) => w - w * (1 - 2 * m * rate) ** k;
    const least = first - b * b - m * w * w;
    const lossAt = (/** @type {number} */ k) => least + (bias(k) - b) ** 2 + m * (slope(k) - w) ** 2;
    let last = 0;
    while (lossAt(last + 1) <= 1e6 * first) last += 1;
    assert.equal(await number('Step count'), last);
    assert.match(await alert.innerText(), new RegExp(`The loss grew a million-fold by step ${last + 1}\\.`));
    const shown = await number('Loss');
    assert.ok(Math.abs(shown / lossAt(last) - 1) < 2e-3, `${shown} beside ${lossAt(last)}`);
    const kept = await weights();
    const layer = file.layers[0];
    reads(kept[0], layer.kernel[0][0], 'w');
    reads(kept[1], layer.bias[0], 'b');
    assert.ok(Math.abs(kept[0] / slope(last) - 1) < 2e-3, `w ${kept[0]}`);
    assert.ok(Math.abs(kept[1] / bias(last) - 1) < 2e-3, `b ${kept[1]}`);

    // The largest curvature is 2: descent is stable below 2 / 2, and 1 / 2 jumps to the minimum in
    // the steepest direction.
    assert.equal(await offered(opened), 0.5);
    await offer.click();
    await page.getByText(/^Converged:/).waitFor();
    assert.equal(await alert.isVisible(), false);
    assert.equal(await box('Learning rate').inputValue(), '0.5');
    (await weights()).forEach((weight, i) => {
      assert.ok(Math.abs(weight - [w, b][i]) <= 1e-3 * Math.abs([w, b][i]), `${weight} beside ${[w, b][i]}`);
    });
    // The run restarted instead of continuing from the diverged weights: from zero at 0.5, a
    // hundred steps are more than enough.
    await until('Step count', (step) => step > 0 && step < 1000);
    await close();
  });

  for (const [what, hash, least] of /** @type {const} */ ([
    ['one row at a time', 'method=stochastic&learning_rate=5', 0.02],
    ['momentum', 'optimizer.kind=momentum&optimizer.momentum=0.9&learning_rate=9', 0.02],
    ['a curve of degree 6', 'model.degree=6&learning_rate=10', 0.5],
  ])) {
    test(`offers a rate that holds for ${what}, on the ${engine}`, async () => {
      const opened = await open(`${hash}&backend=${engine.toLowerCase()}&steps_per_second=null&stop.converged=false`);
      const { close, alert, offer, train, until, weights, number } = opened;
      const first = await number('Loss');
      await train.click();
      await alert.waitFor();
      for (const weight of await weights()) assert.ok(Number.isFinite(weight), `${weight}`);
      assert.ok(Number.isFinite(await number('Loss')));
      const rate = await offered(opened);
      assert.ok(rate > 0 && rate < 5, `${rate}`);
      await offer.click();
      await until('Step count', (step) => step > 2000);
      assert.equal(await alert.isVisible(), false);
      // No line gets below the noise of 0.01; steps of one row jitter above it.
      await until('Loss', (loss) => loss < Math.min(least, first / 2));
      await close();
    });
  }
}

test('offers what inches allow where features are not standardized', async () => {
  const opened = await open('data.source.kind=shipped&data.source.table=galton_heights&backend=cpu');
  const { close, select, train, alert, offer, until, number, type, slider } = opened;
  await slider('Speed').press('End');
  await select('Scaling').selectOption('None');
  await type('Learning rate', 0.03);
  await train.click();
  await alert.waitFor();
  // Batch descent is stable below 1 / mean(x^2 + 1), which is 2.1e-4 at about 68.3 inches; the page
  // suggests half of it.
  assert.equal(await offered(opened), 1e-4);
  await offer.click();
  await until('Step count', (step) => step > 1000);
  assert.equal(await alert.isVisible(), false);
  // From 4,600 square inches, for predictions of 0, to the variance of 6.3 and below.
  await until('Loss', (loss) => loss < 6.3);
  assert.ok(await number('Loss') > 4);
  await close();
});

test('goes on from where it stopped at a lower rate', async () => {
  const { close, alert, train, type, until, number, page } = await open('learning_rate=10&backend=cpu');
  await train.click();
  await alert.waitFor();
  const step = await number('Step count');
  await type('Learning rate', 0.3);
  await train.click();
  await until('Step count', (now) => now > step);
  assert.equal(await alert.isVisible(), false);
  await until('Loss', (loss) => loss < 0.02);
  // Reset removes it as well.
  await person(page).button('Reset').click();
  await until('Step count', (now) => now === 0);
  assert.equal(await alert.isVisible(), false);
  await close();
});

test('tells of a divergence that comes in mid-run, whatever else is being done', async () => {
  const { page, close, alert, slider, train, until } = await open('backend=cpu');
  await train.click();
  await until('Step count', (step) => step > 5);
  await slider('Learning rate').focus();
  await slider('Learning rate').press('End');
  await alert.waitFor();
  // The alert announces itself, and focus stays on the slider, which can also fix the rate.
  assert.ok(await slider('Learning rate').evaluate((element) => element === document.activeElement));
  const spoken = () => page.locator('#status').innerText();
  await eventually(spoken, (words) => /^Diverged\. The loss grew/.test(words), 'spoken status');
  await close();
});
