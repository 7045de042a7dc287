// Whose memory a chunk is (B19): the caller's for ever, or lent with `borrow`, then until onData returns or its promise settles.
// Several transfers run at once on each host: what one of them is given must not be another's bytes a moment later.
import { open } from 'node:fs/promises';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, fetchHost, nodeHost } from '../js/index.js';
import { makeCertificates } from './helpers/certs.js';
import { until } from './helpers/wait.js';
import { webServer } from './support/bodies.js';
import { failure, pattern, sha256 } from './support/bytes.js';

const SIZE = 2 * 1024 * 1024, MANY = 6;
const BODIES = Array.from({ length: MANY }, (_, seed) => pattern(SIZE, 2 * seed + 1));
const SUMS = BODIES.map(sha256);

/** /3 is the fourth body by length, /3?chunked in small chunks, /small a few bytes. */
function answer(request, response) {
  const body = request.url === '/small' ? BODIES[0].subarray(0, 100) : BODIES[Number(request.url[1])];
  if (!request.url.includes('chunked')) return void response.writeHead(200, { 'content-length': body.length }).end(body);
  let at = 0;
  const pump = () => {
    while (at < body.length) if (!response.write(body.subarray(at, at += 3000))) return void response.once('drain', pump);
    response.end();
  };
  pump();
}

let folder, plain, secure, ca;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-chunks-'));
  BODIES.forEach((body, i) => writeFileSync(path.join(folder, `body${i}`), body));
  plain = await webServer(answer);
  const certificates = makeCertificates();
  ca = certificates.ca;
  secure = https.createServer({ ...certificates.server, ca, keepAliveTimeout: 0 }, answer).listen(0, '127.0.0.1');
  await once(secure, 'listening');
});
afterAll(async () => {
  secure?.closeAllConnections();
  secure?.close();
  await plain?.close();
  rmSync(folder, { recursive: true, force: true });
});

const HOSTS = {
  'http': { host: nodeHost, url: (i) => plain.url(`/${i}`) },
  'http, chunked': { host: nodeHost, url: (i) => plain.url(`/${i}?chunked`) },
  'https': { host: nodeHost, url: (i) => `https://127.0.0.1:${secure.address().port}/${i}`, options: () => ({ tls: { ca } }) },
  'file': { host: nodeHost, url: (i) => pathToFileURL(path.join(folder, `body${i}`)) },
  'fetchHost': { host: fetchHost, url: (i) => plain.url(`/${i}`) },
};
const NAMES = Object.keys(HOSTS);

let host, multi;
beforeEach(() => { multi = null; });
afterEach(async () => {
  await multi?.[Symbol.asyncDispose]();
  expect(host?.caught).toBeUndefined();
});
/** A transfer of body i over a kind of host. */
function get(name, i, options) {
  const kind = HOSTS[name];
  if (multi === null) multi = new Multi({ host: (host = kind.host()) });
  return new Transfer(kind.url(i), { multi, ...kind.options?.(), ...options });
}
const turns = async (n) => { while (n-- > 0) await new Promise((resolve) => setImmediate(resolve)); };

describe.each(NAMES)('%s: chunks are the caller\'s', (name) => {
  test('B19 U1: chunks that were kept are as they came, at the end of all transfers', async () => {
    const kept = BODIES.map(() => []);
    await Promise.all(kept.map((chunks, i) => get(name, i, { onData: (chunk) => { chunks.push(chunk); } }).perform()));
    expect(kept.map((chunks) => sha256(Buffer.concat(chunks)))).toEqual(SUMS);
    // Nothing beside it: a small chunk keeps no large buffer, and who gives its buffer away gives away nobody else's bytes.
    for (const chunk of kept.flat()) expect([chunk.byteOffset, chunk.buffer.byteLength]).toEqual([0, chunk.length]);
  });

  test('B19 U1: parallel downloads to files, each with await file.write(chunk)', async () => {
    const files = await Promise.all(BODIES.map((_, i) => open(path.join(folder, `written${i}`), 'w')));
    try {
      await Promise.all(files.map((file, i) => get(name, i, { async onData(chunk) { await file.write(chunk); } }).perform()));
    } finally {
      await Promise.all(files.map((file) => file.close()));
    }
    expect(BODIES.map((_, i) => sha256(readFileSync(path.join(folder, `written${i}`))))).toEqual(SUMS);
  });

  test('B19 U1: parallel downloads to files, with `to`', async () => {
    await Promise.all(BODIES.map((_, i) => get(name, i, { to: path.join(folder, `to${i}`) }).perform()));
    expect(BODIES.map((_, i) => sha256(readFileSync(path.join(folder, `to${i}`))))).toEqual(SUMS);
  });

  test('B19 U1: a promise that nothing waits for finds its chunk as it came', async () => {
    const later = BODIES.map(() => []);
    await Promise.all(BODIES.map((_, i) => get(name, i, {
      onData: (chunk) => { later[i].push(turns(5).then(() => Buffer.from(chunk))); },
    }).perform()));
    const chunks = await Promise.all(later.map((list) => Promise.all(list)));
    expect(chunks.map((list) => sha256(Buffer.concat(list)))).toEqual(SUMS);
  });
});

