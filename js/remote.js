// js/remote.js: a transfer's remote handles: pause, resume and abort from another thread (B1, B2).
//
// A Remote is one end of a MessageChannel; `Remotes` is the other end of all of one transfer's, in its owner's thread.
// A command is a message, and the answer to it says whether it came in time. Where there is shared memory the command is
// first written there, and the message only says so: the owner looks at the words before each delivery and at the begin of
// each run, so it obeys also while its event loop has no turn to take messages in (onData that takes long). Nothing here
// is of one platform: worker_threads and Web Workers have the same MessagePort.
//
// Shared: one block for each transfer: a word for each direction (a number that grows with each command, its lowest bit is
// the wish: paused or not), one for aborts, and the reason of the latest abort; its owner reads that when it sees the
// word and then lets the next one in (`CLAIM`). And one for each owner's thread: the bell, which grows with each
// command, so that a run looks at one word as long as there is no news.
//
// The ports keep no thread alive, but for a command that waits for its answer. A port is closed when its transfer is
// collected, not when that ends: it may be performed again. Closing either port closes both; what waits then is answered
// with false.
import { RECV, SEND, maskOf } from './direction.js';

/** @typedef {import('./direction.js').Direction} Direction */
/**
 * What the owner does for a command; each answers whether it came in time.
 * @typedef {object} Obey
 * @property {(mask: number) => boolean} pause adds
 * @property {(mask: number) => boolean} resume removes
 * @property {(reason: string | undefined) => boolean} abort
 * @property {() => void} wakeup
 */
/**
 * stamps: what was written into the words, where there are any: RECV_WORD, SEND_WORD, ABORT_WORD; 0: nothing.
 * @typedef {{ id: number, what: 'pause' | 'resume' | 'abort' | 'wakeup' | 'hello', mask: number, reason?: string, stamps?: number[] }} Command
 */

const RECV_WORD = 0, SEND_WORD = 1, ABORT_WORD = 2, CLAIM = 3, LENGTH = 4, REASON_AT = 20; // bytes
const REASON_MAX = 1004; // bytes of UTF-8; a longer one is cut
const WORDS = /** @type {const} */ ([[RECV_WORD, RECV], [SEND_WORD, SEND]]);

let bell = /** @type {Int32Array | null} */ (null); // of this thread, as an owner
let orphans = /** @type {FinalizationRegistry<import('./types.js').Port> | null} */ (null);

/** Changes with each command to a transfer of this thread. */
export const rung = () => (bell === null ? 0 : Atomics.load(bell, 0));

/** @param {import('./types.js').Port} port @param {boolean} on Whether it keeps this thread alive; where there is no such thing, nothing. */
function keepAlive(port, on) {
  const node = /** @type {{ ref?(): void, unref?(): void }} */ (/** @type {unknown} */ (port));
  if (on) node.ref?.();
  else node.unref?.();
}

/** @param {import('./types.js').Port} port */
function checkPort(port) {
  if (typeof port?.postMessage !== 'function' || typeof port.start !== 'function')
    throw new TypeError(`a remote is made from the port of another one, a MessagePort, got ${port === null ? 'null' : typeof port}`);
}

/** @param {unknown} data @returns {data is Record<string, any>} */
const isMessage = (data) => typeof data === 'object' && data !== null && !Array.isArray(data);

const WHAT = new Set(['pause', 'resume', 'abort', 'wakeup', 'hello']);
/** Whoever holds a port can send anything. @param {unknown} data @returns {data is Command} */
function isCommand(data) {
  if (!isMessage(data) || !WHAT.has(data.what) || !Number.isInteger(data.id) || !Number.isInteger(data.mask)) return false;
  const { mask, reason, stamps } = data;
  return (mask & ~(RECV | SEND)) === 0 && (reason === undefined || typeof reason === 'string') &&
    (stamps === undefined || (Array.isArray(stamps) && stamps.length === 3 && stamps.every(Number.isInteger)));
}

