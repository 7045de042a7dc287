// The command line on a terminal: the meter and its keys. The terminal is a pseudo-terminal of script(1); every step waits
// for what the one before must show.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settled, until } from './helpers/wait.js';
import { pattern, sha256 } from './support/bytes.js';
import { CLI } from './support/command.js';

const KIB = 1024, SIZE = 4096 * KIB, FIRST = 64 * KIB;
const body = pattern(SIZE, 9);
const KILL_MS = 25000;
let folder, server, base, gate, taken, requests;

/** '/gated': FIRST bytes, the rest when `gate.open()` is called; '/whole': all; '/never': nothing. Takes uploads. Ranges are honoured. */
function answer(request, response) {
  requests.push(request);
  request.on('data', (chunk) => { taken += chunk.length; });
  if (request.url === '/never') return;
  if (request.url === '/binary') return void response.end('\0\x01binary');
  if (request.url === '/text') return void response.end('plain words\n');
  if (request.method === 'PUT') return void request.on('end', () => response.end('taken'));
  const at = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (at >= SIZE) return void response.writeHead(416, { 'Content-Range': `bytes */${SIZE}` }).end();
  const rest = body.subarray(at);
  response.writeHead(at > 0 ? 206 : 200, { 'Content-Length': rest.length, ...(at > 0 && { 'Content-Range': `bytes ${at}-${SIZE - 1}/${SIZE}` }) });
  if (request.url === '/whole' || at > 0) return void response.end(rest);
  response.write(rest.subarray(0, FIRST));
  gate.then(() => response.end(rest.subarray(FIRST)));
}

