// js/source.js: the body of a request: what a caller may give, how large it is, and how it is taken piece by piece.
//
// Bytes go out by reference: what was given must not change before it is sent; what a stream or generator has yielded is
// given away for good, as several chunks wait at a time, here, in sockets and in fetch. A stream is asked only when the engine
// wants bytes: a paused or slow upload pulls nothing. What it has at once, up to AHEAD, is then taken in one go.
import { SL_AGAIN, SL_SINK_FAILED } from './hosts/door.js';

/**
 * What the engine takes a body from, for one run.
 * @typedef {object} Source
 * @property {() => number} ready How many bytes may go now: > 0; 0: the end; SL_AGAIN: `more` will be called; SL_SINK_FAILED: `error` says why.
 * @property {(max: number) => Uint8Array | number} take At most so many of them; borrowed, and gone from here. Or as ready.
 * @property {() => boolean} rewind From the start again; false: cannot be.
 * @property {(reason: unknown) => void} stop Nothing more will be taken.
 * @property {unknown} error
 *
 * @typedef {object} Body
 * @property {number} size bytes, -1: not known
 * @property {string | null} type Content-Type it brings
 * @property {boolean} [once] it cannot be given again
 * @property {(more: () => void) => Source | null} open null: it was a stream, and is used
 */

const AHEAD = 512 * 1024; // bytes: SL_HOST_MOVE_MAX of host.h
/** When the promises that are settled have been heard: then it is known what the stream had at once. */
const soon = typeof process === 'object' && typeof process.nextTick === 'function' ? process.nextTick : queueMicrotask;

/** @param {unknown} value @returns {string} */
const kindOf = (value) => (value === null ? 'null' : typeof value === 'object' ? value.constructor?.name ?? 'an object' : typeof value);

