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

/** FNV-1a of 64 bits, as the programs of test/guests make it. @param {Uint8Array} bytes */
export function fnv(bytes) {
  const { imul, floor } = Math; // a global costs much where Jest runs us
  let high = 0xcbf29ce4, low = 0x84222325;
  for (const byte of bytes) { // times 0x100000001b3, in two halves
    low = (low ^ byte) >>> 0;
    const product = low * 0x1b3;
    high = (imul(high, 0x1b3) + floor(product / 4294967296) + low * 256) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** The sum that test/guests/transfers.c and raw.c make. @param {Uint8Array} bytes */
export function sum31(bytes) {
  const { imul } = Math;
  let sum = 0;
  for (const byte of bytes) sum = (imul(sum, 31) + byte) >>> 0;
  return sum.toString(16).padStart(8, '0');
}

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
