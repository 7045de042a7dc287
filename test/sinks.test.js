// Where a response's body goes: files, WritableStreams, `body`, iteration, memory; their back-pressure and their faults.
import { mkdtempSync, readFileSync, rmSync, existsSync, writeFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { webServer } from './support/bodies.js';
import { failure, pattern, sha256, within } from './support/bytes.js';
import { rawServer } from './support/rawserver.js';

const MiB = 1024 * 1024;
const ALL = pattern(4 * MiB);

let host, multi, closing, folder;
beforeEach(() => {
  host = nodeHost();
  multi = new Multi({ host });
  closing = [];
  folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-sinks-'));
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await Promise.all(closing.map((server) => server.close()));
  rmSync(folder, { recursive: true, force: true });
  expect(host.caught).toBeUndefined();
});
const get = (url, options) => new Transfer(url, { multi, ...options });

/** Gives ALL, or with ?chunked in chunks; `sent` is what the kernel took. */
async function fountain(body = ALL) {
  const server = await webServer((request, response) => {
    server.sent = 0;
    server.aborted = false;
    response.on('close', () => { server.aborted = !response.writableFinished; });
    if (!request.url.includes('chunked')) response.setHeader('content-length', body.length);
    const pump = () => {
      while (server.sent < body.length) {
        const next = body.subarray(server.sent, server.sent += Math.min(50_000, body.length - server.sent));
        if (!response.write(next)) return void response.once('drain', pump);
      }
      response.end();
    };
    pump();
  });
  closing.push(server);
  return server;
}
const big = () => fountain(pattern(64 * MiB));
/** Half of what is announced, and then nothing, or the end. */
async function half({ end = false } = {}) {
  const server = await rawServer(async (peer) => {
    await peer.request();
    await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    if (end) peer.end();
  });
  closing.push(server);
  return server;
}
const FORMS = [['with a length', '/'], ['chunked', '/?chunked']];

describe('to a file', () => {
  test.each(FORMS)('%s: whole, by path and by URL, and the bytes are told', async (_what, query) => {
    const server = await fountain();
    const file = path.join(folder, 'a file');
    writeFileSync(file, 'x'.repeat(9_000_000));
    for (const to of [file, pathToFileURL(file)]) {
      const result = await get(server.url(query), { to }).perform();
      expect(result).toMatchObject({ written: ALL.length, body: undefined });
      expect(() => result.text()).toThrow(TypeError);
      expect(sha256(readFileSync(file))).toBe(sha256(ALL));
    }
  });

  test('an empty body empties it', async () => {
    const server = await fountain(new Uint8Array(0));
    const file = path.join(folder, 'f');
    writeFileSync(file, 'old');
    expect((await get(server.url(), { to: file }).perform()).written).toBe(0);
    expect(readFileSync(file, 'latin1')).toBe('');
  });

  test('it is not touched before the head, nor by a status that fails', async () => {
    const server = await webServer((request, response) => response.writeHead(404).end('none'));
    closing.push(server);
    const file = path.join(folder, 'f');
    writeFileSync(file, 'old');
    expect(await failure(get(server.url(), { to: file, failOnError: true }).perform())).toMatchObject({ errno: 22 });
    expect(readFileSync(file, 'latin1')).toBe('old');
    expect(await failure(get('http://127.0.0.1:1/', { to: file }).perform())).toMatchObject({ errno: 7 });
    expect(readFileSync(file, 'latin1')).toBe('old');
    expect(await get(server.url(), { to: file }).perform()).toMatchObject({ status: 404, ok: false, written: 0 });
    expect(readFileSync(file, 'latin1')).toBe('old');
  });

  test('W10: what came of a short body is kept, and counted', async () => {
    const server = await half({ end: true });
    const file = path.join(folder, 'f');
    const error = await failure(get(server.url(), { to: file }).perform());
    expect(error).toMatchObject({ errno: 18, result: { written: 5 } });
    expect(readFileSync(file, 'latin1')).toBe('hello');
  });

  test.each([
    ['a folder', () => folder, 'EISDIR'], ['in a folder that is not there', () => path.join(folder, 'none/f'), 'ENOENT'],
    ...(existsSync('/dev/full') ? [['a full device', () => '/dev/full', 'ENOSPC']] : []),
  ])('%s: 23, with its error as the cause', async (_what, make, code) => {
    const server = await fountain();
    const error = await failure(get(server.url(), { to: make() }).perform());
    expect(error).toMatchObject({ code: 'CURLE_WRITE_ERROR', errno: 23, cause: { code } });
    expect(error.message).toContain('cannot write to ');
    await until(() => host.channels === 0);
  });

  test('an empty body to a place that cannot be: 23 all the same', async () => {
    const server = await fountain(new Uint8Array(0));
    expect(await failure(get(server.url(), { to: folder }).perform())).toMatchObject({ errno: 23, cause: { code: 'EISDIR' } });
  });

  test('pause holds the file as it is', async () => {
    const server = await big();
    const file = path.join(folder, 'f');
    const transfer = get(server.url(), { to: file });
    const performing = transfer.perform();
    await until(() => transfer.progress.received > MiB);
    await transfer.pause();
    const size = await settled(() => statSync(file).size, 100);
    expect(size).toBe(transfer.progress.received);
    transfer.resume();
    expect((await performing).written).toBe(64 * MiB);
  });
});

/** A WritableStream whose writes settle when told. */
function slowStream({ closes = true, failsAt = Infinity } = {}) {
  const slow = { bytes: 0, writes: 0, open: 0, aborted: undefined, closed: false, go: () => {}, stream: new WritableStream({
    write(chunk) {
      if (++slow.writes === failsAt) throw new Error('full');
      slow.bytes += chunk.length;
      slow.open++;
      return new Promise((resolve) => { slow.go = () => { slow.open--; resolve(); }; });
    },
    close() {
      slow.closed = true;
      return closes ? undefined : new Promise(() => {});
    },
    abort(reason) { slow.aborted = { reason }; },
  }) };
  return slow;
}

describe('to a WritableStream', () => {
  test.each(FORMS)('%s: whole, chunks are its own, it is closed', async (_what, query) => {
    const server = await fountain();
    const chunks = [];
    let closed = false;
    const to = new WritableStream({ write: (chunk) => void chunks.push(chunk), close: () => { closed = true; } });
    const result = await get(server.url(query), { to }).perform();
    expect([result.written, closed]).toEqual([ALL.length, true]);
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(ALL));
  });

  test('one write at a time; what it does not take stays with the server', async () => {
    const server = await big();
    const slow = slowStream();
    const transfer = get(server.url(), { to: slow.stream });
    const ending = failure(transfer.perform());
    const sent = await settled(() => server.sent);
    expect(sent).toBeLessThan(32 * MiB);
    expect([slow.writes, slow.open]).toEqual([1, 1]);
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'callback' });
    expect(transfer.progress.held).toBeLessThanOrEqual(65536);
    slow.go();
    await until(() => slow.writes === 2);
    const reason = new Error('enough');
    transfer.abort(reason);
    expect(await ending).toBe(reason);
    slow.go();
    await until(() => slow.aborted);
    expect(slow.aborted).toEqual({ reason });
  });

  test.each([1, 3])('a write that fails, the %ith: 23, with the cause', async (failsAt) => {
    const server = await big();
    const slow = slowStream({ failsAt });
    const ending = failure(get(server.url(), { to: slow.stream }).perform());
    for (let i = 1; i < failsAt; i++) {
      await until(() => slow.open === 1);
      slow.go();
    }
    const error = await ending;
    expect(error).toMatchObject({ errno: 23, message: expect.stringContaining('cannot write to the WritableStream: full ('), cause: { message: 'full' } });
    await until(() => host.channels === 0);
  });

  test('one that breaks while nothing comes: 23 at once', async () => {
    const server = await half();
    let controller;
    const to = new WritableStream({ start: (c) => { controller = c; } });
    const transfer = get(server.url(), { to });
    const ending = failure(transfer.perform());
    await until(() => transfer.progress.received === 5);
    controller.error(new Error('unplugged'));
    expect(await ending).toMatchObject({ errno: 23, cause: { message: 'unplugged' } });
  });

  test('a write that never settles ends by timeoutMs', async () => {
    const server = await fountain();
    const slow = slowStream();
    expect(await failure(get(server.url(), { to: slow.stream, timeoutMs: 80 }).perform())).toMatchObject({ name: 'TimeoutError', errno: 28 });
  });

  test('a close that never settles ends by timeoutMs (T1), and by abort', async () => {
    const server = await fountain(new Uint8Array(0));
    const error = await failure(get(server.url(), { to: slowStream({ closes: false }).stream, timeoutMs: 1500 }).perform());
    expect(error).toMatchObject({ errno: 28, message: expect.stringContaining('Operation timed out after 1500 milliseconds, waiting for the WritableStream (') });
    const slow = slowStream({ closes: false });
    const transfer = get(server.url(), { to: slow.stream });
    const ending = failure(transfer.perform());
    await until(() => slow.closed);
    expect([transfer.state, multi.running]).toEqual(['active', 1]);
    transfer.pause();
    transfer.resume();
    transfer.limits({ maxRecvSpeed: 5 });
    expect(transfer.paused).toEqual({ recv: false, send: false, by: null });
    transfer.abort();
    expect(await ending).toMatchObject({ name: 'AbortError', errno: 42 });
    expect(multi.running).toBe(0);
  });

  test('a close that fails: 23', async () => {
    const server = await fountain();
    const to = new WritableStream({ close() { throw new Error('cannot close'); } });
    expect(await failure(get(server.url(), { to }).perform())).toMatchObject({ errno: 23, cause: { message: 'cannot close' } });
  });

  test('a short body aborts it; a locked one is refused, a used one is 23', async () => {
    const server = await half({ end: true });
    let aborted;
    const to = new WritableStream({ abort: (reason) => { aborted = reason; } });
    const transfer = get(server.url(), { to });
    const error = await failure(transfer.perform());
    expect(error.errno).toBe(18);
    await until(() => aborted);
    expect(aborted).toBe(error);
    expect(await failure(transfer.perform())).toMatchObject({ errno: 23 });
    expect(() => get(server.url(), { to })).toThrow('to: the stream is locked');
  });
});

