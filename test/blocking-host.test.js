// js/hosts/blocking.js over the fetch host and a real server, as an engine sees it that waits in sl_wait.
import { blockingDoor } from '../js/hosts/blocking.js';
import { fetchHost } from '../js/hosts/fetch.js';
import { SL_ABORT, SL_AGAIN, SL_EXCHANGE, SL_IN, SL_INFO_HEAD, SL_NOSYS, SL_OPENED } from '../js/hosts/door.js';
import { webServer } from './support/bodies.js';
import { pattern } from './support/bytes.js';

const EVENTS = 0, BUFFER = 4096, ROOM = 65536, LONG_US = 20_000_000n;
const A = 8, B = 16; // loops

let server, host, door, memory;
beforeEach(() => {
  memory = new Uint8Array(BUFFER + ROOM);
  host = fetchHost();
  door = blockingDoor(host, () => memory);
});
afterEach(async () => {
  host.close();
  await server?.close();
  server = undefined;
});

function open(loop, path = '/') {
  const spec = Buffer.from(`name 127.0.0.1\nport ${server.port}\nmethod GET\nurl ${server.url(path)}\n`);
  memory.set(spec, BUFFER);
  return door.sl_open(loop, SL_EXCHANGE, BUFFER, spec.length);
}
/** [[ch, events], ...] */
async function wait(loop, timeoutUs, cap = 64) {
  const n = await door.sl_wait(loop, EVENTS, cap, timeoutUs);
  const view = new DataView(memory.buffer);
  return Array.from({ length: n }, (_, i) => [view.getInt32(EVENTS + 8 * i, true), view.getUint32(EVENTS + 8 * i + 4, true)]);
}
/** Until that channel was told one of these events. */
async function told(loop, ch, bits) {
  for (;;) {
    const events = await wait(loop, LONG_US);
    if (events.length === 0) throw new Error('nothing happened');
    if (events.some(([which, what]) => which === ch && what & bits)) return;
  }
}
/** Opened, its head taken, wanting its body. */
async function begun(loop) {
  const ch = open(loop);
  await told(loop, ch, SL_OPENED);
  door.sl_want(ch, SL_IN);
  await told(loop, ch, SL_IN);
  expect(door.sl_info(ch, SL_INFO_HEAD, BUFFER, ROOM)).toBeGreaterThan(0);
  return ch;
}

test('a body is read by waiting and receiving, byte for byte, and what was left is told again', async () => {
  const body = pattern(300000), got = [];
  server = await webServer((_request, response) => response.end(body));
  const ch = await begun(A);
  for (let end = false; !end;) { // 1000 bytes a wait: a chunk of fetch's is told of as often as it takes
    const n = door.sl_recv(ch, BUFFER, 1000);
    if (n === SL_AGAIN) await told(A, ch, SL_IN);
    else got.push(Buffer.from(memory.subarray(BUFFER, BUFFER + n)));
    if (n > 0) await told(A, ch, SL_IN);
    end = n === 0;
  }
  expect(Buffer.concat(got).equals(body)).toBe(true);
  door.sl_close(ch, SL_ABORT);
});

test('what is told and not acted on makes no work: the loop of the program can turn (F2)', async () => {
  server = await webServer((_request, response) => response.end(pattern(100000)));
  const ch = await begun(A);
  await told(A, ch, SL_IN); // the body's first bytes, and nothing is done about them
  let times = 0;
  const { setTimeout: real } = globalThis;
  globalThis.setTimeout = (...args) => (times++, real(...args));
  try {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    globalThis.setTimeout = real;
  }
  expect(times).toBe(0);
  expect(door.sl_recv(ch, BUFFER, ROOM)).toBeGreaterThan(0);
});

test('a wait tells of its own loop only, at most as many events as there is room for', async () => {
  server = await webServer((_request, response) => response.end('x'));
  const a = [open(A), open(A)], b = open(B);
  const first = [];
  while (first.length < 2) {
    const some = await wait(A, LONG_US, 1);
    expect(some.length).toBe(1);
    first.push(some[0][0]);
  }
  expect(first.sort()).toEqual(a.sort());
  const second = await wait(B, LONG_US);
  expect(second.map(([ch]) => ch)).toEqual([b]);
});

test('looking only (a timeout of 0) sees things happen, and does not sleep', async () => {
  server = await webServer((_request, response) => response.end('x'));
  const ch = open(A);
  let seen = [], looks = 0;
  while (seen.length === 0 && looks++ < 100000) seen = await wait(A, 0n);
  expect(seen[0][0]).toBe(ch);
  expect(seen[0][1] & SL_OPENED).not.toBe(0);
  expect(await wait(A, 0n)).toEqual([]);
});

test('a timeout ends a wait; what is there is answered at once, without a promise; a closed channel tells nothing', async () => {
  server = await webServer((_request, response) => response.end('xyz'));
  expect(await wait(A, 1000n)).toEqual([]);
  const ch = await begun(A);
  await told(A, ch, SL_IN);
  expect(door.sl_recv(ch, BUFFER, 1)).toBe(1);
  await null;
  expect(door.sl_wait(A, EVENTS, 64, LONG_US)).toBe(1);
  expect(door.sl_recv(ch, BUFFER, 1)).toBe(1);
  await null;
  door.sl_close(ch, SL_ABORT);
  expect(await wait(A, 0n)).toEqual([]);
  expect(host.channels).toBe(0);
});

test('nothing is moved: bytes go into the memory of the program', () => {
  expect(door.sl_move(1, 1, 1)).toBe(SL_NOSYS);
  expect(door.sl_move_out(1, 1, 1)).toBe(SL_NOSYS);
});
