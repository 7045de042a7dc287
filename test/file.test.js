// file: URLs through the Node host: read and written like any transfer, paused, slowed, stopped (B6).
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as door from '../js/hosts/door.js';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { FakeEngine } from './helpers/fake-engine.js';
import { settled, until } from './helpers/wait.js';
import { watchedStream } from './support/bodies.js';
import { failure, pattern, sha256, summing, within } from './support/bytes.js';

const MiB = 1024 * 1024, CHUNK = 65536;
const large = pattern(32 * MiB);

let dir, big, host, multi;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-file-'));
  big = join(dir, 'big');
  writeFileSync(big, large);
});
afterAll(() => rmSync(dir, { recursive: true }));
beforeEach(() => {
  host = nodeHost();
  multi = new Multi({ host });
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await until(() => host.channels === 0, 'every descriptor is closed');
  expect(host.caught).toBeUndefined();
});
const at = (...names) => join(dir, ...names);
const on = (path, options) => new Transfer(pathToFileURL(path), { multi, ...options });

describe('reading', () => {
  test('B6, W8: 32 MiB as they are, paused in the middle: nothing is delivered, little is held', async () => {
    const sum = summing();
    const transfer = on(big, { onData: (chunk) => {
      sum.onData(chunk);
      if (sum.bytes < 8 * MiB || transfer.progress.pausedMs > 0) return;
      transfer.pause();
    } });
    const performing = transfer.perform();
    const head = await within(transfer.response, 10_000, 'response');
    expect([head.status, [...head.headers], head.url]).toEqual([0, [], pathToFileURL(big).href]);
    await until(() => transfer.paused.recv);
    const { bytes } = sum;
    await settled(() => transfer.progress.held, 200);
    expect(sum.bytes).toBe(bytes);
    expect(bytes).toBeLessThan(9 * MiB);
    expect(transfer.progress.held).toBeLessThanOrEqual(CHUNK);
    expect(transfer.paused).toEqual({ recv: true, send: true, by: 'call' });
    transfer.resume();
    const result = await performing;
    expect(result).toMatchObject({ code: 'CURLE_OK', status: 0, received: 32 * MiB, receiveTotal: 32 * MiB, remoteAddress: undefined, sent: 0 });
    expect(sum.hex()).toBe(sha256(large));
  });

  test('paused again and again, from outside', async () => {
    const sum = summing();
    const transfer = on(big, { onData: sum.onData });
    const performing = transfer.perform();
    for (let i = 0; i < 20 && transfer.state !== 'done'; i++) {
      transfer.pause('recv');
      const { bytes } = sum;
      await new Promise((resolve) => setTimeout(resolve, i % 4));
      expect(sum.bytes).toBe(bytes);
      transfer.resume('recv');
      await new Promise(setImmediate);
    }
    await performing;
    expect(sum.hex()).toBe(sha256(large));
  });

  test("a chunk refused with 'pause' comes again", async () => {
    const chunks = [];
    let refused = 0;
    const transfer = on(big, { onData: (chunk) => {
      if (chunks.length % 50 === 10 && refused <= chunks.length / 50) {
        refused++;
        setTimeout(() => transfer.resume(), 1);
        return 'pause';
      }
      chunks.push(Buffer.from(chunk));
    } });
    await transfer.perform();
    expect(refused).toBeGreaterThan(5);
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(large));
  });

  test('W11: an empty file, collected, with a head', async () => {
    writeFileSync(at('empty'), '');
    const transfer = on(at('empty'));
    const [result, head] = await Promise.all([transfer.perform(), transfer.response]);
    expect([result.code, result.body.length, result.received, head.status]).toEqual(['CURLE_OK', 0, 0, 0]);
  });

  test('a size that nobody knows: read to its end', async () => {
    expect((await new Transfer('file:///proc/self/status', { multi }).perform()).text()).toMatch(/^Name:/);
  });

  test.each([['spaces and %25', 'a b %25 c#d?e'], ['non-ASCII', 'gr\u00fc\u00dfe \u65e5\u672c \ud83d\ude00'], ['line ends of nobody', "x'(y)&z;[]|\\"]])('a name with %s', async (_what, name) => {
    writeFileSync(at(name), name);
    expect((await on(at(name)).perform()).text()).toBe(name);
  });

  test('as text, with localhost and a fragment; in parts as a stream and by iteration', async () => {
    writeFileSync(at('small'), 'hello');
    expect((await new Transfer(`file://localhost${at('small')}#part`, { multi }).perform()).text()).toBe('hello');
    let bytes = 0;
    for await (const chunk of on(big)) bytes += chunk.length;
    expect(bytes).toBe(32 * MiB);
    expect(sha256(Buffer.from(await new Response(on(big).body).arrayBuffer()))).toBe(sha256(large));
  });

  test('`to` a file from a file', async () => {
    const result = await on(big, { to: at('copy') }).perform();
    expect(result.written).toBe(32 * MiB);
    expect(sha256(readFileSync(at('copy')))).toBe(sha256(large));
  });

  const inSys = '/sys/kernel/mm/transparent_hugepage/enabled'; // announces a page
  (existsSync(inSys) ? test : test.skip)('files that announce another size than they have: /sys, as they are', async () => {
    const result = await on(inSys).perform();
    expect([result.text(), result.receiveTotal]).toEqual([readFileSync(inSys, 'utf8'), undefined]);
  });

  test('a sparse file has the size that it says', async () => {
    writeFileSync(at('sparse'), '');
    truncateSync(at('sparse'), 3 * CHUNK);
    const result = await on(at('sparse'), { onData() {} }).perform();
    expect([result.received, result.receiveTotal]).toEqual([3 * CHUNK, 3 * CHUNK]);
  });

  test('a pipe: waited for, read as it fills, to its end; paused, its writer has to stop; aborted', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    const sum = summing();
    const transfer = on(at('fifo'), { onData: sum.onData });
    const performing = transfer.perform();
    await until(() => transfer.state === 'active');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(transfer.state).toBe('active'); // nobody writes yet: that is not its end
    const writer = createWriteStream(at('fifo'));
    writer.write(large.subarray(0, MiB));
    await until(() => sum.bytes === MiB);
    transfer.pause();
    writer.end(large.subarray(MiB));
    await settled(() => writer.bytesWritten, 200);
    expect(sum.bytes).toBe(MiB);
    expect(writer.writableFinished).toBe(false);
    expect(transfer.progress.held).toBeLessThanOrEqual(CHUNK);
    transfer.resume();
    const result = await performing;
    expect([result.received, result.receiveTotal, sum.hex()]).toEqual([32 * MiB, undefined, sha256(large)]);

    const waits = on(at('fifo')), ended = failure(waits.perform());
    await until(() => waits.state === 'active');
    await waits.abort();
    expect((await ended).name).toBe('AbortError');
    const unwanted = await failure(on(at('fifo'), { body: 'x' }).perform()); // nobody reads it
    expect(unwanted.code).toBe('CURLE_WRITE_ERROR');
  });

  test('missing, a directory, a socket: 37, in words', async () => {
    mkdirSync(at('folder'));
    const place = net.createServer().listen(at('socket'));
    await once(place, 'listening');
    for (const [name, words] of [['nothing', /ENOENT.*nothing/], ['folder', /directory/], ['socket', /ENXIO.*socket/]]) {
      const transfer = on(at(name));
      const response = failure(transfer.response);
      const error = await within(failure(transfer.perform()), 10_000, name);
      expect([name, error.code, error.result.status]).toEqual([name, 'CURLE_FILE_COULDNT_READ_FILE', 0]);
      expect(error.message).toMatch(words);
      expect(await response).toBe(error);
    }
    place.close();
  });

  test('maxRecvSpeed holds, and is changed', async () => {
    const sum = summing();
    const transfer = on(big, { maxRecvSpeed: 2 * MiB, onData: sum.onData });
    const performing = transfer.perform();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(sum.bytes).toBeGreaterThan(MiB);
    expect(sum.bytes).toBeLessThan(12 * MiB);
    expect(transfer.progress.held).toBeLessThanOrEqual(CHUNK);
    transfer.limits({ maxRecvSpeed: 0 });
    await performing;
    expect(sum.hex()).toBe(sha256(large));
  });

  test('abort in the middle, in the first turn, and while paused', async () => {
    const middle = on(big, { onData: () => middle.abort() });
    const error = await failure(middle.perform());
    expect([error.name, error.result.received < 32 * MiB]).toEqual(['AbortError', true]);
    const first = on(big);
    const performing = failure(first.perform());
    first.abort();
    expect((await performing).name).toBe('AbortError');
    const paused = on(big, { timeoutMs: 100 });
    paused.pause();
    expect((await failure(paused.perform())).name).toBe('TimeoutError');
  });

  test('many at once', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, () => on(big, { onData: () => {} }).perform()));
    expect(new Set(results.map((result) => result.received))).toEqual(new Set([32 * MiB]));
  });
});

