// Where the scenarios run. Each takes the scenarios that can be run there and answers what came of them, from a server of its own.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Multi, Transfer, fetchHost, nodeHost } from '../../js/index.js';
import { runGuest } from '../hosts/plugin.js';
import { ROOT, run } from '../support/command.js';
import { runInPage } from '../support/guests.js';
import { launch, site } from '../support/site.js';
import { runScenarios } from './runner.js';
import { refusedOrigin, scenarioListener, scenarioServer } from './server.js';
import { runsOf, textOf } from './text.js';

/** @typedef {import('./reduce.js').Scenario} Scenario */
/** @typedef {import('./reduce.js').Run} Run */
/** @typedef {(scenarios: Scenario[]) => Promise<Run[]>} RunAll */

/**
 * With a server of theirs. What goes wrong in it is thrown.
 * @param {Scenario[]} scenarios
 * @param {(at: { base: string, refused: string }, server: Awaited<ReturnType<typeof scenarioServer>>) => Promise<Run[]>} runAll
 */
export async function served(scenarios, runAll) {
  const server = await scenarioServer(scenarios);
  try {
    const runs = await runAll({ base: server.origin, refused: await refusedOrigin() }, server);
    if (server.faults.length > 0) throw server.faults[0];
    return runs;
  } finally {
    await server.close();
  }
}

/** @param {string} built a file @param {string} verb of build.sh */
function needs(built, verb) {
  if (!existsSync(built)) throw new Error(`${built} is missing: ./build.sh ${verb}`);
  return built;
}

/** @type {RunAll} */
export const native = (scenarios) => served(scenarios, async (at) => {
  const { code, stdout, stderr } = await run(needs(join(ROOT, 'build/conformance/runner'), 'native'), [textOf(scenarios, at)]);
  if (code !== 0 || stderr !== '') throw new Error(`the runner ended with ${code}: ${stderr}`);
  return runsOf(stdout.toString().trimEnd().split('\n'));
});

/** @param {() => import('../../js/hosts/door.js').Host} host @returns {RunAll} */
const inNode = (host) => (scenarios) => served(scenarios, (at) =>
  runScenarios({ Transfer, Multi, ...at, scenarios, makeMulti: () => new Multi({ host: host() }) }));
export const nodeSockets = inNode(nodeHost), nodeFetch = inNode(fetchHost);

/** @param {() => Promise<any>} start the browser @returns {RunAll} */
export const inBrowser = (start) => async (scenarios) => {
  const [browser, here] = await Promise.all([start(), site()]);
  const faults = /** @type {unknown[]} */ ([]);
  try {
    here.on('/c/*', scenarioListener(scenarios, faults));
    const page = await browser.newPage();
    await page.goto(here.page('/', '/test/conformance/runner.js'));
    const args = { base: here.url(''), refused: await refusedOrigin(), scenarios };
    const runs = await page.evaluate(async (given) => {
      const from = (/** @type {string} */ path) => import(path);
      const [{ runScenarios: runHere }, sluice] = await Promise.all([from('/test/conformance/runner.js'), from('/js/browser.js')]);
      return runHere({ ...sluice, ...given });
    }, args);
    if (faults.length > 0) throw faults[0];
    return runs;
  } finally {
    await browser.close();
    await here.close();
  }
};
export const chromium = inBrowser(launch);

/** Compiled by emcc, in a page. @param {'asyncify' | 'jspi'} how @returns {RunAll} */
export const emscripten = (how) => (scenarios) => served(scenarios, async (at, server) => {
  const lines = /** @type {string[]} */ ([]);
  const module = needs(join(ROOT, `build/emscripten/runner.fetch.${how}.mjs`), 'emscripten');
  const code = await runInPage(server, module, [textOf(scenarios, at)], (line) => lines.push(line));
  if (code !== 0) throw new Error(`the runner ended with ${code}: ${lines.at(-1)}`);
  return runsOf(lines);
});

/** Compiled by clang, as the guest of a host that lends it host.h and nothing else. @type {RunAll} */
export const plugin = (scenarios) => served(scenarios, async (at) => {
  const lines = /** @type {string[]} */ ([]);
  const module = new WebAssembly.Module(readFileSync(needs(join(ROOT, 'build/guests/runner.wasm'), 'wasm')));
  const guest = runGuest(module, { args: [textOf(scenarios, at)], onLine: (line) => lines.push(line) });
  try {
    const code = await guest.done;
    if (code !== 0 || guest.open > 0) throw new Error(`the runner ended with ${code} and ${guest.open} open channels: ${lines.at(-1)}`);
  } finally {
    await guest.terminate();
  }
  return runsOf(lines);
});

/** How a program is run there. @type {Record<string, string[]>} */
const RUN = { bun: ['run'], deno: ['run', '--allow-all'] };

/** In another runtime of JavaScript. @param {'bun' | 'deno'} name @param {string} program @param {boolean} overFetch or over its sockets @returns {RunAll} */
export const elsewhere = (name, program, overFetch) => (scenarios) => served(scenarios, async (at) => {
  const words = JSON.stringify({ ...at, scenarios, overFetch });
  const { code, stdout, stderr } = await run(program, [...RUN[name], join(ROOT, 'test/conformance/child.js'), words]);
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout.toString());
});
