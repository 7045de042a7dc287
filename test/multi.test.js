// Multi: transfers added, removed, polled for, told of; several engines in one process.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { webServer } from './support/bodies.js';
import { failure, pattern, sha256, within } from './support/bytes.js';

let host, multi, server, hold;
beforeEach(async () => {
  host = nodeHost();
  multi = new Multi({ host });
  hold = [];
  server = await webServer((request, response) => {
    if (request.url === '/hold') return void hold.push(response);
    response.end(request.url);
  });
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await server.close();
  expect(host.caught).toBeUndefined();
});
const make = (path, options) => new Transfer(server.url(path), options);
/** Until nothing happens any more. */
const quiet = async () => { while (await multi.poll(100) !== 'timeout'); };

describe('add, perform, infoRead', () => {
  test('X10: each end is told once, in order, also of those that failed', async () => {
    const transfers = [make('/a'), make('/b'), new Transfer('http://127.0.0.1:1/')];
    const order = [];
    const all = transfers.map((transfer) => multi.add(transfer).then(() => order.push(transfer), () => order.push(transfer)));
    expect(multi.running).toBe(3);
    expect(multi.infoRead()).toBeNull();
    await multi.perform();
    await Promise.all(all);
    expect(multi.running).toBe(0);
    const messages = [];
    for (let message; (message = multi.infoRead());) messages.push(message);
    // By number: to toEqual any two transfers are equal.
    const numbers = (list) => list.map((transfer) => transfers.indexOf(transfer));
    expect(numbers(messages.map(({ transfer }) => transfer))).toEqual(numbers(order));
    for (const { transfer, result } of messages) {
      expect(result).toBe(transfer.result);
      expect(result.errno).toBe(transfer === transfers[2] ? 7 : 0);
    }
    await multi.perform(); // none runs: at once
  });

  test('a transfer\'s own perform() leaves no message', async () => {
    await make('/a', { multi }).perform();
    expect(multi.infoRead()).toBeNull();
  });

  test('added while it runs: TypeError; added from a callback: it runs', async () => {
    const transfer = make('/hold');
    const performing = multi.add(transfer);
    expect(await failure(multi.add(transfer))).toBeInstanceOf(TypeError);
    await until(() => hold.length === 1);
    hold[0].end('x');
    await performing;
    let inner;
    await multi.add(make('/a', { onData() { inner = multi.add(make('/b')); } }));
    expect((await inner).text()).toBe('/b');
  });
});

describe('remove', () => {
  test('stops with 42, tells no message; false when it does not run here', async () => {
    const transfer = make('/hold');
    const ending = failure(multi.add(transfer));
    await until(() => hold.length === 1);
    expect(new Multi().remove(transfer)).toBe(false);
    expect(multi.remove(transfer)).toBe(true);
    expect(await ending).toMatchObject({ name: 'AbortError', errno: 42, code: 'CURLE_ABORTED_BY_CALLBACK' });
    expect([multi.remove(transfer), multi.running, multi.infoRead()]).toEqual([false, 0, null]);
    await until(() => server.sockets.size === 0);
  });

  test('from a callback of its own and of another', async () => {
    const held = make('/hold');
    const ending = failure(multi.add(held));
    await until(() => hold.length === 1);
    const own = make('/a', { onData() { multi.remove(own); multi.remove(held); } });
    expect(await failure(multi.add(own))).toMatchObject({ errno: 42 });
    expect(await ending).toMatchObject({ errno: 42 });
    expect(multi.infoRead()).toBeNull();
  });
});

