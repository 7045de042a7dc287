// js/options.js: what a caller asks for, checked and put into the engine's words (CURLOPT numbers and texts).
//
// A wrong value throws before anything starts: TypeError for a wrong kind, RangeError for a number out of range;
// both name the option and the value. Nothing is accepted and then ignored.
import { Multi } from './multi.js';
import { platform } from './platform.js';
import { readTarget } from './sinks.js';
import { readBody } from './source.js';

export const VERSION = '0.1.0';

const LOW_SPEED_LIMIT = 19, LOW_SPEED_TIME = 20, NOBODY = 44, UPLOAD = 46, FOLLOWLOCATION = 52,
  SSL_VERIFYPEER = 64, MAXREDIRS = 68, SSL_VERIFYHOST = 81,
  INFILESIZE = 30115, CONNECTTIMEOUT_MS = 156, PAUSED_TIMEOUT_MS = 900, SILENCE_TIMEOUT_MS = 901, QUEUE_TIMEOUT_MS = 902, BURST = 30904, DRAIN_MAX_BYTES = 30905,
  MAX_SEND_SPEED = 30145, MAX_RECV_SPEED = 30146,
  URL_TEXT = 10002, USERPWD = 10005, USERAGENT = 10018, CUSTOMREQUEST = 10036, UNIX_SOCKET_PATH = 10231;
/** CURLOPT_TIMEOUT_MS */
export const TIMEOUT_MS = 155;
/** CURLOPT_CAINFO: the host's word for TLS options. */
export const CAINFO = 10065;
const BURST_DEFAULT = -1;
const MAX_BODY = 64 * 1024 * 1024; // bytes
const FOLLOW = 20, FOLLOW_MOST = 32767; // redirects
const CURLFOLLOW_OBEYCODE = 2;
/** Methods that the web takes in any case. */
const ANY_CASE = /^(get|head|post|put|patch|delete|options)$/i;
/** Methods whose request says that its body is empty. */
const SAYS_EMPTY = new Set(['POST', 'PUT', 'PATCH']);

