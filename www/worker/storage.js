// @ts-check
/// <reference lib="webworker" />
// In the worker: files of the page's own, for what of a table does not fit into memory. They go with their table.
import { alone, folder } from './leftovers.js';

/**
 * @typedef {object} File
 * @property {(at: number, bytes: Uint8Array) => void} write
 * @property {(at: number, bytes: Uint8Array) => void} read
 * @property {() => Promise<void>} remove
 */

/**
 * An empty file to write to at any place and to read from again; nothing where there is none to be had.
 * @returns {Promise<File | undefined>}
 */
export async function openFile() {
  try {
    const place = await folder();
    const name = crypto.randomUUID();
    const handle = await alone(async () => (await place.getFileHandle(name, { create: true })).createSyncAccessHandle());
    return {
      write(at, bytes) {
        if (handle.write(bytes, { at }) < bytes.length) throw new Error('QuotaExceededError');
      },
      read(at, bytes) {
        if (handle.read(bytes, { at }) < bytes.length) throw new Error(`${name} ends early`);
      },
      async remove() {
        handle.close();
        await place.removeEntry(name).catch(() => {});
      },
    };
  } catch {
    return undefined;
  }
}
