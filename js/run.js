// js/run.js: one run of a transfer, from perform() to its one end.
//
// Owns: the engine's transfer `e`, the pause state as those who may ask for it see it (a call; a taker or onData that
// refused; a promise of theirs), the request's source, the taker of the body, the reason of an abort, the listener on
// the signal. The engine decides everything else; nothing of what it knows is kept here.
//
// The engine has ended before a taker has put its last bytes in place: until then the run is `closing`, and what may end
// it (abort, timeoutMs) is watched here.
import * as core from './core.js';
import { ABORTED, FAILED_INIT, HTTP_RETURNED_ERROR, OK, OPERATION_TIMEDOUT, OUT_OF_MEMORY, READ_ERROR, RefusedError, TransferError,
  WRITE_ERROR } from './errors.js';
import { SL_SINK_FAILED, SL_SINK_PAUSED } from './hosts/door.js';
import { later } from './later.js';
import { CAINFO, TIMEOUT_MS, numberWord, textWord } from './options.js';
import { Head, Result, noProgress, readProgress, readTimings } from './result.js';
import { Collector, Pull, Undecided, Words } from './sinks.js';
import { traceEvent } from './trace.js';

/** @typedef {import('./options.js').Settings} Settings */
/** @typedef {import('./transfer.js').Transfer} Transfer */
/** @typedef {import('./sinks.js').Taker} Taker */
/** @typedef {import('./sinks.js').Hold} Hold */

const LIFE_NAMES = /** @type {const} */ (['idle', 'pending', 'connecting', 'active', 'done']);
const ACTIVE = LIFE_NAMES.indexOf('active');
const PROGRESS_MS = 100;
const WORDS_MS = 2000; // that a server has to say what its error is
const BY_NAMES = /** @type {const} */ ([[1, 'call'], [2, 'callback'], [4, 'remote'], [8, 'host']]);

/**
 * What a run tells its transfer: one object for all of them, so that a run costs no closures.
 * @typedef {object} Face
 * @property {(transfer: Transfer, type: string) => boolean} heard Whether anybody listens, to anything when it is empty: events
 *   are not made for nobody.
 * @property {(transfer: Transfer, type: string, detail?: unknown) => void} tell
 * @property {(transfer: Transfer, head: Head) => void} onHead
 * @property {(transfer: Transfer, result: Result, error: unknown, asked: boolean) => void} onEnd error: of no meaning when it
 *   completed. asked: by the caller, who aborted it.
 */

const nothing = () => {};
/** Errors of another realm are none of ours by `instanceof`. @param {any} error @returns {string} */
export const wordsOf = (error) => (typeof error?.message === 'string' ? error.message : String(error));
/** Where the engine has no words. @type {Record<number, string>} */
const PLAIN = { [OUT_OF_MEMORY]: 'out of memory', [ABORTED]: 'aborted by the caller' };

/** @param {Settings['numbers']} numbers @param {number} waited milliseconds that are gone of the total time */
function wordsOfNumbers(numbers, waited) {
  let words = '';
  for (const [option, value] of numbers) {
    const left = option === TIMEOUT_MS && value > 0 ? Math.max(1, value - waited) : value;
    words += numberWord(option, Math.trunc(left));
  }
  return words;
}

/** @param {Settings} settings @param {number} errno @returns {Result} of a transfer that never reached the engine */
export const emptyResult = (settings, errno) =>
  new Result(new Head('', settings.url, ''), errno, noProgress(), { total: 0 }, { reused: false, redirects: 0, trailers: '' });