describe('writing', () => {
  test.each([
    ['bytes', () => large], ['a Blob', () => new Blob([large], { type: 'a/b' })],
    ['a stream', () => watchedStream(Array.from({ length: 33 }, (_, i) => large.subarray(i * 1_048_573, i < 32 ? (i + 1) * 1_048_573 : undefined))).stream],
  ])('%s arrive as they were, paused in the middle', async (_what, make) => {
    writeFileSync(at('out'), pattern(40 * MiB, 7)); // longer: it is emptied
    const transfer = on(at('out'), { body: make(), maxSendSpeed: 64 * MiB });
    const performing = transfer.perform();
    await until(() => transfer.progress.sent > MiB);
    transfer.pause('send');
    const { sent } = transfer.progress;
    await settled(() => statSync(at('out')).size, 100);
    expect(transfer.progress.sent).toBe(sent);
    expect(statSync(at('out')).size).toBeLessThanOrEqual(sent);
    transfer.resume('send');
    transfer.limits({ maxSendSpeed: 0 });
    const result = await performing;
    expect(result).toMatchObject({ code: 'CURLE_OK', status: 0, sent: 32 * MiB });
    expect(sha256(readFileSync(at('out')))).toBe(sha256(large)); // all of it, at once
    expect((await transfer.response).status).toBe(0);
  });

  test('text; nothing at all; a name with spaces', async () => {
    await on(at('a \u00fc b'), { method: 'put', body: 'h\xe9' }).perform();
    expect(readFileSync(at('a \u00fc b'), 'utf8')).toBe('h\xe9');
    for (const options of [{ method: 'PUT' }, { body: '' }]) {
      writeFileSync(at('emptied'), 'full');
      expect((await on(at('emptied'), options).perform()).sent).toBe(0);
      expect(statSync(at('emptied')).size).toBe(0);
    }
  });

  test('no such folder, a directory: 23; a full disk: 55', async () => {
    for (const path of [at('no', 'such'), dir]) {
      expect(await failure(on(path, { body: 'x' }).perform())).toMatchObject({ code: 'CURLE_WRITE_ERROR' });
    }
    const error = await failure(on('/dev/full', { body: large }).perform());
    expect([error.code, /ENOSPC/.test(error.message)]).toEqual(['CURLE_SEND_ERROR', true]);
  });

  test('what was written stays when it is stopped; a body that fails says so', async () => {
    const transfer = on(at('partial'), { body: large, maxSendSpeed: 4 * MiB });
    const performing = failure(transfer.perform());
    await until(() => transfer.progress.sent > MiB);
    transfer.abort();
    expect((await performing).name).toBe('AbortError');
    await until(() => host.channels === 0);
    const left = readFileSync(at('partial'));
    expect(left.length).toBeGreaterThan(0);
    expect(left.equals(large.subarray(0, left.length))).toBe(true);
    const broken = async function* () {
      yield large.subarray(0, 10);
      throw new Error('no more');
    };
    expect(await failure(on(at('broken'), { body: broken() }).perform())).toMatchObject({ code: 'CURLE_READ_ERROR', message: expect.stringContaining('no more') });
  });
});

