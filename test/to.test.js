// `to`: where in a file, what a file is not opened for, parts (206) that are not what was asked for, and Writables of Node's.
import { createWriteStream, existsSync, lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, Transform, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { webServer } from './support/bodies.js';
import { failure, pattern, within } from './support/bytes.js';
import { CLI, run } from './support/command.js';
import { rawServer } from './support/rawserver.js';

const MiB = 1024 * 1024;
const TEN = '0123456789';

let host, multi, closing, folder, file;
beforeEach(() => {
  host = nodeHost();
  multi = new Multi({ host });
  closing = [];
  folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-to-'));
  file = path.join(folder, 'file');
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await Promise.all(closing.map((server) => server.close()));
  rmSync(folder, { recursive: true, force: true });
  expect(host.caught).toBeUndefined();
});
const get = (url, options) => new Transfer(url, { multi, ...options });
const text = () => readFileSync(file, 'latin1');

/** Answers every request with this head and body, and then closes. @returns {Promise<string>} its URL */
async function answers(status, headers, body = '', { stays = false } = {}) {
  const server = await rawServer(async (peer) => {
    await peer.request();
    await peer.send([`HTTP/1.1 ${status} Words`, ...headers, '', ''].join('\r\n') + body);
    if (!stays) peer.end();
  });
  closing.push(server);
  return server.url();
}
/** A well-behaved server of TEN. */
async function server() {
  const one = await webServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    if (first === undefined) return void response.end(TEN);
    const end = last ? Number(last) : TEN.length - 1;
    response.writeHead(206, { 'content-range': `bytes ${first}-${end}/${TEN.length}` }).end(TEN.slice(first, end + 1));
  });
  closing.push(one);
  return one.url();
}
const chunked = (body) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

