// js/node-sink.js: a Writable of Node's as the place of a response's body.
//
// It is ended when every byte was given to it, and destroyed when the transfer fails, once; but standard output and standard
// error, which are the process's, are neither. It counts as complete when it has taken all ('finish', and 'close' where it
// closes by itself). What becomes of it, its error included, is heard to its end: it needs no other listener.
import { builtin } from './builtin.js';

/** @typedef {import('./sinks.js').Taker} Taker */

/** @param {any} to @returns {to is import('node:stream').Writable} */
export const isWritable = (to) => typeof to?.write === 'function' && typeof to.end === 'function' && typeof to.on === 'function' && typeof to.destroy === 'function';

/** @param {import('node:stream').Writable} stream */
const stays = (stream) => stream === process.stdout || stream === process.stderr;

/** The transfer failed before it began. @param {import('node:stream').Writable} stream @param {unknown} error */
export function drop(stream, error) {
  if (!stream.writable || stays(stream)) return; // what is ended already has its bytes from somebody else
  stream.on('error', () => {}); // perform() says it
  stream.destroy(error instanceof Error ? error : undefined);
}

/** @implements {Taker} */
export class NodeWritable {
  name = 'the Writable';
  written = 0;
  #stream; #stays; #forget;
  #over = false; // no news is wanted of it
  #placed = /** @type {((error?: unknown) => void) | null} */ (null); // every byte was given
  /** @param {import('node:stream').Writable} stream @param {import('./sinks.js').Hold} hold @throws {Error} it takes nothing */
  constructor(stream, hold) {
    if (!stream.writable) throw new Error(stream.errored?.message ?? `it was ${stream.destroyed ? 'destroyed' : 'ended'} before`);
    const { finished } = builtin('node:stream');
    this.#stream = stream;
    this.#stays = stays(stream);
    this.#forget = finished(stream, { readable: false }, (error) => {
      if (this.#placed !== null) this.#placed(error ?? undefined);
      else if (!this.#over) hold.broken(error ?? new Error('it was ended by somebody else'));
    });
  }
  /** @param {Uint8Array} chunk */
  take(chunk) {
    const room = this.#stream.write(chunk, (error) => { if (!error) this.written += chunk.length; });
    return room ? chunk.length : new Promise((resolve) => { this.#stream.once('drain', resolve); });
  }
  complete() {
    return new Promise((resolve, reject) => {
      this.#placed = (error) => (error === undefined || error === null ? resolve(undefined) : reject(error));
      if (!this.#stays) this.#stream.end();
      else this.#stream.write('', this.#placed); // behind all others
    }).finally(() => this.#leave());
  }
  /** @param {unknown} error */
  fail(error) {
    this.#over = true;
    this.#leave();
    if (!this.#stays) this.#stream.destroy(error instanceof Error ? error : undefined);
  }
  /** The process's own streams live on: with every transfer they would have more listeners. */
  #leave() {
    if (this.#stays) this.#forget();
  }
}
