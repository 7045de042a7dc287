// Every row of the specification has a test that carries its name, or the part it waits for.
import { readFileSync } from 'node:fs';
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
