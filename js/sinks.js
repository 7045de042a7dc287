// js/sinks.js: the places a response's body may go to, one for each run (`onData` is in run.js: it is the caller's own).
//
// A taker takes bytes or refuses them; it says by a promise that nothing more may come for now. That is all the
// back-pressure there is: the run pauses the engine, and the socket is not read. Chunks are the taker's own, but for one that
// `borrows` them: it gives them back when it has returned, or when its promise settles. run.js copies, for all of them.
import { FILESIZE_EXCEEDED } from './errors.js';
import { SL_SINK_FAILED, SL_SINK_PAUSED } from './hosts/door.js';
import { platform } from './platform.js';

/**
 * @typedef {object} Taker
 * @property {(chunk: Uint8Array) => number | PromiseLike<unknown>} take All of it: its length, or a promise
 *   before which nothing more is to come; none: SL_SINK_PAUSED until `go` is called. Throwing or rejecting fails the run.
 * @property {boolean} [borrows] It uses no chunk after its promise.
 * @property {boolean} [full] The next chunk will be refused.
 * @property {(head: import('./result.js').Head) => boolean} [begin] The head is here. False: what follows is none of its; then it
 *   is told nothing more but a failure.
 * @property {() => void | PromiseLike<unknown>} complete Every byte was taken: settles when it is in place.
 * @property {(error: unknown) => void} fail The run has failed; nothing more will be said.
 * @property {Uint8Array} [body] what was collected
 * @property {number} [written] bytes that are in place
 * @property {string} name for messages
 *
 * What a taker may ask of its run. After the end all do nothing.
 * @typedef {object} Hold
 * @property {() => void} go Bytes are wanted again.
 * @property {() => void} halt Nothing more before `go`.
 * @property {(error: unknown) => void} broken The place failed by itself.
 * @property {(code: number, words: string) => void} end Stop with this CURLcode.
 * @property {() => number} total bytes announced, -1: not known
 *
 * @typedef {object} Target
 * @property {string} name for messages
 * @property {string | null} path of a file
 * @property {(hold: Hold) => Taker} open for a run; throws when it cannot be
 * @property {(error: unknown) => void} [drop] There will be no bytes, as the transfer failed before it was opened. Whoever waits at
 *   the other end of a stream hears of it.
 */

