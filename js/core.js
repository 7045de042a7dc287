// js/core.js: one engine: an instance of the module, the host it borrows, and the runs it carries.
//
// The engine is driven by the host's events, by one timer armed from its own answers, and by run() after every change
// from outside. Calls from inside one of its imports only write wishes down: the run that is on makes them true.
// While a run is on, one handle keeps the process alive; sockets, timers and idle connections never do.
import { RECV, SEND } from './direction.js';
import { ABORTED, FAILED_INIT } from './errors.js';
import { DOOR, SL_SINK_FAILED } from './hosts/door.js';
import { rung } from './remote.js';
import { cancel, soon } from './soon.js';

/** @typedef {import('./hosts/door.js').Host} Host */
/** `enum sl_embed_what` */
export const LIFE = 1, PAUSED = 2, BY_RECV = 3, BY_SEND = 4, RECEIVE_TOTAL = 8, REDIRECTS = 23;
/** `sl_embed_figures`: indices */
export const ELAPSED_US = 0, RECEIVED = 1, TOTAL = 2, SENT = 3, SEND_TOTAL = 4, PAUSED_US = 5, HELD = 6, RESOLVE_US = 7,
  CONNECT_US = 8, TLS_US = 9, FIRST_US = 10, REUSED = 11, REDIRECTED = 12, RECEIVE_SPEED = 13, SEND_SPEED = 14, FIGURES = 15;
/** `sl_embed_text` */
export const ERROR_TEXT = 1, PEER_TEXT = 2, URL_TEXT = 3;
const OUT_OF_MEMORY = 27;
const SCRATCH = 1024; // bytes; the usual settings of a transfer fit
export { RECV, SEND };
/** `enum sl_by` */
export const BY_CALL = 1, BY_CALLBACK = 2, BY_REMOTE = 4, BY_HOST = 8, BY_SINK = 16;

/**
 * What the engine tells of one transfer.
 * @typedef {object} Sink
 * @property {(text: string, peer: string, redirects: number) => void} onHead peer: as PEER_TEXT
 * @property {(text: string) => void} onTrailers
 * @property {(chunk: Uint8Array, lender: import('./hosts/door.js').Lender | null) => number} onBody As the door's sink: how many
 *   were accepted, or a code.
 * @property {() => import('./source.js').Source | null} source The request's body, null: there is none.
 * @property {() => void} onRemote A run begins, and some remote handle has news.
 * @property {(life: number) => void} onState only of a transfer that is watched
 * @property {(kind: number, a: number, b: number) => void} onTrace only of a transfer that is traced
 * @property {(code: number) => void} onDone
 * @property {(error: unknown, code: number) => void} onDead The engine is gone: closed, or by a fault; nothing more will be told.
 */

/** @param {ArrayBuffer} buffer @returns {Uint8Array} a Buffer where there are any: its latin1 is much faster */
const viewOf = (buffer) => (typeof Buffer === 'function' ? Buffer.from(buffer) : new Uint8Array(buffer));