/**
 * @typedef {object} LowSpeed
 * @property {number} bytesPerSecond
 * @property {number} ms rounded up to seconds
 *
 * @typedef {import('./hosts/door.js').TlsOptions & { verify?: boolean }} Tls verify false: take any certificate
 *
 * @typedef {object} Limits Zero: no limit.
 * @property {number} [timeoutMs] Longest time for the whole transfer, pauses included.
 * @property {LowSpeed} [lowSpeed] Stop when slower than this for so long, not counting the wait for a connection nor time paused. The
 *   speed is that of the last 5 s, as libcurl's, so that a stall behind a healthy start is found up to 5 s late: for a stall
 *   silenceTimeoutMs is the limit.
 * @property {number} [maxRecvSpeed] Bytes a second, heads included. Let through in steps of 50 ms.
 * @property {number} [maxSendSpeed] Bytes a second, likewise.
 * @property {number} [burst] Bytes that maxRecvSpeed and maxSendSpeed let through at once at most: at the start, after a pause, and
 *   after the peer was slow. Zero: a tenth of a second's worth, at least 32 KiB.
 * @property {number} [connectTimeoutMs] Longest time for connecting, from the name lookup to the end of TLS, of each request; zero: 300 s.
 * @property {number} [queueTimeoutMs] Longest wait in one go for a free connection, within the limits of the Multi; not counting time
 *   paused.
 * @property {number} [pausedTimeoutMs] Longest time paused in one go: by pause(), a remote, onData's 'pause', or because the consumer
 *   takes nothing (a stream that is not read, a promise of onData that does not settle).
 * @property {number} [silenceTimeoutMs] Longest silence of the peer while bytes are wanted from it: once the request is with the peer,
 *   as far as the host can tell. Behind a body of more than 64 KiB that is from the first byte of the answer.
 *
 * @typedef {object} Place A file, and where in it.
 * @property {string | URL} path or file: URL
 * @property {number} [offset] The bytes go there; what is before stays, and what is behind, unless the part is the last one of a
 *   file that has the same offsets. The file must reach so far.
 * @property {boolean} [append] They go behind what is there. With a header Range that must be where the part begins.
 * @property {boolean} [atomic] They go into a file beside it, which takes its name when it is whole: a file that is there survives
 *   every error.
 *
 * @typedef {object} NodeWritable A Writable of Node's, as far as it is used.
 * @property {boolean} writable
 * @property {(chunk: any, done?: any) => boolean} write
 * @property {() => unknown} end
 * @property {(error?: Error) => unknown} destroy
 * @property {(name: string, listener: (...args: any[]) => void) => unknown} on
 *
 * @typedef {object} OwnOptions
 * @property {string} [method] Default: GET, with a body POST. A file: URL is read with GET, written with PUT or a body.
 * @property {import('./types.js').HeadersLike} [headers]
 * @property {string | ArrayBuffer | ArrayBufferView | Blob | FormData | URLSearchParams | ReadableStream<Chunk> | AsyncIterable<Chunk> | Iterable<Chunk>} [body]
 *   Of the request. Bytes go out by reference: they must not change before they are sent, which, when the server
 *   answers early, may be shortly after the transfer has ended. What a stream or generator has yielded is given away: several
 *   chunks wait at a time, and when one was sent is not told. FormData goes as multipart/form-data, its files read as
 *   they are sent. Streams, iterables and generators are sent chunked, or with the size given in an own Content-Length;
 *   one that fails ends the transfer with CURLE_READ_ERROR, also before it was asked for anything. They can be given
 *   once. The transfer takes its body when it is performed, or aborted, and ends it exactly once, read or not: a web
 *   stream is cancelled, an iterator returned, a stream of Node's destroyed. Before that it is not touched.
 * @property {unknown} [json] The body as JSON, made when the transfer is: Content-Type and Accept are application/json, unless
 *   `headers` has them.
 * @property {AbortSignal} [signal] Its listeners are removed when the transfer ends.
 * @property {(this: import('./transfer.js').Transfer, chunk: Uint8Array) => void | 'pause' | PromiseLike<unknown>} [onData] Body bytes; each chunk is the caller's, for good. 'pause': this chunk was not
 *   taken and comes again after resume(). A promise: taken, and nothing comes before it settles. An empty body is
 *   told by one empty chunk. Throwing or rejecting ends the transfer with CURLE_WRITE_ERROR. Without it, and without `to`, `body` and iteration, the body is collected.
 * @property {boolean} [borrow] What onData gets is lent, which saves a copy: it is good until onData returns, or until the
 *   promise it returned settles, and is used for other bytes then, of any transfer. A chunk refused with 'pause' is good until
 *   onData returns. (B19)
 * @property {string | URL | Place | WritableStream<Uint8Array> | NodeWritable} [to] Where the body goes (U6). A file: opened, and
 *   emptied, when the head says that it is coming: a status of 200 to 299, and with a header Range the part that was asked for,
 *   else CURLE_RANGE_ERROR; any other status leaves it as it is, and what the server says is in `result.body`. It keeps what
 *   was written when the transfer fails. With a Range a plain path is for a new file (CURLE_WRITE_ERROR when there is one that is not empty).
 *   A TypeError for the very file that is read, and for HEAD. A stream takes what comes, whatever the status: a
 *   WritableStream is closed or aborted at the end; a Writable of Node's is ended when all was given to it, or destroyed when
 *   the transfer fails, once, but for process.stdout and process.stderr; it may use its chunks as it likes.
 * @property {number} [maxBody] Bytes that are collected at most, else CURLE_FILESIZE_EXCEEDED; 64 MiB when not given.
 * @property {number} [drainMaxBytes] When the transfer is stopped on this side (aborted, by a limit, by onData) with at most so many bytes of an
 *   HTTP/1 response still to come, the connection reads them out by itself, at once and for at most a second, and is kept;
 *   zero: it is closed.
 * @property {boolean | number} [follow] How many redirects are followed; true: 20, which is the default.
 * @property {boolean} [failOnError] A status of 400 or more ends the transfer with CURLE_HTTP_RETURNED_ERROR. What the server says
 *   about it is in `error.result.body`: at most 64 KiB, and what came within 2 s.
 * @property {false} [decompress] Content is not decoded yet.
 * @property {Tls} [tls]
 * @property {string} [socketPath] Connect to this unix socket (Windows: named pipe) instead; the URL's host is still asked for.
 * @property {(event: import('./trace.js').TraceEvent) => void} [debug] Told what the engine does for this transfer, as it does it. Throwing
 *   ends the transfer with CURLE_ABORTED_BY_CALLBACK.
 * @property {Multi} [multi] The engine that runs it; default: one shared by all.
 *
 * @typedef {string | ArrayBuffer | ArrayBufferView} Chunk of a body; a string is UTF-8
 *
 * @typedef {Limits & OwnOptions} TransferOptions
 *
 * @typedef {object} Settings
 * @property {string} url without credentials and fragment
 * @property {string} method for messages
 * @property {string} words all but the limits and TLS, as core.configure takes it
 * @property {Array<[option: number, value: number]>} numbers the limits, which may change
 * @property {import('./hosts/door.js').TlsOptions | null} tls null: the host's default
 * @property {((chunk: Uint8Array) => unknown) | undefined} onData
 * @property {boolean} borrow of it
 * @property {((event: import('./trace.js').TraceEvent) => void) | undefined} debug
 * @property {import('./sinks.js').Target | null} to
 * @property {import('./source.js').Body | null} body
 * @property {boolean} failOnError
 * @property {number} maxBody bytes
 * @property {AbortSignal | undefined} signal
 * @property {Multi | undefined} multi
 */

