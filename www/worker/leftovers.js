// @ts-check
// The folder of files of the page's own, in the worker and on the page's thread, and what a page that broke down has left there.

const FOLDER = 'tables';

/** The folder of these files; throws where the browser has none for the page. */
export const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });

/**
 * One page at a time: a file that was made and is not open yet looks like one that was left.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export const alone = (work) => navigator.locks.request(FOLDER, work);

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
