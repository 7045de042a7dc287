// The command line as a process of its own: where the bytes go, exit codes, progress, interrupts; and the scenes.
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { playScenes } from '../js/cli/scenes.js';
import { Meter } from '../js/cli/meter.js';
import { Line, amount, duration, progressText, remaining } from '../js/cli/text.js';
import { makeCertificates } from './helpers/certs.js';
import { until } from './helpers/wait.js';
import { pattern, sha256 } from './support/bytes.js';
import { CLI, run, start } from './support/command.js';
import { rawServer } from './support/rawserver.js';

const MIB = 1048576;
const LENGTH = 100000; // announced by answers that are not whole
const big = pattern(32 * MIB);
const small = pattern(MIB, 5);
const files = { '/big': big, '/small': small, '/empty': Buffer.alloc(0) };

const sluice = (...args) => run(process.execPath, [CLI, ...args], { cwd: folder });
let folder, server, url, refused, bigClosed;

function answer(request, response) {
  const body = files[request.url];
  if (request.url === '/big') bigClosed = once(response, 'close').then(() => response.writableFinished);
  if (body) return void response.writeHead(200, { 'Content-Length': body.length, 'X-Method': request.method }).end(body);
  if (request.url === '/moved') return void response.writeHead(302, { Location: '/missing' }).end();
  if (request.url === '/moved-put') return void response.writeHead(307, { Location: '/echo' }).end();
  if (request.url === '/loop') return void response.writeHead(302, { Location: '/loop' }).end();
  if (/^\/(echo|folder)/.test(request.url)) return void echo(request, response);
  if (/^\/range/.test(request.url)) return void range(request, response);
  if (request.url === '/headers') return void response.end(JSON.stringify(request.headers));
  if (request.url === '/missing') return void response.writeHead(404).end('no such thing');
  response.setHeader('Content-Length', LENGTH);
  response.write(small.subarray(0, 5000), () => { // '/cut', '/stall'
    if (request.url === '/cut') response.socket.end();
  });
}

/** What was asked for, as JSON. */
async function echo(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks), { method, url: path, headers } = request;
  response.end(JSON.stringify({ method, path, headers, text: body.length < 1000 ? String(body) : sha256(body) }));
}

/** small, from where it is asked for; the query has an answer of its own kind. */
function range(request, response) {
  const [, kind] = request.url.split('?'), at = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? -1);
  if (at < 0 || kind === 'whole') return void response.end(small);
  if (kind === 'gone') return void response.writeHead(404).end('no such thing');
  if (kind === 'nameless') return void response.writeHead(206).end(small.subarray(at));
  if (kind === 'other') return void response.writeHead(206, { 'Content-Range': `bytes 0-${small.length - 1}/${small.length}` }).end(small);
  if (at >= small.length) return void response.writeHead(416, { 'Content-Range': `bytes */${small.length}` }).end('too far');
  response.writeHead(206, { 'Content-Range': `bytes ${at}-${small.length - 1}/${small.length}` }).end(small.subarray(at));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  server = http.createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = (path) => `http://127.0.0.1:${server.address().port}${path}`;
  const closed = net.createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  refused = `http://127.0.0.1:${closed.address().port}/`;
  await new Promise((resolve) => closed.close(resolve));
});
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});
const inFolder = (name) => join(folder, name);