/** @type {Record<string, { option: number, unit: string }>} */
const NUMBERS = {
  timeoutMs: { option: TIMEOUT_MS, unit: 'milliseconds' },
  connectTimeoutMs: { option: CONNECTTIMEOUT_MS, unit: 'milliseconds' },
  pausedTimeoutMs: { option: PAUSED_TIMEOUT_MS, unit: 'milliseconds' },
  silenceTimeoutMs: { option: SILENCE_TIMEOUT_MS, unit: 'milliseconds' },
  queueTimeoutMs: { option: QUEUE_TIMEOUT_MS, unit: 'milliseconds' },
  burst: { option: BURST, unit: 'bytes' },
  drainMaxBytes: { option: DRAIN_MAX_BYTES, unit: 'bytes' },
  maxRecvSpeed: { option: MAX_RECV_SPEED, unit: 'bytes per second' },
  maxSendSpeed: { option: MAX_SEND_SPEED, unit: 'bytes per second' },
};
const LIMITS = new Set(['timeoutMs', 'connectTimeoutMs', 'pausedTimeoutMs', 'silenceTimeoutMs', 'queueTimeoutMs', 'burst', 'lowSpeed', 'maxRecvSpeed', 'maxSendSpeed']);
const OPTIONS = new Set([...Object.keys(NUMBERS), 'lowSpeed', 'method', 'headers', 'body', 'json', 'signal', 'onData', 'borrow', 'to', 'maxBody',
  'follow', 'failOnError', 'decompress', 'tls', 'socketPath', 'debug', 'multi']);
const JSON_TYPE = 'application/json';
const TLS = new Set(['ca', 'cert', 'key', 'passphrase', 'servername', 'verify']);
const LOW_SPEED = new Set(['bytesPerSecond', 'ms']);

/** @param {unknown} value */
function show(value) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

/** Single-letter changes from a to b. @param {string} a @param {string} b */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

/** @param {object} given @param {Set<string>} known @param {string} [prefix] */
function checkNames(given, known, prefix = '') {
  for (const name in given) {
    if (known.has(name)) continue;
    const lower = name.toLowerCase();
    const near = [...known].map((one) => ({ one, far: distance(lower, one.toLowerCase()) })).sort((a, b) => a.far - b.far)[0];
    const hint = near.far <= 2 ? `; did you mean ${prefix}${near.one}?` : '';
    throw new TypeError(`there is no option ${prefix}${name}${hint}`);
  }
}

/**
 * @param {string} name @param {unknown} value @param {string} unit
 * @returns {number} a whole number, rounded up
 */
export function checkNumber(name, value, unit) {
  const message = `${name} must be a number of ${unit} >= 0, got ${show(value)}`;
  if (typeof value !== 'number') throw new TypeError(message);
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new RangeError(message);
  return Math.ceil(value);
}

