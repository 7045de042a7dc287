// A program of ours as a child process, and what the README says to run.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CLI = fileURLToPath(new URL('../../js/cli.js', import.meta.url));
const KILL_MS = 60000; // a child that hangs is ended, and its test fails

/**
 * @param {string} program @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, input?: string, read?: boolean, ms?: number }} [options] ms: instead of a minute; read false: its output is
 *   left to the caller
 * @returns {{ child: import('node:child_process').ChildProcess, stderr: () => string,
 *   done: Promise<{ code: number | null, stdout: Buffer, stderr: string }> }}
 */
export function start(program, args, { cwd = ROOT, env = process.env, input = '', read = true, ms = KILL_MS } = {}) {
  const child = spawn(program, args, { cwd, env, stdio: 'pipe', timeout: ms, killSignal: 'SIGKILL' });
  const out = [];
  let errors = '';
  if (read) child.stdout.on('data', (bytes) => out.push(bytes));
  child.stderr.on('data', (bytes) => (errors += bytes));
  child.stdin.on('error', () => {}).end(input);
  const done = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(out), stderr: errors }));
  });
  return { child, stderr: () => errors, done };
}

/** @param {string} program @param {string[]} args @param {Parameters<typeof start>[2]} [options] */
export const run = (program, args, options) => start(program, args, options).done;

export const readme = () => readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The one block of code in that language. @param {'js' | 'c'} language */
export function example(language) {
  const blocks = [...readme().matchAll(new RegExp('^```' + language + '\\n(.*?)^```$', 'gms'))];
  if (blocks.length !== 1) throw new Error(`README.md has ${blocks.length} blocks of ${language}`);
  return blocks[0][1];
}