describe('where the bytes go', () => {
  test('to a file, and the last line says bytes, speed and status', async () => {
    const { code, stdout, stderr } = await sluice(url('/big'), '-o', 'big');
    expect([code, stdout.length]).toEqual([0, 0]);
    expect(sha256(readFileSync(inFolder('big')))).toBe(sha256(big));
    expect(stderr).toMatch(/^32\.0 MiB in [\d.]+ m?s, [\d.]+ [KMG]iB\/s, status 200\n$/m);
  });

  test('to standard output', async () => {
    for (const host of ['node', 'fetch']) {
      const { code, stdout } = await sluice(url('/big'), '--host', host);
      expect([code, sha256(stdout)]).toEqual([0, sha256(big)]);
    }
  });

  test('a reader that does not read holds the server; then all of it comes', async () => {
    bigClosed = null;
    const { child, done } = start(process.execPath, [CLI, url('/big')], { read: false });
    await until(() => bigClosed);
    let finished = false;
    bigClosed.then((whole) => (finished = whole));
    await delay(500); // all of it would take less
    expect(finished).toBe(false);
    const out = [];
    child.stdout.on('data', (bytes) => out.push(bytes));
    expect((await done).code).toBe(0);
    expect(sha256(Buffer.concat(out))).toBe(sha256(big));
  });

  test('an empty body makes an empty file', async () => {
    expect((await sluice(url('/empty'), '-o', 'empty')).code).toBe(0);
    expect(readFileSync(inFolder('empty')).length).toBe(0);
  });

  test('a shorter body replaces a longer file', async () => {
    writeFileSync(inFolder('longer'), pattern(2 * MIB));
    expect((await sluice(url('/small'), '--output=longer')).code).toBe(0);
    expect(sha256(readFileSync(inFolder('longer')))).toBe(sha256(small));
  });

  test('-I asks with HEAD and writes the head', async () => {
    const { code, stdout } = await sluice('-I', url('/small'));
    expect(code).toBe(0);
    expect(String(stdout)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*X-Method: HEAD\r\n[^]*\r\n\r\n$/);
  });

  test('-H sends headers, in the bytes that were typed', async () => {
    const { stdout } = await sluice('-H', 'X-One: 1', '-H', 'X-Two: é', url('/headers'));
    expect(JSON.parse(String(stdout))).toMatchObject({ 'x-one': '1', 'x-two': Buffer.from('é').toString('latin1') });
  });

  test('a 404 is a body like any other; a redirect is followed, and said', async () => {
    const missing = await sluice(url('/missing'));
    expect([missing.code, String(missing.stdout)]).toEqual([0, 'no such thing']);
    expect(missing.stderr).toContain('status 404');
    const moved = await sluice(url('/moved'), '-L');
    expect([moved.code, String(moved.stdout)]).toEqual([0, 'no such thing']);
    expect(moved.stderr).toContain(`status 404; after 1 redirect to ${url('/missing')}\n`);
  });

  test('--no-location and --max-redirs 0 follow none and say where it goes on', async () => {
    for (const none of [['--no-location'], ['--max-redirs', '0']]) {
      const { code, stderr } = await sluice(url('/moved'), ...none);
      expect([code, stderr]).toEqual([0, expect.stringContaining('status 302; it goes on at /missing\n')]);
    }
  });
});

describe('what is sent', () => {
  const asked = async (...args) => {
    const { code, stdout, stderr } = await sluice(...args);
    if (code !== 0) throw new Error(`exit ${code}: ${stderr}`);
    return JSON.parse(String(stdout));
  };
  test('-d: a form with POST; its pieces are joined, @FILE is what is in FILE', async () => {
    writeFileSync(inFolder('form'), 'c=3\n');
    expect(await asked('-d', 'a=1&b=2', '-d', '@form', url('/echo')))
      .toMatchObject({ method: 'POST', text: 'a=1&b=2&c=3\n', headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '12' } });
    expect(await asked('-d', '', '-X', 'PATCH', '-H', 'content-type: text/x', url('/echo')))
      .toMatchObject({ method: 'PATCH', text: '', headers: { 'content-type': 'text/x', 'content-length': '0' } });
  });

  test('-X: a method of one\'s own', async () => {
    expect(await asked('-X', 'DELETE', url('/echo'))).toMatchObject({ method: 'DELETE' });
  });

  test('-T: a file with PUT, under its own name in a folder; from standard input in chunks; sent again after a redirect', async () => {
    writeFileSync(inFolder('up load'), small);
    const put = { method: 'PUT', text: sha256(small), headers: { 'content-length': String(MIB) } };
    expect(await asked('-T', 'up load', url('/echo'))).toMatchObject({ ...put, path: '/echo' });
    expect(await asked('-T', 'up load', url('/folder/'))).toMatchObject({ ...put, path: '/folder/up%20load' });
    expect(await asked('-T', 'up load', url('/moved-put'))).toMatchObject({ ...put, path: '/echo' });
    writeFileSync(inFolder('nothing'), '');
    expect(await asked('-T', 'nothing', url('/echo'))).toMatchObject({ text: '', headers: { 'content-length': '0' } });
    const { code, stdout, stderr } = await run(process.execPath, [CLI, '-T', '-', url('/echo')], { input: 'from a pipe' });
    expect(code).toBe(0);
    expect(JSON.parse(String(stdout))).toMatchObject({ text: 'from a pipe', headers: { 'transfer-encoding': 'chunked' } });
    expect(stderr).toMatch(/^11 B sent and \d+ B received in .*, status 200\n$/m);
  });
});

