// js/cli/args.js: what was asked for on the command line, checked before anything starts.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { Multi, fetchHost, nodeHost } from '../index.js';
import { builtin } from '../builtin.js';
import { isSameFile } from '../file-sink.js';

export const USAGE = `Usage: sluice [options] URL

Downloads URL (http:, https: or file:). One without a scheme, such as example.org/file, is taken for http://.

  -o, --output FILE        write to FILE instead of standard output; -: to standard output, also when it is a terminal
                           and the bytes are binary
  -C, --continue-at N      go on after N bytes; -: after those that FILE has
      --limit-rate RATE    bytes a second at most; 500k and 2m are understood
      --max-time S         seconds for the whole transfer at most
      --connect-timeout S  seconds until connected at most
      --speed-limit RATE   stop when slower than RATE bytes a second (1) ...
      --speed-time S       ... for S seconds (30)
  -H, --header LINE        send the header 'Name: value'; may be repeated
  -I, --head               ask for the head only, and write it
  -X, --request METHOD     use this method
  -d, --data DATA          send DATA with POST, as a form; @FILE: what is in FILE
  -T, --upload-file FILE   send FILE with PUT; -: standard input
  -f, --fail               a status of 400 or more is an error
  -L, --location           follow redirects, which is the default
      --no-location        follow none
      --max-redirs N       follow at most N redirects (20)
      --cacert FILE        trust the certificates (PEM) in FILE, and no others
  -k, --insecure           take any certificate
      --host NAME          node: sockets (default); fetch: Node's own fetch, without TLS options
      --scenes             without URL: show on real transfers what Sluice does
  -h, --help
      --version

Keys, on a terminal: space pauses and resumes; - halves the rate limit, + doubles it, 0 removes it; q stops, as Ctrl-C
does. A download that was stopped says the command that resumes it.

The exit code is 0, or libcurl's: 2 wrong usage, 3 malformed URL, 7 cannot connect, 18 closed too early,
22 the status is an error, 23 cannot write, 28 too slow or too late, 33 cannot be continued, 42 interrupted,
60 certificate not trusted ...
`;

/**
 * @typedef {object} Job
 * @property {string} url
 * @property {string | undefined} output a file; undefined: standard output
 * @property {boolean} binary standard output was asked for by name: binary bytes may go to a terminal
 * @property {number | '-' | undefined} from bytes that are there already; '-': those in `output`
 * @property {string | undefined} upload a file; '-': standard input
 * @property {string[]} argv as it was given
 * @property {import('../index.js').TransferOptions} options
 */

