// js/file-sink.js: a file as the place of a response's body, where there is Node's fs.
import { builtin } from './builtin.js';

const { statSync } = builtin('node:fs'), { open } = builtin('node:fs/promises'), { fileURLToPath } = builtin('node:url');
/** @typedef {import('./sinks.js').Taker} Taker */

/** One write at a time. It is opened, and so emptied, when the head comes. @implements {Taker} */
class File {
  #path;
  #file = /** @type {Promise<import('node:fs/promises').FileHandle> | null} */ (null);
  #last = /** @type {Promise<unknown>} */ (Promise.resolve());
  borrows = true; // a write has read its bytes when it settles
  written = 0;
  /** @param {string} path */
  constructor(path) {
    this.#path = path;
    this.name = path;
  }
  begin() {
    this.#file = open(this.#path, 'w');
    this.#last = this.#file;
    this.#file.catch(() => {}); // the first write or the end says it
  }
  /** @param {Uint8Array} chunk */
  take(chunk) {
    return (this.#last = this.#write(chunk));
  }
  /** @param {Uint8Array} chunk */
  async #write(chunk) {
    const file = await /** @type {Promise<import('node:fs/promises').FileHandle>} */ (this.#file);
    for (let at = 0; at < chunk.length;) {
      const { bytesWritten } = await file.write(chunk, at, chunk.length - at);
      at += bytesWritten;
      this.written += bytesWritten;
    }
  }
  async complete() {
    await this.#last;
    await (await this.#file)?.close();
  }
  fail() {
    this.#last.catch(() => {}).then(() => this.#file).then((file) => file?.close()).catch(() => {});
  }
}

/**
 * Whether two names lead to one file that is there: reading the one while the other is written, which empties it first,
 * would find nothing. What cannot be looked at is not known to be the same.
 * @param {unknown} a @param {unknown} b a path, a file: URL, or anything else: not the name of a file
 */
export function isSameFile(a, b) {
  try {
    const [one, other] = [a, b].map((name) => {
      const file = String(name).startsWith('file:') ? fileURLToPath(String(name)) : name;
      return statSync(/** @type {string | Buffer} */ (file), { bigint: true });
    });
    return one.isFile() && one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}

/** @type {import('./platform.js').Files} */
export const files = {
  target(to) {
    const path = to instanceof URL ? fileURLToPath(to) : to;
    return { name: path, path, open: () => new File(path) };
  },
  isSame: isSameFile,
};
