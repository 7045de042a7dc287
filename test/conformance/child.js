// The scenarios in the runtime that runs this program, with the package as that runtime loads it. Arguments, and the runs on
// stdout, are JSON. For under.js.
import * as sluice from 'sluice';
import { runScenarios } from './runner.js';

const { over, ...given } = JSON.parse(process.argv[2]);
const makeMulti = () => new sluice.Multi({ host: over === 'fetch' ? sluice.fetchHost() : sluice.nodeHost() });
console.log(JSON.stringify(await runScenarios({ ...sluice, ...given, makeMulti })));
