// js/multi.js: an engine that transfers share: its connections, its timer, its host.
import { Core } from './core.js';
import { nodeHost } from './hosts/node.js';
import { defaultModule } from './module.js';

/** How a Multi takes hold of a transfer. */
export const START = Symbol('sluice start');
/** The run that is on, or null. */
export const RUN = Symbol('sluice run');

let shared = /** @type {Multi | null} */ (null);

export class Multi {
  #host; #module;
  #core = /** @type {Core | null} */ (null);
  #closed = false;

  /**
   * Nothing is loaded or opened before the first transfer.
   * @param {{ host?: import('./hosts/door.js').Host, module?: WebAssembly.Module }} [options]
   *   host: lent to this Multi alone and closed with it; default: nodeHost(). module: default: dist/sluice.wasm
   */
  constructor({ host, module } = {}) {
    if (host !== undefined && typeof host?.attach !== 'function') throw new TypeError('host must be a Host, such as nodeHost()');
    if (module !== undefined && !(module instanceof WebAssembly.Module)) throw new TypeError('module must be a WebAssembly.Module');
    this.#host = host;
    this.#module = module;
  }

  /** Transfers that have started and not ended. */
  get running() { return this.#core?.running ?? 0; }

  /**
   * Start a transfer here.
   * @param {import('./transfer.js').Transfer} transfer
   * @returns {Promise<import('./result.js').Result>} as of its perform()
   */
  add(transfer) {
    return transfer[START](() => this.#engine());
  }

  /**
   * Stop a transfer that runs here: it ends with CURLE_ABORTED_BY_CALLBACK.
   * @param {import('./transfer.js').Transfer} transfer
   * @returns {boolean} whether it was running here
   */
  remove(transfer) {
    const run = transfer[RUN];
    if (run === null || this.#core === null || !run.isOn(this.#core)) return false;
    run.abort(undefined);
    return true;
  }

  /** Stop what runs, close every connection. */
  async [Symbol.asyncDispose]() {
    this.#closed = true;
    if (shared === this) shared = null;
    this.#core?.close();
  }

  #engine() {
    if (this.#closed) throw new Error('this Multi is closed');
    if (this.#core === null || this.#core.over) this.#core = new Core(this.#host ?? nodeHost(), this.#module ?? defaultModule());
    return this.#core;
  }
}

/** The Multi of transfers that name none. */
export function sharedMulti() {
  return (shared ??= new Multi());
}
