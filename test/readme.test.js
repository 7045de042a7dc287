// The README says what is true: its examples run as they stand, its commands exist.
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pattern, sha256 } from './support/bytes.js';
import { ROOT, example, readme, run } from './support/command.js';

const bodies = { '/large': pattern(8 * 1048576), '/small': pattern(1000), '/text': Buffer.from('words and more words\n'.repeat(50000)) };
let server, url, connections;

beforeAll(async () => {
  server = http.createServer((request, response) => response.end(bodies[request.url])).listen(0, '127.0.0.1');
  server.on('connection', () => connections++);
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}`;
});
beforeEach(() => { connections = 0; });
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
});

const runExample = (path) => run(process.execPath, ['--input-type=module', '-', url + path], { input: example('js') });

test('the JavaScript example: started, paused, resumed, aborted at its limit', async () => {
  const from = Date.now();
  const { code, stdout, stderr } = await runExample('/large');
  expect([code, stderr]).toEqual([0, '']);
  expect(String(stdout)).toMatch(/^status 200\npaused by call at \d+\nAbortError CURLE_ABORTED_BY_CALLBACK 42\n$/);
  expect(Date.now() - from).toBeGreaterThan(500); // the pause
  expect(connections).toBe(1);
});

test('the JavaScript example with a body below its limit: complete', async () => {
  const { code, stdout } = await runExample('/small');
  expect([code, String(stdout)]).toEqual([0, expect.stringMatching(/complete: 1000\n$/)]);
});

test('it is about 20 lines', () => {
  expect(example('js').trimEnd().split('\n').length).toBeLessThanOrEqual(22);
});

test('the C example compiles as the README says, and runs', async () => {
  const library = join(ROOT, 'dist/native/libsluice.a');
  if (!existsSync(library)) throw new Error('dist/native/libsluice.a is missing: ./build.sh native');
  const command = /^ {4}cc (prog\.c .*)$/m.exec(readme())[1].split(' ');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-readme-'));
  try {
    const program = join(folder, 'prog');
    writeFileSync(`${program}.c`, example('c'));
    const args = command.map((word) => (word === 'prog.c' ? `${program}.c` : word));
    const made = await cc([...args, '-Wall', '-Wextra', '-Werror', '-o', program]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout } = await run(program, [`${url}/large`]);
    expect([code, sha256(stdout)]).toEqual([0, sha256(bodies['/large'])]);
    const refused = await run(program, ['https://127.0.0.1/']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^\(1\) .+\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60000);

/** `cc`, or the compiler that built the library where there is none. */
async function cc(args) {
  for (const compiler of ['cc', 'clang', 'clang-22']) {
    try {
      return await run(compiler, args);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  throw new Error('there is no C compiler');
}

/** The commands that are printed for C, in their blocks. */
const blocks = () => {
  const [, text] = /^## In C\n([^]*?)^## /m.exec(readme());
  return [...text.matchAll(/(?:^ {4}\S.*\n)+/gm)].map(([block]) => block.split('\n').map((line) => line.trim()).filter(Boolean));
};
const leftOut = existsSync(join(ROOT, 'build/tools/without_emcc'));

test.each(blocks().map((block) => [block.at(-1), block]))('what is printed for C runs as it stands, after its own verb: %s', async (_last, block) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-printed-'));
  try {
    for (const name of ['c', 'dist', 'test']) symlinkSync(join(ROOT, name), join(folder, name));
    writeFileSync(join(folder, 'prog.c'), example('c'));
    const runs = block.filter((line) => !line.startsWith('./build.sh ')); // the verbs were run before the tests
    if (leftOut && block.some((line) => line.includes('emcc'))) return; // no emcc to be had here
    if (block[0].startsWith('./build.sh install')) return; // install.test.js
    const path = block.some((line) => line.includes('emcc')) ? '/text' : '/large'; // Emscripten's output is text
    let outcome;
    for (const line of runs) {
      outcome = await run('bash', ['-ec', line.replace('http://localhost:8080/big.iso', url + path)], { cwd: folder });
      expect({ line, ...outcome }).toMatchObject({ code: 0, stderr: '' });
    }
    if (runs.length > 1) expect(sha256(outcome.stdout)).toBe(sha256(bodies[path]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120000);

test('every command that it names is a verb of build.sh', () => {
  const main = readFileSync(join(ROOT, 'build.sh'), 'utf8');
  const parts = [...main.matchAll(/^source (\S+)$/gm)].map(([, file]) => readFileSync(join(ROOT, file), 'utf8'));
  const script = [main, ...parts].join('');
  const named = [...readme().matchAll(/\.\/build\.sh ([a-z]+)/g)].map(([, verb]) => verb);
  expect(named).toEqual(expect.arrayContaining(['run', 'test', 'native', 'help']));
  for (const verb of named) expect(script).toContain(`\nverb_${verb}() {`);
});

test('every option and limit that it names exists', () => {
  const js = readFileSync(join(ROOT, 'js/options.js'), 'utf8');
  const c = ['curl/curl.h', 'sluice/sluice.h'].map((name) => readFileSync(join(ROOT, 'c/include', name), 'utf8')).join('');
  const [, limits] = readme().split('\n## Limits\n');
  for (const [, name] of limits.matchAll(/^\| `(\w+)/gm)) expect(js).toContain(`[${name}]`);
  for (const [name] of readme().matchAll(/\b(CURLOPT|SLUICEOPT|CURLE)_[A-Z_]+[A-Z]\b/g)) expect(c).toMatch(new RegExp(`\\b${name}\\b`));
});
