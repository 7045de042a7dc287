// What an error says: in words, of which request, with what cause, and whether to try again.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codeName } from '../js/errors.js';
import { Multi, Transfer, TransferError, fetchHost } from '../js/index.js';
import { makeCertificates } from './helpers/certs.js';
import { run } from './support/command.js';

const certs = makeCertificates();
const servers = [];
let plain, secure;

/** @param {net.Server} server @returns {Promise<number>} its port */
async function listen(server) {
  servers.push(server);
  server.on('connection', (socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}
/** What a server says that says the same to everybody. @param {string} text @param {boolean} [resets] */
const saying = async (text, resets = false) => `http://127.0.0.1:${await listen(net.createServer((socket) => socket.once('data', () => {
  if (resets) socket.resetAndDestroy();
  else socket.end(text);
})))}/`;
/** @returns {Promise<any>} */
const failure = (url, options) => new Transfer(url, { timeoutMs: 20000, ...options }).perform().then(() => { throw new Error('it completed'); }, (error) => error);

beforeAll(async () => {
  plain = `http://127.0.0.1:${await listen(http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://x');
    if (pathname === '/to') response.writeHead(302, { location: searchParams.get('to') }).end();
    else response.writeHead(Number(pathname.slice(1)) || 200).end('ok');
  }))}`;
  secure = `https://127.0.0.1:${await listen(https.createServer(certs.server, (request, response) => response.end('ok')))}/`;
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections?.();
    server.close();
  }
});

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
    const typed = /@typedef \{\('CURLE_OK'.*?\)\} Code/s.exec(readFileSync(new URL('../js/errors.js', import.meta.url), 'utf8'))[0];
    expect([...typed.matchAll(/'(CURLE_\w+)'/g)].map(([, name]) => name)).toEqual(names.filter((name) => !name.startsWith('CURLE_OBSOLETE')));
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
    expect(Object.keys(error).sort()).toEqual(['code', 'errno', 'retryable']); // a printed error stays short
  });

  test('without words it says its code; a cause is kept', () => {
    const cause = new Error('inner');
    expect(new TransferError('', 7, /** @type {any} */ ({}), { cause })).toMatchObject({ message: 'CURLE_COULDNT_CONNECT', cause });
  });
});

describe('what was asked for is in the message', () => {
  test('method and URL, without credentials, query and fragment', async () => {
    const error = await failure('http://user:secret@127.0.0.1:1/a/b?token=secret#part', { method: 'DELETE' });
    expect(error.message).toBe('connect ECONNREFUSED 127.0.0.1:1 (DELETE http://127.0.0.1:1/a/b?...)');
    expect(inspect(error) + JSON.stringify(error)).not.toContain('secret');
    expect(error.result.url).toBe('http://127.0.0.1:1/a/b?token=secret');
  });
  test('a URL of any length is cut', async () => {
    expect((await failure(`http://127.0.0.1:1/${'x'.repeat(5000)}`)).message.length).toBeLessThan(300);
  });
  test('where it was redirected to', async () => {
    const error = await failure(`${plain}/to?to=${encodeURIComponent('http://user:secret@127.0.0.1:1/x?token=secret')}`);
    expect(error.message).toBe(`connect ECONNREFUSED 127.0.0.1:1 (GET ${plain}/to?..., redirected to http://127.0.0.1:1/x?...)`);
  });
  test.each([
    ['ftp://user:secret@example.org/x', 1, 'the scheme is none of http, https and file: ftp://example.org/x'],
    ['file:///etc/passwd', 1, 'the scheme is not allowed: file:///etc/passwd'],
    ['http://[bad', 3, 'a [ without its ]: http://[bad'],
  ])('a redirect to %s says redirect (R1)', async (to, errno, words) => {
    const error = await failure(`${plain}/to?to=${encodeURIComponent(to)}`);
    expect(error).toMatchObject({ errno, message: `Redirect that cannot be followed: ${words} (GET ${plain}/to?...)` });
  });
  test('an abort says who aborted, not the name of a code', async () => {
    const transfer = new Transfer(plain), performing = transfer.perform();
    transfer.abort();
    await expect(performing).rejects.toMatchObject({ name: 'AbortError', errno: 42, message: `aborted by the caller (GET ${plain}/)` });
    const early = new Transfer(plain);
    early.abort();
    await expect(early.perform()).rejects.toMatchObject({ message: `aborted by the caller before it started (GET ${plain}/)` });
  });
});

