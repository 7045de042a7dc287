// What fetch cannot do in Chromium, and what is said then: the table at the head of js/hosts/fetch.js, line by line.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { echo, webServer } from './support/bodies.js';
import { sha256 } from './support/bytes.js';
import { DENIED, NOT_BUILT_IN, NOT_REACHED, driver, fresh, useChromium } from './support/chromium.js';
import { ROOT } from './support/command.js';

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
    expect(refused.error).toMatchObject({ errno: DENIED, message: expect.stringMatching(/does not let this page read the answer \(CORS\)$/) });
    expect([asked, refused.size]).toEqual([1, 0]);
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
    for (const follow of [false, 5]) {
      expect((await get(url, { options: { follow } })).error).toMatchObject({ errno: NOT_BUILT_IN, message: expect.stringMatching(/^a redirect/) });
    }
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
});