describe('body', () => {
  test.each(FORMS)('%s: the first read starts it; chunks are the reader\'s own', async (_what, query) => {
    const server = await fountain();
    const transfer = get(server.url(query));
    const { body } = transfer;
    expect(transfer.body).toBe(body);
    await settled(() => transfer.state, 30);
    expect(transfer.state).toBe('idle');
    const chunks = [];
    for await (const chunk of body) chunks.push(chunk);
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(ALL));
    expect(new Set(chunks.map((chunk) => chunk.buffer)).size).toBe(chunks.length);
    await until(() => transfer.state === 'done');
    expect(transfer.result).toMatchObject({ errno: 0, body: undefined });
    expect(transfer.body).toBe(body);
  });

  test('what is not read is not received', async () => {
    const server = await big();
    const transfer = get(server.url());
    const reader = transfer.body.getReader();
    const performing = transfer.perform();
    expect((await transfer.response).status).toBe(200);
    await settled(() => server.sent);
    expect(server.sent).toBeLessThan(32 * MiB);
    expect(transfer.progress.held).toBeLessThanOrEqual(65536);
    expect(transfer.progress.received).toBe(0);
    let bytes = (await reader.read()).value.length;
    expect(transfer.progress).toMatchObject({ received: bytes, held: 0 });
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'callback' });
    await settled(() => transfer.progress.received, 50);
    expect(transfer.progress.received).toBe(bytes);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
    }
    expect(bytes).toBe(64 * MiB);
    expect((await performing).received).toBe(bytes);
    await reader.closed;
  });

  test('pause and resume of the caller go before the reader\'s wishes', async () => {
    const server = await big();
    const transfer = get(server.url());
    const reader = transfer.body.getReader();
    await reader.read();
    transfer.pause('recv');
    let answered = false;
    const reading = reader.read().then(() => { answered = true; });
    await settled(() => transfer.progress.received, 50);
    expect(answered).toBe(false);
    transfer.resume('recv');
    await within(reading, 5000, 'the read');
    await reader.cancel();
  });

  test('a resume without a wish delivers nothing', async () => {
    const server = await big();
    const transfer = get(server.url());
    const reader = transfer.body.getReader();
    const { value } = await reader.read();
    for (let i = 0; i < 5; i++) transfer.resume();
    await settled(() => transfer.progress.received, 50);
    expect(transfer.progress.received).toBe(value.length);
    await reader.cancel();
  });

  test('the end needs no read: reading exactly what there is completes it', async () => {
    const server = await fountain(new Uint8Array([1, 2, 3]));
    const transfer = get(server.url());
    const reader = transfer.body.getReader();
    const performing = transfer.perform();
    expect([...(await reader.read()).value]).toEqual([1, 2, 3]);
    expect(await within(performing, 5000, 'the end')).toMatchObject({ received: 3 });
    expect(await reader.read()).toEqual({ done: true, value: undefined });
  });

  test('cancel aborts with its reason, and closes', async () => {
    const server = await big();
    const transfer = get(server.url());
    const performing = failure(transfer.perform());
    const reader = transfer.body.getReader();
    await reader.read();
    const reason = new Error('enough');
    await reader.cancel(reason);
    expect(await performing).toBe(reason);
    await until(() => server.aborted && host.channels === 0);
  });

  test('cancelled before the start, it never starts', async () => {
    const server = await big();
    const transfer = get(server.url());
    await transfer.body.cancel();
    expect(await failure(transfer.perform())).toMatchObject({ name: 'AbortError' });
    expect(server.sent).toBeUndefined();
  });

  test('a failure errors the stream at once, read or not; perform() need not be caught', async () => {
    const server = await half({ end: true });
    const transfer = get(server.url());
    const reader = transfer.body.getReader();
    void transfer.perform();
    expect(Buffer.from((await reader.read()).value).toString()).toBe('hello');
    const error = await failure(reader.read());
    expect(error).toMatchObject({ errno: 18 });
    expect(await failure(reader.closed)).toBe(error);
    const aborted = get((await half()).url());
    const other = aborted.body.getReader();
    await other.read();
    aborted.abort();
    expect(await failure(other.closed)).toMatchObject({ errno: 42 });
  });

  test('pipeTo: whole, with the back-pressure of the destination; its fault cancels', async () => {
    const server = await big();
    let bytes = 0;
    await get(server.url()).body.pipeTo(new WritableStream({ write: (chunk) => { bytes += chunk.length; } }));
    expect(bytes).toBe(64 * MiB);
    const slow = slowStream();
    const transfer = get(server.url());
    const piping = failure(transfer.body.pipeTo(slow.stream));
    await settled(() => server.sent);
    expect(server.sent).toBeLessThan(32 * MiB);
    const other = get(server.url());
    const fault = new Error('broken');
    expect(await failure(other.body.pipeTo(new WritableStream({ write() { throw fault; } })))).toBe(fault);
    await until(() => other.state === 'done');
    transfer.abort();
    slow.go();
    expect(await piping).toMatchObject({ errno: 42 });
  });

  test('tee: both have all; new Response() reads it', async () => {
    const server = await fountain();
    const [a, b] = get(server.url()).body.tee();
    const sums = await Promise.all([a, b].map(async (one) => sha256(new Uint8Array(await new Response(one).arrayBuffer()))));
    expect(sums).toEqual([sha256(ALL), sha256(ALL)]);
  });

  test('too late, or elsewhere: a TypeError says so', async () => {
    const server = await fountain();
    const done = get(server.url());
    await done.perform();
    expect(() => done.body).toThrow('body: too late, the transfer has ended');
    expect(() => done[Symbol.asyncIterator]()).toThrow('iteration: too late');
    const running = get((await half()).url());
    const ending = failure(running.perform());
    await until(() => running.progress.received > 0);
    expect(() => running.body).toThrow('body: too late, bytes of the body have come');
    running.abort();
    await ending;
    expect(() => get(server.url(), { onData() {} }).body).toThrow('body: the body of this transfer goes to onData');
    expect(() => get(server.url(), { to: 'x' }).body).toThrow('body: the body of this transfer goes to x');
    const taken = get(server.url());
    taken.body;
    expect(() => taken[Symbol.asyncIterator]()).toThrow('iteration: somebody reads the body already');
  });

  test('chosen after perform(), before the first byte', async () => {
    let go;
    const server = await rawServer(async (peer) => {
      await peer.request();
      await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
      await new Promise((resolve) => { go = resolve; });
      await peer.send('hello');
    });
    closing.push(server);
    const transfer = get(server.url());
    const performing = transfer.perform();
    await transfer.response;
    const { body } = transfer;
    go();
    expect(await new Response(body).text()).toBe('hello');
    expect((await performing).body).toBeUndefined();
  });

  test('performed again after its body was read, it collects', async () => {
    const server = await fountain();
    const transfer = get(server.url());
    for await (const chunk of transfer) void chunk;
    await until(() => transfer.state === 'done');
    expect((await transfer.perform()).body.length).toBe(ALL.length);
  });
});

