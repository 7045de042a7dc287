// js/errors.js: the errors of a transfer: libcurl's codes under the web's names.

/** Index: CURLcode. Empty: a number libcurl no longer uses. */
const NAMES = ('OK UNSUPPORTED_PROTOCOL FAILED_INIT URL_MALFORMAT NOT_BUILT_IN COULDNT_RESOLVE_PROXY COULDNT_RESOLVE_HOST ' +
  'COULDNT_CONNECT WEIRD_SERVER_REPLY REMOTE_ACCESS_DENIED FTP_ACCEPT_FAILED FTP_WEIRD_PASS_REPLY FTP_ACCEPT_TIMEOUT ' +
  'FTP_WEIRD_PASV_REPLY FTP_WEIRD_227_FORMAT FTP_CANT_GET_HOST HTTP2 FTP_COULDNT_SET_TYPE PARTIAL_FILE ' +
  'FTP_COULDNT_RETR_FILE OBSOLETE20 QUOTE_ERROR HTTP_RETURNED_ERROR WRITE_ERROR OBSOLETE24 UPLOAD_FAILED READ_ERROR ' +
  'OUT_OF_MEMORY OPERATION_TIMEDOUT OBSOLETE29 FTP_PORT_FAILED FTP_COULDNT_USE_REST OBSOLETE32 RANGE_ERROR OBSOLETE34 ' +
  'SSL_CONNECT_ERROR BAD_DOWNLOAD_RESUME FILE_COULDNT_READ_FILE LDAP_CANNOT_BIND LDAP_SEARCH_FAILED OBSOLETE40 OBSOLETE41 ' +
  'ABORTED_BY_CALLBACK BAD_FUNCTION_ARGUMENT OBSOLETE44 INTERFACE_FAILED OBSOLETE46 TOO_MANY_REDIRECTS UNKNOWN_OPTION ' +
  'SETOPT_OPTION_SYNTAX OBSOLETE50 OBSOLETE51 GOT_NOTHING SSL_ENGINE_NOTFOUND SSL_ENGINE_SETFAILED SEND_ERROR RECV_ERROR ' +
  'OBSOLETE57 SSL_CERTPROBLEM SSL_CIPHER PEER_FAILED_VERIFICATION BAD_CONTENT_ENCODING OBSOLETE62 FILESIZE_EXCEEDED ' +
  'USE_SSL_FAILED SEND_FAIL_REWIND SSL_ENGINE_INITFAILED LOGIN_DENIED TFTP_NOTFOUND TFTP_PERM REMOTE_DISK_FULL ' +
  'TFTP_ILLEGAL TFTP_UNKNOWNID REMOTE_FILE_EXISTS TFTP_NOSUCHUSER OBSOLETE75 OBSOLETE76 SSL_CACERT_BADFILE ' +
  'REMOTE_FILE_NOT_FOUND SSH SSL_SHUTDOWN_FAILED AGAIN SSL_CRL_BADFILE SSL_ISSUER_ERROR FTP_PRET_FAILED RTSP_CSEQ_ERROR ' +
  'RTSP_SESSION_ERROR FTP_BAD_FILE_LIST CHUNK_FAILED NO_CONNECTION_AVAILABLE SSL_PINNEDPUBKEYNOTMATCH SSL_INVALIDCERTSTATUS ' +
  'HTTP2_STREAM RECURSIVE_API_CALL AUTH_ERROR HTTP3 QUIC_CONNECT_ERROR PROXY SSL_CLIENTCERT UNRECOVERABLE_POLL TOO_LARGE ' +
  'ECH_REQUIRED').split(' ');

