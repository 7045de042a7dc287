// bun child.js WORDS, or deno, or node: the scenarios in this runtime, with the package as its conditions give it. WORDS is JSON:
// { base, refused, scenarios, overFetch }. The runs go to stdout, as JSON.
import { Multi, Transfer, fetchHost } from 'sluice';
import { runScenarios } from './runner.js';

const { overFetch, ...words } = JSON.parse(process.argv[2]);
const makeMulti = () => (overFetch ? new Multi({ host: fetchHost() }) : new Multi());
process.stdout.write(JSON.stringify(await runScenarios({ Transfer, Multi, makeMulti, ...words })));
