// U8: a server that refuses a body answers, closes and resets. The answer is read, however late this process comes to it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Multi, Transfer } from '../js/index.js';
import { makeCertificates } from './helpers/certs.js';

const BODY = Buffer.alloc(16 << 20, 'x');
const TIMES = 25;

/** The event loop stands still. */
function block(ms) {
  for (const end = performance.now() + ms; performance.now() < end;);
}
async function* pieces(size, ms) {
  for (let at = 0; at < BODY.length; at += size) {
    yield BODY.subarray(at, at + size);
    await new Promise(setImmediate);
    block(ms);
  }
}

describe.each(['http', 'https'])('%s', (scheme) => {
  let server, port, multi;
  beforeAll(async () => {
    server = fork(fileURLToPath(new URL('support/early-server.js', import.meta.url)));
    server.send(scheme === 'https' ? makeCertificates().server : {});
    [port] = await once(server, 'message');
  });
  beforeEach(() => { multi = new Multi(); });
  afterEach(() => multi[Symbol.asyncDispose]());
  afterAll(() => server.kill());

  const put = (path, body) => new Transfer(`${scheme}://127.0.0.1:${port}/${path}`,
    { multi, method: 'PUT', body, headers: { Expect: '' }, timeoutMs: 20_000, tls: { verify: false } });

  test.each([
    ['of memory', () => BODY],
    ['in large pieces', () => pieces(1 << 18, 5)],
    ['in small pieces', () => pieces(4096, 5)],
  ])('U8: 413 to a body %s is read each time', async (_name, body) => {
    for (let i = 0; i < TIMES; i++) {
      const result = await put('413', body()).perform();
      expect([i, result.status, result.text()]).toEqual([i, 413, 'too large']);
    }
  });

  test('U8: of an answer that is cut the transfer ends with an error, and its head is known', async () => {
    for (let i = 0; i < TIMES; i++) {
      const error = await put('cut', pieces(1 << 18, 5)).perform().catch((reason) => reason);
      expect([i, [18, 56].includes(error.errno), error.result.status]).toEqual([i, true, 413]);
    }
  });

  test('U8: where nothing was answered, sending has failed', async () => {
    for (let i = 0; i < TIMES; i++) {
      const error = await put('nothing', pieces(1 << 18, 5)).perform().catch((reason) => reason);
      expect([i, [55, 56, 52].includes(error.errno), error.result.status]).toEqual([i, true, 0]);
    }
  });

  test('U8: paused before the answer is read, it waits, and the process does nothing meanwhile', async () => {
    const transfer = put('413', pieces(1 << 18, 1));
    const done = transfer.perform();
    done.catch(() => {});
    await new Promise((resolve) => { transfer.addEventListener('state', ({ detail }) => detail === 'active' && resolve(transfer.pause('recv'))); });
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    const before = process.cpuUsage();
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    const spent = process.cpuUsage(before);
    expect(spent.user + spent.system).toBeLessThan(250_000);
    expect(transfer.state).toBe('active');
    transfer.resume('recv');
    expect((await done).status).toBe(413);
  });
});
