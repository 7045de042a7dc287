// Request bodies: what goes over the wire for each kind, how they wait and fail, and servers that answer early or not at all.
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { echo, watchedGenerator, watchedStream, webServer } from './support/bodies.js';
import { failure, pattern, sha256, within } from './support/bytes.js';
import { answering, rawServer } from './support/rawserver.js';

const MiB = 1024 * 1024;
const OK_EMPTY = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

let host, multi, closing;
beforeEach(() => {
  host = nodeHost();
  multi = new Multi({ host });
  closing = [];
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await Promise.all(closing.map((server) => server.close()));
  expect(host.caught).toBeUndefined();
});
const web = async (handler) => {
  const server = await webServer(handler);
  closing.push(server);
  return server;
};
const raw = async (script) => {
  const server = await rawServer(script);
  closing.push(server);
  return server;
};
const send = (url, options) => new Transfer(url, { multi, ...options });

describe('what goes out', () => {
  test.each([
    ['a string', () => 'h\xe9llo', 6, 'text/plain;charset=UTF-8'],
    ['an empty string', () => '', 0, 'text/plain;charset=UTF-8'],
    ['bytes', () => pattern(100_000), 100_000, undefined],
    ['a part of a buffer', () => pattern(1000).subarray(10, 20), 10, undefined],
    ['an ArrayBuffer', () => new ArrayBuffer(7), 7, undefined],
    ['a DataView', () => new DataView(new ArrayBuffer(9), 2, 5), 5, undefined],
    ['URLSearchParams', () => new URLSearchParams({ a: 'b c', d: '\xe9' }), 14, 'application/x-www-form-urlencoded;charset=UTF-8'],
    ['a Blob', () => new Blob([pattern(300_000)], { type: 'image/png' }), 300_000, 'image/png'],
    ['a Blob without a type', () => new Blob(['xy']), 2, undefined],
  ])('%s: its size and its type are announced', async (_what, make, size, type) => {
    const server = await web();
    const body = make();
    const result = await send(server.url(), { body }).perform();
    const seen = result.json();
    expect(seen).toMatchObject({ method: 'POST', bytes: size });
    expect([seen.headers['content-length'], seen.headers['content-type'], seen.headers['transfer-encoding']]).toEqual([String(size), type, undefined]);
    expect(result).toMatchObject({ sent: size, sendTotal: size });
    if (body instanceof Uint8Array) expect(seen.sum).toBe(sha256(body));
    if (body instanceof Blob) expect(seen.sum).toBe(sha256(new Uint8Array(await body.arrayBuffer())));
  });

  test.each([
    ['ReadableStream', (chunks) => watchedStream(chunks).stream],
    ['async generator', (chunks) => (async function* () { yield* chunks; })()],
    ['Node Readable', (chunks) => Readable.from(chunks)],
  ])('a %s goes in chunks, empty ones left out', async (_what, make) => {
    const server = await web();
    const all = pattern(500_000);
    const chunks = [all.subarray(0, 1), new Uint8Array(0), all.subarray(1, 200_001), all.subarray(200_001)];
    const result = await send(server.url(), { method: 'PUT', body: make(chunks.filter((chunk) => _what !== 'Node Readable' || chunk.length)) }).perform();
    expect(result.json()).toMatchObject({ method: 'PUT', bytes: 500_000, sum: sha256(all), headers: { 'transfer-encoding': 'chunked' } });
    expect(result).toMatchObject({ sent: 500_000, sendTotal: undefined });
  });

  test.each(['POST', 'PUT', 'PATCH'])('%s without a body says that it is empty', async (method) => {
    const server = await web();
    expect((await send(server.url(), { method }).perform()).json()).toMatchObject({ method, bytes: 0, headers: { 'content-length': '0' } });
  });

  test.each(['DELETE', 'OPTIONS', 'PROPFIND', 'get'])('%s without a body says nothing of one', async (method) => {
    const server = await web();
    const seen = (await send(server.url(), { method }).perform()).json();
    expect([seen.method, seen.headers['content-length'], seen.headers['transfer-encoding']]).toEqual([method.toUpperCase(), undefined, undefined]);
  });

  test('any method takes a body; an own Content-Type wins; connections are kept', async () => {
    const server = await web();
    for (const method of ['DELETE', 'GET', 'PROPFIND']) {
      const seen = (await send(server.url(), { method, body: 'x', headers: { 'content-type': 'a/b' } }).perform()).json();
      expect(seen).toMatchObject({ method, bytes: 1, headers: { 'content-type': 'a/b' } });
    }
    expect(server.sockets.size).toBe(1);
  });

  test('a stream of an announced size goes without chunks', async () => {
    const server = await web();
    const { stream } = watchedStream([pattern(70_000), pattern(30_000)]);
    const seen = (await send(server.url(), { body: stream, headers: { 'Content-Length': '100000' } }).perform()).json();
    expect([seen.bytes, seen.headers['content-length'], seen.headers['transfer-encoding']]).toEqual([100_000, '100000', undefined]);
  });

  test('64 MiB arrive byte by byte as they were, paused in the middle', async () => {
    const server = await web();
    const all = pattern(64 * MiB);
    const transfer = send(server.url(), { method: 'PUT', body: all });
    const performing = transfer.perform();
    await until(() => transfer.progress.sent > 8 * MiB);
    transfer.pause('send');
    const { sent } = transfer.progress;
    expect(transfer.paused).toEqual({ recv: false, send: true, by: 'call' });
    const given = await settled(() => transfer.progress.sent, 100); // U10: what Node kept goes out still, and counts when it does
    expect([given - sent <= 8 * 65536, given < 64 * MiB]).toEqual([true, true]);
    await settled(() => server.server.connections, 100);
    expect(transfer.progress.sent).toBe(given);
    transfer.resume('send');
    expect((await performing).json()).toMatchObject({ bytes: 64 * MiB, sum: sha256(all) });
  });

  test('the same in chunks, from a stream, at a limited rate for a while', async () => {
    const server = await web();
    const all = pattern(16 * MiB);
    const chunks = [];
    for (let at = 0; at < all.length; at += 100_003) chunks.push(all.subarray(at, at + 100_003));
    const transfer = send(server.url(), { method: 'PUT', body: watchedStream(chunks).stream, maxSendSpeed: 4 * MiB });
    const performing = transfer.perform();
    await until(() => transfer.progress.sent > 4 * MiB);
    transfer.limits({ maxSendSpeed: 0 });
    expect((await performing).json()).toMatchObject({ bytes: 16 * MiB, sum: sha256(all) });
  });
});