/** @param {string} name @param {unknown} value */
function checkObject(name, value) {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object, got ${show(value)}`);
  return /** @type {Record<string, unknown>} */ (value);
}

/** The numeric options among those given. @param {Record<string, any>} options @param {Settings['numbers']} numbers */
function readNumbers(options, numbers) {
  for (const name in options) {
    if (options[name] === undefined || !Object.hasOwn(NUMBERS, name)) continue;
    const { option, unit } = NUMBERS[name], value = checkNumber(name, options[name], unit);
    numbers.push([option, option === BURST && value === 0 ? BURST_DEFAULT : value]);
  }
  if (options.lowSpeed === undefined) return;
  const { bytesPerSecond, ms } = checkObject('lowSpeed', options.lowSpeed);
  checkNames(options.lowSpeed, LOW_SPEED, 'lowSpeed.');
  numbers.push([LOW_SPEED_LIMIT, checkNumber('lowSpeed.bytesPerSecond', bytesPerSecond, 'bytes per second')]);
  numbers.push([LOW_SPEED_TIME, Math.ceil(checkNumber('lowSpeed.ms', ms, 'milliseconds') / 1000)]);
}

/**
 * Limits that may change while a transfer runs.
 * @param {unknown} limits
 * @returns {Settings['numbers']}
 */
export function readLimits(limits) {
  const given = checkObject('limits', limits);
  checkNames(given, LIMITS);
  /** @type {Settings['numbers']} */
  const numbers = [];
  readNumbers(given, numbers);
  return numbers;
}

/** One setting as core.configure takes it. @param {number} option @param {number} value a whole number */
export const numberWord = (option, value) => `n${option}=${value}:`;
/** @param {number} option @param {string} value latin1 */
export const textWord = (option, value) => `t${option}=${value.length}:${value}`;
/** @param {string} line latin1 */
const headerWord = (line) => `h0=${line.length}:${line}`;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const OWN_AGENT = textWord(USERAGENT, `sluice/${VERSION}`);
/** @param {number} redirects */
const followWords = (redirects) => numberWord(FOLLOWLOCATION, CURLFOLLOW_OBEYCODE) + numberWord(MAXREDIRS, redirects);
const FOLLOWS = followWords(FOLLOW); // most transfers follow so many
// eslint-disable-next-line no-control-regex
const NOT_IN_VALUE = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/u;

/** As one looks it up. @param {string} one @returns {string} 'U+000A', or the letter beside it */
function nameOfCharacter(one) {
  const code = one.codePointAt(0) ?? 0, hex = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return code > 0xff ? `${hex} (${JSON.stringify(one)})` : hex;
}

/** @param {any} init @returns {Iterable<[unknown, unknown]>} */
function headerPairs(init) {
  if (typeof init !== 'object' || init === null) throw new TypeError(`headers must be an object, an array of pairs or Headers, got ${show(init)}`);
  return typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
}

const NO_HEADERS = /** @type {Map<string, string[]>} */ (new Map()); // nothing is ever put in

/** @param {unknown} init @returns {Map<string, string[]>} lines by name in lower case */
function readHeaders(init) {
  /** @type {Map<string, string[]>} */
  const byName = new Map();
  for (const pair of headerPairs(init)) {
    const [name, given] = Array.isArray(pair) && pair.length === 2 ? pair : [undefined, undefined];
    if (typeof name !== 'string' || !TOKEN.test(name)) throw new TypeError(`headers: ${show(name)} is not a header name`);
    const value = String(given).trim();
    if (NOT_IN_VALUE.test(value)) throw new TypeError(`headers: the value of ${name} has a character that headers cannot carry, ${nameOfCharacter(NOT_IN_VALUE.exec(value)?.[0] ?? '')}`);
    const lower = name.toLowerCase();
    // libcurl's form for a header without a value; "Name:" would remove it
    byName.set(lower, [...(byName.get(lower) ?? []), value === '' ? `${name};` : `${name}: ${value}`]);
  }
  return byName;
}

/** The bytes a percent-encoded text stands for, as latin1. @param {string} text */
const decode = (text) => text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));

const SCHEMES = new Set(['http:', 'https:', 'file:']);
const URLS_MAX = 256; // texts
const ABSOLUTE = /^[a-z][a-z\d+.-]*:\/\//i; // means the same wherever a page goes
/** What the latest texts were read as: parsing one costs as much as the rest of a small request here. */
const urls = /** @type {Map<string, ReadUrl>} */ (new Map());
/** @typedef {{ href: string, words: string, credentials: string | null }} ReadUrl words: as Settings has them */

/** @param {string | URL} given @returns {ReadUrl} */
function readUrl(given) {
  if (typeof given !== 'string') return parseUrl(given);
  const known = urls.get(given);
  if (known !== undefined) return known;
  const read = parseUrl(given);
  if (read.credentials !== null || given.length > 2048 || !ABSOLUTE.test(given)) return read; // not to be kept
  if (urls.size >= URLS_MAX) urls.clear();
  urls.set(given, read);
  return read;
}

/** @param {URL} url */
function checkFile({ host, href }) {
  if (host !== '') throw new TypeError(`url: a file is on this machine, file:///path, got the host ${show(host)}`);
  if (href.includes('?')) throw new TypeError('url: a file has no query; a ? in its name is %3F');
  if (/%(?:[01][0-9a-f]|7f)/i.test(href)) throw new TypeError('url: a control character in the path of a file');
}

