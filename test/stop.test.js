// Stopping: removal and abort in every state, twice, before the start and after the end; who else notices; and what may be
// called from inside callbacks.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { webServer } from './support/bodies.js';
import { failure, pattern, within } from './support/bytes.js';

const BODY = pattern(1 << 20);
let host, multi, server, requests;
beforeEach(async () => {
  host = nodeHost();
  multi = new Multi({ host });
  requests = [];
  server = await webServer((request, response) => {
    requests.push(request.url);
    if (request.url === '/hang') return;
    if (request.url === '/stall') return void response.write('some');
    if (request.url === '/body') return void response.end(BODY);
    if (request.url === '/upload') return void request.resume();
    if (request.url === '/taken') return void request.resume().on('end', () => response.end('taken'));
    response.end(request.url);
  });
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await server.close();
  expect(host.caught).toBeUndefined();
});
const make = (path, options) => new Transfer(server.url(path), { multi, ...options });

/** A transfer in this place of its life, started by add(). */
const places = {
  async pending() {
    const transfer = make('/a');
    transfer.pause();
    return started(transfer, () => transfer.state === 'pending');
  },
  async connecting() {
    const url = server.url('/a').replace('http', 'https'); // a handshake that nobody answers
    const transfer = new Transfer(url, { multi });
    return started(transfer, () => transfer.state === 'connecting');
  },
  async 'waiting for the answer'() {
    return started(make('/hang'), () => requests.includes('/hang'));
  },
  async 'in the body'() {
    const transfer = make('/stall');
    return started(transfer, () => transfer.progress.received > 0);
  },
  async paused() {
    const transfer = make('/stall', { onData() { this.pause(); } });
    return started(transfer, () => transfer.paused.recv && transfer.progress.received > 0);
  },
  async 'refused, all of it in'() {
    const transfer = make('/a', { onData: () => 'pause' });
    return started(transfer, () => transfer.paused.recv && transfer.progress.held === 2);
  },
  async 'waiting for a promise'() {
    const transfer = make('/body', { onData: () => new Promise(() => {}) });
    return started(transfer, () => transfer.paused.recv);
  },
  async 'waiting for its own body'() {
    const body = new ReadableStream({ pull: () => new Promise(() => {}) });
    return started(make('/upload', { body, method: 'PUT' }), () => requests.includes('/upload'));
  },
  async 'held back by its rate'() {
    const transfer = make('/body', { maxRecvSpeed: 1000 });
    return started(transfer, () => transfer.progress.received > 0);
  },
};
async function started(transfer, there) {
  const ended = failure(multi.add(transfer));
  await until(there);
  return { transfer, ended };
}

describe.each(Object.keys(places))('%s', (place) => {
  test('X1, X2, X3: removed: it ends with 42, its connection is closed, nobody is told, its neighbour goes on', async () => {
    const neighbour = make('/body', { maxRecvSpeed: 50000 });
    const performing = neighbour.perform();
    performing.catch(() => {});
    await neighbour.response;
    const { transfer, ended } = await places[place]();
    expect(multi.running).toBe(2);
    expect(multi.remove(transfer)).toBe(true);
    expect(multi.remove(transfer)).toBe(false);
    const error = await within(ended, 2000, 'the end');
    expect(error).toMatchObject({ name: 'AbortError', errno: 42 });
    expect(transfer).toMatchObject({ state: 'done', result: { errno: 42 } });
    expect(multi.remove(transfer)).toBe(false);
    await until(() => host.channels <= 1); // the neighbour's
    neighbour.limits({ maxRecvSpeed: 0 });
    expect((await performing).received).toBe(BODY.length);
    expect(multi.infoRead()).toBeNull();
    expect(multi.running).toBe(0);
  });

  test('X1: aborted twice, the first reason stays; after the end it does nothing; it can run again', async () => {
    const { transfer, ended } = await places[place]();
    const reason = new Error('enough');
    await transfer.abort(reason);
    await transfer.abort(new Error('too late'));
    expect(await within(ended, 2000, 'the end')).toBe(reason);
    await transfer.abort(new Error('far too late'));
    transfer.pause();
    transfer.resume();
    expect(transfer).toMatchObject({ state: 'done', result: { errno: 42 }, paused: { recv: false, send: false } });
    await until(() => host.channels === 0);
    const told = multi.infoRead();
    expect([told.transfer === transfer, told.result.errno]).toEqual([true, 42]);
    expect(multi.infoRead()).toBeNull();
    if (place === 'waiting for its own body') return; // its stream is used up
    transfer.limits({ maxRecvSpeed: 0 });
    const again = failure(transfer.perform());
    expect(transfer.state).not.toBe('done');
    transfer.abort();
    expect((await again).errno).toBe(42);
  });
});

test('X2: an end keeps the connection for the next transfer, a removal does not', async () => {
  await make('/a').perform();
  expect((await make('/b').perform()).reused).toBe(true);
  const { transfer, ended } = await places['in the body']();
  multi.remove(transfer);
  await ended;
  expect((await make('/c').perform()).reused).toBe(false);
});