describe('where in a file', () => {
  test('offset: what is before stays, what is behind too', async () => {
    writeFileSync(file, 'abcdefghijklmnop');
    expect(await get(await server(), { to: { path: file, offset: 3 } }).perform()).toMatchObject({ written: 10, ok: true });
    expect(text()).toBe('abc0123456789nop');
  });

  test('offset with a Range: a file in several parts at once, and its end is the last one\'s', async () => {
    const url = await server();
    writeFileSync(file, 'x'.repeat(20));
    await Promise.all([['0-3', 0], ['4-6', 4], ['7-', 7]].map(([range, offset]) =>
      get(url, { headers: { Range: `bytes=${range}` }, to: { path: pathToFileURL(file), offset } }).perform()));
    expect(text()).toBe(TEN);
  });

  test('offset 0 makes a file; one beyond the end is 23', async () => {
    const url = await server();
    await get(url, { to: { path: file, offset: 0 } }).perform();
    expect(text()).toBe(TEN);
    expect(await failure(get(url, { to: { path: file, offset: 11 } }).perform())).toMatchObject({ errno: 23, message: expect.stringContaining('it has 10 bytes, less than the offset 11') });
    expect(await failure(get(url, { to: { path: path.join(folder, 'none'), offset: 1 } }).perform())).toMatchObject({ errno: 23, cause: { code: 'ENOENT' } });
    expect(text()).toBe(TEN);
    expect(existsSync(path.join(folder, 'none'))).toBe(false);
  });

  test('append: behind what is there; with a Range exactly where the part begins', async () => {
    const url = await server();
    writeFileSync(file, '0123');
    const rest = { headers: { Range: 'bytes=4-' }, to: { path: file, append: true } };
    await get(url, rest).perform();
    expect(text()).toBe(TEN);
    expect(await failure(get(url, rest).perform())).toMatchObject({ errno: 23, message: expect.stringContaining('it has 10 bytes, and the part begins behind 4') });
    expect(await failure(get(url, { ...rest, headers: { Range: 'bytes=0-4' } }).perform())).toMatchObject({ errno: 23 });
    await get(url, { to: { path: file, append: true } }).perform();
    expect(text()).toBe(TEN + TEN);
  });

  test('atomic: whole or not at all; mode and link stay', async () => {
    writeFileSync(file, 'old', { mode: 0o640 });
    const link = path.join(folder, 'link');
    symlinkSync(file, link);
    const half = await answers(200, ['Content-Length: 20'], TEN);
    expect(await failure(get(half, { to: { path: link, atomic: true } }).perform())).toMatchObject({ errno: 18, result: { written: 10 } });
    await until(() => readdirSync(folder).length === 2);
    expect(text()).toBe('old');
    const stalled = await answers(200, ['Content-Length: 20'], TEN, { stays: true });
    const transfer = get(stalled, { to: { path: link, atomic: true } });
    const ending = failure(transfer.perform());
    await until(() => readdirSync(folder).length === 3);
    transfer.abort();
    await ending;
    await until(() => readdirSync(folder).length === 2);
    expect(text()).toBe('old');
    expect((await get(await server(), { to: { path: link, atomic: true } }).perform()).written).toBe(10);
    expect(text()).toBe(TEN);
    expect([statSync(file).mode & 0o777, lstatSync(link).isSymbolicLink(), readdirSync(folder).length]).toEqual([0o640, true, 2]);
    await get(await server(), { to: { path: path.join(folder, 'new'), atomic: true } }).perform();
    expect(readFileSync(path.join(folder, 'new'), 'latin1')).toBe(TEN);
  });

  test('atomic in a folder that is not there: 23', async () => {
    expect(await failure(get(await server(), { to: { path: path.join(folder, 'none/f'), atomic: true } }).perform())).toMatchObject({ errno: 23, cause: { code: 'ENOENT' } });
  });

  test.each([
    [{ offset: 1, append: true }, 'to.offset and to.append'],
    [{ offset: 1, atomic: true }, 'to.atomic: it makes a file anew'],
    [{ append: true, atomic: true }, 'to.atomic: it makes a file anew'],
    [{ offset: -1 }, 'to.offset must be a number of bytes, got -1'],
    [{ offset: '4' }, 'to.offset must be a number of bytes'],
    [{ append: 1 }, 'to.append must be true or false, got 1'],
    [{ ofset: 1 }, 'there is no option to.ofset'],
    [{ path: undefined }, 'to.path must be a path or a file: URL, got undefined'],
  ])('refused: %j', (more, words) => {
    expect(() => get('http://h/', { to: { path: file, ...more } })).toThrow(words);
  });

  test('refused: several ranges, a part that replaces a file, HEAD', () => {
    const with_ = (range, to = file) => () => get('http://h/', { headers: { range }, to });
    expect(with_('bytes=0-1,4-5')).toThrow('to: a file takes one range of bytes, and the header Range asks for "bytes=0-1,4-5"');
    expect(with_('lines=1-2')).toThrow('one range of bytes');
    expect(with_('bytes=5-4')).toThrow('one range of bytes');
    expect(with_('bytes=1-', { path: file, atomic: true })).toThrow('to.atomic: a part is no file');
    expect(() => get('http://h/', { method: 'HEAD', to: file })).toThrow('to: a HEAD request brings no body');
  });

  test('U6: with a Range a plain path is for a new file: one that is there is not destroyed, and nothing is asked for', async () => {
    let requests = 0;
    const one = await webServer((request, response) => {
      requests++;
      response.writeHead(206, { 'content-range': 'bytes 4-9/10' }).end(TEN.slice(4));
    });
    closing.push(one);
    writeFileSync(file, '0123');
    const options = { headers: { Range: 'bytes=4-' }, to: file };
    const error = await failure(get(one.url(), options).perform());
    expect(error).toMatchObject({ errno: 23, message: expect.stringContaining('a part goes with { path, offset } or { path, append: true }') });
    expect([text(), requests]).toEqual(['0123', 0]);
    writeFileSync(file, '');
    await get(one.url(), options).perform();
    expect(text()).toBe(TEN.slice(4));
    rmSync(file);
    await get(one.url(), options).perform();
    expect(text()).toBe(TEN.slice(4));
  });
});

