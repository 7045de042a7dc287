// Limits that change while a transfer runs (T8, B7): in force at once, zero lifts, the largest value is taken. Exact times
// are proved on virtual time in C; here it is that they get there.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { failure, within } from './support/bytes.js';
import { rawServer } from './support/rawserver.js';

const MOST = Number.MAX_SAFE_INTEGER, LONG_MS = 15000;
const NONE = { timeoutMs: 0, maxRecvSpeed: 0, maxSendSpeed: 0, lowSpeed: { bytesPerSecond: 0, ms: 0 } };
const LARGEST = { timeoutMs: MOST, maxRecvSpeed: MOST, maxSendSpeed: MOST };

let host, multi, server, goOn;
/** Half of a body, the rest when `goOn` is called; what a request brings is taken whole at once. */
beforeEach(async () => {
  host = nodeHost();
  multi = new Multi({ host });
  const asked = new Promise((resolve) => { goOn = resolve; });
  server = await rawServer(async (peer) => {
    await peer.request();
    await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n');
    await peer.send('x'.repeat(100000));
    await asked;
    await peer.send('y'.repeat(100000));
  });
});
afterEach(async () => {
  goOn();
  await multi[Symbol.asyncDispose]();
  await server.close();
  expect(host.caught).toBeUndefined();
});

/** A transfer whose half has come, as far as its limits let it. */
async function begin(options, bytes = 1) {
  let got = 0;
  const transfer = new Transfer(server.url(), { multi, onData: (chunk) => { got += chunk.length; }, ...options });
  const performed = transfer.perform();
  performed.catch(() => {});
  await until(() => got >= bytes);
  return { transfer, performed, got: () => got };
}
const ended = (performed) => within(failure(performed), LONG_MS, 'the end');

describe('T8: imposed', () => {
  test.each([
    ['a total time', { timeoutMs: 300 }, 'Operation timed out'],
    ['one that has passed already', { timeoutMs: 1 }, 'Operation timed out'],
    ['a low speed', { lowSpeed: { bytesPerSecond: MOST, ms: 1 } }, 'Operation too slow. Less than 9007199254740991 bytes/sec'],
  ])('%s', async (_, limits, words) => {
    const { transfer, performed } = await begin({}, 100000);
    transfer.limits(limits);
    const error = await ended(performed);
    expect([error.name, error.errno]).toEqual(['TimeoutError', 28]);
    expect(error.message).toContain(words);
  });

  test('a pause\'s time, begun before it is set; lifted, it ends nothing (B9)', async () => {
    const { transfer, performed } = await begin({ pausedTimeoutMs: 2000 }, 100000);
    transfer.pause('recv');
    transfer.limits({ pausedTimeoutMs: 0 });
    await until(() => transfer.progress.pausedMs > 2200);
    transfer.limits({ pausedTimeoutMs: 1 });
    expect(await ended(performed)).toMatchObject({ name: 'TimeoutError', errno: 28, message: expect.stringContaining('Paused for 1 milliseconds (') });
  });

  test('a time of silence; lifted, it ends nothing (B9)', async () => {
    const { transfer, performed } = await begin({ silenceTimeoutMs: 2000 }, 100000);
    transfer.limits({ silenceTimeoutMs: 0 });
    await until(() => transfer.progress.elapsedMs > 2500);
    expect(transfer.state).toBe('active');
    transfer.limits({ silenceTimeoutMs: 1 });
    expect(await ended(performed)).toMatchObject({ name: 'TimeoutError', errno: 28, message: expect.stringContaining('Peer silent for 1 milliseconds (') });
  });

  test('a time to connect (T2)', async () => {
    const deaf = server.url().replace('http', 'https'); // a handshake that nobody answers
    const transfer = new Transfer(deaf, { multi });
    const performed = transfer.perform();
    performed.catch(() => {});
    await until(() => transfer.state === 'connecting');
    transfer.limits({ connectTimeoutMs: 1 });
    const error = await ended(performed);
    expect([error.name, error.errno]).toEqual(['TimeoutError', 28]);
    expect(error.message).toMatch(/^Connection timed out after/);
  });

  test('a receive rate', async () => {
    const { transfer, performed, got } = await begin({}, 100000);
    transfer.limits({ maxRecvSpeed: 1 });
    goOn();
    transfer.limits({ timeoutMs: 2500 });
    expect((await ended(performed)).errno).toBe(28);
    expect(got()).toBeLessThan(100000 + 50); // a byte a second
  });

  test('a send rate', async () => {
    const body = new ReadableStream({ type: 'bytes', pull: (controller) => controller.enqueue(new Uint8Array(1000)) }, { highWaterMark: 0 });
    const transfer = new Transfer(server.url(), { multi, method: 'PUT', body, headers: { 'Content-Length': '1000000000000' } });
    const performed = transfer.perform();
    performed.catch(() => {});
    await until(() => transfer.progress.sent > 100000);
    transfer.limits({ maxSendSpeed: 1 });
    const before = await settled(() => transfer.progress.sent, 100); // what Node kept counts when it goes out
    transfer.limits({ timeoutMs: Math.ceil(transfer.progress.elapsedMs) + 1500 });
    const error = await ended(performed);
    expect(error.errno).toBe(28);
    expect(error.result.sent - before).toBeLessThan(50);
  });
});

