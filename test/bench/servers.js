// What the peers talk to, on a core of its own: build/bench/server (server.c), and nginx for TLS. And who keeps that core awake.
import { spawn } from 'node:child_process';
import { truncateSync, closeSync, openSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join, resolve } from 'node:path';
import { makeCertificates } from '../helpers/certs.js';

const LIFE_S = '1800'; // however the bench ends, these end
const children = [];

/** @param {string[]} pin words before the command, see bench.js @param {string[]} command */
function start(pin, command, stdio) {
  const [file, ...args] = [...pin, 'timeout', LIFE_S, ...command];
  const child = spawn(file, args, { stdio });
  children.push(child);
  return child;
}
export function stopServers() {
  for (const child of children) child.kill();
}

const freePort = () => new Promise((done, failed) => {
  const probe = net.createServer().on('error', failed).listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});
async function answers(port, tries = 100) {
  for (; tries > 0; tries--) {
    const there = await new Promise((done) => {
      const socket = net.connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false));
      socket.on('connect', () => socket.destroy());
    });
    if (there) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('nginx does not answer');
}

/** @returns {Promise<number>} port */
export function startPlain(pin) {
  const child = start(pin, ['build/bench/server'], ['pipe', 'pipe', 'inherit']);
  return new Promise((done, failed) => {
    child.on('error', failed).on('exit', (code) => failed(new Error(`the server exited with ${code}`)));
    child.stdout.once('data', (text) => done(Number(text)));
  });
}

/** @returns {Promise<{ port: number, cafile: string }>} over TLS: /big/BYTES for each of sizes, /endless, /small */
export async function startTls(pin, sizes) {
  const folder = resolve('build/bench/nginx');
  mkdirSync(join(folder, 'www/big'), { recursive: true });
  const sparse = (name, size) => {
    closeSync(openSync(join(folder, 'www', name), 'w'));
    truncateSync(join(folder, 'www', name), size);
  };
  for (const size of sizes) sparse(`big/${size}`, size);
  sparse('endless', 64 * 2 ** 30);
  writeFileSync(join(folder, 'www/small'), 'Hello, world!');
  const { ca, server } = makeCertificates();
  writeFileSync(join(folder, 'ca.pem'), ca);
  writeFileSync(join(folder, 'cert.pem'), server.cert);
  writeFileSync(join(folder, 'key.pem'), server.key);
  const port = await freePort();
  const root = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(join(folder, 'nginx.conf'), `
daemon off; ${root} worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 10000000; sendfile off; output_buffers 2 256k; default_type application/octet-stream;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3; uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  server {
    listen 127.0.0.1:${port} ssl backlog=4096; root ${folder}/www;
    ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; ssl_protocols TLSv1.3;
  }
}
`);
  const child = start(pin, [process.env.SLUICE_NGINX || 'nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], ['ignore', 'ignore', 'inherit']);
  let over = false;
  child.on('exit', () => { over = true; });
  await answers(port).catch(() => { throw new Error(`nginx does not run: ${over ? readFileSync(join(folder, 'error.log'), 'utf8') : 'it does not answer'}`); });
  return { port, cafile: join(folder, 'ca.pem') };
}

/** Keeps the server's core from sleeping, and gives way to everything else. */
export function startSpinner(pin) {
  start([...pin, 'chrt', '-i', '0'], ['sh', '-c', 'while :; do :; done'], 'ignore').on('error', () => {});
}