/**
 * libcurl's names of its codes.
 * @typedef {('CURLE_OK' | 'CURLE_UNSUPPORTED_PROTOCOL' | 'CURLE_FAILED_INIT' | 'CURLE_URL_MALFORMAT' | 'CURLE_NOT_BUILT_IN'
 *   | 'CURLE_COULDNT_RESOLVE_PROXY' | 'CURLE_COULDNT_RESOLVE_HOST' | 'CURLE_COULDNT_CONNECT' | 'CURLE_WEIRD_SERVER_REPLY'
 *   | 'CURLE_REMOTE_ACCESS_DENIED' | 'CURLE_FTP_ACCEPT_FAILED' | 'CURLE_FTP_WEIRD_PASS_REPLY' | 'CURLE_FTP_ACCEPT_TIMEOUT'
 *   | 'CURLE_FTP_WEIRD_PASV_REPLY' | 'CURLE_FTP_WEIRD_227_FORMAT' | 'CURLE_FTP_CANT_GET_HOST' | 'CURLE_HTTP2'
 *   | 'CURLE_FTP_COULDNT_SET_TYPE' | 'CURLE_PARTIAL_FILE' | 'CURLE_FTP_COULDNT_RETR_FILE' | 'CURLE_QUOTE_ERROR'
 *   | 'CURLE_HTTP_RETURNED_ERROR' | 'CURLE_WRITE_ERROR' | 'CURLE_UPLOAD_FAILED' | 'CURLE_READ_ERROR' | 'CURLE_OUT_OF_MEMORY'
 *   | 'CURLE_OPERATION_TIMEDOUT' | 'CURLE_FTP_PORT_FAILED' | 'CURLE_FTP_COULDNT_USE_REST' | 'CURLE_RANGE_ERROR'
 *   | 'CURLE_SSL_CONNECT_ERROR' | 'CURLE_BAD_DOWNLOAD_RESUME' | 'CURLE_FILE_COULDNT_READ_FILE' | 'CURLE_LDAP_CANNOT_BIND'
 *   | 'CURLE_LDAP_SEARCH_FAILED' | 'CURLE_ABORTED_BY_CALLBACK' | 'CURLE_BAD_FUNCTION_ARGUMENT' | 'CURLE_INTERFACE_FAILED'
 *   | 'CURLE_TOO_MANY_REDIRECTS' | 'CURLE_UNKNOWN_OPTION' | 'CURLE_SETOPT_OPTION_SYNTAX' | 'CURLE_GOT_NOTHING'
 *   | 'CURLE_SSL_ENGINE_NOTFOUND' | 'CURLE_SSL_ENGINE_SETFAILED' | 'CURLE_SEND_ERROR' | 'CURLE_RECV_ERROR'
 *   | 'CURLE_SSL_CERTPROBLEM' | 'CURLE_SSL_CIPHER' | 'CURLE_PEER_FAILED_VERIFICATION' | 'CURLE_BAD_CONTENT_ENCODING'
 *   | 'CURLE_FILESIZE_EXCEEDED' | 'CURLE_USE_SSL_FAILED' | 'CURLE_SEND_FAIL_REWIND' | 'CURLE_SSL_ENGINE_INITFAILED'
 *   | 'CURLE_LOGIN_DENIED' | 'CURLE_TFTP_NOTFOUND' | 'CURLE_TFTP_PERM' | 'CURLE_REMOTE_DISK_FULL' | 'CURLE_TFTP_ILLEGAL'
 *   | 'CURLE_TFTP_UNKNOWNID' | 'CURLE_REMOTE_FILE_EXISTS' | 'CURLE_TFTP_NOSUCHUSER' | 'CURLE_SSL_CACERT_BADFILE'
 *   | 'CURLE_REMOTE_FILE_NOT_FOUND' | 'CURLE_SSH' | 'CURLE_SSL_SHUTDOWN_FAILED' | 'CURLE_AGAIN' | 'CURLE_SSL_CRL_BADFILE'
 *   | 'CURLE_SSL_ISSUER_ERROR' | 'CURLE_FTP_PRET_FAILED' | 'CURLE_RTSP_CSEQ_ERROR' | 'CURLE_RTSP_SESSION_ERROR'
 *   | 'CURLE_FTP_BAD_FILE_LIST' | 'CURLE_CHUNK_FAILED' | 'CURLE_NO_CONNECTION_AVAILABLE' | 'CURLE_SSL_PINNEDPUBKEYNOTMATCH'
 *   | 'CURLE_SSL_INVALIDCERTSTATUS' | 'CURLE_HTTP2_STREAM' | 'CURLE_RECURSIVE_API_CALL' | 'CURLE_AUTH_ERROR' | 'CURLE_HTTP3'
 *   | 'CURLE_QUIC_CONNECT_ERROR' | 'CURLE_PROXY' | 'CURLE_SSL_CLIENTCERT' | 'CURLE_UNRECOVERABLE_POLL' | 'CURLE_TOO_LARGE'
 *   | 'CURLE_ECH_REQUIRED')} Code
 */

