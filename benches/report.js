// @ts-check
// The measurements as Markdown: first every figure with a target, then the raw ones.
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { peers, sets, targets, works } from './work.js';

/** @typedef {import('./run.js').Result} Result */
/** @typedef {import('./run.js').Measured} Measured */
/** @typedef {import('./work.js').Target} Target */
/** @typedef {import('./work.js').Work} Work */
/** @typedef {{ median: number, least: number, most: number, rounds: number }} Spread */

/**
 * The table of targets, and the whole document.
 * @param {Result[]} results
 * @param {{ chromium: string, commit: string, load: number }} versions
 */
export function report(results, versions) {
  const rows = targetsOf(results).map(row);
  const table = markdown(
    ['work', 'ours', 'against', 'theirs', 'ratio', 'target', '', 'of the limit'],
    rows.map((row) => row.cells),
  );
  const [met, missed] = report.counts(results);
  const date = new Date().toISOString().slice(0, 10);
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const document = `# Performance

Measured by \`cargo xtask bench\` on ${date}, at commit ${versions.commit}, on ${cores.length} cores of
${cores[0]?.model.trim()} (${platform()} ${release()}, ${arch()}, ${memory} GB): ${met} targets met, ${missed} missed.
The load average of the minute before the run, including the build, was ${versions.load.toFixed(1)}.

All participants ran in one session, one round each in turn, so that a disturbance affects all of them. Each figure is the
median of its rounds, followed by the lowest and the highest. Ratios compare medians; treat gaps below 1.5x as noise. All
participants generate the same rows, train in f32 on squared error with a bias, and compute the loss at every step: on all
rows for the full batch, otherwise on the batch. After a few steps from the same weights all losses must agree; a
participant with a different loss counts as not measured. Where the bias can be stored in several ways, the fastest counts;
the raw figures also show the bias as the weight of a column of ones, which is less work for few rows. Our engine runs in
one dedicated worker of Chromium, built and optimized as published.

## Targets

${table}

The last column shows how much of the limit is used. The limit is the lower of two, both measured in the same worker between
rounds: reading every row once per step, and two multiply-adds per feature and row (WebAssembly has no fused multiply-add).

## Two workers

These figures have no target. They compare full batches in one worker with full batches split over two workers. If something
else keeps the second core busy there is no gain, so the page measures before it uses two workers.

${pairTable(results)}

## Raw figures

${rawTable(results)}

## Limits

${roofTable(results)}

## Participants

${participants(results, versions.chromium)}
`;
  const shared = results.some(({ set }) => set.peers.includes('pair'));
  return { table: shared ? `${table}\n\n${pairTable(results)}` : table, document };
}

/**
 * How many targets were met and missed; an unmeasured target counts as missed.
 * @param {Result[]} results
 * @returns {[number, number]}
 */
report.counts = (results) => {
  const met = targetsOf(results).map((target) => row(target).met);
  return [met.filter(Boolean).length, met.filter((met) => !met).length];
};

/** @param {Result[]} results */
function targetsOf(results) {
  return targets.flatMap((target) => {
    const result = results.find(({ set }) => set.id === target.set);
    return result ? [{ target, result }] : [];
  });
}

/**
 * @param {{ target: Target, result: Result }} asked
 * @returns {{ met: boolean, cells: string[] }}
 */
