// `response` starts the transfer, and the body waits for whoever takes it: "check the status, then stream".
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, fetchHost, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { webServer } from './support/bodies.js';
import { failure, pattern, sha256, within } from './support/bytes.js';
import { run } from './support/command.js';

const INDEX = new URL('../js/index.js', import.meta.url).href;
const ALL = pattern(64 * 1024 * 1024);
const KERNEL = 48 * 1024 * 1024; // what kernels on loopback, and fetch, may take in

describe.each([['nodeHost', nodeHost], ['fetchHost', fetchHost]])('over %s', (_host, make) => {
  let multi, server, requests, given;
  beforeEach(async () => {
    multi = new Multi({ host: make() });
    requests = given = 0;
    server = await webServer((request, response) => {
      requests++;
      response.on('error', () => {});
      if (request.url === '/moved') return void response.writeHead(302, { location: '/small' }).end();
      if (request.url === '/small') return void response.end('hello');
      if (request.url === '/empty') return void response.writeHead(204).end();
      if (request.url === '/zero') return void response.end();
      if (request.url === '/missing') return void response.writeHead(404).end('not here');
      if (request.url === '/cut') return void response.writeHead(200, { 'content-length': 1000 }).write('x'.repeat(100), () => setTimeout(() => response.destroy(), 20));
      if (request.url === '/chunked') response.writeHead(200);
      else response.writeHead(200, { 'content-length': ALL.length });
      const more = () => {
        while (given < ALL.length) {
          const piece = ALL.subarray(given, given += 65536);
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
  });
  afterEach(async () => {
    await multi[Symbol.asyncDispose]();
    await server.close();
  });
  const get = (path, options) => new Transfer(server.url(path), { multi, ...options });

  test.each(['/large', '/chunked'])('%s: the head, and then nothing before the body is taken: by iteration', async (path) => {
    const transfer = get(path);
    expect(await transfer.response).toMatchObject({ status: 200 });
    expect(await settled(() => given, 200)).toBeLessThan(KERNEL);
    expect(transfer.state).toBe('active');
    const chunks = [];
    for await (const chunk of transfer) chunks.push(chunk);
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(ALL));
    expect([requests, transfer.result.errno]).toEqual([1, 0]);
  });

  test('taken as a stream; its result is that of perform(), which sends nothing again', async () => {
    const transfer = get('/large');
    await transfer.response;
    await settled(() => given, 100);
    const whole = new Response(transfer.body).arrayBuffer(), performing = transfer.perform();
    expect(sha256(new Uint8Array(await whole))).toBe(sha256(ALL));
    expect(await performing).toMatchObject({ received: ALL.length });
    expect(requests).toBe(1);
  });

  test.each(['/large', '/chunked', '/small'])('%s: collected when perform() asks for the result; the next one is a new run', async (path) => {
    const transfer = get(path, { maxBody: 0 });
    expect(await transfer.response).toMatchObject({ status: 200 });
    await settled(() => given, 50);
    const result = await transfer.perform();
    expect(sha256(result.body)).toBe(sha256(path === '/small' ? Buffer.from('hello') : ALL));
    expect(() => transfer.body).toThrow('too late');
    given = 0;
    expect((await transfer.perform()).received).toBe(result.received);
    expect(requests).toBe(2);
  });

  test.each(['/empty', '/zero'])('%s: an empty body can be taken, and is not asked for again', async (path) => {
    const transfer = get(path);
    const { status } = await transfer.response;
    await until(() => transfer.state === 'done');
    for await (const chunk of transfer) throw new Error(`a chunk of ${chunk.length}`);
    expect(await new Response(transfer.body).text()).toBe('');
    expect(await transfer.perform()).toMatchObject({ status, received: 0 });
    expect(requests).toBe(1);
  });

  test('HEAD, redirects, a 404, failOnError', async () => {
    const head = get('/small', { method: 'HEAD' });
    expect(await head.response).toMatchObject({ status: 200 });
    expect((await within(head.perform(), 5000, 'HEAD')).text()).toBe('');
    const moved = get('/moved');
    expect(await moved.response).toMatchObject({ status: 200, url: server.url('/small') });
    expect((await moved.perform()).text()).toBe('hello');
    const missing = get('/missing');
    expect(await missing.response).toMatchObject({ status: 404 });
    expect(await new Response(missing.body).text()).toBe('not here');
    const failing = get('/missing', { failOnError: true });
    expect(await failing.response).toMatchObject({ status: 404 });
    expect(await failure(failing.perform())).toMatchObject({ errno: 22 });
    expect(requests).toBe(5);
  });

  test('onData and to need no perform()', async () => {
    const chunks = [];
    const transfer = get('/small', { onData: (chunk) => void chunks.push(chunk) });
    await transfer.response;
    await until(() => transfer.state === 'done');
    expect(Buffer.concat(chunks).toString()).toBe('hello');
    expect(await transfer.perform()).toMatchObject({ received: 5 });
    expect(requests).toBe(1);
  });

  test('asked for in the same tick: added, performed, paused, aborted', async () => {
    const added = get('/small'), response = added.response, ending = multi.add(added);
    expect(await response).toMatchObject({ status: 200 });
    expect((await ending).text()).toBe('hello');
    expect(multi.infoRead()?.transfer).toBe(added);
    const later = get('/small');
    await later.response;
    expect((await multi.add(later)).text()).toBe('hello');
    expect(multi.infoRead()?.transfer).toBe(later);
    const aborted = get('/small'), rejecting = failure(aborted.response);
    aborted.abort(new Error('enough'));
    expect((await rejecting).message).toBe('enough');
    expect(requests).toBe(2);
  });

  test('aborted at the body: the server sees it, the body says so', async () => {
    const transfer = get('/large');
    await transfer.response;
    transfer.abort(new Error('enough'));
    await until(() => server.sockets.size === 0);
    expect((await failure(transfer.body.getReader().read())).message).toBe('enough');
    expect((await failure(transfer.perform())).message).toBe('enough');
    expect(requests).toBe(1);
  });

  test('what fails before the head rejects it, what fails at the body fails who takes it', async () => {
    await server.close();
    const nobody = get('/small');
    expect(await failure(nobody.response)).toMatchObject({ errno: 7 });
    expect(await failure(nobody.perform())).toMatchObject({ errno: 7 });
    expect(() => nobody[Symbol.asyncIterator]()).toThrow('too late'); // perform() has taken it
  });

  test('B9: waiting for somebody is a pause by the consumer: pausedTimeoutMs ends it, silence and low speed do not', async () => {
    const quiet = get('/large', { silenceTimeoutMs: 50, lowSpeed: { bytesPerSecond: 1e9, ms: 1000 }, maxBody: 0 });
    await quiet.response;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(quiet.state).toBe('active');
    expect(quiet.paused).toEqual({ recv: true, send: false, by: 'callback' });
    await quiet.abort();
    const bounded = get('/large', { pausedTimeoutMs: 50 });
    await bounded.response;
    await until(() => bounded.state === 'done');
    expect(await failure(bounded[Symbol.asyncIterator]().next())).toMatchObject({ errno: 28 });
  });
});

describe('the process', () => {
  let server;
  beforeEach(async () => { server = await webServer((request, response) => void response.on('error', () => {}).end(Buffer.alloc(30_000_000))); });
  afterEach(() => server.close());
  const program = (client) => run(process.execPath, ['--input-type=module', '-e',
    `import { Transfer } from ${JSON.stringify(INDEX)}; const url = ${JSON.stringify(server.url())}; ${client}`]);

  test('await response alone: it is not over at once, and a body that nobody takes does not keep it', async () => {
    const { code, stdout, stderr } = await program(`console.log((await new Transfer(url).response).status);`);
    expect([code, String(stdout), stderr]).toEqual([0, '200\n', '']);
  });
  test('a body that is taken keeps it, at any time', async () => {
    const { code, stdout, stderr } = await program(`const t = new Transfer(url); await t.response; await new Promise((r) => setTimeout(r, 50));
      let n = 0; for await (const c of t) n += c.length; console.log(n);
      const u = new Transfer(url); await u.response; console.log((await u.perform()).body.length);`);
    expect([code, String(stdout), stderr]).toEqual([0, '30000000\n30000000\n', '']);
  });
  test('a response that nobody awaits and that fails is loud', async () => {
    const { code, stderr } = await program(`new Transfer('http://127.0.0.1:1/').response;`);
    expect([code, stderr]).toEqual([1, expect.stringContaining('CURLE_COULDNT_CONNECT')]);
  });
});
