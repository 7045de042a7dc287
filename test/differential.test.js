// The scenes of test/differential with Debian's libcurl and with Sluice: the same trace, but for what differences.txt lists.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agree, difference, parse } from './differential/compare.js';
import { run } from './support/command.js';

const PROGRAMS = { libcurl: 'build/differential/libcurl', sluice: 'build/differential/sluice' }; // build.sh makes them
const COMPARED = /^libcurl\/7\.88\./; // what differences.txt is about
const AT_A_TIME = 8; // they mostly wait
const TRIES = 3;     // of a scene that differs: on a busy machine times do
const ALL_MS = 600000;

const there = Object.values(PROGRAMS).every((path) => existsSync(fileURLToPath(new URL(`../${path}`, import.meta.url))));
const listed = parse(readFileSync(new URL('./differential/differences.txt', import.meta.url), 'utf8'));

/** What it prints. @param {string} program @param {string[]} args */
async function lines(program, ...args) {
  const { code, stdout, stderr } = await run(program, args);
  const printed = String(stdout).split('\n').slice(0, -1);
  return code === 0 ? printed : [...printed, `ended by ${code ?? 'a signal'} ${stderr}`];
}

const [version, ...scenes] = there ? await lines(PROGRAMS.libcurl) : [''];
const comparable = COMPARED.test(version);
if (!comparable) {
  const why = there ? `this is ${version}, and differences.txt is about 7.88` : './build.sh test found no libcurl to compare with';
  if (process.env.CI) throw new Error(why);
  process.stderr.write(`\n*** NOT TESTED: Sluice beside libcurl: ${why} ***\n\n`);
}

const found = new Map();
async function compare(name) {
  const wanted = listed.get(name)?.lines ?? [];
  for (let i = 0; i < TRIES; i++) {
    found.set(name, difference(...await Promise.all([lines(PROGRAMS.libcurl, name), lines(PROGRAMS.sluice, name)])));
    if (agree(wanted, found.get(name))) break;
  }
}

beforeAll(async () => {
  const left = comparable ? [...scenes] : [];
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    for (let name; (name = left.shift()) !== undefined;) await compare(name);
  }));
}, ALL_MS);

test('each scene begins with its rows and is there once; a listed difference has a scene and a reason with its row', () => {
  if (comparable) expect(scenes.filter((name) => !/^([A-Z]\d+ )+\S/.test(name))).toEqual([]);
  expect(new Set(scenes).size).toBe(scenes.length);
  for (const [name, { reasons, lines: differ }] of listed) {
    if (comparable) expect(scenes).toContain(name);
    expect([name, reasons.length && reasons.every((reason) => /^[A-Z]\d+[:, ]/.test(reason)), differ.length > 0]).toEqual([name, true, true]);
  }
});

(comparable ? test.each(scenes) : test.skip.each(['libcurl']))('%s', (name) => {
  expect(found.get(name)).toAgreeWith(listed.get(name)?.lines ?? []);
});

expect.extend({
  /** Both ways: an unlisted difference fails, and a listed one that does not show. */
  toAgreeWith: (received, expected) => ({
    pass: agree(expected, received),
    message: () => `- libcurl, + Sluice\n\nlisted in differences.txt:\n${expected.join('\n')}\n\nfound:\n${received.join('\n')}`,
  }),
});
