// workerd as a process, with a worker that is built as its users build theirs: bundled, the module imported.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { WebSocket } from 'undici';
import { ROOT } from './command.js';

const START_MS = 60000;
const COMPATIBILITY = '2026-01-01';

/** Loopback has to be allowed, and trust is a matter of the configuration. @param {string} ca PEM */
const config = (ca) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js"), (name = "sluice.wasm", wasm = embed "sluice.wasm")],
      compatibilityDate = "${COMPATIBILITY}")),
    (name = "internet", network = (allow = ["private", "public"], tlsOptions = (trustBrowserCas = false, trustedCertificates = [${JSON.stringify(ca)}]))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;

/** The port that it listens at. @param {import('node:stream').Readable} events */
async function listening(events) {
  let text = '';
  for await (const bytes of events) {
    text += bytes;
    const port = /"event":"listen".*"port":(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`workerd does not listen: ${text}`);
}

/** @param {string} program @param {string} ca PEM, of who is trusted @param {string} [entry] the worker's source */
export async function startWorkerd(program, ca, entry = 'test/workerd/worker.js') {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-workerd-'));
  await build({ absWorkingDir: ROOT, entryPoints: { worker: entry }, outdir: folder, bundle: true, format: 'esm', conditions: ['workerd'],
    external: ['cloudflare:*'], loader: { '.wasm': 'copy' }, assetNames: '[name]', logLevel: 'error',
    plugins: [{ name: 'entry', setup: ({ onResolve, resolve }) => onResolve({ filter: /^\/js\/browser\.js$/ }, () => resolve('sluice', { resolveDir: ROOT, kind: 'import-statement' })) }] });
  writeFileSync(join(folder, 'config.capnp'), config(ca));
  const child = spawn(program, ['serve', '--control-fd=3', join(folder, 'config.capnp')], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL')); // when the tests are ended before it is
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { log += bytes; });
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  const port = await listening(/** @type {import('node:stream').Readable} */ (child.stdio[3])).catch((error) => { throw new Error(`${error.message}${log}`); });
  clearTimeout(timer);
  const sessions = new Set();

  return {
    log: () => log,
    /** One request that does what it is told, until close(). */
    async session() {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`), waiting = new Map();
      let lastId = 0;
      sessions.add(socket);
      socket.addEventListener('message', ({ data }) => {
        const { id, value, error } = JSON.parse(data);
        const { resolve, reject } = waiting.get(id);
        waiting.delete(id);
        if (error === undefined) resolve(value);
        else reject(new Error(error));
      });
      socket.addEventListener('close', () => {
        for (const { reject } of waiting.values()) reject(new Error(`the request has ended: ${log}`));
      });
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', () => reject(new Error(`no WebSocket: ${log}`)));
      });
      return {
        drive: (command, args = {}) => new Promise((resolve, reject) => {
          waiting.set(++lastId, { resolve, reject });
          socket.send(JSON.stringify({ id: lastId, command, args }));
        }),
        close: () => socket.close(),
      };
    },
    /** A request of its own. */
    async request(args) {
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(args) });
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status} ${text} ${log}`);
      return JSON.parse(text);
    },
    async close() {
      for (const socket of sessions) socket.close();
      const gone = once(child, 'exit');
      child.kill('SIGKILL'); // asked to end it would wait for its requests
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
