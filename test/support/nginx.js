// nginx on loopback, unprivileged, in a folder of its own, over http and https with a certificate made for this run.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NGINX = process.env.SLUICE_NGINX || 'nginx';
const START_MS = 5000; // nginx answers by then, or the test fails

/** @param {string} folder @param {string[]} args */
const openssl = (folder, ...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

/** ca.pem, and for each name a NAME.pem and NAME.key that it signed. @param {string} folder @param {Record<string, string>} names name: subjectAltName */
export function makeCertificates(folder, names) {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  writeFileSync(join(folder, 'req.conf'), '[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n');
  openssl(folder, 'req', '-config', 'req.conf', '-x509', '-extensions', 'ca', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Sluice test CA');
  for (const [name, alternatives] of Object.entries(names)) {
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${alternatives}\n`);
    openssl(folder, 'req', '-config', 'req.conf', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl(folder, 'x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`);
  }
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const configuration = (folder, [http, https, wrong], upstream) => `
daemon off;
master_process off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/octet-stream;
  keepalive_requests 1000000;
  client_body_temp_path ${folder}/tmp;
  proxy_temp_path ${folder}/tmp;
  fastcgi_temp_path ${folder}/tmp;
  uwsgi_temp_path ${folder}/tmp;
  scgi_temp_path ${folder}/tmp;
  gzip off;
  server {
    listen 127.0.0.1:${http};
    listen 127.0.0.1:${https} ssl;
    ssl_certificate ${folder}/localhost.pem;
    ssl_certificate_key ${folder}/localhost.key;
    root ${folder}/www;
    location /connection { return 200 "$connection $connection_requests"; }
    ${upstream ? `location /chunked/ {
      proxy_pass http://127.0.0.1:${upstream};
      proxy_http_version 1.1;
      proxy_buffering off;
    }` : ''}
  }
  server {
    listen 127.0.0.1:${wrong} ssl;
    ssl_certificate ${folder}/elsewhere.pem;
    ssl_certificate_key ${folder}/elsewhere.key;
    root ${folder}/www;
  }
}
`;

/** Whether something accepts connections there. */
const accepts = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false)).on('connect', () => socket.destroy());
  });

/** Start it, or say what it said. null: a port was taken meanwhile. */
async function launch(folder, ports) {
  const child = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes) => (said += bytes));
  let over = /** @type {Error | null} */ (null);
  child.on('error', (error) => (over = error));
  child.on('exit', (code) => (over ??= new Error(`nginx exited with ${code}`)));
  for (const until = Date.now() + START_MS; Date.now() < until && !over; ) {
    if ((await Promise.all(ports.map(accepts))).every(Boolean) && !over) return child;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill('SIGKILL');
  if (/Address already in use/.test(said)) return null;
  throw new Error(`${NGINX}: ${over ? over.message : 'does not answer'}\n${said}`);
}

/**
 * @param {{ files: Record<string, Uint8Array | string>, upstream?: number }} options files below the root; upstream: a
 *   port of 127.0.0.1 that serves /chunked/.
 */
export async function startNginx({ files, upstream = 0 }) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-nginx-'));
  mkdirSync(join(folder, 'www'));
  mkdirSync(join(folder, 'tmp'));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, 'www', name), bytes);
  makeCertificates(folder, { localhost: 'DNS:localhost,IP:127.0.0.1', elsewhere: 'DNS:elsewhere.test' });
  let child = null, ports = [];
  for (let attempt = 0; attempt < 5 && child === null; attempt++) {
    ports = await freePorts(3);
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, ports, upstream));
    child = await launch(folder, ports);
  }
  if (child === null) throw new Error('nginx found no free port');
  const [http, https, wrong] = ports;
  return {
    folder,
    ca: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    caFile: join(folder, 'ca.pem'),
    http: `http://127.0.0.1:${http}`,
    https: `https://127.0.0.1:${https}`,
    /** The same trust, but a certificate for another name. */
    wrongName: `https://127.0.0.1:${wrong}`,
    async stop() {
      if (child.exitCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
