// Certificates for tests, made by the openssl command: a CA, and what it signed.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns {{ ca: string, server: { cert: string, key: string }, client: { cert: string, key: string }, self: { cert: string, key: string } }} PEM; self: the CA's own */
export function makeCertificates() {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-certs-'));
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  const read = (name) => readFileSync(join(dir, name), 'utf8');
  try {
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
      '-subj', '/CN=Sluice test CA', '-keyout', 'ca.key', '-out', 'ca.pem');
    const issue = (name, extensions) => {
      writeFileSync(join(dir, `${name}.ext`), extensions);
      openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${name}`,
        '-keyout', `${name}.key`, '-out', `${name}.csr`);
      openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
        '-extfile', `${name}.ext`, '-out', `${name}.pem`);
      return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
    };
    const server = issue('server', 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const client = issue('client', 'extendedKeyUsage=clientAuth\n');
    return { ca: read('ca.pem'), self: { cert: read('ca.pem'), key: read('ca.key') }, server, client };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
