// js/direction.js: the two directions of a transfer, as the engine numbers them.

/** @typedef {'recv' | 'send' | 'both'} Direction */

/** CURLPAUSE_* */
export const RECV = 1, SEND = 4;
const MASKS = /** @type {const} */ ({ recv: RECV, send: SEND, both: RECV | SEND });

/** @param {Direction} dir @returns {number} CURLPAUSE_*; TypeError: it is none */
export function maskOf(dir) {
  const mask = typeof dir === 'string' && Object.hasOwn(MASKS, dir) ? MASKS[dir] : 0;
  if (mask === 0) throw new TypeError(`direction must be 'recv', 'send' or 'both', got ${typeof dir === 'object' && dir !== null ? 'an object' : String(dir)}`);
  return mask;
}
