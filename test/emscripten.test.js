// The C face in programs compiled with Emscripten, which know nothing of Sluice (test/guests): over fetch, in Node.js and in
// a page of Chromium, and over the sockets of Node.js; suspended by Asyncify everywhere, by JSPI where this runtime has it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './support/command.js';
import { chromium, runInNode, runInPage } from './support/guests.js';
import { fnv, pattern, sum31 } from './support/bytes.js';
import { rawTalk, webServer } from './support/bodies.js';
import { settled, until } from './helpers/wait.js';

const TEST_MS = 60000;
const program = (name, over, how) => join(ROOT, `build/emscripten/${name}.${over}.${how}.mjs`);
/** What the build could not have an emcc for is left out; what was not built is a mistake. */
const leftOut = existsSync(join(ROOT, 'build/tools/without_emcc')) && !existsSync(program('range_reader', 'fetch', 'asyncify'));
/** [where, over what, how it is suspended] */
const RUNS = [['Node.js', 'fetch', 'asyncify'], ['Node.js', 'sockets', 'asyncify']];
if ('Suspending' in WebAssembly) RUNS.push(['Node.js', 'fetch', 'jspi'], ['Node.js', 'sockets', 'jspi']);
if (chromium) RUNS.push(['Chromium', 'fetch', 'asyncify'], ['Chromium', 'fetch', 'jspi']);

/** A server that takes bodies at /up. @param {(request: import('node:http').IncomingMessage, body: Buffer) => void} heard */
const uploads = (heard) => async (request, response) => {
  if (request.url !== '/up') return others(request, response);
  const pieces = await request.toArray();
  const body = Buffer.concat(pieces);
  heard(request, body);
  response.end(`${body.length} bytes`);
};

let server, others;
beforeEach(() => { others = (_request, response) => response.writeHead(404).end(); });
afterEach(() => server?.close());

