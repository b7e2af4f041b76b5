// @ts-check
// A file as a source of bytes, on the page's thread and in workers.

/** Bytes that are read at a time. */
export const CHUNK_BYTES = 1 << 22;

/**
 * Some bytes of a file.
 * @param {Blob} blob
 * @param {number} start
 * @param {number} [end]
 */
export const bytesOf = async (blob, start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer());

/**
 * A whole file, piece by piece: the next bytes are fetched while these are worked on.
 * @param {Blob} blob
 */
export async function* chunksOf(blob) {
  let next = bytesOf(blob, 0, CHUNK_BYTES);
  for (let start = 0; start < blob.size; start += CHUNK_BYTES) {
    const bytes = await next;
    next = bytesOf(blob, start + CHUNK_BYTES, start + 2 * CHUNK_BYTES);
    yield { bytes, end: Math.min(start + CHUNK_BYTES, blob.size) };
  }
}
