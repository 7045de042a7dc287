// Remote handles over real threads: pause, resume and abort from a worker (B1, B2), against servers in this process.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Remote, Transfer } from '../js/index.js';
import { settled, until } from './helpers/wait.js';

const MiB = 1024 * 1024;
const INDEX = new URL('../js/index.js', import.meta.url).href;
const CHUNK = Buffer.alloc(65536, (i) => i * 7);
const run = promisify(execFile);

/** Holds one remote and does with it what it is told. `flag`: says so as soon as the command is given, not when it is answered. */
const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  let remote;
  import(workerData.index).then(({ Remote }) => {
    parentPort.on('message', ({ id, port, flag, what, args = [] }) => {
      if (port) return remote = Remote.from(port);
      const answer = remote[what](...args);
      if (flag) {
        Atomics.store(flag, 0, 1);
        Atomics.notify(flag, 0);
      }
      Promise.resolve(answer).then((value) => parentPort.postMessage({ id, value }), (error) => parentPort.postMessage({ id, value: String(error) }));
    });
    parentPort.postMessage({ id: 0 });
  });`;

class Thread {
  #worker = new Worker(WORKER, { eval: true, workerData: { index: INDEX } });
  #answers = new Map();
  #last = 0;
  async begin() {
    this.#worker.on('message', ({ id, value }) => this.#answers.get(id)?.(value));
    await new Promise((resolve) => { this.#answers.set(0, resolve); });
    return this;
  }
  take(remote) { this.#worker.postMessage({ port: remote.port }, [remote.port]); }
  ask(what, args, flag) {
    const id = ++this.#last;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#worker.postMessage({ id, what, args, flag });
    });
  }
  pause(...args) { return this.ask('pause', args); }
  resume(...args) { return this.ask('resume', args); }
  abort(...args) { return this.ask('abort', args); }
  end() { return this.#worker.terminate(); }
}

let threads, server, url, multi, requests, heads, received;

/** /N: N bytes of CHUNK over and over; /pieces/N: N chunks of 1000 bytes, many of them in one packet; /hang: no answer; /echo: the request's body is counted. */
function handle(request, response) {
  requests++;
  heads.push(request.url);
  if (request.url === '/hang') return;
  if (request.url === '/echo') {
    request.on('data', (bytes) => { received += bytes.length; }).on('end', () => response.end('done'));
    return;
  }
  if (request.url.startsWith('/pieces/')) {
    const chunk = `3e8\r\n${'x'.repeat(1000)}\r\n`;
    request.socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(Number(request.url.slice(8)))}0\r\n\r\n`);
    return;
  }
  const total = Number(request.url.slice(1));
  let left = total;
  response.setHeader('content-length', total);
  const write = () => {
    while (left > 0) {
      const part = CHUNK.subarray(0, Math.min(left, CHUNK.length));
      left -= part.length;
      if (!response.write(part)) return void response.once('drain', write);
    }
    response.end();
  };
  write();
}
function expected(total) {
  const sum = createHash('sha256');
  for (let left = total; left > 0; left -= CHUNK.length) sum.update(CHUNK.subarray(0, Math.min(left, CHUNK.length)));
  return sum.digest('hex');
}

beforeAll(async () => {
  threads = await Promise.all([new Thread().begin(), new Thread().begin()]);
  server = http.createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await Promise.all(threads.map((thread) => thread.end()));
});
beforeEach(() => {
  multi = new Multi();
  requests = received = 0;
  heads = [];
});
afterEach(() => multi[Symbol.asyncDispose]());

/** A transfer with a remote in the first thread. */
function get(path, options) {
  const transfer = new Transfer(url + path, { multi, ...options });
  threads[0].take(transfer.remote());
  return [transfer, threads[0]];
}
/** Blocks until the thread has given the command: nothing of this thread's event loop runs meanwhile. */
function whileBlocked(thread, what, args) {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const answer = thread.ask(what, args, flag);
  expect(Atomics.wait(flag, 0, 0, 20000)).not.toBe('timed-out');
  return answer;
}