/** @implements {core.Sink} @implements {Hold} */
export class Run {
  #core; #settings; #transfer; #face; #source;
  #e = 0; // 0: not there yet, or no more
  #head = /** @type {Head | null} */ (null);
  #trailers = '';
  #taker = /** @type {Taker | null} */ (null); // null: onData, or not chosen yet
  #aside = /** @type {Words | null} */ (null); // the body is not what the taker is for: this has it
  #failing = /** @type {{ status: number, timer: ReturnType<typeof setTimeout> } | null} */ (null); // by its status; its words are being read
  #offered = false; // body bytes have come: it is chosen
  #called; // paused by call, or by a remote handle: CURLPAUSE_*
  #calledBy; // enum sl_by, of those it starts with
  #remotes; #waited;
  #refused = false; // the taker wants nothing before go(), onData before resume()
  #waiting = false; // for the promise of either
  #over = false; // nothing more is delivered
  #stopped = OK; // what for, when it was us
  #mute = false; // the debug hook has thrown
  #ended = /** @type {Result | null} */ (null); // as the engine told it: `e` is no more
  #closing = /** @type {Result | null} */ (null); // the engine has ended; the taker has not
  #unlimit = () => {}; // ends the total time's hold on closing
  #beganAt = 0; // milliseconds on the clock of `performance`, while closing
  #reason = /** @type {{ value: unknown } | null} */ (null); // of an abort that gave one
  #cause = /** @type {{ value: unknown } | null} */ (null); // what the user's code threw
  #words = ''; // our own, for an end that is ours
  #watched = false; // somebody listens to something
  #life = 0; // as told to them
  #paused = 0;
  #onAbort = /** @type {(() => void) | null} */ (null); // on the signal
  #ticker = /** @type {NodeJS.Timeout | null} */ (null);