/** @param {string | URL} given @returns {ReadUrl} */
function parseUrl(given) {
  /** @type {URL} */
  let url;
  try {
    url = new URL(given, platform.base?.());
  } catch {
    const port = /^[a-z]+:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(String(given))?.[1];
    if (port !== undefined && Number(port) > 65535) throw new TypeError(`url: there is no port ${port}, the highest is 65535`);
    throw new TypeError(`url must be an absolute URL, got ${show(given)}`);
  }
  if (!SCHEMES.has(url.protocol)) throw new TypeError(`url must be http:, https: or file:, got ${url.protocol}`);
  if (url.hash) url.hash = '';
  if (url.protocol === 'file:') checkFile(url);
  if (!url.username && !url.password) return { href: url.href, words: textWord(URL_TEXT, url.href), credentials: null };
  const user = decode(url.username), password = decode(url.password);
  if (user.includes(':')) throw new TypeError('url: a user name for Basic authentication cannot contain a colon');
  if (/[\0\r\n]/.test(user + password)) throw new TypeError('url: credentials cannot contain CR, LF or NUL');
  url.username = url.password = '';
  return { href: url.href, words: textWord(URL_TEXT, url.href), credentials: `${user}:${password}` };
}

/** What it says is read by the host. @param {string} name @param {unknown} value */
function checkPem(name, value) {
  for (const one of Array.isArray(value) ? value : [value]) {
    if (one instanceof Uint8Array || typeof one === 'string') continue;
    throw new TypeError(`tls.${name} must be PEM text or bytes, got ${show(one)}${one === value ? '' : ' in an array'}`);
  }
}

/** @param {unknown} value @returns {{ tls: import('./hosts/door.js').TlsOptions | null, verify: boolean }} */
function readTls(value) {
  if (value === undefined) return { tls: null, verify: true };
  const { verify = true, ...tls } = checkObject('tls', value);
  checkNames(tls, TLS, 'tls.');
  if (typeof verify !== 'boolean') throw new TypeError(`tls.verify must be true or false, got ${show(verify)}`);
  for (const [name, text] of Object.entries(tls)) {
    if (text === undefined) delete tls[name];
    else if (name !== 'servername' && name !== 'passphrase') checkPem(name, text);
    else if (typeof text !== 'string') throw new TypeError(`tls.${name} must be a string, got ${show(text)}`);
  }
  return { tls: Object.keys(tls).length > 0 ? tls : null, verify };
}

/** @param {unknown} value @param {boolean} body whether there is one */
function readMethod(value, body) {
  if (value === undefined) return body ? 'POST' : 'GET';
  if (typeof value !== 'string' || !TOKEN.test(value)) throw new TypeError(`method must be a token such as PUT, got ${show(value)}`);
  const method = ANY_CASE.test(value) ? value.toUpperCase() : value;
  if (method === 'CONNECT') throw new TypeError('method: CONNECT opens a tunnel and is no transfer');
  if (method === 'HEAD' && body) throw new TypeError('body: a HEAD request has none');
  return method;
}

/** How many redirects may be followed. @param {unknown} value */
function readFollow(value) {
  if (typeof value === 'boolean') return value ? FOLLOW : 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= FOLLOW_MOST) return value;
  const message = `follow must be true, false or a number of redirects, got ${show(value)}`;
  throw typeof value === 'number' ? new RangeError(message) : new TypeError(message);
}

/** The only value of a header that rules how the body is framed; it is taken out of the headers. @param {Map<string, string[]>} headers @param {string} name */
function takeHeader(headers, name) {
  const lines = headers.get(name);
  if (lines === undefined) return undefined;
  headers.delete(name);
  const values = new Set(lines.map((line) => line.slice(name.length + 1).trim()));
  if (values.size > 1) throw new TypeError(`headers: ${name} is given twice`);
  return [...values][0];
}

