// js/transfer.js: the face of a transfer: what a caller holds. A run (run.js) exists only between perform() and its end.
import { BY_CALL, BY_REMOTE, Core } from './core.js';
import { Deferred } from './deferred.js';
import { RECV, SEND, maskOf } from './direction.js';
import { ABORTED, FAILED_INIT, READ_ERROR, SEND_FAIL_REWIND, TransferError } from './errors.js';
import { Loading } from './loading.js';
import { BEGIN, END, RUN, START, sharedMulti } from './multi.js';
import { readLimits, readOptions } from './options.js';
import { noProgress } from './result.js';
import { Remotes } from './remote.js';
import { Run, emptyResult, wordsOf } from './run.js';
import { BodyIterator, BodyStream } from './sinks.js';

/** @typedef {import('./result.js').Result} Result */
/** @typedef {import('./result.js').Head} Head */
/** @typedef {import('./direction.js').Direction} Direction */
/** @typedef {'idle' | 'pending' | 'connecting' | 'active' | 'done'} State */
/**
 * The `detail` of each event.
 * @typedef {{ state: State, head: Head, pause: null, resume: null, progress: import('./result.js').Progress, done: Result }} TransferEvents
 */

/** What a run began with: perform() or add(); the first read of its body; somebody who asked for `response`. */
const EXPLICIT = 0, BY_READ = 1, BY_RESPONSE = 2;
const ABORTED_EARLY = 'aborted by the caller before it started';
const nothing = () => {};

/**
 * One network transfer that can be started, held, slowed and stopped.
 *
 * Events, each a CustomEvent: 'state' (detail: the state), 'head' (detail: Head), 'pause', 'resume', 'progress'
 * (detail: Progress; at most ten a second), 'done' (detail: Result).
 */
export class Transfer extends EventTarget {
  #settings;
  #run = /** @type {Run | null} */ (null);
  #loading = /** @type {Loading | null} */ (null); // before #run
  #paused = 0; // CURLPAUSE_*, asked for before the start
  #pausedBy = BY_CALL; // enum sl_by
  #remotes = /** @type {Remotes | null} */ (null);
  #source = /** @type {import('./source.js').Source | null} */ (null); // the request's body, from perform() to the end
  #aborted = /** @type {{ reason: unknown } | null} */ (null); // before the start
  #result = /** @type {Result | null} */ (null);
  #performing = /** @type {Deferred<Result> | null} */ (null);
  #response = /** @type {Deferred<Head> | null} */ (null);
  #head = /** @type {Head | null} */ (null);
  #error = /** @type {{ value: unknown } | null} */ (null);
  #heard = /** @type {Set<string> | null} */ (null);
  #pull = /** @type {BodyStream | BodyIterator | null} */ (null); // who reads the body of the run that is on, or of the next
  #multi = /** @type {import('./multi.js').Multi | null} */ (null); // of the latest run
  #added = false; // there by add()
  #implied = EXPLICIT; // what the run that is on, or the last one, began with; once perform() has asked for it: EXPLICIT

  /**
   * @param {string | URL} url http:, https: or, where the host has files, file:. In a page or a worker it may be relative, as for
   *   fetch(). A user name and password in it are sent as Basic authentication
   * @param {import('./options.js').TransferOptions} [options]
   * @throws {TypeError | RangeError} names the option and the value
   */
  constructor(url, options) {
    super();
    this.#settings = readOptions(url, options);
  }