describe('the cause is what the platform threw', () => {
  test.each([
    ['nobody there', () => 'http://127.0.0.1:1/', {}, 7, { code: 'ECONNREFUSED', syscall: 'connect', port: 1 }],
    ['a file', () => 'file:///there/is/no%C3%BCne', {}, 37, { code: 'ENOENT', message: expect.stringContaining('/there/is/noüne') }],
    ['a unix socket', () => 'http://x/', { socketPath: '/there/is/none' }, 7, { code: 'ENOENT' }],
    ['a reset', () => saying('', true), {}, 52, { code: 'ECONNRESET' }],
  ])('%s', async (_name, url, options, errno, cause) => {
    const error = await failure(await url(), options);
    expect(error).toMatchObject({ errno, cause });
    expect(error.message).toContain(error.cause.message); // whole, whatever its letters
  });
  test('over fetch as well', async () => {
    const gone = net.createServer(), port = await listen(gone);
    await new Promise((resolve) => { gone.close(resolve); });
    const error = await failure(`http://127.0.0.1:${port}/`, { multi: new Multi({ host: fetchHost() }) });
    expect(error).toMatchObject({ errno: 7, cause: { code: 'ECONNREFUSED' } });
  });
  test('words that are longer than the engine keeps come whole', async () => {
    const fetch = async () => { throw new Error('long '.repeat(100)); };
    const error = await failure(plain, { multi: new Multi({ host: fetchHost({ fetch }) }) });
    expect(error.message).toBe(`${'long '.repeat(100)} (GET ${plain}/)`);
  });
  test('where nothing was thrown there is none', async () => {
    expect('cause' in await failure(await saying(''))).toBe(false);
  });
});

