// Transfers in Debian's Chromium, over its own fetch, against servers in this process: in a page and in a worker, served
// as plain files under a policy that allows nothing but that, and through bundlers.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { build as esbuild } from 'esbuild';
import { settled, until } from './helpers/wait.js';
import { webServer, echo } from './support/bodies.js';
import { pattern, sha256 } from './support/bytes.js';
import { ROOT, example, run } from './support/command.js';
import { launch, site } from './support/site.js';

const MiB = 1048576;
const TAKEN_MAX = 24 * MiB; // what the browser and the kernels take in at most of a body that nobody reads, generously
const TIMED_OUT = 28, NOT_BUILT_IN = 4, DENIED = 9, NOT_REACHED = 7, ABORTED = 42;
let browser, here, other, page, folder;
const errors = [];

/** What the page says that it should not: its own faults, and what the policy refused. */
function listen(one) {
  one.on('pageerror', (error) => errors.push(String(error)));
  one.on('console', (message) => {
    if (/content security policy|sluice/i.test(message.text())) errors.push(message.text());
  });
  return one;
}
const ready = (one) => one.waitForFunction(() => document.title === 'ready');
async function open(url, context = browser) {
  const one = listen(await context.newPage());
  await one.goto(url);
  await ready(one);
  return one;
}
const runIn = (one, where, command, args = {}) => one.evaluate(([...all]) => globalThis.run(...all), [where, command, args]);

beforeAll(async () => {
  [browser, here, other] = await Promise.all([launch(), site(), site()]);
  folder = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
  page = await open(here.page('/', '/test/browser/page.js'));
}, 60000);
afterAll(async () => {
  await browser?.close();
  await Promise.all([here?.close(), other?.close()]);
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  expect(errors.splice(0)).toEqual([]);
});

let paths = 0;
/** A path nobody had. */
const fresh = () => `/t${++paths}`;

