// Who goes in the middle of a transfer leaves nothing behind: pages of Chromium that are closed, left and loaded anew, workers that are ended.
import { expect, test } from '@jest/globals';
import { until } from './helpers/wait.js';
import { MiB, fresh, runIn, useChromium } from './support/chromium.js';

const at = useChromium();

test('a page that is closed and a worker that is ended leave nothing behind: the server sees it', async () => {
  for (const where of ['page', 'worker']) {
    const source = at.here.fountain(fresh(), 100 * MiB);
    const one = await at.open(at.here.url());
    await runIn(one, where, 'start', { name: 'a', url: source.url, collect: false, options: { maxRecvSpeed: MiB } });
    await until(() => source.sent > 0);
    if (where === 'page') await one.close();
    else await one.evaluate(() => globalThis.loseWorker());
    await until(() => source.closed);
    if (where === 'worker') await one.close();
  }
});