function row({ target, result }) {
  const { set, measured, roofs } = result;
  const work = works[set.work];
  const ours = measured[target.ours];
  const title = `${set.work.startsWith('n') ? '' : `${set.work}: `}${work.shown}${target.heap ? ', heap' : ''}`;
  const name = peers[target.ours].name;
  const own = target.ours === 'cpu' ? '' : ` (${name})`;
  const wanted = target.heap ? `at most ${target.target}x` : target.roof ? percent(target.target) : `${target.target}x`;
  const limited = target.heap ? 'bytes of the data' : roofName(target.roof);
  const against = target.against ? peers[target.against].name : limited;
  /** @param {string} why */
  const failed = (why, mine = '–') => {
    return { met: false, cells: [title + own, mine, against, '–', '–', wanted, 'missed', why] };
  };
  if (ours.failure || ours.speeds.length === 0) return failed(`not measured: ${ours.failure ?? 'no round'}`);

  if (target.heap) {
    if (!ours.memory) return failed('not measured');
    const { heap, data } = ours.memory;
    const met = heap <= target.target * data;
    const cells = [megabytes(heap), against, megabytes(data), times(heap / data), wanted, verdict(met), ''];
    return { met, cells: [title, ...cells] };
  }
  const mine = spread(ours.speeds);
  const limit = limitOf(work, target.ours, roofs);
  const share = limit ? `${percent(mine.median / limit.steps)} of ${limit.name}` : '';
  if (target.roof) {
    const roof = roofsOf(work, target.ours, roofs);
    const steps = target.roof === 'lower' ? limit?.steps : roof[target.roof];
    if (!steps) return failed('the limit was not measured');
    const ratio = mine.median / steps;
    const met = ratio >= target.target;
    const cells = [figure(mine, work), against, one(steps, work), percent(ratio), wanted, verdict(met), share];
    return { met, cells: [title + own, ...cells] };
  }
  const theirs = measured[target.against ?? ''];
  if (theirs.failure || theirs.speeds.length === 0) {
    return failed(`the peer was not measured: ${theirs.failure ?? 'no round'}`, figure(mine, work));
  }
  const other = spread(theirs.speeds);
  const theirWork = works[peers[target.against ?? ''].work ?? set.work];
  const ratio = mine.median / other.median;
  const met = ratio >= target.target;
  const gpu = target.ours === 'gpu';
  const cells = [
    figure(mine, work) + (gpu ? `, ${short(1000 / mine.median)} ms a step` : ''), against,
    figure(other, theirWork) + (gpu ? `, ${short(1000 / other.median)} ms a step` : ''),
    times(ratio), wanted, verdict(met), share,
  ];
  return { met, cells: [title + own, ...cells] };
}

/**
 * Steps per second at which each limit is reached.
 * @param {Work} work
 * @param {string} ours
 * @param {import('./run.js').Roofs} roofs
 */
function roofsOf(work, ours, roofs) {
  const rows = work.batch === 0 ? work.n : Math.min(work.batch, work.n);
  const read = spread(roofs.read).median;
  const multiplyAdds = spread(roofs.multiply_adds).median;
  if (ours === 'statistics') return { read: undefined, multiply_add: multiplyAdds / (work.d * work.d) };
  return { read: read / (4 * rows * (work.d + 1)), multiply_add: multiplyAdds / (2 * rows * work.d) };
}

/**
 * The lower limit for an engine that reads the rows on the CPU.
 * @param {Work} work
 * @param {string} ours
 * @param {import('./run.js').Roofs} roofs
 */
function limitOf(work, ours, roofs) {
  if (roofs.read.length === 0 || ours === 'gpu' || ours === 'page') return undefined;
  const { read, multiply_add: multiplyAdd } = roofsOf(work, ours, roofs);
  if (ours === 'statistics') return work.d > 1 ? { steps: multiplyAdd, name: 'multiply-add' } : undefined;
  return read !== undefined && read < multiplyAdd
    ? { steps: read, name: 'read' } : { steps: multiplyAdd, name: 'multiply-add' };
}

/** @param {Target['roof']} roof */
function roofName(roof) {
  return roof === 'read' ? 'the read limit' : roof === 'lower' ? 'the lower of the two limits' : 'the multiply-add limit';
}

/** @param {Result[]} results */
function pairTable(results) {
  const rows = results.filter(({ set }) => set.peers.includes('pair')).map(({ set, measured: { cpu, pair } }) => {
    const work = works[set.work];
    const failure = cpu.failure ?? pair.failure;
    if (failure) return [set.id, `not measured: ${failure}`, '', ''];
    const [one, two] = [cpu, pair].map(({ speeds }) => spread(speeds));
    return [`${set.id}: ${work.shown}`, figure(one, work), figure(two, work), times(two.median / one.median)];
  });
  return markdown(['work', 'one worker', 'two workers', 'ratio'], rows);
}

/** @param {Result[]} results */
function rawTable(results) {
  const columns = ['W1', 'W1k', 'W2', 'W3', 'W4', 'W5', 'W6'];
  const rows = Object.entries(peers).filter(([, peer]) => !peer.work && peer.kind !== 'page').map(([key, peer]) => {
    const cells = columns.map((work) => {
      const result = results.find(({ set }) => set.work === work && set.peers.includes(key) && set.group !== 'page');
      const measured = result?.measured[key];
      if (!measured) return '';
      const nothing = measured.failure || measured.speeds.length === 0;
      return nothing ? 'not measured' : figure(spread(measured.speeds), works[work]) + bandwidth(measured, works[work]);
    });
    return [peer.name, ...cells];
  });
  const measured = rows.filter((row) => row.slice(1).some((cell) => cell !== ''));
  return markdown(['', ...columns], measured);
}