  /**
   * Whatever goes wrong with it is told as its end.
   * @param {core.Core} engine @param {Settings} settings @param {Transfer} transfer @param {Face} face
   * @param {number} paused CURLPAUSE_*: starts it paused (B14)
   * @param {number} pausedBy enum sl_by
   * @param {Pull | null} pull who reads the body, when that is known
   * @param {boolean} waits at the body, until attach() or collect() says where it goes
   * @param {import('./source.js').Source | null} source the request's body: whoever makes the run ends it
   * @param {import('./remote.js').Remotes | null} remotes
   * @param {number} waited milliseconds since perform(): the engine's clock begins after them
   */
  constructor(engine, settings, transfer, face, paused, pausedBy, pull, waits, source, remotes, waited) {
    this.#core = engine;
    this.#settings = settings;
    this.#transfer = transfer;
    this.#face = face;
    this.#called = paused;
    this.#calledBy = pausedBy;
    this.#remotes = remotes;
    this.#waited = waited;
    this.#taker = waits ? new Undecided(this) : pull;
    this.#source = source;
    if (pull !== null) pull.hold = this;
  }
  /** Whatever goes wrong is its end, and nothing of it is left (U9). */
  start() {
    let code;
    try {
      code = this.#begin();
    } catch (error) {
      this.#cause ??= { value: error };
      this.#words ||= `cannot start: ${wordsOf(error)}`;
      code = FAILED_INIT;
    }
    if (this.#ended !== null) return; // the engine has told its end, or broke
    if (code === OK) {
      if (this.#over) this.#core.stop(this.#e, this.#stopped); // from inside the start
      this.#core.run();
      return;
    }
    this.#core.discard(this.#e, this);
    this.#finish(emptyResult(this.#settings, code), code);
  }
  /** @returns {number} CURLcode; when it is not OK the engine has not started it */
  #begin() {
    const engine = this.#core, e = this.#e = engine.create(this);
    const code = e === 0 ? OUT_OF_MEMORY : this.#configure();
    if (code !== OK || this.#ended !== null) return code; // ended: the engine broke
    if (this.#source?.failed) return this.#blameSource();
    const { signal } = this.#settings;
    if (signal !== undefined) {
      this.#onAbort = () => this.abort(signal.reason);
      signal.addEventListener('abort', this.#onAbort);
    }
    if (this.#called !== 0) this.#apply(this.#calledBy);
    this.watch();
    if (this.#settings.debug !== undefined) engine.trace(e);
    return this.#over ? this.#stopped : engine.start(e);
  }
  /** @returns {number} CURLcode */
  #configure() {
    const engine = this.#core, e = this.#e, { tls, words, numbers, to } = this.#settings;
    if (to !== null) {
      try {
        this.#taker = to.open(this);
      } catch (error) {
        this.#blame(error, to.name);
        return WRITE_ERROR;
      }
    }
    let trust = '';
    try {
      if (tls !== null) trust = textWord(CAINFO, engine.host.registerTls(tls));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.#cause = { value: error };
      this.#words = error.message;
      return error.errno;
    }
    return engine.configure(e, words + trust + wordsOfNumbers(numbers, this.#waited));
  }

  // ---- what the caller wants

  /** @param {number} dir CURLPAUSE_* @param {number} [by] enum sl_by @returns {boolean} false: it is over */
  pause(dir, by = core.BY_CALL) {
    if (this.#over) return false;
    this.#called |= dir;
    this.#apply(by);
    this.#core.run();
    return true;
  }
  /** @param {number} dir CURLPAUSE_* @param {number} [by] enum sl_by @returns {boolean} false: it is over */
  resume(dir, by = core.BY_CALL) {
    if (this.#over) return false;
    this.#called &= ~dir;
    if (dir & core.RECV) this.#refused = false;
    this.#apply(by);
    this.#core.run();
    return true;
  }
  /** The reason becomes the error, when there is one. @param {unknown} reason @param {string} [words] @param {number} [by] enum sl_by @returns {boolean} false: it is over */
  abort(reason, words, by = core.BY_CALL) {
    const stops = this.#stop(ABORTED, reason === undefined ? null : { value: reason }, words, by);
    this.#core.run();
    return stops;
  }
  /** When the host has done what was asked for so far. @param {boolean} closes also what it was to close */
  settled(closes) { return this.#core.settled(closes); }
  /** There are remote handles now. @param {import('./remote.js').Remotes} remotes */
  listen(remotes) { this.#remotes = remotes; }
  /** @param {Settings['numbers']} numbers @returns {void} */
  limits(numbers) {
    if (this.#closing !== null) return this.#limitClosing();
    if (this.#ended !== null) return;
    this.#core.configure(this.#e, wordsOfNumbers(numbers, this.#waited));
    this.#core.run();
  }
  /** The request's body has bytes again, or has failed by itself. */
  more() {
    if (this.#over) return;
    const engine = this.#core, e = this.#e;
    // Nobody asks for it before the connection is there. After a redirect it may be of no use any more.
    const waits = engine.number(e, core.LIFE) < ACTIVE && engine.number(e, core.REDIRECTS) === 0;
    if (waits && this.#source?.failed) this.#stop(READ_ERROR, null);
    else engine.more(e);
    engine.run();
  }
  /** Let this one read the body. @param {Pull} pull @returns {boolean} false: too late */
  attach(pull) {
    const waits = this.#taker instanceof Undecided;
    if (this.#over || (!waits && (this.#offered || this.#taker !== null))) return false;
    this.#taker = pull;
    pull.hold = this;
    if (waits) this.#core.rest(this, false);
    return true;
  }
  /** Its result is asked for: what waits for somebody to take it is collected. */
  collect() {
    if (!(this.#taker instanceof Undecided)) return;
    this.#taker = new Collector(this, this.#settings.maxBody);
    this.#core.rest(this, false);
    this.go();
  }
  get paused() {
    if (this.#ended !== null) return { recv: false, send: false, by: null };
    const engine = this.#core, e = this.#e, mask = engine.number(e, core.PAUSED);
    // The engine notes who came first; of those here it is known who still wants it.
    const noted = engine.number(e, core.BY_RECV) | engine.number(e, core.BY_SEND);
    const called = this.#called !== 0 ? noted & (core.BY_CALL | core.BY_REMOTE) || core.BY_CALL : 0;
    const who = mask === 0 ? 0 : called | (this.#refused || this.#waiting ? core.BY_CALLBACK : 0) | (noted & core.BY_HOST);
    return { recv: (mask & core.RECV) !== 0, send: (mask & core.SEND) !== 0, by: BY_NAMES.find(([bit]) => who & bit)?.[1] ?? null };
  }
  get state() {
    if (this.#closing !== null) return 'active';
    return this.#ended === null ? LIFE_NAMES[this.#core.number(this.#e, core.LIFE)] : 'done';
  }
  get progress() { return this.#ended ?? readProgress(this.#core.figures(this.#e)); }
  /** Somebody may listen: tell what changes from now on, and progress, at most ten times a second, paused or not. */
  watch() {
    if (this.#ended !== null) return;
    if (!this.#watched && this.#face.heard(this.#transfer, '')) {
      this.#watched = true;
      this.#core.watch(this.#e);
      this.#life = this.#core.number(this.#e, core.LIFE);
      this.#paused = this.#core.number(this.#e, core.PAUSED);
    }
    if (this.#ticker !== null || this.#over || !this.#face.heard(this.#transfer, 'progress')) return;
    this.#ticker = setInterval(() => this.#face.tell(this.#transfer, 'progress', this.progress), PROGRESS_MS);
    this.#ticker.unref?.();
  }

  // ---- what the engine tells

  /** @param {string} text @param {string} peer @param {number} redirects */
  onHead(text, peer, redirects) {
    this.#head = new Head(text, this.#url(redirects), peer);
    const { status } = this.#head;
    if (this.#settings.failOnError && status >= 400) this.#refuse(status);
    else if (this.#taker?.begin?.(this.#head) === false) this.#aside = new Words(nothing);
    if (this.#taker instanceof Undecided && this.#failing === null) this.#core.rest(this, true);
    this.#face.onHead(this.#transfer, this.#head);
  }
  /** @param {string} text */
  onTrailers(text) { this.#trailers += text; }
  source() {
    this.#remotes?.sample();
    return this.#source;
  }
  onRemote() { this.#remotes?.sample(); }

  /** @param {Uint8Array} bytes @param {import('./hosts/door.js').Lender | null} lender */
  onBody(bytes, lender) {
    this.#remotes?.sample();
    if (this.#over) return SL_SINK_FAILED;
    if (this.#called & core.RECV) return SL_SINK_PAUSED; // since just now
    const { borrow, maxBody } = this.#settings, onData = this.#aside === null ? this.#settings.onData : undefined;
    if (bytes.length === 0 && (onData === undefined || this.#aside !== null)) return 0; // W11 is for callers: a place knows the end by complete()
    this.#offered = true;
    const taker = /** @type {Taker | null} */ (onData === undefined ? this.#aside ?? (this.#taker ??= new Collector(this, maxBody)) : null);
    // Here memory that was lent is copied, for all who have not said that they give it back (B19).
    const borrowed = (taker === null ? borrow : taker.borrows === true) ? lender : null;
    const chunk = borrowed !== null ? borrowed.lend(bytes) : lender === null || taker?.full ? bytes : new Uint8Array(bytes);
    let answer, waits = /** @type {Promise<unknown> | null} */ (null);
    try {
      if (onData !== undefined) answer = onData.call(this.#transfer, chunk);
      else answer = /** @type {Taker} */ (taker).take(chunk);
      if (typeof (/** @type {any} */ (answer)?.then) === 'function') waits = Promise.resolve(/** @type {PromiseLike<unknown>} */ (answer));
    } catch (error) {
      return this.#fail(error);
    }
    if (onData !== undefined ? answer === 'pause' : answer === SL_SINK_PAUSED) {
      this.#refused = true;
      if (onData === undefined) this.#apply(core.BY_SINK);
      return SL_SINK_PAUSED;
    }
    if (answer === SL_SINK_FAILED && this.#over) return SL_SINK_FAILED;
    if (waits !== null) {
      borrowed?.keep(waits);
      this.#wait(waits);
    }
    return bytes.length;
  }
  /** @param {number} kind @param {number} a @param {number} b */
  onTrace(kind, a, b) {
    if (this.#mute) return;
    try {
      this.#settings.debug?.call(this.#transfer, traceEvent(kind, a, b));
    } catch (error) {
      this.#mute = true;
      if (this.#over) return;
      this.#cause ??= { value: error };
      this.#stop(ABORTED, null, `debug failed: ${wordsOf(error)}`);
    }
  }
  /** @param {number} life */
  onState(life) {
    if (!this.#watched) return;
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
    if (this.#failing !== null && code !== ABORTED) {
      code = HTTP_RETURNED_ERROR;
      this.#words = `The requested URL returned error: ${this.#failing.status}`;
    }
    const engine = this.#core, e = this.#e, figures = engine.figures(e), redirects = figures[core.REDIRECTED];
    if (code === OK && this.#taker instanceof Undecided) this.#taker = null; // there was nothing to take
    if (code === OK && this.#taker === null && this.#settings.onData === undefined) this.#taker = new Collector(this, 0);
    const head = this.#head ?? new Head('', this.#url(redirects), engine.text(e, core.PEER_TEXT));
    const result = new Result(head, code, readProgress(figures), readTimings(figures),
      { reused: figures[core.REUSED] !== 0, redirects, trailers: this.#trailers });
    if (code === READ_ERROR && this.#source?.failed) this.#blameSource();
    if (code !== OK && this.#words === '') this.#explain(code, engine.text(e, core.ERROR_TEXT));
    this.#ended = result; // what runs from here on, a sink's close(), a listener, must not touch e
    engine.free(e);
    if (code !== OK || this.#taker === null || this.#aside !== null) this.#finish(result, code);
    else this.#complete(result, this.#taker);
  }
  /** @param {unknown} error @param {number} code */
  onDead(error, code) {
    if (code === FAILED_INIT) this.#cause ??= { value: error };
    this.#words ||= error instanceof Error ? error.message : '';
    this.#finish(emptyResult(this.#settings, code), code);
  }

  // ---- what its taker asks for (sinks.js: Hold)

  go() {
    if (!this.#refused || this.#over) return;
    this.#refused = false;
    this.#apply(core.BY_SINK);
    this.#core.run();
  }
  halt() {
    this.#refused = true;
    this.#apply(core.BY_SINK);
  }
  /** @param {unknown} error */
  broken(error) {
    if (this.#over) return;
    this.#fail(error);
    this.#core.run();
  }
  /** @param {number} code @param {string} words */
  end(code, words) { this.#stop(code, null, words); }
  total() { return this.#core.number(this.#e, core.RECEIVE_TOTAL); }

  // ---- within

  /** failOnError: all that is wanted is what the server says about it, when that comes soon. @param {number} status */
  #refuse(status) {
    const enough = () => {
      if (this.#over) return;
      this.end(HTTP_RETURNED_ERROR, '');
      this.#core.run();
    };
    this.#aside = new Words(enough);
    this.#failing = { status, timer: setTimeout(enough, WORDS_MS) };
  }
  /** @param {number} redirects */
  #url(redirects) {
    const { url } = this.#settings;
    return redirects > 0 ? this.#core.text(this.#e, core.URL_TEXT) || url : url;
  }
  /** Every byte was taken; now they are to be in place. @param {Result} result @param {Taker} taker */
  #complete(result, taker) {
    this.#over = true;
    this.#closing = result;
    this.#beganAt = performance.now() - result.elapsedMs - this.#waited;
    let placed;
    try {
      placed = taker.complete();
    } catch (error) {
      this.#blame(error, taker.name);
      return this.#close(WRITE_ERROR);
    }
    if (placed === undefined) return this.#close(OK);
    if (this.#closing !== null) this.#limitClosing(); // not aborted inside
    placed.then(() => this.#close(OK), (error) => {
      this.#blame(error, taker.name);
      this.#close(WRITE_ERROR);
    });
  }
  /** The total time, which may change. */
  #limitClosing() {
    const limit = this.#settings.numbers.find(([option]) => option === TIMEOUT_MS)?.[1] ?? 0;
    this.#unlimit();
    if (limit === 0) return;
    this.#unlimit = later(() => {
      this.#words = `Operation timed out after ${limit} milliseconds, waiting for ${this.#taker?.name}`;
      this.#close(OPERATION_TIMEDOUT);
    }, this.#beganAt + limit - performance.now());
  }
  /** @param {number} code */
  #close(code) {
    const result = this.#closing;
    if (result === null) return;
    this.#closing = null;
    this.#unlimit();
    this.#finish(result, code);
  }
  /** The one end. @param {Result} result @param {number} code */
  #finish(result, code) {
    const taker = this.#taker;
    this.#e = 0;
    this.#over = true;
    this.#ended = result;
    if (this.#onAbort !== null) this.#settings.signal?.removeEventListener('abort', this.#onAbort);
    if (this.#failing !== null) clearTimeout(this.#failing.timer);
    result.end(code, this.#aside?.body ?? (code === OK ? taker?.body : undefined), taker?.written);
    let error;
    if (code === ABORTED && this.#reason !== null) error = this.#reason.value;
    else if (code !== OK) error = new TransferError(this.#words, code, result, { cause: this.#cause?.value, asked: this.#settings });
    if (code !== OK && taker !== null) taker.fail(error);
    else if (code !== OK) this.#settings.to?.drop?.(error);
    if (this.#ticker !== null) {
      clearInterval(this.#ticker);
      if (code !== ABORTED && this.#cause === null) this.#face.tell(this.#transfer, 'progress', result); // G2, G6
    }
    this.#face.onEnd(this.#transfer, result, error, code === ABORTED && this.#cause === null);
  }
  /** The first stop wins. @param {number} code @param {{ value: unknown } | null} reason @param {string} [words] @param {number} [by] @returns {boolean} */
  #stop(code, reason, words = '', by = core.BY_CALL) {
    if (this.#over && this.#closing === null) return false;
    this.#over = true;
    this.#reason = reason;
    this.#words = words;
    this.#stopped = code;
    if (this.#closing !== null) this.#close(code);
    else if (by === core.BY_REMOTE) this.#core.remote(this.#e, 0, true);
    else this.#core.stop(this.#e, code);
    return true;
  }
  /** In the engine's words, or whole in those of its host, which knows what the platform threw. @param {number} code @param {string} text */
  #explain(code, text) {
    const fault = text === '' ? undefined : this.#core.host.fault?.(text);
    this.#words = fault?.words ?? (text || PLAIN[code] || '');
    if (fault !== undefined) this.#cause ??= { value: fault.error };
  }
  #blameSource() {
    this.#cause = { value: this.#source?.error };
    this.#words = `the body of the request failed: ${wordsOf(this.#source?.error)}`;
    return READ_ERROR;
  }
  /** @param {unknown} error @param {string} where */
  #blame(error, where) {
    this.#cause ??= { value: error };
    this.#words = `cannot write to ${where}: ${wordsOf(error)}`;
  }
  /** The user's code threw, or the place of the body failed. @param {unknown} error */
  #fail(error) {
    if (this.#over) return SL_SINK_FAILED;
    this.#cause ??= { value: error };
    const what = this.#taker === null ? 'onData failed' : `cannot write to ${this.#taker.name}`;
    this.#stop(WRITE_ERROR, null, `${what}: ${wordsOf(error)}`);
    return SL_SINK_FAILED;
  }
  /** Tell the engine the pause state. @param {number} by enum sl_by */
  #apply(by) {
    const mask = this.#called | (this.#refused || this.#waiting ? core.RECV : 0);
    if (by === core.BY_REMOTE) this.#core.remote(this.#e, mask, false);
    else this.#core.pause(this.#e, mask, by);
  }
  /** Nothing more comes before the promise settles. @param {PromiseLike<unknown>} promise */
  #wait(promise) {
    this.#waiting = true;
    this.#apply(core.BY_SINK);
    promise.then(() => {
      this.#waiting = false;
      if (this.#over) return;
      this.#apply(core.BY_SINK);
      this.#core.run();
    }, (error) => this.broken(error));
  }
}