describe.each([['with shared memory', true], ['with messages alone', false]])('%s', (_name, shared) => {
  const Shared = globalThis.SharedArrayBuffer;
  beforeEach(() => { if (!shared) delete globalThis.SharedArrayBuffer; });
  afterEach(() => { globalThis.SharedArrayBuffer = Shared; });

  test('a worker pauses and resumes a download: nothing comes meanwhile, nothing is lost (B2)', async () => {
    const total = 24 * MiB, sum = createHash('sha256');
    let bytes = 0;
    const [transfer, thread] = get(`/${total}`, { onData(chunk) { sum.update(chunk); bytes += chunk.length; } });
    const events = [];
    transfer.addEventListener('pause', () => events.push('pause'));
    transfer.addEventListener('resume', () => events.push('resume'));
    const done = transfer.perform();
    await until(() => bytes > 0);
    expect(await thread.pause('recv')).toBe(true);
    const at = bytes;
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'remote' });
    expect(await settled(() => bytes, 100)).toBe(at);
    expect(at).toBeLessThan(total);
    expect(await thread.resume()).toBe(true);
    expect((await done).received).toBe(total);
    expect(sum.digest('hex')).toBe(expected(total));
    expect(events).toEqual(['pause', 'resume']);
    expect([await thread.pause(), await thread.resume(), await thread.abort()]).toEqual([false, false, false]);
  });

  test('one state: what a call paused a remote resumes, and the other way round (P1, B2)', async () => {
    const [transfer, thread] = get('/hang');
    transfer.pause();
    const done = transfer.perform().catch((error) => error);
    expect(await thread.pause('send')).toBe(true);
    expect(transfer.paused).toEqual({ recv: true, send: true, by: 'call' });
    expect(await thread.resume('send')).toBe(true);
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'call' });
    expect(await thread.resume('recv')).toBe(true);
    expect(transfer.paused.recv).toBe(false);
    for (let i = 0; i < 3; i++) { // the same command again is a command again
      expect(await thread.pause('send')).toBe(true);
      expect(transfer.paused).toEqual({ recv: false, send: true, by: 'remote' });
      transfer.resume();
      expect(transfer.paused.send).toBe(false);
    }
    transfer.abort();
    expect((await done).errno).toBe(42);
  });

  test('a worker aborts what waits, idle, in poll(), and paused (B1)', async () => {
    for (const how of ['idle', 'poll', 'paused']) {
      const [transfer, thread] = get('/hang');
      const before = requests, done = transfer.perform().catch((error) => error);
      await until(() => requests > before);
      if (how === 'paused') transfer.pause();
      const polling = how === 'poll' ? multi.poll(60000).then(() => multi.poll(60000)) : null;
      const at = performance.now();
      expect(await thread.abort()).toBe(true);
      const error = await done;
      expect(performance.now() - at).toBeLessThan(5000);
      expect({ name: error.name, errno: error.errno, message: error.message })
        .toEqual({ name: 'AbortError', errno: 42, message: expect.stringContaining('Aborted by a remote handle (') });
      expect(transfer.state).toBe('done');
      if (polling) expect(await polling).toBe('activity');
    }
  });

  test('the reason crosses the threads; the first abort counts (B1)', async () => {
    const [transfer, thread] = get('/hang');
    const done = transfer.perform().catch((error) => error);
    await until(() => requests > 0);
    const answers = [thread.abort('no longer wanted: \u{1f6d1}'), thread.abort('another')];
    expect(await done).toBe('no longer wanted: \u{1f6d1}');
    expect((await Promise.all(answers))[0]).toBe(true);
  });

  test('before the first start a command counts, after an end it does not (B1, B2, B14)', async () => {
    const [transfer, thread] = get('/1000');
    expect(await thread.pause()).toBe(true);
    expect(transfer.paused).toEqual({ recv: true, send: true, by: 'remote' });
    let done = transfer.perform();
    expect(transfer.paused).toEqual({ recv: true, send: true, by: 'remote' });
    expect(await settled(() => requests, 60)).toBe(0);
    expect(await thread.resume()).toBe(true);
    expect((await done).received).toBe(1000);
    expect(await thread.pause()).toBe(false);
    expect(await thread.abort('late')).toBe(false);
    expect((await transfer.perform()).received).toBe(1000);
    done = transfer.perform();
    transfer.pause();
    expect(await thread.resume()).toBe(true); // it serves again
    await done;

    const [other] = get('/1000');
    const before = requests;
    expect(await threads[0].abort('not at all')).toBe(true);
    await expect(other.perform()).rejects.toBe('not at all');
    expect(requests).toBe(before);
    expect((await other.perform()).received).toBe(1000);
  });

  test('a worker holds back an upload (B2)', async () => {
    const [transfer, thread] = get('/echo', { method: 'POST', body: (async function* () {
      for (let i = 0; i < 64; i++) yield new Uint8Array(262144);
    })() });
    const done = transfer.perform();
    await until(() => received > 0);
    expect(await thread.pause('send')).toBe(true);
    const at = await settled(() => received, 150);
    expect(at).toBeLessThan(16 * MiB);
    expect(await thread.resume('send')).toBe(true);
    expect((await done).sent).toBe(16 * MiB);
    expect(received).toBe(16 * MiB);
  });

  test('wakeup() ends a poll (K2)', async () => {
    const [transfer, thread] = get('/hang');
    const done = transfer.perform().catch(() => {});
    await until(() => requests > 0);
    while (await multi.poll(50) !== 'timeout');
    const polling = multi.poll(60000);
    await thread.ask('wakeup');
    expect(await polling).toBe('wakeup');
    transfer.abort();
    await done;
  });

  test('two workers at random: every byte comes once (B2)', async () => {
    const total = 32 * MiB, sum = createHash('sha256');
    const transfer = new Transfer(`${url}/${total}`, { multi, onData(chunk) { sum.update(chunk); } });
    for (const thread of threads) thread.take(transfer.remote());
    const done = transfer.perform();
    await Promise.all(threads.map(async (thread, k) => {
      for (let i = 0; i < 60; i++) {
        await Promise.all([thread.pause(i & 1 ? 'recv' : 'both'), thread.resume('recv'), (i + k) % 3 ? thread.pause('recv') : null]);
        await thread.resume();
      }
    }));
    expect((await done).received).toBe(total);
    expect(sum.digest('hex')).toBe(expected(total));
  });

  test('a port that was in use already is sent on (B2)', async () => {
    const transfer = new Transfer(`${url}/1000`, { multi });
    const remote = transfer.remote();
    expect(await remote.pause()).toBe(true);
    threads[1].take(remote);
    expect(() => remote.pause()).toThrow(TypeError);
    const done = transfer.perform();
    expect(await threads[1].resume()).toBe(true);
    expect((await done).received).toBe(1000);
  });

  test('a remote whose transfer is gone answers false', async () => {
    const worker = new Worker(`
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.index).then(({ Transfer }) => {
        const transfer = new Transfer(workerData.url);
        const { port } = transfer.remote();
        transfer.perform().catch(() => {});
        parentPort.postMessage(port, [port]);
      });`, { eval: true, workerData: { index: INDEX, url: `${url}/hang` } });
    const [port] = await once(worker, 'message');
    const remote = Remote.from(port);
    expect(await remote.pause()).toBe(true);
    const [exit] = await Promise.all([once(worker, 'exit'), worker.terminate()]);
    expect(exit).toBeDefined();
    expect(await remote.resume()).toBe(false);
    expect(await remote.abort()).toBe(false);
  });
});

