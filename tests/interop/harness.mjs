// Shared JavaScript of this folder, as harness.py for Python.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, parse } from "node:path";

/** The folder that the script is called with. */
export function folder() {
  if (process.argv.length !== 3) throw new Error(`usage: ${process.argv[1]} FOLDER`);
  return process.argv[2];
}

/** Sample by sample, what it has to predict. */
export const expected = (folder) => JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));

/** { sample, path, of } of every file of a format. */
export function files(folder, format) {
  const all = expected(folder);
  const place = join(folder, format);
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .sort()
    .map((name) => ({ sample: parse(name).name, path: join(place, name) }))
    .filter(({ sample }) => sample in all)
    .map((file) => ({ ...file, of: all[file.sample] }));
}

/** The rows as numbers: a category as the index of its level. */
export const asIndices = (of) =>
  of.rows.map((row) => row.map((x, j) => (of.inputs[j].levels.length ? of.inputs[j].levels.indexOf(x) : x)));

/** The largest |prediction - expected| over the bound. */
export function difference(of, { linear, outputs }) {
  const got = linear ?? outputs;
  if (got.length !== of.rows.length) throw new Error(`${got.length} predictions of ${of.rows.length} rows`);
  let worst = 0;
  got.forEach((given, i) => {
    const row = typeof given === "number" ? [given] : [...given];
    const wanted = linear ? of.linear[i] : of.outputs[i];
    const bound = linear ? of.bound[i] : through(of.activation, wanted, of.bound[i]);
    if (row.length !== wanted.length) throw new Error(`${row.length} outputs where there are ${wanted.length}`);
    row.forEach((x, k) => {
      const off = Math.abs(x - wanted[k]);
      worst = Number.isNaN(off) ? Infinity : Math.max(worst, bound[k] > 0 ? off / bound[k] : off);
    });
  });
  return worst;
}

function through(activation, outputs, bound) {
  if (activation === "linear") return bound;
  if (activation === "sigmoid") return outputs.map((p, k) => p * (1 - p) * bound[k] + p);
  if (activation === "exponential") return outputs.map((p, k) => p * bound[k] + p);
  const ofAll = outputs.reduce((sum, p, k) => sum + p * bound[k], 0);
  return outputs.map((p, k) => p * (bound[k] + ofAll - 2 * p * bound[k]) + p);
}

/** Prints what became of a file. `predict` may be asynchronous; it returns { linear } or { outputs }. */
export async function check(format, consumer, version, sample, of, predict) {
  const said = { format, consumer, version, sample };
  try {
    Object.assign(said, { loaded: true, difference: difference(of, await predict()) });
  } catch (error) {
    Object.assign(said, { loaded: false, why: `${error}`.slice(0, 500) });
  }
  // JSON has no Infinity.
  if (said.difference === Infinity) said.difference = 1e300;
  console.log(JSON.stringify(said));
}

/** Prints that a consumer is not here. */
export const missing = (format, consumer, why) =>
  console.log(JSON.stringify({ format, consumer, version: "", sample: "", loaded: false, missing: true, why }));
