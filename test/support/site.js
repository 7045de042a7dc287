// A browser, and what it is served: this repository's files below a folder, under a strict policy, and whatever a test
// puts at a path. Each request's socket is kept, to see when the browser lets it go.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './command.js';
import { pattern } from './bytes.js';
import { webServer } from './bodies.js';

const TYPES = { '.js': 'text/javascript', '.html': 'text/html', '.wasm': 'application/wasm', '.json': 'application/json' };
/** Scripts of one's own, WebAssembly, and nothing inline: what a careful site allows. */
export const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; img-src data:; connect-src *";

/** @param {import('playwright-core').LaunchOptions} [options] */
export const launch = (options) => chromium.launch({ executablePath: process.env.SLUICE_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'], ...options });

/** @param {string} script @returns {string} a page that runs it */
export const pageOf = (script) => `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;

/** @param {{ root?: string, headers?: Record<string, string>, types?: Record<string, string> }} [options] */
export async function site({ root = ROOT, headers = {}, types = TYPES } = {}) {
  const paths = new Map();
  const server = await webServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://h');
    const handler = paths.get(pathname) ?? [...paths].find(([path]) => path.endsWith('/*') && pathname.startsWith(path.slice(0, -1)))?.[1];
    if (handler !== undefined) return void handler(request, response);
    try {
      const body = await readFile(join(root, normalize(pathname)));
      response.writeHead(200, { 'Content-Type': types[extname(pathname)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY, ...headers }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  /** @param {string} path @param {import('node:http').RequestListener} handler */
  const on = (path, handler) => {
    paths.set(path, handler);
    return server.url(path);
  };
  return {
    ...server,
    on,
    page: (path, script) => on(path, (request, response) => response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Security-Policy': POLICY, ...headers }).end(pageOf(script))),
    /** Sends `total` bytes as fast as they are taken, and counts what it has given away. No-store: else Chromium takes up to 64 MiB ahead. */
    fountain(path, total, own = {}) {
      const body = pattern(total);
      const source = { sent: 0, total, closed: false, sum: createHash('sha256').update(body).digest('hex'), url: '' };
      source.url = on(path, (request, response) => {
        response.on('close', () => { source.closed = true; });
        response.writeHead(200, { 'Content-Length': total, 'Cache-Control': 'no-store', ...own });
        const pump = () => {
          while (source.sent < total) {
            const block = body.subarray(source.sent, source.sent + 65536);
            source.sent += block.length;
            if (!response.write(block)) return void response.once('drain', pump);
          }
          response.end();
        };
        pump();
      });
      return source;
    },
  };
}
