// Every row of the specification has a test that carries its name, or the part it waits for.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { INDEX, collect, missing, render } from './index/spec-index.js';

const found = collect();

test('no row is without a test', () => {
  expect(found.rows.flatMap((entry) => missing(entry).map((face) => `${entry.row} in ${face}: ${entry.says}`))).toEqual([]);
});

test('no test names a row that does not exist', () => {
  expect(found.unknown).toEqual([]);
});

test('SPEC-INDEX.md is up to date (node test/index/spec-index.js --write)', () => {
  expect(readFileSync(INDEX, 'utf8')).toBe(render(found));
});

test('a row that loses its tests is noticed', () => {
  const row = found.rows.find((entry) => entry.row === 'P6');
  expect(missing({ ...row, js: [] })).toEqual(['JavaScript']);
  expect(missing({ ...row, c: [], js: [] })).toEqual(['C', 'JavaScript']);
});

describe('SPEC.md', () => {
  const top = fileURLToPath(new URL('..', import.meta.url));
  const spec = new Set(Array.from(readFileSync(`${top}test/SPEC.md`, 'utf8').matchAll(/^\| ([A-Z]\d+) \|/gm), ([, row]) => row));

  test('has the rows of the index, but for the traps', () => {
    expect([...spec].sort()).toEqual(found.rows.filter((entry) => !entry.trap).map((entry) => entry.row).sort());
  });

  test('has every row that the sources cite', () => {
    const sources = ['c', 'js'].flatMap((dir) => readdirSync(`${top}${dir}`, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && /\.[ch]$|\.js$/.test(entry.name)).map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`);
    const cited = sources.flatMap((file) => (readFileSync(file, 'utf8').match(/\b[PWRTLSGXKHB]\d{1,2}\b(?=[,):;. ]|$)/gm) ?? []).map((row) => ({ file, row })));
    expect(cited.length).toBeGreaterThan(100);
    expect(cited.filter(({ row }) => !spec.has(row))).toEqual([]);
  });
});
