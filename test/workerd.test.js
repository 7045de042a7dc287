// Transfers in workerd, over its sockets and over its fetch, against servers in this process. `./build.sh runtimes` brings the
// program; without SLUICE_WORKERD there is nothing to test.
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeCertificates } from './helpers/certs.js';
import { settled, until } from './helpers/wait.js';
import { echo } from './support/bodies.js';
import { pattern, sha256 } from './support/bytes.js';
import { site } from './support/site.js';
import { startWorkerd } from './support/workerd.js';

const MiB = 1048576;
const TAKEN_MAX = 64 * MiB; // what kernels and the platform take in at most of a body that nobody reads, generously: Linux alone may take 36
const HELD_MAX = 65536; // of each read
const NOT_BUILT_IN = 4, NOT_REACHED = 7, TIMED_OUT = 28, TLS_FAILED = 35, ABORTED = 42;
const program = process.env.SLUICE_WORKERD;
let workerd, here, session, certificates;
const servers = [];

/** A server of its own kind. @param {net.Server} server @returns {Promise<number>} its port */
async function listen(server) {
  servers.push(server);
  server.on('connection', (socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}
const raw = async (handler) => `http://127.0.0.1:${await listen(net.createServer(handler))}/`;
let paths = 0;
const fresh = () => `/t${++paths}`;

(program ? describe : describe.skip)('workerd', () => {
  beforeAll(async () => {
    certificates = makeCertificates();
    [workerd, here] = await Promise.all([startWorkerd(program, certificates.ca), site()]);
  }, 90000);
  afterAll(async () => {
    await workerd?.close();
    await here?.close();
    for (const server of servers) server.close();
  });

  describe.each(['sockets', 'fetch'])('over %s', (way) => {
    const sockets = way === 'sockets';
    beforeAll(async () => { session = await workerd.session(); });
    afterAll(() => session.close());
    let names = 0;
    const drive = (command, args) => session.drive(command, args);
    async function start(url, args = {}) {
      const name = `${way}${++names}`;
      await drive('start', { name, url, sockets, ...args });
      return name;
    }
    /** What JSON leaves out is undefined. */
    const end = async (name) => ({ error: undefined, receiveTotal: undefined, ...await drive('end', { name }) });
    const get = async (url, args) => end(await start(url, args));

    test('a body by its length, chunked, until the end, none: byte-exact (W4, W5)', async () => {
      const source = here.fountain(fresh(), 5 * MiB + 13);
      expect(await get(source.url)).toMatchObject({ error: undefined, status: 200, received: source.total, receiveTotal: source.total, sum: source.sum });
      const pieces = Array.from({ length: 40 }, (_, i) => pattern(1 + i * 3001, i));
      const chunked = here.on(fresh(), (request, response) => {
        for (const piece of pieces) response.write(piece);
        response.end();
      });
      expect(await get(chunked)).toMatchObject({ error: undefined, receiveTotal: undefined, sum: sha256(Buffer.concat(pieces)) });
      const body = pattern(300000);
      const ended = await raw((socket) => socket.once('data', () => socket.end(Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), body]))));
      expect(await get(ended)).toMatchObject({ error: undefined, size: body.length, sum: sha256(body) });
      const none = here.on(fresh(), (request, response) => response.writeHead(204).end());
      expect(await get(none)).toMatchObject({ error: undefined, status: 204, size: 0 });
    });

    test('a pause stops the server; the resume is byte-exact (P1, P5, P8)', async () => {
      const source = here.fountain(fresh(), TAKEN_MAX + 16 * MiB);
      const name = await start(source.url, { pauseAt: MiB });
      await until(() => source.sent > 0);
      expect(await settled(() => source.sent, 700)).toBeLessThan(TAKEN_MAX);
      const look = await drive('look', { name });
      expect(look).toMatchObject({ paused: { recv: true, by: 'call' }, afterPause: 0, state: 'active' });
      expect(look.held).toBeLessThanOrEqual(HELD_MAX + 16384);
      await drive('resume', { name });
      expect(await end(name)).toMatchObject({ error: undefined, received: source.total, sum: source.sum });
    });

    test('an abort closes, running and paused; a start can be paused (X2, X9, B14)', async () => {
      for (const paused of [false, true]) {
        const source = here.fountain(fresh(), 100 * MiB);
        const name = await start(source.url, { collect: false, options: { maxRecvSpeed: MiB } });
        await until(() => source.sent > 0);
        if (paused) await drive('pause', { name });
        await drive('abort', { name });
        expect((await end(name)).error).toMatchObject({ errno: ABORTED, name: 'AbortError', type: 'TransferError' });
        await until(() => source.closed);
      }
      const source = here.fountain(fresh(), 1000);
      const name = await start(source.url, { paused: 'both' });
      expect(await drive('look', { name })).toMatchObject({ state: 'pending', paused: { recv: true, send: true } });
      expect(source.sent).toBe(0);
      await drive('resume', { name });
      expect(await end(name)).toMatchObject({ status: 200, sum: source.sum });
    });

    test('total time, connect time, low speed, silence (T1, T2, T5, L3, B9)', async () => {
      const hangs = here.on(fresh(), () => {});
      const drips = here.on(fresh(), (request, response) => {
        const timer = setInterval(() => response.write('x'), 100);
        response.on('close', () => clearInterval(timer));
      });
      const stops = here.on(fresh(), (request, response) => response.writeHead(200, { 'Content-Length': 1000 }).write('x'));
      const mute = await listen(net.createServer((socket) => socket.resume())); // never shakes hands
      const cases = [
        [stops, { timeoutMs: 400 }, /^Operation timed out after \d+ milliseconds with 1 out of 1000 bytes received \(GET http/],
        [hangs, { timeoutMs: 400 }, /^Operation timed out after \d+ milliseconds with 0 bytes received \(GET http|^Connection timed out/],
        [`https://127.0.0.1:${mute}/`, { connectTimeoutMs: 300 }, /^Connection timed out/],
        [drips, { lowSpeed: { bytesPerSecond: 1000, ms: 1000 } }, /^Operation too slow/],
        [stops, { silenceTimeoutMs: 300 }, /^Peer silent for 300 milliseconds \(GET http/],
      ];
      await Promise.all(cases.map(async ([url, options, message]) => {
        const { error, elapsedMs } = await get(url, { options });
        expect(error).toMatchObject({ errno: TIMED_OUT, name: 'TimeoutError', message: expect.stringMatching(message) });
        expect(elapsedMs).toBeLessThan(15000);
      }));
    });

    test('a rate limit slows the server, and can be lifted (S1, S4)', async () => {
      const source = here.fountain(fresh(), TAKEN_MAX + 16 * MiB);
      const name = await start(source.url, { options: { maxRecvSpeed: MiB } });
      await until(() => source.sent > 0);
      expect(4 * MiB * await settled(() => Math.floor(source.sent / (4 * MiB)), 700)).toBeLessThan(TAKEN_MAX);
      expect((await drive('look', { name })).bytes).toBeLessThan(8 * MiB);
      await drive('limits', { name, limits: { maxRecvSpeed: 0 } });
      expect(await end(name)).toMatchObject({ error: undefined, sum: source.sum });
    });

    test('uploads: from memory, as a stream, none, paused (P11)', async () => {
      let requests = 0;
      const url = here.on(fresh(), (request, response) => {
        requests++;
        echo(request, response);
      });
      const size = 3 * MiB + 7, sum = sha256(Uint8Array.from({ length: size }, (_, i) => i * 7));
      const memory = await get(url, { bodySize: size, options: { method: 'PUT', headers: { 'X-Own': 'yes' } } });
      expect(memory).toMatchObject({ error: undefined, sent: size });
      expect(JSON.parse(memory.text)).toMatchObject({ method: 'PUT', bytes: size, sum, headers: { 'x-own': 'yes' } });
      const blocks = Buffer.concat(Array.from({ length: 32 }, (_, i) => Buffer.alloc(65536, i)));
      expect(JSON.parse((await get(url, { streamSize: blocks.length })).text)).toMatchObject({ method: 'POST', bytes: blocks.length, sum: sha256(blocks) });
      expect(JSON.parse((await get(url, { bodySize: 0 })).text)).toMatchObject({ method: 'POST', bytes: 0 });
      const before = requests, name = await start(url, { bodySize: 100000, paused: 'send' });
      if (!sockets) expect(await settled(() => requests, 300)).toBe(before);
      await drive('resume', { name });
      expect(JSON.parse((await end(name)).text)).toMatchObject({ bytes: 100000 });
      expect(requests).toBe(before + 1);
    });

    test('an upload that nobody takes is aborted, and the server sees it (X2)', async () => {
      let socket;
      const url = await raw((one) => {
        socket = one.pause();
      });
      const name = await start(url, { streamSize: 100 * MiB });
      await until(() => socket);
      await settled(() => socket.bytesRead, 300);
      const { state, sent } = await drive('look', { name });
      expect(state).toMatch(/connecting|active/);
      expect(sent).toBeLessThan(TAKEN_MAX);
      await drive('abort', { name });
      expect((await end(name)).error).toMatchObject({ errno: ABORTED });
      const closed = once(socket, 'close');
      socket.resume();
      await closed;
      expect(socket.bytesRead).toBeLessThan(TAKEN_MAX);
    });

    test('redirects: followed, counted, or not (R1)', async () => {
      const target = here.on(fresh(), (request, response) => response.end('there'));
      const url = here.on(fresh(), (request, response) => response.writeHead(302, { Location: target }).end('here'));
      expect(await get(url)).toMatchObject({ error: undefined, status: 200, text: 'there', redirects: 1 });
      expect(await get(url, { options: { follow: false } })).toMatchObject({ status: 302, text: 'here' });
    });

    test('https: with the trust of the configuration (W15)', async () => {
      const body = pattern(2 * MiB), { cert, key } = certificates.server, other = makeCertificates().server;
      const answer = (request, response) => response.end(body);
      const good = await listen(https.createServer({ cert, key }, answer));
      for (const host of ['127.0.0.1', 'localhost']) {
        expect(await get(`https://${host}:${good}/`)).toMatchObject({ error: undefined, status: 200, sum: sha256(body) });
      }
      const bad = await listen(https.createServer({ cert: other.cert, key: other.key }, answer));
      const { error } = await get(`https://127.0.0.1:${bad}/`);
      expect(error.errno).toBe(sockets ? TLS_FAILED : NOT_REACHED);
    });

    test('nobody there, no such name, a reset, a body cut short (W10)', async () => {
      const free = net.createServer(), port = await listen(free);
      await new Promise((resolve) => { free.close(resolve); });
      expect((await get(`http://127.0.0.1:${port}/`)).error).toMatchObject({ errno: NOT_REACHED });
      expect((await get('http://nobody.invalid/')).error).toMatchObject({ errno: NOT_REACHED });
      const reset = await raw((socket) => socket.once('data', () => socket.resetAndDestroy()));
      expect((await get(reset)).error.code).toMatch(sockets ? /^CURLE_(GOT_NOTHING|RECV_ERROR)$/ : /^CURLE_COULDNT_CONNECT$/);
      const cut = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')));
      expect(['CURLE_PARTIAL_FILE', 'CURLE_RECV_ERROR']).toContain((await get(cut)).error.code);
    });

    test('20 at once, paused at random: each byte-exact', async () => {
      const bodies = Array.from({ length: 20 }, (_, i) => pattern(100000 + i * 10000, i + 1)), path = fresh();
      here.on(`${path}/*`, (request, response) => response.end(bodies[Number(request.url.split('/').at(-1))]));
      expect(await drive('many', { count: bodies.length, url: here.url(path), seed: 42, sockets })).toEqual(bodies.map((body) => ({ received: body.length, sum: sha256(body) })));
    });

    test('what there is not says so', async () => {
      expect(await drive('file')).toMatchObject({ code: 'CURLE_UNSUPPORTED_PROTOCOL' });
      expect(await drive('refusals')).toContainEqual(expect.stringMatching(/^to: there are no files/));
      const url = here.on(fresh(), echo), secure = url.replace('http:', 'https:');
      for (const [to, options] of [[url, { socketPath: '/x' }], [secure, { tls: { ca: certificates.ca } }]]) {
        expect((await get(to, { options })).error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringMatching(/no word for/) });
      }
      expect(JSON.parse((await get(url)).text).headers['user-agent']).toMatch(/^sluice/);
    });

    test('a request has its own: one after the other, the platform ends one that uses the connections of another', async () => {
      const url = here.on(fresh(), (request, response) => response.end('fine'));
      for (let i = 0; i < 3; i++) {
        expect(await workerd.request({ url, how: 'own', sockets })).toMatchObject({ status: 200, text: 'fine' });
        expect(await workerd.request({ url })).toMatchObject({ status: 200, text: 'fine' });
      }
      if (!sockets) return;
      expect(await workerd.request({ url, how: 'kept' })).toMatchObject({ status: 200, text: 'fine' });
      await expect(workerd.request({ url, how: 'kept' })).rejects.toThrow(/^500 /);
    });

    test('a request that ends takes its transfers along: the server sees it', async () => {
      const source = here.fountain(fresh(), 100 * MiB), another = await workerd.session();
      await another.drive('start', { name: `${way}left`, url: source.url, sockets, collect: false, options: { maxRecvSpeed: MiB } });
      await until(() => source.sent > 0);
      let shut = 0;
      const mute = await listen(net.createServer((socket) => socket.resume().on('close', () => shut++))); // never shakes hands
      await another.drive('start', { name: `${way}mute`, url: `https://127.0.0.1:${mute}/`, sockets, options: { connectTimeoutMs: 300 } });
      expect((await another.drive('end', { name: `${way}mute` })).error).toMatchObject({ errno: TIMED_OUT });
      another.close();
      await until(() => source.closed && shut > 0);
    });
  });

  test('sockets: another name to ask for and to verify; connections are used again; who was connected to', async () => {
    session = await workerd.session();
    const names = [], { cert, key } = certificates.server;
    const port = await listen(https.createServer({ cert, key }, (request, response) => response.end(request.socket.servername || 'none')));
    const url = `https://127.0.0.1:${port}/`;
    for (const servername of ['localhost', 'other.name']) {
      const name = `named${names.push(servername)}`;
      await session.drive('start', { name, url, sockets: true, options: { tls: { servername } } });
    }
    expect(await session.drive('end', { name: 'named1' })).toMatchObject({ status: 200, text: 'localhost' });
    expect((await session.drive('end', { name: 'named2' })).error).toMatchObject({ errno: TLS_FAILED });
    session.close();
    expect(await workerd.request({ url: here.on(fresh(), echo), how: 'own', sockets: true })).toMatchObject({ address: '127.0.0.1', reused: true });
  });
});