describe('the owner is busy in a callback', () => {
  test('a pause is in force at the next delivery (B2)', async () => {
    let calls = 0, bytes = 0, answer;
    const total = 20000;
    const [transfer, thread] = get('/pieces/20', {
      onData(chunk) {
        calls++;
        bytes += chunk.length;
        if (calls === 2) answer = whileBlocked(thread, 'pause', ['recv']);
      },
    });
    await thread.resume(); // so that it knows the shared memory
    const done = transfer.perform();
    await until(() => calls >= 2);
    expect(await answer).toBe(true);
    expect(await settled(() => calls, 100)).toBe(2);
    expect(transfer.paused).toEqual({ recv: true, send: false, by: 'remote' });
    await thread.resume();
    expect((await done).received).toBe(total);
    expect(bytes).toBe(total);
  });

  test('an abort is in force at the next delivery, with its reason; the trace tells (B1)', async () => {
    let calls = 0, answer;
    const trace = [];
    const [transfer, thread] = get('/pieces/20', {
      debug(event) { if (event.what === 'remote' || event.what === 'stop') trace.push(event); },
      onData() { if (++calls === 2) answer = whileBlocked(thread, 'abort', ['x'.repeat(5000)]); },
    });
    await thread.resume();
    await expect(transfer.perform()).rejects.toBe('x'.repeat(1004));
    expect(await answer).toBe(true);
    expect(calls).toBe(2);
    expect(trace).toEqual([{ what: 'remote', paused: 'none', abort: true }, { what: 'stop', cause: 'abort', code: 'CURLE_ABORTED_BY_CALLBACK' }]);
  });

  test('in the callback of a neighbour: once a run (B1)', async () => {
    const [victim, thread] = get('/hang');
    const failed = victim.perform().catch((error) => error);
    await thread.resume();
    let calls = 0, answer, state;
    const other = new Transfer(`${url}/${4 * MiB}`, {
      multi,
      onData() {
        if (++calls === 2) answer = whileBlocked(thread, 'abort', ['now']);
        if (calls === 2) queueMicrotask(() => other.resume()); // a run of the engine, before any message is read
        if (calls === 3) state = victim.state;
      },
    });
    await other.perform();
    expect(await failed).toBe('now');
    expect(await answer).toBe(true);
    expect(state).toBe('done');
  });
});

