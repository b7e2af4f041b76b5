// Trains in a real browser and saves every format through the page's own dialog, for the scripts of
// this folder: `node tests/interop/browser.mjs FOLDER` writes FOLDER/<format>/browser.<extension>
// and FOLDER/expected.json (see README.md). The run is the Keras example's line, predicted at 0.5
// and -0.5; the page's predictions are expected.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportAs, exportWeights } from "../browser/hands.js";
import { launch, openPage, startServer } from "../browser/harness.js";
import { person } from "../browser/person.js";
import { folder } from "./harness.mjs";

/** Formats, as files and the dialog call them. */
const FORMATS = {
  keras_h5: "Keras HDF5 (.h5)",
  keras: "Keras 3 (.keras)",
  onnx: "ONNX",
  safetensors: "safetensors",
  npz: "NumPy (.npz)",
  tfjs: "TensorFlow.js",
  pmml: "PMML",
  coefficients: "Coefficients (CSV)",
  history: "Loss history (CSV)",
  python: "Python",
  javascript: "JavaScript",
  rust: "Rust",
  c: "C",
  sql: "SQL",
};
const ROWS = [0.5, -0.5];

const to = folder();
const server = await startServer({ folder: "target/site" });
const browser = await launch();
const { page, close } = await openPage(browser, {
  server,
  hash: "#steps_per_second=null&backend=cpu&stop.steps=300&stop.converged=false",
});
const of = person(page);
await of.ready();
await page.getByText("Reached your limit of 300 steps.", { exact: true }).waitFor();
const { file, text } = await exportWeights(page);
const [weight] = file.original_units.weights;
const { bias } = file.original_units;
const linear = ROWS.map((x) => [weight * x + bias]);

// The page's own predictions for these two, with the four digits it shows.
const shown = await page.getByLabel("Predictions", { exact: true }).innerText();
shown.split(", ").forEach((text, i) => assert.ok(Math.abs(Number(text) - linear[i][0]) < 6e-4 * Math.abs(linear[i][0]), `${text} is shown, and ${linear[i]} saved`));
assert.equal(shown.split(", ").length, ROWS.length);

function keep(format, ending, bytes) {
  mkdirSync(join(to, format), { recursive: true });
  writeFileSync(join(to, format, `browser${ending}`), bytes);
}
keep("run_file", ".json", text);
for (const [format, name] of Object.entries(FORMATS)) {
  const { name: saved, bytes } = await exportAs(page, name);
  keep(format, saved.slice(saved.lastIndexOf(".")), bytes);
}
const expected = {
  inputs: [{ name: "x", levels: [] }],
  target: "y",
  classes: [],
  activation: "linear",
  terms: ["x"],
  weights: [[weight]],
  bias: [bias],
  rows: ROWS.map((x) => [x]),
  outputs: linear,
  linear,
  bound: ROWS.map((x) => [Math.abs(bias) + Math.abs(weight * x)]),
};
writeFileSync(join(to, "expected.json"), JSON.stringify({ browser: expected }));
writeFileSync(join(to, "refused.json"), "[]");
await close();
await browser.close();
await server.close();
