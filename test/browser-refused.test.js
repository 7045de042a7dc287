// What fetch cannot do in Chromium, and what is said then: the table at the head of js/hosts/fetch.js, line by line.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import https from 'node:https';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeCertificates } from './helpers/certs.js';
import { echo, webServer } from './support/bodies.js';
import { sha256 } from './support/bytes.js';
import { DENIED, MiB, NOT_BUILT_IN, NOT_REACHED, SCRIPT, driver, fresh, useChromium } from './support/chromium.js';
import { ROOT } from './support/command.js';
import { POLICY } from './support/site.js';

const at = useChromium();

describe.each(['page', 'worker'])('in a %s', (where) => {
  const { drive, get } = driver(() => at.page, where);

  test('another origin: one that lets read, and whose body has no size that could be believed; one that does not; nobody there', async () => {
    const open = at.other.fountain(fresh(), 100000, { 'Access-Control-Allow-Origin': '*' });
    expect(await get(open.url)).toMatchObject({ error: undefined, sum: open.sum, receiveTotal: undefined });
    const text = 'sluice '.repeat(1000), packed = gzipSync(text);
    const coded = at.other.on(fresh(), (request, response) => response.writeHead(200,
      { 'Access-Control-Allow-Origin': '*', 'Content-Encoding': 'gzip', 'Content-Length': packed.length }).end(packed));
    expect(await get(coded)).toMatchObject({ error: undefined, size: text.length });
    let asked = 0;
    const shut = at.other.on(fresh(), (request, response) => {
      if (request.method !== 'HEAD') asked++;
      response.end('secret');
    });
    const refused = await get(shut);
    expect(refused.error).toMatchObject({ errno: DENIED, message: expect.stringMatching(/does not let this page read the answer \(CORS\) \(GET http/) });
    expect([asked, refused.size]).toEqual([1, 0]);
    const mute = at.other.on(fresh(), (request) => { if (request.method !== 'HEAD') request.socket.destroy(); });
    expect((await get(mute, { options: { method: 'POST' }, bodySize: 1 })).error).toMatchObject({ errno: NOT_REACHED });
    const gone = await webServer();
    await gone.close();
    expect((await get(gone.url())).error).toMatchObject({ errno: NOT_REACHED, message: expect.stringMatching(/cannot be reached/) });
    const sameGone = at.here.on(fresh(), (request) => request.socket.destroy());
    expect((await get(sameGone)).error).toMatchObject({ errno: NOT_REACHED });
  });

  test('redirects: all are followed by the browser, or a 3xx is not built in (F19)', async () => {
    const target = at.here.on(fresh(), (request, response) => response.end('there'));
    const url = at.here.on(fresh(), (request, response) => response.writeHead(302, { Location: target }).end('here'));
    expect(await get(url)).toMatchObject({ error: undefined, status: 200, text: 'there' });
    for (const follow of [false, 0]) {
      expect((await get(url, { options: { follow } })).error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringMatching(/^a redirect/) });
    }
    expect(await get(url, { options: { follow: 5 } })).toMatchObject({ error: undefined, status: 200, text: 'there', left: ['follow'] });
    expect(await get(url, { options: { follow: 20 } })).toMatchObject({ error: undefined, status: 200, text: 'there', left: [] });
    expect(await get(target, { options: { follow: false } })).toMatchObject({ status: 200, text: 'there' });
  });

  test('a body cut short, and one that is coded (W10)', async () => {
    const cut = at.here.on(fresh(), (request, response) => {
      response.writeHead(200, { 'Content-Length': 10 }).write('abc', () => request.socket.end());
    });
    expect((await get(cut)).error).toMatchObject({ code: 'CURLE_RECV_ERROR' });
    const plain = readFileSync(join(ROOT, 'README.md'));
    const coded = at.here.on(fresh(), (request, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(plain)));
    expect(await get(coded)).toMatchObject({ error: undefined, sum: sha256(plain), receiveTotal: undefined });
  });

  test('what there is not says so: sockets, files, headers that are the browser\'s', async () => {
    expect(await drive('refusals')).toEqual([expect.stringMatching(/^nodeHost: there are no sockets/), expect.stringMatching(/^to: there are no files/)]);
    expect(await drive('file')).toMatchObject({ code: 'CURLE_UNSUPPORTED_PROTOCOL' });
    const url = at.here.on(fresh(), echo);
    for (const name of ['Cookie', 'Host', 'Referer', 'Connection']) {
      expect((await get(url, { options: { headers: { [name]: 'x' } } })).error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringContaining(name.toLowerCase()) });
    }
    const { headers } = JSON.parse((await get(url)).text);
    expect(headers['user-agent']).toMatch(/^Mozilla/);
  });

  test('a User-Agent is left out, which the trace says; a Referer of the page\'s own origin goes whole, another is refused', async () => {
    const url = at.here.on(fresh(), echo), other = at.other.on(fresh(), (request, response) => {
      response.setHeader('Access-Control-Allow-Origin', '*');
      return echo(request, response);
    });
    const agent = await get(url, { options: { headers: { 'User-Agent': 'mine/1' } } });
    expect(agent).toMatchObject({ error: undefined, left: ['User-Agent'] });
    expect(JSON.parse(agent.text).headers['user-agent']).toMatch(/^Mozilla/);
    const Referer = new URL('/some/page?q=1', url).href;
    for (const to of [url, other]) {
      const result = await get(to, { options: { headers: { Referer } } });
      expect(result).toMatchObject({ error: undefined, left: [] });
      expect(JSON.parse(result.text).headers.referer).toBe(Referer);
    }
    expect((await get(url, { options: { headers: { Referer: 'http://elsewhere.example/' } } })).error)
      .toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringMatching(/no referer but one of the page's own origin: http:\/\/elsewhere/) });
  });

  test('what the page\'s own policy refuses is told apart; a port and a name that lead nowhere are not', async () => {
    const strict = await at.site({ headers: { 'Content-Security-Policy': POLICY.replace('connect-src *', "connect-src 'self'") } });
    const one = await at.browser.newPage(); // not listened to: the browser says it too
    await one.goto(strict.page('/', SCRIPT));
    await at.ready(one);
    const its = driver(() => one, where);
    const source = at.other.fountain(fresh(), 1000, { 'Access-Control-Allow-Origin': '*' });
    const { error } = await its.get(source.url);
    expect(error).toMatchObject({ errno: DENIED, code: 'CURLE_REMOTE_ACCESS_DENIED', message: expect.stringMatching(/the policy of this page \(connect-src\) lets nothing go to http:\/\/127/) });
    expect(source.sent).toBe(0);
    await one.close();
    for (const url of ['http://127.0.0.1:6666/', 'http://no-such-name.invalid/']) {
      expect((await get(url)).error).toMatchObject({ errno: NOT_REACHED, message: expect.stringMatching(/cannot be reached, or broke off, or the browser blocks it \(GET http/) });
    }
  });

  test('what fetch has no word for: TLS of one\'s own, sockets of the system, methods, a GET with a body', async () => {
    const url = at.here.on(fresh(), echo);
    expect((await get('https://127.0.0.1:1/', { options: { tls: { verify: false } } })).error).toMatchObject({ errno: NOT_BUILT_IN, type: 'TransferError' });
    for (const options of [{ socketPath: '/run/x.sock' }, { method: 'TRACE' }, { method: 'GET', body: 'x' }]) {
      expect([options, (await get(url, { options })).error]).toEqual([options, expect.objectContaining({ errno: NOT_BUILT_IN, type: 'TransferError' })]);
    }
    const { headers } = JSON.parse((await get(url, { options: { decompress: false } })).text);
    expect(headers['accept-encoding']).toMatch(/gzip/); // the browser's
  });

  test('redirects that are followed are neither counted nor shown; interim responses and trailers are not there', async () => {
    const target = at.here.on(fresh(), (request, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</x.css>; rel=preload' });
      response.writeHead(200, { Trailer: 'X-Sum' }).write('body');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    });
    const url = at.here.on(fresh(), (request, response) => response.writeHead(302, { Location: target }).end());
    expect(await get(url)).toMatchObject({ error: undefined, status: 200, redirects: 0, url, trailers: 0, text: 'body' });
  });
});

describe('over https', () => {
  let server, url, old, oldUrl;
  const seen = [];
  beforeAll(async () => {
    server = createSecureServer({ ...makeCertificates().server, allowHTTP1: true }, async (request, response) => {
      for (const what of ['Origin', 'Headers', 'Methods']) response.setHeader(`Access-Control-Allow-${what}`, '*');
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      if (request.method !== 'OPTIONS') seen.push([request.httpVersion, bytes]);
      response.end('read');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://127.0.0.1:${server.address().port}/`;
    old = https.createServer(makeCertificates().server, (request, response) => {
      for (const what of ['Origin', 'Headers', 'Methods']) response.setHeader(`Access-Control-Allow-${what}`, '*');
      request.resume().on('end', () => response.end());
    });
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    oldUrl = `https://127.0.0.1:${old.address().port}/`;
  });
  afterAll(() => Promise.all([server, old].map((one) => new Promise((done) => { one ? one.close(done) : done(); }))));

  test('a certificate that the browser does not trust: as nobody there', async () => {
    const { get } = driver(() => at.page, 'page');
    expect((await get(url)).error).toMatchObject({ errno: NOT_REACHED });
    expect(seen).toEqual([]);
  });

  test('a body larger than what is kept goes as it comes, over HTTP/2 (R1)', async () => {
    const context = await at.browser.newContext({ ignoreHTTPSErrors: true });
    const one = await at.open(at.here.url(), context);
    const { get } = driver(() => one, 'page');
    const size = 65 * MiB;
    const result = await get(url, { streamSize: size, options: { method: 'PUT', headers: { 'content-length': String(size) } } });
    expect(result).toMatchObject({ error: undefined, status: 200, sent: size, text: 'read' });
    expect(seen).toEqual([['2.0', size]]);
    await context.close();
  });

  test('such a one over HTTP/1.1: it is said that it was streamed, of another origin that is there', async () => {
    const context = await at.browser.newContext({ ignoreHTTPSErrors: true });
    const one = await at.open(at.here.url(), context);
    const { get } = driver(() => one, 'page');
    const size = 65 * MiB;
    const { error } = await get(oldUrl, { streamSize: size, options: { method: 'PUT', headers: { 'content-length': String(size) } } });
    expect(error).toMatchObject({ errno: NOT_REACHED, message: expect.stringMatching(/is there, but .*or takes no streamed body \(that needs HTTP\/2\) \(/) });
    await context.close();
    old.closeAllConnections();
  });
});
