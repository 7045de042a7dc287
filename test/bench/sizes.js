// What a user downloads: the modules, and the JavaScript of an entry as a bundler leaves it. `node test/bench/sizes.js --write`
// makes today's figures the ones that test/package.test.js holds: a growth is a decision.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import esbuild from 'esbuild';

export const KEPT = new URL('sizes.json', import.meta.url);
const SLUICE_MAX = 200_000, FETCH_MAX = 20_480, JS_MAX = 14_000; // bytes, gzip: the goals
const root = (path) => new URL(`../../${path}`, import.meta.url).pathname;

function bundle(entry, platform) {
  const { outputFiles } = esbuild.buildSync({ entryPoints: [root(entry)], bundle: true, minify: true, format: 'esm', platform, write: false, logLevel: 'error' });
  return outputFiles[0].contents;
}

const sizeOf = (bytes) => ({ bytes: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length });

/** The JavaScript of the package as it is installed. */
const installed = () => Object.fromEntries(readdirSync(root('dist')).filter((name) => /\.c?js$/.test(name))
  .map((name) => [`dist/${name}`, sizeOf(readFileSync(root(`dist/${name}`)))]));

/** @returns {Record<string, { bytes: number, gzip: number }>} */
export function figuresNow() {
  const parts = {
    'sluice.wasm': readFileSync(root('dist/sluice.wasm')),
    'sluice-fetch.wasm': readFileSync(root('dist/sluice-fetch.wasm')),
    'JavaScript for browsers, minified': bundle('js/browser.js', 'browser'),
    'JavaScript for Node.js, minified': bundle('js/index.js', 'node'),
  };
  return Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, sizeOf(bytes)]));
}

export function measureSizes() {
  const figures = figuresNow();
  const goal = (name, limit) => ({ name: `${name}, gzip`, limit, measured: figures[name].gzip, reached: figures[name].gzip <= limit });
  return {
    figures,
    lines: [['', 'bytes', 'gzip'], ...Object.entries({ ...figures, ...installed() }).map(([name, { bytes, gzip }]) => [name, String(bytes), String(gzip)])],
    goals: [goal('sluice.wasm', SLUICE_MAX), goal('sluice-fetch.wasm', FETCH_MAX), goal('JavaScript for browsers, minified', JS_MAX), goal('JavaScript for Node.js, minified', JS_MAX)],
  };
}

if (process.argv[2] === '--write') writeFileSync(KEPT, `${JSON.stringify(figuresNow(), null, 2)}\n`);
