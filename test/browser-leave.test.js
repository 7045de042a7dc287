// Who goes in the middle of a transfer leaves nothing behind: pages of Chromium that are closed, left and loaded anew, and
// workers that are ended, each with a download, a paused download and an upload. The server sees each of them close.
import { describe, expect, test } from '@jest/globals';
import { until } from './helpers/wait.js';
import { MiB, SCRIPT, fresh, runIn, useChromium } from './support/chromium.js';
import { launch } from './support/site.js';

const at = useChromium();
const UPLOAD = 24 * MiB; // more than browser and kernels take of a body that nobody reads

/** Where a body goes that is not read before `read()`; `closed` and how much of it had come. */
function sink() {
  const upload = { url: '', bytes: 0, begun: false, closed: false, read: () => {} };
  upload.url = at.here.on(fresh(), (request, response) => {
    upload.begun = true;
    upload.read = () => request.on('data', (chunk) => { upload.bytes += chunk.length; });
    request.on('error', () => {});
    response.on('close', () => { upload.closed = true; });
  });
  return upload;
}

const EXITS = [
  ['page', 'closed', (one) => one.close()],
  ['page', 'left for another', (one) => one.goto(at.other.page('/', SCRIPT))],
  ['page', 'loaded anew', (one) => one.reload()],
  ['worker', 'ended', (one) => one.evaluate(() => globalThis.loseWorker())],
  ['worker', 'left with its page', (one) => one.goto('about:blank')],
];

describe.each(EXITS)('a %s that is %s', (where, _how, exit) => {
  test('leaves nothing behind (X2)', async () => {
    const running = at.here.fountain(fresh(), 100 * MiB), paused = at.here.fountain(fresh(), 100 * MiB), upload = sink();
    const one = await at.open(at.here.url());
    const start = (name, url, args) => runIn(one, where, 'start', { name, url, collect: false, ...args });
    await start('running', running.url, { options: { maxRecvSpeed: MiB } });
    await start('paused', paused.url, { pauseAt: 1 });
    await start('upload', upload.url, { bodySize: UPLOAD });
    await until(() => running.sent > 0 && paused.sent > 0 && upload.begun);
    expect([running.closed, paused.closed, upload.closed]).toEqual([false, false, false]);
    await exit(one);
    upload.read(); // what is under way comes first
    await until(() => running.closed && paused.closed && upload.closed);
    expect(upload.bytes).toBeLessThan(UPLOAD);
    await one.close();
  });
});

test('a page that is left, and kept for a return, holds no connection (X2)', async () => {
  const browser = await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  try {
    const running = at.here.fountain(fresh(), 100 * MiB), paused = at.here.fountain(fresh(), 100 * MiB);
    const one = await at.open(at.here.url(), browser);
    await runIn(one, 'page', 'start', { name: 'running', url: running.url, collect: false, options: { maxRecvSpeed: MiB } });
    await runIn(one, 'page', 'start', { name: 'paused', url: paused.url, pauseAt: 1 });
    await until(() => running.sent > 0 && paused.sent > 0);
    await one.goto(at.other.page('/', SCRIPT));
    await until(() => running.closed && paused.closed);
  } finally {
    await browser.close();
  }
});
