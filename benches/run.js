// @ts-check
// Runs Downhill and its peers in turn in one run. `cargo xtask bench` builds what this needs first.
//
//   node benches/run.js [--only W1,W3] [--write docs/performance.md]
//
// Machines are shared, so only ratios of medians within a run count. Every participant generates
// the same rows and proves by its loss that it did the same work.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, openPage, root, startServer } from '../tests/browser/harness.js';
import { open } from './participants.js';
import { groups, report } from './report.js';
import { peers, sets, works } from './work.js';

/** @typedef {import('./participants.js').Participant} Participant */
/** @typedef {import('./work.js').Set} Set */

/**
 * The result of a participant: steps per second of each round, or why nothing was measured. `forms`
 * holds the steps per second of each way of writing the work, before the rounds.
 * @typedef {{
 *   speeds: number[], n_steps: number, seconds: number[], form: string, version: string, loss?: number,
 *   forms: Record<string, number>, failure?: string, memory?: { heap: number, data: number },
 * }} Measured
 */
/** @typedef {{ read: number[], multiply_adds: number[] }} Roofs */
/** @typedef {{ set: Set, measured: Record<string, Measured>, roofs: Roofs }} Result */

/** The approximate duration of a round, unless a step takes longer. */
const ROUND_MS = 400;
/** How long a roof is measured in each round. */
const ROOF_MS = 90;
const WARM_UPS = 2;
/** A participant whose round takes longer than this has fewer rounds. */
const SLOW_SECONDS = 3;
const SLOW_ROUNDS = 3;
/** Steps after which losses are compared, and how far apart they may be. */
const COMPARED_STEPS = 10;
const SAME_LOSS = 1e-3;

const { values: options } = parseArgs({ options: { only: { type: 'string' }, write: { type: 'string' } } });
const wanted = options.only?.split(',').map((name) => name.trim());
const unknown = wanted?.filter((name) => !sets.some((set) => set.group === name || set.id === name)) ?? [];
if (unknown.length > 0) {
  console.error(`there is no work "${unknown.join('", "')}"; there are ${groups.join(', ')}`);
  process.exit(2);
}
const chosen = sets.filter((set) => !wanted || wanted.includes(set.group) || wanted.includes(set.id));

const server = await startServer({ folder: 'target/bench-site' });
const site = chosen.some((set) => set.peers.includes('page')) ? await startServer() : undefined;
const browser = await launch({
  webgpu: true,
  args: ['--disable-background-timer-throttling', '--disable-renderer-backgrounding'],
});
/** @type {Result[]} */
const results = [];
let chromium = '';
// Load of the last minute: it distinguishes a quiet machine from a busy one, although it includes
// the build.
const [load] = loadavg();
try {
  chromium = browser.version();
  for (const set of chosen) results.push(await measure(set));
} finally {
  await browser.close();
  await server.close();
  await site?.close();
}
const { table, document } = report(results, { chromium, commit: commit(), load });
console.log(`\n${options.write ? document : table}`);
if (options.write) writeFileSync(join(root, options.write), document);
const [met, missed] = report.counts(results);
console.log(`${met} targets met, ${missed} missed`);

/**
 * Measures one set in its own page, in rounds that take turns, so that a disturbance affects every
 * participant.
 * @param {Set} set
 * @returns {Promise<Result>}
 */
async function measure(set) {
  const { page, close, problems } = await openPage(browser, { server, allow: [/.*/] });
  await page.waitForFunction(() => 'bench' in globalThis);
  /** @type {Result} */
  const result = { set, measured: {}, roofs: { read: [], multiply_adds: [] } };
  /** @type {{ key: string, participant: Participant, n_steps: number }[]} */
  const runners = [];
  /** @type {Uint32Array | undefined} */
  let order;
  for (const key of set.peers) {
    const peer = peers[key];
    const work = works[peer.work ?? set.work];
    /** @type {Measured} */
    const measured = { speeds: [], n_steps: 0, seconds: [], form: '', forms: {}, version: '' };
    result.measured[key] = measured;
    const participant = await open(peer, work, { page, browser, site });
    try {
      measured.version = await participant.prepare(peer.order_given ? order : undefined);
      if (work.batch > 0 && set.peers.some((other) => peers[other].order_given)) order ??= await participant.order();
      const n_steps = await calibrate(participant, measured, peer, work);
      // The first call of a function is not yet well compiled.
      for (let i = 0; i < WARM_UPS; i++) await participant.roofs(ROOF_MS);
      runners.push({ key, participant, n_steps });
    } catch (error) {
      await fail(measured, participant, error, problems);
    }
    say(`${set.id} ${peer.name}: ${measured.failure ?? `${measured.n_steps} steps a round ${measured.form}`}`);
  }
  for (let round = 0; round < set.rounds; round++) {
    for (const { key, participant, n_steps } of runners) {
      const measured = result.measured[key];
      const slow = (measured.seconds[0] ?? 0) > SLOW_SECONDS && round >= SLOW_ROUNDS;
      if (measured.failure || slow) continue;
      try {
        const { seconds, steps } = await participant.run(n_steps, measured.form);
        measured.seconds.push(seconds);
        measured.speeds.push(steps / seconds);
        const roofs = await participant.roofs(ROOF_MS);
        if (roofs && !peers[key].work) {
          result.roofs.read.push(roofs.read);
          result.roofs.multiply_adds.push(roofs.multiply_adds);
        }
      } catch (error) {
        await fail(measured, participant, error, problems);
      }
    }
  }
  for (const { key, participant } of runners) {
    if (!result.measured[key].failure) result.measured[key].memory = await participant.memory();
    await participant.close();
  }
  compare(result);
  await close();
  return result;
}

