// js/source.js: the body of a request: what a caller may give, how large it is, and how it is taken piece by piece.
//
// Bytes go out by reference: what was given must not change before it is sent; what a stream or generator has yielded is
// given away for good, as several chunks wait at a time, here, in sockets and in fetch. A stream is asked only when the engine
// wants bytes: a paused or slow upload pulls nothing. What it has at once, up to AHEAD, is then taken in one go.
//
// A transfer takes its body when it is performed, and ends it exactly once (B21): a web stream is cancelled, an iterator
// returned, a stream of Node's destroyed, also when not a byte was asked for. What ended by itself is left alone.
import { SL_AGAIN, SL_SINK_FAILED } from './hosts/door.js';

/**
 * What the engine takes a body from, for one run.
 * @typedef {object} Source
 * @property {() => number} ready How many bytes may go now: > 0; 0: the end; SL_AGAIN: `more` will be called; SL_SINK_FAILED: `error` says why.
 * @property {(max: number) => Uint8Array | number} take At most so many of them; borrowed, and gone from here. Or as ready.
 * @property {() => boolean} rewind From the start again; false: cannot be.
 * @property {(reason: unknown) => void} stop Nothing more will be taken. Only the first call counts.
 * @property {boolean} failed It is of no use any more: `error` says why.
 * @property {unknown} error
 *
 * @typedef {object} Body
 * @property {number} size bytes, -1: not known
 * @property {string | null} type Content-Type it brings
 * @property {boolean} [form] That type has what nobody else can know.
 * @property {boolean} [once] it cannot be given again
 * @property {(more: () => void) => Source | null} open Take it, for one run. `more`: there may be bytes again, or it failed by itself;
 *   never called from inside `open`. null: it was a stream, and is used up.
 */

const AHEAD = 512 * 1024; // bytes: SL_HOST_MOVE_MAX of host.h
const PIECE = AHEAD / 2; // bytes of a Blob that are read at a time
/** When the promises that are settled have been heard: then it is known what the stream had at once. */
const soon = typeof process === 'object' && typeof process.nextTick === 'function' ? process.nextTick : queueMicrotask;
const nothing = () => {};

/** @param {unknown} value @returns {string} */
const kindOf = (value) => (value === null ? 'null' : typeof value === 'object' ? value.constructor?.name ?? 'an object' : typeof value);

/** Bytes in memory. @implements {Source} */
class Bytes {
  #bytes;
  #at = 0;
  failed = false;
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

/**
 * Ways to ask a stream for more and to say that no more is wanted.
 * @typedef {object} Puller
 * @property {() => Promise<{ done?: boolean, value?: any }>} next Rejects when it has failed, and so ended by itself.
 * @property {(reason: unknown) => unknown} stop Not called when it has ended by itself.
 */
/** @typedef {(fail: (error: unknown) => void) => Puller} Opener fail: it has failed, whether or not it was asked */

/** Bytes that have to be asked for. @implements {Source} */
class Pulled {
  #open; #more; #size; #rewinds;
  #puller = /** @type {Puller | null} */ (null); // null: not open, or there is nothing to stop any more
  #chunks = /** @type {Uint8Array[]} */ ([]); // pulled and not taken, #at of the first is gone
  #at = 0;
  #ahead = 0; // bytes pulled since the engine asked
  #pulled = 0; // bytes
  #asked = false;
  #telling = false; // that there is something, soon
  #done = false;
  #stopped = false;
  #generation = 0; // answers to an older one are not heard
  failed = false;
  error = /** @type {unknown} */ (undefined);