describe('pausing', () => {
  test('P11: paused before the start, nothing goes out; B14: it holds', async () => {
    const server = await raw(answering(OK_EMPTY));
    const transfer = send(server.url(), { body: 'hello' });
    transfer.pause('send');
    const performing = transfer.perform();
    await until(() => transfer.state === 'active');
    await settled(() => server.peers[0]?.received().length ?? 0, 50);
    expect(server.peers[0].received()).toBe('');
    transfer.resume('send');
    await performing;
    expect(server.peers[0].received()).toMatch(/\r\n\r\nhello$/);
  });

  test('R2, R3: a paused upload pulls nothing, a resumed one goes on', async () => {
    const server = await web();
    const source = watchedGenerator(pattern(65536), 100);
    const transfer = send(server.url(), { body: source });
    const performing = transfer.perform();
    await until(() => source.given > 3);
    transfer.pause('send');
    const given = await settled(() => source.given, 100);
    expect(given).toBeLessThan(100);
    expect(transfer.state).toBe('active');
    transfer.resume('send');
    expect((await performing).json().bytes).toBe(6_553_600);
    expect(source).toMatchObject({ given: 100, finished: true });
  });

  test('a server that reads nothing stops the stream: what is under way is bounded', async () => {
    const server = await raw(async (peer) => {
      await peer.request();
      peer.socket.pause();
    });
    const source = watchedGenerator(pattern(65536), 10_000);
    const transfer = send(server.url(), { body: source, headers: { expect: '' } });
    const ending = failure(transfer.perform());
    const given = await settled(() => source.given);
    expect(given * 65536 - transfer.progress.sent).toBeLessThanOrEqual(10 * 65536); // U10: with Node, not with the system
    expect(given).toBeLessThan(400); // the kernel's buffers
    transfer.abort();
    await ending;
    await until(() => source.finished);
  });

  test('F6: an upload that is paused is not too slow', async () => {
    const server = await web();
    const transfer = send(server.url(), { body: watchedGenerator(pattern(1000), 50), lowSpeed: { bytesPerSecond: 1_000_000, ms: 1000 } });
    transfer.pause('send');
    const performing = transfer.perform();
    await settled(() => transfer.state, 1300);
    transfer.resume('send');
    expect((await performing).json().bytes).toBe(50_000);
  });
});

