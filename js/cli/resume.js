// js/cli/resume.js: going on with a download that was cut: what is asked for, what the answer means, and the command
// that goes on with one that was stopped.
import { statSync } from 'node:fs';
import { basename, relative } from 'node:path';

const HTTP_RETURNED_ERROR = 22, WRITE_ERROR = 23, RANGE_ERROR = 33; // CURLcode

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
  failOnError: false, // judge() does it: a 416 may be good news
  headers: [.../** @type {[string, string][]} */ (options.headers ?? []), ['Range', `bytes=${from}-`]],
});

/**
 * What the answer to a request for the rest means.
 * @param {import('../index.js').Head} head @param {number} from @param {string | undefined} output
 * @returns {number | End} after how many bytes it goes on; or how it ends
 */
export function judge({ status, headers }, from, output) {
  const [, start, size] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  const there = output ?? 'standard output';
  if (status === 206 && Number(start) === from) return from;
  if (status === 206) return new End(RANGE_ERROR, `CURLE_RANGE_ERROR: the server sends another part than the one from ${from} on`);
  if (status === 200 && output !== undefined) return 0;
  if (status === 200) return new End(RANGE_ERROR, 'CURLE_RANGE_ERROR: the server can only send all of it');
  if (status === 416 && Number(size) === from) return new End(0, `nothing is missing: ${there} has all ${from} bytes`);
  if (status === 416) return new End(RANGE_ERROR, `CURLE_RANGE_ERROR: ${there} has ${from} bytes, the server ${size ?? 'says nothing of its size'}`);
  return new End(HTTP_RETURNED_ERROR, `CURLE_HTTP_RETURNED_ERROR: status ${status}; ${there} stays as it is`);
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
