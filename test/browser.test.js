// Transfers in Debian's Chromium, over its own fetch, against servers in this process: in a page and in a worker, served as
// plain files under a policy that allows nothing but that. browser-*.test.js: what else there is to prove there.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { settled, until } from './helpers/wait.js';
import { echo, webServer } from './support/bodies.js';
import { pattern, sha256 } from './support/bytes.js';
import { ABORTED, HELD_MAX, MiB, NOT_BUILT_IN, TAKEN_MAX, TIMED_OUT, driver, fresh, runIn, useChromium } from './support/chromium.js';

const at = useChromium();

/** @param {import('playwright-core').Browser} browser @returns {Promise<() => number>} bytes of memory that its pages' processes have to themselves */
async function processes(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const pages = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  return () => pages.reduce((sum, id) => sum + 1024 * Number(/RssAnon:\s*(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'latin1'))?.[1]), 0);
}

describe.each(['page', 'worker'])('the controller in a %s', (where) => {
  const { drive, start, end, get } = driver(() => at.page, where);

  test('a pause stops the server, whatever the browser takes in; the resume is byte-exact (P1, P5, P8, B4)', async () => {
    const source = at.here.fountain(fresh(), TAKEN_MAX + 16 * MiB);
    const name = await start(source.url, { pauseAt: MiB });
    await until(() => source.sent > 0);
    const sent = await settled(() => source.sent, 700);
    expect(sent).toBeLessThan(TAKEN_MAX);
    const look = await drive('look', { name });
    expect(look).toMatchObject({ paused: { recv: true, by: 'call' }, afterPause: 0, state: 'active' });
    expect(look.held).toBeLessThanOrEqual(HELD_MAX);
    expect(look.bytes).toBeGreaterThanOrEqual(MiB);
    expect(look.bytes).toBeLessThanOrEqual(MiB + HELD_MAX);
    await drive('resume', { name });
    const result = await end(name);
    expect(result).toMatchObject({ error: undefined, status: 200, received: source.total, receiveTotal: source.total, size: source.total, sum: source.sum });
    expect(result.pausedMs).toBeGreaterThan(500);
  });

  test('an abort closes, running and paused; a start can be paused (X2, X9, B14)', async () => {
    for (const paused of [false, true]) {
      const source = at.here.fountain(fresh(), 100 * MiB);
      const name = await start(source.url, { collect: false, options: { maxRecvSpeed: MiB } }); // or it would be whole before it is told
      await until(() => source.sent > 0);
      if (paused) await drive('pause', { name });
      await drive('abort', { name });
      expect((await end(name)).error).toMatchObject({ errno: ABORTED, name: 'AbortError', type: 'TransferError' });
      await until(() => source.closed);
    }
    const source = at.here.fountain(fresh(), 1000);
    const name = await start(source.url, { paused: 'both' });
    expect(await drive('look', { name })).toMatchObject({ state: 'pending', paused: { recv: true, send: true } });
    await drive('resume', { name });
    expect(await end(name)).toMatchObject({ status: 200, sum: source.sum });
  });

  test('total time, connect time, low speed, silence (T1, T2, T5, L3, B9)', async () => {
    const hangs = at.here.on(fresh(), () => {});
    const drips = at.here.on(fresh(), (request, response) => {
      const timer = setInterval(() => response.write('x'), 100);
      response.on('close', () => clearInterval(timer));
    });
    const stops = at.here.on(fresh(), (request, response) => response.writeHead(200, { 'Content-Length': 1000 }).write('x'));
    const cases = [
      [stops, { timeoutMs: 400 }, /^Operation timed out after \d+ milliseconds with 1 out of 1000 bytes received \(GET http/],
      [hangs, { connectTimeoutMs: 300 }, /^Connection timed out/],
      [drips, { lowSpeed: { bytesPerSecond: 1000, ms: 1000 } }, /^Operation too slow/],
      [stops, { silenceTimeoutMs: 300 }, /^Peer silent for 300 milliseconds \(GET http/],
    ];
    await Promise.all(cases.map(async ([url, options, message]) => {
      const { error, elapsedMs } = await get(url, { options });
      expect(error).toMatchObject({ errno: TIMED_OUT, name: 'TimeoutError', message: expect.stringMatching(message) });
      expect(elapsedMs).toBeLessThan(15000);
    }));
    const name = await start(stops, { options: { timeoutMs: 500 } });
    await drive('pause', { name });
    expect((await end(name)).error).toMatchObject({ errno: TIMED_OUT }); // paused or not
  });

  test('a rate limit slows the server, and can be lifted (S1, S4)', async () => {
    const source = at.here.fountain(fresh(), TAKEN_MAX + 16 * MiB);
    const name = await start(source.url, { options: { maxRecvSpeed: MiB } });
    await until(() => source.sent > 0);
    const sent = await settled(() => Math.floor(source.sent / (4 * MiB)), 700);
    expect(sent * 4 * MiB).toBeLessThan(TAKEN_MAX);
    expect((await drive('look', { name })).bytes).toBeLessThan(8 * MiB);
    await drive('limits', { name, limits: { maxRecvSpeed: 0 } });
    expect(await end(name)).toMatchObject({ error: undefined, sum: source.sum });
    const slow = at.here.fountain(fresh(), 3 * MiB);
    const { elapsedMs } = await get(slow.url, { options: { maxRecvSpeed: MiB } });
    expect(elapsedMs).toBeGreaterThan(1500);
  });

  test('uploads: of memory, of a stream; byte-exact; one too large is refused (R1, R2)', async () => {
    const url = at.here.on(fresh(), echo);
    const size = 3 * MiB, sum = sha256(Uint8Array.from({ length: size }, (_, i) => i * 7));
    const memory = await get(url, { bodySize: size, options: { method: 'PUT', headers: { 'X-Own': 'yes' } } });
    expect(memory).toMatchObject({ error: undefined, sent: size });
    expect(JSON.parse(memory.text)).toMatchObject({ method: 'PUT', bytes: size, sum, headers: { 'x-own': 'yes', 'content-length': String(size) } });
    const blocks = Buffer.concat(Array.from({ length: 32 }, (_, i) => Buffer.alloc(65536, i)));
    const stream = await get(url, { streamSize: 32 * 65536 });
    expect(JSON.parse(stream.text)).toMatchObject({ method: 'POST', bytes: blocks.length, sum: sha256(blocks) });
    const empty = await get(url, { bodySize: 0 });
    expect(JSON.parse(empty.text)).toMatchObject({ method: 'POST', bytes: 0 });
    const large = await get(url, { streamSize: 65 * MiB });
    expect(large.error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringMatching(/larger than the 67108864 bytes/) });
  });

  test('a paused upload is not sent, and goes when it is resumed (P11)', async () => {
    let requests = 0;
    const url = at.here.on(fresh(), (request, response) => {
      requests++;
      echo(request, response);
    });
    const name = await start(url, { bodySize: 100000, paused: 'send' });
    await settled(() => requests, 300);
    expect(requests).toBe(0);
    await drive('resume', { name });
    expect(JSON.parse((await end(name)).text)).toMatchObject({ bytes: 100000 });
    expect(requests).toBe(1);
  });

  test('100 at once, paused at random: each byte-exact, the browser lets 6 at a time through', async () => {
    const bodies = Array.from({ length: 100 }, (_, i) => pattern(100000 + i * 1000, i + 1));
    const path = fresh(), waiting = [];
    let open = false;
    at.here.on(`${path}/*`, (request, response) => {
      const answer = () => response.writeHead(200, { 'Cache-Control': 'no-store' }).end(bodies[Number(request.url.split('/').at(-1))]);
      if (open) answer();
      else waiting.push(answer);
    });
    const done = drive('many', { count: bodies.length, urls: [at.here.url(path)], seed: 42 });
    await until(() => waiting.length > 0);
    expect(await settled(() => waiting.length, 300)).toBe(6);
    open = true;
    for (const answer of waiting) answer();
    const results = await done;
    expect(results).toEqual(bodies.map((body) => ({ received: body.length, sum: sha256(body) })));
  });

  test('100 at once, of 20 origins, so that all of them run: paused at random, each byte-exact, its chunks its own, or lent (P15, B19, U1)', async () => {
    const bodies = Array.from({ length: 100 }, (_, i) => pattern(200000 + i * 1000, i + 1));
    const path = fresh(), waiting = [];
    const servers = await Promise.all(Array.from({ length: 20 }, () => webServer((request, response) => {
      const own = { 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*' };
      waiting.push(() => response.writeHead(200, own).end(bodies[Number(request.url.split('/').at(-1))]));
      if (waiting.length === bodies.length) for (const answer of waiting) answer(); // all are there, and not before
    })));
    const results = await drive('many', { count: bodies.length, urls: servers.map((server) => server.url(path)), seed: 7 });
    expect(results).toEqual(bodies.map((body) => ({ received: body.length, sum: sha256(body) })));
    await Promise.all(servers.map((server) => server.close()));
  });

  if (where === 'worker' && !process.env.SLUICE_CAMPAIGN) return; // takes long

  test('256 MiB through onData, paused again and again: byte-exact, and the memory of the process stays flat (B4)', async () => {
    const total = 256 * MiB, block = pattern(MiB);
    const url = at.here.on(fresh(), (request, response) => {
      response.writeHead(200, { 'Content-Length': total, 'Cache-Control': 'no-store' });
      let sent = 0;
      const pump = () => {
        while (sent < total) {
          sent += MiB;
          if (!response.write(block)) return void response.once('drain', pump);
        }
        response.end();
      };
      pump();
    });
    const memory = await processes(at.browser);
    await drive('flow', { url: at.here.fountain(fresh(), 8 * MiB).url, pauseEach: MiB }); // what code and buffers take anyhow
    const before = memory();
    let most = 0;
    const sampling = setInterval(() => { most = Math.max(most, memory()); }, 20);
    const result = await drive('flow', { url, pauseEach: 8 * MiB });
    clearInterval(sampling);
    expect(result).toMatchObject({ received: total, pauses: 32 });
    expect(result.held).toBeLessThanOrEqual(HELD_MAX);
    expect(most - before).toBeLessThan(64 * MiB);
    let sum = 0;
    for (let n = 0; n < total / MiB; n++) for (let i = 0; i < MiB; i++) sum = (sum * 31 + block[i]) | 0;
    expect(result.sum).toBe(sum);
  });
});

test('a body that may be cached is taken ahead by Chromium, up to a bound of its own; the resume is byte-exact (P8)', async () => {
  const total = 160 * MiB, block = pattern(65536);
  let sent = 0;
  const url = at.here.on(fresh(), (request, response) => {
    response.writeHead(200, { 'Content-Length': total });
    const pump = () => {
      while (sent < total) {
        sent += block.length;
        if (!response.write(block)) return void response.once('drain', pump);
      }
      response.end();
    };
    pump();
  });
  await runIn(at.page, 'page', 'start', { name: 'ahead', url, pauseAt: 1, collect: false });
  await until(() => sent > 0);
  expect(await settled(() => sent, 700)).toBeLessThan(64 * MiB + TAKEN_MAX);
  await runIn(at.page, 'page', 'resume', { name: 'ahead' });
  expect(await runIn(at.page, 'page', 'end', { name: 'ahead' })).toMatchObject({ error: undefined, received: total });
});

test('cookies are the browser\'s, unless the host is told otherwise', async () => {
  const url = at.here.on(fresh(), (request, response) => response.end(request.headers.cookie ?? 'none'));
  const context = await at.browser.newContext();
  await context.addCookies([{ name: 'a', value: 'b', url }]);
  const one = await at.open(at.here.url(), context);
  expect(await runIn(one, 'page', 'credentials', { url })).toEqual(['a=b', 'none']);
  await context.close();
});