describe('bodies that fail', () => {
  test.each([
    ['a stream', (error) => watchedStream([pattern(1000)], { error }).stream],
    ['a generator', (error) => (async function* () { yield pattern(1000); throw error; })()],
    ['an iterator that throws at once', (error) => ({ [Symbol.asyncIterator]() { throw error; } })],
    ['a destroyed Readable', (error) => { const readable = new Readable({ read() {} }); readable.destroy(error); readable.on('error', () => {}); return readable; }],
  ])('%s: 26, with its error as the cause', async (_what, make) => {
    const server = await raw((peer) => peer.request());
    const fault = new Error('out of paper');
    const error = await failure(send(server.url(), { body: make(fault) }).perform());
    expect(error).toMatchObject({ code: 'CURLE_READ_ERROR', errno: 26, message: expect.stringContaining('the body of the request failed: out of paper (') });
    expect(error.cause).toBe(fault);
    await within(server.empty(), 5000, 'the connection closes');
  });

  test('chunks that are no bytes: 26, and the source is told to stop', async () => {
    const server = await raw((peer) => peer.request());
    let stopped = false;
    const body = (async function* () { try { yield 5; } finally { stopped = true; } })();
    const error = await failure(send(server.url(), { body }).perform());
    expect(error).toMatchObject({ errno: 26 });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.message).toContain('a chunk of the body must be bytes or a string, got number');
    await until(() => stopped);
  });

  test('R1: shorter than announced: 26', async () => {
    const server = await raw((peer) => peer.request());
    const { stream } = watchedStream([pattern(10)]);
    const error = await failure(send(server.url(), { body: stream, headers: { 'content-length': '11' } }).perform());
    expect(error).toMatchObject({ errno: 26, message: expect.stringContaining('only 10/11 of needed bytes read') });
  });

  test.each([['in the same chunk', [11]], ['in another', [10, 1]]])('R1: longer than announced, %s: 26, and nothing too much was sent', async (_what, sizes) => {
    const server = await raw((peer) => peer.request());
    const source = watchedStream(sizes.map((size) => pattern(size)));
    const error = await failure(send(server.url(), { body: source.stream, headers: { 'content-length': '10' } }).perform());
    expect(error).toMatchObject({ errno: 26, message: expect.stringContaining('larger than the 10 bytes announced') });
    expect(source.cancelled).toBeDefined();
    await within(server.empty(), 5000, 'the connection closes');
    expect(server.peers[0].received().split('\r\n\r\n')[1]).toBe('');
  });

  test('R1: an own content-length of 0 with a stream that has bytes: 26; with an empty one it is kept', async () => {
    const server = await raw(async (peer) => {
      await peer.request();
      if (peer.received().startsWith('PUT /empty')) await peer.send(OK_EMPTY);
    });
    const headers = { 'content-length': '0' };
    const source = watchedStream([pattern(3)]);
    const error = await failure(send(server.url(), { method: 'PUT', body: source.stream, headers }).perform());
    expect(error).toMatchObject({ errno: 26, message: expect.stringContaining('larger than the 0 bytes announced') });
    expect(source.cancelled).toBeDefined();
    await within(server.empty(), 5000, 'the connection closes');
    expect(server.peers[0].received()).toMatch(/^$|\r\n\r\n$/); // no byte of the body
    expect((await send(server.url('/empty'), { method: 'PUT', body: watchedStream([]).stream, headers }).perform()).status).toBe(200);
    expect(server.peers[1].received()).toMatch(/content-length: 0\r\n/i);
  });

  test('a stream can be given once: 65 when it is performed again; a locked one is refused', async () => {
    const server = await web();
    const transfer = send(server.url(), { body: watchedStream([pattern(5)]).stream });
    expect((await transfer.perform()).json().bytes).toBe(5);
    expect(await failure(transfer.perform())).toMatchObject({ errno: 65, message: expect.stringContaining('the body was a stream, and is used up (') });
    const { stream } = watchedStream([]);
    stream.getReader();
    expect(() => send(server.url(), { body: stream })).toThrow('body: the stream is locked');
    const again = send(server.url(), { body: 'abc' });
    expect((await again.perform()).json().bytes).toBe(3);
    expect((await again.perform()).json().bytes).toBe(3);
  });

  test('aborted: the stream is cancelled with the reason, a generator runs its finally', async () => {
    const server = await raw((peer) => peer.request());
    const source = watchedStream([pattern(10)], { endless: true }), reason = new Error('enough');
    const transfer = send(server.url(), { body: source.stream });
    const ending = failure(transfer.perform());
    await until(() => transfer.progress.sent === 10);
    transfer.abort(reason);
    expect(await ending).toBe(reason);
    expect(source.cancelled).toEqual({ reason });
  });

  test('a source that never gives ends by timeoutMs', async () => {
    const server = await raw((peer) => peer.request());
    const source = watchedStream([], { endless: true });
    expect(await failure(send(server.url(), { body: source.stream, timeoutMs: 50, headers: { expect: '' } }).perform())).toMatchObject({ name: 'TimeoutError', errno: 28 });
    expect(source.cancelled).toBeDefined();
  });
});