describe('TLS in words', () => {
  const tls = { ca: certs.ca };
  test.each([
    ['plain HTTP on the port', () => plain.replace('http:', 'https:'), {}, 35, /^the server does not speak TLS on this port: is it http:, or another port\? \(/],
    ['an issuer that is not known', () => secure, {}, 60, /^who issued the certificate of the server is not known here.*tls\.ca/],
    ['another name', () => secure, { tls: { ...tls, servername: 'wrong.example' } }, 60, /^the certificate of the server is for DNS:localhost.*, not for wrong\.example \(/],
    ['a ca that is no certificate', () => secure, { tls: { ca: 'nonsense' } }, 77, /^tls\.ca: no certificate in it that can be read, it must be PEM/],
    ['one of several that is none', () => secure, { tls: { ca: [certs.ca, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'] } }, 77, /^tls\.ca: /],
    ['a certificate of its own that is none', () => secure, { tls: { ...tls, cert: 'nonsense', key: 'nonsense' } }, 58, /^tls\.cert, tls\.key: /],
  ])('%s', async (_name, url, options, errno, words) => {
    const error = await failure(url(), options);
    expect(error).toMatchObject({ errno, message: expect.stringMatching(words) });
    expect(error.message).not.toMatch(/error:[0-9A-F]{8}|\.c:\d/);
    expect(typeof error.cause.message).toBe('string');
  });
});

test('a self-signed certificate, TLS in words', async () => {
  const port = await listen(https.createServer(certs.self, () => {}));
  const error = await failure(`https://127.0.0.1:${port}/`);
  expect(error).toMatchObject({ errno: 60, message: `the certificate of the server is self-signed: give it as tls.ca to trust it (GET https://127.0.0.1:${port}/)`, cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
});

describe('retryable', () => {
  test.each([
    ['nobody there', () => 'http://127.0.0.1:1/', {}, true],
    ['nobody there, a POST: nothing was sent', () => 'http://127.0.0.1:1/', { method: 'POST', body: 'x' }, true],
    ['nobody there, but the stream is used up', () => 'http://127.0.0.1:1/', { method: 'PUT', body: new Blob(['x']).stream() }, false],
    ['a reset', () => saying('', true), {}, true],
    ['a reset, a POST', () => saying('', true), { method: 'POST', body: 'x' }, false],
    ['a body cut short', () => saying('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'), {}, true],
    ['503', () => `${plain}/503`, { failOnError: true }, true],
    ['404', () => `${plain}/404`, { failOnError: true }, false],
    ['not HTTP', () => saying('SSH-2.0\r\n\r\n'), {}, false],
    ['a certificate', () => secure, {}, false],
    ["the caller's own code", () => plain, { onData() { throw new Error('mine'); } }, false],
  ])('%s', async (_name, url, options, retryable) => {
    expect(await failure(await url(), options)).toMatchObject({ name: 'TransferError', retryable });
  });
});

test('the stack begins in the file of who awaits, however the transfer ended', async () => {
  const source = `import { Transfer } from ${JSON.stringify(new URL('../js/index.js', import.meta.url).href)};
    async function mine() { await new Transfer('http://127.0.0.1:1/').perform(); }
    async function head() { const transfer = new Transfer('http://127.0.0.1:1/'), done = transfer.perform(); await transfer.response.catch(() => {}); await done; }
    const early = async () => { const transfer = new Transfer('http://127.0.0.1:1/'); transfer.abort(); await transfer.perform(); };
    const many = async () => Promise.all([new Transfer('http://127.0.0.1:1/').perform()]);
    for (const one of [mine, early, many, head]) await one().catch((error) => console.log(error.stack.replaceAll(import.meta.url, 'own')));`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', source]);
  expect(stderr).toBe('');
  const stacks = String(stdout).trimEnd().split(/\n(?=\w)/);
  expect(stacks[0]).toMatch(/^TransferError: connect ECONNREFUSED.*\(GET http:\/\/127\.0\.0\.1:1\/\)\n    at async mine \(own:2:/);
  expect(stacks[1]).toMatch(/^AbortError: [^\n]*\n    at async early /);
  expect(stacks[3]).toMatch(/^TransferError: [^\n]*\n    at async head /);
  expect(stacks[2]).toMatch(/^TransferError: [^\n]*\n    at async Promise\.all [^\n]*\n    at async /);
});

test('a log gets what it needs', async () => {
  expect(JSON.parse(JSON.stringify(await failure(`${plain}/404`, { failOnError: true })))).toEqual({
    name: 'TransferError', message: `The requested URL returned error: 404 (GET ${plain}/404)`, code: 'CURLE_HTTP_RETURNED_ERROR', errno: 22, retryable: false, status: 404 });
  expect(JSON.parse(JSON.stringify(await failure('http://127.0.0.1:1/')))).toMatchObject({ cause: 'connect ECONNREFUSED 127.0.0.1:1' });
});

describe('wrong options name what is wrong', () => {
  test.each([
    [{ 'x-a': 'a\nb' }, 'headers: the value of x-a has a character that headers cannot carry, U+000A'],
    [{ 'x-a': 'a\x07b' }, 'headers: the value of x-a has a character that headers cannot carry, U+0007'],
    [{ 'x-a': 'a\x7fb' }, 'headers: the value of x-a has a character that headers cannot carry, U+007F'],
    [{ 'x-a': 'a☃b' }, 'headers: the value of x-a has a character that headers cannot carry, U+2603 ("☃")'],
  ])('%j', (headers, message) => {
    expect(() => new Transfer(plain, { headers })).toThrow(new TypeError(message));
  });
  test('a tab and latin1 are taken', () => {
    expect(() => new Transfer(plain, { headers: { 'x-a': 'a\tb\xe4' } })).not.toThrow();
  });
  test('a port that is none', () => {
    expect(() => new Transfer('http://127.0.0.1:99999/')).toThrow(new TypeError('url: there is no port 99999, the highest is 65535'));
    expect(() => new Transfer('http://127.0.0.1:x/')).toThrow(/^url must be an absolute URL/);
  });
});