describe('U6: an answer that is not what was asked for', () => {
  const cl = (n) => `Content-Length: ${n}`, cr = (words) => `Content-Range: ${words}`;
  const coded = 'Transfer-Encoding: chunked';

  test.each([
    'bytes 4-9/10', 'Bytes 4-9/10', 'bytes=4-9/10', 'BYTES  4 - 9 / 10', 'bytes 4-9/*', 'bytes = 4-9/10',
  ])('the right part, spelt %j', async (words) => {
    writeFileSync(file, '0123');
    expect(await get(await answers(206, [cl(6), cr(words)], TEN.slice(4)), { headers: { Range: 'bytes=4-' }, to: { path: file, offset: 4 } }).perform()).toMatchObject({ written: 6 });
    expect(text()).toBe(TEN);
    writeFileSync(file, '0123');
    const { code } = await run(process.execPath, [CLI, '-C', '-', '-o', file, await answers(206, [cl(6), cr(words)], TEN.slice(4))]);
    expect([code, text()]).toEqual([0, TEN]);
  });

  // [what, errno, status, headers, body]: a file with '0123' stays as it is, when the errno is 33, or has the right bytes only.
  const WRONG = [
    ['from another byte', 33, 206, [cl(7), cr('bytes 3-9/10')], TEN.slice(3)],
    ['from the beginning', 33, 206, [cl(10), cr('bytes 0-9/10')], TEN],
    ['without a Content-Range', 33, 206, [cl(6)], TEN.slice(4)],
    ['with a Content-Range that is none', 33, 206, [cl(6), cr('bytes 4-9')], TEN.slice(4)],
    ['that ends before it begins', 33, 206, [cl(6), cr('bytes 4-3/10')], TEN.slice(4)],
    ['that ends behind the end', 33, 206, [cl(7), cr('bytes 4-10/10')], `${TEN.slice(4)}x`],
    ['in another unit', 33, 206, [cl(6), cr('lines 4-9/10')], TEN.slice(4)],
    ['that is unsatisfied', 33, 206, [cl(6), cr('bytes */10')], TEN.slice(4)],
    ['in several parts', 33, 206, ['Content-Type: multipart/byteranges; boundary=x', cl(6), cr('bytes 4-9/10')], TEN.slice(4)],
    ['announced shorter than it is', 33, 206, [cl(6), cr('bytes 4-8/10')], TEN.slice(4)],
    ['announced longer than it is', 33, 206, [cl(6), cr('bytes 4-10/11')], TEN.slice(4)],
    ['chunked, with more in it', 33, 206, [coded, cr('bytes 4-9/10')], chunked(`${TEN.slice(4)}xx`)],
    ['chunked, with less in it', 18, 206, [coded, cr('bytes 4-9/10')], chunked(TEN.slice(4, 8))],
    ['until the end of the connection, with less in it', 18, 206, ['Connection: close', cr('bytes 4-9/10')], TEN.slice(4, 8)],
    ['until the end of the connection, with more in it', 33, 206, ['Connection: close', cr('bytes 4-9/10')], `${TEN.slice(4)}xx`],
    ['of the middle only', 18, 206, [cl(3), cr('bytes 4-6/10')], TEN.slice(4, 7)],
  ];
  test.each(WRONG)('a part %s: %d', async (_what, errno, status, headers, body) => {
    writeFileSync(file, '0123');
    const error = await failure(get(await answers(status, headers, body), { headers: { Range: 'bytes=4-' }, to: { path: file, offset: 4 } }).perform());
    expect(error).toMatchObject({ errno });
    await settled(text, 20);
    expect(TEN.startsWith(text())).toBe(true);
    if (errno === 33) expect(text()).toBe('0123');
  });
  test.each(WRONG)('the same on the command line: a part %s: %d', async (_what, errno, status, headers, body) => {
    writeFileSync(file, '0123');
    const { code, stderr } = await run(process.execPath, [CLI, '-C', '-', '-o', file, await answers(status, headers, body)]);
    expect([code, stderr]).toEqual([errno, expect.stringContaining(`(${errno}) `)]);
    expect(TEN.startsWith(text())).toBe(true);
  });

  test('a part that was not asked for; all where a part was; 23 or 33, and the file stays', async () => {
    const part = await answers(206, [cl(6), cr('bytes 4-9/10')], TEN.slice(4));
    writeFileSync(file, 'old');
    expect(await failure(get(part, { to: file }).perform())).toMatchObject({ errno: 33, message: expect.stringContaining('a part, and all was asked for') });
    const whole = await answers(200, [cl(10)], TEN);
    expect(await failure(get(whole, { headers: { Range: 'bytes=3-' }, to: { path: file, append: true } }).perform())).toMatchObject({ errno: 33, message: expect.stringContaining('can only send all of it') });
    expect(text()).toBe('old');
    const { code } = await run(process.execPath, [CLI, '-o', file, part]);
    expect([code, text()]).toEqual([33, 'old']);
  });

  test('the last bytes; a part longer than was asked for', async () => {
    const tail = { headers: { Range: 'bytes=-3' }, to: { path: file, offset: 0 } };
    await get(await answers(206, [cl(3), cr('bytes 7-9/10')], '789'), tail).perform();
    expect(text()).toBe('789');
    expect(await failure(get(await answers(206, [cl(4), cr('bytes 6-9/10')], '6789'), tail).perform())).toMatchObject({ errno: 33 });
    const some = { headers: { Range: 'bytes=0-3' }, to: { path: file, offset: 0 } };
    expect(await failure(get(await answers(206, [cl(10), cr('bytes 0-9/10')], TEN), some).perform())).toMatchObject({ errno: 33 });
    expect(text()).toBe('789');
  });

  test.each([[404, 'none'], [500, 'broken'], [304, ''], [302, 'elsewhere']])('a status of %d never empties a file: what the server says is in the result', async (status, words) => {
    writeFileSync(file, 'old');
    const url = await answers(status, status === 304 ? [] : [cl(words.length)], words);
    const result = await get(url, { to: file }).perform();
    expect(result).toMatchObject({ status, ok: false, written: 0 });
    expect([result.text(), text()]).toEqual([words, 'old']);
    const unmade = path.join(folder, 'new');
    await get(await answers(status, status === 304 ? [] : [cl(words.length)], words), { to: unmade }).perform();
    expect(existsSync(unmade)).toBe(false);
  });

  test.each([404, 503])('the command: a status of %d leaves a file as it is, and says so', async (status) => {
    writeFileSync(file, 'old');
    const { code, stderr } = await run(process.execPath, [CLI, '-o', file, await answers(status, [cl(4)], 'none')]);
    expect([code, stderr, text()]).toEqual([22, expect.stringContaining(`status ${status}; ${file} stays as it is`), 'old']);
    const unmade = path.join(folder, 'new');
    expect((await run(process.execPath, [CLI, '-o', unmade, await answers(status, [cl(4)], 'none')])).code).toBe(0);
    expect(readFileSync(unmade, 'latin1')).toBe('none'); // as with curl
  });
});

