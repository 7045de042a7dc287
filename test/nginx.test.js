// Real transfers against nginx, over http and https: byte-exact, paused in the middle, kept alive, refused for the right reason.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Multi, Transfer } from '../js/index.js';
import { failure, pattern, sha256, summing } from './support/bytes.js';
import { startNginx } from './support/nginx.js';

const MIB = 1048576;
const big = pattern(32 * MIB);
const small = pattern(1000, 7);
const chunks = pattern(3 * MIB, 9);
let nginx, upstream, multi;

beforeAll(async () => {
  upstream = createServer((request, response) => {
    response.setHeader('Trailer', 'X-Sum');
    let at = 0;
    const more = () => {
      // Sizes from 1 byte on, so that chunk boundaries fall everywhere.
      while (at < chunks.length) {
        const size = 1 + ((at * 7919) % 40000);
        const piece = chunks.subarray(at, at + size);
        at += piece.length;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  nginx = await startNginx({ files: { big, small, empty: '' }, upstream: upstream.address().port });
});

afterAll(async () => {
  await nginx?.stop();
  upstream?.closeAllConnections();
  upstream?.close();
});

beforeEach(() => { multi = new Multi(); });
afterEach(() => multi[Symbol.asyncDispose]());

const get = (url, options = {}) => new Transfer(url, { multi, tls: { ca: nginx.ca }, ...options });

describe.each(['http', 'https'])('over %s', (scheme) => {
  test('32 MiB are byte-exact', async () => {
    const sum = summing();
    const result = await get(`${nginx[scheme]}/big`, { onData: sum.onData }).perform();
    expect(result).toMatchObject({ status: 200, code: 'CURLE_OK', errno: 0, received: big.length, receiveTotal: big.length });
    expect([sum.bytes, sum.hex()]).toEqual([big.length, sha256(big)]);
  });

  test('W8, W2: 32 MiB with a pause in the middle: nothing comes while paused, then all of it', async () => {
    const sum = summing();
    let atPause = -1;
    const transfer = get(`${nginx[scheme]}/big`, {
      onData(chunk) {
        sum.onData(chunk);
        if (atPause >= 0 || sum.bytes < 10 * MIB) return;
        atPause = sum.bytes;
        transfer.pause('recv');
      },
    });
    const done = transfer.perform();
    while (atPause < 0) await delay(1);
    await transfer.pause('recv');
    expect(transfer.paused).toMatchObject({ recv: true });
    await delay(300); // B4: what nginx goes on sending stays in the kernel
    expect(sum.bytes).toBe(atPause);
    expect(transfer.progress.held).toBeLessThanOrEqual(65536 + 16384);
    await transfer.resume();
    expect(await done).toMatchObject({ status: 200, received: big.length });
    expect([sum.bytes, sum.hex()]).toEqual([big.length, sha256(big)]);
    expect(transfer.result.pausedMs).toBeGreaterThan(250);
  });

  test('P1, P14: paused and resumed fifty times at random places', async () => {
    const sum = summing();
    let pauses = 0;
    const transfer = get(`${nginx[scheme]}/big`, {
      onData(chunk) {
        expect(transfer.paused.recv).toBe(false);
        sum.onData(chunk);
        if (sum.bytes < (pauses + 1) * (big.length / 52)) return;
        pauses++;
        transfer.pause('recv');
        setImmediate(() => transfer.resume());
      },
    });
    await transfer.perform();
    expect(pauses).toBeGreaterThanOrEqual(50);
    expect([sum.bytes, sum.hex()]).toEqual([big.length, sha256(big)]);
  });

  test('chunked, as nginx passes it on', async () => {
    const result = await get(`${nginx[scheme]}/chunked/`).perform();
    expect(result.headers.get('transfer-encoding')).toBe('chunked');
    expect(result.receiveTotal).toBeUndefined();
    expect(sha256(result.body)).toBe(sha256(chunks));
  });

  test('HEAD has the length and no body, and leaves the connection usable', async () => {
    const head = await get(`${nginx[scheme]}/big`, { method: 'HEAD' }).perform();
    expect(head).toMatchObject({ status: 200, received: 0 });
    expect(head.headers.get('content-length')).toBe(String(big.length));
    expect((await get(`${nginx[scheme]}/small`).perform()).reused).toBe(true);
  });

  test('an empty file is whole; a 404 resolves and has its page', async () => {
    const empty = await get(`${nginx[scheme]}/empty`).perform();
    expect([empty.status, empty.received]).toEqual([200, 0]);
    const missing = await get(`${nginx[scheme]}/missing`).perform();
    expect(missing).toMatchObject({ status: 404, errno: 0 });
    expect(missing.text()).toContain('404 Not Found');
  });

  test('a range asked for in headers', async () => {
    const result = await get(`${nginx[scheme]}/big`, { headers: { Range: 'bytes=1000000-1999999' } }).perform();
    expect(result.status).toBe(206);
    expect(sha256(result.body)).toBe(sha256(big.subarray(1000000, 2000000)));
  });

  test('1000 small GETs, one after the other, over one connection', async () => {
    let reused = 0;
    for (let i = 0; i < 1000; i++) {
      const result = await get(`${nginx[scheme]}/small`).perform();
      if (!small.equals(result.body)) throw new Error(`request ${i} has other bytes`);
      reused += Number(result.reused);
    }
    expect(reused).toBe(999);
    const [, requests] = (await get(`${nginx[scheme]}/connection`).perform()).text().split(' ');
    expect(requests).toBe('1001');
  });

  test('64 small GETs at once', async () => {
    const results = await Promise.all(Array.from({ length: 64 }, () => get(`${nginx[scheme]}/small`).perform()));
    expect(results.every((result) => result.status === 200 && small.equals(result.body))).toBe(true);
  });

  test('X9: an aborted transfer\'s connection is not used again', async () => {
    const transfer = get(`${nginx[scheme]}/big`, { onData() { transfer.abort(); } });
    expect(await failure(transfer.perform())).toMatchObject({ name: 'AbortError', errno: 42 });
    expect((await get(`${nginx[scheme]}/small`).perform()).reused).toBe(false);
  });
});

describe('certificates', () => {
  test('one that nobody here trusts ends with 60', async () => {
    const error = await failure(get(`${nginx.https}/small`, { tls: {} }).perform());
    expect(error).toMatchObject({ name: 'TransferError', code: 'CURLE_PEER_FAILED_VERIFICATION', errno: 60 });
    expect(error.result).toMatchObject({ errno: 60, received: 0 });
  });

  test('one for another name ends with 60, and says the name', async () => {
    const error = await failure(get(`${nginx.wrongName}/small`).perform());
    expect(error.errno).toBe(60);
    expect(error.message).toMatch(/elsewhere\.test|127\.0\.0\.1/);
  });

  test('a connection made without verifying is not given to one that verifies', async () => {
    const lax = await get(`${nginx.wrongName}/small`, { tls: { ca: nginx.ca, verify: false } }).perform();
    expect(lax.status).toBe(200);
    expect((await failure(get(`${nginx.wrongName}/small`).perform())).errno).toBe(60);
  });

  test('localhost is verified by name', async () => {
    const url = nginx.https.replace('127.0.0.1', 'localhost');
    expect((await get(`${url}/small`).perform()).status).toBe(200);
  });

  test('http spoken to a TLS port, and TLS to an http port', async () => {
    expect((await get(`${nginx.https.replace('https', 'http')}/small`).perform()).status).toBe(400);
    expect((await failure(get(`${nginx.http.replace('http', 'https')}/small`).perform())).errno).toBe(35);
  });
});
