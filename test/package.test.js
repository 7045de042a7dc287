// The package as users get it: what is in it, and that it runs where there is nothing but Node.js.
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import esbuild from 'esbuild';
import { ROOT, example, run } from './support/command.js';
import { pattern, sha256 } from './support/bytes.js';
import { figuresNow, KEPT } from './bench/sizes.js';

const body = pattern(8 * 1048576);
const GROWTH = 1.03;
const ENTRIES = { index: 'inline-node', cli: 'cli', browser: 'browser', inline: 'inline', workerd: 'workerd' }; // and their sources
const INSTALL_MS = 60000, GIT_MS = 300000;
let folder, bin, env, server, url, held;

/** Files below a folder, as paths relative to the root. */
const below = (path) => readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(ROOT.length));

/** @param {string} program */
const onPath = (program) => process.env.PATH.split(delimiter).map((path) => join(path, program)).find((path) => existsSync(path));

const ok = async (program, args, options) => {
  const { code, stdout, stderr } = await run(program, args, { cwd: folder, env, ...options });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
  return String(stdout);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-package-'));
  // No compiler, no shell tools: only what npm itself starts.
  bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync(onPath('npm'), join(bin, 'npm'));
  env = { PATH: bin, HOME: folder, npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' };
  server = http.createServer((request, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}/`;
}, INSTALL_MS);
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the tarball holds the module, JavaScript, types, LICENSE, NOTICES, README.md, package.json, and nothing else', async () => {
  await ok('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(tarball).toBe(`sluice-${version}.tgz`);
  held = (await ok('tar', ['tzf', tarball], { env: process.env })).trimEnd().split('\n');
  const sources = below('js').filter((path) => path.endsWith('.js') && !path.startsWith('js/demo/'));
  const types = [...sources.map((path) => path.replace(/^js(.*)\.js$/, 'dist/types$1.d.ts')), 'dist/types/require.d.cts'];
  const bundles = Object.keys(ENTRIES).flatMap((name) => [`dist/${name}.js`, `dist/${name}.js.map`]);
  const wanted = ['LICENSE', 'README.md', 'package.json', 'dist/NOTICES', 'dist/sluice.wasm', 'dist/sluice-fetch.wasm', 'dist/require.cjs', ...bundles, ...sources, ...types];
  expect([...held].sort()).toEqual(wanted.map((path) => `package/${path}`).sort());
}, INSTALL_MS);

test('installed in an empty folder, without network and compilers, it runs', async () => {
  const app = join(folder, 'app');
  mkdirSync(app);
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  await ok('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, tarball)], { cwd: app });
  expect(readdirSync(join(app, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['sluice']); // no dependencies

  writeFileSync(join(app, 'example.mjs'), example('js'));
  const said = await ok('node', ['example.mjs', url], { cwd: app });
  expect(said).toMatch(/^status 200\npaused by call at \d+\nAbortError CURLE_ABORTED_BY_CALLBACK 42\n$/);

  await ok(join(app, 'node_modules/.bin/sluice'), [url, '-o', 'body'], { cwd: app, env: { ...env, PATH: `${bin}${delimiter}/usr/bin` } });
  expect(sha256(readFileSync(join(app, 'body')))).toBe(sha256(body));
}, INSTALL_MS);

test('publint and arethetypeswrong find nothing', async () => {
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  expect(await ok(process.execPath, [join(ROOT, 'test/support/lint-package.js'), join(folder, tarball)], { cwd: ROOT })).toBe('');
}, INSTALL_MS);

describe('types, as strictly as they can be checked', () => {
  const DOM = 'es2022,dom,dom.iterable';
  const LIBRARIES = [['without the DOM library', 'es2022', true], ['in a page, with Node.js as well', DOM, true], ['in a page', DOM, false]];
  /** @param {string} program what tsc is of @param {string[]} args */
  const check = async (program, lib, node, args) => {
    const app = join(folder, 'app'), types = node ? ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'] : ['--typeRoots', join(folder, 'none')];
    for (const name of ['use.mts', 'use.cts']) copyFileSync(join(ROOT, 'test/types', name), join(app, name));
    return ok(process.execPath, [join(ROOT, 'node_modules', program, 'bin/tsc'), '--noEmit', '--strict', '--exactOptionalPropertyTypes',
      '--target', 'es2022', '--lib', lib, ...types, ...args], { cwd: app });
  };
  describe.each([['the oldest that is promised, 5.4', 'typescript-oldest'], ['the latest', 'typescript']])('TypeScript, %s', (_release, program) => {
    test.each(LIBRARIES)('%s', (_name, lib, node) => check(program, lib, node, ['--module', 'nodenext', 'use.mts']), INSTALL_MS);
    test('for a bundler', () => check(program, DOM, false, ['--module', 'esnext', '--moduleResolution', 'bundler', 'use.mts']), INSTALL_MS);
    test('by require()', () => check(program, 'es2022', true, ['--module', 'nodenext', 'use.cts']), INSTALL_MS);
  });
});

/** Runs a program in the folder where the package is installed. @returns {Promise<string>} what it said */
function program(name, source) {
  writeFileSync(join(folder, 'app', name), source);
  return ok('node', [name, url], { cwd: join(folder, 'app') });
}

test('require() and import give one instance, in sluice and in sluice/inline', async () => {
  const said = await program('require.cjs', `const sluice = require('sluice');
    Promise.all([import('sluice'), import('sluice/inline')]).then(async ([imported, inline]) => {
      const names = Object.keys(sluice).sort().join();
      console.log(names === Object.keys(imported).sort().join() && ['Transfer', 'Multi', 'TransferError'].every((name) =>
        [imported, inline, require('sluice/inline')].every((one) => one[name] === sluice[name])));
      console.log((await new sluice.Transfer(process.argv[2]).perform()).received, require('sluice/package.json').name);
    });`);
  expect(said).toBe(`true\n${body.length} sluice\n`);
}, INSTALL_MS);

test('what most programs never need is loaded when it is first used', async () => {
  const said = await program('lazy.mjs', `import { Transfer } from 'sluice';
    const loaded = () => ['net', 'tls', 'crypto', 'dns', 'http', 'worker_threads'].filter((name) => process.moduleLoadList.includes('NativeModule ' + name)).join();
    const before = loaded();
    await new Transfer(process.argv[2]).perform();
    await new Transfer('https://127.0.0.1:1/').perform().catch((error) => console.log(before, error.errno, loaded().includes('tls')));`);
  expect(said).toBe(' 7 true\n');
  // An import would load every getter of the module's too.
  expect(readFileSync(join(ROOT, 'dist/index.js'), 'utf8')).not.toMatch(/^(import|export)\b.*["']node:/m);
}, INSTALL_MS);

describe('bundled for Node.js', () => {
  const APP = { esm: "import { Transfer } from 'sluice';", cjs: "const { Transfer } = require('sluice');" };
  const REST = "\nnew Transfer(process.argv[2]).perform().then(({ received }) => console.log(received), (error) => console.log(error.message));";
  /** Bundles a program and runs it where the package is not. @param {object} options esbuild's */
  async function bundled(source, options) {
    const app = join(folder, 'app'), out = mkdtempSync(join(folder, 'bundle-'));
    const outfile = join(out, options.format === 'cjs' ? 'out.cjs' : 'out.mjs');
    await esbuild.build({ stdin: { contents: source + REST, resolveDir: app }, bundle: true, platform: 'node', outfile, logLevel: 'error', ...options });
    return ok('node', [outfile, url], { cwd: out });
  }
  test.each(['esm', 'cjs'].flatMap((format) => [[format, 'import', 'esm'], [format, 'require', 'cjs']]))('by esbuild, as %s, from %s: it works', async (format, _from, source) => {
    expect(await bundled(APP[source], { format })).toBe(`${body.length}\n`);
  }, INSTALL_MS);
  test('by Vite (Rolldown), with everything inside: it works', async () => {
    const root = join(folder, 'app'), out = mkdtempSync(join(folder, 'vite-'));
    writeFileSync(join(root, 'entry.js'), APP.esm + REST);
    writeFileSync(join(root, 'vite.config.mjs'), 'export default { ssr: { noExternal: true } };');
    await ok(process.execPath, [join(ROOT, 'node_modules/vite/bin/vite.js'), 'build', '--ssr', 'entry.js', '--outDir', out, '--logLevel', 'error'], { cwd: root });
    expect(await ok('node', [join(out, 'entry.mjs'), url], { cwd: out })).toBe(`${body.length}\n`);
  }, INSTALL_MS);
});

// Takes minutes, and compiles: what the build fetches must be here already, or to be had.
(process.env.SLUICE_CAMPAIGN ? test : test.skip)('a git dependency is built when it is installed; where it cannot be, that fails with words', async () => {
  const app = join(folder, 'git'), from = `git+${pathToFileURL(ROOT)}`;
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "private": true }');
  const install = (sources) => run('npm', ['install', '--no-audit', '--no-fund', from], { cwd: app, env: { ...process.env, SLUICE_C_SOURCES: sources }, ms: GIT_MS });
  const failed = await install('/none');
  expect([failed.code === 0, failed.stderr]).toEqual([false, expect.stringContaining('no picohttpparser/picohttpparser.c in SLUICE_C_SOURCES=/none')]);
  expect((await install(join(ROOT, 'build/src'))).code).toBe(0);
  writeFileSync(join(app, 'a.mjs'), "import { Transfer } from 'sluice';\nconsole.log((await new Transfer(process.argv[2]).perform()).received);");
  expect(await ok('node', ['a.mjs', url], { cwd: app })).toBe(`${body.length}\n`);
}, 3 * 300000);

test('each condition leads to a file that is packed; what was made of the module is of this module', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const placesOf = (one) => (typeof one === 'string' ? [one] : Object.values(one).flatMap(placesOf));
  expect(Object.keys(exports['.'])).toEqual(['workerd', 'deno', 'bun', 'node', 'browser', 'default']);
  expect(placesOf(exports).filter((place) => !held.includes(`package/${place.slice(2)}`))).toEqual([]);
  for (const [bundle, wasm] of [['inline', 'sluice-fetch'], ['index', 'sluice']]) {
    const module = readFileSync(join(ROOT, `dist/${wasm}.wasm`));
    expect(readFileSync(join(ROOT, `dist/${bundle}.js`), 'utf8')).toContain(`"${module.toString('base64')}"`);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(module)).every(({ module: from }) => ['sluice_host_1', 'sluice_app_1'].includes(from))).toBe(true);
  }
});

test.each(Object.entries(ENTRIES))('dist/%s.js is one readable file, and its map leads to sources that are packed', (name, source) => {
  const text = readFileSync(join(ROOT, `dist/${name}.js`), 'utf8');
  const { sources, mappings } = JSON.parse(readFileSync(join(ROOT, `dist/${name}.js.map`), 'utf8'));
  expect(text).toMatch(new RegExp(`\n//# sourceMappingURL=${name}\\.js\\.map\n$`));
  expect(text).not.toMatch(/^(import|export) .*from "\.\.?\/(?!.*\.wasm")|\bimport\("\./m);
  expect(text.split('\n').length).toBeGreaterThan(1000);
  expect(sources.filter((one) => !/\.wasm$/.test(one) && !held.includes(join('package/dist', one)))).toEqual([]);
  expect(sources).toContain(`../js/${source}.js`);
  expect(mappings.length).toBeGreaterThan(1000);
});

test('nobody downloads much more than was decided', () => {
  const kept = JSON.parse(readFileSync(KEPT, 'utf8')), now = figuresNow();
  const grown = Object.keys(now).filter((name) => !(now[name].gzip <= kept[name]?.gzip * GROWTH));
  expect(grown.map((name) => `${name}: ${kept[name]?.gzip} bytes gzipped are ${now[name].gzip}; if that is meant: node test/bench/sizes.js --write`)).toEqual([]);
});
