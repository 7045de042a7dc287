// Row of the specification -> the tests that carry its name. As a program: `node test/index/spec-index.js --write` writes
// test/SPEC-INDEX.md; without --write it prints it.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expectedOn } from '../conformance/reduce.js';
import { ROWS, TRAPS } from './rows.js';

const TEST = fileURLToPath(new URL('..', import.meta.url));
export const INDEX = `${TEST}SPEC-INDEX.md`;
const ROW = /\b[PWRTLSGXKHBFU]\d{1,2}\b/g;

const filesOf = (dir, ext) => readdirSync(`${TEST}${dir}`).filter((name) => name.endsWith(ext)).map((name) => `${dir}${name}`).sort();
const exists = (dir) => statSync(`${TEST}${dir}`, { throwIfNoEntry: false })?.isDirectory();
const rowsIn = (text) => text.match(ROW) ?? [];

/** C: CHECK(ROW, ...) belongs to the function around it; the simulator's violations and the scenes name theirs in a text, and
 * so do the scenarios with the simulator: "F6, F7: what". */
function* testsInC() {
  for (const file of ['c/', 'sim/', 'differential/', 'inject/'].filter(exists).flatMap((dir) => filesOf(dir, '.c'))) {
    let where = '';
    for (const line of readFileSync(`${TEST}${file}`, 'latin1').split('\n')) {
      where = /^(?:static )?\w[\w *]*?\b(\w+)\([^;]*$/.exec(line)?.[1] ?? where;
      const check = /\bCHECK\w*\((\w+)/.exec(line) ?? /\bsim_violate\([^"]*"([^:"]*):/.exec(line);
      const scene = /^ {2}\{ "([A-Z]\d[^"]*)", \w+ \},$/.exec(line)?.[1];
      if (scene) for (const row of rowsIn(scene)) yield { row, test: `${file} ${scene}` };
      if (check) for (const row of rowsIn(check[1])) yield { row, test: `${file} ${where}` };
      if (!file.startsWith('c/sim_')) continue;
      for (const [, rows] of line.matchAll(/"([PWRTLSGXKHBFU]\d{1,2}(?:, [PWRTLSGXKHBFU]\d{1,2})*)[:"]/g)) for (const row of rowsIn(rows)) yield { row, test: `${file} ${where}` };
    }
  }
}

/** JavaScript: rows in the title of a test, or of the group around it. */
function* testsInJs() {
  for (const file of filesOf('', '.test.js')) {
    const groups = [];
    for (const line of readFileSync(`${TEST}${file}`, 'utf8').split('\n')) {
      const call = /^(\s*)(describe|test|it)\b.*?\(\s*(['"`])(.*?)\3,/.exec(line);
      if (!call) continue;
      const [, indent, kind, , title] = call;
      while (groups.length && groups.at(-1).indent >= indent.length) groups.pop();
      if (kind === 'describe') groups.push({ indent: indent.length, title });
      else for (const row of new Set(rowsIn([...groups.map((g) => g.title), title].join(' ')))) yield { row, test: `${file} ${title}` };
    }
  }
}

/** A scenario of conformance/ that is run natively is a test of C, one in Node.js of JavaScript. */
function* scenarios(host) {
  for (const scenario of JSON.parse(readFileSync(`${TEST}conformance/scenarios.json`, 'utf8'))) {
    if (expectedOn(scenario, host).trace === undefined) continue;
    for (const row of rowsIn(scenario.rows)) yield { row, test: `conformance/scenarios.json ${scenario.name}` };
  }
}

/** { rows: [{ row, says, c: [test], js: [test], except }], unknown: [test that names no row there is] } */
export function collect() {
  const all = [...ROWS, ...TRAPS].map(([row, says, except = {}]) => ({ row, says, except, c: [], js: [], trap: /^[FU]/.test(row) }));
  const byRow = new Map(all.map((entry) => [entry.row, entry]));
  const unknown = [];
  const note = (face, { row, test }) => {
    const entry = byRow.get(row);
    if (!entry) unknown.push(`${row}: ${test}`);
    else if (!entry[face].includes(test)) entry[face].push(test);
  };
  for (const found of testsInC()) note('c', found);
  for (const found of testsInJs()) note('js', found);
  for (const found of scenarios('native')) note('c', found);
  for (const found of scenarios('node-sockets')) note('js', found);
  return { rows: all, unknown };
}

/** What a row lacks: nothing, or one of 'C', 'JavaScript', for a trap 'C or JavaScript'. */
export function missing({ c, js, except, trap }) {
  if (except.waits) return [];
  if (trap) return c.length + js.length ? [] : ['C or JavaScript'];
  return [...(c.length || except.c ? [] : ['C']), ...(js.length || except.js ? [] : ['JavaScript'])];
}

const SHOWN = 4; // tests named in a cell
const cell = (tests, why) => {
  if (!tests.length) return why ? `(${why})` : '';
  const names = tests.slice(0, SHOWN).map((name) => `\`${name.replaceAll('|', '/').replaceAll('`', "'")}\``).join('<br>');
  return names + (tests.length > SHOWN ? `<br>and ${tests.length - SHOWN} more` : '');
};

/** The text of SPEC-INDEX.md. */
export function render({ rows }) {
  const line = ({ row, says, c, js, except }) => {
    const wait = except.waits && `waits for ${except.waits}`;
    return `| ${row} | ${says} | ${cell(c, wait ?? except.c)} | ${cell(js, wait ?? except.js)} |`;
  };
  const table = (title, list) => [`## ${title}`, '', '| row | what it says | C | JavaScript |', '|--|--|--|--|', ...list.map(line), ''];
  return ['# Which test proves which row', '',
    'Generated: `node test/index/spec-index.js --write`. A test fails when a row has no test and no reason, or when this file is out of date.',
    '', ...table('Rows', rows.filter((r) => !r.trap)), ...table('Traps', rows.filter((r) => r.trap))].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = collect();
  if (process.argv.includes('--write')) writeFileSync(INDEX, render(found));
  else process.stdout.write(render(found));
  for (const entry of found.rows) if (missing(entry).length) console.error(`${entry.row}: no test in ${missing(entry).join(', ')}: ${entry.says}`);
  for (const name of found.unknown) console.error(`no such row: ${name}`);
}