describe('servers that answer when they like', () => {
  test('R5: a body over 1 MiB waits for 100; a 100 that never comes is waited for a second', async () => {
    const body = pattern(2 * MiB);
    const server = await raw(async (peer) => {
      const head = await peer.request();
      expect(head).toContain('Expect: 100-continue\r\n');
      await until(() => peer.received().length >= head.length + body.length);
      await peer.send(OK_EMPTY);
    });
    const result = await send(server.url(), { body }).perform();
    expect(result.sent).toBe(body.length);
    expect(result.elapsedMs).toBeGreaterThanOrEqual(990);
    expect(server.faults).toEqual([]);
  });

  test('R5: a 100 lets it go; F27: a pause of the caller is not ended by it, nor the wait by a resume', async () => {
    let go;
    const gone = new Promise((resolve) => { go = resolve; });
    const server = await raw(async (peer) => {
      const head = await peer.request();
      await gone;
      await peer.send('HTTP/1.1 100 Continue\r\n\r\n');
      await until(() => peer.received().length >= head.length + 2 * MiB);
      await peer.send(OK_EMPTY);
    });
    const transfer = send(server.url(), { body: pattern(2 * MiB) });
    const performing = transfer.perform();
    await until(() => server.peers[0]?.received().includes('\r\n\r\n'));
    transfer.pause('send');
    transfer.resume('send');
    expect(await settled(() => transfer.progress.sent, 50)).toBe(0);
    transfer.pause('send');
    go();
    expect(await settled(() => transfer.progress.sent, 50)).toBe(0);
    expect(transfer.paused.send).toBe(true);
    transfer.resume('send');
    expect((await performing).sent).toBe(2 * MiB);
  });

  test('R5: a refusal instead of a 100: the body is not sent, the stream is cancelled, the answer resolves', async () => {
    const server = await raw(async (peer) => {
      await peer.request();
      await peer.send('HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nmuch');
    });
    const source = watchedStream([pattern(10)]);
    const result = await send(server.url(), { body: source.stream }).perform();
    expect([result.status, result.text(), result.sent]).toEqual([413, 'much', 0]);
    expect(source.pulls).toBe(0);
    await within(server.empty(), 5000, 'the connection closes');
  });

  test.each([['403', 403], ['200', 200]])('R6: an answer of %s in the middle of the body ends the upload', async (_what, status) => {
    const server = await raw(async (peer) => {
      await peer.request();
      await until(() => peer.received().length > 200_000);
      await peer.send(`HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nno`);
    });
    const source = watchedGenerator(pattern(65536), 100_000);
    const transfer = send(server.url(), { body: source, headers: { expect: '' } });
    const result = await transfer.perform();
    expect([result.status, result.text()]).toEqual([status, 'no']);
    await until(() => source.finished);
    await within(server.empty(), 5000, 'the connection closes');
    expect(source.given).toBeLessThan(100_000);
  });

  test('an answer before the first byte of the body', async () => {
    const server = await raw(async (peer) => {
      await peer.request();
      await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi');
    });
    const source = watchedStream([], { endless: true });
    const result = await send(server.url(), { body: source.stream, headers: { expect: '' } }).perform();
    expect(result.text()).toBe('hi');
    expect(source.cancelled).toBeDefined();
  });

  test('F23, R6: a paused upload notices that the server is gone', async () => {
    const server = await raw(async (peer) => {
      await peer.request();
      peer.reset();
    });
    const transfer = send(server.url(), { body: watchedGenerator(pattern(65536), 100), headers: { expect: '' } });
    transfer.addEventListener('state', () => { if (transfer.state === 'active') transfer.pause('send'); });
    const ending = failure(transfer.perform());
    await until(() => transfer.paused.send);
    transfer.resume('send');
    await until(() => transfer.progress.sent > 0 || transfer.state === 'done');
    expect([52, 55, 56]).toContain((await ending).errno);
  });

  test('a server that resets in the middle: 55 or 56, nothing left open', async () => {
    const server = await raw(async (peer) => {
      await peer.request();
      await until(() => peer.received().length > 100_000);
      peer.reset();
    });
    const source = watchedGenerator(pattern(65536), 100_000);
    expect([52, 55, 56]).toContain((await failure(send(server.url(), { body: source, headers: { expect: '' } }).perform())).errno);
    await until(() => source.finished && host.channels === 0);
  });
});

