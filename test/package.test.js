// The package as users get it: what is in it, and that it runs where there is nothing but Node.js.
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ROOT, example, run } from './support/command.js';
import { pattern, sha256 } from './support/bytes.js';
import { figuresNow, KEPT } from './bench/sizes.js';

const body = pattern(8 * 1048576);
const GROWTH = 1.03;
const INSTALL_MS = 60000;
let folder, bin, env, server, url;

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
  const held = (await ok('tar', ['tzf', tarball], { env: process.env })).trimEnd().split('\n');
  const sources = below('js').filter((path) => path.endsWith('.js') && !path.startsWith('js/demo/'));
  const types = sources.map((path) => path.replace(/^js(.*)\.js$/, 'dist/types$1.d.ts'));
  const wanted = ['LICENSE', 'README.md', 'package.json', 'dist/NOTICES', 'dist/sluice.wasm', 'dist/sluice-fetch.wasm', 'dist/inline.js', ...sources, ...types];
  expect(held.sort()).toEqual(wanted.map((path) => `package/${path}`).sort());
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

  // What TypeScript sees of it, checked as strictly as it can.
  writeFileSync(join(app, 'use.mts'), `import { Multi, Transfer, TransferError, nodeHost, type Result } from 'sluice';
    const transfer = new Transfer('${url}', { multi: new Multi({ host: nodeHost() }), lowSpeed: { bytesPerSecond: 1, ms: 2 }, onData: (chunk) => void chunk.length });
    export const result: Result = await transfer.perform();
    export const errno: number = await transfer.response.then((head) => head.status, (error: unknown) => (error instanceof TransferError ? error.errno : -1));
    // @ts-expect-error: a speed is a number
    new Transfer('${url}', { maxRecvSpeed: 'fast' });
    // @ts-expect-error: there is no such option
    new Transfer('${url}', { timeout: 1 });
    await transfer.pause('recv');\n`);
  await ok(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,esnext.disposable,dom,dom.iterable',
    '--module', 'nodenext', '--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node', 'use.mts'], { cwd: app });
}, INSTALL_MS);

test('each condition leads to a file that is packed; what was made of the module is of this module', () => {
  const { exports, files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const places = Object.values(exports).flatMap((one) => (typeof one === 'string' ? [one] : Object.values(one)));
  expect(Object.keys(exports['.'])).toEqual(['types', 'workerd', 'deno', 'bun', 'node', 'browser', 'default']);
  for (const place of places) {
    expect(existsSync(join(ROOT, place))).toBe(true);
    expect(files.some((pattern) => place.startsWith(`./${pattern.split('/**')[0]}`))).toBe(true);
  }
  const module = readFileSync(join(ROOT, 'dist/sluice-fetch.wasm'));
  expect(readFileSync(join(ROOT, 'dist/inline.js'), 'utf8')).toContain(`'${module.toString('base64')}'`);
  expect(WebAssembly.Module.imports(new WebAssembly.Module(module)).every(({ module: from }) => ['sluice_host_1', 'sluice_app_1'].includes(from))).toBe(true);
});

test('nobody downloads much more than was decided', () => {
  const kept = JSON.parse(readFileSync(KEPT, 'utf8')), now = figuresNow();
  const grown = Object.keys(now).filter((name) => !(now[name].gzip <= kept[name]?.gzip * GROWTH));
  expect(grown.map((name) => `${name}: ${kept[name]?.gzip} bytes gzipped are ${now[name].gzip}; if that is meant: node test/bench/sizes.js --write`)).toEqual([]);
});
