// How the package gets into a page of Chromium: its module, which comes over the network; the README's example; bundlers.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { build as esbuild } from 'esbuild';
import { until } from './helpers/wait.js';
import { ABORTED, MiB, SCRIPT, TIMED_OUT, fresh, runIn, useChromium } from './support/chromium.js';
import { ROOT, example, run } from './support/command.js';
import { POLICY } from './support/site.js';

const at = useChromium();
const folder = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the first transfer waits for its module, and obeys meanwhile: pause, abort, the total time', async () => {
  const late = await at.site();
  let give;
  const wasm = readFileSync(join(ROOT, 'dist/sluice-fetch.wasm'));
  late.on('/dist/sluice-fetch.wasm', (request, response) => {
    give = () => response.writeHead(200, { 'Content-Type': 'application/wasm' }).end(wasm);
  });
  let requests = 0;
  const url = late.on('/x', (request, response) => response.end(String(++requests)));
  const one = await at.open(late.page('/', SCRIPT));
  const first = runIn(one, 'page', 'first', { url });
  await until(() => give);
  expect(requests).toBe(0);
  await one.waitForFunction(() => globalThis.timedOut); // the one with a limit of 1 ms
  give();
  expect(await first).toEqual({
    state: 'pending', paused: { recv: true, send: true, by: 'call' }, status: 200,
    errors: [expect.objectContaining({ errno: ABORTED }), expect.objectContaining({ errno: TIMED_OUT, message: expect.stringMatching(/WebAssembly module \(GET http/) })],
  });
  expect(requests).toBe(1);
  await one.close();
});

test.each(['page', 'worker'])('a relative URL is resolved as fetch does, in a %s', async (where) => {
  const site = await at.site();
  site.on('/data/x', (request, response) => response.end('in a folder'));
  site.on('/test/browser/data/x', (request, response) => response.end('beside the worker'));
  site.on('/x?y', (request, response) => response.end('at the top'));
  const one = await at.open(site.page('/', SCRIPT));
  await runIn(one, where, 'start', { name: 'a', url: 'data/x' });
  expect(await runIn(one, where, 'end', { name: 'a' })).toMatchObject({ status: 200, text: where === 'page' ? 'in a folder' : 'beside the worker' });
  if (where === 'page') {
    await one.evaluate(() => { document.head.append(Object.assign(document.createElement('base'), { href: '/data/' })); });
    await runIn(one, where, 'start', { name: 'b', url: 'x' }); // not the text that was read before
    expect(await runIn(one, where, 'end', { name: 'b' })).toMatchObject({ status: 200, text: 'in a folder' });
  }
  await one.close();
});

test('a module that is not there names the ways; it is looked for again', async () => {
  const bare = await at.site({ types: { '.js': 'text/javascript' } }); // nor does it know the module's type
  let tries = 0;
  bare.on('/dist/sluice-fetch.wasm', (request, response) => {
    if (++tries === 1) response.writeHead(404).end();
    else response.writeHead(200).end(readFileSync(join(ROOT, 'dist/sluice-fetch.wasm')));
  });
  const url = bare.on('/x', (request, response) => response.end('ok'));
  const one = await at.open(bare.page('/', SCRIPT));
  await runIn(one, 'page', 'start', { name: 'a', url });
  const { error } = await runIn(one, 'page', 'end', { name: 'a' });
  expect(error.message).toMatch(/^cannot load http.*sluice-fetch\.wasm \(status 404\): .*'sluice\/inline'.*new Multi\(\{ module \}\) \(GET http[^ ]*\/x\)$/);
  await runIn(one, 'page', 'start', { name: 'b', url });
  expect(await runIn(one, 'page', 'end', { name: 'b' })).toMatchObject({ status: 200, text: 'ok' });
  await one.close();
});

