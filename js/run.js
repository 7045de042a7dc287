// js/run.js: one run of a transfer, from perform() to its one end.
//
// Owns: the engine's transfer `e`, the pause state as the three who may ask for it see it (a call, a refused chunk, a
// promise that onData returned), the collected body, the reason of an abort, the listener on the signal. The engine
// decides everything else; nothing of what it knows is kept here.
import * as core from './core.js';
import { ABORTED, FAILED_INIT, FILESIZE_EXCEEDED, OK, OUT_OF_MEMORY, TransferError, WRITE_ERROR } from './errors.js';
import { SL_SINK_FAILED, SL_SINK_PAUSED } from './hosts/door.js';
import { CAINFO } from './options.js';
import { Head, Result, noProgress, readProgress, readTimings } from './result.js';

/** @typedef {import('./options.js').Settings} Settings */
/** @typedef {import('./transfer.js').Transfer} Transfer */

const LIFE_NAMES = /** @type {const} */ (['idle', 'pending', 'connecting', 'active', 'done']);
const PROGRESS_MS = 100;
const BY_NAMES = /** @type {const} */ ([[1, 'call'], [2, 'callback'], [4, 'remote'], [8, 'host']]);

/**
 * What a run tells its transfer: one object for all of them, so that a run costs no closures.
 * @typedef {object} Face
 * @property {(transfer: Transfer, type: string) => boolean} heard Whether anybody listens: events are not made for nobody.
 * @property {(transfer: Transfer, type: string, detail?: unknown) => void} tell
 * @property {(transfer: Transfer, head: Head) => void} onHead
 * @property {(transfer: Transfer, result: Result, error: unknown) => void} onEnd error: of no meaning when it completed
 */

/** @param {Settings} settings @param {number} errno @returns {Result} of a transfer that never reached the engine */
export const emptyResult = (settings, errno) =>
  new Result(new Head('', settings.url, ''), errno, noProgress(), { total: 0 }, { reused: false, trailers: '' });

export class Run {
  #core; #settings; #transfer; #face; #e;
  #head = /** @type {Head | null} */ (null);
  #trailers = '';
  #chunks = /** @type {Uint8Array[]} */ ([]); // collected
  #size = 0; // bytes in them
  #called; // paused by call: CURLPAUSE_*
  #refused = false; // onData answered 'pause', and nobody resumed since
  #waiting = false; // for the promise of onData
  #over = false; // nothing more is delivered
  #reason = /** @type {{ value: unknown } | null} */ (null); // of an abort that gave one
  #cause = /** @type {{ value: unknown } | null} */ (null); // what the user's code threw
  #words = ''; // our own, for an end that is ours
  #life = 0;
  #paused = 0;
  #onAbort = /** @type {(() => void) | null} */ (null); // on the signal
  #ticker = /** @type {NodeJS.Timeout | null} */ (null);

