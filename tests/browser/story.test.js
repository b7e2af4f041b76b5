// The Keras example on the page, in NumPy and in Keras: the same rows, the same start, the same
// loss at every step.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, exportWeights, importWeights, pasteTable, reads, rows } from './hands.js';
import { openPage, root, setUp } from './harness.js';
import { figure, person } from './person.js';

/**
 * `tests/reference/story.py`: a line trained by SGD over batches in order, by NumPy 2.4.6 and Keras
 * 3.15.1. Each loss is the batch loss before its update.
 * @type {{ x: number[], y: number[], learning_rate: number, batch_size: number, epochs: number, cases: Case[] }}
 */
const story = JSON.parse(await readFile(join(root, 'tests/reference/story.json'), 'utf8'));
/**
 * @typedef {{ bias: boolean, initial: number[], orders: number[][] | null, final: number[],
 *   losses: number[], keras_losses: number[] }} Case
 */

const { browser, server } = await setUp({ webgpu: true });

const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const mean2 = (/** @type {number[]} */ values) => mean(values.map((value) => value * value));

/**
 * The weights after every step and their loss over all rows, by the recursion of story.py; checked
 * against the file's losses.
 * @param {Case} told
 */
function course({ bias, initial, losses, final }) {
  const { x, y, learning_rate: rate, batch_size: size } = story;
  let [w, b] = initial;
  const residuals = () => x.map((x, i) => w * x + b - y[i]);
  const states = [{ w, b, loss: mean2(residuals()) }];
  for (let epoch = 0; epoch < story.epochs; epoch += 1) {
    for (let from = 0; from < x.length; from += size) {
      const batch = residuals().slice(from, from + size);
      assert.ok(Math.abs(mean2(batch) / losses[states.length - 1] - 1) < 1e-9);
      w -= rate * 2 * mean(batch.map((r, i) => r * x[from + i]));
      if (bias) b -= rate * 2 * mean(batch);
      states.push({ w, b, loss: mean2(residuals()) });
    }
  }
  assert.ok(Math.hypot(w - final[0], b - final[1]) < 1e-9);
  return states;
}

for (const engine of /** @type {const} */ (['CPU', 'GPU'])) {
  for (const told of story.cases.filter(({ orders }) => orders === null)) {
    test(`${told.bias ? 'with' : 'without'} a bias, on the ${engine}`, async () => {
      const states = course(told);
      const settings = `#method=mini_batch&batch_size=${story.batch_size}&shuffle=false`
        + `&learning_rate=${story.learning_rate}&model.bias=${told.bias}&model.standardize=false`
        + `&stop.epochs=${story.epochs}&stop.converged=false&steps_per_second=null&backend=${engine.toLowerCase()}`;
      const { page, close } = await openPage(browser, { server, hash: settings, reducedMotion: true });
      const { ready, button, train, number, until, output } = person(page);
      await ready();
      await output('Backend in use').filter({ hasText: new RegExp(`^${engine} · chosen by you`) }).waitFor();
      await pasteTable(page, story.x.map((x, i) => `${x},${story.y[i]}`).join('\n'));
      await eventually(() => rows(page), (n) => n === story.x.length, 'rows');
      // The page starts at zero; a weights file starts from the example's weights.
      const { file: start } = await exportWeights(page);
      start.layers[0].kernel = [[told.initial[0]]];
      if (told.bias) start.layers[0].bias = [told.initial[1]];
      await importWeights(page, JSON.stringify(start));
      await eventually(() => number('Loss'), (loss) => Math.abs(loss / states[0].loss - 1) < 1e-3, 'first loss');
      reads(await number('Loss'), states[0].loss, 'the first loss');

      let worst = 0;
      const agrees = async (/** @type {number} */ step) => {
        const { file } = await exportWeights(page);
        assert.equal(file.steps, step);
        const { w, b, loss } = states[step];
        assert.ok(Math.abs(file.loss / loss - 1) <= 1e-4, `loss ${file.loss} after step ${step}, NumPy's is ${loss}`);
        const [{ kernel: [[now]], bias }] = file.layers;
        const apart = Math.hypot(now - w, (bias?.[0] ?? 0) - b);
        assert.ok(apart <= 1e-4 * Math.hypot(w, b), `${now}, ${bias} after step ${step}, NumPy's are ${w}, ${b}`);
        worst = Math.max(worst, Math.abs(file.loss / loss - 1));
      };
      for (let step = 1; step <= 5; step += 1) {
        await button('Step').click();
        await until('Step count', (now) => now === step);
        await agrees(step);
      }
      for (let epoch = 2; epoch <= 5; epoch += 1) {
        await button('Epoch').click();
        await until('Epoch count', (now) => now === epoch);
        await agrees(4 * epoch);
      }
      await train.click();
      await page.getByText('Reached your limit of 100 epochs.', { exact: true }).waitFor();
      await agrees(400);
      console.log(`losses within ${worst.toExponential(1)} of NumPy's`);

      // The chart shows the batch loss of every update with four digits, from the last to the
      // first.
      const chart = page.getByRole('img', { name: 'Loss chart', exact: true });
      await chart.focus();
      const seen = new Map();
      for (let left = 400; left > 0 && !seen.has(0); left -= 1) {
        await chart.press('ArrowLeft');
        const reading = /step ([\d,]+) .*batch ([^ ]+)/.exec(await page.locator('#loss-reading').innerText());
        if (reading) seen.set(figure(reading[1]), figure(reading[2]));
      }
      seen.delete(400);
      for (const [step, loss] of seen) {
        // Half of the last digit shown is 5e-4 at most.
        for (const expected of [told.losses[step], told.keras_losses[step]]) {
          assert.ok(Math.abs(loss / expected - 1) < 5.1e-4, `before update ${step + 1}: ${loss}, expected ${expected}`);
        }
      }
      assert.ok(seen.size >= 40, `${seen.size} steps were read`);
      // Through (0, 0) the mean of y remains: the page's lowest loss is correct.
      const floor = page.getByText(/the line must pass through \(0, 0\), so the loss cannot fall below/i);
      assert.equal(await floor.isVisible(), !told.bias);
      if (!told.bias) {
        // Least squares through the origin: w = mean(x y) / mean(x^2), and its loss.
        const { x, y } = story;
        const w = mean(x.map((x, i) => x * y[i])) / mean2(x);
        const [, least] = /below ([\d.]+\d)/.exec(await floor.innerText()) ?? [];
        reads(Number(least), mean2(x.map((x, i) => w * x - y[i])), 'the floor');
      }
      await close();
    });
  }
}
