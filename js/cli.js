#!/usr/bin/env node
// js/cli.js: the command line: one transfer; with --scenes it shows on real transfers what Sluice does. The exit code is a
// CURLcode; 1 when a scene failed.
import { readArguments, USAGE, UsageError } from './cli/args.js';
import { download } from './cli/download.js';
import { VERSION } from './options.js';

const WRONG_USAGE = 2;

/** @param {string[]} argv @returns {Promise<number>} exit code */
async function main(argv) {
  const asked = readArguments(argv);
  if (asked.show === 'help') process.stdout.write(USAGE);
  else if (asked.show === 'version') process.stdout.write(`sluice ${VERSION}\n`);
  else if (asked.job) return download(asked.job);
  else if (asked.scenes) return (await import('./cli/scenes.js')).playScenes(process.stdout, asked.scenes());
  else {
    process.stderr.write(USAGE);
    return WRONG_USAGE;
  }
  return 0;
}

process.stderr.on('error', () => {}); // nobody reads it: not a reason to stop
let code;
try {
  code = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`sluice: ${error.message}\n`);
  code = error.exitCode;
}
// After a failure a pipe that nobody reads may hold what was written to it: that is not waited for.
if (code === 0) process.exitCode = 0;
else process.stderr.write('', () => process.exit(code));
