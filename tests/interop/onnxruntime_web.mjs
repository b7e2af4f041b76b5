// ONNX in onnxruntime-web, as in a page: its wasm, run in Node. `node
// tests/interop/onnxruntime_web.mjs FOLDER`
import { readFileSync } from "node:fs";
import { check, files, folder, missing } from "./harness.mjs";

const ort = await import("onnxruntime-web").catch((error) => missing("onnx", "onnxruntime-web", String(error)));

/** Rows as the session's inputs want them: all numbers at once, or a column each. */
function feeds(session, of) {
  const n = of.rows.length;
  if (session.inputNames.length === 1 && !of.inputs[0].levels.length) {
    const values = Float32Array.from(of.rows.flat());
    return { [session.inputNames[0]]: new ort.Tensor("float32", values, [n, of.inputs.length]) };
  }
  const tensor = (j) => {
    const column = of.rows.map((row) => row[j]);
    if (of.inputs[j].levels.length) return new ort.Tensor("string", column, [n, 1]);
    return new ort.Tensor("float32", Float32Array.from(column), [n, 1]);
  };
  return Object.fromEntries(session.inputNames.map((name, j) => [name, tensor(j)]));
}

for (const { sample, path, of } of ort ? files(folder(), "onnx") : []) {
  await check("onnx", "onnxruntime-web", ort.env.versions.web, sample, of, async () => {
    const session = await ort.InferenceSession.create(readFileSync(path));
    const output = (await session.run(feeds(session, of)))[session.outputNames[0]];
    const width = output.dims[1];
    return { outputs: of.rows.map((_, i) => output.data.slice(i * width, (i + 1) * width)) };
  });
}
