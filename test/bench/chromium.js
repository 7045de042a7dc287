// One run of the row of Chromium by one peer: node chromium.js PEER ROW SETTINGS, as client.js. A browser of its own; its
// page is chromium-page.js. Prints what it measured as JSON.
import { launch, site } from '../support/site.js';

const [peer, , text] = process.argv.slice(2);
const { origin, bytes } = JSON.parse(text);
const WARM = 64 * 2 ** 20; // bytes

const [browser, here] = await Promise.all([launch(), site()]);
const page = await browser.newPage();
await page.goto(here.page('/', '/test/bench/chromium-page.js'));
await page.waitForFunction(() => document.title === 'ready');
const inspector = await page.context().newCDPSession(page);
await inspector.send('Performance.enable');
/** Seconds that the page's process has taken of the CPU. */
async function cpu() {
  const { metrics } = await inspector.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'ProcessTime').value;
}
/** @returns {Promise<number>} seconds */
const measure = (n) => page.evaluate((all) => globalThis.measure(...all), [peer, `${origin}/big/${n}`, n]);

await measure(WARM);
const before = await cpu(), wall = await measure(bytes);
const figures = { wall, cpu: await cpu() - before };
await Promise.all([browser.close(), here.close()]);
process.stdout.write(JSON.stringify(figures), () => process.exit(0));
