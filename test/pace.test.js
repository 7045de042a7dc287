// Rates and the low-speed stop under every kind of sink: back-pressure is not a pause of the clocks, a pause is.
// Times have wide bounds: a slow machine only makes everything later.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { rawServer } from './support/rawserver.js';

let multi, servers;
beforeEach(() => {
  multi = new Multi({ host: nodeHost() });
  servers = [];
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await Promise.all(servers.map((server) => server.close()));
});
const serve = async (script) => {
  const server = await rawServer(script);
  servers.push(server);
  return server;
};
const failure = (promise) => promise.then(() => { throw new Error('did not reject'); }, (error) => error);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs one transfer into each kind of sink; resolves when it has ended, with the bytes that came. */
const sinks = {
  collected: async (url, options) => (await new Transfer(url, options).perform()).body.length,
  'onData': (url, options) => count(url, options, (add) => ({ onData: (chunk) => void add(chunk) })),
  'onData with promises': (url, options) => count(url, options, (add) => ({ onData: async (chunk) => add(chunk) })),
  'to a stream': (url, options) => count(url, options, (add) => ({ to: new WritableStream({ write: add }) })),
  iteration: (url, options) => drain(new Transfer(url, options)),
  body: (url, options) => drain(new Transfer(url, options).body),
};
async function count(url, options, sink) {
  let n = 0;
  await new Transfer(url, { ...options, ...sink((chunk) => { n += chunk.length; }) }).perform();
  return n;
}
async function drain(chunks, each = async () => {}) {
  let n = 0;
  for await (const chunk of chunks) {
    n += chunk.length;
    await each(chunk);
  }
  return n;
}
/** A body of n bytes at once, its size announced or in chunks of 5000. @param {boolean} chunked */
const flood = (n, chunked) => async (peer) => {
  await peer.request();
  if (!chunked) return peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${n}\r\n\r\n${'x'.repeat(n)}`);
  await peer.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`1388\r\n${'x'.repeat(5000)}\r\n`.repeat(n / 5000)}0\r\n\r\n`);
};

describe('maxRecvSpeed', () => {
  test('holds, whatever takes the body (S1)', () => Promise.all(Object.entries(sinks).map(async ([kind, run]) => {
    // 60000 bytes at 30000: with a burst of 32 KiB for each chunk it would take no time at all.
    const took = await Promise.all([false, true].map(async (chunked) => {
      const server = await serve(flood(60000, chunked));
      const start = performance.now();
      expect(await run(server.url(), { multi, maxRecvSpeed: 30000 })).toBe(60000);
      return performance.now() - start;
    }));
    expect([kind, took.every((ms) => ms > 900)]).toEqual([kind, true]);
  })));

  test('B3, S3: a pause begins a burst, which is charged with what is held; no more follows at once', async () => {
    const server = await serve(flood(2000000, false));
    let got = 0;
    const transfer = new Transfer(server.url(), { multi, maxRecvSpeed: 1000, onData: (chunk) => { got += chunk.length; } });
    const performing = failure(transfer.perform());
    await until(() => got > 0);
    for (let i = 0; i < 3; i++) {
      const before = got;
      await until(() => got > before); // B20: a little each 50 ms
      transfer.pause('recv');
      const at = got;
      await settled(() => got, 50);
      expect(got).toBe(at);
      transfer.resume();
      const since = performance.now();
      await until(() => got - at > 16000);
      await new Promise((resolve) => { setTimeout(resolve, 200); });
      // The bucket goes on with 1000 a second.
      expect(got - at).toBeLessThanOrEqual(32768 + 1000 * (1 + (performance.now() - since) / 1000));
    }
    await transfer.abort();
    await performing;
  });
});

describe('lowSpeed', () => {
  const lowSpeed = { bytesPerSecond: 1000, ms: 1000 };

  test('a peer that drips is too slow, whatever takes the body (L3)', () => Promise.all(Object.entries(sinks).map(async ([kind, run]) => {
    const server = await serve(async (peer) => {
      await peer.request();
      await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
      for (let i = 0; i < 300 && peer.socket.writable; i++) {
        await peer.send('0123456789');
        await sleep(50); // 200 bytes a second, each of them a delivery
      }
    });
    const start = performance.now();
    const error = await failure(run(server.url(), { multi, lowSpeed, timeoutMs: 13000 }));
    expect([kind, error]).toEqual([kind, expect.objectContaining({ name: 'TimeoutError', errno: 28 })]);
    expect(error.message).toMatch('too slow');
    expect(performance.now() - start).toBeGreaterThan(900);
  })));

  test('P8, P14: resume() clears its clock, also of what is not paused', async () => {
    const server = await serve(async (peer) => {
      await peer.request();
      await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n0123456789');
    });
    const transfer = new Transfer(server.url(), { multi, lowSpeed: { bytesPerSecond: 1000, ms: 2000 }, timeoutMs: 13000 });
    const ended = failure(transfer.perform());
    const ticker = setInterval(() => transfer.resume(), 100);
    await sleep(3500);
    expect(transfer.state).toBe('active');
    clearInterval(ticker);
    expect(await ended).toMatchObject({ errno: 28, message: expect.stringContaining('too slow') });
  });

  test('a reader that takes its time is not (L5, F6)', async () => {
    const server = await serve(flood(300000, false));
    let reads = 0;
    const slow = async () => { if (++reads % 8 === 1) await sleep(1600); };
    const own = new Transfer(server.url(), { multi, lowSpeed, timeoutMs: 60000 });
    expect(await drain(own, slow)).toBe(300000);
    expect(reads).toBeGreaterThan(1);
  });
});
