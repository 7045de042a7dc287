// js/multi.js: an engine that transfers share: its connections, its timer, its host.
//
// The engine is driven by the host's events; nobody has to call anything for a transfer to go on. poll() only tells that
// something has happened. A wakeup is remembered in the engine, once (K2), and poll() asks there.
import { Core } from './core.js';
import { platform } from './platform.js';

/** @typedef {import('./transfer.js').Transfer} Transfer */
/** @typedef {import('./result.js').Result} Result */

/** How a Multi takes hold of a transfer. */
export const START = Symbol('sluice start');
/** The run that is on, or null. */
export const RUN = Symbol('sluice run');
/** What a transfer tells its Multi. */
export const BEGIN = Symbol('sluice begin'), END = Symbol('sluice end');
const ONCE = Symbol('sluice once');

const POLL_MS = 1000;
const OPTIONS = new Set(['host', 'module', 'maxConnections', 'maxPerHost', 'maxIdle']);
const COUNT_MAX = 1_000_000;
let shared = /** @type {Multi | null} */ (null);

export class Multi {
  #host; #module; #limits;
  #core = /** @type {Core | null} */ (null);
  #coming = /** @type {Promise<Core> | null} */ (null); // while the module is loaded
  #closed = false;
  #once = false; // closed when its transfer has ended
  #transfers = /** @type {Set<Transfer>} */ (new Set()); // started and not ended
  #messages = /** @type {Array<{ transfer: Transfer, result: Result }>} */ ([]);
  #removed = /** @type {WeakSet<Transfer>} */ (new WeakSet()); // and not ended yet
  #idle = /** @type {Array<() => void>} */ ([]); // perform() waits
  #news = false; // a transfer has ended since the latest poll(), whether or not the engine knew of it
  #polls = /** @type {Set<(what: 'activity' | 'wakeup') => void>} */ (new Set());

  /**
   * Nothing is loaded or opened before the first transfer.
   * @param {{ host?: import('./hosts/door.js').Host, module?: import('./types.js').Module, maxConnections?: number, maxPerHost?: number, maxIdle?: number }} [options]
   *   host: lent to this Multi alone and closed with it; default: nodeHost(), elsewhere fetchHost(). module: default: the package's own.
   *   maxConnections, maxPerHost: connections at once, in all and to one host and port; transfers over that wait in their
   *   order, with their clocks running; 0 or absent: no limit. maxIdle: kept for the next transfer; 0 or absent: 64.
   * @throws {TypeError | RangeError} names the option and the value
   */
  constructor(options = {}) {
    if (typeof options !== 'object' || options === null) throw new TypeError(`the options of a Multi must be an object, got ${options === null ? 'null' : typeof options}`);
    for (const name in options) if (!OPTIONS.has(name)) throw new TypeError(`there is no option ${name}`);
    const { host, module } = options;
    if (host !== undefined && typeof host?.attach !== 'function') throw new TypeError('host must be a Host, such as nodeHost()');
    if (module !== undefined && !(module instanceof WebAssembly.Module)) throw new TypeError('module must be a WebAssembly.Module');
    this.#host = host;
    this.#module = module;
    this.#limits = /** @type {const} */ (['maxConnections', 'maxPerHost', 'maxIdle']).map((name) => checkCount(name, options[name]));
  }

  /** @internal */
  static [ONCE]() {
    const multi = new Multi();
    multi.#once = true;
    return multi;
  }

