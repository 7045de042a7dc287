// The limits on real servers: over redirects, changed while a transfer runs, zero and extreme; rates, low speed, progress;
// and that nothing spins meanwhile. The exact times are the simulator's to prove; here are bounds of seconds.
import { afterAll, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { until } from './helpers/wait.js';
import { failure, pattern } from './support/bytes.js';
import { rawServer } from './support/rawserver.js';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const servers = [], multis = [];
afterAll(async () => {
  await Promise.all(multis.map((multi) => multi[Symbol.asyncDispose]()));
  await Promise.all(servers.map((server) => server.close()));
});

/** @param {(peer: import('./support/rawserver.js').Peer, head: string) => unknown} answer to each request */
async function serve(answer) {
  const server = await rawServer(async (peer) => {
    for (;;) await answer(peer, await peer.request());
  });
  servers.push(server);
  return server;
}
/** A test that fails leaves it alone. */
const quietly = (promise) => { promise.catch(() => {}); return promise; };
const headOf = (length) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
const never = () => new Promise(() => {});
/** Announces much, sends so many bytes, then nothing. */
const stalling = (bytes = 0) => serve(async (peer) => {
  await peer.send(headOf(1 << 20) + 'x'.repeat(bytes));
  await never();
});
const silent = () => serve(never);
const whole = (size) => serve((peer) => peer.send(Buffer.concat([Buffer.from(headOf(size)), pattern(size)])));

/** An engine of its own, and how often it has called its host since counted() was last asked. */
function own() {
  const host = nodeHost();
  let calls = 0;
  const attach = host.attach.bind(host);
  host.attach = (engine) => Object.fromEntries(Object.entries(attach(engine)).map(([name, call]) => [name, (...args) => {
    calls++;
    return call(...args);
  }]));
  const multi = new Multi({ host });
  multis.push(multi);
  const get = (server, options) => new Transfer(server.url(), { multi, ...options });
  return { multi, host, get, counted: () => { const n = calls; calls = 0; return n; } };
}
const elapsed = (error) => error.result.elapsedMs;

describe('time', () => {
  test.concurrent('T2, T3, B7: the total time counts over redirects and is noticed in time', async () => {
    const server = await serve(async (peer) => {
      await pause(600);
      await peer.send('HTTP/1.1 302 Next\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n');
    });
    const error = await failure(own().get(server, { timeoutMs: 2000 }).perform());
    expect(error).toMatchObject({ name: 'TimeoutError', errno: 28 });
    expect(error.result.redirects).toBeGreaterThanOrEqual(1);
    expect(error.result.redirects).toBeLessThanOrEqual(3);
    expect(elapsed(error)).toBeGreaterThanOrEqual(2000);
    expect(elapsed(error)).toBeLessThan(6000);
  });

  test.concurrent('T2: each request has the whole connect time; T5: the message says which time it was', async () => {
    const deaf = await silent(); // a handshake that never is answered
    const server = await serve(async (peer) => {
      await pause(600);
      await peer.send(`HTTP/1.1 302 Next\r\nLocation: https://127.0.0.1:${deaf.port}/\r\nContent-Length: 0\r\n\r\n`);
    });
    const error = await failure(own().get(server, { connectTimeoutMs: 2000 }).perform());
    expect(error.message).toMatch(/^Connection timed out after \d+ milliseconds \(GET http.*, redirected to https:/);
    expect(elapsed(error)).toBeGreaterThanOrEqual(2600);
    expect(elapsed(error)).toBeLessThan(9000);
  });

  test.concurrent('T7: the least time there is is a limit, zero is none', async () => {
    const server = await silent(), { get } = own();
    const error = await failure(get(server, { timeoutMs: 0.001 }).perform());
    expect(error.errno).toBe(28);
    expect(elapsed(error)).toBeLessThan(2000);
    const free = get(server, { timeoutMs: 0, connectTimeoutMs: 0, silenceTimeoutMs: 0, pausedTimeoutMs: 0, maxRecvSpeed: 0,
      maxSendSpeed: 0, lowSpeed: { bytesPerSecond: 0, ms: 0 } });
    const performing = failure(free.perform());
    free.pause('send');
    await pause(1200);
    expect(free.state).toBe('active');
    free.abort();
    expect((await performing).errno).toBe(42);
  });

  test.concurrent('T8: the largest numbers are taken and end nothing', async () => {
    const server = await whole(100000), most = Number.MAX_SAFE_INTEGER;
    const result = await own().get(server, { timeoutMs: most, connectTimeoutMs: most, silenceTimeoutMs: most, pausedTimeoutMs: most,
      maxRecvSpeed: most, maxSendSpeed: most, lowSpeed: { bytesPerSecond: 0, ms: most } }).perform();
    expect(result.received).toBe(100000);
  });

  test.concurrent('T8, B7: a limit set while it runs is in force at once, also when it has passed already', async () => {
    const { get } = own(), server = await stalling(10);
    const limited = async (limits) => {
      const transfer = get(server);
      const performing = failure(transfer.perform());
      await transfer.response;
      await pause(400);
      transfer.limits(limits);
      const error = await performing;
      expect(elapsed(error)).toBeGreaterThanOrEqual(390);
      expect(elapsed(error)).toBeLessThan(5000);
      return error.message;
    };
    const messages = await Promise.all([
      limited({ timeoutMs: 300 }), limited({ timeoutMs: 600 }), limited({ lowSpeed: { bytesPerSecond: 1000, ms: 1000 } })]);
    expect(messages).toEqual([expect.stringMatching(/^Operation timed out/), expect.stringMatching(/^Operation timed out/),
      expect.stringMatching(/^Operation too slow/)]);
  });

  test.concurrent('B9: other limits that change are no word of the peer', async () => {
    const transfer = own().get(await stalling(10), { silenceTimeoutMs: 500 });
    const performing = failure(transfer.perform());
    const changing = setInterval(() => transfer.limits({ maxSendSpeed: Math.ceil(Math.random() * 1e6) }), 100);
    const error = await performing;
    clearInterval(changing);
    expect(error.message).toContain('Peer silent for 500 milliseconds (GET ');
    expect(elapsed(error)).toBeLessThan(5000);
  });
});

describe('low speed', () => {
  test.concurrent('L2, L3: fast enough on the average of the latest seconds goes on', async () => {
    const server = await serve(async (peer) => {
      await peer.send(headOf(6000));
      for (let i = 0; i < 12; i++) {
        await pause(200);
        await peer.send('x'.repeat(500));
      }
    });
    expect((await own().get(server, { lowSpeed: { bytesPerSecond: 250, ms: 2000 } }).perform()).received).toBe(6000);
  });

  test.concurrent('L4: the wait for the first byte counts', async () => {
    const error = await failure(own().get(await silent(), { lowSpeed: { bytesPerSecond: 1, ms: 1000 } }).perform());
    expect(error.message).toContain('Operation too slow. Less than 1 bytes/sec transferred the last 1 seconds (GET ');
    expect(elapsed(error)).toBeLessThan(5000);
  });

  test.concurrent('L6: checked while a rate holds it back', async () => {
    const server = await whole(1 << 20);
    const error = await failure(own().get(server, { maxRecvSpeed: 500, burst: 500, lowSpeed: { bytesPerSecond: 2000, ms: 1000 } }).perform());
    expect(error.message).toMatch(/^Operation too slow. Less than 2000 /);
    expect(error.result.received).toBeLessThan(5000);
  });
});

describe('rates', () => {
  test.concurrent('S2, F3: between two steps nothing is done', async () => {
    const { get, counted } = own();
    const transfer = get(await whole(1 << 20), { maxRecvSpeed: 1, burst: 2000 });
    const performing = failure(transfer.perform());
    await until(() => transfer.progress.received > 0);
    await pause(100);
    counted();
    await pause(3000);
    expect(counted()).toBeLessThan(120); // at most four steps
    expect(transfer.progress.received).toBeLessThan(20000);
    transfer.abort();
    await performing;
  });

  test.concurrent('S3, S4: a pause earns one burst and no more', async () => {
    const transfer = own().get(await whole(1 << 20), { maxRecvSpeed: 20000 });
    const performing = failure(transfer.perform());
    await until(() => transfer.progress.received > 0);
    transfer.pause();
    const before = transfer.progress.received;
    await pause(3000); // would be 60000 bytes
    expect(transfer.progress.received).toBe(before);
    const resumed = Date.now();
    transfer.resume();
    await pause(300);
    const got = transfer.progress.received - before, seconds = (Date.now() - resumed) / 1000;
    expect(got).toBeGreaterThan(0);
    expect(got).toBeLessThanOrEqual(32768 + 20000 * (seconds + 0.1)); // the burst, and what came since
    transfer.abort();
    await performing;
  });

  test.concurrent('S5: a rate smaller than what comes at once makes progress and does not spin', async () => {
    const { get, counted } = own();
    const transfer = get(await whole(60), { maxRecvSpeed: 30, burst: 50 });
    const performing = quietly(transfer.perform());
    await until(() => transfer.state === 'active');
    await pause(100);
    counted();
    const result = await performing;
    expect(result.received).toBe(60);
    expect(result.elapsedMs).toBeGreaterThanOrEqual(900);
    expect(counted()).toBeLessThan(2000); // 30 steps a second
  });
});

describe('what is held is quiet', () => {
  test.concurrent.each([
    ['paused by call', (transfer) => transfer.pause(), undefined],
    ['refused', () => {}, () => 'pause'],
    ['waiting', () => {}, undefined],
  ])('K6, F2, F4: %s: no call of the host, no turn of the engine', async (name, act, onData) => {
    const { get, multi, counted } = own();
    const server = name === 'waiting' ? await stalling(10) : await whole(1 << 22);
    const transfer = get(server, { onData, timeoutMs: 600000, silenceTimeoutMs: 600000, pausedTimeoutMs: 600000 });
    const performing = failure(transfer.perform());
    await transfer.response;
    act(transfer);
    await pause(500);
    while (await multi.poll(0) !== 'timeout');
    counted();
    expect(await multi.poll(1000)).toBe('timeout');
    expect(counted()).toBeLessThan(10);
    transfer.abort();
    await performing;
  });
});

describe('progress', () => {
  const listening = (transfer, listen) => {
    const heard = [];
    transfer.addEventListener('progress', (event) => {
      heard.push(event.detail);
      listen?.(event.detail);
    });
    return heard;
  };

  test.concurrent('G1, G4, G6: a listener may end its transfer, which tells no more', async () => {
    const transfer = own().get(await stalling(10));
    const heard = listening(transfer, () => transfer.abort());
    expect((await failure(transfer.perform())).errno).toBe(42);
    await pause(300);
    expect(heard).toHaveLength(1);
  });

  test.concurrent('G4: it may pause and resume', async () => {
    const transfer = own().get(await whole(1 << 20), { maxRecvSpeed: 3 << 19 });
    let paused = 0;
    listening(transfer, () => {
      if (transfer.paused.recv) transfer.resume();
      else if (++paused < 3) transfer.pause();
    });
    transfer.pause();
    expect((await quietly(transfer.perform())).received).toBe(1 << 20);
    expect(transfer.result.pausedMs).toBeGreaterThan(50);
  });

  test.concurrent('G2, G3: it is told while paused and silent, and once at the end with the last figures', async () => {
    const transfer = own().get(await stalling(10), { timeoutMs: 1000 });
    const heard = listening(transfer);
    const performing = failure(transfer.perform());
    await transfer.response;
    transfer.pause();
    await performing;
    expect(heard.length).toBeGreaterThanOrEqual(3);
    expect(heard.at(-1)).toMatchObject({ received: transfer.result.received, elapsedMs: transfer.result.elapsedMs });
    const short = own().get(await whole(700));
    const one = listening(short);
    await short.perform();
    expect(one.at(-1)).toMatchObject({ received: 700, receiveTotal: 700, held: 0 });
    const heardAtEnd = one.length;
    await pause(250);
    expect(one).toHaveLength(heardAtEnd);
  });

  test.concurrent('G5: what came and was refused is counted with what was received', async () => {
    const transfer = own().get(await whole(700), { onData: () => 'pause' });
    const performing = failure(transfer.perform());
    await until(() => transfer.paused.recv);
    const { received, held } = transfer.progress;
    expect(received + held).toBe(700);
    transfer.abort();
    await performing;
  });
});
