// The C face in a sandbox: programs of test/guests compiled to WebAssembly, driven by the host of test/hosts/plugin.js, which lends
// them host.h's import module and no other way out. They block in curl_easy_perform and curl_multi_poll.
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { SL_CANCELED, SL_DEADLINE, SL_QUOTA, runGuest } from './hosts/plugin.js';
import { ROOT } from './support/command.js';
import { fnv, pattern, sum31 } from './support/bytes.js';
import { echo, rawTalk, webServer } from './support/bodies.js';
import { settled, until } from './helpers/wait.js';

const TEST_MS = 60000;
const MIB = 1048576;
/** What two sockets may hold of what nobody reads, in bytes, with room to spare. */
const SOCKETS = 16 * MIB;
const compiled = (name) => {
  const path = join(ROOT, `build/guests/${name}.wasm`);
  if (!existsSync(path)) throw new Error(`${path} is missing: ./build.sh wasm`);
  return new WebAssembly.Module(readFileSync(path));
};
const get = compiled('get'), rangeReader = compiled('range_reader'), raw = compiled('raw');

let server, guest;
afterEach(async () => {
  await guest?.terminate();
  await server?.close();
  server = guest = undefined;
});

/** @param {WebAssembly.Module} module @param {(string | number)[]} args @param {Parameters<typeof runGuest>[1]} [options] */
function start(module, args, { onLine = () => {}, ...options } = {}) {
  const lines = [];
  guest = runGuest(module, { ...options, args: args.map(String), onLine: (line) => { lines.push(line); onLine(line); } });
  const { done } = guest;
  return { lines, done, guest };
}
/** @param {{ timeoutMs?: number, lowSpeedS?: number, pauseAt?: number, upload?: number }} limits @param {Parameters<typeof runGuest>[1]} [options] */
const startGet = (url, { timeoutMs = TEST_MS, lowSpeedS = 0, pauseAt = 0, upload = 0 } = {}, options = undefined) =>
  start(get, [url, timeoutMs, lowSpeedS, pauseAt, upload], options);