  /**
   * Start it. It may be started again when it has settled. The request's body is its own from here on: whatever ends the
   * transfer, a stream is cancelled or destroyed, an iterator returned, exactly once (B21). One that runs because somebody
   * reads its body is joined; so is one that `response` has started, also when it has ended: it is not sent twice.
   * @returns {Promise<Result>} at completion, whatever the status; rejects with a TransferError, or with the reason
   *   given to abort() or to the signal. An end that the caller asked for (abort(), the signal, the Multi's remove() or
   *   its closing, a remote's abort()) is never an unhandled rejection; every other one is, unless somebody looks: here,
   *   at `response`, at the body, at infoRead().
   */
  perform() {
    if (this.#implied !== EXPLICIT && (this[RUN] !== null || this.#implied === BY_RESPONSE)) return this.#join(false);
    return this[START](this.#settings.multi ?? sharedMulti(), false);
  }

  /**
   * Settles at the head of the response, for the run that is on, or the last one. When there is none it starts the transfer,
   * as soon as the code that asks has run; then nothing of the body is received before it is known where it goes: take
   * `body`, iterate, or call perform(), which joins this run. Until then the transfer counts as held back by its consumer:
   * neither lowSpeed nor silenceTimeoutMs run, timeoutMs and pausedTimeoutMs do, and it does not keep the process alive.
   * @returns {Promise<Head>}
   */
  get response() {
    if (this.#response === null) {
      this.#response = new Deferred();
      if (this.#head !== null) this.#response.resolve(this.#head);
      else if (this.#error !== null) {
        this.#response.mute(); // perform() has said it
        this.#response.reject(this.#error.value);
      } else if (this[RUN] === null && this.#result === null) queueMicrotask(() => this.#imply(BY_RESPONSE));
    }
    this.#performing?.mute(); // and the other way round
    return this.#response.promise;
  }

  /**
   * The body as a stream that keeps nothing: no byte is received before it is read. To be asked for before the first byte
   * came, at best before perform(); the first read starts the transfer when nobody has. Cancelling it aborts the transfer.
   * @returns {ReadableStream<Uint8Array>}
   * @throws {TypeError} it is too late, or the body goes elsewhere
   */
  get body() {
    if (this.#pull instanceof BodyStream) return this.#pull.stream;
    return this.#choose('body', BodyStream).stream;
  }
  /**
   * Chunks of the body, each received when it is asked for; starts the transfer when nobody has. Leaving the loop early
   * aborts the transfer.
   * @returns {AsyncIterableIterator<Uint8Array>}
   * @throws {TypeError} as `body`
   */
  [Symbol.asyncIterator]() {
    return this.#choose('iteration', BodyIterator);
  }

  /** Pause, in addition to what is paused. In force on return. @param {Direction} [dir] @returns {Promise<void>} when the host has stopped reading or sending; it never rejects */
  pause(dir = 'both') {
    const run = this.#run;
    return this.#pause(maskOf(dir), BY_CALL) && run !== null ? run.settled(false) : Promise.resolve();
  }
  /** @param {Direction} [dir] @returns {Promise<void>} when the host reads or sends again; it never rejects */
  resume(dir = 'both') {
    const run = this.#run;
    return this.#resume(maskOf(dir), BY_CALL) && run !== null ? run.settled(false) : Promise.resolve();
  }
  /**
   * Stop it. In force on return; nothing happens to one that has ended. Before perform(): that rejects, nothing is opened, and
   * the request's body is ended now. (The body of a transfer that is neither performed nor aborted is not touched.)
   * @param {unknown} [reason] what perform() rejects with, instead of a TransferError named AbortError
   * @returns {Promise<void>} when its connection is closed, 2 s later at most; it never rejects
   */
  abort(reason) {
    const run = this.#run;
    return this.#abort(reason, BY_CALL) && run !== null ? run.settled(true) : Promise.resolve();
  }
  /**
   * A handle to pause, resume and abort it from another thread: send its `port` there, Remote.from() makes it one again.
   * It serves as long as this transfer is there, and keeps neither it nor the process.
   */
  remote() {
    if (this.#remotes === null) {
      this.#remotes = new Remotes({
        pause: (mask) => this.#pause(mask, BY_REMOTE),
        resume: (mask) => this.#resume(mask, BY_REMOTE),
        abort: (reason) => this.#abort(reason, BY_REMOTE),
        wakeup: () => (this.#multi ?? this.#settings.multi)?.wakeup(),
      });
      this.#run?.listen(this.#remotes);
    }
    return this.#remotes.open();
  }
  /** Change limits, also while it runs. @param {import('./options.js').Limits} limits */
  limits(limits) {
    const numbers = readLimits(limits);
    const changed = new Set(numbers.map(([option]) => option));
    this.#settings.numbers = [...this.#settings.numbers.filter(([option]) => !changed.has(option)), ...numbers];
    this.#run?.limits(numbers);
    this.#loading?.limits();
  }

  /** @returns {{ recv: boolean, send: boolean, by: 'call' | 'callback' | 'remote' | 'host' | null }} */
  get paused() {
    if (this.#run !== null) return this.#run.paused;
    const by = this.#pausedBy === BY_REMOTE ? 'remote' : 'call';
    return { recv: (this.#paused & RECV) !== 0, send: (this.#paused & SEND) !== 0, by: this.#paused ? by : null };
  }
  /** @returns {State} */
  get state() {
    if (this.#loading !== null) return 'pending';
    return this.#run?.state ?? (this.#result === null ? 'idle' : 'done');
  }
  /** @returns {import('./result.js').Progress} */
  get progress() { return this.#run?.progress ?? this.#result ?? noProgress(); }
  /** How the last run ended; null before that. */
  get result() { return this.#result; }

  /** Stops it and waits for its end. */
  async [Symbol.asyncDispose]() {
    const performing = this[RUN] && this.#performing;
    await this.abort();
    await performing?.promise.catch(nothing);
  }

  /**
   * @template {keyof TransferEvents} K
   * @overload
   * @param {K} type
   * @param {import('./types.js').Listener<Transfer, import('./types.js').TransferEvent<TransferEvents[K]>>} listener
   * @param {boolean | import('./types.js').ListenerOptions} [options]
   * @returns {void}
   */
  /**
   * @overload
   * @param {string} type
   * @param {import('./types.js').Listener<any>} listener
   * @param {boolean | import('./types.js').ListenerOptions} [options]
   * @returns {void}
   */
  /** @override @param {string} type @param {any} listener @param {any} [options] */
  addEventListener(type, listener, options) {
    super.addEventListener(type, listener, options);
    (this.#heard ??= new Set()).add(type);
    this.#run?.watch();
  }

  /**
   * @template {keyof TransferEvents} K
   * @overload
   * @param {K} type
   * @param {import('./types.js').Listener<Transfer, import('./types.js').TransferEvent<TransferEvents[K]>>} listener
   * @param {boolean | import('./types.js').ListenerOptions} [options]
   * @returns {void}
   */
  /**
   * @overload
   * @param {string} type
   * @param {import('./types.js').Listener<any>} listener
   * @param {boolean | import('./types.js').ListenerOptions} [options]
   * @returns {void}
   */
  /** @override @param {string} type @param {any} listener @param {any} [options] */
  removeEventListener(type, listener, options) {
    super.removeEventListener(type, listener, options);
  }

  /** @type {Run | Loading | null} @internal */
  get [RUN]() { return this.#run ?? this.#loading; }

  /** Start it for somebody who wants something of it, but not its result. @param {number} implied BY_... */
  #imply(implied) {
    if (this[RUN] !== null || this.#result !== null) return;
    this[START](this.#settings.multi ?? sharedMulti(), false, implied);
    this.#performing?.mute(); // who wants something hears of it
  }
  /** The result of the run that began without perform(). @param {boolean} added by add() @returns {Promise<Result>} */
  #join(added) {
    this.#implied = EXPLICIT;
    this.#added ||= added;
    if (added && this.#result !== null) this.#multi?.[END](this, this.#result, true);
    this.#run?.collect();
    return /** @type {Deferred<Result>} */ (this.#performing).promise;
  }

  /** @param {import('./multi.js').Multi} multi @param {boolean} added by add(), which wants a message @param {number} [implied] what it begins with @returns {Promise<Result>} @internal */
  [START](multi, added, implied = EXPLICIT) {
    const joins = this.#implied !== EXPLICIT && multi === this.#multi;
    if (joins && (this[RUN] !== null || this.#implied === BY_RESPONSE)) return this.#join(added);
    if (this[RUN] !== null) return Promise.reject(new TypeError('this transfer is running: perform() may be called again when it has settled'));
    this.#implied = implied;
    const performing = this.#performing = new Deferred();
    if (this.#head !== null || this.#error !== null) this.#response = null; // of the run before
    if (added || this.#response !== null) performing.mute(); // infoRead(), or response, tells it as well
    this.#multi = multi;
    this.#added = added;
    if (this.#pull !== null && this.#pull.hold !== null) this.#pull = null; // of the run before
    if (this.#pull !== null) performing.mute(); // its reader hears of it
    this.#remotes?.sample(); // before the first start it counts, after an end it is forgotten: the result is still there
    this.#head = this.#error = this.#result = null;
    const { signal, body } = this.#settings;
    const aborted = this.#aborted ?? (signal?.aborted ? { reason: signal.reason } : null);
    this.#aborted = null;
    this.#source = body === null ? null : body.open(() => this.#more());
    if (aborted !== null) {
      this.#early(ABORTED, aborted.reason === undefined ? null : { value: aborted.reason }, ABORTED_EARLY);
      return performing.promise;
    }
    if (body !== null && this.#source === null) {
      this.#early(SEND_FAIL_REWIND, null, 'the body was a stream, and is used up');
      return performing.promise;
    }
    try {
      const engine = multi[BEGIN](this);
      if (engine instanceof Core) this.#begin(engine, 0);
      else this.#load(engine);
    } catch (error) {
      this.#unable(error);
    }
    return performing.promise;
  }

  /** @param {Core} engine @param {number} waited for it, milliseconds */
  #begin(engine, waited) {
    const paused = this.#paused;
    this.#paused = 0;
    const { onData, to } = this.#settings, waits = this.#implied === BY_RESPONSE && this.#pull === null && onData === undefined && to === null;
    this.#run = new Run(engine, this.#settings, this, Transfer.#face, paused, this.#pausedBy, this.#pull, waits, this.#source, this.#remotes, waited);
    this.#run.start();
  }
  /** @param {Promise<Core>} coming */
  #load(coming) {
    const loading = this.#loading = new Loading(this.#settings, (...end) => {
      this.#loading = null;
      this.#early(...end);
    });
    coming.then((engine) => () => this.#begin(engine, loading.waited), (error) => () => this.#unable(error)).then((go) => {
      if (this.#loading !== loading) return; // it has ended
      this.#loaded(loading);
      try {
        go();
      } catch (error) {
        this.#unable(error);
      }
    });
  }
  /** @param {Loading} loading */
  #loaded(loading) {
    loading.leave();
    this.#loading = null;
  }
  /** The request's body has bytes again, or has failed by itself. */
  #more() {
    if (this.#run !== null) this.#run.more();
    else if (this.#loading !== null && this.#source?.failed) {
      const { error } = this.#source;
      this.#loaded(this.#loading);
      this.#early(READ_ERROR, null, `the body of the request failed: ${wordsOf(error)}`, error);
    }
  }
  /** An end before the engine knew of it. @param {number} code @param {{ value: unknown } | null} reason @param {string} words @param {unknown} [cause] */
  #early(code, reason, words, cause) {
    const result = emptyResult(this.#settings, code);
    const error = reason === null ? new TransferError(words, code, result, { cause, asked: this.#settings }) : reason.value;
    this.#paused = 0;
    this.#pull?.fail(error);
    this.#settings.to?.drop?.(error);
    this.#end(result, error, code === ABORTED);
  }
  /** There is no engine for it. @param {unknown} error */
  #unable(error) {
    this.#early(FAILED_INIT, null, wordsOf(error), error);
  }

  // Each answers whether it came in time.
  /** @param {number} mask @param {number} by enum sl_by */
  #pause(mask, by) {
    if (this.#run !== null) return this.#run.pause(mask, by);
    if (this.#result !== null) return false;
    if (this.#paused === 0) this.#pausedBy = by;
    this.#paused |= mask;
    return true;
  }
  /** @param {number} mask @param {number} by enum sl_by */
  #resume(mask, by) {
    if (this.#run !== null) return this.#run.resume(mask, by);
    this.#paused &= ~mask;
    return this.#result === null;
  }
  /** @param {unknown} reason @param {number} by enum sl_by */
  #abort(reason, by) {
    if (this.#run !== null) return this.#run.abort(reason, undefined, by);
    if (this.#loading !== null) return this.#loading.abort(reason);
    if (this.#result !== null) return false;
    if (this.#aborted !== null) return true;
    this.#aborted = { reason };
    const error = reason === undefined ? new TransferError(ABORTED_EARLY, ABORTED, emptyResult(this.#settings, ABORTED), { asked: this.#settings }) : reason;
    this.#settings.body?.open(nothing)?.stop(error);
    this.#pull?.fail(error);
    return true;
  }

  /** @template {BodyStream | BodyIterator} T @param {string} what @param {new (start: () => void, abort: (reason: unknown) => Promise<void>) => T} Kind @returns {T} */
  #choose(what, Kind) {
    const { onData, to } = this.#settings;
    if (onData !== undefined || to !== null) throw new TypeError(`${what}: the body of this transfer goes to ${to === null ? 'onData' : to.name}`);
    if (this.#pull !== null && (this.#run !== null || this.#pull.hold === null)) throw new TypeError(`${what}: somebody reads the body already`);
    const ended = this.#result !== null;
    if (ended && (this.#implied !== BY_RESPONSE || this.#pull !== null)) throw new TypeError(`${what}: too late, the transfer has ended; take it before perform()`);
    const pull = new Kind(() => this.#imply(BY_READ), (reason) => this.abort(reason));
    if (ended) { // it waited, and failed, or there was nothing to wait for
      if (this.#error !== null) pull.fail(this.#error.value);
      else pull.complete();
      return pull;
    }
    if (this.#run !== null && !this.#run.attach(pull)) throw new TypeError(`${what}: too late, bytes of the body have come; take it before perform()`);
    this.#pull = pull;
    this.#performing?.mute();
    return pull;
  }

  /** @type {import('./run.js').Face} */
  static #face = {
    heard: (transfer, type) => transfer.#heard !== null && (type === '' || transfer.#heard.has(type)),
    tell: (transfer, type, detail) => transfer.#tell(type, detail),
    onHead: (transfer, head) => {
      transfer.#head = head;
      transfer.#response?.resolve(head);
      transfer.#tell('head', head);
    },
    onEnd: (transfer, result, error, asked) => transfer.#end(result, error, asked),
  };
  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    if (this.#heard?.has(type)) this.dispatchEvent(new CustomEvent(type, { detail }));
  }
  /** @param {Result} result @param {unknown} error @param {boolean} asked by the caller */
  #end(result, error, asked) {
    this.#run = null;
    this.#result = result;
    this.#source?.stop(result.errno === 0 ? undefined : error);
    this.#source = null;
    if (result.errno === 0) {
      this.#performing?.resolve(result);
    } else {
      this.#error = { value: error };
      if (asked) this.#performing?.mute();
      this.#performing?.reject(error);
      if (asked || this.#implied !== BY_RESPONSE) this.#response?.mute(); // perform() says it as well
      this.#response?.reject(error); // unless the head had come
    }
    this.#multi?.[END](this, result, this.#added);
    this.#tell('state', 'done');
    this.#tell('done', result);
  }
}