export const OK = 0, FAILED_INIT = 2, PARTIAL_FILE = 18, HTTP_RETURNED_ERROR = 22, WRITE_ERROR = 23, READ_ERROR = 26, OUT_OF_MEMORY = 27, OPERATION_TIMEDOUT = 28,
  RANGE_ERROR = 33, ABORTED = 42, SSL_CERTPROBLEM = 58, FILESIZE_EXCEEDED = 63, SEND_FAIL_REWIND = 65, SSL_CACERT_BADFILE = 77;
const COULDNT_RESOLVE_HOST = 6, COULDNT_CONNECT = 7, GOT_NOTHING = 52, SEND_ERROR = 55, RECV_ERROR = 56;

/** @param {number} errno a CURLcode @returns {Code} its name, 'CURLE_OPERATION_TIMEDOUT' */
export function codeName(errno) {
  return /** @type {Code} */ (`CURLE_${NAMES[errno] ?? `UNKNOWN_${errno}`}`);
}

/** What may pass by itself: the peer, or the way to it, failed. */
const PASSING = new Set([COULDNT_RESOLVE_HOST, COULDNT_CONNECT, PARTIAL_FILE, OPERATION_TIMEDOUT, GOT_NOTHING, SEND_ERROR, RECV_ERROR]);
const PASSING_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);
const SHOWN_MAX = 200; // letters of a URL in a message

/** What of a request an error needs to know. @typedef {{ url: string, method: string, body: { once?: boolean } | null }} Asked url: without credentials and fragment */

/** A URL as messages show it: without its query, which may hold secrets. @param {string} url */
function shown(url) {
  const text = url.replace(/\?.*/s, '?...');
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}

/** @param {number} errno @param {Asked} asked @param {import('./result.js').Result} result */
function mayRetry(errno, { method, body }, { status }) {
  if (body?.once) return false;
  if (errno === COULDNT_RESOLVE_HOST || errno === COULDNT_CONNECT) return true; // nothing of it was sent
  return IDEMPOTENT.has(method) && (errno === HTTP_RETURNED_ERROR ? PASSING_STATUS.has(status) : PASSING.has(errno));
}

/** Why a transfer did not complete. */
export class TransferError extends Error {
  /**
   * @param {string} message empty: the code's name
   * @param {number} errno a CURLcode
   * @param {import('./result.js').Result} result what is known of the transfer at its end
   * @param {{ cause?: unknown, asked?: Asked }} [options] cause: what the user's own code threw, or the platform. asked: its
   *   method and URL are put behind the message
   */
  constructor(message, errno, result, { cause, asked } = {}) {
    const words = (message || codeName(errno)).replace(/(:\/\/)[^/?#\s]*@/g, '$1'); // what a server redirects to may have credentials
    const moved = asked !== undefined && result.url !== asked.url && result.url !== '' ? `, redirected to ${shown(result.url)}` : '';
    super(asked === undefined ? words : `${words} (${asked.method} ${shown(asked.url)}${moved})`, cause === undefined ? undefined : { cause });
    /** @readonly @type {'TransferError' | 'AbortError' | 'TimeoutError'} */
    this.name = errno === OPERATION_TIMEDOUT ? 'TimeoutError' : errno === ABORTED ? 'AbortError' : 'TransferError';
    /** libcurl's name of the code: 'CURLE_COULDNT_CONNECT'. @readonly @type {Code} */
    this.code = codeName(errno);
    /** libcurl's number of the code: 7. @readonly */
    this.errno = errno;
    /**
     * Whether the same request may be made again and may succeed then: the network or the peer failed (no such name just
     * now, no connection, a reset, a body cut short, a timeout, a status of 408, 425, 429, 500, 502, 503 or 504), its body can
     * be given again, and its method is idempotent or nothing of it was sent.
     * @readonly @type {boolean}
     */
    this.retryable = asked !== undefined && mayRetry(errno, asked, result);
    /** @readonly @type {import('./result.js').Result} */
    this.result = result;
    for (const hidden of ['name', 'result']) Object.defineProperty(this, hidden, { enumerable: false });
  }
  /** What a log needs. */
  toJSON() {
    const { name, message, code, errno, retryable, cause } = this;
    const why = cause === undefined ? undefined : String(/** @type {any} */ (cause)?.message ?? cause);
    return { name, message, code, errno, retryable, status: this.result.status || undefined, cause: why };
  }
}

/** Options that a host cannot use, and the CURLcode that says so. */
export class RefusedError extends TypeError {
  /** @param {string} message @param {number} errno */
  constructor(message, errno) {
    super(message);
    this.errno = errno;
  }
}
