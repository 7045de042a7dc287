// Remote handles between a page of Chromium and its worker, both ways: with cross-origin isolation, over shared memory, and
// without, by messages.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { settled, until } from './helpers/wait.js';
import { ABORTED, HELD_MAX, MiB, SCRIPT, TAKEN_MAX, driver, fresh, runIn, useChromium } from './support/chromium.js';

const at = useChromium();
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const WAYS = [['page', 'worker'], ['worker', 'page']];

describe.each([['with', true], ['without', false]])('%s cross-origin isolation', (_words, isolated) => {
  let site, page;
  const lend = (...all) => page.evaluate((words) => globalThis.lend(...words), all);
  beforeAll(async () => {
    site = await at.site({ headers: isolated ? ISOLATION : {} });
    page = await at.open(site.page('/', SCRIPT));
  });
  afterAll(() => page?.close());

  test('another thread wakes poll(), resumes, pauses and aborts (K1, K2, B1)', async () => {
    const source = site.fountain(fresh(), 30 * MiB);
    expect(await runIn(page, 'page', 'wakeup', { url: source.url })).toEqual({ woken: 'wakeup', errno: ABORTED, answers: [true, true, true], isolated });
  });

  describe.each(WAYS)('a transfer of the %s, a handle in the %s', (owner, holder) => {
    const its = driver(() => page, owner);
    const remote = (name, what, arg) => runIn(page, holder, 'remote', { name, what, arg });
    const look = (name) => its.drive('look', { name });

    test('a pause stops the server, nothing more is delivered; the resume is byte-exact (B2, P8)', async () => {
      const source = site.fountain(fresh(), TAKEN_MAX + 16 * MiB);
      const name = await its.start(source.url, { paused: 'recv', options: { maxRecvSpeed: MiB } });
      await lend(owner, holder, name);
      expect(await remote(name, 'resume')).toBe(true);
      await until(() => source.sent > 0);
      expect(await remote(name, 'pause')).toBe(true);
      const before = await look(name);
      expect(before).toMatchObject({ paused: { recv: true, send: true, by: 'remote' }, afterPause: 0 });
      expect(await settled(() => source.sent, 400)).toBeLessThan(TAKEN_MAX);
      await its.drive('limits', { name, limits: { maxRecvSpeed: 0 } }); // or the bucket alone would hold it
      const after = await look(name);
      expect(after.bytes).toBe(before.bytes);
      expect(after.held).toBeLessThanOrEqual(HELD_MAX);
      expect(await remote(name, 'resume')).toBe(true);
      expect(await its.end(name)).toMatchObject({ error: undefined, received: source.total, sum: source.sum });
      expect(await remote(name, 'pause')).toBe(false); // it has ended, or was collected since
    });

    test('an abort closes, also while the owner waits in poll(), which it ends; the reason arrives (B1, K2)', async () => {
      const silent = { closed: false, asked: false };
      const url = site.on(fresh(), (request, response) => {
        silent.asked = true;
        response.on('close', () => { silent.closed = true; });
      });
      const name = await its.start(url);
      await lend(owner, holder, name);
      await until(() => silent.asked);
      while (await its.drive('poll', { name, ms: 300 }) !== 'timeout');
      let polling = its.drive('poll', { name, ms: 60000 });
      await remote(name, 'wakeup');
      expect(await polling).toBe('wakeup');
      polling = its.drive('poll', { name, ms: 60000 });
      expect(await remote(name, 'abort', 'enough of it')).toBe(true);
      await polling;
      await until(() => silent.closed);
      expect((await its.end(name)).error).toMatchObject({ type: 'string', message: 'enough of it' });
      expect(await remote(name, 'abort')).toBe(false);
    });

    if (isolated) {
      test('what is said while the owner\'s thread has no turn is in force at the next delivery (B1, B2)', async () => {
        for (const [what, arg] of [['pause'], ['abort', 'now']]) {
          const source = site.fountain(fresh(), 40 * MiB);
          const name = `${owner}-${what}`;
          const told = await page.evaluate((all) => globalThis.blocked(...all), [owner, holder, { name, url: source.url, what, arg }]);
          expect(told).toMatchObject({ paused: true, answer: true, look: { calls: 1 } });
          if (what === 'abort') {
            expect((await its.end(name)).error).toMatchObject({ message: 'now' });
            await until(() => source.closed);
          } else {
            await its.drive('resume', { name });
            expect(await its.end(name)).toMatchObject({ error: undefined, sum: source.sum });
          }
        }
      });
    }
  });
});
