// @ts-check
// The bare engine in a worker: `crates/bench-engine/src/engine.rs` without session, messages and charts.
import { serve, timed } from './serve.js';

/**
 * Exports of `crates/bench-engine/src/engine.rs`. Only the benchmark builds its glue, so the types
 * are declared here.
 * @typedef {{
 *   name(): string, restart(): void, advance(steps: number): Promise<number>, weights(): Float32Array,
 *   order(epoch: number): Uint32Array, data_bytes(): number, read_bandwidth(budget_ms: number): number,
 * }} BareEngine
 */

/** Where the glue is; by a variable, for the type checker has no such module. */
const glue = './engine/downhill_bench_engine.js';
// Not awaited here, because messages sent to a worker before it listens are lost.
const loaded = import(glue).then(async (module) => {
  const compiled = await WebAssembly.compileStreaming(fetch('./engine/downhill_bench_engine_bg.wasm'));
  return { module, compiled, wasm: module.initSync({ module: compiled }) };
});
const seed = 1;

/** @type {BareEngine | undefined} */
let opened;

function engine() {
  if (!opened) throw new Error('nothing was prepared');
  return opened;
}

serve({
  /** @param {{ engine: string, n: number, d: number, batch: number, shuffle: boolean, rate: number }} request */
  async prepare({ engine: kind, n, d, batch, shuffle, rate }) {
    const { module, compiled } = await loaded;
    const spawn = () => {
      const second = new Worker(new URL('./partner.js', import.meta.url), { type: 'module' });
      second.postMessage(compiled);
      return second;
    };
    const { seconds, result } = await timed(
      () => module.BareEngine.create(kind, n, d, batch, shuffle, rate, seed, spawn),
    );
    const created = /** @type {BareEngine} */ (result);
    opened = created;
    return { seconds, version: created.name() };
  },
  /**
   * Takes steps from zero weights, restarting from zero at intervals if a run is short.
   * @param {{ steps: number, restart_every?: number }} request
   */
  async run({ steps, restart_every: every = steps }) {
    const { seconds, result } = await timed(async () => {
      let loss = NaN;
      for (let done = 0; done < steps; done += every) {
        engine().restart();
        loss = await engine().advance(Math.min(every, steps - done));
      }
      return loss;
    });
    return { seconds, steps, loss: result };
  },
  /** @param {{ ms: number }} request */
  async roofs({ ms }) {
    const { module } = await loaded;
    return { read: engine().read_bandwidth(ms), multiply_adds: module.multiply_add_roof(ms) };
  },
  /** @param {{ epoch: number }} request */
  order: ({ epoch }) => engine().order(epoch),
  async memory() {
    const { wasm } = await loaded;
    return { heap: wasm.memory.buffer.byteLength, data: engine().data_bytes() };
  },
});
