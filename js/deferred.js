// js/deferred.js: a promise that is settled from outside, and what a TransferError that it rejects with says of where.
import { TransferError } from './errors.js';

const nothing = () => {};

/** @template T */
export class Deferred {
  resolve = /** @type {(value: T) => void} */ (nothing);
  reject = /** @type {(reason: unknown) => void} */ (nothing);
  promise;
  #muted = false;
  #failed = false;

  constructor() {
    this.promise = this.#traced(/** @type {Promise<T>} */ (new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    })));
  }
  /**
   * Somebody else hears of a failure: that it rejects is not to end the process. Not by a catch() from the start, because
   * the engine of JavaScript knows who awaits a promise only as long as that is one.
   */
  mute() {
    this.#muted = true;
    if (this.#failed) this.promise.catch(nothing);
  }
  /**
   * The error was made in an event of a socket, whose stack helps nobody: it is given that of who awaits, where that is
   * known (V8). A stack taken at the start would cost each transfer more.
   * @param {Promise<T>} promise @returns {Promise<T>}
   */
  async #traced(promise) {
    try {
      return await promise;
    } catch (error) {
      if (error instanceof TransferError) restack(error);
      this.#failed = true;
      if (this.#muted) this.promise.catch(nothing);
      throw error;
    }
  }
}

/** @param {TransferError} error */
function restack(error) {
  const seen = {};
  /** @type {any} */ (Error).captureStackTrace?.(seen);
  const awaiting = /\n +at async [^]*/.exec(/** @type {{ stack?: string }} */ (seen).stack ?? '')?.[0]; // above is what runs promises
  if (awaiting !== undefined) error.stack = `${error.name}: ${error.message}${awaiting}`;
}