describe('T8: lifted', () => {
  test.each([['by zero', NONE], ['by the largest', LARGEST]])('%s', async (_, lifting) => {
    // Neither the time nor the speed would let it get through.
    const { transfer, performed } = await begin({ timeoutMs: 20000, maxRecvSpeed: 1000, lowSpeed: { bytesPerSecond: 1, ms: 19000 } });
    transfer.limits({ ...NONE, ...lifting });
    goOn();
    const result = await within(performed, LONG_MS, 'the end');
    expect([result.received, result.elapsedMs < LONG_MS]).toEqual([200000, true]);
  });

  test('a total time, before it passed', async () => {
    const { transfer, performed } = await begin({ timeoutMs: 2000 }, 100000);
    transfer.limits({ timeoutMs: 0 });
    await until(() => transfer.progress.elapsedMs > 2200);
    goOn();
    expect((await within(performed, LONG_MS, 'the end')).received).toBe(200000);
  });

  test('a low speed, before it was', async () => {
    const { transfer, performed } = await begin({ lowSpeed: { bytesPerSecond: MOST, ms: 1000 } }, 100000);
    transfer.limits({ lowSpeed: { bytesPerSecond: 0, ms: 0 } });
    await until(() => transfer.progress.elapsedMs > 2500);
    goOn();
    expect((await within(performed, LONG_MS, 'the end')).received).toBe(200000);
  });
});

test('T8: they stay for the next run', async () => {
  const transfer = new Transfer(server.url(), { multi, onData() {} });
  transfer.limits({ timeoutMs: 200 });
  expect((await ended(transfer.perform())).errno).toBe(28);
  transfer.limits({ timeoutMs: 0 });
  goOn();
  expect((await within(transfer.perform(), LONG_MS, 'the end')).received).toBe(200000);
});

describe('T1: while the body is put in place', () => {
  /** A place that is in no hurry. */
  async function placing(options) {
    let closing = false, done = () => {};
    const to = new WritableStream({ close: () => {
      closing = true;
      return new Promise((resolve) => { done = resolve; });
    } });
    goOn();
    const transfer = new Transfer(server.url(), { multi, to, ...options });
    const performed = transfer.perform();
    performed.catch(() => {});
    await until(() => closing);
    return { transfer, performed, done };
  }

  test('a total time that is set', async () => {
    const { transfer, performed } = await placing({});
    transfer.limits({ timeoutMs: 1 });
    expect((await ended(performed)).message).toContain('Operation timed out after 1 milliseconds, waiting for the WritableStream (GET ');
  });
  test.each([['zero', 0], ['the largest', MOST]])('%s', async (_, timeoutMs) => {
    const { transfer, performed, done } = await placing({ timeoutMs: 1500 });
    transfer.limits({ timeoutMs });
    const since = Date.now();
    await until(() => Date.now() - since > 1600);
    done();
    expect((await within(performed, LONG_MS, 'the end')).errno).toBe(0);
  });
});
