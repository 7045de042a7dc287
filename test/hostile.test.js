// Bad input and hostile servers. Whatever they do: a defined error or the correct whole, soon, and nothing left open.
//
// The server end of each case is a script (support/rawserver.js) that says which bytes go out in which pieces. A case
// that completes also says whether its connection may serve another request: after any doubt it may not.
import { Multi, Transfer } from '../js/index.js';
import { failure, within } from './support/bytes.js';
import { answering, rawServer } from './support/rawserver.js';

const CASE_MS = 2000; // no case may take longer
const PIECES_MAX = 3000; // long answers are dribbled a few bytes at a time instead of one
const OK = 0, UNSUPPORTED_PROTOCOL = 1, URL_MALFORMAT = 3, COULDNT_CONNECT = 7, WEIRD_REPLY = 8, PARTIAL_FILE = 18, WRITE_ERROR = 23,
  TIMEDOUT = 28, GOT_NOTHING = 52, RECV_ERROR = 56, BAD_ENCODING = 61, FILESIZE_EXCEEDED = 63, TOO_LARGE = 100;
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const withLength = (body, head = '') => `HTTP/1.1 200 OK\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`;

let multi, server;
beforeEach(() => { multi = new Multi(); });
afterEach(async () => {
  const open = server;
  server = undefined;
  await multi[Symbol.asyncDispose]();
  if (!open) return;
  await within(open.empty(), CASE_MS, 'the connections of a closed engine close');
  await open.close();
  expect(open.faults).toEqual([]);
});

/** @param {Transfer} transfer @returns {Promise<{ errno: number, text?: string, error?: any, result: any }>} */
async function outcome(transfer) {
  const ended = transfer.perform().then(
    (result) => ({ errno: result.errno, text: Buffer.from(result.body ?? '').toString('latin1'), result }),
    (error) => {
      if (error.errno === undefined) throw error;
      return { errno: error.errno, error, result: error.result };
    },
  );
  return within(ended, CASE_MS, 'an end');
}

const get = (path = '/', options = {}) => outcome(new Transfer(server.url(path), { multi, ...options }));

/** An answer in one piece (the connection stays open, so nothing may wait for more), and again byte by byte. */
async function bothWays(bytes, expected, options = {}) {
  for (const piece of [0, Math.ceil(bytes.length / PIECES_MAX)]) {
    server = await rawServer(answering(bytes, { piece }));
    const got = await get('/', options);
    const label = piece ? 'byte by byte' : 'in one piece';
    expect([label, got.errno]).toEqual([label, expected.errno]);
    if (expected.text !== undefined) expect([label, got.text]).toEqual([label, expected.text]);
    if (expected.errno === OK) {
      const again = await get('/', options);
      expect([label, again.errno, again.result.reused]).toEqual([label, OK, expected.reused ?? true]);
    } else {
      expect(got.error.message).not.toBe('');
      await within(server.peers[0].closed, CASE_MS, 'the connection of a failed transfer closes'); // X9
    }
    await server.close();
    expect(server.faults).toEqual([]);
  }
  server = undefined;
}

