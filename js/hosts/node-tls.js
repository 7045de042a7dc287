// js/hosts/node-tls.js: TLS options under a word, because an open spec is text; and what goes wrong with sockets, in
// the door's codes.
import { builtin } from '../builtin.js';
import * as door from './door.js';

/** Bytes count by their content, whatever array carries them. @param {string} _key @param {any} value */
const byContent = (_key, value) =>
  value?.type === 'Buffer' ? value.data : value instanceof Uint8Array ? Array.from(value) : value;

/** Registered TLS options; one secure context for all sockets of a word, made at first use. */
export function tlsWords() {
  const words = /** @type {Map<string, { options: door.TlsOptions, context?: import('node:tls').SecureContext }>} */ (new Map());
  words.set('', { options: {} });
  return {
    /** @param {door.TlsOptions} options @returns {string} equal for equal contents */
    register(options) {
      const content = JSON.stringify(Object.entries(options).sort(), byContent);
      const word = builtin('node:crypto').createHash('sha256').update(content).digest('hex').slice(0, 32);
      if (!words.has(word)) words.set(word, { options: { ...options } });
      return word;
    },
    /** Options for tls.connect, or a code. @param {Record<string, string>} spec */
    options(spec) {
      const entry = words.get(spec.ca ?? spec.cert ?? '');
      if (entry === undefined) return spec.ca ? door.SL_TLS_CA : door.SL_TLS_CERT;
      try {
        entry.context ??= builtin('node:tls').createSecureContext(/** @type {import('node:tls').SecureContextOptions} */ (entry.options));
      } catch {
        return entry.options.cert || entry.options.key ? door.SL_TLS_CERT : door.SL_TLS_CA;
      }
      return {
        secureContext: entry.context,
        servername: entry.options.servername ?? (builtin('node:net').isIP(spec.name) ? '' : spec.name),
        rejectUnauthorized: spec.verify !== '0',
        ALPNProtocols: spec.alpn?.split(','),
      };
    },
  };
}

const BUSY = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
const RESET = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'ESHUTDOWN', 'ERR_STREAM_DESTROYED']);
const VERIFY = /CERT|ISSUER|CRL|HOSTNAME|LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/;

/**
 * @param {any} error what a socket emitted
 * @param {'name' | 'connect' | 'tls' | 'open'} phase how far it had come
 * @param {boolean} secure TLS is on or being put on
 * @returns {number} enum sl_code
 */
export function codeOf(error, phase, secure) {
  const code = String(error?.code ?? '');
  if (BUSY.has(code)) return door.SL_BUSY;
  if (error?.syscall === 'getaddrinfo' || code.startsWith('EAI_') || code === 'ENOTFOUND') return door.SL_RESOLVE;
  if (phase === 'name' || phase === 'connect') return door.SL_REFUSED;
  if (!code.startsWith('ERR_SSL') && VERIFY.test(code)) return door.SL_TLS_VERIFY;
  if (phase === 'tls' || (secure && /^ERR_(SSL|TLS)|^EPROTO$/.test(code))) return door.SL_TLS_FAILED;
  return RESET.has(code) ? door.SL_RESET : door.SL_IO;
}

/** An AggregateError, of several addresses, has no message of its own. @param {any} error */
export function wordsOf(error) {
  return String(error?.message || error?.errors?.map((/** @type {Error} */ one) => one.message).join('; ') || error);
}