/** @param {string} command of the shell, SLUICE for ours @param {NodeJS.ProcessEnv} [env] */
function terminal(command, env = {}) {
  const words = command.replaceAll('SLUICE', `'${process.execPath}' '${CLI}'`);
  const child = spawn('script', ['-qec', `stty cols 120; ${words}`, '/dev/null'], {
    cwd: folder, env: { ...process.env, SHELL: '/bin/bash', ...env }, stdio: 'pipe', timeout: KILL_MS, killSignal: 'SIGKILL',
  });
  let text = '';
  child.stdout.on('data', (bytes) => { text += bytes; });
  child.stderr.on('data', (bytes) => { text += bytes; });
  child.stdin.on('error', () => {});
  const one = {
    child,
    text: () => text,
    closed: once(child, 'close'),
    press: (keys) => child.stdin.write(keys),
    /** Waits for it after what was seen last. @param {RegExp | string} wanted */
    async see(wanted) {
      let found = null;
      const look = () => (found = typeof wanted === 'string' ? one.unseen.includes(wanted) && { index: one.unseen.indexOf(wanted), 0: wanted } : wanted.exec(one.unseen));
      await until(look, String(wanted)).catch((error) => { throw new Error(`${error.message}\nThe terminal has:\n${text.replaceAll('\r', '\n')}`); });
      seen += found.index + found[0].length;
      return found;
    },
    get unseen() { return text.slice(seen); },
    /** The end of the command, and that the terminal is as it was. */
    async end(code) {
      await one.see(`code=${code} `);
      await one.see(/\[(-?)icanon (-?)echo\]/).then(([, raw, mute]) => expect([raw, mute]).toEqual(['', '']));
      child.stdin.end();
      await one.closed;
    },
  };
  let seen = 0;
  return one;
}
/** Says the exit code and whether the terminal is in its usual mode. */
const AFTER = '; echo "code=$? [$(stty -a | grep -o -- "-\\?\\bicanon") $(stty -a | grep -o -- "-\\?\\becho\\b")]"';
const sluice = (words, env) => terminal(`SLUICE ${words}${AFTER}`, env);
const size = (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-terminal-'));
  server = http.createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${server.address().port}`;
});
beforeEach(() => {
  let open;
  gate = new Promise((resolve) => { open = resolve; });
  gate.open = open;
  taken = 0;
  requests = [];
});
afterEach(() => gate.open());
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('connecting, running, done: one line, rewritten', async () => {
  const mute = await new Promise((resolve) => { const one = http.createServer(() => {}).listen(0, '127.0.0.1', () => resolve(one)); });
  const waiting = sluice(`http://127.0.0.1:${mute.address().port}/ -o none --max-time 0.5`);
  await waiting.see(/(connecting|running) /);
  await waiting.end(28);
  mute.closeAllConnections();
  mute.close();

  const one = sluice(`${base}/gated -o meter`);
  await one.see(/\rrunning     64\.0 KiB of 4\.00 MiB \(1 %\), [^\r\n]*\/s[^\r\n]*  \[space - \+ q\]\x1b\[K/);
  gate.open();
  await one.see(/\r\x1b\[Kdone        4\.00 MiB in [\d.]+ m?s, [\d.]+ .iB\/s, status 200\r\n/);
  await one.end(0);
  expect(one.text()).not.toMatch(/left[^\r]*\n/); // nothing of the meter stays
  expect(sha256(readFileSync(join(folder, 'meter')))).toBe(sha256(body));
});

test('space pauses: nothing more is written, what is held is said; space resumes', async () => {
  const one = sluice(`${base}/gated -o paused`);
  await one.see('running     64.0 KiB');
  one.press(' ');
  await one.see('paused      64.0 KiB of 4.00 MiB (1 %), 0 B held');
  gate.open();
  for (let i = 0; i < 4; i++) await one.see(/paused      64\.0 KiB of 4\.00 MiB \(1 %\), [\d.]+ K?i?B held/);
  expect(size('paused')).toBe(FIRST);
  one.press(' ');
  await one.see('done        4.00 MiB');
  await one.end(0);
  expect(sha256(readFileSync(join(folder, 'paused')))).toBe(sha256(body));
});

test('- and + halve and double the limit, 0 removes it', async () => {
  const one = sluice(`${base}/gated -o limited --limit-rate 512k`);
  await one.see(/limited     64\.0 KiB of .*at most 512\.0 KiB\/s/);
  one.press('-');
  await one.see('at most 256.0 KiB/s');
  one.press('\x1b[A'); // an arrow is no key of ours
  one.press('+');
  await one.see('at most 512.0 KiB/s');
  gate.open();
  await one.see(/limited +(2|3|4|5|6|7|8|9)\d\d\.\d KiB/); // more than came at first, less than all
  one.press('0');
  await one.see('done        4.00 MiB');
  await one.end(0);
});

test('- without a limit sets half of the speed', async () => {
  const one = sluice(`${base}/gated -o halved`);
  await one.see('running     64.0 KiB');
  one.press('-');
  const [, rate] = await one.see(/limited .*at most ([\d.]+) KiB\/s/);
  expect(Number(rate)).toBeGreaterThan(0);
  expect(Number(rate)).toBeLessThanOrEqual(64 * 10 / 2); // 64 KiB in 100 ms at the fastest
  gate.open();
  one.press('q');
  await one.end(42);
});

test('q stops and says the command that resumes; it does', async () => {
  const name = 'it is "quit"';
  const one = sluice(`${base}/gated -o '${name}' -H 'X-One: 1'`, { SLUICE_COMMAND: `'${process.execPath}' '${CLI}'` });
  await one.see('running     64.0 KiB');
  one.press('q');
  await one.see(`(42) CURLE_ABORTED_BY_CALLBACK: stopped; ${FIRST} bytes were written to ${name}`);
  const [, command] = await one.see(/To resume: ([^\r\n]+)\r\n/);
  await one.end(42);
  expect(command).toContain(` ${base}/gated -o '${name}' -H 'X-One: 1' -C -`);
  const again = terminal(command + AFTER);
  await again.see('done        3.94 MiB');
  await again.end(0);
  expect(requests.at(-1).headers).toMatchObject({ range: `bytes=${FIRST}-`, 'x-one': '1' });
  expect(sha256(readFileSync(join(folder, name)))).toBe(sha256(body));
  const whole = terminal(command + AFTER);
  await whole.see('nothing is missing');
  await whole.end(0);
});

test('q before the first byte: the same command does it, a file that is there is not continued', async () => {
  writeFileSync(join(folder, 'other'), 'other');
  const one = sluice(`${base}/never -o other`);
  await one.see(/(connecting|running) /);
  one.press('q');
  expect((await one.see(/To resume: ([^\r\n]+)\r\n/))[1]).toMatch(/ -o other$/);
  await one.end(42);
  expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('other');
});

test.each([['Ctrl-C', '\x03'], ['Ctrl-\\', '\x1c']])('%s: 42', async (name, key) => {
  const one = sluice(`${base}/gated -o interrupted`);
  await one.see('running     64.0 KiB');
  one.press(key);
  await one.see('CURLE_ABORTED_BY_CALLBACK: interrupted');
  await one.see(/To resume: [^\r\n]+ -o interrupted -C -\r\n/);
  await one.end(42);
});

test('a binary body is not written to a terminal: 23, and what to do; -o - writes it', async () => {
  const refused = sluice(`${base}/whole`);
  await refused.see('(23) CURLE_WRITE_ERROR: cannot write to standard output: the body is binary and this is a terminal; -o FILE saves it, -o - writes it all the same');
  await refused.end(23);
  expect(refused.text()).not.toContain('\0');
  const asked = sluice(`${base}/binary -o -`);
  await asked.see('\0\x01binary');
  await asked.end(0);
  const text = sluice(`${base}/text`);
  await text.see('plain words');
  await text.end(0);
});

test('80 columns: the keys are there, a limit set', async () => {
  const one = terminal(`stty cols 80; SLUICE ${base}/gated -o narrow --limit-rate 100m${AFTER}`);
  await one.see(/\rlimited     64\.0 KiB (of 4\.00 MiB )?\(1 %\), [^\r\n]*  \[space - \+ q\]\x1b\[K/);
  one.press('q');
  await one.end(42);
});

test.each(['INT', 'TERM', 'HUP', 'QUIT'])('SIG%s: 42, and the terminal is as it was', async (signal) => {
  const one = terminal(`SLUICE ${base}/gated -o signalled </dev/tty & echo pid=$!; wait $!${AFTER}`); // a shell without jobs: all of it is in the foreground
  const [, pid] = await one.see(/pid=(\d+)/);
  await one.see(/running     64\.0 KiB.*\[space/);
  process.kill(Number(pid), `SIG${signal}`);
  await one.see('interrupted');
  await one.end(42);
});

test('an error: the terminal is as it was', async () => {
  const one = sluice(`${base}/gated -o no/such/folder`);
  await one.see('(23) CURLE_WRITE_ERROR');
  await one.end(23);
});

test('Ctrl-Z stops the job with the terminal as it was; in the background the line is not written; fg goes on', async () => {
  const one = terminal(`set -m; SLUICE ${base}/gated -o stopped; echo "stopped [$(stty -a | grep -o -- "-\\?\\bicanon")]"; bg; sleep 0.6; echo "background"; fg${AFTER}`);
  await one.see('running     64.0 KiB');
  one.press('\x1a');
  await one.see('stopped [icanon]');
  const before = one.text().length;
  await one.see('background');
  expect(one.text().slice(before)).not.toContain('running');
  await one.see('running     64.0 KiB');
  one.press(' ');
  await one.see('paused      64.0 KiB'); // its keys are heard again
  gate.open();
  one.press(' ');
  await one.see('done        4.00 MiB');
  await one.end(0);
  expect(sha256(readFileSync(join(folder, 'stopped')))).toBe(sha256(body));
});

test('begun in the background it leaves the terminal alone, until it is in the foreground', async () => {
  const one = terminal(`set -m; SLUICE ${base}/gated -o background & sleep 0.6; jobs; echo "mode [$(stty -a | grep -o -- "-\\?\\bicanon")]"; fg${AFTER}`);
  await one.see(/Running [^]*mode \[icanon\]/);
  expect(one.text()).not.toContain('KiB');
  await one.see('running     64.0 KiB');
  one.press('q');
  await one.end(42);
});

test('Ctrl-Z where nobody could go on with it: it goes on by itself', async () => {
  const one = sluice(`${base}/gated -o orphan`);
  await one.see('running     64.0 KiB');
  one.press('\x1a');
  one.press(' ');
  await one.see('paused      64.0 KiB');
  one.press('q');
  await one.end(42);
});

test('an upload is shown and paused like a download', async () => {
  writeFileSync(join(folder, 'source'), body);
  const one = sluice(`${base}/put -T source -o answer --limit-rate 1m`);
  await one.see(/limited     [\d.]+ [KM]iB of 4\.00 MiB \(\d+ %\) sent/);
  one.press(' ');
  await one.see(/paused      [\d.]+ [KM]iB of 4\.00 MiB \(\d+ %\) sent/);
  expect(await settled(() => taken)).toBeLessThan(SIZE);
  one.press(' ');
  one.press('0');
  await one.see('done        4.00 MiB sent');
  await one.end(0);
  expect(taken).toBe(SIZE);
});

test('without keys, when standard input is no terminal: the line is there all the same', async () => {
  const one = terminal(`SLUICE ${base}/gated -o piped </dev/null${AFTER}`);
  await one.see(/running     64\.0 KiB of 4\.00 MiB \(1 %\), [^[]*\x1b\[K/);
  gate.open();
  await one.see('done');
  await one.end(0);
});