/** Write a command down: the stamps. @param {Int32Array} words @param {Command['what']} what @param {number} mask @param {string | undefined} reason */
function write(words, what, mask, reason) {
  const stamps = [0, 0, 0];
  if (what === 'abort') {
    const text = new Uint8Array(REASON_MAX), { written } = reason === undefined ? { written: -1 } : new TextEncoder().encodeInto(reason, text);
    if (Atomics.compareExchange(words, CLAIM, 0, 1) !== 0) return stamps; // one is on its way already
    if (reason !== undefined) new Uint8Array(words.buffer, REASON_AT).set(text.subarray(0, written)); // no encoder writes shared memory everywhere
    Atomics.store(words, LENGTH, written + 1);
    stamps[ABORT_WORD] = Atomics.add(words, ABORT_WORD, 1) + 1;
    return stamps;
  }
  for (const [at, bit] of WORDS) {
    if (!(mask & bit)) continue;
    for (let before = Atomics.load(words, at); stamps[at] === 0;) {
      const after = (((before >> 1) + 1) << 1) | (what === 'pause' ? 1 : 0);
      const found = Atomics.compareExchange(words, at, before, after);
      if (found === before) stamps[at] = after;
      else before = found;
    }
  }
  return stamps;
}

/**
 * A handle for a transfer of another thread, or of this one. It serves for the transfer's whole life, however often that
 * is performed, and does not keep it.
 */
export class Remote {
  #port;
  #words = /** @type {Int32Array | null} */ (null);
  #bell = /** @type {Int32Array | null} */ (null);
  #waiting = /** @type {Array<() => void> | null} */ ([]); // for hello; null: it came
  #answers = /** @type {Map<number, { resolve(ok: boolean): void, reject(error: TypeError): void }>} */ (new Map());
  #lastId = Math.floor(Math.random() * 2 ** 40); // answers to who had the port before may still come: they are another's
  #listens = false;
  #gone = false; // the other end is closed
  #foreign = /** @type {TypeError | null} */ (null); // the other end is no transfer's
  #lent = false; // the port was asked for

