// Remote handles between a page of Chromium and its workers: with cross-origin isolation, over shared memory, and without, by messages.
import { expect, test } from '@jest/globals';
import { ABORTED, MiB, SCRIPT, fresh, runIn, useChromium } from './support/chromium.js';
import { site } from './support/site.js';

const at = useChromium();

test('with cross-origin isolation a remote handle works as without (B1)', async () => {
  const isolated = await site({ headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } });
  const source = isolated.fountain('/x', 30 * MiB);
  const one = await at.open(isolated.page('/', SCRIPT));
  expect(await runIn(one, 'page', 'wakeup', { url: source.url })).toEqual({ woken: 'wakeup', errno: ABORTED, answers: [true, true, true], isolated: true });
  await one.close();
  await isolated.close();
});

test('another thread wakes poll(), resumes, pauses and aborts (K1, K2, B1)', async () => {
    const source = at.here.fountain(fresh(), 30 * MiB);
    const answer = await runIn(at.page, 'page', 'wakeup', { url: source.url });
    expect(answer).toEqual({ woken: 'wakeup', errno: ABORTED, answers: [true, true, true], isolated: false });
  });