/** @param {Result[]} results */
function roofTable(results) {
  const rows = results.filter(({ roofs }) => roofs.read.length > 0).map(({ set, roofs }) => {
    const { n, d } = works[set.work];
    const giga = (/** @type {number[]} */ values) => {
      const { median, least, most } = spread(values);
      return `${short(median / 1e9)} (${short(least / 1e9)}..${short(most / 1e9)})`;
    };
    return [set.id, megabytes(4 * n * (d + 1)), `${giga(roofs.read)} GB/s`, `${giga(roofs.multiply_adds)} G/s`];
  });
  return markdown(['rows of', 'size', 'read by one thread', 'multiply-adds'], rows);
}

/**
 * @param {Result[]} results
 * @param {string} chromium
 */
function participants(results, chromium) {
  const lines = [`- Chromium ${chromium}, headless, ${'`--enable-unsafe-webgpu`'}; Node.js ${process.versions.node}`];
  for (const [key, peer] of Object.entries(peers)) {
    const all = results.flatMap(({ set, measured }) => (measured[key] ? [{ set, ...measured[key] }] : []));
    const version = all.find((measured) => measured.version !== '')?.version;
    if (all.length === 0 || peer.work) continue;
    const details = all.map(({ set, failure, speeds, n_steps, form, forms }) => {
      if (failure) return `${set.id} not measured (${failure})`;
      const steps = peer.kind === 'page' ? '' : ` of ${n_steps.toLocaleString('en-US')} steps`;
      const others = Object.entries(forms).filter(([name]) => name !== form);
      const slower = others.map(([name, speed]) => `; ${name} ${short(speed / forms[form])} times as fast before`);
      return `${set.id} ${speeds.length} rounds${steps}${form ? ` (${form}${slower.join('')})` : ''}`;
    });
    lines.push(`- ${peer.name}${version ? `: ${version}` : ''}. ${details.join('; ')}.`);
  }
  return lines.join('\n');
}

/**
 * @param {number[]} values
 * @returns {Spread}
 */
function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, least: sorted[0], most: sorted[sorted.length - 1], rounds: sorted.length };
}

/**
 * Steps per second in the unit of the work.
 * @param {Spread} speed
 * @param {Work} work
 */
function figure({ median, least, most }, work) {
  const [of, unit] = inUnit(work);
  const ends = [of(least), of(most)].sort((a, b) => a - b).map(short);
  return `${short(of(median))} ${unit} (${ends.join('..')})`;
}

/**
 * Bandwidth for large tables, assuming that every row is read once per step.
 * @param {Measured} measured
 * @param {Work} work
 */
function bandwidth({ speeds }, { n, d, batch }) {
  const bytes = 4 * n * (d + 1);
  return batch === 0 && bytes >= 1e6 ? `, ${short((spread(speeds).median * bytes) / 1e9)} GB/s` : '';
}

/**
 * @param {number} speed
 * @param {Work} work
 */
function one(speed, work) {
  const [of, unit] = inUnit(work);
  return `${short(of(speed))} ${unit}`;
}

/**
 * @param {Work} work
 * @returns {[(speed: number) => number, string]}
 */
function inUnit(work) {
  if (work.restart_every) {
    const steps = work.restart_every;
    return [(speed) => (1000 * steps) / speed, 'ms'];
  }
  // An epoch's last batch may be short.
  if (work.batch > 0) return [(speed) => (speed * work.n) / Math.ceil(work.n / work.batch), 'samples/s'];
  return [(speed) => speed, 'steps/s'];
}

/** @param {boolean} met */
const verdict = (met) => (met ? 'met' : 'missed');
/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
/** @param {number} ratio */
const times = (ratio) => `${ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(ratio < 1 ? 2 : 3)}x`;
/** @param {number} bytes */
const megabytes = (bytes) => (bytes < 1e6 ? `${short(bytes / 1e3)} KB` : `${short(bytes / 1e6)} MB`);

/**
 * Three digits; thousands and millions by letter.
 * @param {number} value
 */
function short(value) {
  if (!Number.isFinite(value)) return '–';
  const [scale, letter] = value >= 1e6 ? [1e6, 'M'] : value >= 1e4 ? [1e3, 'k'] : [1, ''];
  const scaled = value / scale;
  return (scaled >= 100 ? scaled.toFixed(0) : Number(scaled.toPrecision(3)).toString()) + letter;
}

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function markdown(head, rows) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The groups that `--only` can name. */
export const groups = [...new Set(sets.map(({ group }) => group))];
