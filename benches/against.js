// @ts-check
// Compares the speed of two builds of Downhill, alternating between them in one browser. `cargo
// xtask bench --against REV` builds what this needs first.
//
//   node benches/against.js [--only W1,W3]
//
// The speed of a shared machine changes from second to second, so a single figure says little. Each
// round measures both builds for a fraction of a second, one right after the other, and the result
// is the median of the rounds' ratios.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { launch, openPage, startServer } from '../tests/browser/harness.js';
import { open } from './participants.js';
import { peers, sets, works } from './work.js';

/** @typedef {import('./participants.js').Participant} Participant */
/** @typedef {'old' | 'new'} Build */

/** How much slower the new build may be. */
const ALLOWED = 0.03;
/** How long one build is measured in a round, unless a unit of work takes longer. */
const ROUND_MS = 150;
/** Each session starts both builds anew, because memory layout changes the speed of the same code by some percent. */
const SESSIONS = 4;
const ROUNDS_PER_SESSION = 12;
/** The published page is opened anew in each round, which takes seconds. */
const PAGE_ROUNDS = 7;
/** Participants that are built from this repository and need one worker. */
const OURS = ['cpu', 'statistics', 'gpu', 'page'];
/** The folder of each build below the benchmark's page. @type {Record<Build, string>} */
const FOLDERS = { old: 'old/', new: '' };


const { values: options } = parseArgs({ options: { only: { type: 'string' } } });
const wanted = options.only?.split(',').map((name) => name.trim());
const groups = [...new Set(sets.map((set) => set.group))];
const unknown = wanted?.filter((name) => !sets.some((set) => set.group === name || set.id === name)) ?? [];
if (unknown.length > 0) {
  console.error(`there is no work "${unknown.join('", "')}"; there are ${groups.join(', ')}`);
  process.exit(2);
}
/** Each work with each of our engines, once. */
const rows = sets
  .filter((set) => (wanted ? wanted.includes(set.group) || wanted.includes(set.id) : set.group !== 'series'))
  .flatMap((set) => set.peers.filter((key) => OURS.includes(key)).map((key) => ({ id: set.id, work: set.work, key })))
  .filter(({ work, key }, at, all) => all.findIndex((other) => other.work === work && other.key === key) === at);

const server = await startServer({ folder: 'target/bench-site' });
const pages = rows.some(({ key }) => key === 'page');
const sites = pages
  ? { old: await startServer({ folder: 'target/bench-site/old/site' }), new: await startServer({ folder: 'target/site' }) }
  : { old: undefined, new: undefined };
const browser = await launch({
  webgpu: true,
  args: ['--disable-background-timer-throttling', '--disable-renderer-backgrounding'],
});
console.log(`load average of the last minute: ${loadavg()[0].toFixed(1)}`);
console.log(`${'work'.padEnd(62)} ${'new / old'.padStart(9)}  ${'middle half'.padEnd(14)} ${'old'.padStart(9)} ${'new'.padStart(9)}`);
let failed = 0;
try {
  for (const row of rows) failed += await measure(row);
} finally {
  await browser.close();
  await Promise.all([server, sites.old, sites.new].map((one) => one?.close()));
}
console.log(`${rows.length - failed} within ${100 * ALLOWED}%, ${failed} slower`);
process.exit(failed > 0 ? 1 : 0);

/**
 * Measures and prints one row; 1 where the new build is too slow.
 * @param {{ id: string, work: string, key: string }} row
 */
async function measure({ id, work, key }) {
  const name = `${id} ${peers[key].name}: ${works[work].shown}`.padEnd(62);
  /** @type {Record<Build, number[]>} */
  const speeds = { old: [], new: [] };
  try {
    for (let session = 0; session < SESSIONS; session++) await measureSession(key, work, session, speeds);
  } catch (error) {
    console.log(`${name} not measured: ${/** @type {any} */ (error)?.message ?? error}`);
    return 1;
  }
  const ratios = speeds.new.map((speed, round) => speed / speeds.old[round]);
  const ratio = quantile(ratios, 0.5);
  const passed = ratio >= 1 - ALLOWED;
  const middle = `${quantile(ratios, 0.25).toFixed(3)}..${quantile(ratios, 0.75).toFixed(3)}`;
  const [before, now] = [speeds.old, speeds.new].map((all) => short(quantile(all, 0.5)).padStart(9));
  console.log(`${name} ${ratio.toFixed(3).padStart(9)}  ${middle.padEnd(14)} ${before} ${now} steps/s  ${passed ? 'pass' : 'FAIL'}`);
  return passed ? 0 : 1;
}

/**
 * Starts both builds anew and adds a round's speeds of each, in alternating order.
 * @param {string} key
 * @param {string} name
 * @param {number} session
 * @param {Record<Build, number[]>} speeds
 */
async function measureSession(key, name, session, speeds) {
  const [peer, work] = [peers[key], works[name]];
  const { page, close } = await openPage(browser, { server, allow: [/.*/] });
  await page.waitForFunction(() => 'bench' in globalThis);
  /** @type {Build[]} */
  const builds = session % 2 === 0 ? ['old', 'new'] : ['new', 'old'];
  const runners = /** @type {Record<Build, Participant>} */ ({});
  try {
    for (const build of builds) {
      runners[build] = await open(peer, work, { page, browser, site: sites[build], folder: FOLDERS[build] });
      await runners[build].prepare();
    }
    // Both take the same number of steps, so that the overhead of a call has the same effect.
    let n_steps = work.unit;
    if (peer.kind !== 'page') {
      for (const build of builds) n_steps = Math.max(n_steps, await calibrate(runners[build], work.unit));
    }
    const rounds = peer.kind === 'page' ? Math.ceil(PAGE_ROUNDS / SESSIONS) : ROUNDS_PER_SESSION;
    for (let round = 0; round < rounds; round++) {
      for (const build of round % 2 === 0 ? builds : [...builds].reverse()) {
        const { seconds, steps } = await runners[build].run(n_steps, peer.forms[0]);
        speeds[build].push(steps / seconds);
      }
    }
  } finally {
    for (const build of builds) await runners[build]?.close();
    await close();
  }
}

/**
 * How many steps a round takes.
 * @param {Participant} participant
 * @param {number} unit
 */
async function calibrate(participant, unit) {
  // Twice, because code is not yet optimized when it runs for the first time.
  await participant.run(unit, '');
  for (let units = 1; ;) {
    const { seconds } = await participant.run(units * unit, '');
    if (1000 * seconds >= ROUND_MS / 2) return unit * Math.max(1, Math.round((units * ROUND_MS) / (1000 * seconds)));
    units = Math.ceil(units * Math.min(30, ROUND_MS / Math.max(1000 * seconds, 0.1)) + 1);
  }
}

/**
 * @param {number[]} values
 * @param {number} share
 */
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** @param {number} speed */
function short(speed) {
  return Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 }).format(speed);
}