/** Bytes in memory. @implements {Source} */
class Bytes {
  #bytes;
  #at = 0;
  error = undefined;
  /** @param {Uint8Array} bytes */
  constructor(bytes) { this.#bytes = bytes; }
  ready() { return Math.min(this.#bytes.length - this.#at, 0x7fffffff); }
  /** @param {number} max */
  take(max) {
    const from = this.#at;
    this.#at = Math.min(from + max, this.#bytes.length);
    return from === 0 && this.#at === this.#bytes.length ? this.#bytes : this.#bytes.subarray(from, this.#at);
  }
  rewind() {
    this.#at = 0;
    return true;
  }
  stop() {}
}

/** Ways to ask a stream for more and to tell it that no more is wanted.
 * @typedef {{ next: () => Promise<{ done?: boolean, value?: any }>, stop: (reason: unknown) => unknown }} Puller */

/** Bytes that have to be asked for. @implements {Source} */
class Pulled {
  #open; #more; #size; #rewinds;
  #puller = /** @type {Puller | null} */ (null);
  #chunks = /** @type {Uint8Array[]} */ ([]); // pulled and not taken, #at of the first is gone
  #at = 0;
  #ahead = 0; // bytes pulled since the engine asked
  #pulled = 0; // bytes
  #asked = false;
  #telling = false; // that there is something, soon
  #done = false;
  #failed = false;
  #generation = 0; // answers to an older one are not heard
  error = /** @type {unknown} */ (undefined);

  /** @param {() => Puller} open @param {() => void} more @param {number} size announced, -1: not known @param {boolean} rewinds */
  constructor(open, more, size, rewinds) {
    this.#open = open;
    this.#more = more;
    this.#size = size;
    this.#rewinds = rewinds;
  }
  ready() {
    // An announced size is kept: its last bytes go when it is known that there are no more.
    if (this.#chunks.length > 1 || (this.#chunks.length > 0 && (this.#done || this.#size < 0 || this.#pulled < this.#size))) return this.#chunks[0].length - this.#at;
    if (this.#failed) return SL_SINK_FAILED;
    if (this.#done) return 0;
    this.#ahead = 0;
    this.#ask();
    return SL_AGAIN;
  }
  /** @param {number} max */
  take(max) {
    const n = this.ready();
    if (n <= 0) return n;
    const chunk = this.#chunks[0], from = this.#at;
    this.#at = Math.min(from + max, chunk.length);
    if (this.#at < chunk.length) return chunk.subarray(from, this.#at);
    this.#chunks.shift();
    this.#at = 0;
    return from === 0 ? chunk : chunk.subarray(from);
  }
  rewind() {
    if (!this.#rewinds) return false;
    this.stop(undefined);
    this.#chunks = [];
    this.#puller = null;
    this.#at = this.#pulled = 0;
    this.#asked = this.#done = this.#failed = false;
    return true;
  }
  /** @param {unknown} reason */
  stop(reason) {
    this.#generation++;
    const puller = this.#puller;
    this.#chunks = [];
    this.#puller = null;
    if (puller === null || this.#done || this.#failed) return;
    this.#done = true;
    try {
      Promise.resolve(puller.stop(reason)).catch(() => {}); // nobody is left to hear of it
    } catch {
      // likewise
    }
  }
  #tell = () => {
    this.#telling = false;
    this.#ahead = AHEAD; // no more before the engine asks again
    this.#more();
  };
  #ask() {
    if (this.#asked) return;
    this.#asked = true;
    const generation = this.#generation;
    /** @param {() => void} change */
    const heard = (change) => {
      if (generation !== this.#generation) return;
      this.#asked = false;
      change();
      if (!this.#done && !this.#failed && this.#ahead < AHEAD) this.#ask();
      if (this.#telling) return;
      this.#telling = true;
      soon(this.#tell);
    };
    try {
      this.#puller ??= this.#open();
      this.#puller.next().then((answer) => heard(() => this.#take(answer)), (error) => heard(() => this.#fail(error)));
    } catch (error) {
      queueMicrotask(() => heard(() => this.#fail(error)));
    }
  }
  /** @param {{ done?: boolean, value?: any }} answer */
  #take({ done, value }) {
    if (done) {
      this.#done = true;
      return;
    }
    if (!(value instanceof Uint8Array)) {
      this.#fail(new TypeError(`a chunk of the body must be a Uint8Array, got ${kindOf(value)}`));
    } else if (value.length > 0) {
      this.#pulled += value.length;
      if (this.#size >= 0 && this.#pulled > this.#size) {
        this.#fail(new RangeError(`the body is larger than the ${this.#size} bytes announced`));
      } else {
        this.#ahead += value.length;
        this.#chunks.push(value);
      }
    }
  }
  /** @param {unknown} error */
  #fail(error) {
    const puller = this.#puller;
    this.#failed = true;
    this.error = error;
    this.#puller = null;
    try {
      Promise.resolve(puller?.stop(error)).catch(() => {});
    } catch {
      // the first error counts
    }
  }
}

/** @param {ReadableStream} stream @returns {Puller} */
function fromStream(stream) {
  const reader = stream.getReader();
  return { next: () => reader.read(), stop: (reason) => reader.cancel(reason) };
}

/** @param {AsyncIterable<unknown>} iterable @returns {Puller} */
function fromIterable(iterable) {
  const iterator = iterable[Symbol.asyncIterator]();
  return { next: async () => iterator.next(), stop: () => iterator.return?.() };
}

/** A body that can be given once. @param {() => Puller} open @param {number} size @returns {Body} */
function once(open, size) {
  let used = false;
  return {
    size,
    type: null,
    once: true,
    open: (more) => {
      if (used) return null;
      used = true;
      return new Pulled(open, more, size, false);
    },
  };
}

/** @param {Uint8Array} bytes @param {string | null} type @returns {Body} */
const inMemory = (bytes, type) => ({ size: bytes.length, type, open: () => new Bytes(bytes) });

/**
 * What a caller gave as a body.
 * @param {any} given @param {number} announced its size in an own Content-Length, -1: none
 * @returns {Body}
 * @throws {TypeError} when it is none
 */
export function readBody(given, announced) {
  if (typeof given === 'string') return inMemory(new TextEncoder().encode(given), 'text/plain;charset=UTF-8');
  if (given instanceof URLSearchParams) {
    return inMemory(new TextEncoder().encode(given.toString()), 'application/x-www-form-urlencoded;charset=UTF-8');
  }
  if (given instanceof Uint8Array) return inMemory(given, null);
  if (ArrayBuffer.isView(given)) return inMemory(new Uint8Array(given.buffer, given.byteOffset, given.byteLength), null);
  if (given instanceof ArrayBuffer) return inMemory(new Uint8Array(given), null);
  if (given instanceof Blob) {
    return { size: given.size, type: given.type || null, open: (more) => new Pulled(() => fromStream(given.stream()), more, given.size, true) };
  }
  if (given instanceof ReadableStream) {
    if (given.locked) throw new TypeError('body: the stream is locked, somebody else reads it');
    return once(() => fromStream(given), announced);
  }
  if (typeof given?.[Symbol.asyncIterator] === 'function') return once(() => fromIterable(given), announced);
  throw new TypeError(`body must be a string, bytes, Blob, URLSearchParams, ReadableStream or AsyncIterable, got ${kindOf(given)}`);
}
