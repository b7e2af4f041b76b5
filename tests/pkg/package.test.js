// The npm package as another project uses it: by name, from node_modules, in Node.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const source = fileURLToPath(new URL('../../pkg', import.meta.url));
const run = promisify(execFile);
/** @type {string} */
let project;

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'downhill-'));
  await mkdir(join(project, 'node_modules'));
  await cp(source, join(project, 'node_modules/downhill'), { recursive: true });
});
after(() => rm(project, { recursive: true }));

/**
 * Runs a program in the project and returns its output, parsed as JSON.
 * @param {string} text
 */
async function program(text) {
  await writeFile(join(project, 'program.mjs'), text);
  const { stdout } = await run(process.execPath, [join(project, 'program.mjs')], { cwd: tmpdir() });
  return JSON.parse(stdout);
}

test('holds every file that it names, and depends on nothing', async () => {
  const description = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'));
  for (const name of description.files) {
    await access(join(source, name));
  }
  assert.equal(description.dependencies, undefined);
  assert.match(description.version, /^\d+\.\d+\.\d+/);
});

test('trains to the line that made the data', async () => {
  const { step, weights, predicted } = await program(`
    import { Trainer } from 'downhill';
    const trainer = await Trainer.create({
      data: { source: { kind: 'linspace', start: -1, stop: 1, n_samples: 100, slope: 2, intercept: 1, noise: 0, seed: 0 } },
      method: 'batch', learning_rate: 0.3,
    });
    await trainer.advance(500);
    const { step, weights } = trainer.snapshot();
    const predicted = Array.from(trainer.predict([0.5, -0.5]));
    console.log(JSON.stringify({ step, weights: Array.from(weights), predicted }));
  `);
  // The data lies on y = 2 x + 1 exactly; single precision leaves a few units in the seventh digit.
  const expected = { step: 500, weights: [2, 1], predicted: [2, 0] };
  assert.equal(step, expected.step);
  [...weights, ...predicted].forEach((value, index) => {
    const exact = [...expected.weights, ...expected.predicted][index];
    assert.ok(Math.abs(value - exact) < 1e-5, `${value} is not ${exact}`);
  });
});

test('loads the wasm once for many trainers, and by itself', async () => {
  const same = await program(`
    import { init, Trainer } from 'downhill';
    const [a, b] = await Promise.all([Trainer.create({ seed: 1, backend: 'cpu' }), Trainer.create({ seed: 1, backend: 'cpu' }), init()]);
    await a.advance(10);
    await b.advance(10);
    console.log(JSON.stringify(String(a.snapshot().weights) === String(b.snapshot().weights)));
  `);
  assert.equal(same, true);
});

test('throws an Error that says what is wrong', async () => {
  const problem = await program(`
    import { Trainer } from 'downhill';
    try {
      await Trainer.create({ learning_rate: -1 });
    } catch (error) {
      console.log(JSON.stringify({ isError: error instanceof Error, message: error.message }));
    }
  `);
  assert.ok(problem.isError);
  assert.match(problem.message, /learning.rate.*-1/i);
});
