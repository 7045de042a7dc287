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

export const OK = 0, FAILED_INIT = 2, WRITE_ERROR = 23, READ_ERROR = 26, OUT_OF_MEMORY = 27, OPERATION_TIMEDOUT = 28, ABORTED = 42,
  FILESIZE_EXCEEDED = 63, SEND_FAIL_REWIND = 65;

/** @param {number} errno a CURLcode @returns {string} its name, 'CURLE_OPERATION_TIMEDOUT' */
export function codeName(errno) {
  return `CURLE_${NAMES[errno] ?? `UNKNOWN_${errno}`}`;
}

/** Why a transfer did not complete. */
export class TransferError extends Error {
  /**
   * @param {string} message empty: the code's name
   * @param {number} errno a CURLcode
   * @param {import('./result.js').Result} result what is known of the transfer at its end
   * @param {ErrorOptions} [options] cause: what the user's own code threw
   */
  constructor(message, errno, result, options) {
    super(message || codeName(errno), options);
    /** @readonly @type {'TransferError' | 'AbortError' | 'TimeoutError'} */
    this.name = errno === OPERATION_TIMEDOUT ? 'TimeoutError' : errno === ABORTED ? 'AbortError' : 'TransferError';
    /** libcurl's name of the code: 'CURLE_COULDNT_CONNECT'. @readonly */
    this.code = codeName(errno);
    /** libcurl's number of the code: 7. @readonly */
    this.errno = errno;
    /** @readonly @type {import('./result.js').Result} */
    this.result = result;
    Object.defineProperty(this, 'result', { enumerable: false });
  }
}
