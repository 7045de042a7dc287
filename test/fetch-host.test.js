// The fetch host: the JavaScript face over it, against servers in this process, and the host alone.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as door from '../js/hosts/door.js';
import { UPLOAD_MAX, gather } from '../js/hosts/page.js';
import { Multi, Transfer, TransferError, fetchHost } from '../js/index.js';
import { makeCertificates } from './helpers/certs.js';
import { FakeEngine } from './helpers/fake-engine.js';
import { settled, until } from './helpers/wait.js';
import { ROOT, run } from './support/command.js';

const MiB = 1024 * 1024;
const KERNEL = 48 * MiB; // what kernels on loopback and fetch itself may take in at most, generously: Linux alone may take 36
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

let host, multi, servers;
beforeEach(() => {
  host = fetchHost();
  multi = new Multi({ host });
  servers = [];
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  expect(host.channels).toBe(0);
  expect(host.caught).toBeUndefined();
  for (const server of servers) for (const socket of server.sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

const get = (url, options) => new Transfer(url, { multi, ...options });
/** What a promise rejects with. */
const failure = (promise) => promise.then(() => { throw new Error('did not reject'); }, (error) => error);

async function serve(server) {
  server.sockets = new Set();
  const keep = (socket) => {
    server.sockets.add(socket);
    socket.on('error', () => {}).on('close', () => server.sockets.delete(socket));
  };
  server.on('connection', keep).on('secureConnection', keep);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.url = `http://127.0.0.1:${server.address().port}/`;
  return server;
}
const web = (handler) => serve(http.createServer({ keepAliveTimeout: 0 }, handler));
const raw = (handler) => serve(net.createServer(handler));
/** Answers a request with these bytes, as they are. */
const saying = (text, then = () => {}) => raw((socket) => socket.once('data', () => socket.write(text, () => then(socket))));

/** Sends `total` bytes as fast as they are taken; counts and sums what it has given away. */
async function fountain(total) {
  const source = { sent: 0, total, sum: createHash('sha256'), closed: false };
  const server = await web((request, response) => {
    response.on('close', () => { source.closed = true; });
    response.setHeader('content-length', total);
    const pump = () => {
      while (source.sent < total) {
        const block = randomBytes(Math.min(65536, total - source.sent));
        source.sum.update(block);
        source.sent += block.length;
        if (!response.write(block)) return void response.once('drain', pump);
      }
      response.end();
    };
    pump();
  });
  source.url = server.url;
  return source;
}
/** Takes a body, and answers with what it was. */
const taker = () => web((request, response) => {
  const sum = createHash('sha256');
  let size = 0;
  request.on('data', (chunk) => { sum.update(chunk); size += chunk.length; });
  request.on('end', () => response.end(JSON.stringify({ method: request.method, size, sum: sum.digest('hex'), headers: request.headers })));
});

describe('completing', () => {
  test('the body is collected; head and request are right', async () => {
    let seen;
    const server = await web((request, response) => {
      seen = { url: request.url, method: request.method, headers: request.headers };
      response.writeHead(200, 'Fine', { 'Content-Type': 'application/json', 'Set-Cookie': ['a=1', 'b=2'], 'X-Latin': 'caf\xe9' });
      response.end('{"a":1}');
    });
    const states = [];
    const transfer = get(`${server.url}p?q#f`, { headers: { 'X-Own': 'yes', 'X-Empty': '' } });
    transfer.addEventListener('state', (event) => states.push(event.detail));
    const performing = transfer.perform();
    expect(await transfer.response).toMatchObject({ status: 200, httpVersion: 'host', url: `${server.url}p?q`, remoteAddress: undefined });
    const result = await performing;
    expect(result.json()).toEqual({ a: 1 });
    expect(result).toMatchObject({ errno: 0, status: 200, received: 7, held: 0, redirects: 0, reused: false, pausedMs: 0 });
    expect(result.headers.get('content-type')).toBe('application/json');
    expect(result.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(result.headers.get('x-latin')).toBe('caf\xe9');
    expect(states).toEqual(['pending', 'connecting', 'active', 'done']);
    expect(seen).toMatchObject({ url: '/p?q', method: 'GET' });
    expect(seen.headers).toMatchObject({ 'x-own': 'yes', 'x-empty': '', 'user-agent': 'sluice/0.1.0' });
  });

  test('credentials in the URL are sent as Basic authentication', async () => {
    const server = await web((request, response) => response.end(request.headers.authorization));
    const url = server.url.replace('//', '//me:p%40ss@');
    expect((await get(url).perform()).text()).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });

  test('HEAD, 204 and 304 have no body, whatever their heads say', async () => {
    const server = await web((request, response) => {
      response.writeHead(request.method === 'HEAD' ? 200 : Number(request.url.slice(1)), request.method === 'HEAD' ? { 'Content-Length': 1000 } : {});
      response.end();
    });
    for (const [path, method, status] of [['', 'HEAD', 200], ['204', 'GET', 204], ['304', 'GET', 304]]) {
      const result = await get(server.url + path, { method }).perform();
      expect([result.status, result.received, result.body.length]).toEqual([status, 0, 0]);
    }
  });

  test('the body that a 205 announces is dropped by fetch, and not waited for', async () => {
    const server = await saying('HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\nX-Own: yes\r\n\r\nhello');
    const result = await get(server.url).perform();
    expect(result).toMatchObject({ errno: 0, status: 205, received: 0, receiveTotal: undefined });
    expect(result.headers.get('x-own')).toBe('yes');
  });

  test('a body that fetch decodes has no announced size, and is not held to it', async () => {
    const text = 'sluice '.repeat(10000), coded = zlib.gzipSync(text);
    const server = await web((request, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': coded.length });
      response.end(coded);
    });
    const result = await get(server.url).perform();
    expect(result.text()).toBe(text);
    expect(result).toMatchObject({ received: text.length, receiveTotal: undefined });
  });

  test('64 at once, each byte-exact', async () => {
    const body = randomBytes(100000);
    const server = await web((request, response) => response.end(body.subarray(Number(request.url.slice(1)))));
    const results = await Promise.all(Array.from({ length: 64 }, (_, i) => get(server.url + i * 1000).perform()));
    results.forEach((result, i) => expect(sha(result.body)).toBe(sha(body.subarray(i * 1000))));
  });
});

describe('redirects are the engine\'s', () => {
  test('they are followed, counted and limited; a POST that 303 answers becomes a GET', async () => {
    const server = await web((request, response) => {
      if (request.url === '/loop') response.writeHead(302, { Location: '/loop' }).end('round');
      else if (request.url === '/end') response.end(request.method);
      else response.writeHead(303, { Location: '/end' }).end('see other');
    });
    const result = await get(server.url, { method: 'POST', body: 'x' }).perform();
    expect([result.text(), result.redirects, result.status]).toEqual(['GET', 1, 200]);
    expect(await failure(get(`${server.url}loop`, { follow: 3 }).perform())).toMatchObject({ code: 'CURLE_TOO_MANY_REDIRECTS' });
    const kept = await get(server.url, { follow: false }).perform();
    expect([kept.status, kept.text(), kept.headers.get('location')]).toEqual([303, 'see other', '/end']);
  });

  test('own credentials do not go to another host', async () => {
    const there = await web((request, response) => response.end(String(request.headers.authorization)));
    const here = await web((request, response) => response.writeHead(302, { Location: there.url }).end());
    const result = await get(here.url, { headers: { Authorization: 'Bearer secret' } }).perform();
    expect(result.text()).toBe('undefined');
  });
});

describe('holding', () => {
  test('W8, B4: a pause in the middle stops the server, nothing is delivered; going on is byte-exact', async () => {
    const source = await fountain(KERNEL + 32 * MiB);
    const sum = createHash('sha256');
    let bytes = 0, pauses = 0;
    const transfer = get(source.url, {
      onData(chunk) {
        sum.update(chunk);
        bytes += chunk.length;
        if (pauses === 0 && bytes > 8 * MiB) {
          pauses++;
          transfer.pause();
        }
      },
    });
    const performing = transfer.perform();
    await until(() => pauses === 1);
    const stopped = bytes;
    const stuck = await settled(() => source.sent, 500);
    expect(stuck - stopped).toBeLessThan(KERNEL);
    expect(stuck).toBeLessThan(source.total);
    expect(bytes).toBe(stopped);
    expect(transfer.paused).toEqual({ recv: true, send: true, by: 'call' });
    expect(transfer.progress.held).toBeLessThanOrEqual(2 * door.SL_HOST_HELD_MAX);
    await transfer.resume();
    const result = await performing;
    expect([bytes, sum.digest('hex')]).toEqual([source.total, source.sum.digest('hex')]);
    expect(result.pausedMs).toBeGreaterThan(0);
  });

  test('W3: a refused chunk comes again', async () => {
    const server = await web((request, response) => response.end('all of it'));
    const got = [];
    const transfer = get(server.url, {
      onData(chunk) {
        got.push(Buffer.from(chunk).toString());
        if (got.length > 1) return undefined;
        setTimeout(() => transfer.resume(), 20);
        return 'pause';
      },
    });
    await transfer.perform();
    expect(got).toEqual(['all of it', 'all of it']);
  });

  test('P10, P11: started with a direction paused, nothing is opened before it is resumed', async () => {
    let requests = 0;
    const server = await web((request, response) => response.end(String(++requests)));
    for (const direction of ['recv', 'send', 'both']) {
      const transfer = get(server.url), before = requests;
      transfer.pause(direction);
      const performing = transfer.perform();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect([transfer.state, requests, host.channels]).toEqual(['pending', before, 0]);
      transfer.resume();
      expect((await performing).text()).toBe(String(before + 1));
    }
  });

  test('paused while the head is awaited: it comes and waits', async () => {
    let answer;
    const server = await web((request, response) => { answer = response; });
    const transfer = get(server.url);
    const performing = transfer.perform();
    await until(() => answer);
    transfer.pause();
    answer.end('late');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(transfer.progress.received).toBe(0);
    transfer.resume();
    expect((await performing).text()).toBe('late');
  });

  test('S1: a rate limit is kept, and the server is slowed by it', async () => {
    const source = await fountain(3 * MiB);
    const result = await get(source.url, { maxRecvSpeed: MiB, onData() {} }).perform();
    expect(result.elapsedMs).toBeGreaterThan(1500);
    expect(result.elapsedMs).toBeLessThan(6000);
    expect(result.received).toBe(3 * MiB);
  });
});

describe('request bodies', () => {
  const data = randomBytes(4 * MiB);
  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s, its size announced, byte-exact', async (method) => {
    const server = await taker();
    const result = await get(server.url, { method, body: data }).perform();
    expect(result.json()).toMatchObject({ method, size: data.length, sum: sha(data), headers: { 'content-length': String(data.length) } });
    expect(result.sent).toBe(data.length);
  });

  test('of unknown size, from a stream; and an empty one', async () => {
    const server = await taker();
    const stream = new Blob([data]).stream();
    const result = await get(server.url, { method: 'POST', body: stream }).perform();
    expect(result.json()).toMatchObject({ size: data.length, sum: sha(data), headers: { 'transfer-encoding': 'chunked' } });
    expect((await get(server.url, { method: 'POST', body: '' }).perform()).json()).toMatchObject({ method: 'POST', size: 0 });
  });

  test('R2: a server that does not read stops the sending, and so does a pause; then all of it goes', async () => {
    let taken = 0, socket;
    const server = await web((request, response) => {
      socket = request;
      request.pause();
      request.on('end', () => response.end(String(taken)));
    });
    const big = Buffer.alloc(64 * MiB);
    const transfer = get(server.url, { method: 'POST', body: big });
    const performing = transfer.perform();
    await until(() => socket);
    const stuck = await settled(() => transfer.progress.sent, 300);
    expect(stuck).toBeLessThan(KERNEL);
    transfer.pause('send');
    socket.on('data', (chunk) => { taken += chunk.length; }).resume();
    await settled(() => taken, 300);
    expect(transfer.progress.sent).toBeLessThanOrEqual(stuck + 65536); // what waited to be taken
    transfer.resume('send');
    expect((await performing).text()).toBe(String(big.length));
  });

  test('R6: a server that refuses before it has all', async () => {
    const server = await web((request, response) => response.writeHead(413, { Connection: 'close' }).end('too much'));
    const result = await get(server.url, { method: 'POST', body: Buffer.alloc(32 * MiB) }).perform();
    expect([result.status, result.text()]).toEqual([413, 'too much']);
    expect(result.sent).toBeLessThan(32 * MiB);
  });

  test('R1: a stream that fails ends the transfer, and the server sees it', async () => {
    let asked = false, aborted = false;
    const server = await web((request) => {
      asked = true;
      request.on('error', () => { aborted = true; }).resume();
    });
    async function* body() {
      yield new Uint8Array(1000);
      await until(() => asked);
      throw new Error('no more');
    }
    expect(await failure(get(server.url, { method: 'POST', body: body() }).perform())).toMatchObject({ code: 'CURLE_READ_ERROR' });
    await until(() => aborted);
  });
});

describe('stopping', () => {
  test('X2, X9: abort in the middle: nothing comes after it, the server sees it close', async () => {
    const source = await fountain(256 * MiB);
    let bytes = 0, at = 0;
    const transfer = get(source.url, {
      onData(chunk) {
        bytes += chunk.length;
        if (at > 0 || bytes < 4 * MiB) return;
        at = bytes;
        transfer.abort();
      },
    });
    expect(await failure(transfer.perform())).toMatchObject({ errno: 42, name: 'AbortError' });
    await until(() => source.closed);
    expect(bytes).toBe(at);
  });

  test('abort before the head, while connecting and while paused', async () => {
    let closed = 0;
    const server = await web((request) => request.socket.on('close', () => closed++));
    for (const wait of [0, 50]) {
      const transfer = get(server.url);
      const performing = failure(transfer.perform());
      if (wait) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        transfer.pause();
      }
      transfer.abort(new Error('mine'));
      expect((await performing).message).toBe('mine');
    }
    await until(() => closed >= 1);
    await until(() => host.channels === 0);
  });

  test('T1, T5: the total time, paused or not', async () => {
    const server = await web((request, response) => {
      response.setHeader('content-length', 1000);
      response.write('x'.repeat(10));
    });
    for (const paused of [false, true]) {
      const transfer = get(server.url, { timeoutMs: 300 });
      const performing = failure(transfer.perform());
      await transfer.response;
      if (paused) transfer.pause();
      const error = await performing;
      expect(error).toMatchObject({ errno: 28, name: 'TimeoutError' });
      expect(error.message).toMatch(/^Operation timed out after \d+ milliseconds with (0|10) out of 1000 bytes received \(GET http/);
      expect(error.result.elapsedMs).toBeLessThan(2000);
    }
  });

  test('T2: the connect limit lasts until the head is here', async () => {
    const server = await web(() => {});
    const error = await failure(get(server.url, { connectTimeoutMs: 200 }).perform());
    expect(error).toMatchObject({ errno: 28 });
    expect(error.message).toMatch(/^Connection timed out after \d+ milliseconds \(GET http/);
    const slow = await web((request, response) => {
      response.write('x');
      setTimeout(() => response.end(), 500);
    });
    expect((await get(slow.url, { connectTimeoutMs: 300 }).perform()).text()).toBe('x');
  });

  test('L3: low speed', async () => {
    const server = await web((request, response) => {
      const timer = setInterval(() => response.write('x'), 100);
      response.on('close', () => clearInterval(timer));
    });
    const error = await failure(get(server.url, { lowSpeed: { bytesPerSecond: 1000, ms: 1000 }, onData() {} }).perform());
    expect(error).toMatchObject({ errno: 28, message: expect.stringContaining('Operation too slow. Less than 1000 bytes/sec transferred the last 1 seconds (') });
    expect(error.result.elapsedMs).toBeLessThan(4000);
  });

  test('B9: silence of the peer in the body', async () => {
    const server = await web((request, response) => response.write('x'));
    const error = await failure(get(server.url, { silenceTimeoutMs: 200, onData() {} }).perform());
    expect(error).toMatchObject({ errno: 28, message: expect.stringContaining('Peer silent for 200 milliseconds (') });
  });

  test('W14: a body larger than wanted, announced or not', async () => {
    const server = await web((request, response) => {
      if (request.url === '/told') response.setHeader('content-length', 100000);
      response.write('x'.repeat(60000));
      response.end('x'.repeat(40000));
    });
    for (const path of ['told', '']) {
      expect(await failure(get(server.url + path, { maxBody: 1000 }).perform())).toMatchObject({ errno: 63 });
    }
  });
});

describe('failing', () => {
  test('nobody there, no such name, a port that fetch does not go to', async () => {
    const server = await web(() => {});
    const { url } = server;
    await new Promise((resolve) => servers.pop().close(resolve));
    expect(await failure(get(url).perform())).toMatchObject({ errno: 7, message: expect.stringContaining('ECONNREFUSED') });
    expect(await failure(get(url, { method: 'POST', body: 'x' }).perform())).toMatchObject({ errno: 7 });
    expect(await failure(get('http://nowhere.invalid/').perform())).toMatchObject({ errno: 6 });
    expect(await failure(get('http://127.0.0.1:6000/').perform())).toMatchObject({ errno: 9, message: expect.stringContaining('bad port (') });
  });

  test.each([
    ['no answer at all', '', (socket) => socket.end(), 52],
    ['a reset instead of an answer', '', (socket) => socket.resetAndDestroy(), 52],
    ['a body cut short', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', (socket) => setTimeout(() => socket.end(), 30), 56], // sockets tell 18: fetch has one word for both
    ['chunks cut short', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n', (socket) => setTimeout(() => socket.end(), 30), 56],
    ['a reset in the body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', (socket) => setTimeout(() => socket.resetAndDestroy(), 30), 56],
    ['no HTTP', 'hello\r\n\r\n', (socket) => socket.end(), 56],
    ['a coding that is not what it says', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc', () => {}, 56],
  ])('%s', async (name, text, then, errno) => {
    const server = await saying(text, then);
    const error = await failure(get(server.url, { onData() {} }).perform());
    expect(error).toBeInstanceOf(TransferError);
    expect(error.errno).toBe(errno);
  });

  test('W10: a body cut short while paused is told after the resume, when all that came was delivered', async () => {
    const server = await saying('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', (socket) => setTimeout(() => socket.end(), 30));
    let got = '';
    const transfer = get(server.url, { onData(chunk) { got += Buffer.from(chunk); } });
    const performing = failure(transfer.perform());
    await transfer.response;
    transfer.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(transfer.state).toBe('active');
    transfer.resume();
    expect(await performing).toMatchObject({ errno: 56 });
    expect('abc'.startsWith(got)).toBe(true);
  });

  test('TLS: a certificate nobody vouches for, a peer without TLS; options of one\'s own are refused, not ignored', async () => {
    const { server: own, ca } = makeCertificates();
    const secure = await serve(https.createServer(own, (request, response) => response.end('x')));
    const url = secure.url.replace('http', 'https');
    expect(await failure(get(url).perform())).toMatchObject({ errno: 60 });
    const plain = await raw((socket) => socket.end('x'));
    expect(await failure(get(plain.url.replace('http', 'https')).perform())).toMatchObject({ errno: 35 });
    for (const tls of [{ ca }, { verify: false }]) {
      expect(await failure(get(url, { tls }).perform())).toMatchObject({ errno: 4, message: expect.stringMatching(/^fetch has no word for: (ca|verify) \(GET https/) });
    }
  });

  test.each([
    ['a Host of one\'s own', { headers: { Host: 'elsewhere' } }, /host/],
    ['a header of the connection', { headers: { Connection: 'upgrade' } }, /connection/],
    ['Expect', { headers: { Expect: '100-continue' } }, /expect/],
    ['a GET with a body', { method: 'GET', body: 'x' }, /GET/],
    ['a method that fetch refuses', { method: 'TRACE' }, /TRACE/],
  ])('what fetch cannot send is said: %s', async (name, options, words) => {
    let requests = 0;
    const server = await web((request, response) => response.end(String(requests++)));
    expect(await failure(get(server.url, options).perform())).toMatchObject({ errno: 4, message: expect.stringMatching(words) });
    expect(requests).toBe(0);
  });

  test('words of a status that are UTF-8 are of one line', async () => {
    const server = await saying(Buffer.from('HTTP/1.1 200 O\u010aX-Made: up\u010d\r\nContent-Length: 2\r\n\r\nok'));
    const result = await get(server.url).perform();
    expect([result.status, result.text(), result.headers.has('x-made')]).toEqual([200, 'ok', false]);
  });

  test('a fetch of the caller\'s that throws, or answers nonsense', async () => {
    for (const [answer, errno] of [
      [() => { throw new Error('not today'); }, 7],
      [() => ({ status: 99, statusText: '', headers: [], body: null }), 8],
      [() => ({ status: 200, statusText: '', headers: [['content-length', '5']], body: new Blob(['abc']).stream() }), 18],
      [() => ({ status: 200, statusText: '', headers: [['content-length', '2']], body: new Blob(['abc']).stream() }), 56],
      [() => ({ status: 200, statusText: '', headers: Array.from({ length: 300 }, (_, i) => [`h${i}`, 'x']), body: null }), 100],
      [() => ({ status: 200, statusText: '', headers: [['long', 'x'.repeat(70000)]], body: null }), 100],
      [() => undefined, 7],
      [async () => { const answer = new Response('abc'); await answer.text(); return answer; }, 7],
      [() => ({ type: 'opaqueredirect', status: 0, statusText: '', headers: [], body: null }), 4],
    ]) {
      const other = fetchHost({ fetch: async () => answer() });
      const engine = new Multi({ host: other });
      expect(await failure(new Transfer('http://h/', { multi: engine }).perform())).toMatchObject({ errno });
      await engine[Symbol.asyncDispose]();
      expect([other.channels, other.caught]).toEqual([0, undefined]);
    }
  });
});

describe('the host alone', () => {
  test.each(['method', 'headers', 'body', 'duplex', 'redirect', 'signal'])('what a transfer says itself is not taken for all of them: init.%s', (name) => {
    expect(() => fetchHost({ init: { [name]: undefined } })).toThrow(new TypeError(`fetchHost: init.${name} is said by each transfer itself`));
  });

  test.each([
    ['a document that tests bring', 'document = {}', false], ['a worker of one\'s own', 'WorkerNavigator = class {}', false],
    ['a page of Electron', "document = {}; process.type = 'renderer'", true], ['a page with a process that bundlers bring', 'document = {}; process = { versions: {} }', true],
    ['Deno 1', 'WorkerNavigator = class {}; process = undefined; Deno = {}', false], ['a worker', 'WorkerNavigator = class {}; process = undefined', true],
  ])('whether it is in a browser: %s', async (name, globals, inPage) => {
    const code = `${globals.replace(/(^|; )(?=\w+ =)/g, '$1globalThis.')}; const page = await import('./js/hosts/page.js'); console.log(page.inPage)`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT });
    expect(String(stdout)).toBe(`${inPage}\n`);
  });

  test('a body that became too large to be kept is not sent, also when it ends there', async () => {
    const failures = [];
    let sending, done = false;
    gather((one) => { sending = one; }, () => {}, (failure) => failures.push(failure)).then(() => { done = true; });
    sending.enqueue(new Uint8Array(UPLOAD_MAX));
    expect(failures).toEqual([]);
    sending.enqueue(new Uint8Array(1));
    sending.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect([failures, done]).toEqual([[{ code: door.SL_NOSYS, error: expect.stringMatching(/larger than the 67108864 bytes/) }], false]);
  });

  const { SL_EXCHANGE, SL_IN, SL_OPENED, SL_AGAIN, SL_NOSYS, SL_INVAL } = door;

  test('it has exchanges and nothing else; a malformed spec is INVAL', () => {
    const one = fetchHost(), engine = new FakeEngine(one);
    for (const kind of [0, door.SL_TCP, door.SL_TLS, door.SL_FILE, 5]) expect(engine.open(kind, 'name x\nport 80\n')).toBe(SL_NOSYS);
    for (const spec of ['', 'method GET\n', 'url http://x/\n', 'method GET\nurl http://x/\nbody x\n', 'method GET\nurl http://x/\nmethod GET\n']) {
      expect([spec, engine.open(SL_EXCHANGE, spec)]).toEqual([spec, SL_INVAL]);
    }
    expect(one.channels).toBe(0);
    one.close();
  });

  test('wanting nothing: nothing is read, one chunk at most is kept, and IN comes when it is wanted', async () => {
    const source = await fountain(64 * MiB);
    const one = fetchHost(), engine = new FakeEngine(one);
    const ch = engine.open(SL_EXCHANGE, `name 127.0.0.1\nport 80\nmethod GET\nurl ${source.url}\nheader A: 1\nheader B: 2\n`);
    expect([engine.recv(ch), engine.info(ch, door.SL_INFO_HEAD)]).toEqual([SL_AGAIN, SL_AGAIN]);
    await engine.event(ch, SL_OPENED);
    expect(engine.info(ch, door.SL_INFO_HEAD)).toMatch(/^HTTP\/host 200 OK\r\n(.+: .+\r\n)+\r\n$/);
    for (const what of [door.SL_INFO_PEER, door.SL_INFO_ALPN, door.SL_INFO_TIMES]) expect(engine.info(ch, what)).toBe(SL_NOSYS);
    await settled(() => source.sent);
    expect([engine.order.length, engine.recv(ch)]).toEqual([1, SL_AGAIN]);
    engine.want(ch, SL_IN);
    expect(engine.order.length).toBe(1); // never from inside
    await engine.event(ch, SL_IN);
    const held = engine.info(ch, door.SL_INFO_HELD, 'numbers')[0];
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(4 * door.SL_HOST_HELD_MAX); // a chunk as fetch makes it: 64 KiB (Node 26) to 255 KiB (Node 22)
    engine.want(ch, 0);
    await settled(() => source.sent);
    expect(engine.info(ch, door.SL_INFO_HELD, 'numbers')[0]).toBe(held);
    engine.sinks.set(1, (chunk) => { engine.close(ch, door.SL_ABORT); return chunk.length; });
    expect(engine.move(ch, 1, 10)).toBe(10);
    expect(engine.recv(ch)).toBe(SL_INVAL);
    await until(() => source.closed);
    expect([one.channels, one.caught]).toEqual([0, undefined]);
    one.close();
  });
});
