// One Chromium for a file of tests, with a page of test/browser/page.js in it, and two sites: the page's own and another
// origin. No test may leave an error of the page behind.
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { SL_HOST_HELD_MAX } from '../../js/hosts/door.js';
import { launch, site } from './site.js';

/** What is in `result.errno`, or an error's. */
export const ABORTED = 42, TIMED_OUT = 28, NOT_BUILT_IN = 4, DENIED = 9, NOT_REACHED = 7;
export const MiB = 1048576;
/** Bytes: what the browser and the kernels take in at most of a body that nobody reads, generously: Linux alone may take 36 MiB. More when it may be cached. */
export const TAKEN_MAX = 64 * MiB;
/** Bytes: what the host keeps of a body that is paused. */
export const HELD_MAX = SL_HOST_HELD_MAX;
export const SCRIPT = '/test/browser/page.js';

/** @typedef {import('playwright-core').Page} Page */

let paths = 0;
/** A path nobody had. */
export const fresh = () => `/t${++paths}`;

/** @param {Page} page @param {'page' | 'worker'} where @param {string} command of test/browser/driver.js @param {object} [args] */
export const runIn = (page, where, command, args = {}) => page.evaluate((all) => globalThis.run(...all), [where, command, args]);

/** What a page does for a test: transfers by name. @param {() => Page} page @param {'page' | 'worker'} where */
export function driver(page, where) {
  const drive = (/** @type {string} */ command, /** @type {object} */ args = {}) => runIn(page(), where, command, args);
  let names = 0;
  /** Starts one; answers its name. @param {string} url @param {object} [args] */
  async function start(url, args = {}) {
    const name = `n${++names}`;
    await drive('start', { name, url, ...args });
    return name;
  }
  const end = (/** @type {string} */ name) => drive('end', { name });
  return { drive, start, end, get: async (/** @type {string} */ url, /** @type {object} */ args) => end(await start(url, args)) };
}

/** To be called where a file begins. `browser`, `here`, `other` and `page` are there from the first test on. */
export function useChromium() {
  const errors = /** @type {string[]} */ ([]), sites = /** @type {Array<Awaited<ReturnType<typeof site>>>} */ ([]);
  const it = {
    browser: /** @type {import('playwright-core').Browser} */ (/** @type {unknown} */ (null)),
    here: /** @type {Awaited<ReturnType<typeof site>>} */ (/** @type {unknown} */ (null)),
    other: /** @type {Awaited<ReturnType<typeof site>>} */ (/** @type {unknown} */ (null)),
    page: /** @type {Page} */ (/** @type {unknown} */ (null)),
    /** What the page says that it should not: its own faults, and what the policy refused. @param {Page} one */
    listen(one) {
      one.on('pageerror', (error) => errors.push(String(error)));
      one.on('console', (message) => {
        if (/content security policy|sluice/i.test(message.text())) errors.push(message.text());
      });
      return one;
    },
    /** A page at `url`, when its script has run. @param {string} url @param {{ newPage: () => Promise<Page> }} [context] */
    async open(url, context = it.browser) {
      const one = it.listen(await context.newPage());
      await one.goto(url);
      await it.ready(one);
      return one;
    },
    /** One more site, which is closed at the end. @param {Parameters<typeof site>[0]} [options] */
    async site(options) {
      const one = await site(options);
      sites.push(one);
      return one;
    },
    ready: (/** @type {Page} */ one) => one.waitForFunction(() => document.title === 'ready'),
    /** What was said so far, which is then forgotten. */
    errors: () => errors.splice(0),
  };
  beforeAll(async () => {
    [it.browser, it.here, it.other] = await Promise.all([launch(), it.site(), it.site()]);
    it.page = await it.open(it.here.page('/', SCRIPT));
  }, 60000);
  afterAll(async () => {
    await it.browser?.close();
    await Promise.all(sites.map((one) => one.close()));
  });
  afterEach(() => {
    expect(errors.splice(0)).toEqual([]);
  });
  return it;
}