/** A server of ranges, at /body. @param {Buffer} body @param {(get: number, from: number, response: import('node:http').ServerResponse) => void} answer */
async function serve(body, answer) {
  const ranges = [];
  server = await webServer((request, response) => {
    if (request.url !== '/body') return others(request, response);
    response.setHeader('cache-control', 'no-store');
    if (request.method === 'HEAD') return response.writeHead(200, { 'content-length': body.length }).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range)[1]);
    ranges.push(from);
    response.writeHead(206, { 'content-length': body.length - from, 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` });
    answer(ranges.length, from, response);
  });
  return ranges;
}

/** @param {string} where @param {string} module @param {string[]} words @param {(line: string) => void} [onLine] */
async function start(where, module, words, onLine = () => {}, after = undefined) {
  const lines = [];
  const take = (line) => (lines.push(line), onLine(line));
  const site = { origin: server.url('').replace(/\/$/, ''), on: (listener) => (others = listener) };
  const code = await (where === 'Chromium' ? runInPage(site, module, words, take, after) : runInNode(module, words, take));
  return { code, lines };
}

const each = leftOut ? describe.skip.each : describe.each;
each(RUNS)('programs compiled with Emscripten, in %s over %s with %s', (where, over, how) => {
  /** @param {number[]} args PAUSE_EVERY_BYTES PAUSE_MS STALL_S @param {(line: string) => void} [onLine] */
  const read = (args, onLine) => start(where, program('range_reader', over, how), [server.url('/body'), ...args.map(String)], onLine);
  const run = (words, onLine, after) => start(where, program('transfers', over, how), words, onLine, after);

  // A browser reads ahead as it likes on a busy machine: only in `./build.sh campaign`.
  const testReader = where === 'Chromium' && !process.env.SLUICE_CAMPAIGN ? test.skip : test;

  test('built', () => {
    for (const module of [program('range_reader', over, how), program('transfers', over, how)])
      if (!existsSync(module)) throw new Error(`${module} is missing: ./build.sh emscripten`);
  });

  testReader('cut and stalled, it goes on where it was, and reads every byte once (W2, L3)', async () => {
    const body = pattern(6 * 1048576), part = 2000000;
    let stalledClosed = false, cut;
    const ranges = await serve(body, (get, from, response) => {
      if (get === 1) (cut = () => response.socket.end(), response.write(body.subarray(from, from + part)));
      else if (get === 2) response.on('close', () => (stalledClosed = true)).write(body.subarray(from, from + part));
      else response.end(body.subarray(from));
    });
    const { code, lines } = await read([1000000, 50, 1], (line) => {
      if (line.startsWith('paused') && cut) cut = void cut(); // it has read some
    });
    expect({ code, errors: lines.filter((line) => line.startsWith('stderr')) }).toEqual({ code: 0, errors: [] });
    expect(lines.at(-1)).toBe(`complete ${body.length} ${fnv(body)}`);
    expect(ranges).toEqual([0, expect.any(Number), ranges[1] + part]);
    expect(ranges[1]).toBeLessThanOrEqual(part); // a browser may drop what it had when the connection breaks
    expect(ranges[1]).toBeGreaterThan(0);
    const attempts = lines.filter((line) => line.startsWith('attempt')).map((line) => /\((\d+)\)/.exec(line)[1]);
    expect(['18', '56']).toContain(attempts[0]); // by what fetch knows of it
    expect(attempts.slice(1)).toEqual(['28']);
    expect(stalledClosed).toBe(true); // the attempt that timed out was closed, not left
    expect(lines.filter((line) => line.startsWith('progress'))).toEqual(['progress 25%', 'progress 50%', 'progress 75%', 'progress 100%']);
    expect(lines.filter((line) => line.startsWith('paused')).length).toBeGreaterThanOrEqual(5);
  }, TEST_MS);

  testReader('while it pauses the server has to stop, and its low-speed clock stands (W8, L5)', async () => {
    const body = pattern(96 * 1048576), hold = 52 * 1048576, rest = 36 * 1048576;
    let sent = 0, stopped;
    await serve(body, async (_get, _from, response) => {
      response.on('error', () => {});
      for (let at = 0; at < body.length && !response.destroyed; at += 65536) {
        await new Promise((resolve) => response.write(body.subarray(at, at + 65536), resolve));
        sent = at + 65536;
      }
      response.end();
    });
    const { code, lines } = await read([hold, 8000, 1], (line) => {
      if (line.startsWith('paused')) stopped = settled(() => sent, 1000);
    });
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe(`complete ${body.length} ${fnv(body)}`);
    expect(lines.filter((line) => line.startsWith('attempt'))).toEqual([]);
    expect(await stopped).toBeGreaterThan(hold - 65536);
    expect(await stopped).toBeLessThan(hold + rest); // what sockets may keep, and not the rest
  }, TEST_MS);

  test('a form is posted, by the blocking interface', async () => {
    const heard = [];
    server = await webServer(uploads((request, body) => heard.push([request.method, request.headers['content-type'], String(body)])));
    const { code, lines } = await run(['post', server.url('/up'), 'a=1&b=two words']);
    expect(lines).toEqual(['answer 200 15 bytes']);
    expect(code).toBe(0);
    expect(heard).toEqual([['POST', 'application/x-www-form-urlencoded', 'a=1&b=two words']]);
  }, TEST_MS);

  test('a body of a read callback is put, byte for byte, over a pause that the progress callback ends (R2, P1)', async () => {
    const size = 300000, at = 100000;
    const heard = [];
    server = await webServer(uploads((request, body) => heard.push([request.method, body])));
    const { code, lines } = await run(['put', server.url('/up'), String(size), String(at)]);
    expect(lines).toEqual([`paused at ${at}`, `resumed at ${at}`, `answer 200 ${size} bytes`]);
    expect(code).toBe(0);
    const [[method, body]] = heard;
    expect(heard.length).toBe(1);
    expect(method).toBe('PUT');
    expect(body.equals(Buffer.from(Uint8Array.from({ length: size }, (_, i) => i * 7 + (i >> 8))))).toBe(true);
  }, TEST_MS);

  test('three at once by curl_multi_poll, each paused until the one before it has ended (P1, P8)', async () => {
    const bodies = [pattern(400000), pattern(300000), pattern(200000)];
    const sent = [];
    let finish;
    const othersSent = new Promise((resolve) => { finish = resolve; }); // the first ends behind them: they have begun by then
    server = await webServer(async (request, response) => {
      const number = Number(/^\/of\/(\d)$/.exec(request.url)?.[1]), body = bodies[number - 1];
      if (body === undefined) return others(request, response);
      response.writeHead(200, { 'content-length': body.length });
      if (number > 1) return response.end(body, () => { if (sent.push(number) === 2) finish(); });
      response.write(body.subarray(0, 1));
      await othersSent;
      response.end(body.subarray(1));
    });
    const { code, lines } = await run(['all', ...bodies.map((_, i) => server.url(`/of/${i + 1}`))]);
    expect(code).toBe(0);
    expect(lines.filter((line) => line.startsWith('done'))).toEqual(bodies.map((body, i) => `done ${i + 1} (0) ${body.length} ${sum31(body)}`));
    for (const number of [2, 3]) { // it may come to nothing before the other has ended, and then does not pause
      const paused = lines.indexOf(`paused ${number}`), resumed = lines.indexOf(`resumed ${number}`);
      expect([paused < 0, resumed > lines.findIndex((line) => line.startsWith(`done ${number - 1} `))]).toEqual([resumed < 0, paused >= 0]);
    }
    expect(lines.some((line) => line.startsWith('paused'))).toBe(true);
  }, TEST_MS);

  (over === 'sockets' ? test.each : test.skip.each)(['easy', 'multi'])('CONNECT_ONLY: an answer by curl_easy_recv, waited for with the %s interface', async (face) => {
    const talk = server = await rawTalk();
    const { code, lines } = await start(where, program('raw', over, how), [talk.url(), face]);
    expect(lines).toEqual([expect.stringMatching(`^code 0 ${talk.answer.length} ${sum31(talk.answer)} in \\d+ waits$`)]);
    expect(code).toBe(0);
    expect(talk.received()).toBe(300000);
  }, TEST_MS);

  test('exit() in the middle of a transfer: its connection is closed, though a page stays', async () => {
    let closed = false;
    server = await webServer((request, response) => {
      if (request.url !== '/long') return others(request, response);
      response.on('close', () => (closed = true)).writeHead(200, { 'content-length': 1048576, 'cache-control': 'no-store' }).write(pattern(100000));
    });
    const { code, lines } = await run(['exit', server.url('/long')], undefined, () => until(() => closed));
    expect(lines).toEqual(['exits with 5']);
    expect(code).toBe(5);
    await until(() => closed);
  }, TEST_MS);

  test('what fails has its code, also at the exit', async () => {
    server = await webServer((request, response) => (request.url === '/up' ? request.socket.destroy() : others(request, response)));
    const { code, lines } = await run(['post', server.url('/up'), 'a=1']);
    expect(lines).toEqual([expect.stringMatching(/^failed: \(\d+\) ./)]);
    expect([7, 52, 55, 56]).toContain(code); // by what the host knows of it
    expect(lines[0]).toContain(`(${code})`);
  }, TEST_MS);
});
