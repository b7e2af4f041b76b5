// @ts-check
// Measures how fast the published page is for a user: loading, responding, and the Lighthouse
// scores. `cargo xtask bench page` builds the page first. Exits with 1 if a figure misses its
// limit.
import { loadavg } from 'node:os';
import { launch, openPage, startServer } from '../tests/browser/harness.js';
import { person } from '../tests/browser/person.js';
import { LIMITS, LINE, audit, firstStep, inputs, million } from '../tests/browser/visit.js';

const VISITS = 9;
const ROUNDS = 5;
const PORT = 9334;

let n_missed = 0;
/**
 * @param {string} name
 * @param {number[]} values
 * @param {string} unit
 * @param {number} limit
 * @param {boolean} [is_least] whether the limit is the least that is allowed, not the most
 */
function report(name, values, unit, limit, is_least = false) {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const passed = is_least ? median >= limit : median <= limit;
  if (!passed) n_missed += 1;
  const [least, most] = [sorted[0], sorted[sorted.length - 1]].map(Math.round);
  const spread = sorted.length > 1 ? `${least}..${most}` : '';
  const measured = `${String(Math.round(median)).padStart(6)} ${unit.padEnd(3)} ${spread.padEnd(12)}`;
  console.log(`${name.padEnd(56)} ${measured} limit ${limit}  ${passed ? 'pass' : 'FAIL'}`);
}

console.log(`load average of the last minute: ${loadavg()[0].toFixed(1)}`);
const browser = await launch({ webgpu: true, args: [`--remote-debugging-port=${PORT}`] });
const [near, far] = [await startServer(), await startServer({ line: LINE })];
try {
  // The first visit in a browser that has just started is slower.
  await firstStep(browser, near);
  /** @type {[number[], number[]]} */
  const steps = [[], []];
  for (let i = 0; i < VISITS; i++) {
    steps[0].push(await firstStep(browser, near));
    steps[1].push(await firstStep(browser, far));
  }
  report('first visit to first step', steps[0], 'ms', LIMITS.first_step_ms);
  report(`the same at ${LINE.megabits} Mbit/s with ${LINE.latency_ms} ms latency`, steps[1], 'ms', LIMITS.slow_first_step_ms);

  const { page, close } = await openPage(browser, { server: near, hash: million('cpu') });
  await person(page).ready();
  await person(page).until('Step count', (step) => step > 3);
  const measure = await inputs(page);
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await measure());
  await close();
  report('longest from input to picture, 1,000,000 rows', rounds.map(({ input_ms }) => input_ms), 'ms', LIMITS.input_ms);
  report('longest task of the page (0: below 50 ms)', rounds.map(({ task_ms }) => task_ms), 'ms', LIMITS.input_ms);

  for (const device of /** @type {const} */ (['desktop', 'phone'])) {
    const { scores } = await audit(near, PORT, device);
    report(`Lighthouse, performance on a ${device}`, [scores.performance], '', LIMITS.performance, true);
  }
} finally {
  await browser.close();
  await Promise.all([near, far].map((server) => server.close()));
}
process.exit(n_missed > 0 ? 1 : 0);