describe('what a caller gives is checked before anything starts, and the message names the value', () => {
  const make = (url, options) => () => new Transfer(url, options);
  test.each([
    ['no URL', undefined, 'undefined'],
    ['empty', '', '""'],
    ['no scheme', 'example.test/path', 'example.test/path'],
    ['no host', 'http://', 'http://'],
    ['port above 65535', 'http://localhost:65536/', '65536'],
    ['port not a number', 'http://localhost:80a/', '80a'],
    ['unclosed bracket', 'http://[::1/', '[::1'],
    ['not an address', 'http://[::zz]/', '::zz'],
    ['a space in the host', 'http://a b/', 'a b'],
    ['unknown scheme', 'gopher://localhost/', 'gopher:'],
    ['a number', 42, '42'],
    ['an object', {}, 'object'],
  ])('URL, %s: TypeError', (_name, url, shown) => {
    expect(make(url, {})).toThrow(TypeError);
    expect(make(url, {})).toThrow(shown);
  });

  test.each([
    ['port 0', 'http://localhost:0/', URL_MALFORMAT],
    ['an empty label', 'http://a..b/', URL_MALFORMAT],
  ])('URL, %s: TransferError, with the URL in it', async (_name, url, errno) => {
    const error = await failure((async () => new Transfer(url, { multi }).perform())());
    expect(error).toMatchObject({ name: 'TransferError', errno });
    expect(error.message).toContain(url);
  });

  test.each([
    ['CR in a value', { 'X-A': 'a\rb' }, 'X-A'],
    ['LF in a value', { 'X-A': 'a\nEvil: 1' }, 'X-A'],
    ['NUL in a value', { 'X-A': 'a\0b' }, 'X-A'],
    ['a value above latin1', { 'X-A': '\u0100' }, 'X-A'],
    ['CR LF in a name', { 'X\r\nEvil': '1' }, 'X\\r\\nEvil'],
    ['a colon in a name', { 'X:': '1' }, 'X:'],
    ['a space in a name', { 'X A': '1' }, 'X A'],
    ['no name', { '': '1' }, '""'],
    ['a string', 'X: 1', 'X: 1'],
    ['a pair of one', [['X']], 'header name'],
    ['null', null, 'null'],
  ])('headers, %s: TypeError', (_name, headers, shown) => {
    expect(make('http://localhost/', { headers })).toThrow(TypeError);
    expect(make('http://localhost/', { headers })).toThrow(shown);
  });

  const limits = ['timeoutMs', 'connectTimeoutMs', 'maxRecvSpeed', 'maxSendSpeed', 'maxBody', 'pausedTimeoutMs', 'silenceTimeoutMs'];
  test.each(limits)('%s: T8: negative, NaN, infinite, absurd: RangeError; no number: TypeError', (name) => {
    for (const value of [-1, NaN, Infinity, 1e300]) {
      expect(make('http://localhost/', { [name]: value })).toThrow(RangeError);
      expect(make('http://localhost/', { [name]: value })).toThrow(new RegExp(`${name}.*${String(value).replace('+', '\\+')}`));
    }
    for (const value of ['5', true, null, {}, 5n]) expect(make('http://localhost/', { [name]: value })).toThrow(TypeError);
  });

  test('lowSpeed: both numbers, in range', () => {
    for (const lowSpeed of [5, null, {}, { bytesPerSecond: 5 }, { bytesPerSecond: '5', ms: 1000 }]) {
      expect(make('http://localhost/', { lowSpeed })).toThrow(TypeError);
    }
    expect(make('http://localhost/', { lowSpeed: { bytesPerSecond: -1, ms: 1000 } })).toThrow(RangeError);
    expect(make('http://localhost/', { lowSpeed: { bytesPerSecond: 1, ms: -1000 } })).toThrow(/lowSpeed\.ms.*-1000/);
  });

  test('a limit changed while it runs is checked alike, and changes nothing when refused', async () => {
    server = await rawServer(answering(withLength('ok')));
    const transfer = new Transfer(server.url(), { multi });
    expect(() => transfer.limits({ timeoutMs: -1 })).toThrow(RangeError);
    expect(() => transfer.limits({ timeoutMs: 'soon' })).toThrow(TypeError);
    expect((await outcome(transfer)).text).toBe('ok');
  });

  test.each([
    ['a misspelt option', { timeoutMS: 5 }, /timeoutMS.*timeoutMs/],
    ['a method that is no token', { method: 'BR EW' }, 'BR EW'],
    ['a method that opens a tunnel', { method: 'CONNECT' }, 'CONNECT'],
    ['a method with a line end', { method: 'GET / HTTP/1.1\r\nX: 1' }, 'method'],
    ['onData', { onData: 'yes' }, 'onData'],
    ['signal', { signal: {} }, 'signal'],
    ['multi', { multi: {} }, 'multi'],
    ['tls', { tls: 5 }, 'tls'],
    ['tls.verify', { tls: { verify: 'no' } }, 'tls.verify'],
    ['tls.ca', { tls: { ca: 5 } }, 'tls.ca'],
  ])('%s: TypeError', (_name, options, shown) => {
    expect(make('http://localhost/', options)).toThrow(TypeError);
    expect(make('http://localhost/', options)).toThrow(shown);
  });

  test('B10: pause and resume refuse unknown directions', () => {
    const transfer = new Transfer('http://localhost/', { multi });
    for (const direction of ['up', '', 1, null]) {
      expect(() => transfer.pause(direction)).toThrow(TypeError);
      expect(() => transfer.resume(direction)).toThrow(TypeError);
    }
  });

  test('nothing was sent by any of that; a refused connection ends with 7', async () => {
    server = await rawServer(() => {});
    const url = server.url();
    await server.close();
    server = undefined;
    const error = await failure(new Transfer(url, { multi }).perform());
    expect(error).toMatchObject({ name: 'TransferError', code: 'CURLE_COULDNT_CONNECT', errno: COULDNT_CONNECT });
    expect(error.result).toMatchObject({ errno: COULDNT_CONNECT, received: 0 });
  });
});