describe('going on', () => {
  const [half, whole] = [small.subarray(0, MIB / 2), sha256(small)];
  test('-C - goes on at the end of the file; anew without one; all there is success', async () => {
    writeFileSync(inFolder('part'), half);
    expect(await sluice('-C', '-', url('/range'), '-o', 'part')).toMatchObject({ code: 0, stderr: expect.stringMatching(/status 206/) });
    expect(sha256(readFileSync(inFolder('part')))).toBe(whole);
    expect(await sluice('-C', '-', '-f', url('/range'), '-o', 'part')).toMatchObject({ code: 0, stderr: `sluice: nothing is missing: part has all ${MIB} bytes\n` });
    expect(sha256(readFileSync(inFolder('part')))).toBe(whole);
    expect((await sluice('-C', '-', url('/range'), '-o', 'anew')).code).toBe(0);
    expect(sha256(readFileSync(inFolder('anew')))).toBe(whole);
  });

  test('a server that sends all of it: the file begins anew, standard output cannot', async () => {
    writeFileSync(inFolder('all'), 'something else'.repeat(MIB));
    expect((await sluice('-C', '-', url('/range?whole'), '-o', 'all')).code).toBe(0);
    expect(sha256(readFileSync(inFolder('all')))).toBe(whole);
    expect(await sluice('-C', '5', url('/range?whole'))).toMatchObject({ code: 33, stdout: Buffer.alloc(0) });
  });

  test('-C N: from there on, the file is cut there', async () => {
    const { code, stdout } = await sluice('-C', String(MIB / 2), url('/range'));
    expect([code, sha256(Buffer.concat([half, stdout]))]).toEqual([0, whole]);
    writeFileSync(inFolder('cut there'), Buffer.concat([half, pattern(MIB)]));
    expect((await sluice('-C', String(MIB / 2), url('/range'), '-o', 'cut there')).code).toBe(0);
    expect(sha256(readFileSync(inFolder('cut there')))).toBe(whole);
  });

  test.each([
    [22, '/range?gone', 'status 404; stays stays as it is'],
    [33, '/range?other', 'another part than the one from 6 on'],
    [33, '/range?nameless', 'a part and does not say which'],
  ])('%d: %s leaves the file as it is', async (code, path, words) => {
    writeFileSync(inFolder('stays'), 'stays!');
    const { code: got, stderr } = await sluice('-C', '-', url(path), '-o', 'stays');
    expect([got, stderr]).toEqual([code, expect.stringContaining(words)]);
    expect(readFileSync(inFolder('stays'), 'utf8')).toBe('stays!');
  });

  test('33: the file is longer than the server\'s, or shorter than N', async () => {
    writeFileSync(inFolder('long'), pattern(2 * MIB));
    expect(await sluice('-C', '-', url('/range'), '-o', 'long')).toMatchObject({ code: 33, stderr: expect.stringContaining(`long has ${2 * MIB} bytes, the server ${MIB}`) });
    expect(await sluice('-C', String(3 * MIB), url('/range'), '-o', 'long')).toMatchObject({ code: 33, stderr: expect.stringContaining(`less than ${3 * MIB}`) });
    expect(readFileSync(inFolder('long')).length).toBe(2 * MIB);
  });
});

