// Limits judge the peer, not ourselves (B16), rates are smooth (B20), and what a transfer says of itself is true when it is
// asked (U5, U10). Exact times are the simulator's to prove (test/c/sim_busy.c); here are bounds of seconds.
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { Multi, Transfer } from '../js/index.js';
import { later } from '../js/later.js';
import { settled, until } from './helpers/wait.js';
import { failure, pattern } from './support/bytes.js';
import { rawServer } from './support/rawserver.js';

const MiB = 1 << 20;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const servers = [], multis = [];
afterAll(async () => {
  await Promise.all(multis.map((multi) => multi[Symbol.asyncDispose]()));
  await Promise.all(servers.map((server) => server.close()));
});
async function serve(answer) {
  const server = await rawServer(async (peer) => {
    for (;;) await answer(peer, await peer.request());
  });
  servers.push(server);
  return server;
}
const one = () => {
  const multi = new Multi({ maxConnections: 1 });
  multis.push(multi);
  return multi;
};
const headOf = (length) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
const after = (ms) => serve(async (peer) => {
  await pause(ms);
  await peer.send(headOf(2) + 'ok');
});

describe('B16, U3: waiting for a connection', () => {
  test.concurrent.each([
    ['low speed', { lowSpeed: { bytesPerSecond: 1000, ms: 1000 } }],
    ['silence', { silenceTimeoutMs: 1000 }],
    ['the time to connect', { connectTimeoutMs: 1000 }],
  ])('is no business of %s', async (_, options) => {
    const server = await after(2500), multi = one();
    const first = new Transfer(server.url(), { multi }).perform();
    const other = await serve(async (peer) => void await peer.send(headOf(2) + 'ok'));
    const second = new Transfer(other.url(), { multi, ...options }).perform();
    expect((await first).received).toBe(2);
    const result = await second;
    expect(result.received).toBe(2);
    expect(result.elapsedMs).toBeGreaterThan(2000);
  });

  test.concurrent('has a limit of its own, which may be set while it waits', async () => {
    const server = await after(5000), multi = one();
    const first = new Transfer(server.url(), { multi });
    const running = failure(first.perform());
    const given = await failure(new Transfer(server.url(), { multi, queueTimeoutMs: 300 }).perform());
    expect(given).toMatchObject({ code: 'CURLE_OPERATION_TIMEDOUT', name: 'TimeoutError' });
    expect(given.message).toMatch(/^Waited 300 milliseconds for a free connection/);
    const second = new Transfer(server.url(), { multi });
    const waiting = failure(second.perform());
    await until(() => second.state === 'pending');
    second.limits({ queueTimeoutMs: 200 });
    expect((await waiting).message).toMatch(/^Waited 200 milliseconds/);
    first.abort();
    await running;
  });
});

describe('B9: silence', () => {
  test.concurrent('does not count while the peer takes a body that was sent', async () => {
    const server = await serve(async (peer) => {
      await until(() => peer.received().length > MiB); // the body, too
      await pause(2500); // it is at work
      await peer.send(headOf(2) + 'ok');
    });
    const result = await new Transfer(server.url(), { method: 'PUT', body: pattern(MiB), silenceTimeoutMs: 1000, headers: { expect: '' } }).perform();
    expect([result.received, result.sent]).toEqual([2, MiB]);
  });

  test.concurrent('counts behind a small body', async () => {
    const server = await serve(() => new Promise(() => {}));
    const error = await failure(new Transfer(server.url(), { body: 'small', silenceTimeoutMs: 500 }).perform());
    expect(error.message).toMatch(/^Peer silent for 500 milliseconds/);
  });
});