describe('status lines', () => {
  test.each([
    ['no HTTP at all', 'garbage garbage garbage\r\n\r\n', UNSUPPORTED_PROTOCOL],
    ['another protocol that speaks first', 'SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n', UNSUPPORTED_PROTOCOL],
    ['lower case', 'http/1.1 200 OK\r\n\r\n', UNSUPPORTED_PROTOCOL],
    ['shoutcast', 'ICY 200 OK\r\n\r\n', UNSUPPORTED_PROTOCOL],
    ['an empty line before it', '\r\nHTTP/1.1 200 OK\r\n\r\n', UNSUPPORTED_PROTOCOL],
    ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n', WEIRD_REPLY],
    ['HTTP/0.9 with a version', 'HTTP/0.9 200 OK\r\n\r\n', WEIRD_REPLY],
    ['two digits', 'HTTP/1.1 20 OK\r\n\r\n', WEIRD_REPLY],
    ['four digits', 'HTTP/1.1 2000 OK\r\n\r\n', WEIRD_REPLY],
    ['letters', 'HTTP/1.1 abc OK\r\n\r\n', WEIRD_REPLY],
    ['negative', 'HTTP/1.1 -20 OK\r\n\r\n', WEIRD_REPLY],
    ['below 100', 'HTTP/1.1 099 OK\r\n\r\n', WEIRD_REPLY],
    ['no space before it', 'HTTP/1.1200 OK\r\n\r\n', WEIRD_REPLY],
    ['two digits and nothing behind', 'HTTP/1.1 20\r\n\r\n', WEIRD_REPLY],
    ['letters and nothing behind', 'HTTP/1.1 2x0\r\n\r\n', WEIRD_REPLY],
    ['a bare CR behind the code', 'HTTP/1.1 200\rX\r\n\r\n', WEIRD_REPLY],
    ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n', WEIRD_REPLY],
    ['a bare CR in the reason', 'HTTP/1.1 200 O\rK\r\n\r\n', WEIRD_REPLY],
    ['101, which nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', WEIRD_REPLY],
  ])('%s', (_name, bytes, errno) => bothWays(bytes, { errno }));

  test('garbage without an end, byte by byte, is known for what it is at once', async () => {
    server = await rawServer(async (peer) => {
      await peer.request();
      while (peer.socket.writable) await peer.dribble('mumble ');
    });
    expect((await get()).errno).toBe(UNSUPPORTED_PROTOCOL);
  });

  test('an empty reply, closed or reset', async () => {
    server = await rawServer(async (peer) => {
      if ((await peer.request()).startsWith('GET /reset')) peer.reset();
      else peer.end();
    });
    expect((await get('/close')).errno).toBe(GOT_NOTHING);
    expect((await get('/reset')).errno).toBe(GOT_NOTHING);
  });
});