describe('failOnError', () => {
  test('the body of the error is in its result; a connection that it ended on is kept', async () => {
    const one = await webServer((request, response) => response.writeHead(request.url === '/' ? 404 : 200).end('{"why":"none"}'));
    closing.push(one);
    const kinds = [{}, { onData: () => { throw new Error('not for it'); } }, { to: file }];
    for (const options of kinds) {
      const error = await failure(get(one.url(), { failOnError: true, ...options }).perform());
      expect(error).toMatchObject({ errno: 22, message: expect.stringContaining('The requested URL returned error: 404'), result: { status: 404, ok: false } });
      expect(error.result.json()).toEqual({ why: 'none' });
    }
    expect(existsSync(file)).toBe(false);
    expect(await get(one.url('/fine'), { failOnError: true }).perform()).toMatchObject({ reused: true, ok: true });
    expect(one.sockets.size).toBe(1);
    await expect(async () => { for await (const chunk of get(one.url(), { failOnError: true })) expect(chunk).toBeUndefined(); })
      .rejects.toMatchObject({ errno: 22, result: { status: 404 } });
  });

  test('64 KiB of it at most, and what does not come is not waited for', async () => {
    const large = await answers(500, ['Content-Length: 1000000'], 'x'.repeat(200_000), { stays: true });
    const error = await failure(get(large, { failOnError: true }).perform());
    expect([error.errno, error.result.body.length]).toEqual([22, 65536]);
    const slow = await answers(500, ['Content-Length: 100'], 'some', { stays: true });
    const other = await within(failure(get(slow, { failOnError: true }).perform()), 10_000, 'the end');
    expect([other.errno, other.result.text()]).toEqual([22, 'some']);
    const paused = get(await answers(500, ['Content-Length: 100'], 'some', { stays: true }), { failOnError: true });
    const ending = failure(paused.perform());
    await paused.response;
    paused.abort();
    expect(await ending).toMatchObject({ errno: 42 });
    const cut = await answers(503, ['Content-Length: 100'], 'some');
    expect(await failure(get(cut, { failOnError: true }).perform())).toMatchObject({ errno: 22, retryable: true });
  });
});

