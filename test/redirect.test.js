// Redirects through the JavaScript face: where they lead, what goes along, what ends them.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { settled, until } from './helpers/wait.js';
import { watchedStream, webServer } from './support/bodies.js';
import { failure, pattern, sha256, within } from './support/bytes.js';
import { rawServer } from './support/rawserver.js';

let host, multi, closing;
beforeEach(() => {
  host = nodeHost();
  multi = new Multi({ host });
  closing = [];
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await Promise.all(closing.map((server) => server.close()));
  expect(host.caught).toBeUndefined();
});
const send = (url, options) => new Transfer(url, { multi, ...options });

/** `/to/STATUS/REST` leads to /REST with that status; everything else says what was asked. Remembers all requests. */
async function hopping() {
  const seen = [];
  const server = await webServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    const asked = { method, url, headers, body: Buffer.concat(chunks) };
    seen.push(asked);
    const [, status, rest] = /^\/to\/(\d+)(\/.*)$/.exec(url) ?? [];
    if (status === undefined) return response.end(JSON.stringify({ ...asked, body: asked.body.length, sum: sha256(asked.body) }));
    const location = rest.startsWith('/abs/') ? decodeURIComponent(rest.slice(5)) : rest;
    response.writeHead(Number(status), { location }).end('elsewhere');
  });
  closing.push(server);
  return Object.assign(server, { seen });
}