describe.each(['page', 'worker'])('the controller in a %s', (where) => {
  const drive = (command, args) => runIn(page, where, command, args);
  let names = 0;
  /** Starts one; answers its name. */
  async function start(url, args = {}) {
    const name = `n${++names}`;
    await drive('start', { name, url, ...args });
    return name;
  }
  const end = (name) => drive('end', { name });
  const get = async (url, args) => end(await start(url, args));

  test('a pause stops the server, whatever the browser takes in; the resume is byte-exact (P1, P5, P8)', async () => {
    const source = here.fountain(fresh(), 40 * MiB);
    const name = await start(source.url, { pauseAt: MiB });
    await until(() => source.sent > 0);
    const sent = await settled(() => source.sent, 700);
    expect(sent).toBeLessThan(TAKEN_MAX);
    const look = await drive('look', { name });
    expect(look).toMatchObject({ paused: { recv: true, by: 'call' }, afterPause: 0, state: 'active' });
    expect(look.held).toBeLessThanOrEqual(2 * MiB);
    expect(look.bytes).toBeGreaterThanOrEqual(MiB);
    expect(look.bytes).toBeLessThan(3 * MiB);
    await drive('resume', { name });
    const result = await end(name);
    expect(result).toMatchObject({ error: undefined, status: 200, received: source.total, receiveTotal: source.total, size: source.total, sum: source.sum });
    expect(result.pausedMs).toBeGreaterThan(500);
  });

  test('an abort closes, running and paused; a start can be paused (X2, X9, B14)', async () => {
    for (const paused of [false, true]) {
      const source = here.fountain(fresh(), 100 * MiB);
      const name = await start(source.url, { collect: false, options: { maxRecvSpeed: MiB } }); // or it would be whole before it is told
      await until(() => source.sent > 0);
      if (paused) await drive('pause', { name });
      await drive('abort', { name });
      expect((await end(name)).error).toMatchObject({ errno: ABORTED, name: 'AbortError', type: 'TransferError' });
      await until(() => source.closed);
    }
    const source = here.fountain(fresh(), 1000);
    const name = await start(source.url, { paused: 'both' });
    expect(await drive('look', { name })).toMatchObject({ state: 'pending', paused: { recv: true, send: true } });
    await drive('resume', { name });
    expect(await end(name)).toMatchObject({ status: 200, sum: source.sum });
  });

  test('total time, connect time, low speed, silence (T1, T2, T5, L3, B9)', async () => {
    const hangs = here.on(fresh(), () => {});
    const drips = here.on(fresh(), (request, response) => {
      const timer = setInterval(() => response.write('x'), 100);
      response.on('close', () => clearInterval(timer));
    });
    const stops = here.on(fresh(), (request, response) => response.writeHead(200, { 'Content-Length': 1000 }).write('x'));
    const cases = [
      [stops, { timeoutMs: 400 }, /^Operation timed out after \d+ milliseconds with 1 out of 1000 bytes received$/],
      [hangs, { connectTimeoutMs: 300 }, /^Connection timed out/],
      [drips, { lowSpeed: { bytesPerSecond: 1000, ms: 1000 } }, /^Operation too slow/],
      [stops, { silenceTimeoutMs: 300 }, /^Peer silent for 300 milliseconds$/],
    ];
    await Promise.all(cases.map(async ([url, options, message]) => {
      const { error, elapsedMs } = await get(url, { options });
      expect(error).toMatchObject({ errno: TIMED_OUT, name: 'TimeoutError', message: expect.stringMatching(message) });
      expect(elapsedMs).toBeLessThan(15000);
    }));
    const name = await start(stops, { options: { timeoutMs: 500 } });
    await drive('pause', { name });
    expect((await end(name)).error).toMatchObject({ errno: TIMED_OUT }); // paused or not
  });

  test('a rate limit slows the server, and can be lifted (S1, S4)', async () => {
    const source = here.fountain(fresh(), 36 * MiB);
    const name = await start(source.url, { options: { maxRecvSpeed: MiB } });
    await until(() => source.sent > 0);
    const sent = await settled(() => Math.floor(source.sent / (4 * MiB)), 700);
    expect(sent * 4 * MiB).toBeLessThan(TAKEN_MAX);
    expect((await drive('look', { name })).bytes).toBeLessThan(8 * MiB);
    await drive('limits', { name, limits: { maxRecvSpeed: 0 } });
    expect(await end(name)).toMatchObject({ error: undefined, sum: source.sum });
    const slow = here.fountain(fresh(), 3 * MiB);
    const { elapsedMs } = await get(slow.url, { options: { maxRecvSpeed: MiB } });
    expect(elapsedMs).toBeGreaterThan(1500);
  });

  test('uploads: of memory, of a stream; byte-exact; one too large is refused (R1, R2)', async () => {
    const url = here.on(fresh(), echo);
    const size = 3 * MiB, sum = sha256(Uint8Array.from({ length: size }, (_, i) => i * 7));
    const memory = await get(url, { bodySize: size, options: { method: 'PUT', headers: { 'X-Own': 'yes' } } });
    expect(memory).toMatchObject({ error: undefined, sent: size });
    expect(JSON.parse(memory.text)).toMatchObject({ method: 'PUT', bytes: size, sum, headers: { 'x-own': 'yes', 'content-length': String(size) } });
    const blocks = Buffer.concat(Array.from({ length: 32 }, (_, i) => Buffer.alloc(65536, i)));
    const stream = await get(url, { streamSize: 32 * 65536 });
    expect(JSON.parse(stream.text)).toMatchObject({ method: 'POST', bytes: blocks.length, sum: sha256(blocks) });
    const empty = await get(url, { bodySize: 0 });
    expect(JSON.parse(empty.text)).toMatchObject({ method: 'POST', bytes: 0 });
    const large = await get(url, { streamSize: 65 * MiB });
    expect(large.error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringMatching(/larger than the 67108864 bytes/) });
  });

  test('a paused upload is not sent, and goes when it is resumed (P11)', async () => {
    let requests = 0;
    const url = here.on(fresh(), (request, response) => {
      requests++;
      echo(request, response);
    });
    const name = await start(url, { bodySize: 100000, paused: 'send' });
    await settled(() => requests, 300);
    expect(requests).toBe(0);
    await drive('resume', { name });
    expect(JSON.parse((await end(name)).text)).toMatchObject({ bytes: 100000 });
    expect(requests).toBe(1);
  });

  test('another origin: one that lets read, and whose body has no size that could be believed; one that does not; nobody there', async () => {
    const open = other.fountain(fresh(), 100000, { 'Access-Control-Allow-Origin': '*' });
    expect(await get(open.url)).toMatchObject({ error: undefined, sum: open.sum, receiveTotal: undefined });
    const text = 'sluice '.repeat(1000), packed = gzipSync(text);
    const coded = other.on(fresh(), (request, response) => response.writeHead(200,
      { 'Access-Control-Allow-Origin': '*', 'Content-Encoding': 'gzip', 'Content-Length': packed.length }).end(packed));
    expect(await get(coded)).toMatchObject({ error: undefined, size: text.length });
    let asked = 0;
    const shut = other.on(fresh(), (request, response) => {
      if (request.method !== 'HEAD') asked++;
      response.end('secret');
    });
    const refused = await get(shut);
    expect(refused.error).toMatchObject({ errno: DENIED, message: expect.stringMatching(/does not let this page read the answer \(CORS\)$/) });
    expect([asked, refused.size]).toEqual([1, 0]);
    const mute = other.on(fresh(), (request) => { if (request.method !== 'HEAD') request.socket.destroy(); });
    expect((await get(mute, { options: { method: 'POST' }, bodySize: 1 })).error).toMatchObject({ errno: NOT_REACHED });
    const gone = await webServer();
    await gone.close();
    expect((await get(gone.url())).error).toMatchObject({ errno: NOT_REACHED, message: expect.stringMatching(/cannot be reached/) });
    const sameGone = here.on(fresh(), (request) => request.socket.destroy());
    expect((await get(sameGone)).error).toMatchObject({ errno: NOT_REACHED });
  });

  test('redirects: all are followed by the browser, or a 3xx is not built in (F19)', async () => {
    const target = here.on(fresh(), (request, response) => response.end('there'));
    const url = here.on(fresh(), (request, response) => response.writeHead(302, { Location: target }).end('here'));
    expect(await get(url)).toMatchObject({ error: undefined, status: 200, text: 'there' });
    for (const follow of [false, 5]) {
      expect((await get(url, { options: { follow } })).error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringMatching(/^a redirect/) });
    }
    expect(await get(target, { options: { follow: false } })).toMatchObject({ status: 200, text: 'there' });
  });

  test('a body cut short, and one that is coded (W10)', async () => {
    const cut = here.on(fresh(), (request, response) => {
      response.writeHead(200, { 'Content-Length': 10 }).write('abc', () => request.socket.end());
    });
    expect((await get(cut)).error).toMatchObject({ code: 'CURLE_RECV_ERROR' });
    const plain = readFileSync(join(ROOT, 'README.md'));
    const coded = here.on(fresh(), (request, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(plain)));
    expect(await get(coded)).toMatchObject({ error: undefined, sum: sha256(plain), receiveTotal: undefined });
  });

  test('100 at once, paused at random: each byte-exact, the browser lets 6 at a time through', async () => {
    const bodies = Array.from({ length: 100 }, (_, i) => pattern(100000 + i * 1000, i + 1));
    const path = fresh(), waiting = [];
    let open = false;
    here.on(`${path}/*`, (request, response) => {
      const answer = () => response.writeHead(200, { 'Cache-Control': 'no-store' }).end(bodies[Number(request.url.split('/').at(-1))]);
      if (open) answer();
      else waiting.push(answer);
    });
    const done = drive('many', { count: bodies.length, url: here.url(path), seed: 42 });
    await until(() => waiting.length > 0);
    expect(await settled(() => waiting.length, 300)).toBe(6);
    open = true;
    for (const answer of waiting) answer();
    const results = await done;
    expect(results).toEqual(bodies.map((body) => ({ received: body.length, sum: sha256(body) })));
  });

  test('what there is not says so: sockets, files, headers that are the browser\'s', async () => {
    expect(await drive('refusals')).toEqual([expect.stringMatching(/^nodeHost: there are no sockets/), expect.stringMatching(/^to: there are no files/)]);
    expect(await drive('file')).toMatchObject({ code: 'CURLE_UNSUPPORTED_PROTOCOL' });
    const url = here.on(fresh(), echo);
    for (const name of ['Cookie', 'Host', 'Referer', 'Connection']) {
      expect((await get(url, { options: { headers: { [name]: 'x' } } })).error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringContaining(name.toLowerCase()) });
    }
    const { headers } = JSON.parse((await get(url)).text);
    expect(headers['user-agent']).toMatch(/^Mozilla/);
  });

  test('another thread wakes poll(), resumes, pauses and aborts (K1, K2, B1)', async () => {
    const source = here.fountain(fresh(), 30 * MiB);
    const answer = await drive('wakeup', { url: source.url });
    expect(answer).toEqual({ woken: 'wakeup', errno: ABORTED, answers: [true, true, true], isolated: false });
  });
});