describe('B20: a rate', () => {
  /** Bytes by slices of 100 ms, from the first byte on. */
  function slicer() {
    let from = 0;
    const slices = /** @type {number[]} */ ([]);
    return {
      slices,
      add(n) {
        from ||= performance.now();
        const slice = Math.floor((performance.now() - from) / 100);
        slices[slice] = (slices[slice] ?? 0) + n;
      },
    };
  }

  test.concurrent('of 1 MB/s has no lumps', async () => {
    const server = await serve(async (peer) => void await peer.send(Buffer.concat([Buffer.from(headOf(3e6)), pattern(3e6)])));
    const { slices, add } = slicer();
    const result = await new Transfer(server.url(), { maxRecvSpeed: 1e6, onData: (chunk) => add(chunk.length) }).perform();
    expect(result.received).toBe(3e6);
    expect(result.elapsedMs).toBeGreaterThan(2800);
    // a loaded machine may wake late, but never gets more than a burst for it
    for (const n of slices.slice(1)) expect(n ?? 0).toBeLessThanOrEqual(3e5);
    expect(slices.filter((n) => n > 0).length).toBeGreaterThan(12); // a second's worth at once would fill three
    expect(result.averageReceiveSpeed).toBeLessThan(1.1e6);
  });

  test.concurrent('lets its burst through at once, and no more', async () => {
    const server = await serve(async (peer) => void await peer.send(Buffer.concat([Buffer.from(headOf(1e6)), pattern(1e6)])));
    let got = 0, first = 0;
    const transfer = new Transfer(server.url(), { maxRecvSpeed: 1000, burst: 200_000, onData: (chunk) => { got += chunk.length; first ||= performance.now(); } });
    const ending = failure(transfer.perform());
    await until(() => got >= 190_000);
    await pause(300);
    expect(got).toBeLessThan(200_000 + 1000 * ((performance.now() - first) / 1000 + 0.2));
    transfer.abort();
    await ending;
  });

  test.concurrent('holds for what is sent', async () => {
    const { slices, add } = slicer();
    const server = await rawServer(async (peer) => {
      await peer.request();
      peer.socket.on('data', (bytes) => add(bytes.length));
      peer.socket.resume();
    });
    servers.push(server);
    const transfer = new Transfer(server.url(), { method: 'PUT', body: pattern(4e6), maxSendSpeed: 1e6, headers: { expect: '' } });
    const ending = failure(transfer.perform());
    await until(() => transfer.progress.sent > 2e6);
    transfer.abort();
    await ending;
    for (const n of slices.slice(1)) expect(n ?? 0).toBeLessThanOrEqual(3e5);
  });
});

describe('what it says of itself', () => {
  test('U10: nothing has passed before it began', () => {
    const { progress } = new Transfer('http://127.0.0.1:1/');
    expect(progress).toMatchObject({ elapsedMs: 0, received: 0, receiveSpeed: 0, averageReceiveSpeed: 0, eta: undefined });
  });

  test('U5: the announced size is known when the head is told, and after a stop there', async () => {
    const server = await serve(async (peer) => void await peer.send(headOf(123456)));
    const transfer = new Transfer(server.url());
    let told;
    transfer.addEventListener('head', () => {
      told = transfer.progress.receiveTotal;
      transfer.abort();
    });
    const error = await failure(transfer.perform());
    expect([told, transfer.result.receiveTotal, error.name]).toEqual([123456, 123456, 'AbortError']);
  });

  test('U10: the speed is that of the last 3 s, the time left follows from it; the mean stands beside them', async () => {
    const server = await serve(async (peer) => {
      await peer.send(headOf(1e6));
      for (let i = 0; i < 20; i++) {
        await peer.send(pattern(10000));
        await pause(50);
      }
      await new Promise(() => {});
    });
    const transfer = new Transfer(server.url());
    const ending = failure(transfer.perform());
    await until(() => transfer.progress.received === 200_000);
    const { receiveSpeed, averageReceiveSpeed, eta } = transfer.progress;
    expect(receiveSpeed).toBeGreaterThan(10_000);
    expect(Math.abs(receiveSpeed - averageReceiveSpeed)).toBeLessThan(averageReceiveSpeed / 2);
    expect(eta).toBeCloseTo((800_000 / receiveSpeed) * 1000, 0);
    await until(() => transfer.progress.receiveSpeed === 0); // it stalls
    expect(transfer.progress.averageReceiveSpeed).toBeGreaterThan(0);
    expect(transfer.progress.eta).toBeUndefined();
    transfer.abort();
    await ending;
  }, 20000);

  test('U10: what the host still keeps was not sent', async () => {
    const server = await rawServer(async (peer) => {
      await peer.request();
      peer.socket.pause();
      await new Promise(() => {});
    });
    servers.push(server);
    const body = pattern(64 * MiB);
    const transfer = new Transfer(server.url(), { method: 'PUT', body, headers: { expect: '' } });
    const ending = failure(transfer.perform());
    await until(() => transfer.progress.sent > 0);
    const sent = await settled(() => transfer.progress.sent, 300);
    expect(sent).toBeLessThan(body.length);
    transfer.abort();
    await ending;
    expect(transfer.result.sent).toBe(sent); // not more: what Node kept went nowhere
  });
});

test('timers of any length do not fire early', () => {
  jest.useFakeTimers();
  try {
    let fired = 0;
    later(() => { fired++; }, 2 ** 31 + 5000);
    later(() => { fired += 10; }, 2 ** 33)();
    jest.advanceTimersByTime(2 ** 31 + 4000);
    expect(fired).toBe(0);
    jest.advanceTimersByTime(2000);
    expect(fired).toBe(1);
    jest.advanceTimersByTime(2 ** 33);
    expect(fired).toBe(1);
  } finally {
    jest.useRealTimers();
  }
});

test('a limit beyond 2^31 ms does not end a transfer', async () => {
  const server = await after(300);
  const long = 2 ** 31 + 1000;
  const result = await new Transfer(server.url(), { timeoutMs: long, silenceTimeoutMs: long, connectTimeoutMs: long, pausedTimeoutMs: long, queueTimeoutMs: long }).perform();
  expect(result.received).toBe(2);
});