describe('following', () => {
  test.each([301, 302, 303, 307, 308])('a GET follows %i; the result is of the last hop', async (status) => {
    const server = await hopping();
    const transfer = send(server.url(`/to/${status}/to/${status}/end?q`));
    const heads = [];
    transfer.addEventListener('head', (event) => heads.push(event.detail.status));
    const performing = transfer.perform();
    const head = await transfer.response;
    const result = await performing;
    expect([head.status, head.url]).toEqual([200, server.url('/end?q')]);
    expect(result).toMatchObject({ status: 200, url: server.url('/end?q'), redirects: 2 });
    expect(result.json()).toMatchObject({ method: 'GET', url: '/end?q' });
    expect(heads).toEqual([200]);
    expect(server.sockets.size).toBe(1); // small bodies are read out, the connection is kept
  });

  test('a small body in chunks is read out as well: three hops, one connection', async () => {
    const server = await webServer(async (request, response) => {
      const hop = Number(request.url.slice(1));
      if (hop === 3) return response.end('end');
      response.writeHead(302, { location: `/${hop + 1}` }).write('moved ');
      response.end('away');
    });
    closing.push(server);
    expect(await send(server.url('/0')).perform()).toMatchObject({ redirects: 3, status: 200 });
    expect(server.connections ?? server.sockets.size).toBe(1);
  });

  test.each([
    ['chunks without an end', 'Transfer-Encoding: chunked', '7\r\nendless\r\n'],
    ['a length that does not come', 'Content-Length: 100', 'half'],
  ])('a redirect whose body stalls (%s) is followed over another connection, soon', async (_what, framing, body) => {
    const server = await rawServer(async (peer) => {
      const head = await peer.request();
      if (head.startsWith('GET /end')) return peer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await peer.send(`HTTP/1.1 302 Found\r\nLocation: /end\r\n${framing}\r\n\r\n${body}`);
      await peer.closed;
    });
    closing.push(server);
    const result = await within(send(server.url('/')).perform(), 10_000, 'the end');
    expect([result.text(), result.redirects, server.peers.length]).toEqual(['ok', 1, 2]);
  });

  test('a redirect whose chunks never end is followed when there are too many', async () => {
    const server = await rawServer(async (peer) => {
      const head = await peer.request();
      if (head.startsWith('GET /end')) return peer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await peer.send('HTTP/1.1 302 Found\r\nLocation: /end\r\nTransfer-Encoding: chunked\r\n\r\n');
      while (!peer.socket.destroyed) await peer.send(`1000\r\n${'x'.repeat(4096)}\r\n`);
    });
    closing.push(server);
    const result = await within(send(server.url('/')).perform(), 10_000, 'the end');
    expect([result.text(), result.received, server.peers.length]).toEqual(['ok', 2, 2]);
  });

  test.each([
    [301, 'POST', 'GET'], [302, 'POST', 'GET'], [303, 'POST', 'GET'], [307, 'POST', 'POST'], [308, 'POST', 'POST'],
    [301, 'PUT', 'PUT'], [303, 'PUT', 'GET'], [308, 'PATCH', 'PATCH'], [303, 'DELETE', 'GET'], [302, 'DELETE', 'DELETE'],
  ])('%i makes a %s a %s; a body is given again or dropped with its headers', async (status, method, after) => {
    const server = await hopping();
    const body = pattern(1000);
    const result = await send(server.url(`/to/${status}/end`), { method, body, headers: { 'Content-Type': 'a/b' } }).perform();
    const last = result.json();
    expect(server.seen[0]).toMatchObject({ method, body });
    expect(last.method).toBe(after);
    if (after === 'GET') expect([last.body, last.headers['content-type'], last.headers['content-length']]).toEqual([0, undefined, undefined]);
    else expect(last).toMatchObject({ sum: sha256(body), headers: { 'content-type': 'a/b', 'content-length': '1000' } });
  });

  test('HEAD stays HEAD', async () => {
    const server = await hopping();
    expect(await send(server.url('/to/303/end'), { method: 'HEAD' }).perform()).toMatchObject({ status: 200, redirects: 1 });
    expect(server.seen.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
  });

  test('R7: a Blob is given again; a stream that has gone out is not: 65', async () => {
    const server = await hopping();
    const blob = new Blob([pattern(200_000)]);
    expect((await send(server.url('/to/307/end'), { body: blob }).perform()).json()).toMatchObject({ method: 'POST', body: 200_000, sum: sha256(pattern(200_000)) });
    const { stream } = watchedStream([pattern(10)]);
    expect(await failure(send(server.url('/to/307/end'), { body: stream }).perform())).toMatchObject({ errno: 65, message: expect.stringContaining('necessary data rewind was not possible (') });
    expect((await send(server.url('/to/303/end'), { body: watchedStream([pattern(10)]).stream }).perform()).json()).toMatchObject({ method: 'GET', body: 0 });
  });

  test('relative Locations, and what the fragment does not do', async () => {
    const server = await hopping();
    for (const [location, url] of [['../x', '/to/x'], ['?y', '/to/302/abs/%3Fy?y'], ['//' + new URL(server.url()).host + '/z', '/z'], ['/f#frag', '/f']]) {
      const result = await send(server.url(`/to/302/abs/${encodeURIComponent(location)}`), { follow: 1 }).perform().catch((error) => error.result);
      expect(result.redirects).toBe(1);
      if (location !== '?y' && location !== '../x') expect(result.json().url).toBe(url);
    }
  });

  test('a body larger than what is read out closes the connection; the sinks see the last body only', async () => {
    const server = await rawServer(async (peer) => {
      const head = await peer.request();
      if (head.startsWith('GET /start')) await peer.send(`HTTP/1.1 302 X\r\nLocation: /end\r\nContent-Length: 10000000\r\n\r\n${'x'.repeat(1000)}`);
      else await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend');
    });
    closing.push(server);
    let text = '';
    const result = await send(server.url('/start'), { onData: (chunk) => { text += Buffer.from(chunk).toString('latin1'); } }).perform();
    expect([text, result.received, server.peers.length]).toEqual(['end', 3, 2]);
  });
});

describe('ends', () => {
  test('a loop: 47 after 20; `follow` says how many', async () => {
    const server = await webServer((request, response) => { server.count++; response.writeHead(302, { location: '/again' }).end(); });
    closing.push(server);
    server.count = 0;
    expect(await failure(send(server.url()).perform())).toMatchObject({ code: 'CURLE_TOO_MANY_REDIRECTS', errno: 47, message: expect.stringContaining('Maximum (20) redirects followed ('), result: { redirects: 20 } });
    expect(server.count).toBe(21);
    expect(await failure(send(server.url(), { follow: 2 }).perform())).toMatchObject({ errno: 47, result: { redirects: 2 } });
    for (const follow of [0, false]) expect(await send(server.url(), { follow }).perform()).toMatchObject({ status: 302, redirects: 0, url: server.url() });
  });

  test.each([['file:///etc/passwd', 1], ['ftp://x/', 1], ['javascript:alert(1)', 3], ['data:text/plain,x', 3]])('to %s: %i, nothing is opened', async (location, errno) => {
    const server = await webServer((request, response) => response.writeHead(302, { location }).end());
    closing.push(server);
    expect(await failure(send(server.url()).perform())).toMatchObject({ errno });
  });

  test('no Location: it is the answer', async () => {
    const server = await webServer((request, response) => response.writeHead(302).end('x'));
    closing.push(server);
    expect(await send(server.url()).perform()).toMatchObject({ status: 302, redirects: 0 });
  });

  test('T2: timeoutMs spans all hops', async () => {
    const server = await webServer((request, response) => { setTimeout(() => response.writeHead(302, { location: '/again' }).end(), 30); });
    closing.push(server);
    const error = await failure(send(server.url(), { timeoutMs: 200, follow: 1000 }).perform());
    expect(error).toMatchObject({ name: 'TimeoutError', errno: 28 });
    expect(error.result.redirects).toBeGreaterThan(1);
  });

  test('failOnError: 22, also behind a redirect; without it a 404 resolves', async () => {
    const server = await webServer((request, response) => (request.url === '/' ? response.writeHead(302, { location: '/no' }).end() : response.writeHead(404).end('none')));
    closing.push(server);
    expect(await failure(send(server.url(), { failOnError: true }).perform())).toMatchObject({
      code: 'CURLE_HTTP_RETURNED_ERROR', errno: 22, message: expect.stringContaining('The requested URL returned error: 404 ('), result: { status: 404, redirects: 1 },
    });
    expect(await send(server.url()).perform()).toMatchObject({ status: 404, redirects: 1 });
  });
});

describe('to another host', () => {
  test.each([
    ['headers', { headers: { Authorization: 'Bearer x', Cookie: 'a=b', 'X-Own': 'y' } }, ''],
    ['credentials in the URL', { headers: { Cookie: 'a=b', 'X-Own': 'y' } }, 'user:secret@'],
  ])('Authorization and Cookie do not go along, given as %s; other headers do', async (_what, options, login) => {
    const [there, here] = [await hopping(), await hopping()];
    const url = here.url(`/to/307/to/302/abs/${encodeURIComponent(there.url('/end'))}`).replace('//', `//${login}`);
    const last = (await send(url, options).perform()).json();
    for (const { headers } of here.seen) expect([headers.authorization === undefined, headers.cookie]).toEqual([false, 'a=b']);
    expect(here.seen.length).toBe(2);
    expect([last.headers.authorization, last.headers.cookie, last.headers['x-own']]).toEqual([undefined, undefined, 'y']);
    expect(last.headers.host).toBe(new URL(there.url()).host);
  });

  test('and come back to where they belong', async () => {
    const [there, here] = [await hopping(), await hopping()];
    const back = there.url(`/to/302/abs/${encodeURIComponent(here.url('/end'))}`);
    const last = (await send(here.url(`/to/302/abs/${encodeURIComponent(back)}`), { headers: { Cookie: 'a=b' } }).perform()).json();
    expect([there.seen[0].headers.cookie, last.headers.cookie]).toEqual([undefined, 'a=b']);
  });
});

describe('B14: a pause of the caller', () => {
  test('survives a redirect', async () => {
    let go;
    const gone = new Promise((resolve) => { go = resolve; });
    const server = await webServer(async (request, response) => {
      if (request.url !== '/') return response.end('end');
      await gone;
      response.writeHead(302, { location: '/end' }).end();
    });
    closing.push(server);
    let bytes = 0;
    const transfer = send(server.url(), { onData: (chunk) => { bytes += chunk.length; } });
    const performing = transfer.perform();
    await until(() => transfer.state === 'active');
    transfer.pause('recv');
    go();
    await settled(() => transfer.progress.received, 100);
    expect([bytes, transfer.paused.recv, transfer.paused.by]).toEqual([0, true, 'call']);
    transfer.resume();
    expect(await within(performing, 5000, 'the end')).toMatchObject({ redirects: 1 });
    expect(bytes).toBe(3);
  });
});