/** Nothing was started. */
export class UsageError extends Error {
  /** @param {string} message @param {number} [exitCode] */
  constructor(message, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @type {import('node:util').ParseArgsConfig['options'] & {}} */
const OPTIONS = {
  output: { type: 'string', short: 'o' },
  'continue-at': { type: 'string', short: 'C' },
  'limit-rate': { type: 'string' },
  'max-time': { type: 'string' },
  'connect-timeout': { type: 'string' },
  'speed-limit': { type: 'string' },
  'speed-time': { type: 'string' },
  header: { type: 'string', short: 'H', multiple: true },
  head: { type: 'boolean', short: 'I' },
  request: { type: 'string', short: 'X' },
  data: { type: 'string', short: 'd', multiple: true },
  'upload-file': { type: 'string', short: 'T' },
  fail: { type: 'boolean', short: 'f' },
  location: { type: 'boolean', short: 'L' },
  'no-location': { type: 'boolean' },
  'max-redirs': { type: 'string' },
  cacert: { type: 'string' },
  insecure: { type: 'boolean', short: 'k' },
  host: { type: 'string' },
  scenes: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
};

/** @param {string[]} argv @returns {{ show?: 'help' | 'version', job?: Job, scenes?: () => import('../index.js').Host }} scenes: over which host; none of them: nothing was asked for @throws {UsageError} */
export function readArguments(argv) {
  const { values, positionals } = parse(argv);
  if (values.help) return { show: 'help' };
  if (values.version) return { show: 'version' };
  const host = readHost(values.host ?? 'node');
  if (values.scenes) {
    if (positionals.length > 0 || Object.keys(values).some((name) => name !== 'host' && name !== 'scenes')) throw new UsageError('--scenes takes nothing but --host');
    return { scenes: host };
  }
  if (positionals.length === 0) {
    if (Object.keys(values).length > 0) throw new UsageError('the URL is missing; see sluice --help');
    return {};
  }
  if (positionals.length > 1) throw new UsageError(`one URL at a time, got ${positionals.map((one) => JSON.stringify(one)).join(' and ')}`);
  checkTogether(values);
  const upload = values['upload-file'], url = checkUrl(positionals[0], upload), binary = values.output === '-';
  if (binary) delete values.output;
  checkFiles(url, upload, values.output);
  return {
    job: {
      url,
      output: values.output,
      binary,
      from: readFrom(values),
      upload,
      argv,
      options: { ...readOptions(values), multi: new Multi({ host: host() }) },
    },
  };
}

const SCHEMES = new Set(['http', 'https', 'file']);
/** Hosts whose name begins so are not guessed to be of http:, as libcurl guesses. */
const OTHER_HOSTS = /^(?:[^/?#]*@)?(ftp|dict|ldap|imap|smtp|pop3)\./i;

/** What cannot be asked for at once. @param {Record<string, any>} values */
function checkTogether(values) {
  for (const names of [['head', 'data', 'upload-file'], ['head', 'continue-at'], ['data', 'continue-at'], ['upload-file', 'continue-at'], ['location', 'no-location'], ['no-location', 'max-redirs']]) {
    const given = names.filter((name) => values[name] !== undefined);
    if (given.length > 1) throw new UsageError(`--${given[0]} and --${given[1]} do not go together`);
  }
}

/** @param {string[]} argv @returns {{ values: Record<string, any>, positionals: string[] }} */
function parse(argv) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const [words] = /** @type {Error} */ (error).message.split(/\.\s/, 1);
    throw new UsageError(`${words}; see sluice --help`);
  }
}

/** The URL, its scheme guessed where there is none; the file that is sent to a folder has its name there. @param {string} given @param {string | undefined} upload */
function checkUrl(given, upload) {
  const scheme = /^([a-z][a-z0-9+.-]*):\/|^(file):/i.exec(given)?.slice(1).find(Boolean)?.toLowerCase(); // in host:80 it is none
  const guessed = scheme ?? OTHER_HOSTS.exec(given)?.[1].toLowerCase() ?? 'http', text = scheme === undefined ? `${guessed}://${given}` : given;
  if (!SCHEMES.has(guessed)) {
    const hint = scheme === undefined ? `; it was guessed from the host's name, http://${given} is clear` : '';
    throw new UsageError(`(1) CURLE_UNSUPPORTED_PROTOCOL: ${guessed}: is not http:, https: or file:${hint}`, 1);
  }
  if (!URL.canParse(text)) throw new UsageError(`(3) CURLE_URL_MALFORMAT: ${JSON.stringify(given)} is not a URL`, 3);
  return upload !== undefined && upload !== '-' && /^[^?#]*\/$/.test(text) && new URL(text).pathname.endsWith('/') ? text + encodeURIComponent(basename(upload)) : text;
}

/** A file that is written is emptied first. @param {string} url @param {string | undefined} upload @param {string | undefined} output */
function checkFiles(url, upload, output) {
  if (output !== undefined && [url, upload].some((from) => isSameFile(from, output))) throw new UsageError(`--output: ${output} is the file that is read`);
  if (url.startsWith('file:') && isSameFile(upload, url)) throw new UsageError(`--upload-file: ${upload} is the file that is written`);
}

/** @param {Record<string, any>} values @returns {Job['options']} */
function readOptions(values) {
  /** @type {Job['options']} */
  const options = {};
  /** @type {[string, string][]} */
  const headers = (values.header ?? []).map(readHeader);
  /** @param {string} name */
  const has = (name) => headers.some(([given]) => given.toLowerCase() === name);
  if (values.request !== undefined) options.method = values.request;
  else if (values.head) options.method = 'HEAD';
  else if (values['upload-file'] !== undefined) options.method = 'PUT';
  if (values.data !== undefined) {
    options.body = Buffer.concat(values.data.flatMap(readData));
    if (!has('content-type')) headers.push(['Content-Type', 'application/x-www-form-urlencoded']);
  }
  if (values['continue-at'] !== undefined && has('range')) throw new UsageError('--continue-at sends the header Range itself');
  if (headers.length > 0) options.headers = headers;
  if (values.fail) options.failOnError = true;
  if (values['no-location']) options.follow = false;
  if (values['max-redirs'] !== undefined) options.follow = readCount('max-redirs', values['max-redirs'], 32767);
  if (values['limit-rate'] !== undefined) options.maxRecvSpeed = options.maxSendSpeed = readRate('limit-rate', values['limit-rate']);
  if (values['max-time'] !== undefined) options.timeoutMs = readSeconds('max-time', values['max-time']);
  if (values['connect-timeout'] !== undefined) options.connectTimeoutMs = readSeconds('connect-timeout', values['connect-timeout']);
  if (values['speed-limit'] !== undefined || values['speed-time'] !== undefined) {
    options.lowSpeed = {
      bytesPerSecond: readRate('speed-limit', values['speed-limit'] ?? '1'),
      ms: readSeconds('speed-time', values['speed-time'] ?? '30'),
    };
  }
  if (values.cacert !== undefined) options.tls = { ca: readCertificates(values.cacert) };
  if (values.insecure) options.tls = { ...options.tls, verify: false };
  return options;
}

/** @param {string} name */
function readHost(name) {
  if (name === 'node') return nodeHost;
  if (name === 'fetch') return fetchHost;
  throw new UsageError(`--host must be node or fetch, got ${JSON.stringify(name)}`);
}

/** @param {string} line @returns {[string, string]} */
function readHeader(line) {
  const parts = /^([^:]+):[ \t]*(.*\S)[ \t]*$/s.exec(line);
  if (parts === null) throw new UsageError(`--header must be 'Name: value', got ${JSON.stringify(line)}`);
  return [parts[1], Buffer.from(parts[2], 'utf8').toString('latin1')]; // goes out as the bytes that were typed
}

/** The pieces of a form are joined as libcurl does. @param {string} text @param {number} index @returns {Buffer[]} */
function readData(text, index) {
  const before = index === 0 ? [] : [Buffer.from('&')];
  if (!text.startsWith('@')) return [...before, Buffer.from(text)];
  try {
    return [...before, readFileSync(text.slice(1))];
  } catch (error) {
    throw new UsageError(`(26) CURLE_READ_ERROR: cannot read ${text.slice(1)}: ${/** @type {Error} */ (error).message}`, 26);
  }
}

/** @param {Record<string, any>} values @returns {Job['from']} */
function readFrom({ 'continue-at': from, output }) {
  if (from === undefined) return undefined;
  if (from !== '-') return readCount('continue-at', from, Number.MAX_SAFE_INTEGER);
  if (output === undefined) throw new UsageError('--continue-at - goes on with a file: name it with --output');
  return from;
}

/** @param {string} name @param {string} text @param {number} most */
function readCount(name, text, most) {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(count <= most)) throw new UsageError(`--${name} must be a whole number, at most ${most}, got ${JSON.stringify(text)}`);
  return count;
}

/** @param {string} name @param {string} text @returns {number} bytes a second */
function readRate(name, text) {
  const parts = /^(\d+)([km]?)$/i.exec(text);
  const rate = parts ? Number(parts[1]) * { '': 1, k: 1024, m: 1024 * 1024 }[/** @type {'' | 'k' | 'm'} */ (parts[2].toLowerCase())] : NaN;
  if (!Number.isSafeInteger(rate)) throw new UsageError(`--${name} must be a number of bytes such as 5000, 500k or 2m, got ${JSON.stringify(text)}`);
  return rate;
}

/** @param {string} name @param {string} text @returns {number} milliseconds */
function readSeconds(name, text) {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : NaN;
  if (!Number.isSafeInteger(ms)) throw new UsageError(`--${name} must be a number of seconds such as 10 or 0.5, got ${JSON.stringify(text)}`);
  return ms;
}

/** @param {string} file @returns {string} */
function readCertificates(file) {
  try {
    const text = readFileSync(file, 'utf8');
    new (builtin('node:crypto').X509Certificate)(text); // Node ignores what is none
    return text;
  } catch (error) {
    throw new UsageError(`(77) CURLE_SSL_CACERT_BADFILE: no certificates in ${file}: ${/** @type {Error} */ (error).message}`, 77);
  }
}