describe('poll and wakeup', () => {
  test('K1: nothing to wait for: it waits out the time; 0 does not wait; a negative time is refused', async () => {
    const begin = performance.now();
    expect(await multi.poll(60)).toBe('timeout');
    expect(performance.now() - begin).toBeGreaterThanOrEqual(58);
    expect(await multi.poll(0)).toBe('timeout');
    await expect(multi.poll(-1)).rejects.toThrow(RangeError);
    await expect(multi.poll(NaN)).rejects.toThrow(RangeError);
    await expect(multi.poll('5')).rejects.toThrow(TypeError);
  });

  test('K2: a wakeup before poll is remembered; many are one; the second poll waits', async () => {
    multi.wakeup();
    multi.wakeup();
    expect(await multi.poll(10_000)).toBe('wakeup');
    expect(await multi.poll(20)).toBe('timeout');
  });

  test('K2: a wakeup ends the poll that waits, and is not remembered then', async () => {
    const waiting = [multi.poll(10_000), multi.poll(10_000)];
    setImmediate(() => multi.wakeup());
    expect(await Promise.all(waiting)).toEqual(['wakeup', 'wakeup']);
    expect(await multi.poll(20)).toBe('timeout');
  });

  test('K3: transfers that run do not consume a wakeup', async () => {
    multi.wakeup();
    await multi.add(make('/a'));
    await multi.perform();
    expect(await multi.poll(10_000)).toBe('wakeup');
  });

  test('F31: what the engine does by itself is no wakeup; activity ends a poll, none leaves it waiting', async () => {
    const performing = multi.add(make('/hold'));
    await until(() => hold.length === 1);
    await quiet();
    const waiting = multi.poll(10_000);
    expect(await Promise.race([waiting, settled(() => 0, 50).then(() => 'still waiting')])).toBe('still waiting');
    hold[0].end('x');
    expect(await waiting).toBe('activity');
    await performing;
  });

  test('activity between two polls is not missed; F20: the loop of libcurl\'s manual ends', async () => {
    const transfers = Array.from({ length: 20 }, (_, i) => make(`/${i}`));
    for (const transfer of transfers) multi.add(transfer);
    const seen = new Set();
    while (multi.running > 0) {
      expect(await multi.poll(10_000)).toBe('activity');
      for (let message; (message = multi.infoRead());) seen.add(message.result.text());
    }
    for (let message; (message = multi.infoRead());) seen.add(message.result.text());
    expect(seen.size).toBe(20);
  });

  test('K6: a paused transfer does not keep poll busy', async () => {
    const transfer = make('/hold');
    const ending = failure(multi.add(transfer));
    await until(() => hold.length === 1);
    hold[0].write('some');
    transfer.pause();
    await quiet();
    expect(await multi.poll(50)).toBe('timeout');
    multi.remove(transfer);
    await ending;
  });

  test('an end that the engine never knew of ends a poll, the one that waits and the next one, once', async () => {
    await quiet();
    const waiting = multi.poll(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    const first = make('/a'), second = make('/a', { signal: AbortSignal.abort() });
    first.abort();
    const ended = failure(multi.add(first));
    expect(await within(waiting, 20_000, 'the poll')).toBe('activity');
    expect(await ended).toMatchObject({ errno: 42 });
    expect(multi.infoRead().transfer).toBe(first);
    expect(await failure(multi.add(second))).toMatchObject({ name: 'AbortError' });
    expect(await multi.poll(60_000)).toBe('activity');
    expect(await multi.poll(20)).toBe('timeout');
  });

  test('an end with the engine\'s own news is one activity', async () => {
    await multi.add(make('/a'));
    await quiet();
    const waiting = multi.poll(60_000);
    await multi.add(make('/a'));
    expect(await waiting).toBe('activity');
    await quiet();
    expect(await multi.poll(20)).toBe('timeout');
  });

  test('disposing ends a poll; then poll rejects and wakeup does nothing', async () => {
    const waiting = multi.poll(10_000);
    await new Promise((resolve) => setImmediate(resolve));
    await multi[Symbol.asyncDispose]();
    await within(waiting, 5000, 'the poll');
    await expect(multi.poll(0)).rejects.toThrow('this Multi is closed');
    multi.wakeup();
  });
});

describe('several engines, and their end', () => {
  test('each has its own connections; one is closed, the others go on', async () => {
    const multis = [multi, new Multi(), new Multi()];
    await Promise.all(multis.map((one) => make('/a', { multi: one }).perform()));
    expect(server.sockets.size).toBe(3);
    const transfers = multis.map((one) => make('/hold', { multi: one }));
    const performing = transfers.map((transfer) => transfer.perform().then((result) => result.text(), (error) => error));
    await until(() => hold.length === 3);
    await multis[1][Symbol.asyncDispose]();
    expect(await performing[1]).toMatchObject({ name: 'AbortError', errno: 42, message: expect.stringContaining('this Multi was closed (') });
    for (const response of hold) response.end('x');
    expect([await performing[0], await performing[2]]).toEqual(['x', 'x']);
    expect(await failure(make('/a', { multi: multis[1] }).perform())).toMatchObject({ message: expect.stringMatching(/^this Multi is closed/) });
    await multis[2][Symbol.asyncDispose]();
    expect(multi.remove(transfers[0])).toBe(false);
  });

  test('disposed: every transfer ends with 42 and its counts, perform() resolves, twice is fine', async () => {
    const transfers = ['/hold', '/hold'].map((path) => make(path));
    const endings = transfers.map((transfer) => failure(multi.add(transfer)));
    await until(() => hold.length === 2);
    hold[0].write('12345');
    await until(() => transfers.some((transfer) => transfer.progress.received === 5));
    const idle = multi.perform();
    await multi[Symbol.asyncDispose]();
    await multi[Symbol.asyncDispose]();
    await idle;
    const errors = await Promise.all(endings);
    expect(errors.map(({ errno }) => errno)).toEqual([42, 42]);
    expect(errors.reduce((sum, { result }) => sum + result.received, 0)).toBe(5);
    await until(() => server.sockets.size === 0);
  });

  test('one is disposed from inside a callback of its own', async () => {
    const transfer = make('/a', { onData() { void multi[Symbol.asyncDispose](); } });
    expect(await failure(multi.add(transfer))).toMatchObject({ errno: 42 });
    expect(multi.running).toBe(0);
    await until(() => server.sockets.size === 0);
  });

  test('options that are not there are refused, wrong ones named with their value', () => {
    expect(() => new Multi({ maxConnection: 5 })).toThrow('there is no option maxConnection');
    expect(() => new Multi({ maxPerHost: '5' })).toThrow(new TypeError('maxPerHost must be a number of connections, got string'));
    for (const [options, name] of [[null, 'null'], [5, 'number'], ['x', 'string']])
      expect(() => new Multi(options)).toThrow(new TypeError(`the options of a Multi must be an object, got ${name}`));
    for (const [transfer, name] of [[undefined, 'undefined'], [null, 'null'], [5, 'number'], [{}, 'object'], ['http://a/', 'string']])
      expect(() => multi.add(transfer)).toThrow(new TypeError(`add takes a Transfer, got ${name}`));
    for (const maxIdle of [-1, 1.5, NaN, Infinity]) expect(() => new Multi({ maxIdle })).toThrow(RangeError);
  });

  test.each([['maxConnections', { maxConnections: 2 }], ['maxPerHost', { maxPerHost: 2 }]])(
    '%s: the others wait in their order and use the same connections', async (_name, limits) => {
      let most = 0;
      const asked = [];
      const slow = await webServer((request, response) => {
        most = Math.max(most, slow.sockets.size);
        asked.push(request.url);
        setImmediate(() => response.end(request.url));
      });
      const few = new Multi(limits);
      const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
      const results = await Promise.all(paths.map((path) => few.add(new Transfer(slow.url(path)))));
      expect(results.map((result) => result.text())).toEqual(paths);
      expect(asked).toEqual(paths);
      expect(most).toBe(2);
      expect(results.filter((result) => result.reused)).toHaveLength(18);
      await few[Symbol.asyncDispose]();
      await slow.close();
    });

  test('T6, F29: time runs while a transfer waits for a connection', async () => {
    const one = new Multi({ maxConnections: 1 });
    const first = new Transfer(server.url('/hold'), { multi: one });
    const done = first.perform();
    await until(() => hold.length === 1);
    expect(await failure(new Transfer(server.url('/a'), { multi: one, timeoutMs: 100 }).perform())).toMatchObject({ errno: 28 });
    hold[0].end('x');
    expect((await done).text()).toBe('x');
    await one[Symbol.asyncDispose]();
  });

  test('maxIdle: no more than that stay open', async () => {
    const few = new Multi({ maxIdle: 1 });
    await Promise.all(['/a', '/b', '/c'].map((path) => few.add(make(path))));
    await until(() => server.sockets.size === 1);
    await few[Symbol.asyncDispose]();
  });

  test('200 transfers over two engines, some removed, are whole', async () => {
    const body = pattern(300_000), other = new Multi();
    const source = await webServer((request, response) => response.end(body));
    const transfers = Array.from({ length: 200 }, () => new Transfer(source.url()));
    const endings = transfers.map((transfer, i) => (i % 2 ? multi : other).add(transfer).catch((error) => error));
    for (let i = 0; i < 200; i += 10) (i % 2 ? multi : other).remove(transfers[i]);
    const results = await Promise.all(endings);
    results.forEach((result, i) => {
      if (i % 10) expect(sha256(result.body)).toBe(sha256(body));
      else expect(result.errno).toBe(42);
    });
    await other[Symbol.asyncDispose]();
    await source.close();
  });
});
