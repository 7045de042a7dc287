import { describe, expect, test } from '@jest/globals';
import { codeName } from '../js/errors.js';
import { TransferError } from '../js/index.js';

describe('names of codes', () => {
  test.each([
    [0, 'CURLE_OK'], [1, 'CURLE_UNSUPPORTED_PROTOCOL'], [2, 'CURLE_FAILED_INIT'], [3, 'CURLE_URL_MALFORMAT'],
    [6, 'CURLE_COULDNT_RESOLVE_HOST'], [7, 'CURLE_COULDNT_CONNECT'], [9, 'CURLE_REMOTE_ACCESS_DENIED'], [16, 'CURLE_HTTP2'],
    [18, 'CURLE_PARTIAL_FILE'], [22, 'CURLE_HTTP_RETURNED_ERROR'], [23, 'CURLE_WRITE_ERROR'], [26, 'CURLE_READ_ERROR'],
    [27, 'CURLE_OUT_OF_MEMORY'], [28, 'CURLE_OPERATION_TIMEDOUT'], [35, 'CURLE_SSL_CONNECT_ERROR'],
    [37, 'CURLE_FILE_COULDNT_READ_FILE'], [42, 'CURLE_ABORTED_BY_CALLBACK'], [43, 'CURLE_BAD_FUNCTION_ARGUMENT'],
    [47, 'CURLE_TOO_MANY_REDIRECTS'], [48, 'CURLE_UNKNOWN_OPTION'], [52, 'CURLE_GOT_NOTHING'], [55, 'CURLE_SEND_ERROR'],
    [56, 'CURLE_RECV_ERROR'], [58, 'CURLE_SSL_CERTPROBLEM'], [60, 'CURLE_PEER_FAILED_VERIFICATION'],
    [61, 'CURLE_BAD_CONTENT_ENCODING'], [63, 'CURLE_FILESIZE_EXCEEDED'], [65, 'CURLE_SEND_FAIL_REWIND'],
    [77, 'CURLE_SSL_CACERT_BADFILE'], [81, 'CURLE_AGAIN'], [89, 'CURLE_NO_CONNECTION_AVAILABLE'],
    [90, 'CURLE_SSL_PINNEDPUBKEYNOTMATCH'], [92, 'CURLE_HTTP2_STREAM'], [93, 'CURLE_RECURSIVE_API_CALL'],
    [97, 'CURLE_PROXY'], [100, 'CURLE_TOO_LARGE'], [101, 'CURLE_ECH_REQUIRED'], [999, 'CURLE_UNKNOWN_999'],
  ])('%i is %s', (errno, name) => expect(codeName(errno)).toBe(name));

  test('every code up to the last has one name of its own', () => {
    const names = Array.from({ length: 102 }, (_, errno) => codeName(errno));
    expect(new Set(names).size).toBe(102);
    expect(names.filter((name) => !/^CURLE_[A-Z0-9_]+$/.test(name) || /UNKNOWN_\d/.test(name))).toEqual([]);
  });
});

describe('TransferError', () => {
  test.each([[28, 'TimeoutError'], [42, 'AbortError'], [7, 'TransferError'], [23, 'TransferError']])('%i is a %s', (errno, name) => {
    const result = /** @type {any} */ ({ errno });
    const error = new TransferError('because', errno, result);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name, errno, code: codeName(errno), message: 'because', result });
    expect('cause' in error).toBe(false);
    expect(String(error)).toBe(`${name}: because`);
    expect(Object.keys(error)).not.toContain('result'); // a printed error stays short
  });

  test('without words it says its code; a cause is kept', () => {
    const cause = new Error('inner');
    expect(new TransferError('', 7, /** @type {any} */ ({}), { cause })).toMatchObject({ message: 'CURLE_COULDNT_CONNECT', cause });
  });
});
