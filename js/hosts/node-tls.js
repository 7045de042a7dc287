// js/hosts/node-tls.js: TLS options under a word, because an open spec is text; and what goes wrong with sockets, in
// the door's codes.
import { builtin } from '../builtin.js';
import { RefusedError, SSL_CACERT_BADFILE, SSL_CERTPROBLEM } from '../errors.js';
import * as door from './door.js';

/** Bytes count by their content, whatever array carries them. @param {string} _key @param {any} value */
const byContent = (_key, value) =>
  value?.type === 'Buffer' ? value.data : value instanceof Uint8Array ? Array.from(value) : value;

/** @param {door.TlsOptions['ca']} value @returns {Array<string | Uint8Array>} */
const listOf = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

/**
 * Node takes anything for a `ca`, and then trusts nobody.
 * @param {door.TlsOptions} options @returns {import('node:tls').SecureContext}
 * @throws {RefusedError} names the option
 */
function contextOf(options) {
  const tls = builtin('node:tls'), { X509Certificate } = builtin('node:crypto');
  for (const pem of listOf(options.ca)) {
    try {
      new X509Certificate(pem);
    } catch (cause) {
      throw new RefusedError(`tls.ca: no certificate in it that can be read, it must be PEM (${wordsOf(cause)})`, SSL_CACERT_BADFILE);
    }
  }
  try {
    return tls.createSecureContext(/** @type {import('node:tls').SecureContextOptions} */ (options));
  } catch (cause) {
    const code = options.cert || options.key ? SSL_CERTPROBLEM : SSL_CACERT_BADFILE;
    throw new RefusedError(`tls.${options.cert || options.key ? 'cert, tls.key' : 'ca'}: ${wordsOf(cause)}`, code);
  }
}

/** Registered TLS options; one secure context for all sockets of a word. */
export function tlsWords() {
  const words = /** @type {Map<string, { options: door.TlsOptions, context?: import('node:tls').SecureContext }>} */ (new Map());
  words.set('', { options: {} });
  return {
    /** @param {door.TlsOptions} options @returns {string} equal for equal contents @throws {RefusedError} they cannot be used */
    register(options) {
      const content = JSON.stringify(Object.entries(options).sort(), byContent);
      const word = builtin('node:crypto').createHash('sha256').update(content).digest('hex').slice(0, 32);
      if (!words.has(word)) words.set(word, { options: { ...options }, context: contextOf(options) });
      return word;
    },
    /** Options for tls.connect, or a code. @param {Record<string, string>} spec */
    options(spec) {
      const entry = words.get(spec.ca ?? spec.cert ?? '');
      if (entry === undefined) return spec.ca ? door.SL_TLS_CA : door.SL_TLS_CERT;
      return {
        secureContext: (entry.context ??= builtin('node:tls').createSecureContext()),
        servername: entry.options.servername ?? (builtin('node:net').isIP(spec.name) ? '' : spec.name),
        rejectUnauthorized: spec.verify !== '0',
        ALPNProtocols: spec.alpn?.split(','),
      };
    },
  };
}

const NO_TLS = 'the server does not speak TLS on this port: is it http:, or another port?';
const NO_ISSUER = 'who issued the certificate of the server is not known here, or the server sends an incomplete chain: give the issuer as tls.ca to trust it';
const NO_CERT = 'the server wants a certificate: give tls.cert and tls.key';
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

/** In words what OpenSSL and Node say in theirs, and what there is to do. @type {Record<string, string>} */
const TLS_WORDS = {
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_HTTP_REQUEST: NO_TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate of the server is self-signed: give it as tls.ca to trust it',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate of the server comes from an authority that is not trusted here: give that as tls.ca to trust it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NO_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT: NO_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NO_ISSUER,
  CERT_HAS_EXPIRED: 'the certificate of the server has expired, or the clock here is wrong',
  CERT_NOT_YET_VALID: 'the certificate of the server is not valid yet, or the clock here is wrong',
  CERT_REVOKED: 'the certificate of the server was revoked',
  INVALID_PURPOSE: 'the certificate of the server is not one for servers',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: NO_CERT,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the server refuses the TLS handshake: no version or cipher in common, or it wants a certificate (tls.cert, tls.key)',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server takes no version of TLS that is taken here',
};

/** An AggregateError, of several addresses, has no message of its own. @param {any} error */
export function wordsOf(error) {
  if (error?.code === 'ERR_TLS_CERT_ALTNAME_INVALID' && error.cert?.subjectaltname !== undefined)
    return `the certificate of the server is for ${error.cert.subjectaltname}, not for ${error.host}`;
  if (Object.hasOwn(TLS_WORDS, error?.code)) return TLS_WORDS[error.code];
  const words = String(error?.message || error?.errors?.map((/** @type {Error} */ one) => one.message).join('; ') || error);
  // "805C231DAE7F0000:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/ssl3_record.c:350:"
  return words.replace(/(?:[0-9A-F]+:)?error:[0-9A-F]+:([^:]*):([^:]*):([^:\n]*)(?::.*)?\n?/g, (_all, where, _what, reason) => `${reason} (${where})`);
}