/**
 * Finds how many steps a round takes with the participant's fastest form of the work, and records
 * its loss after a few steps.
 * @param {Participant} participant
 * @param {Measured} measured
 * @param {import('./work.js').Peer} peer
 * @param {import('./work.js').Work} work
 */
async function calibrate(participant, measured, peer, work) {
  // The page sets its own pace.
  if (peer.kind === 'page') return 0;
  let best = Infinity;
  for (const form of peer.forms) {
    // Only with one feature; batches have a single form.
    if ((work.d > 1 || work.batch > 0) && (form === 'elementwise' || form === 'column')) continue;
    /** @type {number | undefined} */
    let loss;
    if (peer.same_loss && !work.restart_every) {
      const compared = work.batch === 0 ? COMPARED_STEPS : work.unit;
      const slowly = await participant.run(1, form);
      if (slowly.seconds < SLOW_SECONDS / 4) ({ loss } = await participant.run(compared, form));
    }
    let units = 1;
    let per_unit = Infinity;
    for (;;) {
      const { seconds } = await participant.run(units * work.unit, form);
      per_unit = seconds / units;
      if (1000 * seconds >= ROUND_MS / 2) break;
      // Engines speed up while their code is optimized, and clocks are coarse.
      units = Math.ceil(units * Math.min(30, (0.6 * ROUND_MS) / Math.max(1000 * seconds, 0.1)) + 1);
    }
    measured.forms[form] = work.unit / per_unit;
    if (per_unit < best) {
      best = per_unit;
      measured.form = form;
      measured.loss = loss;
      measured.n_steps = work.unit * Math.max(1, Math.round(ROUND_MS / 1000 / per_unit));
    }
  }
  return measured.n_steps;
}

/**
 * A participant whose loss differs from most has done other work, so its result is dropped.
 * @param {Result} result
 */
function compare({ set, measured }) {
  const sure = set.peers.filter((key) => peers[key].same_loss && !peers[key].work && measured[key].loss !== undefined);
  const losses = sure.map((key) => /** @type {number} */ (measured[key].loss));
  sure.forEach((key, index) => {
    const agreeing = losses.filter((loss) => Math.abs(loss / losses[index] - 1) <= SAME_LOSS);
    if (2 * agreeing.length <= losses.length) {
      measured[key].failure = `its loss is not that of the others: ${losses.join(', ')}`;
      say(`${set.id} ${peers[key].name}: ${measured[key].failure}`);
    }
  });
}

/**
 * @param {Measured} measured
 * @param {Participant} participant
 * @param {unknown} error
 * @param {string[]} problems what was said on the console
 */
async function fail(measured, participant, error, problems) {
  const message = String(/** @type {any} */ (error)?.message ?? error);
  // A panic is an unreachable instruction; the console says why.
  const panics = problems.filter((problem) => problem.includes('panicked at'));
  const panic = message.includes('unreachable') && panics[panics.length - 1];
  const [first, second] = (panic || message).replace('console: ', '').split('\n');
  measured.failure = (panic ? `${first} ${second ?? ''}` : first).slice(0, 160);
  measured.speeds = [];
  await participant.close();
}

/** @param {string} words */
function say(words) {
  console.log(words);
}

/** The commit of these sources. */
function commit() {
  try {
    /** @param {string[]} words */
    const git = (...words) => execFileSync('git', words, { cwd: root, encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}