describe('iteration', () => {
  test.each(FORMS)('%s: starts the transfer, gives every byte', async (_what, query) => {
    const server = await fountain();
    const transfer = get(server.url(query));
    const chunks = [];
    for await (const chunk of transfer) chunks.push(chunk);
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(ALL));
    expect(transfer.result).toMatchObject({ errno: 0, status: 200 });
  });

  test('a slow loop holds the server; leaving it early aborts cleanly', async () => {
    const server = await big();
    const transfer = get(server.url());
    for await (const chunk of transfer) {
      const { received } = transfer.progress;
      expect(received).toBe(chunk.length);
      await settled(() => server.sent);
      expect(transfer.progress.received).toBe(received);
      break;
    }
    expect(transfer.state).toBe('done');
    expect(transfer.result).toMatchObject({ errno: 42 });
    await until(() => server.aborted && host.channels === 0);
  });

  test('a throw inside the loop aborts, and is what the caller sees', async () => {
    const server = await big();
    const transfer = get(server.url()), fault = new Error('mine');
    expect(await failure((async () => { for await (const chunk of transfer) if (chunk) throw fault; })())).toBe(fault);
    expect(transfer.result.errno).toBe(42);
  });

  test('a failure is thrown once, behind the bytes that came', async () => {
    const server = await half({ end: true });
    const iterator = get(server.url())[Symbol.asyncIterator]();
    expect(iterator[Symbol.asyncIterator]()).toBe(iterator);
    expect(Buffer.from((await iterator.next()).value).toString()).toBe('hello');
    expect(await failure(iterator.next())).toMatchObject({ errno: 18 });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await iterator.return()).toEqual({ done: true, value: undefined });
  });

  test('next() called several times at once; return() while one waits', async () => {
    const server = await fountain();
    const iterator = get(server.url())[Symbol.asyncIterator]();
    const chunks = await Promise.all([iterator.next(), iterator.next(), iterator.next()]);
    const got = Buffer.concat(chunks.map(({ value }) => value));
    expect(got.equals(ALL.subarray(0, got.length))).toBe(true);
    const other = get((await half()).url())[Symbol.asyncIterator]();
    await other.next();
    const waiting = other.next();
    await other.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await iterator.return();
  });

  test('no server: the first next() rejects; an aborted one too', async () => {
    expect(await failure(get('http://127.0.0.1:1/')[Symbol.asyncIterator]().next())).toMatchObject({ errno: 7 });
    const transfer = get('http://127.0.0.1:1/');
    const iterator = transfer[Symbol.asyncIterator]();
    transfer.abort();
    expect(await failure(iterator.next())).toMatchObject({ name: 'AbortError' });
  });
});

describe('in memory', () => {
  test('text() and json() are of collected bodies only', async () => {
    const server = await fountain(Buffer.from('{"a":"\u00e9"}'));
    const result = await get(server.url()).perform();
    expect([result.text(), result.json()]).toEqual(['{"a":"\u00e9"}', { a: '\u00e9' }]);
    const other = await get(server.url(), { onData() {} }).perform();
    expect(() => other.text()).toThrow(TypeError);
  });

  test.each(FORMS)('maxBody, %s: 63, and the server is not drained', async (_what, query) => {
    const server = await big();
    const error = await failure(get(server.url(query), { maxBody: 1000 }).perform());
    expect(error).toMatchObject({ code: 'CURLE_FILESIZE_EXCEEDED', errno: 63, message: expect.stringContaining('the body is larger than maxBody, 1000 bytes (') });
    await until(() => server.aborted);
  });
});