describe('what is refused', () => {
  test.each([
    ['headers', { headers: { a: 'b' } }, /headers: a file has none/], ['a size', { body: 'x', headers: { 'content-length': '1' } }, /headers: a file has none/],
    ['POST', { method: 'POST', body: 'x' }, /method: a file is read with GET/], ['HEAD', { method: 'HEAD' }, /got "HEAD"/],
    ['GET with a body', { method: 'GET', body: 'x' }, /written with PUT/], ['a method of another kind', { method: 5 }, /got 5/],
    ['tls', { tls: {} }, /tls: /], ['follow', { follow: 5 }, /follow: /], ['failOnError', { failOnError: true }, /failOnError: /],
    ['writing with to', { body: 'x', to: '/tmp/x' }, /to: nothing comes back/],
  ])('%s', (_what, options, message) => {
    expect(() => new Transfer('file:///x', options)).toThrow(TypeError);
    expect(() => new Transfer('file:///x', options)).toThrow(message);
  });
  test.each([['file://host/x', /on this machine/], ['file:///a?b', /no query/], ['file:///a?', /no query/], ['file:///a%0Ab', /control character/],
    ['file:///a%00', /control character/], ['file://u:p@h/x', /must be an absolute URL|on this machine/]])('%s', (url, message) => {
    expect(() => new Transfer(url)).toThrow(message);
  });
  test('`to` is the file that is read, by whatever name: it stays as it is', () => {
    const words = /to: ".*" is the file that is read, it would be emptied first/;
    writeFileSync(at('one'), 'kept');
    symlinkSync(at('one'), at('soft'));
    linkSync(at('one'), at('hard'));
    for (const to of [at('one'), pathToFileURL(at('one')), at('.', 'one'), relative('', at('one')), at('soft'), at('hard')]) {
      expect(() => on(at('one'), { to })).toThrow(TypeError);
      expect(() => on(at('one'), { to })).toThrow(words);
      expect(() => on(at('soft'), { to })).toThrow(words);
    }
    expect(() => on(at('one'), { to: at('another') })).not.toThrow();
    expect(() => on(at('nowhere'), { to: at('nowhere') })).not.toThrow(); // 37 says it
    expect(() => on('/dev/null', { to: '/dev/null' })).not.toThrow(); // nothing to lose
    expect(readFileSync(at('one'), 'utf8')).toBe('kept');
  });
  test('a body that is read from the file that is written', async () => {
    writeFileSync(at('source'), 'kept');
    const body = createReadStream(at('source'));
    expect(() => on(at('source'), { body })).toThrow(/body: it is read from the file that is written/);
    expect(() => new Transfer('http://localhost/', { body, to: at('source') })).toThrow(/to: ".*" is the file that the body is read from/);
    const result = await on(at('target'), { body }).perform(); // it was not used up
    expect([result.errno, readFileSync(at('target'), 'utf8'), readFileSync(at('source'), 'utf8')]).toEqual([0, 'kept', 'kept']);
  });
  test('empty headers and options at their defaults are taken', () => {
    expect(() => new Transfer('file:///x', { headers: {}, follow: false, failOnError: false, decompress: false })).not.toThrow();
  });
});

