// What the caller's own code may do inside a callback: stop its transfer in every way, throw, never answer. Each ends
// in a defined error, with every connection closed and nothing left running.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { until } from './helpers/wait.js';
import { rawServer } from './support/rawserver.js';

let host, multi, server;
beforeEach(async () => {
  host = nodeHost();
  multi = new Multi({ host });
  // A body that goes on as long as somebody takes it.
  server = await rawServer(async (peer) => {
    await peer.request();
    await peer.send('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let i = 0; i < 2000 && peer.socket.writable; i++) {
      await peer.send(`400\r\n${'x'.repeat(1024)}\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await server.close();
  expect(host.caught).toBeUndefined();
});

const settle = (promise) => promise.then((value) => ({ value }), (error) => ({ error }));

/** Ways to call `act` once inside a callback: options, and what else there is to be set up. */
const places = {
  onData: (act) => ({ options: { onData: act } }),
  'onData, with a refusal': (act) => ({ options: { onData() { act(); return 'pause'; } } }),
  'onData, with a promise': (act) => ({ options: { async onData() { act(); } } }),
  head: (act) => ({ on: 'head', act }),
  'state, connecting': (act) => ({ on: 'state', act: ({ detail }) => detail === 'connecting' && act() }),
  'state, active': (act) => ({ on: 'state', act: ({ detail }) => detail === 'active' && act() }),
  progress: (act) => ({ on: 'progress', act }),
  pause: (act) => ({ on: 'pause', act, options: { onData: () => 'pause' } }),
  resume: (act) => ({ on: 'resume', act, options: { async onData() {} } }),
  debug: (act) => ({ options: { debug: ({ what }) => what === 'write' && act() } }),
  'debug, at the opening': (act) => ({ options: { debug: ({ what }) => what === 'open' && act() } }),
  'debug, at a change of state': (act) => ({ options: { debug: ({ what, life }) => what === 'state' && life === 'active' && act() } }),
  'debug, at a pause': (act) => ({ options: { debug: ({ what }) => what === 'gate' && act(), onData: () => 'pause' } }),
  'a stream as the body': (act) => ({ options: { method: 'PUT', body: new ReadableStream({ pull(to) { act(); to.enqueue(new Uint8Array(100)); } }) } }),
  'a generator as the body': (act) => ({ options: { method: 'PUT', body: (async function* body() { for (;;) { act(); yield new Uint8Array(100); } })() } }),
  'a stream as the target': (act) => ({ options: { to: new WritableStream({ write: act }) } }),
};
const acts = {
  abort: { act: (transfer) => void transfer.abort(), error: { name: 'AbortError', errno: 42 } },
  'abort with a reason': { act: (transfer) => void transfer.abort('enough'), error: 'enough' },
  'abort, twice, and pause and resume': {
    act(transfer) {
      transfer.abort('first');
      transfer.abort('second');
      transfer.pause();
      transfer.resume();
    },
    error: 'first',
  },
  remove: { act: (transfer) => void multi.remove(transfer), error: { name: 'AbortError', errno: 42 } },
  dispose: { act: (transfer) => void transfer[Symbol.asyncDispose](), error: { errno: 42 } },
};

describe.each(Object.keys(places))('inside %s', (place) => {
  test.each(Object.keys(acts))('%s (X1, G6)', async (name) => {
    let calls = 0;
    const { options, on, act } = places[place](() => { if (calls++ === 0) acts[name].act(transfer); });
    const transfer = new Transfer(server.url(), { multi, timeoutMs: 20000, ...options });
    if (on) transfer.addEventListener(on, act);
    let done = 0;
    transfer.addEventListener('done', () => done++);
    const { error } = await settle(multi.add(transfer));
    expect(transfer.result.errno).toBe(42);
    if (typeof acts[name].error === 'string') expect(error).toBe(acts[name].error);
    else expect(error).toMatchObject(acts[name].error);
    expect(done).toBe(1);
    expect(multi.running).toBe(0);
    await server.empty();
    expect(calls).toBeGreaterThan(0);
    expect(await settle(transfer.response)).toEqual(transfer.result.status ? { value: expect.anything() } : { error: expect.anything() });
  });
});

describe('throwing', () => {
  test.each(['debug', 'debug, at the opening', 'debug, at a change of state', 'debug, at a pause'])('inside %s: 42, with the cause', async (place) => {
    let calls = 0;
    const { options } = places[place](() => { calls++; throw new RangeError('oh'); });
    const transfer = new Transfer(server.url(), { multi, timeoutMs: 20000, ...options });
    const { error } = await settle(transfer.perform());
    expect(error).toMatchObject({ name: 'AbortError', errno: 42, message: expect.stringContaining('debug failed: oh ('), cause: expect.any(RangeError) });
    expect(calls).toBe(1); // never again
    await server.empty();
  });

  test.each([['onData', 23], ['onData, with a promise', 23], ['a stream as the body', 26], ['a generator as the body', 26], ['a stream as the target', 23]])(
    'inside %s: %i, with the cause (W13, R1, F16)', async (place, errno) => {
      let calls = 0;
      const { options } = places[place](() => { calls++; throw new RangeError('oh'); });
      const transfer = new Transfer(server.url(), { multi, timeoutMs: 20000, ...options });
      const { error } = await settle(transfer.perform());
      expect(error).toMatchObject({ name: 'TransferError', errno, cause: expect.any(RangeError) });
      expect(calls).toBe(1);
      await server.empty();
    });

  test('answers that are no answers are taken for "taken"', async () => {
    for (const answer of [null, 0, -1, -2, -100, 'PAUSE', {}, Symbol('x'), NaN, 1e9]) {
      let calls = 0;
      const transfer = new Transfer(server.url(), { multi, onData() { if (++calls === 3) transfer.abort('done'); return answer; } });
      expect(await settle(transfer.perform())).toEqual({ error: 'done' });
      expect(calls).toBe(3);
    }
  });

  test('a thenable that throws, or whose then is a trap: 23', async () => {
    for (const answer of [{ then() { throw new Error('oh'); } }, { get then() { throw new Error('oh'); } }]) {
      expect(await settle(new Transfer(server.url(), { multi, onData: () => answer }).perform())).toMatchObject({ error: { errno: 23, cause: { message: 'oh' } } });
    }
  });
});

describe('after the end of the engine\'s part, before the transfer\'s', () => {
  /** What can still be asked and said then. A neighbour starts at once, in the memory that was the transfer's own. */
  function late(transfer, state) {
    const neighbour = new Transfer(server.url(), { multi, timeoutMs: 20000, onData() { if (++chunks === 3) neighbour.abort('enough'); } });
    let chunks = 0;
    const ended = settle(neighbour.perform());
    expect(transfer).toMatchObject({ state, progress: { received: 9 }, paused: { recv: false, send: false, by: null } });
    transfer.addEventListener('state', () => {});
    transfer.limits({ maxRecvSpeed: 1, timeoutMs: 10000 });
    transfer.pause();
    expect(transfer.paused.recv).toBe(false);
    return ended;
  }
  const short = { body: 'all of it', method: 'PUT' };
  let other;
  /** The URL of a server whose answer is short. */
  async function answering(status) {
    other = await rawServer(async (peer) => {
      await peer.request();
      await peer.send(`HTTP/1.1 ${status} Hm\r\nContent-Length: 9\r\n\r\nall of it`);
    });
    return other.url();
  }
  afterEach(() => other.close());
  test.each([
    ['the last progress event', 'done', (act) => ({ listen: act })],
    ['close() of the target', 'active', (act) => ({ options: { to: new WritableStream({ close: act }) } })],
    ['return() of the body\'s iterator', 'done', (act) => ({ options: { body: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: act }) }, headers: { expect: '' } }, status: 400 })],
  ])('%s: it is over, and its neighbours are left alone (X6)', async (_, state, place) => {
    let ended;
    const { options, listen, status = 200 } = place(() => { ended ??= late(transfer, state); });
    const transfer = new Transfer(await answering(status), { multi, timeoutMs: 20000, ...short, ...options });
    if (listen) transfer.addEventListener('progress', listen);
    await settle(transfer.perform());
    expect(await ended).toEqual({ error: 'enough' });
  });

  test('abort() inside close() of the target ends it (X1)', async () => {
    const transfer = new Transfer(await answering(200), { multi, to: new WritableStream({ close: () => void transfer.abort('no') }) });
    expect(await settle(transfer.perform())).toEqual({ error: 'no' });
    expect(transfer.result.errno).toBe(42);
  });
});

describe('a promise that never settles', () => {
  const never = () => new Promise(() => {});
  const cases = {
    onData: { onData: never },
    'a write of the target': { to: new WritableStream({ write: never }) },
    'a read of the body': { method: 'PUT', body: new ReadableStream({ pull: never }) },
    'next() of the body': { method: 'PUT', body: { [Symbol.asyncIterator]: () => ({ next: never, return: never }) } },
  };
  test.each(Object.keys(cases))('%s: timeoutMs ends it with 28 (T1)', async (name) => {
    // For uploads nothing is answered before the body; the server's own answer is harmless.
    const transfer = new Transfer(server.url(), { multi, timeoutMs: 300, ...cases[name] });
    expect(await settle(transfer.perform())).toMatchObject({ error: { name: 'TimeoutError', errno: 28 } });
    await server.empty();
  });

  test('pausedTimeoutMs ends it too, and says which limit it was (B9); so does abort', async () => {
    const { error } = await settle(new Transfer(server.url(), { multi, pausedTimeoutMs: 200, onData: never }).perform());
    expect(error).toMatchObject({ errno: 28, message: expect.stringContaining('Paused for 200 milliseconds (') });
    let called = false;
    const transfer = new Transfer(server.url(), { multi, onData() { called = true; return never(); } });
    const performing = settle(transfer.perform());
    await until(() => called);
    transfer.abort();
    expect(await performing).toMatchObject({ error: { errno: 42 } });
    await server.empty();
  });
});
