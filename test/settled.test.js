// The promises of pause, resume, abort and of closing a Multi: they settle when the host has done it, and never reject.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Multi, Transfer, fetchHost, nodeHost } from '../js/index.js';
import { makeCertificates } from './helpers/certs.js';
import { until } from './helpers/wait.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-settled-'));
const certificates = makeCertificates();
let closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A server whose bodies never end, as fast as they are taken. */
async function endless(secure) {
  const flood = (request, response) => {
    const chunk = Buffer.alloc(65536);
    const more = () => { while (!response.destroyed && response.write(chunk)); };
    response.on('drain', more).on('error', () => {});
    more();
  };
  const server = secure ? https.createServer(certificates.server, flood) : http.createServer(flood);
  const sockets = new Set();
  server.on('connection', (socket) => { sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => {})); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => { server.close(resolve).closeAllConnections(); }));
  return { url: `http${secure ? 's' : ''}://127.0.0.1:${server.address().port}/`, sockets };
}
async function where(kind) {
  if (kind !== 'file') return endless(kind === 'https');
  const path = join(folder, 'large');
  writeFileSync(path, Buffer.alloc(32 << 20));
  return { url: pathToFileURL(path), sockets: new Set() };
}
function begin(url, host, options) {
  const multi = new Multi({ host });
  closing.push(() => multi[Symbol.asyncDispose]());
  let got = 0;
  const transfer = new Transfer(url, { multi, tls: String(url).startsWith('https') ? { ca: certificates.ca } : undefined, onData: (chunk) => { got += chunk.length; }, ...options });
  const ended = transfer.perform().then(() => 'complete', (error) => error.name);
  return { multi, transfer, ended, got: () => got };
}

describe.each(['http', 'https', 'file'])('%s', (kind) => {
  const options = { maxRecvSpeed: kind === 'file' ? 1_000_000 : 0 };

  test('abort settles when the channel is closed', async () => {
    const host = nodeHost();
    const { url } = await where(kind);
    const { transfer, ended, got } = begin(url, host, options);
    await until(() => got() > 0);
    expect(host.channels).toBe(1);
    await transfer.abort();
    expect(host.channels).toBe(0);
    expect(await ended).toBe('AbortError');
    await transfer.abort(); // of one that has ended: nothing
  });

  test('pause settles when nothing is read any more, resume when it is', async () => {
    const host = nodeHost();
    const { url } = await where(kind);
    const { transfer, ended, got } = begin(url, host, options);
    await until(() => got() > 0);
    await transfer.pause();
    const { received, held } = transfer.progress;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    expect([transfer.progress.received, transfer.progress.held]).toEqual([received, held]);
    await transfer.resume();
    const at = got();
    await until(() => got() > at);
    await transfer.abort();
    await ended;
  });

  test('closing a Multi settles when all channels are closed', async () => {
    const host = nodeHost();
    const { url } = await where(kind);
    const { multi, ended, got } = begin(url, host, options);
    await until(() => got() > 0);
    await multi[Symbol.asyncDispose]();
    expect(host.channels).toBe(0);
    expect(await ended).toBe('AbortError');
  });
});

test('over fetch they settle too', async () => {
  const { url, sockets } = await endless(false);
  const { transfer, ended, got } = begin(url, fetchHost());
  await until(() => got() > 0);
  await transfer.pause();
  const at = got();
  await transfer.resume();
  await until(() => got() > at);
  await transfer.abort();
  expect(await ended).toBe('AbortError');
  await until(() => sockets.size === 0);
});

test('inside a callback they settle after it, and the connection is closed by then', async () => {
  const host = nodeHost();
  const { url } = await endless(false);
  let aborted;
  const { ended } = begin(url, host, { onData() { aborted ??= this.abort().then(() => host.channels); } });
  await until(() => aborted !== undefined);
  expect(await aborted).toBe(0);
  expect(await ended).toBe('AbortError');
});

test('a peer that takes nothing does not keep them waiting', async () => {
  const host = nodeHost();
  const server = http.createServer();
  server.on('connection', (socket) => socket.pause().on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => { server.close(resolve).closeAllConnections(); }));
  const { transfer, ended } = begin(`http://127.0.0.1:${server.address().port}/`, host, { method: 'PUT', body: Buffer.alloc(64 << 20) });
  await until(() => transfer.progress.sent > 0);
  await transfer.abort();
  expect(await ended).toBe('AbortError');
  expect(host.channels).toBe(0);
});
