// js/demo/server.js: what the demo page talks to: its files, downloads, a sink for uploads, and how much of each this end has
// given away or got, told as it changes. For people at this machine: loopback only, every size capped.
//
//   /download?id=ID&size=BYTES[&rate=BYTES A SECOND][&stall=BYTES: then nothing more comes]
//   /upload?id=ID      /stats?of=PREFIX OF IDS (server-sent events)
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
const FILES = /^\/(?:js\/(?:[\w-]+\/)*[\w-]+\.(?:js|css|html|svg)|dist\/sluice-fetch\.wasm)$/;
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html; charset=utf-8', '.svg': 'image/svg+xml', '.wasm': 'application/wasm' };
const HEADERS = {
  'Cache-Control': 'no-store', // of a download too: else Chromium takes up to 64 MiB ahead of a page that has paused
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};
const HERE = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i; // no other name may lead a page here
const BLOCK = Buffer.alloc(256 * 1024, 'sluice ');
const SIZE_MAX = 1024 ** 3, UPLOAD_MAX = 64 * 1024 ** 2; // bytes
const VISITS_MAX = 500; // remembered
const TURN_MS = 50; // of a paced download
const TELL_MS = 200;

/** @typedef {{ sent: number, received: number, open: boolean }} Visit bytes of body that the kernel took, or gave; whether the request is still there */

/** @param {URLSearchParams} query @param {string} name @param {number} most */
const number = (query, name, most) => Math.min(Math.max(0, Math.trunc(Number(query.get(name)) || 0)), most);

async function file(pathname, response) {
  const body = await readFile(new URL(pathname.slice(1), ROOT));
  response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[extname(pathname)] }).end(body);
}

async function download(query, response, visit) {
  const size = number(query, 'size', SIZE_MAX), rate = number(query, 'rate', SIZE_MAX);
  const end = query.has('stall') ? number(query, 'stall', size) : size;
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'application/octet-stream', 'Content-Length': size });
  response.flushHeaders();
  let allowed = rate === 0 ? Infinity : 0; // bytes that may go now
  while (visit.sent < end && !response.destroyed) {
    if (rate > 0) allowed = Math.min(allowed + rate * TURN_MS / 1000, BLOCK.length + rate);
    await sleep(rate > 0 ? TURN_MS : 0); // a write that the kernel takes at once would keep everybody else waiting
    for (let length; (length = Math.floor(Math.min(BLOCK.length, end - visit.sent, allowed))) > 0; allowed -= length) {
      if (await new Promise((resolve) => response.write(BLOCK.subarray(0, length), resolve))) return; // it is gone
      visit.sent += length;
      if (rate === 0) break;
    }
  }
  if (end === size) response.end();
}

async function upload(request, response, visit) {
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    visit.received += chunk.length;
    if (visit.received <= UPLOAD_MAX) continue;
    response.writeHead(413, HEADERS).end();
    return void request.resume(); // the rest is dropped: who is cut off while he sends does not read the answer
  }
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'application/json' }).end(JSON.stringify({ received: visit.received }));
}

/** Says what has changed. @param {Map<string, Visit>} visits */
function tell(query, response, visits) {
  const of = query.get('of') ?? '';
  let told = '';
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' }).flushHeaders();
  const timer = setInterval(() => {
    const now = JSON.stringify(Object.fromEntries([...visits].filter(([id]) => id.startsWith(of))));
    if (now === told || response.writableNeedDrain) return;
    response.write(`data: ${told = now}\n\n`);
  }, TELL_MS);
  response.on('close', () => clearInterval(timer));
}

/** @param {number} port 0: any free one @returns {Promise<{ url: string, visits: Map<string, Visit>, close: () => Promise<void> }>} */
export async function demoServer(port = 0) {
  const visits = /** @type {Map<string, Visit>} */ (new Map());
  const visit = (query, response) => {
    const id = String(query.get('id')).slice(0, 64), one = { sent: 0, received: 0, open: true };
    visits.delete(id);
    visits.set(id, one);
    if (visits.size > VISITS_MAX) visits.delete(visits.keys().next().value);
    response.on('close', () => { one.open = false; });
    return one;
  };
  const server = createServer(async (request, response) => {
    try {
      const { pathname, searchParams } = new URL(request.url, 'http://h');
      if (!HERE.test(request.headers.host ?? '')) response.writeHead(403).end();
      else if (pathname === '/download') await download(searchParams, response, visit(searchParams, response));
      else if (pathname === '/upload') await upload(request, response, visit(searchParams, response));
      else if (pathname === '/stats') tell(searchParams, response, visits);
      else if (pathname === '/') response.writeHead(302, { Location: '/js/demo/index.html' }).end();
      else if (FILES.test(pathname)) await file(pathname, response);
      else response.writeHead(404).end();
    } catch {
      if (response.headersSent) response.destroy();
      else response.writeHead(404).end(); // no such file, or no such URL
    }
  });
  server.requestTimeout = 0; // a paused transfer may take its time
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    visits,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.env.PORT ?? 8080);
  try {
    console.log(`the demo: ${(await demoServer(port)).url}`);
  } catch (error) {
    console.error(`cannot listen on port ${port} (${error.code ?? error.message}): PORT=0 takes any free one`);
    process.exitCode = 1;
  }
}
