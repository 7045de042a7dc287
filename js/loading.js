// js/loading.js: a run whose engine is not here yet: where the module comes over a network, the first one has to wait.
// Pauses and limits of that time are the transfer's own, as before perform(); what may end it is watched here: an abort,
// the signal, and the total time, which has begun.
import { ABORTED, OPERATION_TIMEDOUT } from './errors.js';
import { later } from './later.js';
import { TIMEOUT_MS } from './options.js';

export class Loading {
  #settings; #end;
  #since = performance.now();
  #cancel = () => {};
  #onAbort;

  /**
   * @param {import('./options.js').Settings} settings
   * @param {(code: number, reason: { value: unknown } | null, words: string) => void} end once
   */
  constructor(settings, end) {
    this.#settings = settings;
    this.#end = end;
    this.#onAbort = () => this.abort(settings.signal?.reason);
    settings.signal?.addEventListener('abort', this.#onAbort);
    this.limits();
  }
  /** Milliseconds. */
  get waited() { return performance.now() - this.#since; }
  /** They may have changed. */
  limits() {
    const limit = this.#settings.numbers.find(([option]) => option === TIMEOUT_MS)?.[1] ?? 0;
    this.#cancel();
    if (limit === 0) return;
    this.#cancel = later(() => {
      this.leave();
      this.#end(OPERATION_TIMEDOUT, null, `Operation timed out after ${limit} milliseconds, waiting for the WebAssembly module`);
    }, limit - this.waited);
  }
  /** @param {unknown} reason @param {string} [words] @returns {true} it came in time */
  abort(reason, words = '') {
    this.leave();
    this.#end(ABORTED, reason === undefined ? null : { value: reason }, words);
    return true;
  }
  /** Nothing is watched any more. */
  leave() {
    this.#cancel();
    this.#settings.signal?.removeEventListener('abort', this.#onAbort);
  }
}