describe('exit codes', () => {
  test('a file that would be emptied before it is read stays as it is', async () => {
    const file = join(folder, 'kept');
    writeFileSync(file, 'kept');
    for (const [args, words] of [
      [['-o', 'kept', pathToFileURL(file).href], '--output: kept is the file that is read'],
      [['-o', './kept', '-T', 'kept', 'http://localhost/'], '--output: ./kept is the file that is read'],
      [['-T', 'kept', pathToFileURL(file).href], '--upload-file: kept is the file that is written'],
    ]) {
      const { code, stderr } = await sluice(...args);
      expect([code, stderr.includes(words)]).toEqual([2, true]);
    }
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  test.each([
    [2, ['--nope', 'http://localhost/'], "Unknown option '--nope'"],
    [2, ['-o'], 'argument missing'],
    [2, ['http://a/', 'http://b/'], 'one URL at a time, got "http://a/" and "http://b/"'],
    [2, ['-k'], 'the URL is missing'],
    [2, ['--host', 'curl'], '--host must be node or fetch, got "curl"'],
    [2, ['--limit-rate', 'fast', 'http://localhost/'], '--limit-rate must be a number of bytes such as 5000, 500k or 2m, got "fast"'],
    [2, ['--max-time', '1e3', 'http://localhost/'], '--max-time must be a number of seconds such as 10 or 0.5, got "1e3"'],
    [2, ['--max-time=-1', 'http://localhost/'], 'got "-1"'],
    [2, ['-H', 'nothing', 'http://localhost/'], 'got "nothing"'],
    [2, ['-H', 'a b: c', 'http://localhost/'], '"a b" is not a header name'],
    [2, ['-H', 'A: b\r\nC: d', 'http://localhost/'], 'the value of A has a character'],
    [2, ['-I', '-d', 'x', 'http://localhost/'], '--head and --data do not go together'],
    [2, ['-C', '-', 'http://localhost/'], 'name it with --output'],
    [2, ['-C', '1k', 'http://localhost/'], '--continue-at must be a whole number'],
    [2, ['-C', '1', '-H', 'range: x', 'http://localhost/'], 'sends the header Range itself'],
    [2, ['--max-redirs', '-1', 'http://localhost/'], 'argument is ambiguous'],
    [2, ['-X', 'A B', 'http://localhost/'], 'method must be a token'],
    [26, ['-d', '@nosuch', 'http://localhost/'], '(26) CURLE_READ_ERROR: cannot read nosuch: ENOENT'],
    [26, ['-T', 'nosuch', 'http://localhost/'], '(26) CURLE_READ_ERROR: cannot read nosuch: ENOENT'],
    [26, ['-T', '.', 'http://localhost/'], '. is a folder'],
    [1, ['ftp://localhost/'], 'ftp: is not http:, https: or file:'],
    [37, ['file:///no/such/file'], 'CURLE_FILE_COULDNT_READ_FILE'],
    [1, ['localhost://80/x'], 'localhost: is not http:, https: or file:'],
    [1, ['ftp.example.org/x'], 'http://ftp.example.org/x is clear'],
    [3, ['local host/x'], '"local host/x" is not a URL'],
    [2, ['--scenes', 'http://localhost/'], '--scenes takes nothing but --host'],
    [3, ['http://localhost:65536/'], 'is not a URL'],
    [3, ['http://'], 'is not a URL'],
    [3, [''], '"" is not a URL'],
    [77, ['--cacert', 'nosuch.pem', 'https://localhost/'], 'nosuch.pem'],
    [77, ['--cacert', CLI, 'https://localhost/'], 'no certificates in'],
  ])('%d: %j', async (code, args, words) => {
    const { code: got, stderr, stdout } = await sluice(...args);
    expect([got, stdout.length]).toEqual([code, 0]);
    expect(stderr).toContain(words);
    expect(stderr).toMatch(/^sluice: [^\n]*\n$/);
  });

  test('7: nobody listens, and a file that is there stays as it is', async () => {
    writeFileSync(inFolder('kept'), 'kept');
    const { code, stderr } = await sluice(refused, '-o', 'kept');
    expect(code).toBe(7);
    expect(stderr).toMatch(/^sluice: \(7\) CURLE_COULDNT_CONNECT: .*ECONNREFUSED/);
    expect(readFileSync(inFolder('kept'), 'utf8')).toBe('kept');
  });

  test('18: what came stays in the file, and its size is said', async () => {
    const { code, stderr } = await sluice(url('/cut'), '-o', 'cut');
    expect([code, readFileSync(inFolder('cut')).length]).toEqual([18, 5000]);
    expect(stderr).toMatch(/\(18\) CURLE_PARTIAL_FILE: .*; 5000 bytes were written to cut\n$/);
  });

  test('22: -f, and nothing is written', async () => {
    const { code, stdout, stderr } = await sluice('-f', url('/missing'));
    expect([code, stdout.length, stderr]).toEqual([22, 0, expect.stringMatching(/^sluice: \(22\) CURLE_HTTP_RETURNED_ERROR.*404/)]);
  });

  test('47: redirects without end', async () => {
    expect((await sluice(url('/loop'), '--max-redirs', '3')).code).toBe(47);
  });

  test('23: cannot write', async () => {
    const { code, stderr } = await sluice(url('/small'), '-o', 'no/such/folder');
    expect(code).toBe(23);
    expect(stderr).toContain('(23) CURLE_WRITE_ERROR: cannot write to no/such/folder: ENOENT');
  });

  test('23: the reader goes away', async () => {
    const { child, done } = start(process.execPath, [CLI, url('/big')], { read: false });
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, stderr } = await done;
    expect(code).toBe(23);
    expect(stderr).toContain('cannot write to standard output: write EPIPE');
  });

  test('28: --max-time, also while nobody reads', async () => {
    const late = await sluice(url('/stall'), '--max-time', '0.3', '-o', 'late');
    expect([late.code, readFileSync(inFolder('late')).length]).toEqual([28, 5000]);
    const { child, done } = start(process.execPath, [CLI, url('/big'), '--max-time', '0.5'], { read: false });
    await once(child, 'exit');
    child.stdout.resume();
    expect((await done).code).toBe(28);
  });

  test('28: --speed-limit with --speed-time', async () => {
    const { code, stderr } = await sluice(url('/stall'), '--speed-limit', '1m', '--speed-time', '1', '-o', 'slow');
    expect(code).toBe(28);
    expect(stderr).toMatch(/too slow/);
  });

  test('28: --connect-timeout counts the TLS handshake', async () => {
    const mute = await rawServer(() => {});
    const { code } = await sluice(`https://127.0.0.1:${mute.port}/`, '--connect-timeout', '0.3', '-k');
    expect(code).toBe(28);
    await mute.empty();
    await mute.close();
  });

  test('8, 1: a server that speaks nonsense', async () => {
    const odd = await rawServer(async (peer) => {
      await peer.request();
      await peer.send('no HTTP at all\r\n\r\n');
      peer.end();
    });
    const { code, stdout } = await sluice(odd.url());
    expect([1, 8]).toContain(code); // as libcurl: HTTP/0.9 is an unsupported protocol
    expect(stdout.length).toBe(0);
    await odd.close();
  });

  test('60 unless trusted by --cacert or -k', async () => {
    const { ca, server: own } = makeCertificates();
    writeFileSync(inFolder('ca.pem'), ca);
    const secure = https.createServer(own, answer).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const there = `https://localhost:${secure.address().port}/small`;
    expect((await sluice(there)).code).toBe(60);
    for (const trust of [['--cacert', 'ca.pem'], ['-k']]) {
      const { code, stdout } = await sluice(...trust, there);
      expect([code, sha256(stdout)]).toEqual([0, sha256(small)]);
    }
    secure.closeAllConnections();
    secure.close();
  });

  test('without a scheme it is http: (127.0.0.1:8080/x, user:secret@localhost:8080/x, localhost:8080)', async () => {
    const place = url('/small').slice('http://'.length);
    for (const given of [place, `user:secret@${place}`, place.replace('127.0.0.1', 'localhost')]) {
      const { code, stdout } = await sluice(given);
      expect([given, code, sha256(stdout)]).toEqual([given, 0, sha256(small)]);
    }
  });

  test('nothing: how it is used, and 2', async () => {
    const { code, stdout, stderr } = await sluice();
    expect([code, stdout.length]).toEqual([2, 0]);
    expect(stderr).toBe(String((await sluice('--help')).stdout));
  });

  test('-o - is standard output, not a file of that name', async () => {
    const { code, stdout } = await sluice(url('/small'), '-o', '-');
    expect([code, sha256(stdout), existsSync(inFolder('-'))]).toEqual([0, sha256(small), false]);
  });

  test('--help and --version', async () => {
    const help = await sluice('--help');
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(String(help.stdout)).toMatch(/^Usage: sluice \[options\] URL\n/);
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(String((await sluice('--version')).stdout)).toBe(`sluice ${version}\n`);
  });
});

describe('interrupts', () => {
  test.each(['SIGINT', 'SIGTERM'])('%s: 42, the connection is closed, the file stays', async (signal) => {
    const name = `interrupted-${signal}`;
    const { child, done } = start(process.execPath, [CLI, url('/stall'), '-o', name], { cwd: folder });
    await until(() => existsSync(inFolder(name)) && readFileSync(inFolder(name)).length === 5000);
    child.kill(signal);
    const { code, stderr } = await done;
    expect(code).toBe(42);
    expect(stderr).toMatch(new RegExp(`\\(42\\) CURLE_ABORTED_BY_CALLBACK: interrupted; 5000 bytes were written to ${name}\\nTo resume: \\S.* ${url('/stall')} -o ${name} -C -\\n$`));
  });

  test('while nobody reads', async () => {
    const { child, done, stderr } = start(process.execPath, [CLI, url('/big')], { read: false });
    await until(() => /MiB/.test(stderr())); // a progress line: it is on
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(42);
    child.stdout.destroy();
    await done;
  });
});

describe('progress', () => {
  test('--limit-rate holds, with a line a second and a last one', async () => {
    const { code, stderr } = await sluice(url('/small'), '--limit-rate', '400k', '-o', 'limited');
    expect([code, sha256(readFileSync(inFolder('limited')))]).toEqual([0, sha256(small)]);
    const lines = stderr.trimEnd().split('\n');
    const last = /^1\.00 MiB in ([\d.]+) s, ([\d.]+) KiB\/s, status 200$/.exec(lines.pop());
    expect(Number(last[1])).toBeGreaterThan(1.5); // one second's worth comes at once
    expect(lines.length).toBeGreaterThanOrEqual(1);
    expect(lines.length).toBeLessThanOrEqual(Number(last[1]) + 1);
    for (const line of lines) expect(line).toMatch(/^[\d.]+ [KM]iB of 1\.00 MiB \(\d+ %\), [\d.]+ [KM]iB\/s$/);
  });

  test('amounts and times', () => {
    expect([0, 1023, 1024, 10240, 1023 * 1024, 5 * 2 ** 30, 5000 * 2 ** 40].map(amount))
      .toEqual(['0 B', '1023 B', '1.00 KiB', '10.0 KiB', '1.00 MiB', '5.00 GiB', '5000.0 TiB']);
    expect([0, 999.4, 1000, 61500].map(duration)).toEqual(['0 ms', '999 ms', '1.00 s', '61.50 s']);
    const progress = { received: 512, receiveSpeed: 100, receiveTotal: undefined };
    expect(progressText(progress)).toBe('512 B, 100 B/s');
    expect(progressText({ ...progress, receiveTotal: 1024 })).toBe('512 B of 1.00 KiB (50 %), 100 B/s');
    expect(progressText({ ...progress, received: 0, receiveTotal: 0 })).toContain('(100 %)');
    expect(progressText({ ...progress, receiveTotal: 1024 }, 512)).toBe('1.00 KiB of 1.50 KiB (66 %), 100 B/s'); // 512 were there
    expect(progressText({ ...progress, received: 0, sent: 5, sendTotal: 10, sendSpeed: 1 })).toBe('5 B of 10 B (50 %) sent, 1 B/s');
    expect([400, 59500, 200000, 7500000].map(remaining)).toEqual(['0 s', '1 min 0 s', '3 min 20 s', '2 h 5 min']);
  });

  test('a terminal has one line, rewritten in place and no wider than it', () => {
    let written = '';
    const line = new Line({ isTTY: true, columns: 10, write: (text) => (written += text) });
    line.show('one');
    line.show('two is longer');
    line.end('over');
    expect(written).toBe('\rone\x1b[K\rtwo is lo\x1b[K\r\x1b[Kover\n');
  });

  test('elsewhere the first line comes after a second', () => {
    let written = '';
    const line = new Line({ isTTY: false, write: (text) => (written += text) });
    for (let i = 0; i < 100; i++) line.show('too soon');
    line.end('over');
    expect(written).toBe('over\n');
  });
});

describe('the meter', () => {
  const progress = { received: 999.9 * MIB - 1, receiveTotal: 999.9 * MIB, receiveSpeed: 999 * MIB, sent: 0, sendTotal: 0, sendSpeed: 0, held: 99 * 1024, elapsedMs: 7e6, eta: 1 };
  const transfer = (more) => ({ progress: { ...progress, ...more }, state: 'active', paused: { by: 'none' }, limits() {} });

  test('its keys have room on a terminal of 80 columns, whatever the figures are', () => {
    for (const limit of [0, 999 * MIB]) {
      for (const more of [{}, { received: 0, sent: 999 * MIB, sendTotal: 4000 * MIB, sendSpeed: 1, eta: 3e12 }, { receiveTotal: undefined }]) {
        const text = new Meter(transfer(more), limit, () => 0).text(true, 79);
        expect(text).toMatch(/  \[space - \+ q\]$/);
        expect(text.length).toBeLessThanOrEqual(79);
      }
      const paused = new Meter({ ...transfer(), paused: { by: 'call' } }, limit, () => 0).text(true, 79);
      expect(paused).toMatch(/^paused .*\[space - \+ q\]$/);
      expect(paused.length).toBeLessThanOrEqual(79);
    }
  });

  test('all of it is there where it has room; else the total goes first, the time left next', () => {
    const meter = new Meter(transfer(), 999 * MIB, () => 0);
    const all = meter.text(true, 200);
    expect(all).toMatch(/^limited     999\.9 MiB of 999\.9 MiB \(99 %\), 999\.0 MiB\/s, 0 s left, at most 999\.0 MiB\/s  \[/);
    expect(meter.text(true, all.length)).toBe(all);
    expect(meter.text(true, all.length - 1)).toBe(all.replace(' of 999.9 MiB', ''));
    expect(meter.text(true, 70)).toBe(all.replace(/ of 999\.9 MiB|, 0 s left|, 999\.0 MiB\/s/g, ''));
  });
});

describe('the scenes', () => {
  test.each([{ host: 'node', args: ['--scenes'] }, { host: 'fetch', args: ['--scenes', '--host', 'fetch'] }])('all do what they should over $host, in less than 20 s', async ({ args }) => {
    const from = Date.now();
    const { code, stdout, stderr } = await sluice(...args);
    const text = String(stdout);
    expect({ code, stderr, text }).toMatchObject({ code: 0, stderr: '' });
    expect(Date.now() - from).toBeLessThan(20000);
    for (const name of ['start', 'pause', 'resume', 'rate limit', 'low speed', 'timeout', 'abort']) {
      expect(text).toMatch(new RegExp(`^${name} +.+\\n`, 'm')); // what happened
      expect(text).toMatch(new RegExp(`^  ${name} .* ok$`, 'm')); // the table
    }
    expect(text).toMatch(/^pause +the server is stuck after [\d.]+ MiB of 64\.0 MiB: 8\.\d+ MiB were delivered, [\d.]+ [KM]iB wait in the kernel$/m);
    expect(text).toMatch(/^  pause .* 0 B sent, 0 B delivered in 1\.00 s +ok$/m);
    expect(text).not.toMatch(/FAILED|[^\n]{121}/);
  });

  test('one that fails is said, the others are played, the exit code is 1', async () => {
    let text = '';
    const out = { isTTY: false, write: (more) => (text += more), on() {} };
    const fails = { name: 'fails', wanted: 'more', play: async () => { throw new Error('too little'); } };
    const works = { name: 'works', wanted: 'this', play: async () => ({ story: 'it did', measured: '1' }) };
    expect(await playScenes(out, undefined, [fails, works])).toBe(1);
    expect(text).toMatch(/^fails +FAILED: too little\nworks +it did\n/m);
    expect(text).toMatch(/^ {2}fails +more +too little +FAILED\n {2}works +this +1 +ok\n/m);
    expect(text).toContain('1 of 2 scenes failed.');
  });
});
