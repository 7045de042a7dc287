// Applies each mutant to a copy of the sources and runs simulator and C tests until one notices. `./build.sh mutants [TEXT]`:
// those whose file and name have TEXT; all by default. Fails when one survives, or does not fit the sources any more.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './mutants.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
mkdirSync(`${ROOT}build`, { recursive: true });
const WORK = mkdtempSync(`${ROOT}build/mutants-`);
const SEEDS = process.env.MUTANT_SEEDS ?? '6000';
const TEST_SECONDS = 60; // a mutant may wait for ever
const BUILD_SECONDS = 300;

/** Exit code (or signal) and output; never rejects. */
const run = (cwd, seconds, command, ...args) => new Promise((resolve) => {
  execFile(command, args, { cwd, timeout: seconds * 1000, killSignal: 'SIGKILL', maxBuffer: 1 << 26 }, (error, out, err) => {
    resolve({ failed: Boolean(error), why: error?.killed ? 'time' : error?.signal ?? error?.code, out: out + err });
  });
});

const build = (cwd) => run(cwd, BUILD_SECONDS, 'bash', '-c', `set -- help; . ./build.sh >/dev/null
  build_c_tests plain >&2; printf '%s\\n' "\${C_TESTS[@]}"
  glob sources 'test/sim/*.c'; compile build/native-plain "\${sources[@]}"
  produce build/sim/sluice-sim link_test "\${OBJECTS[@]}" build/native-plain/test.a; echo build/sim/sluice-sim`);

const programsOf = (built) => built.out.split('\n').filter((line) => line.startsWith('build/'));

function prepare(dir) {
  mkdirSync(`${dir}/build`, { recursive: true });
  for (const part of ['c', 'test/c', 'test/sim', 'build.sh', 'package.json', 'package-lock.json']) cpSync(`${ROOT}${part}`, `${dir}/${part}`, { recursive: true });
  for (const part of ['node_modules', 'build/src', 'build/tools']) symlinkSync(`${ROOT}${part}`, `${dir}/${part}`);
}

/** The name of the test that noticed, null when none did. */
async function noticed(dir, programs) {
  const [sim] = programs.slice(-1);
  const inOrder = [...programs.filter((p) => /unit_/.test(p)), sim, ...programs.filter((p) => p !== sim && !/unit_/.test(p))];
  for (const program of inOrder) {
    const args = program === sim ? ['1', SEEDS] : [];
    const { failed, why } = await run(dir, TEST_SECONDS, `./${program}`, ...args);
    if (failed) return `${program.replace(/.*\//, '')} (${why})`;
  }
  return null;
}

async function examine(dir, mutant) {
  const path = `${dir}/${mutant.file}`;
  const source = readFileSync(path, 'utf8');
  const parts = source.split(mutant.from);
  if (parts.length !== 2) return { verdict: 'stale', detail: `its text occurs ${parts.length - 1} times in ${mutant.file}` };
  writeFileSync(path, parts.join(mutant.to));
  try {
    const built = await build(dir);
    if (built.failed) return { verdict: 'stale', detail: `it does not build:\n${built.out.slice(-800)}` };
    const by = await noticed(dir, programsOf(built));
    if (by) return { verdict: 'killed', detail: by };
    return mutant.survives ? { verdict: 'excused', detail: mutant.survives } : { verdict: 'SURVIVED', detail: `${mutant.rows}, ${mutant.file}` };
  } finally {
    writeFileSync(path, source);
  }
}

const chosen = MUTANTS.filter(({ name, file }) => !process.argv[2] || `${file}: ${name}`.includes(process.argv[2]));
const queue = [...chosen];
const counts = {};
process.on('exit', () => rmSync(WORK, { recursive: true, force: true }));
await Promise.all(Array.from({ length: Math.min(availableParallelism(), chosen.length) }, async (_, n) => {
  const dir = `${WORK}/${n}`;
  prepare(dir);
  const sound = await build(dir);
  if (sound.failed) throw new Error(`the sources do not build:\n${sound.out.slice(-2000)}`);
  const noise = n === 0 && await noticed(dir, programsOf(sound));
  if (noise) throw new Error(`${noise} fails without any mutant`);
  for (let mutant; (mutant = queue.shift());) {
    const { verdict, detail } = await examine(dir, mutant);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    console.log(`${verdict.padEnd(8)} ${mutant.name}: ${detail}`);
  }
}));
console.log(`${chosen.length} mutants: ${Object.entries(counts).map(([verdict, n]) => `${n} ${verdict}`).join(', ')}`);
process.exitCode = counts.SURVIVED || counts.stale ? 1 : 0;
