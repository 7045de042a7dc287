// One list of scenarios, one expected trace for each, on every host (B13): conformance/scenarios.json says what happens and what
// is to be seen, and where a platform forces another trace, why. Here: C natively; the module in Node.js over sockets and over
// fetch, and in Chromium; C compiled with Emscripten in Chromium; C in a sandbox, over the plugin host; in `runtimes` Bun and Deno.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as hosts from './conformance/hosts.js';
import { HOST_NAMES, expectedOn, isHere, reduced } from './conformance/reduce.js';
import { runsOf } from './conformance/text.js';
import { ROOT } from './support/command.js';

const ALL_MS = 120000;
/** @type {import('./conformance/reduce.js').Scenario[]} */
const scenarios = JSON.parse(readFileSync(new URL('conformance/scenarios.json', import.meta.url), 'utf8'));
/** What the build could not have an emcc for is left out; what was not built is a mistake. */
const leftOut = existsSync(join(ROOT, 'build/tools/without_emcc')) && !existsSync(join(ROOT, 'build/emscripten/runner.fetch.asyncify.mjs'));

const HOSTS = { native: hosts.native, 'node-sockets': hosts.nodeSockets, 'node-fetch': hosts.nodeFetch, chromium: hosts.chromium, plugin: hosts.plugin };
if (!leftOut) HOSTS.emscripten = hosts.emscripten('asyncify');
if (!leftOut && process.env.SLUICE_CAMPAIGN) HOSTS['emscripten-jspi'] = hosts.emscripten('jspi');
/** The other runtimes, with their programs where `./build.sh runtimes` tells of them. */
for (const [name, program] of Object.entries({ bun: process.env.SLUICE_BUN, deno: process.env.SLUICE_DENO })) {
  if (!program) continue;
  HOSTS[name] = hosts.elsewhere(name, program, false);
  HOSTS[`${name}-fetch`] = hosts.elsewhere(name, program, true);
}

/** What is to be run there, and to be seen. @param {string} host */
const scenariosOn = (host) => scenarios.map((scenario) => ({ ...scenario, ...expectedOn(scenario, host) })).filter(({ trace }) => trace !== undefined);
/** By host. @type {Map<string, PromiseSettledResult<import('./conformance/reduce.js').Run[]>>} */
const ends = new Map();
beforeAll(async () => { // all hosts at once: mostly they wait
  await Promise.all(Object.entries(HOSTS).map(async ([host, runAll]) => {
    ends.set(host, (await Promise.allSettled([runAll(scenariosOn(host))]))[0]);
  }));
}, ALL_MS);

describe.each(Object.keys(HOSTS))('on %s', (host) => {
  const here = scenariosOn(host);
  /** @type {Map<string, import('./conformance/reduce.js').Run>} */
  let runs;
  beforeAll(() => {
    const ended = ends.get(host);
    if (ended.status === 'rejected') throw ended.reason;
    runs = new Map(ended.value.map((run) => [run.name, run]));
  });

  test.each(here)('$name: the trace ($rows)', ({ name, trace }) => {
    expect(runs.get(name) && reduced(runs.get(name))).toEqual(trace);
  });
  test('every scenario was run, and no other (B13)', () => {
    expect([...runs.keys()]).toEqual(here.map(({ name }) => name));
  });
});

describe('the list (B13)', () => {
  test('each has a name of its own', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  });
  const listed = scenarios.flatMap(({ name, trace, differs = [] }) => differs.map((one) => ({ name, whole: trace, ...one })));
  test.each(listed)('$name, on $on: a difference that is one, with its reason', ({ whole, trace, why, on }) => {
    expect(trace).not.toEqual(whole);
    expect(why).toMatch(/^[A-Za-z].{20,}\.$/);
    for (const word of on) expect(HOST_NAMES.some((host) => isHere(word, host))).toBe(true);
  });
});

describe('the reduced trace (B13)', () => {
  const lines = (...traces) => ['scenario one', ...traces.map((trace) => `trace ${trace}`), 'result 0'];
  const of = (...traces) => reduced(runsOf(lines(...traces))[0]);
  test('pieces of one kind are one, whatever their number; their bytes are told with the state', () => {
    const begun = ['0 1 0', '4 1 1', '0 2 0', '0 3 17', '0 3 65', '2 0 20', '2 0 2', '0 3 66'];
    const whole = of(...begun, '2 1 1000', '0 3 67', '3 1 0', '0 4 0');
    expect(whole).toEqual(['pending', 'connecting', 'active head/head 0', 'active end/head 0', 'write head', 'active end/body 0', 'write body',
      'active end/end 1000', 'stop complete OK', 'done 1000', 'result OK']);
    expect(of(...begun, '2 1 400', '2 1 600', '0 3 67', '3 1 0', '0 4 0')).toEqual(whole);
    expect(of(...begun, '2 1 400', '0 3 67', '3 1 0', '0 4 0')).not.toEqual(whole);
  });
  test('a refusal is the pause that it makes, an empty body a delivery (W2, W11)', () => {
    expect(of('2 1 0', '1 1 32', '1 0 0', '2 1 5')).toEqual(['paused recv by callback', 'open', 'write body', 'result OK']);
    expect(of('2 1 0', '0 3 67')).toEqual(['write body', 'active end/end 0', 'result OK']);
  });
  test('order, gate, cause and code are kept', () => {
    expect(of('1 5 17', '1 4 1', '1 0 0')).toEqual(['paused both by call', 'paused send by call', 'open', 'result OK']);
    expect(of('1 4 1', '1 5 17', '1 0 0')).not.toEqual(of('1 5 17', '1 4 1', '1 0 0'));
    expect(of('3 3 28')).toEqual(['stop limit OPERATION_TIMEDOUT', 'result OK']);
    expect(of('3 6 28')).not.toEqual(of('3 3 28'));
    expect(reduced({ name: 'one', events: [{ what: 'said', words: 'missed body' }], errno: -1 })).toEqual(['missed body', 'result none']);
  });
});