/** @param {Record<string, unknown>} options @returns {string | undefined} */
function readJson({ json, body }) {
  if (json === undefined) return undefined;
  if (body !== undefined && body !== null) throw new TypeError('json and body: a request has one body, give one of them');
  let text;
  try {
    text = JSON.stringify(json);
  } catch (cause) {
    throw new TypeError(`json: it cannot be written as JSON: ${cause instanceof Error ? cause.message.split('\n')[0] : cause}`, { cause });
  }
  if (text === undefined) throw new TypeError(`json: there is no JSON for it, got ${show(json)}`);
  return text;
}

/**
 * The body and what frames it: those headers are the engine's to write, so an own one must be true.
 * @param {any} given @param {Map<string, string[]>} headers
 */
function readFramedBody(given, headers) {
  const length = takeHeader(headers, 'content-length'), coding = takeHeader(headers, 'transfer-encoding');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new TypeError(`headers: content-length must be a number of bytes, got ${show(length)}`);
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || length !== undefined)) {
    throw new TypeError('headers: transfer-encoding can only be chunked, without content-length');
  }
  const announced = length === undefined ? -1 : Number(length);
  if (given === undefined || given === null) {
    if (announced > 0 || coding !== undefined) throw new TypeError('headers: content-length and transfer-encoding speak of a body, and there is none');
    return { body: null, size: announced === 0 ? 0 : -1 };
  }
  const body = readBody(given, announced);
  if (announced >= 0 && body.size !== announced) throw new TypeError(`headers: content-length is ${announced}, but the body has ${body.size} bytes`);
  return { body, size: coding === undefined ? body.size : -1 };
}

/**
 * A file is read or written, and that is all there is to ask of one.
 * @param {Record<string, unknown>} options @param {boolean} body whether there is one
 * @returns {boolean} whether it is written
 */
function readFileRequest({ method, headers, follow, failOnError, tls, socketPath, to }, body) {
  const puts = /^put$/i.test(String(method)), writes = body || puts;
  if (method !== undefined && !puts && (body || !/^get$/i.test(String(method)))) {
    throw new TypeError(`method: a file is read with GET, or written with PUT and a body, got ${show(method)}`);
  }
  if (headers !== undefined && readHeaders(headers).size > 0) throw new TypeError('headers: a file has none');
  if (tls !== undefined) throw new TypeError('tls: a file is on this machine');
  if (socketPath !== undefined) throw new TypeError('socketPath: a file needs no connection');
  if (follow) throw new TypeError('follow: a file does not redirect');
  if (failOnError) throw new TypeError('failOnError: a file has no status');
  if (writes && to !== undefined) throw new TypeError('to: nothing comes back when a file is written');
  return writes;
}

/**
 * A file that is written is emptied first: it must not be the one that is read, by its URL or by a stream of Node's.
 * @param {string} href @param {boolean} writes a file @param {any} body as given @param {import('./sinks.js').Target | null} to
 */
function checkPlaces(href, writes, body, to) {
  const from = typeof body?.pipe === 'function' ? body.path : undefined;
  const path = to?.path ?? undefined;
  const isSameFile = platform.files?.isSame ?? (() => false);
  if (path !== undefined && href.startsWith('file:') && isSameFile(href, path)) throw new TypeError(`to: ${show(path)} is the file that is read, it would be emptied first`);
  if (from === undefined) return;
  if (path !== undefined && isSameFile(from, path)) throw new TypeError(`to: ${show(path)} is the file that the body is read from, it would be emptied first`);
  if (writes && isSameFile(from, href)) throw new TypeError('body: it is read from the file that is written, which would be emptied first');
}

/** @param {unknown} path @returns {string} */
function readSocketPath(path) {
  if (typeof path !== 'string' || path === '') throw new TypeError(`socketPath must be a path, got ${show(path)}`);
  if (!/^[\x20-\x7e]+$/.test(path)) throw new TypeError(`socketPath must be of printable ASCII characters, got ${show(path)}`);
  return path;
}

/** @param {string} method @param {{ body: import('./source.js').Body | null, size: number }} framed @returns {string} words */
function requestWords(method, { body, size }) {
  const plain = body !== null || size === 0 || SAYS_EMPTY.has(method) ? 'PUT' : 'GET';
  const upload = plain === 'PUT' ? numberWord(UPLOAD, 1) + numberWord(INFILESIZE, body === null ? 0 : size) : '';
  if (method === 'HEAD') return upload + numberWord(NOBODY, 1);
  return method === plain ? upload : upload + textWord(CUSTOMREQUEST, method);
}