describe('bad input and leaks', () => {
  test.each([[undefined, 'undefined'], [null, 'null'], [7, 'number'], [{}, 'object'], ['port', 'string']])('Remote.from(%p) names it', (value, name) => {
    expect(() => Remote.from(value)).toThrow(new TypeError(`a remote is made from the port of another one, a MessagePort, got ${name}`));
  });
  test('a port that is closed, given away or taken over makes none: it would never answer', async () => {
    const transfer = new Transfer(url);
    const { port1 } = new MessageChannel();
    const closed = transfer.remote().port, sent = transfer.remote().port, taken = transfer.remote().port;
    closed.close();
    await once(closed, 'close');
    port1.postMessage(sent, [sent]);
    port1.close();
    const remote = Remote.from(taken);
    for (const port of [closed, sent, taken]) {
      expect(() => Remote.from(port)).toThrow(new TypeError('the port of this remote is closed, or was given away or taken over already'));
    }
    expect(await remote.pause()).toBe(true);
  });
  test('an answer to who had the port before is not taken for one\'s own (B2)', async () => {
    const transfer = new Transfer(url), first = transfer.remote();
    const given = first.pause(); // the answer comes behind the other end's greeting
    const second = Remote.from(first.port);
    expect(await given).toBe(false); // it will not hear of it
    expect(await second.resume()).toBe(true);
    expect(transfer.paused.recv).toBe(false); // in force when it was answered
  });
  test('of a foreign port that says something, every command rejects; of a silent one it waits until the port is closed', async () => {
    const says = [null, 7, 'text', [1], {}, { id: 1, what: 'pause' }, { hello: true, words: 5 }, { hello: true, words: new Int32Array(1) }, { id: 'a', ok: true }];
    for (const said of says) {
      const { port1, port2 } = new MessageChannel(), remote = Remote.from(port2);
      const early = remote.pause().catch((error) => error);
      port1.postMessage(said);
      for (const error of [await early, await remote.abort().catch((late) => late)])
        expect([said, error.name, error.message]).toEqual([said, 'TypeError', 'the port of this remote is not one: what came through it is nothing that a transfer says']);
      remote.wakeup();
    }
    const { port1, port2 } = new MessageChannel(), silent = Remote.from(port2);
    const waits = silent.resume();
    port1.close();
    expect(await waits).toBe(false);
    expect(await silent.abort()).toBe(false);
  });
  test('what is no command is ignored by the owner, and the remote still serves (B1, B2)', async () => {
    const transfer = new Transfer(url), { port } = transfer.remote();
    const good = { id: 5, what: 'pause', mask: 1 };
    const garbage = [null, undefined, 7, 'pause', [], [good], {}, { what: 'pause' }, { ...good, what: 'burn' }, { ...good, what: 'toString' }, { ...good, id: 'x' },
      { ...good, mask: 0xffff }, { ...good, mask: '1' }, { ...good, mask: 1.5 }, { ...good, stamps: 5 }, { ...good, stamps: [1] },
      { ...good, stamps: [1, null, {}] }, { ...good, what: 'abort', reason: {} }, new Map([['what', 'pause']]), new Uint8Array(8), new Error('x')];
    const thrown = [], caught = (error) => thrown.push(error);
    process.on('uncaughtException', caught);
    const answers = [];
    port.on('message', (answer) => answers.push(answer));
    for (const one of garbage) port.postMessage(one);
    port.postMessage({ ...good, id: 6, what: 'resume' });
    await until(() => answers.some(({ id }) => id === 6));
    process.off('uncaughtException', caught);
    expect(thrown).toEqual([]);
    expect(answers.filter(({ id }) => id !== undefined)).toEqual([{ id: 6, ok: true }]);
    expect(transfer.paused).toEqual({ recv: false, send: false, by: null });
    expect(await transfer.remote().pause()).toBe(true);
    port.close();
  });
  test('directions and reasons', async () => {
    const remote = new Transfer(url).remote();
    expect(() => remote.pause('up')).toThrow(new TypeError("direction must be 'recv', 'send' or 'both', got up"));
    expect(() => remote.resume('toString')).toThrow(TypeError);
    expect(() => remote.abort(42)).toThrow(new TypeError('the reason of a remote abort is a string, got number'));
    remote.port.close();
    expect(() => remote.wakeup()).toThrow(TypeError);
  });

  /** A program of its own; it must end by itself. */
  const program = (code) => run(process.execPath, ['--expose-gc', '--input-type=module', '-e', `
    const { Transfer, Remote } = await import('${INDEX}');
    const { Worker } = await import('node:worker_threads');
    ${code}`], { timeout: 30000 });

  test('remotes keep no process alive, nor a worker', async () => {
    const { stdout } = await program(`
      const transfer = new Transfer('${url}/1000');
      const remote = transfer.remote(), port = transfer.remote().port;
      const worker = new Worker("const { workerData: { port } } = require('node:worker_threads');" +
        "import('${INDEX}').then(({ Remote }) => { globalThis.remote = Remote.from(port); globalThis.remote.resume(); })",
        { eval: true, execArgv: [], workerData: { port }, transferList: [port] });
      worker.on('exit', () => console.log('worker over'));
      console.log(await remote.resume(), (await transfer.perform()).received);
      process.on('exit', () => console.log('over', transfer.state));
    `);
    expect(stdout).toBe('true 1000\nworker over\nover done\n');
  });

  test('ports are closed when their transfers are collected', async () => {
    const { stdout } = await program(`
      const kept = new Transfer('${url}/1000');
      const remotes = [kept.remote()];
      await remotes[0].pause();
      for (let i = 0; i < 200; i++) {
        const transfer = new Transfer('${url}/1000');
        remotes.push(transfer.remote());
        if (i % 50 === 0) {
          await remotes.at(-1).resume();
          await transfer.perform();
        }
      }
      console.log(remotes.length);
      let left = 0;
      for (let i = 0; i < 200; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
        left = 0;
        for (const remote of remotes) left += await Promise.race([remote.resume(), new Promise((resolve) => setTimeout(resolve, 5000, 'hangs').unref())]) ? 1 : 0;
        if (left <= 3) break; // some engines hold on to the latest ones
      }
      console.log(left <= 3, await remotes[0].resume(), (await kept.perform()).received);
    `);
    expect(stdout).toBe('201\ntrue true 1000\n');
  });
});
