// What a user downloads: the module, and the JavaScript (without the command line tool) as published and without comments.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const MODULE_MAX = 200_000, JS_MAX = 14_000; // bytes
const BARE = 'build/bench/js';

function bundle(folder) {
  const files = ['', 'hosts'].flatMap((sub) => readdirSync(join(folder, sub)).filter((name) => name.endsWith('.js') && name !== 'cli.js').map((name) => join(folder, sub, name)));
  return Buffer.concat(files.map((path) => readFileSync(path)));
}

export function measureSizes() {
  rmSync(BARE, { recursive: true, force: true });
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'js/tsconfig.json', '--noEmit', 'false', '--emitDeclarationOnly', 'false',
    '--declaration', 'false', '--checkJs', 'false', '--removeComments', '--outDir', BARE], { stdio: 'ignore' });
  const parts = { 'sluice.wasm': readFileSync('dist/sluice.wasm'), 'JavaScript as published': bundle('js'), 'JavaScript without comments': bundle(BARE) };
  const figures = Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, { bytes: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length }]));
  const goal = (name, limit) => ({ name: `${name}, gzip`, limit, measured: figures[name].gzip, reached: figures[name].gzip <= limit });
  return {
    figures,
    lines: [['', 'bytes', 'gzip'], ...Object.entries(figures).map(([name, { bytes, gzip }]) => [name, String(bytes), String(gzip)])],
    goals: [goal('sluice.wasm', MODULE_MAX), goal('JavaScript without comments', JS_MAX)],
  };
}
