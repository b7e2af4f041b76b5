// ONNX in a browser's runtime: onnxruntime-web on WebAssembly, in Node. `node interop/onnxruntime_web.mjs FOLDER`.

import { readFileSync } from "node:fs";

import { check, files, folder, missing } from "./harness.mjs";

/** Rows as the session's inputs want them: all numbers at once, or a column each. */
function feed(ort, session, of) {
  const rows = of.rows.length;
  if (session.inputNames.length === 1 && of.inputs[0].levels.length === 0) {
    const values = Float32Array.from(of.rows.flat());
    return { [session.inputNames[0]]: new ort.Tensor("float32", values, [rows, of.inputs.length]) };
  }
  const column = (name, j) => {
    const cells = of.rows.map((row) => row[j]);
    const tensor = of.inputs[j].levels.length
      ? new ort.Tensor("string", cells, [rows, 1])
      : new ort.Tensor("float32", Float32Array.from(cells), [rows, 1]);
    return [name, tensor];
  };
  return Object.fromEntries(session.inputNames.map(column));
}

async function predict(ort, path, of) {
  const session = await ort.InferenceSession.create(readFileSync(path), { executionProviders: ["wasm"] });
  const results = await session.run(feed(ort, session, of));
  const { data, dims } = results[session.outputNames[0]];
  const width = dims[1] ?? 1;
  await session.release();
  return { outputs: of.rows.map((_, i) => Array.from(data.subarray(i * width, (i + 1) * width))) };
}

let ort;
try {
  ort = await import("onnxruntime-web/wasm");
} catch (error) {
  missing("onnx", "onnxruntime-web", error.message);
  process.exit();
}
// One thread: a worker would keep Node from ending.
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
for (const { sample, path, of } of files(folder(), "onnx")) {
  await check("onnx", "onnxruntime-web", ort.env.versions.web, sample, of, () => predict(ort, path, of));
}