/**
 * @param {string | URL} url @param {unknown} given TransferOptions
 * @returns {Settings}
 */
export function readOptions(url, given = {}) {
  const options = checkObject('options', given);
  checkNames(options, OPTIONS);
  const { href, words, credentials } = readUrl(url);
  const { follow = true, failOnError = false, decompress = false, maxBody = MAX_BODY, onData, borrow = false, signal, multi } = options;
  if (decompress !== false) throw new TypeError(`decompress: content is not decoded yet, only false is accepted, got ${show(decompress)}`);
  if (typeof failOnError !== 'boolean') throw new TypeError(`failOnError must be true or false, got ${show(failOnError)}`);
  if (onData !== undefined && typeof onData !== 'function') throw new TypeError(`onData must be a function, got ${show(onData)}`);
  if (typeof borrow !== 'boolean') throw new TypeError(`borrow must be true or false, got ${show(borrow)}`);
  if (borrow && onData === undefined) throw new TypeError('borrow: it is onData that borrows, and there is none');
  if (options.debug !== undefined && typeof options.debug !== 'function') throw new TypeError(`debug must be a function, got ${show(options.debug)}`);
  if (onData !== undefined && options.to !== undefined) throw new TypeError('onData and to: a body goes to one place, give one of them');
  if (signal !== undefined && (typeof (/** @type {any} */ (signal)?.addEventListener) !== 'function' || typeof (/** @type {any} */ (signal).removeEventListener) !== 'function')) throw new TypeError(`signal must be an AbortSignal, got ${show(signal)}`);
  if (multi !== undefined && !(multi instanceof Multi)) throw new TypeError(`multi must be a Multi, got ${show(multi)}${multi?.constructor?.name === 'Multi' ? ': one of another copy of this package' : ''}`);
  const headers = options.headers === undefined ? NO_HEADERS : readHeaders(options.headers);
  const json = readJson(options);
  const framed = readFramedBody(json ?? options.body, headers);
  const isFile = href.startsWith('file:');
  const method = !isFile ? readMethod(options.method, framed.body !== null)
    : readFileRequest(options, framed.body !== null) ? 'PUT' : 'GET';
  const { tls, verify } = readTls(options.tls);
  const redirects = readFollow(follow);
  /** @type {Settings} */
  const settings = {
    url: href,
    method,
    words: words + requestWords(method, framed),
    numbers: [],
    tls,
    onData: /** @type {Settings['onData']} */ (onData),
    borrow,
    debug: /** @type {Settings['debug']} */ (options.debug),
    to: options.to === undefined ? null : readTarget(options.to, headers.get('range')?.[0].slice('range:'.length).trim()),
    body: framed.body,
    failOnError,
    maxBody: checkNumber('maxBody', maxBody, 'bytes'),
    signal: /** @type {AbortSignal | undefined} */ (signal),
    multi,
  };
  if (method === 'HEAD' && settings.to?.path) throw new TypeError(`to: a HEAD request brings no body, ${show(settings.to.path)} would be emptied`);
  checkPlaces(href, isFile && method === 'PUT', options.body, settings.to);
  readNumbers(options, settings.numbers);
  if (isFile) return settings;
  const type = json === undefined ? framed.body?.type : JSON_TYPE;
  if (framed.body?.form && headers.has('content-type')) throw new TypeError('headers: the content-type of FormData says how its parts are separated; leave it out');
  if (platform.agent && !headers.has('user-agent')) settings.words += OWN_AGENT;
  if (options.socketPath !== undefined) settings.words += textWord(UNIX_SOCKET_PATH, readSocketPath(options.socketPath));
  if (credentials !== null && !headers.has('authorization')) settings.words += textWord(USERPWD, credentials);
  if (type && !headers.has('content-type')) settings.words += headerWord(`Content-Type: ${type}`);
  if (json !== undefined && !headers.has('accept')) settings.words += headerWord(`Accept: ${JSON_TYPE}`);
  for (const lines of headers.values()) for (const line of lines) settings.words += headerWord(line);
  if (redirects > 0) settings.words += redirects === FOLLOW ? FOLLOWS : followWords(redirects);
  if (!verify) settings.words += numberWord(SSL_VERIFYPEER, 0) + numberWord(SSL_VERIFYHOST, 0);
  return settings;
}