/** In memory, for result.body. @implements {Taker} */
export class Collector {
  #hold; #max;
  #chunks = /** @type {Uint8Array[]} */ ([]);
  #size = 0;
  name = 'memory';
  /** @param {Hold} hold @param {number} max bytes, 0: no limit */
  constructor(hold, max) {
    this.#hold = hold;
    this.#max = max;
  }
  /** @param {Uint8Array} chunk */
  take(chunk) {
    this.#size += chunk.length;
    if (this.#max !== 0 && Math.max(this.#size, this.#hold.total()) > this.#max) {
      this.#hold.end(FILESIZE_EXCEEDED, `the body is larger than maxBody, ${this.#max} bytes`);
      return SL_SINK_FAILED;
    }
    if (chunk.length > 0) this.#chunks.push(chunk);
    return chunk.length;
  }
  complete() {}
  fail() { this.#chunks = []; }
  get body() { return joined(this.#chunks, this.#size); }
}

/** @param {Uint8Array[]} chunks @param {number} size bytes of all */
function joined(chunks, size) {
  if (chunks.length === 1) return chunks[0];
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** Nobody has said yet where the body goes: all of it stays with the server, but what comes in one read. @implements {Taker} */
export class Undecided {
  #hold;
  full = true;
  name = 'whoever takes the body';
  /** @param {Hold} hold */
  constructor(hold) { this.#hold = hold; }
  begin() {
    if (this.#hold.total() > 0) this.#hold.halt();
    return true;
  }
  take() { return SL_SINK_PAUSED; }
  complete() {}
  fail() {}
}

/** Bytes of what a server says instead of what was asked for that are kept. */
const WORDS_MAX = 64 * 1024;

/** The beginning of a body that belongs nowhere: a server's words about an error, for result.body. @implements {Taker} */
export class Words {
  #chunks = /** @type {Uint8Array[]} */ ([]);
  #size = 0;
  #full;
  name = 'memory';
  /** @param {() => void} full there is no room for more */
  constructor(full) { this.#full = full; }
  /** @param {Uint8Array} chunk */
  take(chunk) {
    const room = WORDS_MAX - this.#size;
    if (room > 0) {
      const kept = chunk.length > room ? chunk.slice(0, room) : chunk;
      this.#chunks.push(kept);
      this.#size += kept.length;
    }
    if (chunk.length >= room) this.#full();
    return chunk.length;
  }
  complete() {}
  fail() {}
  get body() { return joined(this.#chunks, this.#size); }
}

/** A WritableStream: one write at a time, closed at the end, aborted on failure. @implements {Taker} */
class Writable {
  #writer;
  #over = false;
  written = 0;
  name = 'the WritableStream';
  /** @param {WritableStream<Uint8Array>} stream @param {Hold} hold */
  constructor(stream, hold) {
    this.#writer = stream.getWriter();
    this.#writer.closed.then(() => this.#gone(hold, new TypeError('the WritableStream was closed')), (error) => this.#gone(hold, error));
    this.#writer.ready.catch(() => {}); // closed says it
  }
  /** @param {Hold} hold @param {unknown} error */
  #gone(hold, error) {
    if (!this.#over) hold.broken(error);
  }
  /** @param {Uint8Array} chunk */
  take(chunk) {
    return this.#writer.write(chunk).then(() => { this.written += chunk.length; });
  }
  complete() {
    this.#over = true;
    return this.#writer.close();
  }
  /** @param {unknown} error */
  fail(error) {
    this.#over = true;
    this.#writer.abort(error).catch(() => {});
  }
}

/** @param {unknown} to @param {string | undefined} range the request's own header Range @returns {Target} @throws {TypeError} */
export function readTarget(to, range) {
  if (to instanceof WritableStream) {
    if (to.locked) throw new TypeError('to: the stream is locked, somebody else writes to it');
    const drop = (/** @type {unknown} */ error) => void (to.locked || to.abort(error).catch(() => {}));
    return { name: 'the WritableStream', path: null, open: (hold) => new Writable(to, hold), drop };
  }
  const isPlace = typeof to === 'string' ? to !== '' : typeof to === 'object' && to !== null && !Array.isArray(to);
  if (!isPlace) throw new TypeError(`to must be a path, a file: URL, { path, offset, append, atomic }, a WritableStream or a Writable of Node's, got ${typeof to === 'string' ? '""' : String(to)}`);
  if (platform.files === null) throw new TypeError(`to: there are no files here, give a WritableStream, got ${typeof to === 'string' || to instanceof URL ? JSON.stringify(String(to)) : 'an object'}`);
  return platform.files.target(to, range);
}

/**
 * What somebody pulls: `body` and iteration. It lives longer than a run: it may be there before, and is read after.
 * One chunk is taken for each wish; without a wish none is taken, so nothing is ever queued here.
 * @implements {Taker}
 */
export class Pull {
  hold = /** @type {Hold | null} */ (null); // of the run
  wanted = 0; // chunks
  name = 'the reader';
  #given = 0; // bytes
  #start;
  /** @param {() => void} start */
  constructor(start) { this.#start = start; }
  get full() { return this.wanted === 0; }
  /** One more chunk is wanted. */
  want() {
    this.wanted++;
    if (this.hold === null) this.#start();
    else this.hold.go();
  }
  /** @param {Uint8Array} chunk */
  take(chunk) {
    if (this.wanted === 0) return SL_SINK_PAUSED;
    this.wanted--;
    this.#given += chunk.length;
    // Held back already now, unless the end may come next: that needs nobody to ask.
    if (this.wanted === 0 && this.hold !== null && this.#given < this.hold.total()) this.hold.halt();
    this.give(chunk);
    return chunk.length;
  }
  /** @param {Uint8Array} _chunk */
  give(_chunk) {}
  complete() {}
  /** @param {unknown} _error */
  fail(_error) {}
}

/** `body`: a ReadableStream that keeps nothing (highWaterMark 0). */
export class BodyStream extends Pull {
  #controller = /** @type {ReadableStreamDefaultController<Uint8Array>} */ (/** @type {unknown} */ (null));
  #over = false;
  /** @param {() => void} start @param {(reason: unknown) => Promise<void>} abort */
  constructor(start, abort) {
    super(start);
    this.stream = /** @type {ReadableStream<Uint8Array>} */ (new ReadableStream({
      start: (controller) => { this.#controller = controller; },
      pull: () => this.want(),
      cancel: (reason) => {
        this.#over = true;
        return abort(reason);
      },
    }, { highWaterMark: 0 }));
  }
  /** @override @param {Uint8Array} chunk */
  give(chunk) { this.#controller.enqueue(chunk); }
  /** @override */
  complete() {
    if (!this.#over) this.#controller.close();
    this.#over = true;
  }
  /** @override @param {unknown} error */
  fail(error) {
    if (!this.#over) this.#controller.error(error);
    this.#over = true;
  }
}

/** `for await`. @implements {AsyncIterator<Uint8Array>} */
export class BodyIterator extends Pull {
  #waiting = /** @type {Array<{ resolve: (answer: IteratorResult<Uint8Array>) => void, reject: (error: unknown) => void }>} */ ([]);
  #over = false;
  #error = /** @type {{ value: unknown } | null} */ (null);
  #abort;
  /** @param {() => void} start @param {(reason: unknown) => Promise<void>} abort */
  constructor(start, abort) {
    super(start);
    this.#abort = abort;
  }
  /** @returns {Promise<IteratorResult<Uint8Array>>} */
  next() {
    if (this.#over) {
      const error = this.#error;
      this.#error = null;
      return error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error.value);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.want();
    });
  }
  /** @returns {Promise<IteratorResult<Uint8Array>>} */
  async return() {
    if (!this.#over) {
      this.#end(null);
      await this.#abort(undefined);
    }
    return { done: true, value: undefined };
  }
  /** @returns {this} */
  [Symbol.asyncIterator]() { return this; }
  /** @override @param {Uint8Array} chunk */
  give(chunk) { this.#waiting.shift()?.resolve({ done: false, value: chunk }); }
  /** @override */
  complete() { this.#end(null); }
  /** @override @param {unknown} error */
  fail(error) { this.#end({ value: error }); }
  /** @param {{ value: unknown } | null} error */
  #end(error) {
    if (this.#over) return;
    this.#over = true;
    const first = this.#waiting.shift();
    if (error !== null && first !== undefined) first.reject(error.value);
    else {
      this.#error = error;
      first?.resolve({ done: true, value: undefined });
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }
}
