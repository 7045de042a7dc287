// Bytes that show when some are lost, doubled or swapped, and sums over them.
import { createHash } from 'node:crypto';

/** @param {number} size @param {number} [seed] @returns {Buffer} the same for the same arguments */
export function pattern(size, seed = 1) {
  const words = new Uint32Array(Math.ceil(size / 4));
  let x = seed | 1;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return Buffer.from(words.buffer, 0, size);
}

/** @param {Uint8Array} bytes */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** An onData that sums and counts. */
export function summing() {
  const hash = createHash('sha256');
  const sum = { bytes: 0, hex: () => hash.copy().digest('hex'), onData: (chunk) => {
    hash.update(chunk);
    sum.bytes += chunk.length;
  } };
  return sum;
}

/** The error of a promise that must reject. @param {Promise<unknown>} promise @returns {Promise<any>} */
export async function failure(promise) {
  const outcome = await promise.then((value) => ({ value }), (error) => ({ error }));
  if ('value' in outcome) throw new Error(`resolved, with ${JSON.stringify(outcome.value)}`);
  return outcome.error;
}

/** Like the promise, but rejects after `ms`. @template T @param {Promise<T>} promise @param {number} ms @param {string} what @returns {Promise<T>} */
export function within(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
