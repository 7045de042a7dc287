// The JavaScript face over the Node host and the module, against servers in this process.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, TransferError, nodeHost } from '../js/index.js';
import { makeCertificates } from './helpers/certs.js';
import { settled, until } from './helpers/wait.js';

const MiB = 1024 * 1024;
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const INDEX = fileURLToPath(new URL('../js/index.js', import.meta.url));

let host, multi, servers;
beforeEach(() => {
  host = nodeHost();
  multi = new Multi({ host });
  servers = [];
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  for (const server of servers) for (const socket of server.sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  expect(host.caught).toBeUndefined();
});

const get = (url, options) => new Transfer(url, { multi, ...options });

async function serve(server) {
  server.sockets = new Set();
  server.on('connection', (socket) => {
    server.sockets.add(socket);
    socket.on('error', (error) => { server.lastError = error; }).on('close', () => server.sockets.delete(socket));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.url = `http://127.0.0.1:${server.address().port}/`;
  return server;
}
const web = (handler) => serve(http.createServer({ keepAliveTimeout: 0 }, handler));
const raw = (handler) => serve(net.createServer(handler));

/** Sends `total` bytes as fast as they are taken; counts and sums what it has given away. */
async function fountain(total, { length = true } = {}) {
  const source = { sent: 0, total, requests: 0 };
  source.server = await web((request, response) => {
    source.requests++;
    source.sent = 0;
    source.sum = createHash('sha256');
    source.closed = false;
    response.on('close', () => { source.closed = true; });
    if (length) response.setHeader('content-length', total);
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
  source.url = source.server.url;
  return source;
}
/** What a promise rejects with. */
const failure = (promise) => promise.then(() => { throw new Error('did not reject'); }, (error) => error);

describe('completing', () => {
  test('the body is collected; head, counters, times and the request are right', async () => {
    let seen;
    const server = await web((request, response) => {
      seen = { url: request.url, method: request.method, headers: request.headers };
      response.writeHead(200, 'Fine', { 'Content-Type': 'application/json', 'Set-Cookie': ['a=1', 'b=2'], 'X-Latin': 'caf\xe9' });
      response.end('{"a":1}');
    });
    const transfer = get(`${server.url}p?q#f`, { headers: { 'X-Own': 'yes', 'X-Empty': '' } });
    const states = [];
    transfer.addEventListener('state', (event) => states.push(event.detail));
    expect(transfer.state).toBe('idle');
    const performing = transfer.perform();
    expect(['pending', 'connecting']).toContain(transfer.state);
    expect(multi.running).toBe(1);
    const head = await transfer.response;
    expect(head).toMatchObject({ status: 200, httpVersion: '1.1', url: `${server.url}p?q`, remoteAddress: '127.0.0.1' });
    const result = await performing;
    expect(result.text()).toBe('{"a":1}');
    expect(result.json()).toEqual({ a: 1 });
    expect(result.body).toEqual(new Uint8Array(Buffer.from('{"a":1}')));
    expect(result).toMatchObject({ code: 'CURLE_OK', errno: 0, status: 200, received: 7, sent: 0, held: 0, redirects: 0, reused: false, pausedMs: 0 });
    expect(result.headers.get('content-type')).toBe('application/json');
    expect(result.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(result.headers.get('x-latin')).toBe('caf\xe9');
    expect(result.timings.connect).toBeGreaterThan(0);
    expect(result.timings.firstByte).toBeGreaterThanOrEqual(result.timings.connect);
    expect(result.timings.total).toBeGreaterThanOrEqual(result.timings.firstByte);
    expect(result.timings).toMatchObject({ tls: undefined, resolve: undefined });
    expect(result.elapsedMs).toBe(result.timings.total);
    expect(transfer.result).toBe(result);
    expect(transfer.state).toBe('done');
    expect(multi.running).toBe(0);
    expect(states).toEqual(['pending', 'connecting', 'active', 'done']);
    expect(seen).toMatchObject({ url: '/p?q', method: 'GET' });
    expect(seen.headers).toMatchObject({ 'x-own': 'yes', 'x-empty': '', 'user-agent': 'sluice/0.1.0' });
    expect(seen.headers['accept-encoding']).toBeUndefined();
  });

  test('events: head, progress, done', async () => {
    const server = await web((request, response) => {
      response.write('first');
      setTimeout(() => response.end('last'), 350);
    });
    const transfer = get(server.url), heard = [];
    for (const type of ['head', 'progress', 'done']) transfer.addEventListener(type, (event) => heard.push([type, event.detail]));
    const result = await transfer.perform();
    expect(heard[0]).toEqual(['head', expect.objectContaining({ status: 200 })]);
    expect(heard.at(-1)).toEqual(['done', result]);
    const progress = heard.filter(([type]) => type === 'progress');
    expect(progress.length).toBeGreaterThanOrEqual(1);
    expect(progress.length).toBeLessThanOrEqual(10);
    expect(progress[0][1]).toMatchObject({ received: 5, held: 0, pausedMs: 0 });
  });

  test('a 404 resolves', async () => {
    const server = await web((request, response) => response.writeHead(404).end('no'));
    expect(await get(server.url).perform()).toMatchObject({ status: 404, errno: 0 });
  });

  test('a redirect that is not followed resolves as it is', async () => {
    const server = await web((request, response) => response.writeHead(302, { location: '/else' }).end());
    const result = await get(server.url, { follow: false }).perform();
    expect(result).toMatchObject({ status: 302, redirects: 0 });
    expect(result.headers.get('location')).toBe('/else');
  });

  test.each([['HEAD', 200], ['GET', 204], ['GET', 304]])('%s with %i has an empty body', async (method, status) => {
    const server = await web((request, response) => response.writeHead(status, { 'x-method': request.method, ...(method === 'HEAD' && { 'content-length': 5 }) }).end());
    const result = await get(server.url, { method }).perform();
    expect(result.headers.get('x-method')).toBe(method);
    expect(result.text()).toBe('');
    expect((await get(server.url, { method }).perform()).reused).toBe(true);
  });

  test('onData gets every byte of 64 MiB in order; nothing is collected', async () => {
    const source = await fountain(64 * MiB);
    const sum = createHash('sha256');
    let total = 0, self;
    const transfer = get(source.url, { onData(chunk) { sum.update(chunk); total += chunk.length; self = this; } });
    const result = await transfer.perform();
    expect(total).toBe(source.total);
    expect(sum.digest('hex')).toBe(source.sum.digest('hex'));
    expect(result.body).toBeUndefined();
    expect(() => result.text()).toThrow(TypeError);
    expect(result).toMatchObject({ received: source.total, receiveTotal: source.total });
    expect(self).toBe(transfer);
  });

  test('a chunked body, collected, with trailers', async () => {
    const body = randomBytes(3 * MiB);
    const server = await web((request, response) => {
      response.setHeader('trailer', 'x-sum');
      for (let at = 0; at < body.length; at += 70001) response.write(body.subarray(at, at + 70001));
      response.addTrailers({ 'x-sum': 'abc' });
      response.end();
    });
    const result = await get(server.url).perform();
    expect(sha(result.body)).toBe(sha(body));
    expect(result.receiveTotal).toBeUndefined();
    expect(result.trailers.get('x-sum')).toBe('abc');
  });

  test('a body that ends with the connection', async () => {
    const server = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end')));
    const result = await get(server.url).perform();
    expect(result.text()).toBe('until the end');
    expect(result.httpVersion).toBe('1.0');
  });

  test('connections are reused, also from within the completion', async () => {
    let connections = 0;
    const server = await web((request, response) => response.end(request.url));
    server.on('connection', () => connections++);
    for (let i = 0; i < 5; i++) expect((await get(`${server.url}${i}`).perform()).text()).toBe(`/${i}`);
    const first = get(`${server.url}a`), second = get(`${server.url}b`);
    let chained;
    first.addEventListener('done', () => { chained = second.perform(); });
    await first.perform();
    expect((await chained).reused).toBe(true);
    expect(connections).toBe(1);
    const several = await Promise.all(Array.from({ length: 20 }, (_, i) => get(`${server.url}${i}`).perform()));
    expect(several.map((one) => one.text())).toEqual(Array.from({ length: 20 }, (_, i) => `/${i}`));
  });

  test('perform may be called again when settled, not before', async () => {
    let n = 0;
    const server = await web((request, response) => response.end(String(++n)));
    const transfer = get(server.url);
    const first = transfer.perform(), response = transfer.response;
    expect(await failure(transfer.perform())).toBeInstanceOf(TypeError);
    expect((await first).text()).toBe('1');
    const again = transfer.perform();
    expect(transfer.response).not.toBe(response);
    expect((await again).text()).toBe('2');
    expect(await transfer.response).toMatchObject({ status: 200 });
  });

  test('credentials in the URL become Basic authentication', async () => {
    const server = await web((request, response) => response.end(request.headers.authorization));
    const result = await get(server.url.replace('//', '//us%20er:p%C3%A9@')).perform();
    expect(result.text()).toBe(`Basic ${Buffer.from('us er:p\xc3\xa9', 'latin1').toString('base64')}`);
    expect(result.url).toBe(server.url);
  });

  test('https with an own CA; without it the peer is not believed', async () => {
    const { ca, server: own } = makeCertificates();
    const server = await serve(https.createServer(own, (request, response) => response.end('secret')));
    const url = server.url.replace('http:', 'https:').replace('127.0.0.1', 'localhost');
    const result = await get(url, { tls: { ca } }).perform();
    expect(result.text()).toBe('secret');
    expect(result.timings.tls).toBeGreaterThan(0);
    expect((await get(url, { tls: { ca } }).perform()).reused).toBe(true);
    expect(await failure(get(url).perform())).toMatchObject({ name: 'TransferError', errno: 60, code: 'CURLE_PEER_FAILED_VERIFICATION' });
    expect((await get(url, { tls: { verify: false } }).perform()).text()).toBe('secret');
  });
});

describe('pausing', () => {
  test('W8, P1: in the middle of 64 MiB the server is stopped, nothing is delivered, going on is byte-exact', async () => {
    const source = await fountain(64 * MiB);
    const sum = createHash('sha256');
    let got = 0;
    const transfer = get(source.url, { onData(chunk) { sum.update(chunk); got += chunk.length; } });
    const heard = [];
    for (const type of ['pause', 'resume']) transfer.addEventListener(type, () => heard.push(type));
    const performing = transfer.perform();
    await until(() => got > 4 * MiB);
    const pausing = transfer.pause();
    const at = got;
    expect(transfer.paused).toEqual({ recv: true, send: true, by: 'call' });
    await pausing;
    await settled(() => source.sent);
    expect(got).toBe(at);
    expect(source.sent).toBeLessThan(at + 24 * MiB); // two kernels' buffers
    expect(transfer.progress.held).toBeLessThanOrEqual(2 * 65536);
    expect(transfer.progress.pausedMs).toBeGreaterThan(100);
    expect(transfer.state).toBe('active');
    await transfer.resume();
    expect(transfer.paused).toEqual({ recv: false, send: false, by: null });
    const result = await performing;
    expect(sum.digest('hex')).toBe(source.sum.digest('hex'));
    expect(result.pausedMs).toBeGreaterThan(100);
    expect(heard).toEqual(['pause', 'resume']);
  });

  test('W2: a refused chunk is not taken and comes again after resume', async () => {
    const source = await fountain(2 * MiB);
    const sum = createHash('sha256');
    let refusals = 0, got = 0, refused = null;
    const transfer = get(source.url, {
      onData(chunk) {
        expect(transfer.paused.recv).toBe(false);
        if (refused) {
          expect(Buffer.from(chunk.subarray(0, refused.length)).equals(refused.subarray(0, chunk.length))).toBe(true);
          refused = null;
        } else if (refusals < 10 && got > refusals * 150000) {
          refusals++;
          refused = Buffer.from(chunk);
          setTimeout(() => transfer.resume(), 5);
          return 'pause';
        }
        sum.update(chunk);
        got += chunk.length;
      },
    });
    const by = new Set();
    transfer.addEventListener('pause', () => by.add(transfer.paused.by));
    await transfer.perform();
    expect(refusals).toBe(10);
    expect(got).toBe(source.total);
    expect(sum.digest('hex')).toBe(source.sum.digest('hex'));
    expect([...by]).toEqual(['callback']);
  });

  test('W2, W9: the refused chunk is the whole body: not done before it was taken', async () => {
    const server = await web((request, response) => response.end('all of it'));
    const got = [];
    let refused = false;
    const transfer = get(server.url, { onData(chunk) {
      got.push(Buffer.from(chunk).toString());
      if (!refused) { refused = true; return 'pause'; }
    } });
    const performing = transfer.perform();
    await until(() => refused);
    expect(await Promise.race([performing, settled(() => got.length, 100)])).toBe(1);
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'callback' });
    expect(transfer.state).toBe('active');
    expect(transfer.progress.held).toBe(9);
    transfer.resume('recv');
    await performing;
    expect(got).toEqual(['all of it', 'all of it']);
  });

  test('a promise holds the transfer until it settles, whatever else is resumed', async () => {
    const source = await fountain(MiB);
    let inside = 0, most = 0, calls = 0, got = 0;
    const transfer = get(source.url, {
      async onData(chunk) {
        got += chunk.length;
        most = Math.max(most, ++inside);
        calls++;
        transfer.resume();
        await new Promise((resolve) => setTimeout(resolve, 2));
        inside--;
      },
    });
    await transfer.perform();
    expect(got).toBe(source.total);
    expect(calls).toBeGreaterThan(4);
    expect(most).toBe(1);
  });

  test('pause within onData: that chunk was taken, nothing more comes', async () => {
    const source = await fountain(8 * MiB);
    let got = 0, at;
    const transfer = get(source.url, { onData(chunk) {
      got += chunk.length;
      if (!at && got > MiB) { at = got; transfer.pause('recv'); }
    } });
    const performing = transfer.perform();
    await until(() => at);
    await settled(() => got, 100);
    expect(got).toBe(at);
    transfer.resume();
    await performing;
    expect(got).toBe(source.total);
  });

  test('paused before perform: it starts paused (B14); resume lets it go', async () => {
    let requests = 0;
    const server = await web((request, response) => { requests++; response.end('x'); });
    const transfer = get(server.url);
    await transfer.pause();
    expect(transfer.paused).toEqual({ recv: true, send: true, by: 'call' });
    const performing = transfer.perform();
    expect(transfer.paused).toEqual({ recv: true, send: true, by: 'call' });
    await settled(() => requests, 150);
    expect(requests).toBe(0); // P11
    await transfer.resume();
    expect((await performing).text()).toBe('x');
  });

  test('F1: a pause does not outlive its run', async () => {
    const source = await fountain(MiB);
    const transfer = get(source.url);
    const first = transfer.perform();
    transfer.pause();
    await transfer.abort();
    await failure(first);
    transfer.pause(); // after the end: nothing
    expect(transfer.paused).toEqual({ recv: false, send: false, by: null });
    expect((await transfer.perform()).received).toBe(MiB);
  });

  test('P14, P15: pausing twice, resuming what runs, neighbours go on', async () => {
    const source = await fountain(8 * MiB), small = await web((request, response) => response.end('x'));
    const transfer = get(source.url);
    const performing = transfer.perform();
    await transfer.resume();
    await transfer.pause();
    await transfer.pause();
    expect(multi.running).toBe(1);
    for (let i = 0; i < 5; i++) expect((await get(small.url).perform()).text()).toBe('x');
    await transfer.resume('send');
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'call' });
    await transfer.resume();
    expect((await performing).body.length).toBe(8 * MiB);
  });

  test('pause and resume many times from anywhere lose nothing', async () => {
    const source = await fountain(16 * MiB, { length: false });
    const sum = createHash('sha256');
    let paused = false, wrong = 0, turns = 0;
    const transfer = get(source.url, { onData(chunk) {
      if (paused) wrong++;
      sum.update(chunk);
      if (++turns % 3 === 0) {
        paused = true;
        transfer.pause('recv');
        const go = () => { paused = false; transfer.resume(); };
        if (turns % 2) setImmediate(go); else process.nextTick(() => { go(); paused = true; transfer.pause(); setImmediate(go); });
      }
    } });
    await transfer.perform();
    expect(wrong).toBe(0);
    expect(sum.digest('hex')).toBe(source.sum.digest('hex'));
  });
});

describe('stopping', () => {
  test('abort while running: nothing is delivered after it returns, the server sees the close', async () => {
    const source = await fountain(256 * MiB);
    let got = 0;
    const transfer = get(source.url, { onData(chunk) { got += chunk.length; } });
    const performing = transfer.perform();
    await until(() => got > MiB);
    const aborting = transfer.abort();
    const at = got;
    expect(transfer.state).toBe('done');
    expect(transfer.result).toMatchObject({ errno: 42, status: 200 });
    await aborting;
    expect(await failure(performing)).toMatchObject({ name: 'AbortError', code: 'CURLE_ABORTED_BY_CALLBACK', errno: 42, result: transfer.result });
    await until(() => source.closed);
    expect(got).toBe(at);
    await transfer.abort('again'); // nothing
  });

  test('abort while paused, and from within onData', async () => {
    const source = await fountain(256 * MiB);
    const transfer = get(source.url, { onData() { return 'pause'; } });
    const performing = transfer.perform();
    await until(() => transfer.paused.recv);
    transfer.abort();
    expect(await failure(performing)).toMatchObject({ errno: 42 });
    await until(() => source.closed);
    let calls = 0;
    const other = get(source.url, { onData() { calls++; other.abort(); } });
    expect(await failure(other.perform())).toMatchObject({ errno: 42 });
    await until(() => source.closed);
    expect(calls).toBe(1);
    expect(host.channels).toBe(0);
  });

  test('abort while connecting', async () => {
    const server = await raw(() => {});
    const transfer = get(server.url);
    const performing = transfer.perform();
    transfer.abort();
    expect(await failure(performing)).toMatchObject({ errno: 42 });
    await until(() => host.channels === 0);
  });

  test('abort before perform: rejects at once, no socket is opened (undici 5845)', async () => {
    const source = await fountain(1);
    let connections = 0;
    source.server.on('connection', () => connections++);
    const transfer = get(source.url), reason = new Error('never mind');
    await transfer.abort(reason);
    expect(await failure(transfer.perform())).toBe(reason);
    expect(await failure(transfer.response)).toBe(reason);
    expect(transfer.result).toMatchObject({ errno: 42, code: 'CURLE_ABORTED_BY_CALLBACK', status: 0, received: 0 });
    const other = get(source.url, { signal: AbortSignal.abort() });
    expect(await failure(other.perform())).toMatchObject({ name: 'AbortError' });
    expect(connections).toBe(0);
    expect((await transfer.perform()).received).toBe(1); // an abort is spent with the run it stopped
  });

  test('reasons: of abort, of the signal', async () => {
    const source = await fountain(256 * MiB);
    for (const reason of ['a text', new RangeError('mine'), null, 0]) {
      const transfer = get(source.url, { maxBody: 0 });
      const performing = transfer.perform();
      transfer.abort(reason);
      expect(await failure(performing)).toBe(reason);
    }
    const controller = new AbortController();
    const transfer = get(source.url, { signal: controller.signal, maxBody: 0 });
    const performing = transfer.perform();
    await transfer.response;
    controller.abort();
    expect(await failure(performing)).toBe(controller.signal.reason);
    expect(transfer.result.errno).toBe(42);
    expect(await failure(get(source.url, { signal: AbortSignal.timeout(50), maxBody: 0 }).perform())).toMatchObject({ name: 'TimeoutError' });
  });

  test('no listener stays on a long-lived signal (undici 3157)', async () => {
    const server = await web((request, response) => (request.url === '/no' ? request.socket.destroy() : response.end('x')));
    const { signal } = new AbortController();
    await get(server.url, { signal }).perform();
    await failure(get(`${server.url}no`, { signal }).perform());
    const transfer = get(server.url, { signal });
    const performing = transfer.perform();
    expect(getEventListeners(signal, 'abort').length).toBe(1);
    transfer.abort();
    await failure(performing);
    expect(getEventListeners(signal, 'abort').length).toBe(0);
  });

  test('W13, F16: an onData that throws or rejects ends it with 23 and the cause, and is not called again', async () => {
    const source = await fountain(8 * MiB);
    const cause = new Error('disk full');
    for (const fail of [() => { throw cause; }, () => Promise.reject(cause), async () => { await null; throw cause; }]) {
      let calls = 0;
      const transfer = get(source.url, { onData() { calls++; return fail(); } });
      const error = await failure(transfer.perform());
      expect(error).toBeInstanceOf(TransferError);
      expect(error).toMatchObject({ name: 'TransferError', code: 'CURLE_WRITE_ERROR', errno: 23, cause });
      expect(error.message).toContain('disk full');
      expect(calls).toBe(1);
    }
  });

  test.each([[true], [false]])('more than maxBody is 63 (length announced: %s)', async (length) => {
    const source = await fountain(MiB, { length });
    const error = await failure(get(source.url, { maxBody: MiB - 1 }).perform());
    expect(error).toMatchObject({ code: 'CURLE_FILESIZE_EXCEEDED', errno: 63, message: expect.stringContaining('maxBody') });
    expect(error.result.body).toBeUndefined();
    expect((await get(source.url, { maxBody: MiB }).perform()).body.length).toBe(MiB);
    expect((await get(source.url, { maxBody: 0 }).perform()).body.length).toBe(MiB); // no limit
  });

  test('multi.remove stops what runs there, and nothing else', async () => {
    const source = await fountain(256 * MiB);
    const transfer = get(source.url);
    expect(multi.remove(transfer)).toBe(false);
    const performing = transfer.perform();
    expect(await new Multi().remove(transfer)).toBe(false);
    expect(multi.remove(transfer)).toBe(true);
    expect(await failure(performing)).toMatchObject({ name: 'AbortError', errno: 42 });
    expect(multi.remove(transfer)).toBe(false);
  });

  test('multi.add starts a transfer made for another', async () => {
    const server = await web((request, response) => response.end('x'));
    expect((await multi.add(new Transfer(server.url))).text()).toBe('x');
  });

  test('await using stops it; disposing of the Multi ends what runs', async () => {
    const source = await fountain(256 * MiB);
    const transfer = get(source.url, { maxBody: 0 });
    const performing = failure(transfer.perform());
    await transfer[Symbol.asyncDispose]();
    expect(await performing).toMatchObject({ errno: 42 });
    const other = get(source.url, { maxBody: 0 });
    const ending = failure(other.perform());
    await other.response.catch(() => {});
    await multi[Symbol.asyncDispose]();
    expect(await ending).toMatchObject({ name: 'AbortError', errno: 42, message: expect.stringContaining('this Multi was closed (') });
    expect(await failure(get(source.url, { maxBody: 0 }).perform())).toMatchObject({ message: expect.stringMatching(/^this Multi is closed/) });
  });
});

describe('failing', () => {
  test('nobody listens: 7', async () => {
    const server = await raw(() => {});
    await new Promise((resolve) => servers.pop().close(resolve));
    const transfer = get(server.url);
    const error = await failure(transfer.perform());
    expect(error).toMatchObject({ name: 'TransferError', code: 'CURLE_COULDNT_CONNECT', errno: 7, result: { errno: 7, status: 0 } });
    expect(error.message).toMatch(/ECONNREFUSED|connect/i);
    expect(await failure(transfer.response)).toBe(error);
  });

  test('W10: a short body is 18', async () => {
    const server = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfour')));
    expect(await failure(get(server.url).perform())).toMatchObject({ code: 'CURLE_PARTIAL_FILE', errno: 18, result: { received: 4, receiveTotal: 10 } });
  });

  test('a connection closed without a word is 52', async () => {
    const server = await raw((socket) => socket.once('data', () => socket.end()));
    expect(await failure(get(server.url).perform())).toMatchObject({ code: 'CURLE_GOT_NOTHING', errno: 52 });
  });

  test('what is no HTTP is refused', async () => {
    const server = await raw((socket) => socket.once('data', () => socket.end('hello there, who are you\r\n\r\n')));
    expect((await failure(get(server.url).perform())).errno).toBeGreaterThan(0);
  });

  test('a missing module names the ways', async () => {
    const code = `import { Transfer } from ${JSON.stringify(INDEX)};
      import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
      fs.readFileSync = () => { throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' }); }; syncBuiltinESMExports();
      await new Transfer('http://127.0.0.1/').perform().catch((error) => console.log(error.message));`;
    expect((await script(code)).out).toMatch(/sluice\.wasm: build it with \.\/build\.sh wasm, or pass a WebAssembly\.Module/);
  });
});

describe('limits', () => {
  const silent = () => web((request, response) => { response.write('x'); });

  test('T1, T5: timeoutMs goes on while paused', async () => {
    const server = await silent();
    const transfer = get(server.url, { timeoutMs: 300 });
    const performing = transfer.perform();
    await transfer.response;
    transfer.pause();
    const error = await failure(performing);
    expect(error).toMatchObject({ name: 'TimeoutError', code: 'CURLE_OPERATION_TIMEDOUT', errno: 28 });
    expect(error.message).toMatch(/^Operation timed out after \d+ milliseconds/);
    expect(error.result.elapsedMs).toBeGreaterThanOrEqual(300);
    expect(error.result.elapsedMs).toBeLessThan(3000);
  });

  test('connectTimeoutMs: a TLS handshake that never answers', async () => {
    const server = await raw(() => {});
    const error = await failure(get(server.url.replace('http', 'https'), { connectTimeoutMs: 200 }).perform());
    expect(error).toMatchObject({ errno: 28 });
    expect(error.result.elapsedMs).toBeLessThan(3000);
  });

  test('B9: pausedTimeoutMs and silenceTimeoutMs are told apart', async () => {
    const server = await silent();
    const paused = get(server.url, { pausedTimeoutMs: 200 });
    const performing = paused.perform();
    await paused.response;
    paused.pause();
    const one = await failure(performing);
    const other = await failure(get(server.url, { silenceTimeoutMs: 200 }).perform());
    expect([one.errno, other.errno]).toEqual([28, 28]);
    expect(one.message).not.toBe(other.message);
    for (const error of [one, other]) expect(error.result.elapsedMs).toBeLessThan(3000);
  });

  test('L1, L3: too slow is 28', async () => {
    const server = await silent();
    const error = await failure(get(server.url, { lowSpeed: { bytesPerSecond: 1000, ms: 1000 } }).perform());
    expect(error).toMatchObject({ name: 'TimeoutError', errno: 28 });
    expect(error.message).toMatch(/too slow/i);
    expect(error.result.elapsedMs).toBeGreaterThanOrEqual(990);
    expect(error.result.elapsedMs).toBeLessThan(5000);
  });

  test('L5: a pause is not slowness', async () => {
    const server = await web((request, response) => response.end(Buffer.alloc(2 * MiB)));
    const transfer = get(server.url, { lowSpeed: { bytesPerSecond: 1000, ms: 1000 } });
    const performing = transfer.perform();
    await transfer.response;
    transfer.pause();
    setTimeout(() => transfer.resume(), 2300);
    expect((await performing).received).toBe(2 * MiB);
  });

  test('S1: maxRecvSpeed', async () => {
    const source = await fountain(300000);
    const result = await get(source.url, { maxRecvSpeed: 150000 }).perform();
    expect(result.received).toBe(300000);
    expect(result.elapsedMs).toBeGreaterThan(700);
    expect(result.elapsedMs).toBeLessThan(8000);
  });

  test('limits() while it runs: a rate lifted, a time set', async () => {
    const source = await fountain(4 * MiB);
    const transfer = get(source.url, { maxRecvSpeed: 1000 });
    const performing = transfer.perform();
    await transfer.response;
    transfer.limits({ maxRecvSpeed: 0 });
    const result = await performing;
    expect(result.received).toBe(4 * MiB);
    expect(result.elapsedMs).toBeLessThan(10000);
    const server = await silent();
    const other = get(server.url);
    const ending = failure(other.perform());
    await other.response;
    other.limits({ timeoutMs: 100 });
    expect(await ending).toMatchObject({ errno: 28 });
  });
});

describe('the process', () => {
  const program = (body) => `
    import http from 'node:http'; import { once } from 'node:events';
    import { Transfer } from ${JSON.stringify(INDEX)};
    const server = http.createServer((request, response) => ${body.server}).listen(0, '127.0.0.1');
    await once(server, 'listening'); server.unref(); server.on('connection', (socket) => socket.unref());
    const url = 'http://127.0.0.1:' + server.address().port + '/';
    ${body.client}`;

  test('idle connections do not keep it alive', async () => {
    const { out, ms } = await script(program({
      server: `response.end('x')`,
      client: `console.log((await new Transfer(url).perform()).text()); console.log((await new Transfer(url).perform()).reused);`,
    }));
    expect(out).toBe('x\ntrue\n');
    expect(ms).toBeLessThan(4000); // the server keeps connections for 5 s
  });

  test('a paused transfer does', async () => {
    const { out } = await script(program({
      server: `response.end('x')`,
      client: `const transfer = new Transfer(url); transfer.pause(); const performing = transfer.perform();
        setTimeout(() => transfer.resume(), 700).unref(); console.log((await performing).text());`,
    }));
    expect(out).toBe('x\n');
  });

  test('unhandled rejections: none when perform or response is awaited alone; one when nobody looks', async () => {
    const client = `const at = 'http://127.0.0.1:1/';
      const a = new Transfer(at); a.response; await a.perform().catch(() => console.log('perform'));
      const b = new Transfer(at); b.perform(); await b.response.catch(() => console.log('response'));
      const c = new Transfer(at); const early = c.response; c.perform(); await early.catch(() => console.log('early'));
      await new Promise((resolve) => setTimeout(resolve, 20));`;
    const quiet = await script(program({ server: '0', client }));
    expect(quiet).toMatchObject({ code: 0, out: 'perform\nresponse\nearly\n' });
    const loud = await script(program({ server: '0', client: `new Transfer('http://127.0.0.1:1/').perform();` }));
    expect(loud.code).toBe(1);
    expect(loud.err).toContain('CURLE_COULDNT_CONNECT');
  });
});

/** Run a program on its own. @param {string} code */
async function script(code) {
  const started = Date.now();
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20000 });
  let out = '', err = '';
  child.stdout.on('data', (chunk) => { out += chunk; });
  child.stderr.on('data', (chunk) => { err += chunk; });
  const [status] = await once(child, 'close');
  return { code: status, out, err, ms: Date.now() - started };
}