test('X3: what waited for the connection of a removed one starts', async () => {
  const one = new Multi({ maxConnections: 1 });
  const first = new Transfer(server.url('/hang'), { multi: one }), second = new Transfer(server.url('/a'), { multi: one });
  const ended = failure(one.add(first)), performing = one.add(second);
  await until(() => requests.includes('/hang'));
  expect(second.state).toBe('pending');
  one.remove(first);
  expect((await within(performing, 5000, 'the second')).status).toBe(200);
  expect((await ended).errno).toBe(42);
  expect(one.infoRead().transfer).toBe(second);
  expect(one.infoRead()).toBeNull();
  await one[Symbol.asyncDispose]();
});

test('X5: what runs cannot be started again, here or elsewhere', async () => {
  const other = new Multi();
  const { transfer, ended } = await places['in the body']();
  for (const start of [() => transfer.perform(), () => multi.add(transfer), () => other.add(transfer)]) {
    expect(await failure(start())).toBeInstanceOf(TypeError);
  }
  expect(transfer.state).toBe('active');
  expect(other.remove(transfer)).toBe(false);
  multi.remove(transfer);
  await ended;
  expect(await (await other.add(transfer.state === 'done' ? make('/a') : transfer)).text()).toBe('/a');
  await other[Symbol.asyncDispose]();
});

test('aborted before it starts: nothing is opened, and the next start is not (X1)', async () => {
  const transfer = make('/a'), reason = new Error('no');
  await transfer.abort(reason);
  await transfer.abort(new Error('later'));
  expect(await failure(multi.add(transfer))).toBe(reason);
  expect(requests).toEqual([]);
  expect((await transfer.perform()).status).toBe(200);
});

describe('from inside callbacks', () => {
  const callbacks = {
    onData: (call) => ({ options: { onData: call } }),
    debug: (call) => ({ options: { debug: call } }),
    'the body of the request': (call) => ({ path: '/taken', options: { method: 'PUT', body: { async *[Symbol.asyncIterator]() { call(); yield pattern(10); } } } }),
    ...Object.fromEntries(['head', 'state', 'progress', 'pause', 'resume', 'done'].map((type) => [`event ${type}`, (call) => ({ type, call })])),
  };
  const calls = {
    'limits, numbers and wakeup': ({ transfer }) => {
      transfer.limits({ maxRecvSpeed: 0 });
      void transfer.progress.held, transfer.paused.by, transfer.state;
      multi.wakeup();
    },
    'pause and resume': ({ transfer }) => {
      transfer.pause();
      transfer.pause('send');
      transfer.resume();
    },
    'another added, one removed': ({ state }) => {
      const other = make('/other');
      state.others = [multi.add(other), failure(multi.add(make('/hang', { signal: AbortSignal.abort() })))];
      multi.infoRead();
    },
    'itself performed': ({ transfer, state }) => { state.refused = failure(transfer.perform()); },
  };
  const table = Object.keys(callbacks).flatMap((where) => Object.keys(calls).map((what) => [where, what]));
  // In its 'done' a transfer is over, so that it may be started again.
  test.each(table.filter(([where, what]) => where !== 'event done' || what !== 'itself performed'))('X6: %s: %s', async (where, what) => {
    const state = { times: 0 };
    let transfer;
    const { path = '/body', options, type, call } = callbacks[where](() => {
      if (state.times++ === 0) calls[what]({ transfer, state });
    });
    transfer = make(path, options);
    if (type !== undefined) transfer.addEventListener(type, call);
    const performing = transfer.perform();
    performing.catch(() => {});
    if (type === 'pause' || type === 'resume' || type === 'progress') {
      transfer.pause();
      if (type === 'progress') await until(() => state.times > 0);
      transfer.resume();
    }
    const result = await within(performing, 10000, 'its end');
    expect(result.errno).toBe(0);
    await until(() => state.times > 0);
    if (state.others) expect((await state.others[0]).errno).toBe(0);
    if (state.refused) expect(await state.refused).toBeInstanceOf(TypeError);
    if (path === '/body') expect(result.received).toBe(BODY.length);
  });

  test.each(Object.keys(callbacks).filter((where) => where !== 'event done'))('X1, X6: %s: removes its own transfer', async (where) => {
    let transfer, times = 0;
    const { path = '/body', options, type, call } = callbacks[where](() => {
      if (times++ === 0) multi.remove(transfer);
    });
    transfer = make(path, options);
    if (type !== undefined) transfer.addEventListener(type, call);
    const ended = failure(multi.add(transfer));
    if (type === 'pause' || type === 'resume' || type === 'progress') {
      transfer.pause();
      if (type === 'progress') await until(() => times > 0);
      transfer.resume();
    }
    expect((await within(ended, 10000, 'its end')).errno).toBe(42);
    expect(multi.infoRead()).toBeNull();
    await until(() => host.channels === 0);
    const total = times;
    expect(where === 'onData' ? await settled(() => times, 100) : total).toBe(total); // F16
  });
});
