// js/cli/resume.js: going on with a download that was cut: what is asked for, what the answer means, and the command
// that goes on with one that was stopped.
import { statSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { isFilled } from '../file-sink.js';
import { missingOf, partOf, readContentRange, readRange } from '../range.js';

const PARTIAL_FILE = 18, HTTP_RETURNED_ERROR = 22, WRITE_ERROR = 23, RANGE_ERROR = 33; // CURLcode

/** The command line's own reason to end a transfer. */
export class End extends Error {
  /** @param {number} errno a CURLcode, 0: all is well @param {string} message */
  constructor(errno, message) {
    super(message);
    this.errno = errno;
  }
}

/** How many bytes are there. @param {import('./args.js').Job} job @throws {End} */
export function bytesThere({ from, output }) {
  if (from === undefined || (from === 0 && output === undefined)) return 0;
  if (output === undefined) return /** @type {number} */ (from);
  let size = 0;
  try {
    size = statSync(output).size;
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code !== 'ENOENT') throw new End(WRITE_ERROR, `CURLE_WRITE_ERROR: ${message}`);
  }
  if (from === '-') return size;
  if (from > size) throw new End(RANGE_ERROR, `CURLE_RANGE_ERROR: ${output} has ${size} bytes, less than ${from}`);
  return from;
}

/** @param {import('../index.js').TransferOptions} options @param {number} from @returns {import('../index.js').TransferOptions} */
export const withRange = (options, from) => ({
  ...options,
  failOnError: false, // Answer does it: a 416 may be good news
  headers: [.../** @type {[string, string][]} */ (options.headers ?? []), ['Range', `bytes=${from}-`]],
});

/** The one range of bytes that the request asks for by a header of its own. @param {import('../index.js').TransferOptions} options */
function ownRange({ headers = [] }) {
  const own = /** @type {[string, string][]} */ (headers).find(([name]) => name.toLowerCase() === 'range');
  return own === undefined ? null : readRange(own[1]) ?? undefined;
}

/** The bytes that come, held against what was asked for and what the server says they are (U6). */
export class Answer {
  #from; #output; #job; #asked;
  #part = /** @type {import('../range.js').Part | null} */ (null);
  #came = 0; // bytes

  /** @param {import('./args.js').Job} job @param {number} from bytes that are there */
  constructor(job, from) {
    this.#job = job;
    this.#from = from;
    this.#output = job.output;
    this.#asked = from > 0 ? { first: from, last: Infinity } : ownRange(job.options); // undefined: several, which only the asker knows
  }

  /**
   * What the head means for what is there.
   * @param {import('../index.js').Head} head
   * @returns {number | End} after how many bytes it goes on; or how it ends
   */
  judge(head) {
    const { status, headers } = head, from = this.#from, there = this.#output ?? 'standard output';
    if (from > 0 && status === 416) return beyond(readContentRange(headers.get('content-range'))?.size, from, there);
    if (from > 0 && !head.ok) return new End(HTTP_RETURNED_ERROR, `CURLE_HTTP_RETURNED_ERROR: status ${status}; ${there} stays as it is`);
    if (from === 0 && (this.#output === undefined || this.#job.options.method === 'HEAD')) return 0;
    const filled = from > 0 || (this.#output !== undefined && isFilled(this.#output));
    if (status >= 300 && filled) return new End(status < 400 ? 0 : HTTP_RETURNED_ERROR, `${status < 400 ? '' : 'CURLE_HTTP_RETURNED_ERROR: '}status ${status}; ${there} stays as it is`);
    if (status < 200 || status >= 300 || this.#asked === undefined) return 0;
    if (from > 0 && status === 200 && this.#output !== undefined) return 0; // it begins anew
    const part = partOf(status, headers, this.#asked);
    if (typeof part === 'string') return new End(RANGE_ERROR, `CURLE_RANGE_ERROR: ${part}; ${there} stays as it is`);
    if (part !== null && from === 0 && filled) return new End(RANGE_ERROR, `CURLE_RANGE_ERROR: ${there} is there, and would be replaced by a part; -C goes on with it`);
    this.#part = part;
    return from;
  }
  /** @param {number} bytes that come @throws {End} */
  take(bytes) {
    this.#came += bytes;
    if (this.#part !== null && this.#came > this.#part.last - this.#part.first + 1) throw new End(RANGE_ERROR, 'CURLE_RANGE_ERROR: more came than the part that the server announced');
  }
  /** @throws {End} not all came */
  end() {
    const missing = this.#part === null || !this.#asked ? '' : missingOf(this.#part, this.#asked, this.#came);
    if (missing !== '') throw new End(PARTIAL_FILE, `CURLE_PARTIAL_FILE: ${missing}`);
  }
}

/** A 416. @param {number | undefined} size of what the server has @param {number} from @param {string} there */
function beyond(size, from, there) {
  if (size === from) return new End(0, `nothing is missing: ${there} has all ${from} bytes`);
  return new End(RANGE_ERROR, `CURLE_RANGE_ERROR: ${there} has ${from} bytes, the server ${size === undefined || size < 0 ? 'says nothing of its size' : size}`);
}

/** @param {string} word */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/**
 * The command that goes on with what was stopped.
 * @param {import('./args.js').Job} job @param {import('./sink.js').Sink} sink @returns {string} empty: it cannot be gone on with
 */
export function resumeCommand({ argv, from, output, upload, options }, sink) {
  const there = sink.from + sink.bytes;
  if (upload !== undefined || options.body !== undefined || (options.method ?? 'GET').toUpperCase() !== 'GET' || !sink.exact) return '';
  const words = [...argv];
  if (sink.bytes > 0 && !(output !== undefined && from === '-')) { // without a byte the same command does it
    const end = words.indexOf('--');
    words.splice(end < 0 ? words.length : end, 0, '-C', output === undefined ? String(there) : '-');
  }
  const script = process.argv[1];
  const command = process.env.SLUICE_COMMAND ?? (basename(script) === 'sluice' ? 'sluice' : `node ${quoted(relative('', script))}`);
  return [command, ...words.map(quoted)].join(' ');
}
