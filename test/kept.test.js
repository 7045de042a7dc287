// Kept connections that the server closes: what must not be sent twice goes over one that is known to live.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Multi, Transfer } from '../js/index.js';

const TIMES = 40;
const folder = mkdtempSync(join(tmpdir(), 'sluice-kept-')), closed = join(folder, 'closed');
let server, port, multi;
beforeAll(async () => {
  writeFileSync(closed, '');
  server = fork(fileURLToPath(new URL('support/closing-server.js', import.meta.url)), [closed]);
  [port] = await once(server, 'message');
});
beforeEach(() => { multi = new Multi(); });
afterEach(() => multi[Symbol.asyncDispose]());
afterAll(() => {
  server.kill();
  rmSync(folder, { recursive: true });
});

/** The event loop stands still until the server has closed so many, and the kernel has had time to hand that over: it is not seen here. */
function block(times) {
  for (const end = performance.now() + 10_000; statSync(closed).size < times && performance.now() < end;);
  for (const end = performance.now() + 25; performance.now() < end;);
}
const send = (options) => new Transfer(`http://127.0.0.1:${port}/`, { multi, timeoutMs: 10_000, ...options }).perform();

test.each([
  ['a POST', () => ({ method: 'POST', body: 'once' })],
  ['a stream', () => ({ method: 'PUT', headers: { Expect: '' }, body: (async function* () { yield 'once'; })() })],
])('%s behind a close that waits in the event loop goes over another connection, each time', async (_what, options) => {
  for (let i = 0; i < TIMES; i++) {
    const before = statSync(closed).size;
    await send({});
    block(before + 1);
    const result = await send(options());
    expect([i, result.text(), result.reused]).toEqual([i, 'once', false]);
    block(before + 2);
  }
});

test('what lives is used again', async () => {
  await send({ headers: { 'X-Keep': 'yes' } });
  expect(await send({ method: 'POST', body: 'once', headers: { 'X-Keep': 'yes' } })).toMatchObject({ status: 200, reused: true });
});