describe('the host alone', () => {
  const { SL_FILE, SL_IN, SL_OUT, SL_OPENED, SL_AGAIN, SL_INVAL } = door;
  let engine, alone;
  beforeEach(() => {
    alone = nodeHost();
    engine = new FakeEngine(alone);
  });
  afterEach(async () => {
    alone.close();
    await until(() => alone.channels === 0);
  });
  const pathOf = (name) => pathToFileURL(at(name)).pathname;

  test('a spec that is malformed', () => {
    for (const spec of ['', 'mode read\n', 'path /x\n', 'path x\nmode read\n', 'path /x\nmode append\n', 'path /%0\nmode read\n', 'path /%zz\nmode read\n', 'path /%00\nmode read\n']) {
      expect([spec, engine.open(SL_FILE, spec)]).toEqual([spec, SL_INVAL]);
    }
    expect(alone.channels).toBe(0);
  });

  test('nothing is read before it is wanted; what comes after a pause is kept', async () => {
    writeFileSync(at('three'), large.subarray(0, 3 * CHUNK));
    const ch = engine.open(SL_FILE, { path: pathOf('three'), mode: 'read' });
    expect([engine.recv(ch), engine.info(ch, door.SL_INFO_SIZE)]).toEqual([SL_AGAIN, SL_AGAIN]);
    await engine.event(ch, SL_OPENED);
    expect(engine.info(ch, door.SL_INFO_SIZE, 'numbers')).toEqual([3 * CHUNK]);
    expect([engine.send(ch, 'x'), engine.startTls(ch, { name: 'x' })]).toEqual([SL_INVAL, SL_INVAL]);
    await settled(() => engine.order.length, 50);
    expect([engine.recv(ch), engine.info(ch, door.SL_INFO_HELD, 'numbers')]).toEqual([SL_AGAIN, [0]]);
    engine.want(ch, SL_IN);
    await new Promise(process.nextTick);
    engine.want(ch, 0); // a read is on
    await until(() => engine.info(ch, door.SL_INFO_HELD, 'numbers')[0] > 0);
    await settled(() => engine.info(ch, door.SL_INFO_HELD, 'numbers')[0], 50);
    expect([engine.info(ch, door.SL_INFO_HELD, 'numbers'), engine.events.get(ch) & SL_IN]).toEqual([[CHUNK], 0]);
    expect(await engine.drain(ch)).toEqual(large.subarray(0, 3 * CHUNK));
    expect(engine.recv(ch).length).toBe(0);
    engine.close(ch, door.SL_FINISH);
  });

  test('AGAIN above what may be kept; the end when all is in the file', async () => {
    const ch = await engine.opened(SL_FILE, { path: pathOf('sent'), mode: 'write' });
    const piece = 'x'.repeat(40_000);
    expect([engine.send(ch, piece), engine.send(ch, piece), engine.send(ch, piece)]).toEqual([40_000, CHUNK - 40_000, SL_AGAIN]);
    engine.want(ch, SL_OUT);
    await engine.event(ch, SL_OUT);
    expect(engine.send(ch, 'end')).toBe(3);
    engine.close(ch, door.SL_END_SEND);
    expect([engine.send(ch, 'x'), engine.recv(ch)]).toEqual([SL_INVAL, SL_AGAIN]);
    engine.want(ch, SL_IN);
    await engine.event(ch, SL_IN);
    expect(engine.recv(ch).length).toBe(0);
    expect(readFileSync(at('sent'), 'latin1')).toBe(`${'x'.repeat(CHUNK)}end`);
    engine.close(ch, door.SL_FINISH);
    expect(alone.channels).toBe(0);
  });

  test('FINISH writes what was sent', async () => {
    const ch = await engine.opened(SL_FILE, { path: pathOf('finished'), mode: 'write' });
    engine.send(ch, 'x'.repeat(50_000));
    engine.close(ch, door.SL_FINISH);
    await until(() => alone.channels === 0);
    expect(statSync(at('finished')).size).toBe(50_000);
  });
});
