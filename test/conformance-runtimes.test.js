// The conformance scenarios where `./build.sh runtimes` brings what it takes: in workerd over its sockets and over its fetch, in
// Firefox. What is elsewhere is in conformance.test.js.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { expectedOn, reduced } from './conformance/reduce.js';
import { inBrowser, served } from './conformance/hosts.js';
import { makeCertificates } from './helpers/certs.js';
import { hasFirefox, launchFirefox } from './support/firefox.js';
import { startWorkerd } from './support/workerd.js';

const ALL_MS = 120000;
/** @type {import('./conformance/reduce.js').Scenario[]} */
const scenarios = JSON.parse(readFileSync(new URL('conformance/scenarios.json', import.meta.url), 'utf8'));

/** @param {boolean} sockets @returns {import('./conformance/hosts.js').RunAll} */
const workerd = (sockets) => (list) => served(list, async (at) => {
  const one = await startWorkerd(process.env.SLUICE_WORKERD, makeCertificates().ca, 'test/workerd/conformance.js');
  try {
    return await one.request({ ...at, sockets, scenarios: list });
  } finally {
    await one.close();
  }
});

const HOSTS = {};
if (process.env.SLUICE_WORKERD) Object.assign(HOSTS, { workerd: workerd(true), 'workerd-fetch': workerd(false) });
if (hasFirefox) HOSTS.firefox = inBrowser(launchFirefox);

for (const [host, runAll] of Object.entries(HOSTS)) {
  describe(`on ${host}`, () => {
    const here = scenarios.map((scenario) => ({ ...scenario, ...expectedOn(scenario, host) })).filter(({ trace }) => trace !== undefined);
    let runs;
    beforeAll(async () => { runs = new Map((await runAll(here)).map((run) => [run.name, run])); }, ALL_MS);

    test.each(here)('$name: the trace (B13, $rows)', ({ name, trace }) => {
      expect(runs.get(name) && reduced(runs.get(name))).toEqual(trace);
    });
  });
}
if (Object.keys(HOSTS).length === 0) test.skip('neither workerd nor Firefox', () => {});