describe('header lines', () => {
  const head = (lines) => `HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`;
  test.each([
    ['NUL in a value', head('X: a\0b\r\n'), WEIRD_REPLY],
    ['NUL in a name', head('X\0Y: a\r\n'), WEIRD_REPLY],
    ['a bare CR in a value', head('X: a\rb\r\n'), WEIRD_REPLY],
    ['a control character', head('X: a\x07b\r\n'), WEIRD_REPLY],
    ['no colon', head('this is no header\r\n'), WEIRD_REPLY],
    ['no name', head(': value\r\n'), WEIRD_REPLY],
    ['a space before the colon', head('Content-Length : 2\r\n'), WEIRD_REPLY],
    ['folded', head('X: a\r\n b\r\n'), WEIRD_REPLY],
    ['folded with a tab', head('X: a\r\n\tb\r\n'), WEIRD_REPLY],
    ['the first one folded', 'HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 2\r\n\r\nok', WEIRD_REPLY],
    ['a folded length', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\nok', WEIRD_REPLY],
    ['257 of them', head('X: a\r\n'.repeat(256)), TOO_LARGE],
    ['one of 70 000 bytes', head(`X: ${'a'.repeat(70000)}\r\n`), TOO_LARGE],
    ['70 000 bytes in 70 lines', head(`X: ${'a'.repeat(995)}\r\n`.repeat(70)), TOO_LARGE],
  ])('%s', (_name, bytes, errno) => bothWays(bytes, { errno }), 20000);

  test('256 of them, and 60 000 bytes, are fine', async () => {
    await bothWays(head('X: a\r\n'.repeat(255)), { errno: OK, text: 'ok' });
    server = await rawServer(answering(head(`X: ${'a'.repeat(60000)}\r\n`)));
    expect(await get()).toMatchObject({ errno: OK, text: 'ok' });
  }, 20000);

  test.each([
    ['lines', 'X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'],
    ['one line', 'aaaaaaaaaaaaaaaa'],
    ['interim responses', '\r\nHTTP/1.1 100 Continue\r\nX: a\r\n', 'HTTP/1.1 100 Continue\r\n'],
    ['trailers', 'X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n', `${CHUNKED}2\r\nok\r\n0\r\n`],
  ])('an endless flood of %s ends with 100', async (_name, flood, start = 'HTTP/1.1 200 OK\r\nX: ') => {
    server = await rawServer(async (peer) => {
      await peer.request();
      await peer.send(start);
      const block = flood.repeat(Math.ceil(4096 / flood.length));
      while (peer.socket.writable) await peer.send(block);
    });
    const got = await get();
    expect(got.errno).toBe(TOO_LARGE);
    await within(server.peers[0].closed, CASE_MS, 'the connection closes');
  });

  test('bare LF line ends are read, but that connection is not used again', () =>
    bothWays('HTTP/1.1 200 OK\nContent-Length: 2\n\nok', { errno: OK, text: 'ok', reused: false }));

  test('one bare LF among CR LF: the same', () =>
    bothWays('HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\nok', { errno: OK, text: 'ok', reused: false }));

  test('interim responses are passed over', () =>
    bothWays(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n${withLength('ok')}`, { errno: OK, text: 'ok' }));
});

describe('content-length', () => {
  const lengths = (...values) => `HTTP/1.1 200 OK\r\n${values.map((value) => `Content-Length: ${value}\r\n`).join('')}\r\nhello`;
  test.each([
    ['conflicting lines', lengths('5', '6')],
    ['conflicting, the first one right', lengths('5', '5', '50')],
    ['conflicting in one line', lengths('5, 6')],
    ['negative', lengths('-5')],
    ['with a plus', lengths('+5')],
    ['hexadecimal', lengths('0x5')],
    ['with a fraction', lengths('5.0')],
    ['with an exponent', lengths('5e0')],
    ['two numbers', lengths('5 5')],
    ['letters behind it', lengths('5x')],
    ['a comma behind it', lengths('5,')],
    ['nothing but a comma', lengths(',')],
    ['empty', lengths('')],
    ['above 2^63 - 1', lengths('9223372036854775808')],
    ['5 + 2^64', lengths('18446744073709551621')],
    ['a thousand digits', lengths('9'.repeat(1000))],
    ['in other digits', lengths('\xb2')],
  ])('%s ends with 8', (_name, bytes) => bothWays(bytes, { errno: WEIRD_REPLY }));

  test.each([
    ['twice the same', lengths('5', '5')],
    ['twice in one line', lengths('5, 5')],
    ['with zeros before it', lengths('0000000000000000000000000000005')],
    ['with white space around it', lengths(' \t5 \t')],
  ])('%s is that length', (_name, bytes) => bothWays(bytes, { errno: OK, text: 'hello' }));

  test('the largest there is, and then an early end', async () => {
    server = await rawServer(answering(lengths('9223372036854775807'), { end: true }));
    const got = await get('/', { onData() {} });
    expect(got.errno).toBe(PARTIAL_FILE);
    expect(got.error.message).toContain('end of response with 9223372036854775802 bytes missing (GET ');
  });

  test('more than maxBody, announced or not, ends with 63 and is not kept in memory', async () => {
    server = await rawServer(async (peer) => {
      const head = await peer.request();
      await peer.send(head.startsWith('GET /length') ? 'HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n' : 'HTTP/1.1 200 OK\r\n\r\n');
      while (peer.socket.writable) await peer.send(Buffer.alloc(65536));
    });
    for (const path of ['/length', '/close']) {
      const got = await get(path, { maxBody: 1000000 });
      expect([path, got.errno]).toEqual([path, FILESIZE_EXCEEDED]);
      expect(got.result.body?.length ?? 0).toBeLessThanOrEqual(1000000);
    }
  });
});

describe('transfer-encoding', () => {
  const coded = (lines, body = '5\r\nhello\r\n0\r\n\r\n', version = '1.1') => `HTTP/${version} 200 OK\r\n${lines}\r\n${body}`;
  test.each([
    ['gzip, chunked', coded('Transfer-Encoding: gzip, chunked\r\n')],
    ['chunked, gzip', coded('Transfer-Encoding: chunked, gzip\r\n')],
    ['chunked twice', coded('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')],
    ['chunked twice in one line', coded('Transfer-Encoding: chunked, chunked\r\n')],
    ['identity', coded('Transfer-Encoding: identity\r\n')],
    ['a word that only looks like it', coded('Transfer-Encoding: xchunked\r\n')],
    ['a word in quotes', coded('Transfer-Encoding: "chunked"\r\n')],
    ['empty', coded('Transfer-Encoding:\r\n')],
    ['a no-break space is no white space', coded('Transfer-Encoding: \xa0chunked\r\n')],
  ])('%s ends with 61', (_name, bytes) => bothWays(bytes, { errno: BAD_ENCODING }));

  test('in capitals', () => bothWays(coded('TRANSFER-ENCODING: CHUNKED\r\n'), { errno: OK, text: 'hello' }));
  test('with white space around it', () => bothWays(coded('Transfer-Encoding: \tchunked \t\r\n'), { errno: OK, text: 'hello' }));
  test('beside content-length it rules, and the connection is not used again', () =>
    bothWays(coded('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n'), { errno: OK, text: 'hello', reused: false }));
  test('the same, in the other order', () =>
    bothWays(coded('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n'), { errno: OK, text: 'hello', reused: false }));
  test('in HTTP/1.0 it is read, and the connection is not used again', () =>
    bothWays(coded('Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n', undefined, '1.0'), { errno: OK, text: 'hello', reused: false }));
});

describe('chunks', () => {
  test.each([
    ['no hex digit', 'g\r\nhello\r\n0\r\n\r\n'],
    ['no size', '\r\nhello\r\n0\r\n\r\n'],
    ['nothing but an extension', ';a=b\r\nhello\r\n0\r\n\r\n'],
    ['negative', '-5\r\nhello\r\n0\r\n\r\n'],
    ['with a plus', '+5\r\nhello\r\n0\r\n\r\n'],
    ['with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['white space before it', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['two sizes', '5 5\r\nhello\r\n0\r\n\r\n'],
    ['a bare LF', '5\nhello\r\n0\r\n\r\n'],
    ['a bare CR', '5\rhello\r\n0\r\n\r\n'],
    ['NUL in an extension', '5;a=\0\r\nhello\r\n0\r\n\r\n'],
    ['a bare CR in an extension', '5;a=\r0\r\nhello\r\n0\r\n\r\n'],
    ['2^64 - 1', 'ffffffffffffffff\r\nhello'],
    ['5 + 2^64', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['zeros without an end', '0'.repeat(2000)],
    ['an extension of 2000 bytes', `5;${'a'.repeat(2000)}\r\nhello\r\n0\r\n\r\n`],
    ['an extension without an end', `5;${'a'.repeat(2000)}`],
    ['data longer than announced', '5\r\nhello!\r\n0\r\n\r\n'],
    ['no line end behind the data', '5\r\nhello0\r\n\r\n'],
    ['a bare LF behind the data', '5\r\nhello\n0\r\n\r\n'],
    ['a bare CR behind the data', '5\r\nhello\r0\r\n\r\n'],
    ['a trailer without a colon', '5\r\nhello\r\n0\r\nthis is no trailer\r\n\r\n'],
    ['a trailer that ends in a semicolon', '5\r\nhello\r\n0\r\nX;\r\n\r\n'],
    ['a trailer without a name', '5\r\nhello\r\n0\r\n: v\r\n\r\n'],
    ['white space before a trailer\'s colon', '5\r\nhello\r\n0\r\nX : v\r\n\r\n'],
    ['a lone CR in a trailer', '5\r\nhello\r\n0\r\nX: a\rb\r\n\r\n'],
    ['NUL in a trailer', '5\r\nhello\r\n0\r\nX: a\0b\r\n\r\n'],
  ])('%s ends with 56', (_name, body) => bothWays(CHUNKED + body, { errno: RECV_ERROR }));

  test.each([
    ['in capitals', 'A\r\nhellohello\r\n0\r\n\r\n', 'hellohello'],
    ['zeros before it', '000000000000005\r\nhello\r\n000\r\n\r\n', 'hello'],
    ['extensions', '5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n', 'hello'],
    ['white space behind it', '5 \t\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['trailers', '5\r\nhello\r\n0\r\nX-Sum: 7\r\nContent-Length: 3\r\n\r\n', 'hello'],
    ['none', '0\r\n\r\n', ''],
    ['of one byte each', `${[...'hello'].map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`, 'hello'],
  ])('%s: whole', (_name, body, text) => bothWays(CHUNKED + body, { errno: OK, text }));

  test('trailers are told apart from headers', async () => {
    server = await rawServer(answering(`${CHUNKED}5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n`));
    const { result } = await get();
    expect([result.trailers.get('x-sum'), result.headers.get('x-sum')]).toEqual(['7', null]);
  });

  test('the largest size that is taken, and then an early end', async () => {
    server = await rawServer(answering(`${CHUNKED}fffffffffffffff\r\nhello`, { end: true }));
    expect((await get()).errno).toBe(PARTIAL_FILE);
  });
});

describe('the end of the connection at every byte', () => {
  const responses = {
    'with content-length': withLength('hello, world', 'Date: today\r\n'),
    chunked: `${CHUNKED}5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nX-Sum: 7\r\n\r\n`,
  };
  const WHOLE = 'hello, world';

  /** What an end behind `n` bytes may mean. F11: never a part for the whole. */
  function allowed(bytes, n, reset) {
    if (n === bytes.length) return reset ? [OK, RECV_ERROR] : [OK];
    if (n === 0) return [GOT_NOTHING];
    if (n < bytes.indexOf('\r\n\r\n') + 4) return reset ? [RECV_ERROR, GOT_NOTHING] : [RECV_ERROR];
    return reset ? [RECV_ERROR, PARTIAL_FILE, GOT_NOTHING] : [PARTIAL_FILE];
  }

  /** GET /n: the first n bytes, then the end. */
  async function everywhere(bytes, { reset, piece, before }) {
    server = await rawServer(async (peer) => {
      for (;;) {
        const n = Number((await peer.request()).match(/^GET \/(\d+)/)[1]);
        if (n === 999999) {
          await peer.send(before);
          continue;
        }
        await (piece ? peer.dribble(bytes.slice(0, n), piece) : peer.send(bytes.slice(0, n)));
        return reset ? peer.reset() : peer.end();
      }
    });
    for (let n = 0; n <= bytes.length; n++) {
      if (before) expect((await get('/999999')).errno).toBe(OK);
      const got = await get(`/${n}`);
      if (!allowed(bytes, n, reset).includes(got.errno)) throw new Error(`${n} of ${bytes.length} bytes: ${got.errno}, ${got.error?.message}`);
      if (got.errno === OK) expect(got.text).toBe(WHOLE);
      else expect(WHOLE.startsWith(Buffer.from(got.result.body ?? '').toString())).toBe(true);
    }
    await within(server.empty(), CASE_MS, 'all connections close');
  }

  describe.each(Object.entries(responses))('%s', (_name, bytes) => {
    test('W10: closed', () => everywhere(bytes, { reset: false }));
    test('X9: reset', () => everywhere(bytes, { reset: true }));
    test('closed, byte by byte', () => everywhere(bytes, { reset: false, piece: 1 }));
    test('reset, byte by byte', () => everywhere(bytes, { reset: true, piece: 1 }));
    test('closed, on a connection that has served another request', () => everywhere(bytes, { reset: false, before: withLength('first') }));
    test('reset, on a connection that has served another request', () => everywhere(bytes, { reset: true, before: withLength('first') }));

    test('in two pieces, cut at every byte: whole', async () => {
      server = await rawServer(async (peer) => {
        for (;;) {
          const n = Number((await peer.request()).match(/^GET \/(\d+)/)[1]);
          await peer.dribble(bytes.slice(0, n), bytes.length);
          await peer.send(bytes.slice(n));
        }
      });
      for (let n = 0; n < bytes.length; n++) {
        const got = await get(`/${n}`);
        expect([n, got.errno, got.text, got.result.reused]).toEqual([n, OK, WHOLE, n > 0]);
      }
    });
  });

  test('a body until close is whole when closed, and not when reset', async () => {
    server = await rawServer(async (peer) => {
      const head = await peer.request();
      await peer.dribble('HTTP/1.1 200 OK\r\n\r\nhello', 24);
      if (head.startsWith('GET /reset')) peer.reset();
      else peer.end();
    });
    expect(await get('/close')).toMatchObject({ errno: OK, text: 'hello', result: { reused: false } });
    expect((await get('/reset')).errno).toBe(RECV_ERROR);
    expect((await get('/close')).result.reused).toBe(false);
  });

  test('an idle connection that the server closed is not used; one closed under the request is tried anew, once', async () => {
    server = await rawServer(async (peer) => {
      await peer.request();
      await peer.send(withLength('ok'));
      if (peer.number === 1) return peer.end();
      await peer.request(); // and closes instead of an answer
      peer.end();
    });
    expect((await get()).text).toBe('ok');
    await within(server.empty(), CASE_MS, 'the idle connection closes');
    expect(await get()).toMatchObject({ errno: OK, result: { reused: false } });
    expect(await get()).toMatchObject({ errno: OK, text: 'ok', result: { reused: false } });
    expect(server.peers.length).toBe(3);
  });
});

describe('what comes after the end', () => {
  test.each([
    ['a few bytes behind a length', `${withLength('ok')}more`, 'ok'],
    ['one byte', `${withLength('ok')}\n`, 'ok'],
    ['a second response', withLength('ok') + withLength('smuggled'), 'ok'],
    ['a second response behind chunks', `${CHUNKED}2\r\nok\r\n0\r\n\r\n${withLength('smuggled')}`, 'ok'],
    ['a body behind 204', `HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\nsmuggled`, ''],
    ['chunks behind 204', `HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, ''],
    ['a body behind 304', `HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\nsmuggled`, ''],
    ['a response behind content-length 0', `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${withLength('smuggled')}`, ''],
  ])('%s is dropped, with the connection', async (_name, bytes, text) => {
    server = await rawServer(answering(bytes));
    for (let i = 0; i < 3; i++) expect(await get()).toMatchObject({ errno: OK, text, result: { reused: false } });
    expect(server.peers.length).toBe(3);
  });

  test('a body behind the head of a HEAD', async () => {
    server = await rawServer(answering(withLength('smuggled')));
    for (let i = 0; i < 2; i++) expect(await get('/', { method: 'HEAD' })).toMatchObject({ errno: OK, text: '', result: { reused: false } });
  });

  test('U11: one stray byte on an idle connection is not lost in the probe that finds it: the connection is not used again', async () => {
    let push = async () => {};
    server = await rawServer(async (peer) => {
      await peer.request();
      await peer.send(withLength('ok'));
      push = () => peer.send('H');
      await peer.request();
      await peer.send(`TTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled`);
    });
    expect((await get()).text).toBe('ok');
    await push();
    await within(server.peers[0].closed, CASE_MS, 'the idle connection closes');
    expect(await get()).toMatchObject({ errno: OK, text: 'ok', result: { reused: false } });
    expect(server.peers.length).toBe(2);
  });

  test('bytes on an idle connection end it, later too', async () => {
    let push = async () => {};
    server = await rawServer(async (peer) => {
      await peer.request();
      await peer.send(withLength('ok'));
      push = () => peer.send(withLength('smuggled'));
    });
    expect((await get()).text).toBe('ok');
    await push();
    await within(server.peers[0].closed, CASE_MS, 'the idle connection closes');
    expect(await get()).toMatchObject({ errno: OK, text: 'ok', result: { reused: false } });
  });

  test.each([
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['204 and nothing behind it, no fields', 'HTTP/1.1 204\r\n\r\n'],
    ['304 with the length it would have had', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\n\r\n'],
  ])('%s without a body keeps the connection', (_name, bytes) => bothWays(bytes, { errno: OK, text: '' }));
});

describe('connections that may not serve another request', () => {
  test.each([
    ['connection: close', withLength('ok', 'Connection: close\r\n'), false],
    ['close among others', withLength('ok', 'Connection: x, Close ,y\r\n'), false],
    ['close and keep-alive', withLength('ok', 'Connection: keep-alive\r\nConnection: close\r\n'), false],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', false],
    ['HTTP/1.0 with keep-alive: it may', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nok', true],
    ['HTTP/1.1: it may', withLength('ok'), true],
    ['a status line that ends behind its code', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', true],
  ])('%s', (_name, bytes, reused) => bothWays(bytes, { errno: OK, text: 'ok', reused }));
});

describe('servers that say nothing, or little', () => {
  test('T1, T5: a silent one: the total timeout', async () => {
    server = await rawServer((peer) => peer.request());
    const got = await get('/', { timeoutMs: 100 });
    expect(got.errno).toBe(TIMEDOUT);
    expect(got.error).toMatchObject({ name: 'TimeoutError', code: 'CURLE_OPERATION_TIMEDOUT' });
    expect(got.error.message).toMatch(/^Operation timed out after \d+ milliseconds with 0 bytes received \(GET http/);
    await within(server.peers[0].closed, CASE_MS, 'T6: the connection closes');
  });

  test('T5: one that stops in the body', async () => {
    server = await rawServer(answering('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'));
    const got = await get('/', { timeoutMs: 100 });
    expect(got.error.message).toMatch(/^Operation timed out after \d+ milliseconds with 5 out of 10 bytes received \(GET http/);
  });

  test('B9: silence has a limit of its own', async () => {
    server = await rawServer(answering('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'));
    const got = await get('/', { silenceTimeoutMs: 100 });
    expect(got.errno).toBe(TIMEDOUT);
    expect(got.error.message).toContain('silent');
  });

  test('one that never stops sending the head, a byte at a time: the total timeout holds', async () => {
    server = await rawServer(async (peer) => {
      await peer.request();
      await peer.send('HTTP/1.1 200 OK\r\nX: ');
      while (peer.socket.writable) await peer.dribble('a');
    });
    expect([TIMEDOUT, TOO_LARGE]).toContain((await get('/', { timeoutMs: 200 })).errno);
  });
});

describe('callers that fail in the middle', () => {
  test('F16, W13: an onData that throws ends with 23, is not called again, and its error is the cause', async () => {
    server = await rawServer(answering(withLength('a'.repeat(300000))));
    let calls = 0;
    const got = await get('/', { onData() {
      calls++;
      throw new Error('my own fault');
    } });
    expect([got.errno, calls]).toEqual([WRITE_ERROR, 1]);
    expect(got.error.cause).toMatchObject({ message: 'my own fault' });
    await within(server.peers[0].closed, CASE_MS, 'X9: the connection closes');
  });

  test('an interim response that says Connection: close: the final one is taken, its connection is not used again', async () => {
    server = await rawServer(answering(`HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${withLength('late')}`));
    expect(await get()).toMatchObject({ errno: OK, text: 'late' });
    expect((await get()).result.reused).toBe(false);
  });

  test('fifty transfers against servers that break off at random leave nothing open', async () => {
    const bytes = withLength('x'.repeat(5000));
    server = await rawServer(async (peer) => {
      for (;;) {
        const n = Number((await peer.request()).match(/^GET \/(\d+)/)[1]);
        await peer.send(bytes.slice(0, n));
        if (n < bytes.length) return n % 2 ? peer.end() : peer.reset();
      }
    });
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => get(`/${(i * 2654435761) % (bytes.length + 1000)}`)));
    for (const got of outcomes) if (got.errno === OK) expect(got.text.length).toBe(5000);
    expect(multi.running).toBe(0);
  });
});