  /**
   * @param {Opener} open called now when the body is a caller's own, which is held from here on; else when it is first asked
   * @param {() => void} more @param {number} size announced, -1: not known @param {boolean} rewinds it can be opened again
   */
  constructor(open, more, size, rewinds) {
    this.#open = open;
    this.#more = more;
    this.#size = size;
    this.#rewinds = rewinds;
    if (!rewinds) this.#begin();
  }
  ready() {
    // An announced size is kept: its last bytes go when it is known that there are no more.
    if (this.#chunks.length > 1 || (this.#chunks.length > 0 && (this.#done || this.#size < 0 || this.#pulled < this.#size))) return this.#chunks[0].length - this.#at;
    if (this.failed) return SL_SINK_FAILED;
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
    this.#leave(undefined);
    this.#chunks = [];
    this.#at = this.#pulled = 0;
    this.#asked = this.#done = this.failed = false;
    return true;
  }
  /** @param {unknown} reason */
  stop(reason) {
    this.#stopped = true;
    this.#chunks = [];
    this.#leave(reason);
  }
  /** End it, unless it has ended. @param {unknown} reason */
  #leave(reason) {
    const puller = this.#puller;
    this.#generation++;
    this.#puller = null;
    try {
      Promise.resolve(puller?.stop(reason)).catch(nothing); // nobody is left to hear of it
    } catch {
      // likewise
    }
  }
  /** @returns {Puller | null} null: it cannot be opened */
  #begin() {
    const generation = this.#generation;
    let opening = true;
    const puller = this.#open((error) => {
      if (generation !== this.#generation || this.failed || this.#done) return;
      this.#fail(error);
      if (opening) queueMicrotask(this.#tell);
      else this.#tell();
    });
    opening = false;
    if (!this.failed) this.#puller = puller;
    return this.#puller;
  }
  #tell = () => {
    this.#telling = false;
    this.#ahead = AHEAD; // no more before the engine asks again
    if (!this.#stopped) this.#more();
  };
  #ask() {
    if (this.#asked) return;
    const puller = this.#puller ?? this.#begin();
    if (puller === null) return;
    this.#asked = true;
    const generation = this.#generation;
    /** @param {() => void} change */
    const heard = (change) => {
      if (generation !== this.#generation || this.failed) return;
      this.#asked = false;
      change();
      if (!this.#done && !this.failed && this.#ahead < AHEAD) this.#ask();
      if (this.#telling) return;
      this.#telling = true;
      soon(this.#tell);
    };
    puller.next().then((answer) => heard(() => this.#take(answer)), (error) => heard(() => this.#fail(error)));
  }
  /** @param {{ done?: boolean, value?: any }} answer */
  #take({ done, value }) {
    if (done) {
      this.#done = true;
      this.#puller = null;
      return;
    }
    const chunk = bytesOf(value);
    if (chunk === null) return this.#refuse(new TypeError(`a chunk of the body must be bytes or a string, got ${kindOf(value)}`));
    if (chunk.length === 0) return;
    this.#pulled += chunk.length;
    if (this.#size >= 0 && this.#pulled > this.#size) return this.#refuse(new RangeError(`the body is larger than the ${this.#size} bytes announced`));
    this.#ahead += chunk.length;
    this.#chunks.push(chunk);
  }
  /** What it gives cannot be sent. @param {unknown} error */
  #refuse(error) {
    this.#leave(error);
    this.#fail(error);
  }
  /** It has failed, and so ended. @param {unknown} error */
  #fail(error) {
    this.failed = true;
    this.error = error;
    this.#puller = null;
  }
}

/** Bytes of a chunk; a string is UTF-8. @param {unknown} value @returns {Uint8Array | null} null: it is none */
function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return new TextEncoder().encode(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value instanceof ArrayBuffer ? new Uint8Array(value) : null;
}

/** @param {ReadableStream} stream @returns {Puller} */
function fromStream(stream) {
  const reader = stream.getReader();
  return { next: () => reader.read(), stop: (reason) => reader.cancel(reason) };
}

/**
 * Piece by piece, each opened, read and closed: in Node.js its own stream, cancelled, keeps the file open until it is collected.
 * @param {Blob} blob @returns {Puller}
 */
function fromBlob(blob) {
  let at = 0;
  return {
    async next() {
      if (at >= blob.size) return { done: true };
      const piece = blob.slice(at, at += PIECE);
      return { value: await piece.arrayBuffer() };
    },
    stop: nothing,
  };
}

/** @param {AsyncIterable<unknown>} iterable @returns {Puller} */
function fromIterable(iterable) {
  const iterator = iterable[Symbol.asyncIterator]();
  return { next: async () => iterator.next(), stop: () => iterator.return?.() };
}

/** Values may be promises, as in `for await`. @param {Iterable<unknown>} iterable @returns {Puller} */
function fromSync(iterable) {
  const iterator = iterable[Symbol.iterator]();
  return {
    async next() {
      const { done, value } = iterator.next();
      if (done) return { done };
      try {
        return { value: await value };
      } catch (error) {
        iterator.return?.(); // the value failed, the iterator has not ended
        throw error;
      }
    },
    stop: () => iterator.return?.(),
  };
}

/**
 * A stream of Node's: its iterator destroys it only when it was asked, and an error that nobody listens to would end the process.
 * @param {any} stream @param {(error: unknown) => void} fail @returns {Puller}
 */
function fromNode(stream, fail) {
  const iterator = stream[Symbol.asyncIterator]();
  const broke = (/** @type {unknown} */ error) => {
    fail(error);
    if (!stream.destroyed) stream.destroy(); // one that does not do so by itself
  };
  stream.on('error', broke); // for good: errors may follow its end
  if (stream.errored) broke(stream.errored);
  return {
    next: async () => iterator.next(),
    stop() {
      // A request that a server of Node's received: its response has still to go out, over the same socket.
      if (typeof stream.httpVersion === 'string' && stream.req === undefined && Object.hasOwn(stream, 'socket')) stream.socket = null;
      stream.destroy();
    },
  };
}

/** @param {any} given @returns {boolean} a Readable of Node's, or one that behaves so */
const isNodeStream = (given) => typeof given.on === 'function' && typeof given.destroy === 'function' && typeof given.pipe === 'function';

/** A body that can be given once. @param {Opener} open @param {number} size @returns {Body} */
function once(open, size) {
  let used = false;
  return {
    size,
    type: null,
    once: true,
    open: (more) => {
      if (used) return null;
      used = true;
      return new Pulled((fail) => {
        try {
          return open(fail);
        } catch (error) {
          fail(error);
          return { next: () => Promise.reject(error), stop: nothing };
        }
      }, more, size, false);
    },
  };
}

/** @param {Uint8Array} bytes @param {string | null} type @returns {Body} */
const inMemory = (bytes, type) => ({ size: bytes.length, type, open: () => new Bytes(bytes) });

/** @param {Blob} blob @param {string | null} type @returns {Body} */
const ofBlob = (blob, type) => ({ size: blob.size, type, open: (more) => new Pulled(() => fromBlob(blob), more, blob.size, true) });

/** A name or a filename between quotes, as the web writes it. @param {string} text */
const quoted = (text) => text.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
/** @param {string} text */
const crlf = (text) => text.replace(/\r\n?|\n/g, '\r\n');

/**
 * multipart/form-data, as the web makes it. What it has is taken down now; contents of files are read when they are sent.
 * @param {FormData} form @returns {Body}
 */
function ofForm(form) {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const boundary = `----sluice${Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  const parts = /** @type {BlobPart[]} */ ([]);
  for (const [name, value] of form) {
    const start = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(crlf(name))}"`;
    if (typeof value === 'string') parts.push(`${start}\r\n\r\n${crlf(value)}\r\n`);
    else parts.push(`${start}; filename="${quoted(value.name)}"\r\nContent-Type: ${value.type || 'application/octet-stream'}\r\n\r\n`, value, '\r\n');
  }
  parts.push(`--${boundary}--\r\n`);
  return { ...ofBlob(new Blob(parts), `multipart/form-data; boundary=${boundary}`), form: true };
}

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
  if (given instanceof Blob) return ofBlob(given, given.type || null);
  if (typeof FormData === 'function' && given instanceof FormData) return ofForm(given);
  if (given instanceof ReadableStream) {
    if (given.locked) throw new TypeError('body: the stream is locked, somebody else reads it');
    return once(() => fromStream(given), announced);
  }
  if (typeof given?.[Symbol.asyncIterator] === 'function') {
    return once(isNodeStream(given) ? (fail) => fromNode(given, fail) : () => fromIterable(given), announced);
  }
  if (typeof given?.[Symbol.iterator] === 'function') {
    const strange = Array.isArray(given) ? given.find((one) => bytesOf(one) === null) : undefined;
    if (strange !== undefined) throw new TypeError(`body: a chunk must be bytes or a string, got ${kindOf(strange)} in an array; what is to be JSON is given as json`);
    return once(() => fromSync(given), announced);
  }
  throw new TypeError('body must be a string, bytes, Blob, FormData, URLSearchParams, ReadableStream, or an iterable or async iterable ' +
    `of chunks, got ${kindOf(given)}; what is to be JSON is given as json`);
}
