// A start that fails is undone: each of its steps is made to fail in turn, in a program of its own, which has to end by itself.
import { expect, test } from '@jest/globals';
import { run } from './support/command.js';

const INDEX = new URL('../js/index.js', import.meta.url).href;

/** What the programs have in common. `exports` changes what the engine's instance has; `attempt` performs, and says what is left. */
const PROGRAM = `
  import http from 'node:http'; import { once } from 'node:events';
  import { Multi, Transfer, nodeHost } from ${JSON.stringify(INDEX)};
  const Instance = WebAssembly.Instance;
  let change = null;
  WebAssembly.Instance = function (module, imports) {
    const { exports } = new Instance(module, imports), changed = { ...exports };
    for (const name in change ?? {}) changed[name] = (...args) => (change === null ? exports[name](...args) : change[name](exports[name], ...args));
    return { exports: changed };
  };
  const server = http.createServer((request, response) => request.resume().on('end', () => response.end('ok'))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref(); server.on('connection', (socket) => socket.unref());
  const url = 'http://127.0.0.1:' + server.address().port + '/';
  const fault = () => { throw new Error('a fault'); };
  async function attempt({ exports = null, options = {}, host = nodeHost(), to = url, again = true }) {
    change = exports;
    const multi = new Multi({ host });
    let ended = 0, listeners = 0;
    const body = { [Symbol.asyncIterator]: () => ({ next: async () => ({ value: new Uint8Array(10) }), return: () => { ended++; } }) };
    const signal = { aborted: false, reason: undefined, addEventListener() { listeners++; }, removeEventListener() { listeners--; } };
    const given = typeof options === 'function' ? options(signal) : options;
    const transfer = new Transfer(to, { multi, body, signal, ...given });
    transfer.addEventListener('state', () => {});
    const response = transfer.response.catch((error) => error.message);
    const error = await multi.add(transfer).then(() => null, (error) => error);
    const told = multi.infoRead();
    const left = { code: error?.errno, words: error?.message, response: await response, running: multi.running, ended, listeners, state: transfer.state, told: told?.result.errno };
    await multi.perform(); // resolves: nothing runs
    change = null;
    if (again) left.again = (await new Transfer(url, { multi }).perform()).text(); // it is as if nothing had been
    console.log(JSON.stringify(left));
  }
`;

async function attempted(how) {
  const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', `${PROGRAM}\n await attempt(${how});`]);
  return { exit: code, stderr, ...JSON.parse(String(stdout) || '{}') };
}
const UNDONE = { exit: 0, stderr: '', running: 0, ended: 1, listeners: 0, state: 'done' };

const STEPS = [
  ['the engine has no memory to begin', '{ exports: { sl_embed_init: () => 27 } }', 2, /the engine cannot start \(CURLcode 27\)/],
  ['no memory for a transfer', '{ exports: { sl_embed_new: () => 0 } }', 27, /OUT_OF_MEMORY/],
  ['no memory for its settings', '{ exports: { sl_embed_scratch: (real, n) => 0 } }', 27, /OUT_OF_MEMORY/],
  ['settings that are refused', '{ exports: { sl_embed_configure: () => 27 } }', 27, /OUT_OF_MEMORY/],
  ['no memory to start', '{ exports: { sl_embed_start: () => 27 } }', 27, /OUT_OF_MEMORY/],
  ['the engine breaks when a transfer is made', '{ exports: { sl_embed_new: fault } }', 2, /a fault/],
  ['the engine breaks at its settings', '{ exports: { sl_embed_configure: fault } }', 2, /a fault/],
  ['the engine breaks at its start', '{ exports: { sl_embed_start: fault } }', 2, /a fault/],
  ['the engine breaks at its first run', '{ exports: { sl_embed_run: fault } }', 2, /a fault/],
  ['a listener cannot be watched for', '{ exports: { sl_embed_watch: fault } }', 2, /a fault/],
  ['a host that does not attach', '{ host: { ...nodeHost(), attach: fault }, again: false }', 2, /^a fault \(/],
  ['a host that refuses the TLS options', '{ host: (() => { const host = nodeHost(); host.registerTls = fault; return host; })(), options: { tls: { servername: "x" } } }', 2, /^cannot start: a fault \(/],
  ['a place that is taken by then', '{ options: { to: Object.assign(new WritableStream(), { getWriter: fault }) } }', 23, /^cannot write to the WritableStream: a fault \(/],
  ['a signal that cannot be listened to', '{ options: (signal) => ({ signal: { ...signal, addEventListener: fault, removeEventListener() {} } }) }', 2, /^cannot start: a fault \(/],
  ['a debug hook that throws at once', '{ options: { debug: fault } }', 42, /^debug failed: a fault \(/],
  ['an abort from inside the start', '{ options: (signal) => ({ signal: { ...signal, addEventListener(type, listener) { this.reason = undefined; listener(); }, removeEventListener() {} } }) }', 42, /./],
];
test.each(STEPS)('U9: %s: nothing of it is left', async (_step, how, code, words) => {
  const left = await attempted(how);
  expect(left).toMatchObject({ ...UNDONE, code, told: code }); // infoRead() tells of it
  expect(left.words).toMatch(words);
  expect(left.response).toBe(left.words);
  if (!how.includes('again: false')) expect(left.again).toBe('ok');
}, 30000);