describe('dead connections of the pool', () => {
  /** Answers one request on each connection, and closes it when the next one came. */
  const stale = () => raw(async (peer) => {
    await peer.request();
    await peer.send(OK_EMPTY);
    if (peer.number > 1) return;
    await until(() => /\r\n\r\n.*(POST|PUT)/s.test(peer.received()) || peer.socket.destroyed);
    peer.reset();
  });

  test.each([['bytes', () => pattern(500)], ['a Blob', () => new Blob([pattern(500)])]])('R7: the request is tried anew, once, %s given again', async (_what, make) => {
    const server = await stale();
    await send(server.url()).perform();
    const result = await send(server.url(), { method: 'PUT', body: make() }).perform();
    expect(result).toMatchObject({ status: 200, reused: false, sent: 500 });
    expect(server.peers.length).toBe(2);
    expect(server.peers[1].received().split('\r\n\r\n')[1]).toBe(pattern(500).toString('latin1'));
  });

  test.each(['POST', 'PATCH', 'LOCK'])('%s is not repeated: the server may have it; said so, and it comes once', async (method) => {
    const server = await raw(async (peer) => {
      await peer.request();
      await peer.send(OK_EMPTY);
      await until(() => peer.received().includes(`${method} `));
      peer.reset();
    });
    await send(server.url(), { method: 'PUT' }).perform();
    const error = await failure(send(server.url(), { method, body: 'once' }).perform());
    expect([52, 55, 56]).toContain(error.errno);
    expect(error.message).toContain(`${method} is not repeated, because the server may have received it`);
    expect(server.peers.length).toBe(1);
  });

  test('R7: a stream of which bytes went out cannot be given again: 65', async () => {
    const server = await raw(async (peer) => {
      await peer.request();
      await peer.send(OK_EMPTY);
      await until(() => peer.received().includes('1f4\r\n') || peer.received().includes('001f4\r\n'));
      peer.reset();
    });
    await send(server.url()).perform();
    const source = watchedStream([pattern(500)], { endless: true });
    expect(await failure(send(server.url(), { method: 'PUT', body: source.stream, headers: { expect: '' } }).perform())).toMatchObject({
      code: 'CURLE_SEND_FAIL_REWIND', errno: 65, message: expect.stringContaining('closed the kept connection without an answer, and the body cannot be given again'),
    });
    expect(source.cancelled).toBeDefined();
  });
});

describe('many at once', () => {
  test('100 uploads of every kind, paused and resumed at random, are whole', async () => {
    const server = await web(echo);
    let seed = 7;
    const random = (n) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
    await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const all = pattern(1 + random(400_000), i + 1);
      const chunks = [];
      for (let at = 0; at < all.length;) chunks.push(all.subarray(at, at += 1 + random(70_000)));
      const body = i % 3 === 0 ? all : i % 3 === 1 ? watchedStream(chunks).stream : new Blob([all]);
      const transfer = send(server.url(), { method: 'PUT', body });
      const performing = transfer.perform();
      for (let n = random(4); n > 0; n--) {
        await new Promise((resolve) => setImmediate(resolve));
        transfer.pause('send');
        await new Promise((resolve) => setImmediate(resolve));
        transfer.resume('send');
      }
      expect((await performing).json()).toMatchObject({ bytes: all.length, sum: sha256(all) });
    }));
    expect(multi.running).toBe(0);
  });
});