  /**
   * Starts it. Whatever goes wrong is told as its end.
   * @param {core.Core} engine @param {Settings} settings @param {Transfer} transfer @param {Face} face
   * @param {number} paused CURLPAUSE_*: starts it paused (B14)
   */
  constructor(engine, settings, transfer, face, paused) {
    this.#core = engine;
    this.#settings = settings;
    this.#transfer = transfer;
    this.#face = face;
    this.#called = paused;
    this.#e = engine.create(this);
  }
  start() {
    const engine = this.#core, e = this.#e;
    const code = e === 0 ? OUT_OF_MEMORY : this.#configure();
    if (code !== OK) {
      engine.discard(e, this);
      this.#finish(emptyResult(this.#settings, code), '', code);
      return;
    }
    const { signal } = this.#settings;
    if (signal !== undefined) {
      this.#onAbort = () => this.abort(signal.reason);
      signal.addEventListener('abort', this.#onAbort);
    }
    if (this.#called !== 0) engine.pause(e, this.#called, core.BY_CALL);
    engine.start(e);
    this.watch();
    engine.run();
  }
  /** @returns {number} CURLcode */
  #configure() {
    const engine = this.#core, e = this.#e, { tls, texts, numbers, headers } = this.#settings;
    if (tls !== null) engine.setText(e, CAINFO, engine.host.registerTls(tls));
    for (const [option, text] of texts) {
      const code = engine.setText(e, option, text);
      if (code !== OK) return code;
    }
    for (const [option, value] of numbers) {
      const code = engine.setNumber(e, option, value);
      if (code !== OK) return code;
    }
    for (const line of headers) {
      const code = engine.addHeader(e, line);
      if (code !== OK) return code;
    }
    return OK;
  }

  // ---- what the caller wants

  /** @param {number} dir CURLPAUSE_* */
  pause(dir) {
    this.#called |= dir;
    this.#apply(core.BY_CALL);
    this.#core.run();
  }
  /** @param {number} dir CURLPAUSE_* */
  resume(dir) {
    this.#called &= ~dir;
    if (dir & core.RECV) this.#refused = false;
    this.#apply(core.BY_CALL);
    this.#core.run();
  }
  /** The reason becomes the error, when there is one. @param {unknown} reason */
  abort(reason) {
    this.#stop(ABORTED, reason === undefined ? null : { value: reason });
    this.#core.run();
  }
  /** @param {Settings['numbers']} numbers @returns {void} */
  limits(numbers) {
    for (const [option, value] of numbers) this.#core.setNumber(this.#e, option, value);
    this.#core.run();
  }
  get paused() {
    const engine = this.#core, e = this.#e, mask = engine.number(e, core.PAUSED);
    const who = mask === 0 ? 0 : engine.number(e, core.BY_RECV) | engine.number(e, core.BY_SEND);
    return { recv: (mask & core.RECV) !== 0, send: (mask & core.SEND) !== 0, by: BY_NAMES.find(([bit]) => who & bit)?.[1] ?? null };
  }
  get state() { return LIFE_NAMES[this.#core.number(this.#e, core.LIFE)]; }
  get progress() { return readProgress(this.#core, this.#e); }
  /** Whether this engine carries it. @param {core.Core} engine */
  isOn(engine) { return engine === this.#core; }
  /** Tell progress, at most ten times a second, paused or not, while anybody listens. */
  watch() {
    if (this.#ticker !== null || this.#over || !this.#face.heard(this.#transfer, 'progress')) return;
    this.#ticker = setInterval(() => this.#face.tell(this.#transfer, 'progress', this.progress), PROGRESS_MS);
    this.#ticker.unref?.();
  }

  // ---- what the engine tells

  /** @param {string} text */
  onHead(text) {
    this.#head = new Head(text, this.#settings.url, this.#core.text(this.#e, core.PEER_TEXT));
    this.#face.onHead(this.#transfer, this.#head);
  }
  /** @param {string} text */
  onTrailers(text) { this.#trailers += text; }

  /** @param {Uint8Array} chunk @param {boolean} owned */
  onBody(chunk, owned) {
    if (this.#over) return SL_SINK_FAILED;
    const { onData } = this.#settings;
    if (onData === undefined) return this.#collect(chunk, owned);
    let answer;
    try {
      answer = onData.call(this.#transfer, chunk);
    } catch (error) {
      return this.#fail(error);
    }
    if (answer === undefined) return chunk.length;
    if (answer === 'pause') {
      this.#refused = true;
      return SL_SINK_PAUSED;
    }
    if (typeof (/** @type {any} */ (answer)?.then) === 'function') this.#wait(/** @type {PromiseLike<unknown>} */ (answer));
    return chunk.length;
  }
  /** @param {number} life */
  onState(life) {
    const paused = this.#core.number(this.#e, core.PAUSED), before = this.#paused;
    this.#paused = paused;
    if (life !== this.#life) {
      this.#life = life;
      if (life < LIFE_NAMES.length - 1) this.#face.tell(this.#transfer, 'state', LIFE_NAMES[life]); // done is told with its result
    }
    if (paused & ~before) this.#face.tell(this.#transfer, 'pause');
    if (before & ~paused) this.#face.tell(this.#transfer, 'resume');
  }
  /** @param {number} code */
  onDone(code) {
    const engine = this.#core, e = this.#e, progress = readProgress(engine, e);
    const head = this.#head ?? new Head('', this.#settings.url, this.#core.text(this.#e, core.PEER_TEXT));
    const result = new Result(head, code, progress, readTimings(engine, e, progress.elapsedMs), {
      reused: engine.number(e, core.REUSED) !== 0,
      trailers: this.#trailers,
      body: code === OK && this.#settings.onData === undefined ? this.#body() : undefined,
    });
    const words = code === OK ? '' : engine.text(e, core.ERROR_TEXT);
    engine.free(e);
    this.#finish(result, words, code);
  }
  /** @param {unknown} error */
  onDead(error) {
    this.#cause ??= { value: error };
    this.#finish(emptyResult(this.#settings, FAILED_INIT), error instanceof Error ? error.message : '', FAILED_INIT);
  }

  // ---- within

  /** @param {Result} result @param {string} words of the engine @param {number} code */
  #finish(result, words, code) {
    this.#over = true;
    this.#chunks = [];
    if (this.#ticker !== null) clearInterval(this.#ticker);
    if (this.#onAbort !== null) this.#settings.signal?.removeEventListener('abort', this.#onAbort);
    let error;
    if (code === ABORTED && this.#reason !== null) error = this.#reason.value;
    else if (code !== OK) error = new TransferError(this.#words || words, code, result, this.#cause ? { cause: this.#cause.value } : undefined);
    this.#face.onEnd(this.#transfer, result, error);
  }
  /** The first stop wins. @param {number} code @param {{ value: unknown } | null} reason @param {string} [words] */
  #stop(code, reason, words = '') {
    if (this.#over) return;
    this.#over = true;
    this.#reason = reason;
    this.#words = words;
    this.#core.stop(this.#e, code);
  }
  /** The user's code threw. @param {unknown} error */
  #fail(error) {
    this.#cause ??= { value: error };
    this.#stop(WRITE_ERROR, null, `onData failed: ${error instanceof Error ? error.message : String(error)}`);
    return SL_SINK_FAILED;
  }
  /** Tell the engine the pause state. @param {number} by enum sl_by */
  #apply(by) {
    this.#core.pause(this.#e, this.#called | (this.#refused || this.#waiting ? core.RECV : 0), by);
  }
  /** Nothing more comes before the promise settles. @param {PromiseLike<unknown>} promise */
  #wait(promise) {
    this.#waiting = true;
    this.#apply(core.BY_CALLBACK);
    promise.then(() => {
      this.#waiting = false;
      if (this.#over) return;
      this.#apply(core.BY_CALLBACK);
      this.#core.run();
    }, (error) => {
      this.#fail(error);
      this.#core.run();
    });
  }
  /** @param {Uint8Array} chunk @param {boolean} owned */
  #collect(chunk, owned) {
    const { maxBody } = this.#settings;
    this.#size += chunk.length;
    if (maxBody !== 0 && Math.max(this.#size, this.#core.number(this.#e, core.RECEIVE_TOTAL)) > maxBody) {
      this.#stop(FILESIZE_EXCEEDED, null, `the body is larger than maxBody, ${maxBody} bytes`);
      return SL_SINK_FAILED;
    }
    if (chunk.length > 0) this.#chunks.push(owned ? chunk : new Uint8Array(chunk));
    return chunk.length;
  }
  #body() {
    if (this.#chunks.length === 1) return this.#chunks[0];
    const body = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  }
}
