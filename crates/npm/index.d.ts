import type { InitInput } from './downhill.js';

/** The shapes of configurations, snapshots and messages. */
export type * from './downhill.js';

/** A run: `const trainer = await Trainer.create(config)`. Loads the wasm by itself. */
export { Trainer } from './downhill.js';

/**
 * Loads the wasm, once. `Trainer.create` does it by itself; call it to load early, or to say where the wasm is.
 *
 * @param source where the wasm is, if not beside this file: an address, a response, bytes or a compiled module
 */
export function init(source?: InitInput | Promise<InitInput>): Promise<void>;
