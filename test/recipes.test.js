// The recipes of README.md, run as they stand there.
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http, { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Transfer } from '../js/index.js';
import { pattern, sha256 } from './support/bytes.js';

const README = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
const folder = mkdtempSync(join(tmpdir(), 'sluice-recipes-'));
let closing = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });
afterAll(() => rmSync(folder, { recursive: true }));

/** The indented lines behind this title, as a function of the names they use; `result` is what is left of it. */
function recipe(title, names, result = '') {
  const lines = README.slice(README.indexOf(`\n${title}\n`) + title.length + 3).split('\n');
  const code = lines.slice(0, lines.findIndex((line) => line !== '' && !line.startsWith('    '))).join('\n');
  expect(code.length).toBeGreaterThan(50);
  return new AsyncFunction(...names, `${code}\n${result}`);
}
async function serve(answer) {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => { server.close(resolve).closeAllConnections(); }));
  return `http://127.0.0.1:${server.address().port}/`;
}

test.each([200, 404])('check the status, then stream: %i', async (status) => {
  const body = pattern(300_000), lengths = [];
  const url = await serve((request, response) => response.writeHead(status).end(body));
  await recipe('Check the status, then stream:', ['Transfer', 'url', 'console'])(Transfer, url, { log: (n) => lengths.push(n) });
  expect(lengths.reduce((sum, n) => sum + n, 0)).toBe(status === 200 ? body.length : 0);
});

test('parallel downloads to files: each whole', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `file-${i}`), of = (name) => pattern(50_000 + 1000 * name.length, name.length + Number(name.slice(5)));
  const base = await serve((request, response) => response.end(of(request.url.slice(1))));
  const here = process.cwd();
  process.chdir(folder);
  try {
    await recipe('Many files at a time, each whole or not there:', ['Transfer', 'names', 'base'])(Transfer, names, base);
  } finally {
    process.chdir(here);
  }
  for (const name of names) expect(sha256(readFileSync(join(folder, name)))).toBe(sha256(of(name)));
});

test('an upload with a pause and a rate: byte for byte', async () => {
  const path = join(folder, 'upload'), body = pattern(1_500_000);
  writeFileSync(path, body);
  let got, said;
  const url = await serve(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    got = Buffer.concat(chunks);
    response.end();
  });
  await recipe('Upload a file, hold it for a while, then go on slowly:', ['Transfer', 'createReadStream', 'url', 'path', 'console'])(
    Transfer, createReadStream, url, path, { log: (status) => { said = status; } });
  expect([said, sha256(got)]).toEqual([200, sha256(body)]);
});

test('a proxy with a slow client: the origin has to stop, and all of it comes', async () => {
  const body = pattern(64 << 20);
  let written = 0;
  const origin = await serve((request, response) => {
    response.setHeader('content-type', 'x/y');
    let at = 0;
    const more = () => {
      while (at < body.length && response.write(body.subarray(at, at += 65536))) written = at;
      written = at;
      if (at >= body.length) response.end();
    };
    response.on('drain', more);
    more();
  });
  const proxy = await recipe('A proxy whose slow client slows the origin:', ['Transfer', 'createServer', 'pipeline', 'origin'], 'return proxy;')(
    Transfer, createServer, pipeline, origin.slice(0, -1));
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  closing.push(() => new Promise((resolve) => { proxy.close(resolve).closeAllConnections(); }));
  const [response] = await once(http.get(`http://127.0.0.1:${proxy.address().port}/x`), 'response');
  expect(response.headers['content-type']).toBe('x/y');
  for (let last = -1; last !== written;) { // nobody reads: all stands still
    last = written;
    await new Promise((resolve) => { setTimeout(resolve, 300); });
  }
  expect(written).toBeLessThan(body.length);
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  expect(sha256(Buffer.concat(chunks))).toBe(sha256(body));
});
