// @ts-check
/// <reference lib="webworker" />
// Files of the page's own, for what of a table does not fit into memory: opened in the worker. They go with their table, and
// what a page that was closed has left behind goes when the next one has nothing else to do.

const FOLDER = 'tables';

/**
 * One page at a time: a file that was made and is not open yet looks like one that was left.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
const alone = (work) => navigator.locks.request(FOLDER, work);

/** The folder of these files; nothing where the browser has none for the page. */
const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });

/**
 * An empty file to write to at any place and to read from again; nothing where there is none to be had.
 * @typedef {{ write: (at: number, bytes: Uint8Array) => void, read: (at: number, bytes: Uint8Array) => void, remove: () => Promise<void> }} File
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

/** Removes what no page uses any longer: a file that another page has open is not removed by the browser. */
export async function removeLeftFiles() {
  try {
    const place = await folder();
    await alone(async () => {
      for await (const name of place.keys()) await place.removeEntry(name).catch(() => {});
    });
  } catch {
    // Nowhere to leave anything.
  }
}