test('the first transfer waits for its module, and obeys meanwhile: pause, abort, the total time', async () => {
  const late = await site();
  let give;
  const wasm = readFileSync(join(ROOT, 'dist/sluice-fetch.wasm'));
  late.on('/dist/sluice-fetch.wasm', (request, response) => {
    give = () => response.writeHead(200, { 'Content-Type': 'application/wasm' }).end(wasm);
  });
  let requests = 0;
  const url = late.on('/x', (request, response) => response.end(String(++requests)));
  const one = await open(late.page('/', '/test/browser/page.js'));
  const first = runIn(one, 'page', 'first', { url });
  await until(() => give);
  expect(requests).toBe(0);
  await one.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 50); })); // the one with a limit of 1 ms ends
  give();
  expect(await first).toEqual({
    state: 'pending', paused: { recv: true, send: true, by: 'call' }, status: 200,
    errors: [expect.objectContaining({ errno: ABORTED }), expect.objectContaining({ errno: TIMED_OUT, message: expect.stringMatching(/WebAssembly module$/) })],
  });
  expect(requests).toBe(1);
  await one.close();
  await late.close();
});

test('a module that is not there names the ways; it is looked for again', async () => {
  const bare = await site({ types: { '.js': 'text/javascript' } }); // nor does it know the module's type
  let tries = 0;
  bare.on('/dist/sluice-fetch.wasm', (request, response) => {
    if (++tries === 1) response.writeHead(404).end();
    else response.writeHead(200).end(readFileSync(join(ROOT, 'dist/sluice-fetch.wasm')));
  });
  const url = bare.on('/x', (request, response) => response.end('ok'));
  const one = await open(bare.page('/', '/test/browser/page.js'));
  await runIn(one, 'page', 'start', { name: 'a', url });
  const { error } = await runIn(one, 'page', 'end', { name: 'a' });
  expect(error.message).toMatch(/^cannot load http.*sluice-fetch\.wasm \(status 404\): .*'sluice\/inline'.*new Multi\(\{ module \}\)$/);
  await runIn(one, 'page', 'start', { name: 'b', url });
  expect(await runIn(one, 'page', 'end', { name: 'b' })).toMatchObject({ status: 200, text: 'ok' });
  await one.close();
  await bare.close();
});