test('over a unix socket; a path where nobody listens is 7', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-'));
  const socketPath = path.join(folder, 's');
  const server = http.createServer((request, response) => response.end(`${request.headers.host} ${request.url}`));
  server.listen(socketPath);
  await once(server, 'listening');
  const options = { multi, socketPath };
  expect((await new Transfer('http://name.test/a', options).perform()).text()).toBe('name.test /a');
  const again = await new Transfer('http://name.test/b', options).perform();
  expect([again.text(), again.reused]).toEqual(['name.test /b', true]);
  await expect(new Transfer('http://name.test/', { multi, socketPath: path.join(folder, 'none') }).perform()).rejects.toMatchObject({ errno: 7 });
  await multi[Symbol.asyncDispose]();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test('debug is told what the engine does; the first stop is the only one', async () => {
  const server = await serve(http.createServer((request, response) => response.end('hello')));
  const events = [];
  await get(server.url, { debug: (event) => events.push(event) }).perform();
  expect(events.filter(({ what }) => what === 'stop')).toEqual([{ what: 'stop', cause: 'complete', code: 'CURLE_OK' }]);
  expect(events.filter(({ what }) => what === 'state').map(({ life }) => life).filter((life, i, all) => life !== all[i - 1]))
    .toEqual(['pending', 'connecting', 'active', 'done']);
  expect(events).toContainEqual({ what: 'open', kind: 'tcp', reused: false });
  expect(events).toContainEqual({ what: 'write', part: 'body', accepted: 5 });
  events.length = 0;
  const paused = get(server.url, { debug: (event) => events.push(event) });
  paused.pause('recv');
  const done = paused.perform();
  await paused.abort();
  await expect(done).rejects.toMatchObject({ errno: 42 });
  expect(events).toContainEqual({ what: 'gate', paused: 'recv', by: 'call' });
  expect(events).toContainEqual({ what: 'stop', cause: 'abort', code: 'CURLE_ABORTED_BY_CALLBACK' });
  expect(() => get(server.url, { debug: 1 })).toThrow(new TypeError('debug must be a function, got 1'));
});

test('an onData whose thenable throws ends the transfer with 23 and the cause', async () => {
  const server = await serve(http.createServer((request, response) => response.end('hello')));
  const cause = new Error('no');
  for (const answer of [{ then() { throw cause; } }, { get then() { throw cause; } }]) {
    await expect(get(server.url, { onData: () => answer }).perform()).rejects.toMatchObject({ errno: 23, cause });
  }
});
