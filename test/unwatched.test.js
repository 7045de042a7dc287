// Who has to look at an end: programs of their own, whose exit code says whether something was an unhandled rejection.
import { describe, expect, test } from '@jest/globals';
import { run } from './support/command.js';

const INDEX = new URL('../js/index.js', import.meta.url).href;

/** @param {string} code with `url` of a server that says how large its body is and never ends it */
async function program(code) {
  const { code: exit, stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', `
    import http from 'node:http'; import { once } from 'node:events'; import { setTimeout as sleep } from 'node:timers/promises';
    import { Multi, Remote, Transfer } from ${JSON.stringify(INDEX)};
    const server = http.createServer((request, response) => {
      response.on('error', () => {}).writeHead(200, { 'content-length': 1000000 }).write('x'.repeat(1000));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening'); server.unref(); server.on('connection', (socket) => socket.unref());
    const url = 'http://127.0.0.1:' + server.address().port + '/';
    const running = async () => { const t = new Transfer(url); t.perform(); await new Promise((resolve) => t.addEventListener('head', resolve)); return t; };
    ${code}
    await sleep(30);
    console.log('here');`]);
  return [exit, String(stdout), stderr];
}
const QUIET = [0, 'here\n', ''];

describe('U13: an end that the caller asked for is no unhandled rejection', () => {
  const ASKED = [
    ['abort() at once', 'const t = new Transfer(url); t.perform(); t.abort();'],
    ['abort() with a reason', 'const t = new Transfer(url); t.perform(); t.abort(new Error("enough"));'],
    ['abort() while it runs', 'const t = await running(); t.abort();'],
    ['abort() while it waits for a connection', 'const multi = new Multi({ maxConnections: 1 }); const a = new Transfer(url, { multi }), b = new Transfer(url, { multi }); a.perform(); b.perform(); await sleep(5); b.abort(); a.abort();'],
    ['abort() before perform()', 'const t = new Transfer(url); t.abort(); t.perform();'],
    ['a signal', 'const c = new AbortController(); new Transfer(url, { signal: c.signal }).perform(); c.abort();'],
    ['a signal that was aborted before', 'new Transfer(url, { signal: AbortSignal.abort() }).perform();'],
    ['a signal\'s timeout', 'new Transfer(url, { signal: AbortSignal.timeout(10) }).perform(); await sleep(50);'],
    ['a Multi that is closed', 'const multi = new Multi(); new Transfer(url, { multi }).perform(); await multi[Symbol.asyncDispose]();'],
    ['remove()', 'const multi = new Multi(), t = new Transfer(url, { multi }); t.perform(); multi.remove(t);'],
    ['a remote abort', 'const t = await running(); await t.remote().abort("enough");'],
    ['a remote abort before perform()', 'const t = new Transfer(url); await t.remote().abort(); t.perform();'],
    ['abort() inside onData', 'const t = new Transfer(url, { onData() { t.abort(); } }); t.perform();'],
    ['await using', 'const t = new Transfer(url); t.perform(); await t[Symbol.asyncDispose]();'],
  ];
  test.each(ASKED)('U13: %s', async (_how, code) => {
    expect(await program(code)).toEqual(QUIET);
  });

  const LEFT = [
    ['an iterator that is left in the tick that made it', 'const t = new Transfer(url), it = t[Symbol.asyncIterator](); it.return(); t.perform(); t.pause(); t.resume(); t.abort();'],
    ['one that is left while it waits', 'const t = new Transfer(url), it = t[Symbol.asyncIterator](); it.next(); it.return(); t.pause(); t.abort(); await sleep(5); t.perform(); t.abort();'],
    ['a loop that breaks', 'const t = new Transfer(url); for await (const chunk of t) break; t.pause(); t.resume(); t.abort();'],
    ['a loop that breaks, of one that was performed', 'const t = new Transfer(url); t.perform(); for await (const chunk of t) break;'],
    ['body.cancel() at once', 'const t = new Transfer(url); t.body.cancel(); t.perform(); t.abort();'],
    ['body.cancel() with a reason, read', 'const t = new Transfer(url), reader = t.body.getReader(); await reader.read(); reader.cancel(new Error("x")); t.pause(); t.perform(); t.abort();'],
    ['body.cancel() of one that was performed', 'const t = new Transfer(url), { body } = t; t.perform(); await body.cancel();'],
    ['response that is never awaited, then abort()', 'const t = new Transfer(url); t.response; t.perform(); t.abort();'],
  ];
  test.each(LEFT)('U13: a reader that stops: %s', async (_how, code) => {
    expect(await program(code)).toEqual(QUIET);
  });
});

describe('what really fails is loud', () => {
  test.each([
    ['nobody there', 'new Transfer("http://127.0.0.1:1/").perform();', 'CURLE_COULDNT_CONNECT'],
    ['a limit', 'new Transfer(url, { timeoutMs: 10 }).perform(); await sleep(100);', 'CURLE_OPERATION_TIMEDOUT'],
    ['a limit of bytes', 'new Transfer(url, { maxBody: 10 }).perform();', 'CURLE_FILESIZE_EXCEEDED'],
    ['onData that throws', 'new Transfer(url, { onData() { throw new Error("mine"); } }).perform();', 'CURLE_WRITE_ERROR'],
    ['debug that throws', 'new Transfer(url, { debug() { throw new Error("mine"); } }).perform();', 'CURLE_ABORTED_BY_CALLBACK'],
    ['a body that fails', 'new Transfer(url, { body: (function* () { throw new Error("mine"); })() }).perform();', 'CURLE_READ_ERROR'],
    ['a Multi that was closed before', 'const multi = new Multi(); await multi[Symbol.asyncDispose](); new Transfer(url, { multi }).perform();', 'CURLE_FAILED_INIT'],
    ['a listener that throws, and the transfer goes on', 'const t = new Transfer(url); t.addEventListener("head", () => { throw new Error("mine"); }); t.perform();', 'Error: mine'],
  ])('%s', async (_how, code, words) => {
    const [exit, , stderr] = await program(code);
    expect(exit).toBe(1);
    expect(stderr).toContain(words);
  });
});