test('a module whose type comes with a charset, which compileStreaming refuses', async () => {
  const odd = await site({ types: { '.js': 'text/javascript', '.wasm': 'application/wasm; charset=utf-8' } });
  const url = odd.on('/x', (request, response) => response.end('ok'));
  const one = await open(odd.page('/', '/test/browser/page.js'));
  await runIn(one, 'page', 'start', { name: 'a', url });
  expect(await runIn(one, 'page', 'end', { name: 'a' })).toMatchObject({ error: undefined, status: 200, text: 'ok' });
  await one.close();
  await odd.close();
});

test('a body that may be cached is taken ahead by Chromium, up to a bound of its own; the resume is byte-exact (P8)', async () => {
  const total = 160 * MiB, block = pattern(65536);
  let sent = 0;
  const url = here.on(fresh(), (request, response) => {
    response.writeHead(200, { 'Content-Length': total });
    const pump = () => {
      while (sent < total) {
        sent += block.length;
        if (!response.write(block)) return void response.once('drain', pump);
      }
      response.end();
    };
    pump();
  });
  await runIn(page, 'page', 'start', { name: 'ahead', url, pauseAt: 1, collect: false });
  await until(() => sent > 0);
  expect(await settled(() => sent, 700)).toBeLessThan(64 * MiB + TAKEN_MAX);
  await runIn(page, 'page', 'resume', { name: 'ahead' });
  expect(await runIn(page, 'page', 'end', { name: 'ahead' })).toMatchObject({ error: undefined, received: total });
});

