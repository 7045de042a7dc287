// Transfers in Firefox, in a page and in a worker: what is most needed of what browser.test.js tests in Chromium, with the same
// driver in the page. `./build.sh runtimes` brings what it takes; without that there is nothing to test.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { settled, until } from './helpers/wait.js';
import { echo, webServer } from './support/bodies.js';
import { pattern, sha256 } from './support/bytes.js';
import { hasFirefox, launchFirefox } from './support/firefox.js';
import { site } from './support/site.js';

const MiB = 1048576;
const TIMED_OUT = 28, NOT_BUILT_IN = 4, DENIED = 9, NOT_REACHED = 7, ABORTED = 42;
const errors = [];
let browser, here, other, page;

async function open(url) {
  const one = await browser.newPage();
  one.on('pageerror', (error) => {
    if (!/Cross-Origin Request Blocked/.test(String(error))) errors.push(String(error)); // told of every refusal
  });
  one.on('console', (message) => {
    if (/content security policy|sluice/i.test(message.text())) errors.push(message.text());
  });
  await one.goto(url);
  await one.waitForFunction(() => document.title === 'ready');
  return one;
}
const runIn = (one, where, command, args = {}) => one.evaluate((...all) => globalThis.run(...all), where, command, args);

let paths = 0;
/** A path nobody had. */
const fresh = () => `/t${++paths}`;