test('a policy that lets no WebAssembly be compiled is named, with what it needs', async () => {
  const strict = await at.site({ headers: { 'Content-Security-Policy': POLICY.replace(" 'wasm-unsafe-eval'", '') } });
  const url = strict.on('/x', (request, response) => response.end('ok'));
  const one = await at.browser.newPage(); // not listened to: the browser says it too
  await one.goto(strict.page('/', SCRIPT));
  await at.ready(one);
  await runIn(one, 'page', 'start', { name: 'a', url });
  const { error } = await runIn(one, 'page', 'end', { name: 'a' });
  expect(error.message).toMatch(/^cannot compile http.*sluice-fetch\.wasm \(.*\): the page's policy has to allow it: script-src 'wasm-unsafe-eval' \(GET http[^ ]*\/x\)$/s);
  await one.close();
});

test('a module whose type comes with a charset, which compileStreaming refuses', async () => {
  const odd = await at.site({ types: { '.js': 'text/javascript', '.wasm': 'application/wasm; charset=utf-8' } });
  const url = odd.on('/x', (request, response) => response.end('ok'));
  const one = await at.open(odd.page('/', SCRIPT));
  await runIn(one, 'page', 'start', { name: 'a', url });
  expect(await runIn(one, 'page', 'end', { name: 'a' })).toMatchObject({ error: undefined, status: 200, text: 'ok' });
  await one.close();
});

test('the README\'s example', async () => {
  const source = at.here.fountain('/big.iso', MiB);
  at.here.on('/node_modules/sluice/*', (request, response) => response.writeHead(307, { Location: request.url.slice('/node_modules/sluice'.length) }).end());
  const place = at.here.on(fresh(), (request, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(example('html')));
  const one = at.listen(await at.browser.newPage());
  await one.goto(place);
  await one.waitForFunction(() => document.querySelector('output').value !== '');
  expect(await one.evaluate(() => document.querySelector('output').value)).toBe(`complete: ${source.total}`);
  expect(example('html').trimEnd().split('\n').length).toBeLessThanOrEqual(15);
  await one.close();
});

describe('through bundlers', () => {
  /** An application's folder with the package installed. @param {string} name @param {string} source */
  function app(name, source) {
    const root = join(folder, name);
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    symlinkSync(ROOT, join(root, 'node_modules/sluice'));
    writeFileSync(join(root, 'app.js'), source);
    writeFileSync(join(root, 'index.html'), '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./app.js"></script>');
    return root;
  }
  const APP = readFileSync(join(ROOT, 'test/browser/app.js'), 'utf8');
  const inline = APP.replace("'sluice'", "'sluice/inline'");
  /** As a process: what it is built on does not take the objects of Jest's realm. @param {string} root */
  async function vite(root) {
    const { code, stdout, stderr } = await run(process.execPath, [join(ROOT, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error'], { cwd: root });
    if (code !== 0) throw new Error(`${stdout}${stderr}`);
  }
  /** Serve what was built, load it, transfer. */
  async function works(root, path, script) {
    const built = await at.site({ root });
    const url = built.on('/x', (request, response) => response.end('bundled'));
    const place = path === undefined ? built.page('/', script) : built.url(path);
    const one = await at.open(place);
    expect(await one.evaluate((to) => globalThis.fetchAll(to), url)).toEqual({ status: 200, text: 'bundled' });
    await one.close();
    }

  test('Vite takes the module along', async () => {
    const root = app('vite', APP);
    await vite(root);
    await works(join(root, 'dist'), '/index.html');
  });

  test('Vite, inlined', async () => {
    const root = app('vite-inline', inline);
    await vite(root);
    await works(join(root, 'dist'), '/index.html');
  });

  test('esbuild: inlined', async () => {
    const root = app('esbuild-inline', inline);
    await esbuild({ absWorkingDir: root, entryPoints: ['app.js'], bundle: true, format: 'esm', outdir: 'out', logLevel: 'error' });
    await works(join(root, 'out'), undefined, '/app.js');
  });

  test('esbuild: its file loader, and the module is passed', async () => {
    const source = APP.replace("import { Multi", "import place from 'sluice/sluice-fetch.wasm';\nimport { Multi")
      .replace('const transfer', 'const module = await WebAssembly.compileStreaming(fetch(place));\n  const transfer').replace('new Multi()', 'new Multi({ module })');
    const root = app('esbuild-file', source);
    await esbuild({ absWorkingDir: root, entryPoints: ['app.js'], bundle: true, format: 'esm', outdir: 'out', publicPath: '/', loader: { '.wasm': 'file' }, logLevel: 'error' });
    await works(join(root, 'out'), undefined, '/app.js');
  });

  test('nothing of Node.js is in what a browser loads', async () => {
    const root = app('graph', APP);
    const { metafile } = await esbuild({ absWorkingDir: root, entryPoints: ['app.js'], bundle: true, format: 'esm', platform: 'browser', write: false, metafile: true, logLevel: 'error' });
    expect(Object.keys(metafile.inputs).map((path) => path.split('/').slice(-2).join('/')).sort()).toEqual(['app.js', 'dist/browser.js']);
    const { sources } = JSON.parse(readFileSync(join(ROOT, 'dist/browser.js.map'), 'utf8'));
    expect(sources).toContain('../js/hosts/fetch.js');
    expect(sources.filter((path) => /node|builtin|file-sink|module\.js/.test(path))).toEqual([]);
  });
});