/** Takes a chunk at a time, when it is let. */
function slowWritable({ room = 1, failsAt = Infinity } = {}) {
  const slow = { bytes: 0, open: 0, destroyed: [], ended: 0, go: () => {}, stream: new Writable({
    highWaterMark: room,
    write(chunk, _encoding, done) {
      slow.bytes += chunk.length;
      slow.open++;
      slow.go = () => {
        slow.open--;
        done(slow.bytes > failsAt ? new Error('no room') : null);
      };
    },
    final(done) {
      slow.ended++;
      done();
    },
    destroy(error, done) {
      slow.destroyed.push(error);
      done(error);
    },
  }) };
  return slow;
}

describe('to a Writable of Node\'s', () => {
  const ALL = pattern(3 * MiB);
  async function big(body = ALL) {
    const one = await webServer((request, response) => {
      one.sent = 0;
      response.setHeader('content-length', body.length);
      const pump = () => {
        while (one.sent < body.length) if (!response.write(body.subarray(one.sent, one.sent += 50_000))) return void response.once('drain', pump);
        response.end();
      };
      pump();
    });
    closing.push(one);
    return one;
  }

  test('a file stream, a Transform, one that keeps its chunks: whole, ended once, destroyed by itself only', async () => {
    const one = await big();
    const stream = createWriteStream(file);
    expect(await get(one.url(), { to: stream }).perform()).toMatchObject({ written: ALL.length, ok: true });
    expect([stream.closed, stream.errored, Buffer.compare(readFileSync(file), ALL)]).toEqual([true, null, 0]);
    const chunks = [], through = new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
    through.on('data', (chunk) => chunks.push(chunk));
    await get(one.url(), { to: through }).perform();
    expect(Buffer.compare(Buffer.concat(chunks), ALL)).toBe(0);
    const kept = [];
    const keeper = new Writable({ write: (chunk, _encoding, done) => { kept.push(chunk); done(); } });
    await get(one.url(), { to: keeper }).perform();
    expect(Buffer.compare(Buffer.concat(kept), ALL)).toBe(0);
    expect([keeper.writableFinished, keeper.errored]).toEqual([true, null]);
  });

  test('its back-pressure holds the server', async () => {
    const one = await big(pattern(32 * MiB));
    const slow = slowWritable();
    const transfer = get(one.url(), { to: slow.stream });
    const ending = failure(transfer.perform());
    await until(() => slow.open === 1);
    await settled(() => one.sent);
    expect(transfer.progress.received).toBe(slow.bytes);
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'callback' });
    const before = slow.bytes;
    slow.go();
    await until(() => slow.bytes > before);
    transfer.abort(new Error('enough'));
    expect(await ending).toMatchObject({ message: 'enough' });
    slow.go();
    await until(() => slow.destroyed.length > 0);
    expect([slow.destroyed.map(({ message }) => message), slow.ended]).toEqual([['enough'], 0]);
  });

  test('one that fails: 23 with its error; it is destroyed once', async () => {
    const one = await big();
    const slow = slowWritable({ failsAt: 0 });
    const ending = failure(get(one.url(), { to: slow.stream }).perform());
    await until(() => slow.open === 1);
    slow.go();
    expect(await ending).toMatchObject({ errno: 23, cause: { message: 'no room' }, message: expect.stringContaining('cannot write to the Writable: no room') });
    await until(() => host.channels === 0);
    expect(slow.destroyed.map(({ message }) => message)).toEqual(['no room']);
    expect(await failure(get(one.url(), { to: createWriteStream(path.join(folder, 'none/f')) }).perform())).toMatchObject({ errno: 23, cause: { code: 'ENOENT' } });
  });

  test('one that is closed, or ended by somebody else: 23', async () => {
    const one = await big();
    const closed = slowWritable(), ended = slowWritable({ room: 10 * MiB });
    const first = failure(get(one.url(), { to: closed.stream }).perform());
    await until(() => closed.open === 1);
    closed.stream.destroy();
    expect(await first).toMatchObject({ errno: 23, cause: { code: 'ERR_STREAM_PREMATURE_CLOSE' } });
    const url = await answers(200, ['Content-Length: 10'], 'hello', { stays: true });
    const second = failure(get(url, { to: ended.stream }).perform());
    await until(() => ended.open === 1);
    ended.go();
    ended.stream.end();
    expect(await second).toMatchObject({ errno: 23, message: expect.stringContaining('ended by somebody else') });
    const over = slowWritable();
    over.stream.end();
    expect(await failure(get(one.url(), { to: over.stream }).perform())).toMatchObject({ errno: 23, message: expect.stringContaining('it was ended before') });
  });

  test('a short body destroys it, with the error; nobody needs to listen', async () => {
    const url = await answers(200, ['Content-Length: 10'], 'hello');
    const through = new PassThrough();
    const error = await failure(get(url, { to: through }).perform());
    expect(error.errno).toBe(18);
    expect([through.destroyed, through.errored]).toEqual([true, error]);
  });

  test('exactly once, also when the transfer never begins: aborted before, no engine', async () => {
    const closed = new Multi();
    await closed[Symbol.asyncDispose]();
    const ways = [
      [{ signal: AbortSignal.abort(new Error('no longer')) }, { message: 'no longer' }],
      [{ multi: closed }, { message: expect.stringContaining('closed') }],
    ];
    for (const [options, error] of ways) {
      const slow = slowWritable(), aborted = [];
      const web = new WritableStream({ abort: (reason) => { aborted.push(reason); } });
      expect(await failure(get('http://127.0.0.1:1/', { to: slow.stream, ...options }).perform())).toMatchObject(error);
      expect(await failure(get('http://127.0.0.1:1/', { to: web, ...options }).perform())).toMatchObject(error);
      await until(() => slow.destroyed.length > 0 && aborted.length > 0);
      expect([slow.destroyed.length, aborted.length, slow.ended]).toEqual([1, 1, 0]);
    }
    const mine = slowWritable({ room: 100 });
    mine.stream.end('somebody else\'s');
    expect(await failure(get('http://127.0.0.1:1/', { to: mine.stream, signal: AbortSignal.abort() }).perform())).toMatchObject({ name: 'AbortError' });
    mine.go();
    await until(() => mine.ended === 1);
  });

  test('an end that never comes ends by timeoutMs', async () => {
    const url = await answers(200, ['Content-Length: 5'], 'hello');
    const to = new Writable({ write: (_chunk, _encoding, done) => done(), final() {} });
    expect(await failure(get(url, { to, timeoutMs: 500 }).perform())).toMatchObject({ errno: 28, message: expect.stringContaining('waiting for the Writable') });
  });

  test('standard output is the process\'s: written whole, not ended, not destroyed, no listener is left', async () => {
    const one = await big();
    const script = `import { Transfer } from ${JSON.stringify(new URL('../js/index.js', import.meta.url).href)};
      const before = process.stdout.listenerCount('error');
      for (let i = 0; i < 2; i++) await new Transfer(${JSON.stringify(one.url())}, { to: process.stdout }).perform();
      await new Transfer('http://127.0.0.1:1/', { to: process.stdout }).perform().catch(({ errno }) => process.stdout.write('failed ' + errno));
      process.stdout.write(' ' + (process.stdout.listenerCount('error') - before));`;
    const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
    expect([code, String(stderr)]).toEqual([0, '']);
    expect(Buffer.compare(stdout.subarray(0, 2 * ALL.length), Buffer.concat([ALL, ALL]))).toBe(0);
    expect(String(stdout.subarray(2 * ALL.length))).toBe('failed 7 0');
  });
});