(hasFirefox ? describe : describe.skip)('Firefox', () => {
  beforeAll(async () => {
    [browser, here, other] = await Promise.all([launchFirefox(), site(), site()]);
    page = await open(here.page('/', '/test/browser/page.js'));
  }, 120000);
  afterAll(async () => {
    await browser?.close();
    await Promise.all([here?.close(), other?.close()]);
  }, 60000);
  afterEach(() => {
    expect(errors.splice(0)).toEqual([]);
  });

  describe.each(['page', 'worker'])('the controller in a %s', (where) => {
    const drive = (command, args) => runIn(page, where, command, args);
    let names = 0;
    async function start(url, args = {}) {
      const name = `n${++names}`;
      await drive('start', { name, url, ...args });
      return name;
    }
    /** What the protocol leaves out is undefined. */
    const end = async (name) => ({ error: undefined, receiveTotal: undefined, ...await drive('end', { name }) });
    const get = async (url, args) => end(await start(url, args));

    test('a body by its length and chunked: byte-exact (W4, W5)', async () => {
      const source = here.fountain(fresh(), 5 * MiB + 13);
      expect(await get(source.url)).toMatchObject({ error: undefined, status: 200, received: source.total, receiveTotal: source.total, sum: source.sum });
      const pieces = Array.from({ length: 40 }, (_, i) => pattern(1 + i * 3001, i));
      const chunked = here.on(fresh(), (request, response) => {
        for (const piece of pieces) response.write(piece);
        response.end();
      });
      expect(await get(chunked)).toMatchObject({ error: undefined, receiveTotal: undefined, sum: sha256(Buffer.concat(pieces)) });
    });

    test('a pause delivers nothing more, whatever the browser takes in, which has no bound; the resume is byte-exact (P1, P5)', async () => {
      const source = here.fountain(fresh(), 40 * MiB);
      const name = await start(source.url, { pauseAt: MiB });
      await until(() => source.sent > 0);
      await settled(() => source.sent, 700);
      const look = await drive('look', { name });
      expect(look).toMatchObject({ paused: { recv: true, by: 'call' }, afterPause: 0, state: 'active' });
      expect(look.bytes).toBeLessThan(source.total / 2);
      await drive('resume', { name });
      expect(await end(name)).toMatchObject({ error: undefined, received: source.total, sum: source.sum });
    });

    test('an abort closes, running and paused; a start can be paused (X2, X9, B14)', async () => {
      for (const paused of [false, true]) {
        const source = here.fountain(fresh(), 100 * MiB);
        const name = await start(source.url, { collect: false, options: { maxRecvSpeed: MiB } });
        await until(() => source.sent > 0);
        if (paused) await drive('pause', { name });
        await drive('abort', { name });
        expect((await end(name)).error).toMatchObject({ errno: ABORTED, name: 'AbortError', type: 'TransferError' });
        await until(() => source.closed);
      }
      const source = here.fountain(fresh(), 1000);
      const name = await start(source.url, { paused: 'both' });
      expect(await drive('look', { name })).toMatchObject({ state: 'pending', paused: { recv: true, send: true } });
      await drive('resume', { name });
      expect(await end(name)).toMatchObject({ status: 200, sum: source.sum });
    });

    test('total time, connect time, low speed, silence (T1, T2, T5, L3, B9)', async () => {
      const hangs = here.on(fresh(), () => {});
      const drips = here.on(fresh(), (request, response) => {
        const timer = setInterval(() => response.write('x'), 100);
        response.on('close', () => clearInterval(timer));
      });
      const stops = here.on(fresh(), (request, response) => response.writeHead(200, { 'Content-Length': 1000 }).write('x'));
      const cases = [
        [stops, { timeoutMs: 1000 }, /^Operation timed out after \d+ milliseconds with 1 out of 1000 bytes received \(GET http/],
        [hangs, { connectTimeoutMs: 300 }, /^Connection timed out/],
        [drips, { lowSpeed: { bytesPerSecond: 1000, ms: 1000 } }, /^Operation too slow/],
        [stops, { silenceTimeoutMs: 300 }, /^Peer silent for 300 milliseconds \(GET http/],
      ];
      await Promise.all(cases.map(async ([url, options, message]) => {
        expect((await get(url, { options })).error).toMatchObject({ errno: TIMED_OUT, name: 'TimeoutError', message: expect.stringMatching(message) });
      }));
    });

    test('a rate limit holds for what is delivered, and can be lifted (S1, S4)', async () => {
      const source = here.fountain(fresh(), 36 * MiB);
      const name = await start(source.url, { options: { maxRecvSpeed: MiB } });
      await until(() => source.sent > 0);
      await settled(() => source.sent, 700);
      expect((await drive('look', { name })).bytes).toBeLessThan(source.total / 2);
      await drive('limits', { name, limits: { maxRecvSpeed: 0 } });
      expect(await end(name)).toMatchObject({ error: undefined, sum: source.sum });
    });

    test('uploads: from memory, as a stream, none; one that is paused goes when it is resumed (P11)', async () => {
      let requests = 0;
      const url = here.on(fresh(), (request, response) => {
        requests++;
        echo(request, response);
      });
      const size = 3 * MiB + 7, sum = sha256(Uint8Array.from({ length: size }, (_, i) => i * 7));
      const memory = await get(url, { bodySize: size, options: { method: 'PUT', headers: { 'X-Own': 'yes' } } });
      expect(memory).toMatchObject({ error: undefined, sent: size });
      expect(JSON.parse(memory.text)).toMatchObject({ method: 'PUT', bytes: size, sum, headers: { 'x-own': 'yes', 'content-length': String(size) } });
      const blocks = Buffer.concat(Array.from({ length: 32 }, (_, i) => Buffer.alloc(65536, i)));
      expect(JSON.parse((await get(url, { streamSize: blocks.length })).text)).toMatchObject({ method: 'POST', bytes: blocks.length, sum: sha256(blocks) });
      expect(JSON.parse((await get(url, { bodySize: 0 })).text)).toMatchObject({ method: 'POST', bytes: 0 });
      const before = requests, name = await start(url, { bodySize: 100000, paused: 'send' });
      expect(await settled(() => requests, 300)).toBe(before);
      await drive('resume', { name });
      expect(JSON.parse((await end(name)).text)).toMatchObject({ bytes: 100000 });
    });

    test('another origin: one that lets read, one that does not; nobody there', async () => {
      const shown = other.fountain(fresh(), 100000, { 'Access-Control-Allow-Origin': '*' });
      expect(await get(shown.url)).toMatchObject({ error: undefined, sum: shown.sum, receiveTotal: undefined });
      const shut = other.on(fresh(), (request, response) => response.end('secret'));
      const refused = await get(shut);
      expect(refused.error).toMatchObject({ errno: DENIED, message: expect.stringMatching(/does not let this page read the answer \(CORS\) \(GET http/) });
      expect(refused.size).toBe(0);
      const gone = await webServer();
      await gone.close();
      expect((await get(gone.url())).error).toMatchObject({ errno: NOT_REACHED, message: expect.stringMatching(/cannot be reached/) });
    });

    test('redirects: all are followed by the browser, or a 3xx is not built in (F19)', async () => {
      const target = here.on(fresh(), (request, response) => response.end('there'));
      const url = here.on(fresh(), (request, response) => response.writeHead(302, { Location: target }).end('here'));
      expect(await get(url)).toMatchObject({ error: undefined, status: 200, text: 'there' });
      expect((await get(url, { options: { follow: false } })).error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringMatching(/^a redirect/) });
    });

    test('headers that are the browser\'s are refused, not dropped', async () => {
      const url = here.on(fresh(), echo);
      for (const name of ['Cookie', 'Host', 'Referer', 'Connection']) {
        expect((await get(url, { options: { headers: { [name]: 'x' } } })).error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringContaining(name.toLowerCase()) });
      }
    });

    test('20 at once, paused at random: each byte-exact', async () => {
      const bodies = Array.from({ length: 20 }, (_, i) => pattern(100000 + i * 10000, i + 1)), path = fresh();
      here.on(`${path}/*`, (request, response) => response.writeHead(200, { 'Cache-Control': 'no-store' }).end(bodies[Number(request.url.split('/').at(-1))]));
      expect(await drive('many', { count: bodies.length, url: here.url(path), seed: 42 })).toEqual(bodies.map((body) => ({ received: body.length, sum: sha256(body) })));
    });

    test('another thread wakes poll(), resumes, pauses and aborts (K1, K2, B1)', async () => {
      const source = here.fountain(fresh(), 30 * MiB);
      expect(await drive('wakeup', { url: source.url })).toEqual({ woken: 'wakeup', errno: ABORTED, answers: [true, true, true], isolated: false });
    });
  });

  test('a page that is closed and a worker that is ended leave nothing behind: the server sees it', async () => {
    for (const where of ['page', 'worker']) {
      const source = here.fountain(fresh(), 100 * MiB), one = await open(here.url());
      await runIn(one, where, 'start', { name: 'a', url: source.url, collect: false, options: { maxRecvSpeed: MiB } });
      await until(() => source.sent > 0);
      if (where === 'page') await one.close();
      else await one.evaluate(() => globalThis.loseWorker());
      await until(() => source.closed);
      if (where === 'worker') await one.close();
    }
  });
});
