// The C face in a program compiled with Emscripten, over fetch: test/guests/range_reader.c, which knows nothing of Sluice,
// suspended by Asyncify everywhere and by JSPI where this runtime has it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { start, ROOT } from './support/command.js';
import { pattern } from './support/bytes.js';
import { webServer } from './support/bodies.js';

const RUNNER = join(ROOT, 'test/support/guest-runner.js');
const TEST_MS = 60000;
const program = (mode) => join(ROOT, `build/emscripten/range_reader.${mode}.mjs`);
/** What the build could not have an emcc for is left out; what was not built is a mistake. */
const leftOut = existsSync(join(ROOT, 'build/tools/without_emcc')) && !existsSync(program('asyncify'));
const MODES = ['asyncify', ...('Suspending' in WebAssembly ? ['jspi'] : [])];

/** FNV-1a of 64 bits, as the program's. @param {Uint8Array} bytes */
function fnv(bytes) {
  const { imul, floor } = Math; // a global costs much where Jest runs us
  let high = 0xcbf29ce4, low = 0x84222325;
  for (const byte of bytes) { // times 0x100000001b3, in two halves
    low = (low ^ byte) >>> 0;
    const product = low * 0x1b3;
    high = (imul(high, 0x1b3) + floor(product / 4294967296) + low * 256) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

let server;
afterEach(() => server?.close());

/** A server of ranges. @param {Buffer} body @param {(get: number, from: number, response: import('node:http').ServerResponse) => void} answer */
async function serve(body, answer) {
  const ranges = [];
  server = await webServer((request, response) => {
    if (request.method === 'HEAD') return response.writeHead(200, { 'content-length': body.length }).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range)[1]);
    ranges.push(from);
    response.writeHead(206, { 'content-length': body.length - from, 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` });
    answer(ranges.length, from, response);
  });
  return ranges;
}

/** @param {string} mode @param {(line: string) => void} [onLine] @param {number[]} args PAUSE_EVERY_BYTES PAUSE_MS STALL_S */
async function read(mode, args, onLine = () => {}) {
  const lines = [];
  const { child, done } = start(process.execPath, [RUNNER, program(mode), server.url('/body'), ...args.map(String)], { read: false });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const whole = (rest + text).split('\n');
    rest = whole.pop();
    for (const line of whole) {
      lines.push(line);
      onLine(line);
    }
  });
  const { code, stderr } = await done;
  return { code, stderr, lines };
}

const each = leftOut ? describe.skip.each : describe.each;
each(MODES)('a program compiled with Emscripten, %s', (mode) => {
  test('built', () => {
    if (!existsSync(program(mode))) throw new Error(`${program(mode)} is missing: ./build.sh emscripten`);
  });

  test('cut and stalled, it goes on where it was, and reads every byte once (W2, L3)', async () => {
    const body = pattern(6 * 1048576), part = 2000000;
    let stalledClosed = false;
    const ranges = await serve(body, (get, from, response) => {
      if (get === 1) response.write(body.subarray(from, from + part), () => response.socket.end());
      else if (get === 2) response.on('close', () => (stalledClosed = true)).write(body.subarray(from, from + part));
      else response.end(body.subarray(from));
    });
    const { code, stderr, lines } = await read(mode, [1000000, 50, 1]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines.at(-1)).toBe(`complete ${body.length} ${fnv(body)}`);
    expect(ranges).toEqual([0, part, 2 * part]);
    const attempts = lines.filter((line) => line.startsWith('attempt')).map((line) => /\((\d+)\)/.exec(line)[1]);
    expect(['18', '56']).toContain(attempts[0]); // by what fetch knows of it
    expect(attempts.slice(1)).toEqual(['28']);
    expect(stalledClosed).toBe(true); // the attempt that timed out was closed, not left
    expect(lines.filter((line) => line.startsWith('progress'))).toEqual(['progress 25%', 'progress 50%', 'progress 75%', 'progress 100%']);
    expect(lines.filter((line) => line.startsWith('paused')).length).toBeGreaterThanOrEqual(5);
  }, TEST_MS);

  test('while it pauses the server has to stop, and its low-speed clock stands (W8, L5)', async () => {
    const body = pattern(48 * 1048576), hold = body.length / 2 + 1; // once
    let sent = 0, sentPaused = -1;
    await serve(body, async (_get, _from, response) => {
      response.on('error', () => {});
      for (let at = 0; at < body.length && !response.destroyed; at += 65536) {
        await new Promise((resolve) => response.write(body.subarray(at, at + 65536), resolve));
        sent = at + 65536;
      }
      response.end();
    });
    const { code, lines } = await read(mode, [hold, 8000, 1], (line) => {
      if (sentPaused < 0 && line.startsWith('resumed')) sentPaused = sent;
    });
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe(`complete ${body.length} ${fnv(body)}`);
    expect(lines.filter((line) => line.startsWith('attempt'))).toEqual([]);
    expect(sentPaused).toBeGreaterThan(hold - 65536);
    expect(sentPaused).toBeLessThan(hold + 16 * 1048576); // what sockets and fetch hold, and not the rest
  }, TEST_MS);
});