describe.each(NAMES)('%s: borrowed', (name) => {
  test('B19 U1: several at once: nothing is written into a chunk before its promise settles', async () => {
    const got = BODIES.map(() => []);
    let spoiled = 0;
    await Promise.all(BODIES.map((_, i) => get(name, i, {
      borrow: true,
      async onData(chunk) {
        const copy = Buffer.from(chunk);
        await turns(1 + (i + got[i].length) % 4); // the others go on
        if (Buffer.compare(copy, chunk) !== 0) spoiled++;
        got[i].push(copy);
      },
    }).perform()));
    expect(spoiled).toBe(0);
    expect(got.map((list) => sha256(Buffer.concat(list)))).toEqual(SUMS);
  });

  test('B19: some chunks taken at once, some by a promise, some refused at first: in order, none lost', async () => {
    const got = BODIES.map(() => []);
    let spoiled = 0;
    await Promise.all(BODIES.map((_, i) => {
      let calls = 0;
      const transfer = get(name, i, {
        borrow: true,
        onData(chunk) {
          const copy = Buffer.from(chunk), call = calls++;
          if (call % 3 === 2) {
            setImmediate(() => transfer.resume());
            return 'pause';
          }
          got[i].push(copy);
          if (call % 3 === 0) return undefined;
          return turns(2).then(() => { if (Buffer.compare(copy, chunk) !== 0) spoiled++; });
        },
      });
      return transfer.perform();
    }));
    expect(spoiled).toBe(0);
    expect(got.map((list) => sha256(Buffer.concat(list)))).toEqual(SUMS);
  });

  test.each(['inside onData', 'while it waits'])('B19 U1: aborted %s: the chunk stays as it is until its promise settles', async (when) => {
    let chunk, copy, settle, calls = 0;
    const transfer = get(name, 0, {
      borrow: true,
      onData(bytes) {
        if (calls++ === 0) return undefined; // the next one is where the host can lend it
        [chunk, copy] = [bytes, Buffer.from(bytes)];
        if (when === 'inside onData') transfer.abort();
        return new Promise((resolve) => { settle = resolve; });
      },
    });
    const ending = failure(transfer.perform());
    await until(() => settle);
    transfer.abort();
    expect(await ending).toMatchObject({ name: 'AbortError' });
    const reads = { borrow: true, async onData() { await turns(1); } };
    await Promise.all([1, 2, 3, 4, 5].map((i) => get(name, i, reads).perform()));
    expect(Buffer.compare(copy, chunk)).toBe(0);
    settle();
    await Promise.all([1, 2, 3, 4, 5].map((i) => get(name, i, reads).perform()));
  });
});

test('B19: what is lent is used again, once its promise has settled', async () => {
  const memory = new Set();
  let chunks = 0;
  await get('http', 0, { borrow: true, async onData(chunk) {
    await turns(1);
    chunks++;
    memory.add(chunk.buffer);
  } }).perform();
  expect(chunks).toBeGreaterThan(20);
  expect(memory.size).toBeLessThan(10); // the first is copied; copies of what was kept aside
});

test('B19 U1: the last chunk of a body is lent like any other: the transfer waits for it', async () => {
  let settle;
  const small = new Transfer(plain.url('/small'), { multi: (multi = new Multi({ host: (host = nodeHost()) })), borrow: true, onData: () => new Promise((resolve) => { settle = resolve; }) });
  let ended = false;
  const ending = small.perform().then(() => { ended = true; });
  await until(() => settle);
  await turns(20);
  expect(ended).toBe(false);
  settle();
  await ending;
});

test('B19: borrow is of onData, and says so', () => {
  expect(() => new Transfer('http://h/', { borrow: true })).toThrow('borrow: it is onData that borrows, and there is none');
  expect(() => new Transfer('http://h/', { borrow: true, to: 'x' })).toThrow('borrow: it is onData');
  expect(() => new Transfer('http://h/', { borrow: 1, onData() {} })).toThrow('borrow must be true or false, got 1');
});
