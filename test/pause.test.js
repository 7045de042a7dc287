// Pausing from every place and in every phase, through the JavaScript face, against servers that are scripts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { answering, rawServer } from './support/rawserver.js';

const QUIET = 60; // milliseconds in which nothing may happen
const HELD_MAX = 16384 + 65536; // B4
const text = 'all of it';
const HEAD = 'HTTP/1.1 200 OK\r\n';
/** A body of nine bytes, however it is delimited. */
const whole = {
  length: `${HEAD}Content-Length: 9\r\n\r\n${text}`,
  chunked: `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nall \r\n5\r\nof it\r\n0\r\nX-Sum: 1\r\n\r\n`,
  close: `${HEAD}\r\n${text}`,
};

let host, multi, servers, folder;
beforeAll(() => { folder = mkdtempSync(path.join(tmpdir(), 'sluice-')); });
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  host = nodeHost();
  multi = new Multi({ host });
  servers = [];
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await Promise.all(servers.map((server) => server.close()));
  for (const server of servers) expect(server.faults).toEqual([]);
  expect(host.caught).toBeUndefined();
});

const serve = async (script) => {
  const server = await rawServer(script);
  servers.push(server);
  return server;
};
const say = (bytes, end = false) => serve(answering(bytes, { end }));
const get = (url, options) => new Transfer(url, { multi, timeoutMs: 20000, ...options });
const failure = (promise) => promise.then(() => { throw new Error('did not reject'); }, (error) => error);
/** Whether it has settled by now. */
const isDone = async (promise) => (await Promise.race([promise.then(() => true, () => true), Promise.resolve().then(() => false)]));
/** A body of `n` bytes, one after the other different. */
const bytes = (n) => Buffer.from(Uint8Array.from({ length: n }, (_, i) => (i + (i >> 8) * 7) & 255));

/** It is paused: nothing comes, it does not end. */
async function holds(transfer, performing, got, by) {
  await settled(got, QUIET);
  expect(transfer.paused).toMatchObject({ recv: true, by });
  expect(await isDone(performing)).toBe(false);
  expect(transfer.state).toBe('active');
  expect(transfer.progress.held).toBeLessThanOrEqual(HELD_MAX);
}