/** A server that sends `body` as fast as it is taken; `sent` counts what its sockets took. @param {Buffer} body */
async function serving(body) {
  const state = { sent: 0, closed: 0 };
  server = await webServer((_request, response) => {
    response.writeHead(200, { 'content-length': body.length });
    response.on('close', () => state.closed++);
    let at = 0;
    const more = () => {
      while (at < body.length) {
        const piece = body.subarray(at, at + 65536);
        at += piece.length;
        const room = response.write(piece);
        state.sent = at - response.writableLength;
        if (!room) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  return state;
}

test('a program imports the door, and of WASI only what main and printf need', () => {
  const imports = [get, rangeReader].flatMap((module) => WebAssembly.Module.imports(module));
  expect([...new Set(imports.map((i) => i.module))].sort()).toEqual(['sluice_host_1', 'wasi_snapshot_preview1']);
  const wasi = new Set(imports.filter((i) => i.module !== 'sluice_host_1').map((i) => i.name));
  expect([...wasi].sort()).toEqual(['args_get', 'args_sizes_get', 'fd_close', 'fd_fdstat_get', 'fd_read', 'fd_seek', 'fd_write', 'proc_exit']);
});

test.each(['easy', 'multi'])('CONNECT_ONLY: what curl_easy_recv waits for is wanted, and only then (%s)', async (face) => {
  const talk = server = await rawTalk();
  const { done, lines } = start(raw, [talk.url(), face]);
  expect(await done).toBe(0);
  const [, waits] = new RegExp(`^code 0 ${talk.answer.length} ${sum31(talk.answer)} in (\\d+) waits$`).exec(lines.at(-1));
  expect(talk.received()).toBe(300000); // with waits for room
  // One wait for each piece that the socket brings, not a busy loop.
  expect(Number(waits)).toBeLessThanOrEqual(talk.answer.length / 1000);
  if (face === 'multi') expect(Number(waits)).toBeGreaterThan(0);
  expect(guest.open).toBe(0);
});

test('curl_easy_perform reads a body byte for byte, and a callback that pauses gets the rest (B13, W2, P6)', async () => {
  const body = pattern(3 * MIB + 7);
  await serving(body);
  const { done, lines } = startGet(server.url(), { pauseAt: MIB });
  expect(await done).toBe(0);
  expect(lines.at(-1)).toBe(`code 0 ${body.length} ${fnv(body)}`);
  const [paused, resumed] = ['paused', 'resumed'].map((word) => lines.find((line) => line.startsWith(word))?.slice(word.length));
  expect(Number(paused)).toBeGreaterThanOrEqual(MIB);
  expect(resumed).toBe(paused);
  expect(guest.open).toBe(0);
}, TEST_MS);

test('while the program pauses the server is stopped, and the host holds at most 64 KiB (W8, B4)', async () => {
  const body = pattern(64 * MIB), seen = [];
  const state = await serving(body);
  const { done, lines } = startGet(server.url(), { pauseAt: MIB }, { onLine: (line) => {
    if (line.startsWith('resumed')) seen.push({ at: Number(line.slice(7)), sent: state.sent, held: guest.bytesHeld });
  } });
  expect(await done).toBe(0);
  expect(lines.at(-1)).toBe(`code 0 ${body.length} ${fnv(body)}`);
  expect(seen.length).toBe(1); // at least a second after it paused
  expect(seen[0].sent - seen[0].at).toBeLessThan(SOCKETS);
  expect(seen[0].held).toBeLessThanOrEqual(65536);
}, TEST_MS);

test('the multi interface: one program reads a body by ranges, holds now and then, goes on where it was cut (W2, K1)', async () => {
  const body = pattern(4 * MIB);
  let gets = 0;
  server = await webServer((request, response) => {
    if (request.method === 'HEAD') return response.writeHead(200, { 'content-length': body.length }).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range)[1]);
    response.writeHead(206, { 'content-length': body.length - from, 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` });
    if (gets++ === 0) response.write(body.subarray(0, MIB), () => request.socket.destroySoon());
    else response.end(body.subarray(from));
  });
  const { done, lines } = start(rangeReader, [server.url(), MIB + 1, 20, 5]);
  expect(await done).toBe(0);
  expect(lines.filter((line) => line.startsWith('attempt ended: (18)'))).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith('paused'))).toHaveLength(3);
  expect(lines.at(-1)).toBe(`complete ${body.length} ${fnv(body)}`);
  expect(gets).toBe(2);
}, TEST_MS);

test('an upload arrives whole', async () => {
  server = await webServer((request, response) => {
    if (request.headers.expect) throw new Error('checkContinue is for that');
    return echo(request, response);
  });
  const size = 2 * MIB + 11;
  let received = 0;
  server.server.on('request', (request) => request.on('data', (chunk) => (received += chunk.length)));
  server.server.on('checkContinue', (request, response) => {
    delete request.headers.expect;
    response.writeContinue();
    server.server.emit('request', request, response);
  });
  const { done } = startGet(server.url(), { upload: size });
  expect(await done).toBe(0);
  expect(received).toBe(size);
}, TEST_MS);

describe('limits, and the host as the one who ends it', () => {
  /** The head and some of the body, then silence. */
  async function silent() {
    const state = { closed: 0 };
    server = await webServer((_request, response) => {
      response.on('close', () => state.closed++);
      response.writeHead(200, { 'content-length': 5 * MIB });
      response.write(pattern(2 * MIB));
    });
    return state;
  }

  test('a time limit ends the transfer with 28 while sl_wait sleeps; the server sees the close (T1, T5)', async () => {
    const state = await silent();
    const { done, lines } = startGet(server.url(), { timeoutMs: 700 });
    expect(await done).toBe(28);
    expect(lines.find((line) => line.startsWith('stderr'))).toMatch(/^stderr: Operation timed out after \d+ milliseconds with 2097152 out of 5242880 bytes received$/);
    await until(() => state.closed === 1);
    expect(guest.open).toBe(0);
  }, TEST_MS);

  test.each([['SL_CANCELED', SL_CANCELED, 42], ['SL_QUOTA', SL_QUOTA, 63], ['SL_DEADLINE', SL_DEADLINE, 28]])(
    'the host ends a guest that sleeps with %s: its call returns, though it has no timer of its own, and its channels are closed (B12)', async (_name, code, curlCode) => {
      const state = await silent();
      let all = false, ended = false;
      const asked = []; // after the end: an sl_wait that did not answer it would be followed by another
      const { done } = startGet(server.url(), {}, {
        onLine: (line) => { all ||= line === `at ${2 * MIB}`; },
        before(name, args) {
          if (ended) return void asked.push(name);
          if (!all || name !== 'sl_wait') return;
          args[2] = -1; // for ever, so nothing but the end wakes it
          setImmediate(() => { ended = true; guest.end(code); });
        },
      });
      expect(await done).toBe(curlCode);
      expect(asked).not.toContain('sl_wait');
      await until(() => state.closed === 1);
      expect(guest.open).toBe(0);
    }, TEST_MS);

  test('a guest that is ended while it pauses itself returns all the same (B12)', async () => {
    await serving(pattern(8 * MIB));
    const { done } = startGet(server.url(), { pauseAt: MIB }, { onLine: (line) => { if (line.startsWith('paused')) guest.end(SL_CANCELED); } });
    expect(await done).toBe(42);
  }, TEST_MS);

  test('a guest that is terminated leaves nothing behind: the server sees the close', async () => {
    const state = await silent();
    const { done } = startGet(server.url(), {}, { onLine: (line) => { if (line === `at ${2 * MIB}`) guest.terminate(); } });
    await expect(done).rejects.toThrow('the guest was ended');
    await until(() => state.closed === 1);
  }, TEST_MS);

  test('channels that the host holds count as paused: the server stops, no low-speed limit strikes, and all of it comes (B15, L5)', async () => {
    const body = pattern(64 * MIB);
    const state = await serving(body);
    let held;
    const { done, lines } = startGet(server.url(), { lowSpeedS: 1 }, { onLine: (line) => {
      if (line.startsWith('at') && !held) held = { at: Number(line.slice(3)), since: guest.hold(true) };
    } });
    await until(() => held);
    const sent = await settled(() => state.sent, 2500); // longer than the limit
    expect(sent - held.at).toBeLessThan(SOCKETS);
    expect(guest.bytesHeld).toBeLessThanOrEqual(65536);
    guest.hold(false);
    expect(await done).toBe(0);
    expect(lines.at(-1)).toBe(`code 0 ${body.length} ${fnv(body)}`);
  }, TEST_MS);
});

describe('what the host refuses or cannot do has its code (B10, B12)', () => {
  const closedPort = async () => {
    const listener = net.createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address();
    await new Promise((resolve) => listener.close(resolve));
    return port;
  };

  test('nobody listens: 7; the host does not allow it: 9; no such protocol here: 1', async () => {
    const port = await closedPort();
    expect(await startGet(`http://127.0.0.1:${port}/`).done).toBe(7);
    const asked = [];
    expect(await startGet(`http://127.0.0.1:${port}/`, {}, { allow: (spec) => !asked.push(spec) }).done).toBe(9);
    expect(asked).toEqual([{ name: '127.0.0.1', port: String(port) }]);
    const { done, lines } = startGet('https://127.0.0.1/');
    expect(await done).toBe(1);
    expect(lines[0]).toMatch(/^stderr: This host does not offer the protocol/);
    expect(await startGet('file:///etc/passwd').done).toBe(1);
  }, TEST_MS);

  test('the host is asked at every hop of a redirect, and what it does not allow is not connected to (B12)', async () => {
    const hops = [], asked = [];
    server = await webServer((request, response) => {
      hops.push(request.headers.host.split(':')[0]);
      response.writeHead(302, { location: `http://localhost:${server.port}/secret`, connection: 'close' }).end();
    });
    const { done } = startGet(server.url(), {}, { allow: ({ name }) => asked.push(name) && name !== 'localhost' });
    expect(await done).toBe(9);
    expect(asked).toEqual(['127.0.0.1', 'localhost']);
    expect(hops).toEqual(['127.0.0.1']);
  }, TEST_MS);

  /** [what is answered, by which call, CURLcode] */
  const ANSWERS = [
    [-2, 'sl_open', 1], [-3, 'sl_open', 3], [-4, 'sl_open', 27], [-5, 'sl_open', 7], [-10, 'sl_open', 6], [-11, 'sl_open', 7], [-13, 'sl_open', 9],
    [-30, 'sl_open', 42], [-31, 'sl_open', 63], [-32, 'sl_open', 28], [-5, 'sl_send', 56], [-12, 'sl_send', 55], [-5, 'sl_recv', 56], [-12, 'sl_recv', 52],
    [-4, 'sl_wait', 27], [-30, 'sl_wait', 42],
  ];
  test.each(ANSWERS)('%i from %s: %i', async (code, call, curlCode) => {
    await serving(pattern(1000));
    const { done } = startGet(server.url(), {}, { before: (name) => (name === call ? code : undefined) });
    expect(await done).toBe(curlCode);
    expect(guest.open).toBe(0);
  }, TEST_MS);

  test('whichever call of the host fails first, the program returns and leaves no channel open', async () => {
    const body = pattern(100000);
    await serving(body);
    const codes = [];
    for (let fails = 1, failed = true; failed; fails++) {
      let made = 0;
      const { done, lines } = startGet(server.url(), {}, { before: () => (++made === fails ? -5 : undefined) });
      codes.push(await done);
      failed = made >= fails;
      expect(lines.filter((line) => line.startsWith('code'))).toHaveLength(1);
      if (codes.at(-1) === 0) expect(lines.at(-1)).toBe(`code 0 ${body.length} ${fnv(body)}`);
      expect(guest.open).toBe(0);
    }
    expect(codes.at(-1)).toBe(0); // nothing failed
    expect(codes.length).toBeGreaterThan(8);
    for (const code of codes) expect([0, 7, 56, 99]).toContain(code);
  }, TEST_MS);
});
