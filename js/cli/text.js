// js/cli/text.js: how amounts are written, and the one line that shows what goes on.

/** @param {number} bytes @returns {string} '512 B', '1.50 MiB' */
export function amount(bytes) {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  let unit = -1;
  do {
    bytes /= 1024;
    unit++;
  } while (bytes >= 1000 && unit < 3);
  return `${bytes.toFixed(bytes < 10 ? 2 : 1)} ${['KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

/** @param {number} ms @returns {string} '702 ms', '3.01 s' */
export const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);

/** @param {number} ms @returns {string} '0 s', '3 min 20 s', '2 h 5 min' */
export function remaining(ms) {
  const s = Math.round(ms / 1000), min = Math.floor(s / 60);
  if (s < 60) return `${s} s`;
  return s < 3600 ? `${min} min ${s % 60} s` : `${Math.floor(min / 60)} h ${min % 60} min`;
}

/** @typedef {{ done: number, total: number | undefined, speed: number, words: string }} Part what of a transfer counts now */

/** While the request's body goes out that, then the response's. @param {import('../index.js').Progress} progress @param {number} from bytes of it that were there already @returns {Part} */
export function part({ received, receiveTotal, receiveSpeed, sent, sendTotal, sendSpeed }, from) {
  if (received === 0 && (sent > 0 || sendTotal)) return { done: sent, total: sendTotal, speed: sendSpeed, words: ' sent' };
  return { done: from + received, total: receiveTotal === undefined ? undefined : from + receiveTotal, speed: receiveSpeed, words: '' };
}

/** @param {Part} part @param {boolean} [whole] false: the percent stand for the total @returns {string} '512 B of 1.00 KiB (50 %)' */
export const doneText = ({ done, total, words }, whole = true) =>
  amount(done) + (total === undefined ? '' : `${whole ? ` of ${amount(total)}` : ''} (${total === 0 ? 100 : Math.floor((done / total) * 100)} %)`) + words;

/** @param {import('../index.js').Progress} progress @param {number} [from] bytes that were there already */
export function progressText(progress, from = 0) {
  const now = part(progress, from);
  return `${doneText(now)}, ${amount(now.speed)}/s`;
}

const TTY_MS = 200, PLAIN_MS = 1000;

/** A line that is rewritten in place on a terminal; elsewhere a line at most every second. */
export class Line {
  #stream; #shown = false; #last = Date.now();
  #timer = /** @type {NodeJS.Timeout | undefined} */ (undefined);

  /** @param {NodeJS.WriteStream} stream */
  constructor(stream) {
    this.#stream = stream;
  }
  /** Show what `text` says again and again, until end(). @param {() => string | null} text null: nothing now */
  follow(text) {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      const words = text();
      if (words !== null) this.show(words);
    }, this.#stream.isTTY ? TTY_MS : PLAIN_MS);
    this.#timer.unref();
  }
  /** @param {string} text */
  show(text) {
    if (this.#stream.isTTY) {
      this.#stream.write(`\r${text.slice(0, (this.#stream.columns || 80) - 1)}\x1b[K`);
      this.#shown = true;
    } else if (Date.now() - this.#last >= PLAIN_MS - 50) { // a timer may be a little early
      this.#last = Date.now();
      this.#stream.write(`${text}\n`);
    }
  }
  /** The last line, which stays; empty: none. @param {string} text */
  end(text) {
    clearInterval(this.#timer);
    if (this.#shown) this.#stream.write('\r\x1b[K');
    if (text) this.#stream.write(`${text}\n`);
    this.#shown = false;
    this.#last = Date.now();
  }
}