  /** Transfers that have started and not ended. */
  get running() { return this.#transfers.size; }

  /**
   * Start a transfer here. infoRead() tells of its end, and keeps it until then: read it, or use its own perform().
   * @param {Transfer} transfer
   * @returns {Promise<Result>} as of its perform()
   * @throws {TypeError} it is no Transfer
   */
  add(transfer) {
    if (typeof transfer?.[START] !== 'function') throw new TypeError(`add takes a Transfer, got ${transfer === null ? 'null' : typeof transfer}`);
    return transfer[START](this, true);
  }

  /**
   * Stop a transfer that runs here: it ends with CURLE_ABORTED_BY_CALLBACK, and infoRead() does not tell of it.
   * @param {Transfer} transfer
   * @returns {boolean} whether it was running here
   */
  remove(transfer) {
    if (!this.#transfers.has(transfer)) return false;
    this.#removed.add(transfer);
    transfer[RUN]?.abort(undefined);
    return true;
  }

  /** The ends of added transfers, in their order, each told once (X10). @returns {{ transfer: Transfer, result: Result } | null} */
  infoRead() { return this.#messages.shift() ?? null; }

  /** @returns {Promise<void>} when none is running any more */
  perform() {
    return this.#transfers.size === 0 ? Promise.resolve() : new Promise((resolve) => { this.#idle.push(resolve); });
  }

  /**
   * Wait until something has happened since the latest poll(), or somebody has called wakeup() since, or so long.
   * @param {number} [ms] a second when not given; 0: do not wait
   * @returns {Promise<'activity' | 'timeout' | 'wakeup'>} TypeError, RangeError: no number, a negative one; Error: it is closed
   */
  async poll(ms = POLL_MS) {
    if (typeof ms !== 'number') throw new TypeError(`poll takes a number of milliseconds, got ${typeof ms}`);
    if (!(ms >= 0)) throw new RangeError(`poll takes a number of milliseconds >= 0, got ${ms}`);
    const engine = this.#engine(), asked = performance.now();
    const core = engine instanceof Core ? engine : await within(engine, ms);
    if (core === null) return 'timeout';
    if (!(engine instanceof Core)) ms = Math.max(0, ms - (performance.now() - asked));
    if (core.woken()) return 'wakeup';
    if (core.active || this.#news) {
      core.active = this.#news = false;
      return 'activity';
    }
    if (ms === 0) return 'timeout';
    core.onActive ??= () => this.#answer('activity');
    return new Promise((resolve) => {
      /** @param {'activity' | 'timeout' | 'wakeup'} what */
      const answer = (what) => {
        clearTimeout(timer);
        this.#polls.delete(answer);
        if (this.#polls.size === 0) core.onActive = null;
        resolve(what);
      };
      const timer = setTimeout(answer, Math.min(ms, 0x7fffffff), 'timeout');
      this.#polls.add(answer);
    });
  }

  /** End the poll() that waits, or else the next one. Many are one. */
  wakeup() {
    if (this.#closed) return;
    const engine = this.#engine();
    if (engine instanceof Core) this.#wake(engine);
    else engine.then((core) => this.#wake(core), () => {}); // whoever polls hears why not
  }
  /** @param {Core} core */
  #wake(core) {
    core.wakeup();
    if (this.#polls.size > 0 && core.woken()) this.#answer('wakeup');
  }

  /** Stop what runs (CURLE_ABORTED_BY_CALLBACK), close every connection. */
  async [Symbol.asyncDispose]() {
    this.#closed = true;
    if (shared === this) shared = null;
    for (const transfer of [...this.#transfers]) transfer[RUN]?.abort(undefined, 'this Multi was closed');
    this.#core?.close();
    this.#answer('activity');
    await this.#core?.settled(true);
  }

  /** A transfer begins: the engine for it. Error: there is none. @param {Transfer} transfer @returns {Core | Promise<Core>} @internal */
  [BEGIN](transfer) {
    const engine = this.#engine();
    this.#transfers.add(transfer);
    return engine;
  }
  /** It has ended. @param {Transfer} transfer @param {Result} result @param {boolean} added @internal */
  [END](transfer, result, added) {
    if (!this.#removed.delete(transfer) && added) this.#messages.push({ transfer, result });
    this.#transfers.delete(transfer);
    this.#news = true;
    // The engine tells of most ends itself, at the end of its run; of those before the start, and of sinks that close later, nobody else does.
    if (this.#polls.size > 0) queueMicrotask(() => { if (this.#news) this.#answer('activity'); });
    if (this.#once) queueMicrotask(() => this[Symbol.asyncDispose]()); // the engine is telling of it
    if (this.#transfers.size === 0 && this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
  /** @param {'activity' | 'wakeup'} what */
  #answer(what) {
    if (this.#polls.size === 0) return;
    this.#news = false;
    if (this.#core !== null) this.#core.active = false;
    for (const answer of [...this.#polls]) answer(what);
  }
  /** @returns {Core | Promise<Core>} a promise while the module is loaded */
  #engine() {
    if (this.#closed) throw new Error('this Multi is closed');
    if (this.#core !== null && !this.#core.over) return this.#core;
    if (this.#coming !== null) return this.#coming;
    const module = /** @type {WebAssembly.Module | Promise<WebAssembly.Module>} */ (this.#module ?? platform.module());
    if (!(module instanceof Promise)) return this.#make(module);
    const coming = this.#coming = module.then((loaded) => this.#make(loaded)).finally(() => { this.#coming = null; });
    coming.catch(() => {}); // who asked hears of it
    return coming;
  }
  /** @param {WebAssembly.Module} module */
  #make(module) {
    if (this.#closed) throw new Error('this Multi is closed');
    const core = this.#core = new Core(this.#host ?? platform.host(), module);
    const [connections, perHost, idle] = this.#limits;
    if (connections || perHost || idle) core.limits(connections, perHost, idle);
    return core;
  }
}

/** What comes, or null when it has not come in time. @template T @param {Promise<T>} coming @param {number} ms @returns {Promise<T | null>} */
async function within(coming, ms) {
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, Math.min(ms, 0x7fffffff), null); });
  try {
    return await Promise.race([coming, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} name @param {unknown} value @returns {number} */
function checkCount(name, value) {
  if (value === undefined) return 0;
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number of connections, got ${typeof value}`);
  if (!Number.isInteger(value) || value < 0 || value > COUNT_MAX)
    throw new RangeError(`${name} must be a whole number of connections from 0 to ${COUNT_MAX}, got ${value}`);
  return value;
}

/** The Multi of a transfer that names none: one for all, or of its own, which is closed with it. */
export function sharedMulti() {
  if (platform.shares === false) return Multi[ONCE]();
  return (shared ??= new Multi());
}