  /**
   * Not for callers: use Remote.from(), which takes a port over, or Transfer.remote().
   * @param {import('./types.js').Port} port
   * @param {{ words: Int32Array, bell: Int32Array } | null} [shared] known already: this is the owner's thread
   * @throws {TypeError} it is no MessagePort
   */
  constructor(port, shared) {
    checkPort(port);
    this.#port = port;
    port.addEventListener('close', () => this.#close()); // where there is such an event
    if (shared === undefined) {
      this.#listen();
      return;
    }
    this.#waiting = null;
    this.#words = shared?.words ?? null;
    this.#bell = shared?.bell ?? null;
  }

  /**
   * The remote whose `port` was sent here, which it takes over. It acts from the next turn of this thread's event loop on.
   * That the port is a remote's cannot be seen: what comes through another one shows it, and then every command rejects with
   * a TypeError. As long as nothing comes, its owner may just be busy: commands wait, until the port is closed.
   * @param {import('./types.js').Port} port
   * @throws {TypeError} it is no MessagePort, or a closed one, or one that was given away or taken over already
   */
  static from(port) {
    checkPort(port);
    try {
      return new Remote(structuredClone(port, { transfer: [port] }));
    } catch { // from such a port no answer would ever come, and nothing else tells
      throw new TypeError('the port of this remote is closed, or was given away or taken over already');
    }
  }

  /**
   * To be transferred to another thread, where Remote.from() makes a remote of it; this one is of no use any more. Closing
   * it gives the handle up.
   * @returns {import('./types.js').Port}
   */
  get port() {
    if (!this.#lent) {
      this.#lent = true;
      if (this.#listens) { // who has it next has to be told as well what we were
        this.#port.onmessage = this.#port.onmessageerror = null;
        this.#port.postMessage(/** @type {Command} */ ({ id: 0, what: 'hello', mask: 0 }));
      }
      this.#settle();
    }
    return this.#port;
  }

  /**
   * As Transfer.pause(): nothing is delivered, or taken from the request's body, that was not being delivered already.
   * @param {Direction} [dir]
   * @returns {Promise<boolean>} true: in force; false: the transfer had ended, or is no more. Chromium does
   *   not tell that the owner's thread was ended: then it waits for ever. Rejects with a TypeError when the port is no
   *   remote's.
   * @throws {TypeError} it is no direction; the port was given away
   */
  pause(dir = 'both') { return this.#command('pause', maskOf(dir)); }
  /** As Transfer.resume(), whoever paused it. @param {Direction} [dir] @returns {Promise<boolean>} as pause() @throws {TypeError} as pause() */
  resume(dir = 'both') { return this.#command('resume', maskOf(dir)); }
  /**
   * As Transfer.abort(). Before perform(): that rejects.
   * @param {string} [reason] what perform() rejects with, instead of a TransferError named AbortError; what is beyond 1004
   *   bytes of UTF-8 may be cut
   * @returns {Promise<boolean>} as pause()
   * @throws {TypeError} as pause(), or the reason is no text
   */
  abort(reason) {
    if (reason !== undefined && typeof reason !== 'string') throw new TypeError(`the reason of a remote abort is a string, got ${typeof reason}`);
    return this.#command('abort', 0, reason);
  }
  /** As Multi.wakeup() of the transfer's Multi. @throws {TypeError} the port was given away */
  wakeup() {
    this.#check();
    this.#send({ id: 0, what: 'wakeup', mask: 0 });
  }

  #check() {
    if (this.#lent) throw new TypeError('the port of this remote was given away: use Remote.from(port) where it is now');
  }
  /** @param {'pause' | 'resume' | 'abort'} what @param {number} mask @param {string} [reason] @returns {Promise<boolean>} */
  #command(what, mask, reason) {
    this.#check();
    if (this.#foreign !== null) return Promise.reject(this.#foreign);
    if (this.#gone) return Promise.resolve(false);
    this.#listen();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      keepAlive(this.#port, true);
      this.#send({ id, what, mask, reason });
    });
  }
  /** @param {Command} command */
  #send(command) {
    if (this.#foreign !== null) return;
    if (this.#waiting !== null) {
      this.#waiting.push(() => this.#send(command));
      return;
    }
    if (this.#words !== null && this.#bell !== null && command.what !== 'wakeup') {
      command.stamps = write(this.#words, command.what, command.mask, command.reason);
      Atomics.add(this.#bell, 0, 1);
    }
    this.#port.postMessage(command);
  }
  #listen() {
    if (this.#listens) return;
    this.#listens = true;
    this.#port.onmessage = ({ data }) => this.#told(data);
    this.#port.onmessageerror = () => this.#told({ hello: true }); // shared memory that cannot come here: messages alone
    keepAlive(this.#port, false);
  }
  /** @param {unknown} data gone: true; or id, ok: an answer; or hello: true, words, bell */
  #told(data) {
    const { id, ok, words, bell: ring, gone, hello } = isMessage(data) ? data : /** @type {Record<string, any>} */ ({});
    if (gone === true) return this.#close();
    if (Number.isInteger(id) && typeof ok === 'boolean') {
      const answer = this.#answers.get(id);
      this.#answers.delete(id);
      if (this.#answers.size === 0) keepAlive(this.#port, false);
      answer?.resolve(ok);
      return;
    }
    const shared = words === undefined || (ArrayBuffer.isView(words) && ArrayBuffer.isView(ring));
    if (hello !== true || !shared) return this.#end(new TypeError('the port of this remote is not one: what came through it is nothing that a transfer says'));
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    this.#words = words ?? null;
    this.#bell = ring ?? null;
    for (const send of waiting) send();
  }
  #close() {
    this.#gone = true;
    this.#settle();
  }
  /** @param {TypeError} error */
  #end(error) {
    this.#foreign = error;
    this.#waiting = [];
    for (const { reject } of this.#answers.values()) reject(error);
    this.#answers.clear();
    this.#port.close();
  }
  #settle() {
    for (const { resolve } of this.#answers.values()) resolve(false);
    this.#answers.clear();
    keepAlive(this.#port, false);
  }
}

/** The owner's end of all remotes of one transfer. */
export class Remotes {
  #obey;
  #shared = /** @type {{ words: Int32Array, bell: Int32Array } | null} */ (null);
  #seen = [0, 0, 0]; // the words as last looked at
  #done = [0, 0, 0]; // ... and in time

  /** @param {Obey} obey */
  constructor(obey) {
    this.#obey = obey;
    if (typeof SharedArrayBuffer !== 'function') return;
    bell ??= new Int32Array(new SharedArrayBuffer(4));
    this.#shared = { words: new Int32Array(new SharedArrayBuffer(REASON_AT + REASON_MAX)), bell };
  }

  /** One more of them. */
  open() {
    const { port1, port2 } = new MessageChannel();
    const self = new WeakRef(this); // the port must not keep the transfer
    orphans ??= new FinalizationRegistry((port) => {
      port.postMessage({ gone: true }); // Chromium has no event for a closed port
      port.close();
    });
    orphans.register(this, port1, port1);
    port1.onmessage = ({ data }) => {
      const remotes = self.deref(); // undefined: closed soon, and that is the answer
      if (remotes !== undefined) remotes.#told(port1, data);
    };
    port1.addEventListener('close', () => orphans?.unregister(port1));
    keepAlive(port1, false);
    this.#hello(port1);
    return new Remote(port2, this.#shared);
  }

  /** Do what was written since the last look. */
  sample() {
    if (this.#shared === null) return;
    const { words } = this.#shared, seen = this.#seen;
    const abort = Atomics.load(words, ABORT_WORD);
    let pause = 0, resume = 0;
    for (const [at, bit] of WORDS) {
      const word = Atomics.load(words, at);
      if (word === seen[at]) continue;
      seen[at] = word;
      if (word & 1) pause |= bit;
      else resume |= bit;
    }
    if (abort !== seen[ABORT_WORD]) {
      seen[ABORT_WORD] = abort;
      if (this.#obey.abort(this.#reason(words))) this.#done[ABORT_WORD] = abort;
      return;
    }
    if (pause !== 0 && this.#obey.pause(pause)) this.#note(pause);
    if (resume !== 0 && this.#obey.resume(resume)) this.#note(resume);
  }

  /** @param {import('./types.js').Port} port @param {unknown} command what is none is ignored */
  #told(port, command) {
    if (!isCommand(command)) return;
    if (command.what === 'hello') this.#hello(port);
    else if (command.what === 'wakeup') this.#obey.wakeup();
    else port.postMessage({ id: command.id, ok: this.#take(command) });
  }
  /** @param {number} mask */
  #note(mask) {
    for (const [at, bit] of WORDS) if (mask & bit) this.#done[at] = this.#seen[at];
  }
  /** Read, and the next abort may come. @param {Int32Array} words */
  #reason(words) {
    const length = Atomics.load(words, LENGTH) - 1;
    // slice: no decoder takes shared memory everywhere
    const reason = length < 0 ? undefined : new TextDecoder().decode(new Uint8Array(words.buffer, REASON_AT, length).slice());
    Atomics.store(words, CLAIM, 0);
    return reason;
  }
  /** @param {import('./types.js').Port} port */
  #hello(port) {
    try {
      port.postMessage({ hello: true, ...this.#shared });
    } catch {
      this.#shared = null; // a page that is not cross-origin isolated may have it and not share it
      port.postMessage({ hello: true });
    }
  }
  /** @param {Command} command @returns {boolean} whether it came in time */
  #take({ what, mask, reason, stamps }) {
    this.sample();
    if (stamps !== undefined && this.#shared !== null) {
      const stamped = stamps.some((stamp) => stamp !== 0);
      return stamped ? stamps.every((stamp, at) => stamp === 0 || ((this.#done[at] - stamp) | 0) >= 0) : this.#obey.abort(reason);
    }
    if (what === 'abort') return this.#obey.abort(reason);
    return what === 'pause' ? this.#obey.pause(mask) : this.#obey.resume(mask);
  }
}
