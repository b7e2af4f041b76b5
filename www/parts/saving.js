// @ts-check
// How a file is saved: where the browser has a dialog for that, there; else as a download.

/**
 * @param {string} name
 * @param {Blob} blob
 * @returns {Promise<boolean>} whether it was saved: who closes the dialog has thought better of it
 */
export async function save(name, blob) {
  const pick = /** @type {any} */ (globalThis).showSaveFilePicker;
  if (pick) {
    let handle;
    try {
      handle = await pick.call(globalThis, { suggestedName: name });
    } catch (error) {
      if (/** @type {Error} */ (error).name === 'AbortError') return false;
      // It may not be shown here (in a frame, by a policy): a download may.
    }
    if (handle) {
      const stream = await handle.createWritable();
      await stream.write(blob);
      await stream.close();
      return true;
    }
  }
  download(name, blob);
  return true;
}

/**
 * Downloads a file.
 * @param {string} name
 * @param {Blob} blob
 */
export function download(name, blob) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has begun once the click is over; the object is kept a little for slow disks.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