describe('from callbacks', () => {
  const ways = {
    call: (transfer) => void transfer.pause('recv'),
    refusal: () => 'pause',
  };
  for (const [framing, answer] of Object.entries(whole)) {
    for (const [way, act] of Object.entries(ways)) {
      test(`W9, W2, W5, F8: in onData at the last byte, ${framing}, by ${way}: not done before resume`, async () => {
        const server = await say(answer, framing === 'close');
        const got = [];
        let n = 0;
        const transfer = get(server.url(), { onData(chunk) {
          const end = n + chunk.length === text.length, first = end && !got.paused;
          if (first) got.paused = true;
          const said = first ? act(transfer) : undefined;
          if (said !== 'pause') { n += chunk.length; got.push(Buffer.from(chunk)); }
          return said;
        } });
        const performing = transfer.perform();
        await until(() => got.paused);
        await holds(transfer, performing, () => got.length, way === 'call' ? 'call' : 'callback');
        transfer.pause('recv'); // P14: once more
        await holds(transfer, performing, () => got.length, 'call');
        transfer.resume();
        const result = await performing;
        expect(Buffer.concat(got).toString()).toBe(text);
        if (framing === 'chunked') expect(result.trailers.get('x-sum')).toBe('1'); // W5: behind the body
      });
    }
    test(`P3, F19: in 'head', ${framing}: told once, the body behind it waits`, async () => {
      const server = await say(answer, framing === 'close');
      const got = [], heads = [];
      const transfer = get(server.url(), { onData: (chunk) => void got.push(Buffer.from(chunk)) });
      transfer.addEventListener('head', ({ detail }) => { heads.push(detail.status); transfer.pause(); });
      const performing = transfer.perform();
      await until(() => heads.length);
      await holds(transfer, performing, () => got.length, 'call');
      expect(got).toEqual([]);
      transfer.resume();
      await performing;
      expect(heads).toEqual([200]);
      expect(Buffer.concat(got).toString()).toBe(text);
    });
  }

  test.each([['HEAD', whole.length], ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'], ['GET', `${HEAD}Content-Length: 0\r\n\r\n`]])(
    'P3, W9: %s, nothing to come, paused in the head: %j', async (method, answer) => {
      const server = await say(method === 'HEAD' ? answer.slice(0, -text.length) : answer);
      const transfer = get(server.url(), { method });
      transfer.addEventListener('head', () => transfer.pause('recv'));
      const performing = transfer.perform();
      await until(() => transfer.paused.recv);
      await holds(transfer, performing, () => 0, 'call');
      transfer.resume();
      expect((await performing).text()).toBe('');
    });

  test.each(['GET', 'PUT'])('P3, W12, B6: a file, %s, paused in its head', async (method) => {
    const name = path.join(folder, method);
    writeFileSync(name, text);
    const transfer = get(pathToFileURL(name), { method, body: method === 'PUT' ? text : undefined });
    let heads = 0;
    transfer.addEventListener('head', () => { heads++; transfer.pause(); });
    const performing = transfer.perform();
    await until(() => transfer.paused.recv);
    await holds(transfer, performing, () => 0, 'call');
    transfer.resume();
    expect((await performing).text()).toBe(method === 'GET' ? text : '');
    expect(heads).toBe(1);
  });

  test('P10: in the state "connecting": the connection is not used before resume', async () => {
    const server = await say(whole.length);
    const transfer = get(server.url());
    transfer.addEventListener('state', ({ detail }) => { if (detail === 'connecting') transfer.pause('recv'); });
    const performing = transfer.perform();
    await until(() => server.peers.length);
    await settled(() => server.peers[0].received(), QUIET);
    expect(server.peers[0].received()).toBe('');
    expect(transfer.state).toBe('connecting');
    transfer.resume();
    expect((await performing).text()).toBe(text);
  });

  test('P12: in the state "active": the request goes, its answer waits', async () => {
    const server = await say(whole.length);
    const transfer = get(server.url());
    let heads = 0;
    transfer.addEventListener('head', () => heads++);
    transfer.addEventListener('state', ({ detail }) => { if (detail === 'active') transfer.pause('recv'); });
    const performing = transfer.perform();
    await until(() => server.peers[0]?.received().endsWith('\r\n\r\n'));
    await holds(transfer, performing, () => heads, 'call');
    expect(heads).toBe(0);
    transfer.resume();
    expect((await performing).text()).toBe(text);
  });

  test('P3: in progress, in pause and resume events, and of another transfer', async () => {
    const body = bytes(60000);
    let told = 0, resumed = 0;
    const server = await serve(async (peer) => {
      await peer.request();
      await peer.send(`${HEAD}Content-Length: ${body.length}\r\n\r\n`);
      await peer.send(body.subarray(0, 30000));
      await until(() => told);
      await peer.send(body.subarray(30000));
    });
    const one = get(server.url()), two = get(server.url());
    one.addEventListener('progress', () => { if (++told === 1) { one.pause('recv'); two.pause('recv'); setTimeout(() => two.resume(), 20); } });
    one.addEventListener('resume', () => { if (resumed++ < 5) { one.pause('recv'); one.resume(); } });
    two.addEventListener('resume', () => one.resume());
    const both = await Promise.all([one.perform(), two.perform()]);
    for (const result of both) expect(body.equals(result.body)).toBe(true);
    expect(resumed).toBe(6);
  });

  test('P3: in the debug hook, at everything it is told', async () => {
    const server = await say(whole.chunked), seen = new Set();
    for (let at = 0; at < 14; at++) {
      let n = 0;
      const got = [];
      const transfer = get(server.url(), {
        onData: (chunk) => void got.push(Buffer.from(chunk)),
        debug(event) {
          if (n++ !== at) return;
          seen.add(event.what);
          transfer.pause();
          if (at % 2) { transfer.resume(); transfer.pause(); }
        },
      });
      const performing = transfer.perform();
      await until(() => n > at || transfer.state === 'done');
      await settled(() => got.length, 20);
      if (transfer.state !== 'done') expect(transfer.paused).toEqual({ recv: true, send: true, by: 'call' });
      transfer.resume();
      await performing;
      expect(Buffer.concat(got).toString()).toBe(text);
    }
    expect([...seen].sort()).toEqual(['gate', 'open', 'state', 'stop', 'write'].filter((what) => seen.has(what)));
    expect(seen.size).toBeGreaterThan(2);
  });
});

describe('W11: an empty body', () => {
  for (const answer of [`${HEAD}Content-Length: 0\r\n\r\n`, `${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`]) {
    test(`is told to onData by one empty chunk, which can be refused: ${JSON.stringify(answer)}`, async () => {
      const server = await say(answer), got = [];
      const transfer = get(server.url(), { onData(chunk) { got.push(chunk.length); return got.length < 3 ? 'pause' : undefined; } });
      const performing = transfer.perform();
      for (let i = 1; i < 3; i++) {
        await until(() => got.length === i);
        await holds(transfer, performing, () => got.length, 'callback');
        transfer.resume();
      }
      expect(await performing).toMatchObject({ errno: 0, received: 0 });
      expect(got).toEqual([0, 0, 0]);
    });
  }

  test('its promise is waited for, its rejection ends the transfer with 23', async () => {
    const server = await say(`${HEAD}Content-Length: 0\r\n\r\n`);
    let settle;
    const transfer = get(server.url(), { onData: () => new Promise((_, reject) => { settle = reject; }) });
    const performing = transfer.perform();
    await until(() => settle);
    await holds(transfer, performing, () => 0, 'callback');
    settle(new Error('full'));
    expect(await failure(performing)).toMatchObject({ errno: 23, cause: expect.objectContaining({ message: 'full' }) });
  });

  test('no other place sees it; HEAD, 204 and 304 have none', async () => {
    const server = await serve(async (peer) => {
      for (;;) {
        const what = await peer.request();
        await peer.send(what.startsWith('GET /204') ? 'HTTP/1.1 204 No\r\n\r\n' : `${HEAD}Content-Length: 0\r\n\r\n`);
      }
    });
    const read = [];
    for await (const chunk of get(server.url())) read.push(chunk);
    for await (const chunk of get(server.url()).body) read.push(chunk);
    const onData = (chunk) => void read.push(chunk);
    await get(server.url(), { method: 'HEAD', onData }).perform();
    await get(server.url('/204'), { onData }).perform();
    expect(read).toEqual([]);
    expect((await get(server.url()).perform()).body).toEqual(new Uint8Array(0));
  });
});

describe('from outside', () => {
  test('W10: the peer is gone while it is paused: known when it goes on, behind every byte', async () => {
    for (const missing of [0, 7]) {
      const body = bytes(30000);
      const server = await say(Buffer.concat([Buffer.from(`${HEAD}Content-Length: ${body.length + missing}\r\n\r\n`), body]), true);
      const got = [];
      const transfer = get(server.url(), { onData(chunk) { got.push(Buffer.from(chunk)); if (got.length === 1) transfer.pause('recv'); } });
      const performing = transfer.perform();
      await until(() => got.length);
      await holds(transfer, performing, () => got.length, 'call');
      transfer.resume();
      if (missing) expect(await failure(performing)).toMatchObject({ errno: 18, message: expect.stringContaining('end of response with 7 bytes missing (') });
      else await performing;
      expect(body.equals(Buffer.concat(got))).toBe(true);
    }
  });

  test('P7, F16: what is delivered by resume() fails: 23 with its cause, and not called again', async () => {
    const server = await say(whole.length);
    let calls = 0;
    const transfer = get(server.url(), { onData() {
      if (++calls === 1) return 'pause';
      throw new RangeError('no room');
    } });
    const performing = transfer.perform();
    await until(() => calls === 1);
    transfer.resume();
    transfer.resume();
    expect(await failure(performing)).toMatchObject({ errno: 23, message: expect.stringContaining('onData failed: no room ('), cause: expect.any(RangeError) });
    expect(calls).toBe(2);
  });

  test('P1, P4, B8, P16: which directions, and set by whom; one reason may go, another stays', async () => {
    const body = bytes(300000);
    const server = await say(Buffer.concat([Buffer.from(`${HEAD}Content-Length: ${body.length}\r\n\r\n`), body]));
    let settle = null, chunks = 0;
    const transfer = get(server.url(), { onData() { if (++chunks === 1) return new Promise((resolve) => { settle = resolve; }); } });
    const none = { recv: false, send: false, by: null };
    expect(transfer.paused).toEqual(none);
    transfer.pause('send');
    expect(transfer.paused).toEqual({ recv: false, send: true, by: 'call' });
    transfer.resume();
    const performing = transfer.perform();
    expect(transfer.paused).toEqual(none);
    await until(() => settle);
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'callback' });
    transfer.pause('recv');
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'call' });
    settle();
    await settled(() => chunks, QUIET);
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'call' });
    expect(chunks).toBe(1);
    transfer.pause('send');
    transfer.resume('recv');
    expect(transfer.paused).toEqual({ recv: false, send: true, by: 'call' });
    await performing; // F25: it has nothing to send
    expect(transfer.paused).toEqual(none);
  });

  test('P5, P6, P8: what is held is delivered before resume() returns; sending is open by then', async () => {
    const server = await say(whole.length), seen = [];
    const transfer = get(server.url(), { onData(chunk) {
      seen.push([chunk.length, transfer.paused.send]);
      return seen.length < 3 ? 'pause' : undefined;
    } });
    const performing = transfer.perform();
    await until(() => seen.length === 1);
    transfer.pause();
    transfer.resume();
    expect(seen).toEqual([[9, false], [9, false]]);
    expect(transfer.paused.recv).toBe(true); // refused again
    transfer.resume();
    expect(seen.length).toBe(3);
    await performing;
  });

  test('P10: receiving paused before the start: no connection is made', async () => {
    const server = await say(whole.length), transfer = get(server.url());
    transfer.pause('recv');
    const performing = transfer.perform();
    await settled(() => server.peers.length, QUIET);
    expect([server.peers.length, transfer.state]).toEqual([0, 'pending']);
    transfer.resume();
    expect((await performing).text()).toBe(text);
  });

  test('R4, R2: a pause is no chunk: nothing goes out for it, and no end', async () => {
    const server = await serve(async (peer) => {
      await peer.request();
      await until(() => peer.received().endsWith('0\r\n\r\n'));
      await peer.send(whole.length);
    });
    let give;
    const body = new ReadableStream({ pull: (to) => new Promise((resolve) => { give = (piece) => { if (piece) to.enqueue(Buffer.from(piece)); else to.close(); resolve(); }; }) });
    const transfer = get(server.url(), { method: 'PUT', body, headers: { expect: '' } });
    const performing = transfer.perform();
    const sent = () => server.peers[0]?.received().split('\r\n\r\n').slice(1).join('\r\n\r\n').replace(/^0+(?=\w)/gm, '');
    await until(() => give);
    for (const piece of ['one', 'two!']) {
      const before = sent() ?? '';
      transfer.pause('send');
      give(piece);
      await settled(sent, QUIET);
      expect(sent() ?? '').toBe(before);
      transfer.resume();
      await until(() => sent() === `${before}${piece.length}\r\n${piece}\r\n`);
    }
    give(null);
    expect((await performing).text()).toBe(text);
    expect(sent()).toBe('3\r\none\r\n4\r\ntwo!\r\n0\r\n\r\n');
  });

  test('F25: the upload goes on while receiving is paused, and the other way round', async () => {
    const body = bytes(400000);
    const server = await serve(async (peer) => {
      await peer.request();
      await until(() => peer.received().endsWith(body.toString('latin1')));
      await peer.send(whole.length);
    });
    const transfer = get(server.url(), { method: 'PUT', body });
    const performing = transfer.perform();
    await until(() => transfer.state === 'active');
    transfer.pause('recv');
    await until(() => server.peers[0].received().endsWith(body.toString('latin1')));
    await holds(transfer, performing, () => transfer.progress.received, 'call');
    transfer.resume();
    expect((await performing).text()).toBe(text);
  });

  test('F24: an upload that is paused for ever ends with its answer; the connection is not kept', async () => {
    const server = await serve(async (peer) => {
      await peer.request();
      await peer.send(whole.length.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    });
    const transfer = get(server.url(), { method: 'POST', body: new ReadableStream({ pull() {} }), headers: { expect: '' } });
    const performing = transfer.perform();
    transfer.addEventListener('state', () => {});
    await until(() => server.peers[0]?.received().includes('\r\n\r\n'));
    transfer.pause('send');
    expect((await performing).text()).toBe(text);
    await server.empty();
  });

  test('B14: a pause survives the retry of a stale connection: nothing goes out again before resume', async () => {
    const body = bytes(100000);
    const server = await serve(async (peer) => {
      await peer.request();
      await peer.send(whole.length);
      if (peer.number > 1) return;
      await peer.request();
      await until(() => paused);
      peer.reset();
    });
    let paused = false;
    await get(server.url()).perform();
    const transfer = get(server.url(), { method: 'PUT', body });
    const performing = transfer.perform();
    await until(() => transfer.state === 'active' && server.peers[0].received().includes('PUT'));
    transfer.pause('send');
    paused = true;
    await until(() => server.peers.length === 2);
    await settled(() => server.peers[1].received(), QUIET);
    expect(server.peers[1].received()).toBe('');
    expect(transfer.paused).toEqual({ recv: false, send: true, by: 'call' });
    transfer.resume();
    expect((await performing).text()).toBe(text);
  });

  test('W3, W4, B4: refused again and again, what is held stays small and is never an error', async () => {
    const body = bytes(2000000);
    const server = await say(Buffer.concat([Buffer.from(`${HEAD}Content-Length: ${body.length}\r\n\r\n`), body]));
    const got = [];
    let most = 0, refusals = 0;
    const transfer = get(server.url(), { onData(chunk) {
      if (refusals < 60 && ++refusals % 2) return 'pause';
      got.push(Buffer.from(chunk));
    } });
    const performing = transfer.perform();
    while (!(await isDone(performing))) {
      most = Math.max(most, transfer.progress.held);
      if (transfer.paused.recv) transfer.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await performing;
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(HELD_MAX);
    expect(body.equals(Buffer.concat(got))).toBe(true);
  });
});

