// The scenarios under another runtime: `node test/conformance/under.js HOST sockets|fetch PROGRAM [ARGUMENT ...]`. HOST is its name in
// scenarios.json, PROGRAM runs a file of JavaScript. The server is in this process. Says what differs; fails when something does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ROOT, run } from '../support/command.js';
import { served } from './hosts.js';
import { expectedOn, reduced } from './reduce.js';

const [host, over, program, ...args] = process.argv.slice(2);
/** @type {import('./reduce.js').Scenario[]} */
const scenarios = JSON.parse(readFileSync(new URL('scenarios.json', import.meta.url), 'utf8'));
const here = scenarios.filter((scenario) => expectedOn(scenario, host).trace !== undefined);

const runs = await served(here, async (at) => {
  const { code, stdout, stderr } = await run(program, [...args, join(ROOT, 'test/conformance/child.js'), JSON.stringify({ ...at, over, scenarios: here })]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout.toString());
});
const wrong = here.filter((scenario, i) => !isDeepStrictEqual(reduced(runs[i]), expectedOn(scenario, host).trace));
for (const { name } of wrong) {
  const { trace } = expectedOn(/** @type {any} */ (here.find((one) => one.name === name)), host);
  console.log(`${name}\n  expected ${trace?.join(' | ')}\n  was      ${reduced(runs.find((one) => one.name === name)).join(' | ')}`);
}
console.log(`${host}: ${here.length - wrong.length} of ${here.length} scenarios as expected`);
process.exitCode = wrong.length > 0 ? 1 : 0;
