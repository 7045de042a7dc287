// The C face in a program compiled with Emscripten, over fetch: test/guests/range_reader.c, which knows nothing of Sluice,
// suspended by Asyncify everywhere and by JSPI where this runtime has it, in Node.js and in a page of Chromium.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './support/command.js';
import { chromium, runInNode, runInPage } from './support/guests.js';
import { fnv, pattern } from './support/bytes.js';
import { webServer } from './support/bodies.js';
import { settled } from './helpers/wait.js';

const TEST_MS = 60000;
const program = (how) => join(ROOT, `build/emscripten/range_reader.${how}.mjs`);
/** What the build could not have an emcc for is left out; what was not built is a mistake. */
const leftOut = existsSync(join(ROOT, 'build/tools/without_emcc')) && !existsSync(program('asyncify'));
/** [where, how it is suspended] */
const RUNS = [['Node.js', 'asyncify']];
if ('Suspending' in WebAssembly) RUNS.push(['Node.js', 'jspi']);
// A browser of its own for each is slow, and reads ahead as it likes on a busy machine: only in `./build.sh campaign`.
if (chromium && process.env.SLUICE_CAMPAIGN) RUNS.push(['Chromium', 'asyncify'], ['Chromium', 'jspi']);

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

/** @param {string} where @param {string} how @param {number[]} args PAUSE_EVERY_BYTES PAUSE_MS STALL_S @param {(line: string) => void} [onLine] */
async function read(where, how, args, onLine = () => {}) {
  const lines = [];
  const take = (line) => (lines.push(line), onLine(line));
  const words = [server.url('/body'), ...args.map(String)];
  const site = { origin: server.url('').replace(/\/$/, ''), on: (listener) => (others = listener) };
  const code = await (where === 'Chromium' ? runInPage(site, program(how), words, take) : runInNode(program(how), words, take));
  return { code, lines };
}

const each = leftOut ? describe.skip.each : describe.each;
each(RUNS)('a program compiled with Emscripten, in %s with %s', (where, how) => {
  test('built', () => {
    if (!existsSync(program(how))) throw new Error(`${program(how)} is missing: ./build.sh emscripten`);
  });

  test('cut and stalled, it goes on where it was, and reads every byte once (W2, L3)', async () => {
    const body = pattern(6 * 1048576), part = 2000000;
    let stalledClosed = false, cut;
    const ranges = await serve(body, (get, from, response) => {
      if (get === 1) (cut = () => response.socket.end(), response.write(body.subarray(from, from + part)));
      else if (get === 2) response.on('close', () => (stalledClosed = true)).write(body.subarray(from, from + part));
      else response.end(body.subarray(from));
    });
    const { code, lines } = await read(where, how, [1000000, 50, 1], (line) => {
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

  test('while it pauses the server has to stop, and its low-speed clock stands (W8, L5)', async () => {
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
    const { code, lines } = await read(where, how, [hold, 8000, 1], (line) => {
      if (line.startsWith('paused')) stopped = settled(() => sent, 1000);
    });
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe(`complete ${body.length} ${fnv(body)}`);
    expect(lines.filter((line) => line.startsWith('attempt'))).toEqual([]);
    expect(await stopped).toBeGreaterThan(hold - 65536);
    expect(await stopped).toBeLessThan(hold + rest); // what sockets may keep, and not the rest
  }, TEST_MS);
});