describe('many', () => {
  test('P15: some are paused, some of those removed and added again; connections of paused ones are used again', async () => {
    const server = await say(whole.length), all = [];
    for (let i = 0; i < 24; i++) {
      const transfer = get(server.url(), { onData() {
        if (i % 3 || transfer.refused) return;
        transfer.refused = true;
        return 'pause';
      } });
      all.push(transfer);
      multi.add(transfer);
    }
    await until(() => multi.running === 8);
    await settled(() => multi.running, QUIET);
    const paused = all.filter((_, i) => i % 3 === 0);
    for (const transfer of paused) expect(transfer.paused).toEqual({ recv: true, send: false, by: 'callback' });
    for (const transfer of paused.slice(0, 4)) expect(multi.remove(transfer)).toBe(true);
    await until(() => multi.running === 4);
    for (const transfer of paused.slice(0, 4)) multi.add(transfer); // F1: they simply run
    await until(() => multi.running === 4);
    for (const transfer of paused.slice(4)) transfer.resume();
    await multi.perform();
    for (const transfer of all) expect(transfer.result).toMatchObject({ errno: 0, received: text.length });
    const connections = server.peers.length;
    expect(await get(server.url()).perform()).toMatchObject({ errno: 0, reused: true });
    expect(server.peers.length).toBe(connections);
  });
});
