// TensorFlow.js loads Downhill's files for it, and continues training.
//
//     node tests/interop/tfjs.mjs FOLDER
//
// A category is the index of its level. The CPU backend computes in f32, like the others.

import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

import { asIndices, check, files, folder, missing } from "./harness.mjs";

/** The files of an archive, by its central directory. */
function unpacked(bytes) {
  const end = bytes.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  const entries = new Map();
  let at = bytes.readUInt32LE(end + 16);
  for (let k = 0; k < bytes.readUInt16LE(end + 10); k++) {
    const [method, packed] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const lengths = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const name = bytes.toString("utf8", at + 46, at + 46 + lengths[0]);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const data = bytes.subarray(start, start + packed);
    entries.set(name, method === 0 ? data : inflateRawSync(data));
    at += 46 + lengths[0] + lengths[1] + lengths[2];
  }
  return entries;
}

/** The model as `tf.loadLayersModel("model.json")` loads it, from memory. */
async function load(tf, path) {
  const entries = unpacked(readFileSync(path));
  const json = JSON.parse(entries.get("model.json").toString("utf8"));
  const weights = Buffer.concat(json.weightsManifest.flatMap((group) => group.paths.map((own) => entries.get(own))));
  const { format, generatedBy, modelTopology, trainingConfig, userDefinedMetadata } = json;
  return tf.loadLayersModel({
    load: async () => ({
      format, generatedBy, modelTopology, trainingConfig, userDefinedMetadata,
      weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
      weightData: new Uint8Array(weights).buffer,
    }),
  });
}

/** The same model without what its last layer makes of the outputs. */
function linearPart(tf, model) {
  const last = model.layers.at(-1);
  const plain = tf.layers.dense({ units: last.units, useBias: last.useBias, name: "before_the_activation" });
  const outputs = plain.apply(last.input);
  plain.setWeights(last.getWeights());
  return tf.model({ inputs: model.inputs, outputs });
}

/** One step of training changes what was learned, and nothing else. */
async function goOn(tf, model, x, of) {
  const values = (layers) => layers.flatMap((layer) => layer.getWeights().map((weight) => [...weight.dataSync()]));
  const [frozen, learned] = [values(model.layers.slice(0, -1)), values(model.layers.slice(-1))];
  const y = of.outputs.map((row) =>
    of.activation === "softmax" ? row.indexOf(Math.max(...row)) : of.activation === "sigmoid" ? +(row[0] > 0.5) : row[0] + 1);
  await model.fit(x, tf.tensor2d(y, [y.length, 1]), { epochs: 1, verbose: 0 });
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  if (!same(frozen, values(model.layers.slice(0, -1)))) throw new Error("training moved a layer that was frozen");
  if (same(learned, values(model.layers.slice(-1)))) throw new Error("training moved nothing");
}

const place = folder();
let tf;
try {
  // It recommends a faster package for Node on the console.
  [console.warn, console.info] = [() => {}, () => {}];
  tf = await import("@tensorflow/tfjs");
  await tf.setBackend("cpu");
} catch (error) {
  missing("tfjs", "TensorFlow.js", `${error}`);
}
if (tf) {
  for (const { sample, path, of } of files(place, "tfjs")) {
    await check("tfjs", "TensorFlow.js", tf.version.tfjs, sample, of, async () => {
      const model = await load(tf, path);
      if (!("downhill" in (model.userDefinedMetadata ?? {}))) throw new Error("the note is gone");
      const x = tf.tensor2d(asIndices(of));
      const linear = await linearPart(tf, model).predict(x).array();
      if (model.optimizer) await goOn(tf, model, x, of);
      return { linear };
    });
  }
}
