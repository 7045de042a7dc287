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

/** @param {import('../index.js').Progress} progress */
export function progressText({ received, receiveTotal, receiveSpeed }) {
  const of = receiveTotal === undefined ? '' : ` of ${amount(receiveTotal)} (${receiveTotal === 0 ? 100 : Math.floor((received / receiveTotal) * 100)} %)`;
  return `${amount(received)}${of}, ${amount(receiveSpeed)}/s`;
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
  /** Show what `text` says again and again, until end(). @param {() => string} text */
  follow(text) {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.show(text()), this.#stream.isTTY ? TTY_MS : PLAIN_MS);
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