/** @param {Uint8Array} bytes @param {number} from @param {number} n */
function latin1(bytes, from, n) {
  if (typeof Buffer === 'function' && bytes instanceof Buffer) return bytes.toString('latin1', from, from + n);
  let text = '';
  for (let i = from; i < from + n; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

const nothing = () => {};
/** Of a host that says nothing of its memory. @type {import('./hosts/door.js').Lender} */
const FOR_NOW = { lend: (/** @type {Uint8Array} */ bytes) => new Uint8Array(bytes), keep: nothing };

export class Core {
  #x = /** @type {Record<string, (...args: number[]) => number>} */ ({});
  #host;
  #imports;
  #memory = /** @type {WebAssembly.Memory} */ (/** @type {unknown} */ (null));
  #view = /** @type {Uint8Array} */ (new Uint8Array(0)); // its length is 0 once memory has grown
  #doubles = new Float64Array(0); // likewise
  #figures = new Float64Array(FIGURES);
  #scratch = 0; // where it is in memory, as long as nobody has asked for more than
  #scratchSize = 0; // bytes
  #sinks = /** @type {Map<number, Sink>} */ (new Map());
  #resting = /** @type {Set<Sink>} */ (new Set()); // of those, who do not keep the process alive
  #lastToken = 0;
  #depth = 0; // > 0: inside the engine
  #timer = /** @type {NodeJS.Timeout | null} */ (null);
  #timerAt = 0; // microseconds on the host's clock
  #soon = /** @type {ReturnType<typeof soon> | null} */ (null);
  #alive = /** @type {NodeJS.Timeout | null} */ (null); // referenced while a run is on
  #over = /** @type {unknown} */ (null); // why no more can run
  #rung = rung(); // remote.js: as last looked at
  /** Something happened since this was last made false. */
  active = false;
  /** Told so, from outside the engine. */
  onActive = /** @type {(() => void) | null} */ (null);

  /** @param {Host} host lent for good: closed with the core @param {WebAssembly.Module} module */
  constructor(host, module) {
    this.#host = host;
    this.#imports = host.attach({
      memory: () => this.#bytes(),
      ready: (ch, events) => {
        this.active = true;
        this.#sample();
        this.#settle(this.#enter(this.#x.sl_embed_ready, ch, events));
      },
      sink: (token, chunk, lender = FOR_NOW) => this.#sink(token, chunk, lender),
      source: (token, max) => this.#take(token, max),
    });
    try {
      this.#init(module);
    } catch (error) {
      host.close();
      throw error;
    }
  }
  /** @param {WebAssembly.Module} module @throws {Error} it is none of ours, or out of memory */
  #init(module) {
    const instance = new WebAssembly.Instance(module, { [DOOR]: this.#imports, sluice_app_1: this.#app() });
    this.#x = /** @type {any} */ (instance.exports);
    this.#memory = /** @type {WebAssembly.Memory} */ (instance.exports.memory);
    if (this.#x._initialize) this.#enter(this.#x._initialize);
    const code = this.#enter(this.#x.sl_embed_init);
    this.#enter(this.#x.sl_embed_turn);
    if (code !== 0 || this.#over) throw new Error(`the engine cannot start (CURLcode ${code})`, { cause: this.#over });
  }

  get host() { return this.#host; }
  /** Transfers that have started and not ended. */
  get running() { return this.#sinks.size; }
  /** Whether no more can be started. */
  get over() { return this.#over !== null; }

  /** A transfer of the engine that tells `sink`; 0: no memory. @param {Sink} sink */
  create(sink) {
    if (this.#over !== null) throw new Error('this Multi is closed', { cause: this.#over });
    do this.#lastToken = this.#lastToken === 0x7fffffff ? 1 : this.#lastToken + 1;
    while (this.#sinks.has(this.#lastToken));
    const e = this.#enter(this.#x.sl_embed_new, this.#lastToken);
    if (this.#over !== null) throw this.#over;
    if (e === 0) return 0;
    this.#sinks.set(this.#lastToken, sink);
    if (this.#sinks.size === this.#resting.size + 1) this.#keepAlive(true);
    return e;
  }
  /** Whether it keeps the process alive: not while nobody waits for anything of it. @param {Sink} sink @param {boolean} on it does not */
  rest(sink, on) {
    if (on) this.#resting.add(sink);
    else this.#resting.delete(sink);
    if (this.#over === null) this.#keepAlive(this.#sinks.size > this.#resting.size);
  }
  /** The caller's sink is forgotten and the transfer freed: one that never started. @param {number} e @param {Sink} sink */
  discard(e, sink) {
    for (const [token, one] of this.#sinks) if (one === sink) this.#forget(token);
    this.free(e);
  }
  /** @param {number} e */
  free(e) { this.#enter(this.#x.sl_embed_free, e); }
  /** @param {number} e @returns {number} CURLcode */
  start(e) { return this.#enter(this.#x.sl_embed_start, e); }
  /** @param {number} e @param {number} mask the whole new state @param {number} by enum sl_by */
  pause(e, mask, by) { this.#enter(this.#x.sl_embed_pause, e, mask, by); }
  /** What another thread wants. @param {number} e @param {number} mask the whole new state, when it is @param {boolean} abort no abort */
  remote(e, mask, abort) { this.#enter(this.#x.sl_embed_remote, e, mask, abort ? 1 : 0); }
  /** @param {number} e @param {number} code CURLcode */
  stop(e, code) { this.#enter(this.#x.sl_embed_stop, e, code); }
  /** The source has bytes again. @param {number} e */
  more(e) { this.#enter(this.#x.sl_embed_more, e); }
  /** Remembered once, in the engine. */
  wakeup() { this.#enter(this.#x.sl_embed_wakeup); }
  /** Whether somebody called wakeup, and forget it. */
  woken() { return this.#enter(this.#x.sl_embed_woken) !== 0; }
  /** @param {number} e @param {number} what */
  number(e, what) { return this.#over === null ? this.#x.sl_embed_number(e, what) : 0; }
  /** Many of its numbers at once, valid until the next call of this. @param {number} e @returns {Float64Array} */
  figures(e) {
    const to = this.#figures, at = this.#enter(this.#x.sl_embed_figures, e) / 8;
    if (this.#doubles.length === 0) this.#doubles = new Float64Array(this.#memory.buffer);
    if (at === 0) to.fill(0);
    else for (let i = 0; i < FIGURES; i++) to[i] = this.#doubles[at + i];
    return to;
  }
  /** @param {number} e @param {number} what @returns {string} */
  text(e, what) {
    const n = this.#enter(this.#x.sl_embed_text, e, what);
    const at = n > 0 ? this.#area(n) : 0;
    return at !== 0 ? latin1(this.#bytes(), at, n) : '';
  }
  /** @param {number} e @param {string} settings latin1, as sl_embed_configure says @returns {number} CURLcode */
  configure(e, settings) {
    const n = settings.length, at = this.#area(n);
    if (at === 0) return OUT_OF_MEMORY;
    const bytes = this.#bytes();
    if (typeof Buffer === 'function' && bytes instanceof Buffer) bytes.write(settings, at, n, 'latin1');
    else for (let i = 0; i < n; i++) bytes[at + i] = settings.charCodeAt(i);
    return this.#enter(this.#x.sl_embed_configure, e, n);
  }
  /** From now on it tells onState. @param {number} e */
  watch(e) { this.#enter(this.#x.sl_embed_watch, e); }
  /** From now on it tells onTrace. @param {number} e */
  trace(e) { this.#enter(this.#x.sl_embed_trace, e); }

  /** When the host has done what it was asked for so far. @param {boolean} closes also what it was to close @returns {Promise<void>} never rejects */
  settled(closes) { return this.#host.settled?.(closes) ?? Promise.resolve(); }

  /** Make what was asked for true. Inside an import: nothing, the run that is on does it. */
  run() {
    if (this.#depth > 0 || this.#over !== null) return;
    this.#sample();
    this.#settle(this.#enter(this.#x.sl_embed_run));
  }

  /** Once a run: what remote handles have written. */
  #sample() {
    const now = rung();
    if (now === this.#rung || this.#depth > 0) return;
    this.#rung = now;
    for (const sink of this.#sinks.values()) sink.onRemote();
  }

  /** Connections at once, to one host, kept idle; 0: no limit. @param {number} connections @param {number} perHost @param {number} idle */
  limits(connections, perHost, idle) { this.#enter(this.#x.sl_embed_limits, connections, perHost, idle); }

  /** Drop everything. Runs that are on are told that the engine is gone. */
  close() {
    if (this.#over !== null) return;
    this.#enter(this.#x.sl_embed_close);
    this.#end(new Error('this Multi was closed'), ABORTED);
  }

  /** A call into the engine. What it throws is a fault of the engine: it is over then. @param {(...args: number[]) => number} call @param {number} [a] @param {number} [b] @param {number} [c] */
  #enter(call, a = 0, b = 0, c = 0) {
    if (this.#over !== null) return 0;
    this.#depth++;
    try {
      return call(a, b, c);
    } catch (error) {
      this.#end(error, FAILED_INIT);
      return 0;
    } finally {
      this.#depth--;
    }
  }
  /** @param {unknown} error @param {number} code CURLcode of the runs that are on */
  #end(error, code) {
    if (this.#over !== null) return;
    this.#over = error;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#soon) cancel(this.#soon);
    if (this.#alive) clearInterval(this.#alive);
    this.#host.close();
    const sinks = [...this.#sinks.values()];
    this.#sinks.clear();
    for (const sink of sinks) sink.onDead(error, code);
  }

  /** Arm the one timer. @param {number} at microseconds on the host's clock; 0: now; < 0: never */
  #settle(at) {
    if (this.#depth > 0 || this.#over !== null) return;
    if (this.active && this.onActive !== null) this.onActive();
    if (at === 0) {
      this.#soon ??= soon(() => {
        this.#soon = null;
        this.active = true;
        this.#enter(this.#x.sl_embed_turn);
        this.run();
      });
      return;
    }
    if (this.#timer !== null && at > 0 && at >= this.#timerAt) return; // early is fine: it asks again
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (at < 0) return;
    const now = Number(/** @type {() => bigint} */ (this.#imports.sl_now_us)());
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.active = true;
      this.run();
    }, Math.min(Math.max(Math.ceil((at - now) / 1000), 1), 0x7fffffff));
    this.#timer.unref?.();
  }

  /** @param {boolean} on */
  #keepAlive(on) {
    this.#alive ??= setInterval(nothing, 0x7fffffff);
    if (on) this.#alive.ref?.();
    else this.#alive.unref?.();
  }

  #bytes() {
    if (this.#view.length === 0) this.#view = viewOf(this.#memory.buffer);
    return this.#view;
  }
  /** The scratch area, of at least n bytes; 0: no memory. @param {number} n */
  #area(n) {
    if (n > this.#scratchSize) {
      const size = Math.max(n, SCRATCH);
      this.#scratch = this.#enter(this.#x.sl_embed_scratch, size);
      this.#scratchSize = this.#scratch === 0 ? 0 : size;
    }
    return this.#scratch;
  }

  /** @param {number} token */
  #forget(token) {
    const sink = this.#sinks.get(token);
    this.#sinks.delete(token);
    if (sink !== undefined && this.#resting.size > 0) this.#resting.delete(sink);
    if (this.#sinks.size === this.#resting.size) this.#keepAlive(false);
  }
  /** @param {number} token @param {Uint8Array} chunk @param {import('./hosts/door.js').Lender | null} lender */
  #sink(token, chunk, lender) {
    const sink = this.#sinks.get(token);
    if (sink === undefined) return SL_SINK_FAILED;
    try {
      return sink.onBody(chunk, lender);
    } catch (error) {
      this.#report(error);
      return SL_SINK_FAILED;
    }
  }
  /** @param {number} token @param {number} max @returns {Uint8Array | number} */
  #take(token, max) {
    const source = this.#sinks.get(token)?.source();
    if (!source) return SL_SINK_FAILED;
    try {
      return source.take(max);
    } catch (error) {
      this.#report(error);
      return SL_SINK_FAILED;
    }
  }
  /** A fault of ours, not of the caller's code: loud, but not across a Wasm frame. @param {unknown} error */
  #report(error) {
    queueMicrotask(() => { throw error; });
  }

  /** `sluice_app_1` @returns {WebAssembly.ModuleImports} */
  #app() {
    /** @param {(sink: Sink, a: number, b: number, c: number) => void} tell */
    const caught = (tell) => (/** @type {number} */ token, /** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ c) => {
      const sink = this.#sinks.get(token);
      if (sink === undefined) return;
      try {
        tell(sink, a, b, c);
      } catch (error) {
        this.#report(error);
      }
    };
    return {
      on_head: (/** @type {number} */ token, /** @type {number} */ ptr, /** @type {number} */ n, /** @type {number} */ peer, /** @type {number} */ peerN, /** @type {number} */ redirects) => {
        const sink = this.#sinks.get(token);
        if (sink === undefined) return;
        try {
          sink.onHead(latin1(this.#bytes(), ptr, n), latin1(this.#bytes(), peer, peerN), redirects);
        } catch (error) {
          this.#report(error);
        }
      },
      on_trailers: caught((sink, ptr, n) => sink.onTrailers(latin1(this.#bytes(), ptr, n))),
      on_want_body: (/** @type {number} */ token) => {
        try {
          const sink = this.#sinks.get(token);
          return sink === undefined ? SL_SINK_FAILED : sink.source()?.ready() ?? 0; // 0: an empty body has no source
        } catch (error) {
          this.#report(error);
          return SL_SINK_FAILED;
        }
      },
      on_read_body: (/** @type {number} */ token, /** @type {number} */ ptr, /** @type {number} */ cap) => {
        const bytes = this.#take(token, cap);
        if (typeof bytes === 'number') return bytes;
        this.#bytes().set(bytes, ptr);
        return bytes.length;
      },
      on_rewind: (/** @type {number} */ token) => {
        try {
          return this.#sinks.get(token)?.source()?.rewind() ? 1 : 0;
        } catch (error) {
          this.#report(error);
          return 0;
        }
      },
      on_state: caught((sink, life) => sink.onState(life)),
      on_trace: caught((sink, kind, a, b) => sink.onTrace(kind, a, b)),
      on_done: (/** @type {number} */ token, /** @type {number} */ code) => {
        const sink = this.#sinks.get(token);
        if (sink === undefined) return;
        this.#forget(token);
        this.active = true;
        try {
          sink.onDone(code);
        } catch (error) {
          this.#report(error);
        }
      },
      // A copy: a view would not outlive a growth of memory, which a callback may bring about.
      on_body: (/** @type {number} */ token, /** @type {number} */ ptr, /** @type {number} */ n) => this.#sink(token, new Uint8Array(this.#bytes().subarray(ptr, ptr + n)), null),
    };
  }
}