test('cookies are the browser\'s, unless the host is told otherwise', async () => {
  const url = here.on(fresh(), (request, response) => response.end(request.headers.cookie ?? 'none'));
  const context = await browser.newContext();
  await context.addCookies([{ name: 'a', value: 'b', url }]);
  const one = await open(here.url(), context);
  expect(await runIn(one, 'page', 'credentials', { url })).toEqual(['a=b', 'none']);
  await context.close();
});

test('a page that is closed and a worker that is ended leave nothing behind: the server sees it', async () => {
  for (const where of ['page', 'worker']) {
    const source = here.fountain(fresh(), 100 * MiB);
    const one = await open(here.url());
    await runIn(one, where, 'start', { name: 'a', url: source.url, collect: false, options: { maxRecvSpeed: MiB } });
    await until(() => source.sent > 0);
    if (where === 'page') await one.close();
    else await one.evaluate(() => globalThis.loseWorker());
    await until(() => source.closed);
    if (where === 'worker') await one.close();
  }
});

test('with cross-origin isolation a remote handle works as without (B1)', async () => {
  const isolated = await site({ headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } });
  const source = isolated.fountain('/x', 30 * MiB);
  const one = await open(isolated.page('/', '/test/browser/page.js'));
  expect(await runIn(one, 'page', 'wakeup', { url: source.url })).toEqual({ woken: 'wakeup', errno: ABORTED, answers: [true, true, true], isolated: true });
  await one.close();
  await isolated.close();
});

test('the README\'s example', async () => {
  const source = here.fountain('/big.iso', MiB);
  here.on('/node_modules/sluice/*', (request, response) => response.writeHead(307, { Location: request.url.slice('/node_modules/sluice'.length) }).end());
  const place = here.on(fresh(), (request, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(example('html')));
  const one = listen(await browser.newPage());
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
    const built = await site({ root });
    const url = built.on('/x', (request, response) => response.end('bundled'));
    const place = path === undefined ? built.page('/', script) : built.url(path);
    const one = await open(place);
    expect(await one.evaluate((to) => globalThis.fetchAll(to), url)).toEqual({ status: 200, text: 'bundled' });
    await one.close();
    await built.close();
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
    const loaded = Object.keys(metafile.inputs).map((path) => path.split('/').slice(-2).join('/'));
    expect(loaded).toContain('hosts/fetch.js');
    expect(loaded.filter((path) => /node|file-sink|module\.js/.test(path))).toEqual([]);
  });
});
