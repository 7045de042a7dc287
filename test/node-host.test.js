// The Node host alone, driven by an engine made for the test from c/include/sluice/host.h.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import * as door from '../js/hosts/door.js';
import { nodeHost } from '../js/hosts/node.js';
import { makeCertificates } from './helpers/certs.js';
import { FakeEngine } from './helpers/fake-engine.js';
import { settled, until } from './helpers/wait.js';

const { SL_TCP, SL_TLS, SL_IN, SL_OUT, SL_OPENED, SL_GONE, SL_AGAIN } = door;
const MiB = 1024 * 1024;
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

let host, engine, servers = [], sockets;

function attach(options) {
  host = nodeHost(options);
  engine = new FakeEngine(host);
}
/** A server; what it accepts is closed with the test. */
async function listen(server, on = { port: 0, host: '127.0.0.1' }) {
  const accept = (socket) => {
    sockets.push(socket);
    socket.on('error', (error) => { socket.seen = error; });
  };
  server.on('connection', accept).on('secureConnection', accept);
  servers.push(server);
  await new Promise((resolve, reject) => server.once('error', reject).listen(on, resolve));
  return on.path ? { name: 'localhost', unix: on.path } : { name: '127.0.0.1', port: server.address().port };
}
const echo = (socket) => socket.pipe(socket);

afterEach(async () => {
  host.close();
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  servers = [];
});
const start = (options) => {
  sockets = [];
  attach(options);
};

describe('opening', () => {
  test('a name is looked up, times and addresses are told, nothing is read', async () => {
    start({ lookup: (name, options, callback) => setImmediate(callback, null, [{ address: '127.0.0.1', family: 4 }]) });
    const spec = await listen(net.createServer((socket) => socket.write('early')));
    const before = Number(engine.imports.sl_now_us(0));
    const ch = engine.open(SL_TCP, { name: 'sluice.test', port: spec.port });
    expect(ch).toBeGreaterThan(0);
    expect(engine.info(ch, door.SL_INFO_PHASE)).toBe('resolve');
    expect(engine.recv(ch)).toBe(SL_AGAIN);
    expect(engine.send(ch, 'x')).toBe(SL_AGAIN);
    expect(engine.info(ch, door.SL_INFO_PEER)).toBe(SL_AGAIN);
    await engine.event(ch, SL_OPENED);
    expect(engine.info(ch, door.SL_INFO_PHASE)).toBe('open');
    expect(engine.info(ch, door.SL_INFO_PEER)).toBe(`127.0.0.1 ${spec.port}`);
    expect(engine.info(ch, door.SL_INFO_LOCAL)).toMatch(/^127\.0\.0\.1 \d+$/);
    expect(engine.info(ch, door.SL_INFO_ALPN)).toBe('');
    expect(engine.info(ch, door.SL_INFO_HEAD)).toBe(door.SL_NOSYS);
    const [resolved, connected, secured] = engine.info(ch, door.SL_INFO_TIMES, 'numbers');
    expect(resolved).toBeGreaterThanOrEqual(before);
    expect(connected).toBeGreaterThanOrEqual(resolved);
    expect(secured).toBe(0);
    expect(engine.order).toEqual([[ch, SL_OPENED]]);
  });

  test('a malformed spec is INVAL, a kind that is not there NOSYS', () => {
    start();
    for (const spec of ['', 'name x\n', 'port 80\n', 'name x\nport 0\n', 'name x\nport 65536\n', 'name x\nport 80\nport 81\n',
      'name x\nport 80\ncolour red\n', 'name x\nport\n', 'name x\nport 80\nlocal elsewhere\n']) {
      expect([spec, engine.open(SL_TCP, spec)]).toEqual([spec, door.SL_INVAL]);
    }
    for (const kind of [0, door.SL_EXCHANGE, 5]) expect(engine.open(kind, 'name x\nport 80\n')).toBe(door.SL_NOSYS);
  });

  test.each([
    ['ENOTFOUND', door.SL_RESOLVE], ['EAI_AGAIN', door.SL_RESOLVE],
  ])('a name that has no address (%s) is RESOLVE', async (code, expected) => {
    start({ lookup: (name, options, callback) => process.nextTick(callback, Object.assign(new Error(`getaddrinfo ${code}`), { code, syscall: 'getaddrinfo' })) });
    const ch = engine.open(SL_TCP, { name: 'sluice.test', port: 80 });
    await engine.event(ch, SL_GONE);
    expect([engine.recv(ch), engine.send(ch, 'x')]).toEqual([expected, expected]);
    expect(engine.info(ch, door.SL_INFO_ERROR)).toContain(code);
  });

  test('nobody listening is REFUSED, of a port and of a unix socket', async () => {
    start();
    const spec = await listen(net.createServer());
    await new Promise((resolve) => servers.pop().close(resolve));
    for (const one of [spec, { name: 'localhost', port: spec.port }, { name: 'localhost', unix: '/nowhere/at.all' }]) {
      const ch = engine.open(SL_TCP, one);
      await engine.event(ch, SL_GONE);
      expect(engine.recv(ch)).toBe(door.SL_REFUSED);
      expect(engine.info(ch, door.SL_INFO_ERROR)).toMatch(/ECONNREFUSED|ENOENT/);
      engine.close(ch, door.SL_ABORT);
    }
  });

  test('of two addresses the one that answers is taken (connection racing)', async () => {
    const addresses = [{ address: '127.0.0.2', family: 4 }, { address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }];
    start({ lookup: (name, options, callback) => callback(null, addresses) });
    const spec = await listen(net.createServer(echo));
    const ch = await engine.opened(SL_TCP, { name: 'sluice.test', port: spec.port });
    expect(engine.send(ch, 'hello')).toBe(5);
    engine.want(ch, SL_IN);
    await engine.event(ch, SL_IN);
    expect(engine.info(ch, door.SL_INFO_PEER)).toBe(`127.0.0.1 ${spec.port}`);
  });

  test('closing while it connects leaves nothing behind', async () => {
    start();
    const spec = await listen(net.createServer(echo));
    for (const how of [door.SL_ABORT, door.SL_FINISH]) {
      const ch = engine.open(SL_TCP, spec);
      engine.close(ch, how);
      expect(engine.recv(ch)).toBe(door.SL_INVAL);
    }
    await until(() => host.channels === 0);
    expect(engine.order).toEqual([]);
  });
});

describe('bytes', () => {
  test.each(['recv', 'move'])('an echo of 16 MiB by %s is byte-exact', async (way) => {
    start();
    const spec = await listen(net.createServer(echo));
    const ch = await engine.opened(SL_TCP, spec);
    const data = randomBytes(16 * MiB), got = [];
    let at = 0, received = 0;
    engine.sinks.set(7, (chunk) => {
      const n = Math.ceil(chunk.length * 0.7); // a sink may take less than it was given
      got.push(Buffer.from(chunk.subarray(0, n)));
      return n;
    });
    engine.on.set(ch, () => {
      for (let n = 1; n > 0 && at < data.length; at += Math.max(n, 0)) n = engine.send(ch, data.subarray(at, at + 100000));
      for (;;) {
        if (way === 'move') {
          const n = engine.move(ch, 7, 20000);
          if (n <= 0) break;
          received += n;
        } else {
          const some = engine.recv(ch, 30000);
          if (typeof some === 'number') break;
          got.push(some);
          received += some.length;
        }
      }
    });
    engine.want(ch, SL_IN | SL_OUT);
    await until(() => received === data.length);
    expect(sha(Buffer.concat(got))).toBe(sha(data));
  });

  test('send takes no more than leaves 64 KiB buffered, answers AGAIN, then tells OUT', async () => {
    start();
    const spec = await listen(net.createServer({ pauseOnConnect: true }));
    const ch = await engine.opened(SL_TCP, spec);
    const block = Buffer.alloc(100000);
    let sent = 0, n;
    while ((n = engine.send(ch, block)) > 0) {
      expect(n).toBeLessThanOrEqual(door.SL_HOST_SEND_MAX);
      sent += n;
    }
    expect(n).toBe(SL_AGAIN);
    engine.want(ch, SL_OUT);
    expect(engine.events.get(ch) & SL_OUT).toBe(0);
    await until(() => sockets.length === 1);
    sockets[0].on('data', (chunk) => { sent -= chunk.length; }).resume();
    await engine.event(ch, SL_OUT);
    expect(engine.send(ch, block)).toBe(door.SL_HOST_SEND_MAX);
    sent += door.SL_HOST_SEND_MAX;
    await until(() => sent === 0);
  });

  test('unrecv gives back the tail of a receive, for recv and for move', async () => {
    start();
    const spec = await listen(net.createServer((socket) => socket.write('HEAD\r\nbody of it')));
    const ch = await engine.opened(SL_TCP, spec);
    const seen = [];
    engine.sinks.set(1, (chunk) => { seen.push(Buffer.from(chunk).toString()); return chunk.length; });
    engine.on.set(ch, () => {
      seen.push(engine.recv(ch).toString());
      seen.push(engine.unrecv(ch, 100), engine.unrecv(ch, 6), engine.unrecv(ch, 4)); // 6 bytes, then 4 more
      seen.push(engine.info(ch, door.SL_INFO_HELD, 'numbers')[0]);
      seen.push(engine.recv(ch, 2).toString());
      engine.move(ch, 1);
    });
    engine.want(ch, SL_IN);
    await engine.event(ch, SL_IN);
    expect(seen).toEqual(['HEAD\r\nbody of it', door.SL_INVAL, 0, 0, 10, 'bo', 'dy of it']);
  });

  test('the end is told after the last byte was taken', async () => {
    start();
    const spec = await listen(net.createServer((socket) => socket.end('last words')));
    const ch = await engine.opened(SL_TCP, spec);
    const got = [];
    engine.on.set(ch, () => got.push(engine.recv(ch, 4))); // one receive an event: the host must come again
    engine.want(ch, SL_IN);
    await until(() => got.some((some) => some.length === 0));
    expect(Buffer.concat(got).toString()).toBe('last words');
    expect(got.map(String)).toEqual(['last', ' wor', 'ds', '']);
    expect(engine.recv(ch).length).toBe(0);
  });

  test('Wasm memory may grow at any time', async () => {
    start();
    const spec = await listen(net.createServer(echo));
    const ch = await engine.opened(SL_TCP, spec);
    engine.send(ch, 'one');
    engine.memory.grow(16);
    engine.want(ch, SL_IN);
    await engine.event(ch, SL_IN);
    expect(engine.recv(ch).toString()).toBe('one');
    engine.events.clear();
    engine.memory.grow(16);
    engine.send(ch, 'two');
    await engine.event(ch, SL_IN);
    engine.memory.grow(16);
    expect(engine.recv(ch).toString()).toBe('two');
  });

  test('an exception is caught at the door, answered with IO and remembered', async () => {
    start();
    const spec = await listen(net.createServer((socket) => socket.write('x')));
    const ch = await engine.opened(SL_TCP, spec);
    engine.sinks.set(3, () => { throw new Error('in the sink'); });
    let answer;
    engine.on.set(ch, () => { answer = engine.move(ch, 3); });
    engine.want(ch, SL_IN);
    await until(() => answer !== undefined);
    expect(answer).toBe(door.SL_IO);
    expect(host.caught.message).toBe('in the sink');
    expect(engine.recv(ch).toString()).toBe('x'); // nothing was lost
  });
});

describe('wanting nothing', () => {
  /** A server that writes as much as it can. */
  const fountain = () => {
    const state = { sent: 0, sum: createHash('sha256'), total: 64 * MiB };
    state.server = net.createServer((socket) => {
      const pump = () => {
        while (state.sent < state.total) {
          const block = randomBytes(65536);
          state.sum.update(block);
          state.sent += block.length;
          if (!socket.write(block)) return void socket.once('drain', pump);
        }
        socket.end();
      };
      pump();
    });
    return state;
  };

  test('W8: nothing is delivered, the peer stops, one chunk at most is held, and going on is byte-exact', async () => {
    start();
    const source = fountain();
    const ch = await engine.opened(SL_TCP, await listen(source.server));
    const sum = createHash('sha256');
    let received = 0, done = false;
    engine.on.set(ch, () => {
      for (;;) {
        const some = engine.recv(ch, 16384);
        if (typeof some === 'number') return;
        if (some.length === 0) return void (done = true);
        sum.update(some);
        received += some.length;
        if (received === 16384) return engine.want(ch, 0); // in the middle of the first chunk, or between two
      }
    });
    expect(engine.events.get(ch)).toBe(SL_OPENED);
    engine.want(ch, SL_IN);
    await engine.event(ch, SL_IN);
    const told = engine.order.length;
    const stalled = await settled(() => source.sent);
    expect(stalled).toBeLessThan(32 * MiB); // two kernels' buffers
    expect(engine.order.length).toBe(told);
    expect(received).toBe(16384);
    expect(engine.info(ch, door.SL_INFO_HELD, 'numbers')[0]).toBeLessThanOrEqual(door.SL_HOST_HELD_MAX);
    let inside = true;
    const on = engine.on.get(ch);
    engine.on.set(ch, (events) => {
      expect(inside).toBe(false); // never from within sl_want
      on(events);
    });
    engine.want(ch, SL_IN);
    inside = false;
    await until(() => done);
    expect(received).toBe(source.total);
    expect(sum.digest('hex')).toBe(source.sum.digest('hex'));
  });

  test('paused before it connects, resumed and paused in one tick: nothing is delivered', async () => {
    start();
    const source = fountain();
    const spec = await listen(source.server);
    const ch = engine.open(SL_TCP, spec);
    engine.want(ch, SL_IN);
    engine.want(ch, 0);
    await engine.event(ch, SL_OPENED);
    engine.want(ch, SL_IN);
    engine.want(ch, 0);
    await settled(() => source.sent);
    expect(source.sent).toBeLessThan(32 * MiB);
    expect(engine.order).toEqual([[ch, SL_OPENED]]);
    expect(engine.info(ch, door.SL_INFO_HELD, 'numbers')[0]).toBeLessThanOrEqual(door.SL_HOST_HELD_MAX);
  });

  test('many sockets share the buffer: random wants from each other\'s events lose and mix nothing', async () => {
    start();
    const specs = await listen(net.createServer((socket) => {
      let x = 0;
      socket.once('data', (seed) => {
        const [first] = seed;
        const block = Buffer.alloc(512 * 1024);
        for (let i = 0; i < block.length; i++) block[i] = (first + x++ * 7) & 255;
        socket.end(block);
      });
    }));
    const channels = [], wrong = [];
    let left = 60, seed = 1;
    const random = (n) => (seed = (seed * 48271) % 0x7fffffff) % n;
    for (let k = 0; k < 60; k++) {
      const ch = await engine.opened(SL_TCP, specs);
      const state = { ch, wants: SL_IN, x: 0, k };
      channels.push(state);
      engine.on.set(ch, () => {
        if (!(state.wants & SL_IN)) wrong.push(`event at ${ch} that wants nothing`);
        const some = engine.recv(ch, 1 + random(40000));
        if (typeof some === 'number') return void (some !== SL_AGAIN && wrong.push(`code ${some}`));
        if (some.length === 0) {
          if (state.x !== 512 * 1024) wrong.push(`${state.x} bytes`);
          state.wants = 0;
          state.done = true;
          engine.close(ch, door.SL_FINISH);
          left--;
        } else {
          for (const byte of some) if (byte !== ((k + state.x++ * 7) & 255)) return wrong.push(`byte ${state.x} of ${k}`);
        }
        for (let i = 0; i < 3; i++) {
          const other = channels[random(channels.length)];
          if (other.done) continue;
          other.wants = random(2) ? SL_IN : 0;
          engine.want(other.ch, other.wants);
        }
      });
      engine.send(ch, Buffer.from([k]));
    }
    for (const { ch } of channels) engine.want(ch, SL_IN);
    await until(() => {
      const open = channels.filter((one) => !one.done);
      if (open.every((one) => !one.wants)) for (const one of open) engine.want(one.ch, (one.wants = SL_IN));
      return left === 0;
    });
    expect(wrong).toEqual([]);
  });

  test('a peer that is gone is told to who wants something, and not to who wants nothing', async () => {
    start();
    const spec = await listen(net.createServer());
    const ch = await engine.opened(SL_TCP, spec), quiet = await engine.opened(SL_TCP, spec);
    await until(() => sockets.length === 2);
    engine.want(ch, SL_IN);
    for (const socket of sockets) socket.resetAndDestroy();
    await engine.event(ch, SL_GONE);
    expect([engine.recv(ch), engine.send(ch, 'x')]).toEqual([door.SL_RESET, door.SL_RESET]);
    expect(engine.events.get(quiet)).toBe(SL_OPENED);
    engine.want(quiet, SL_IN);
    await engine.event(quiet, SL_GONE);
  });
});

describe('closing', () => {
  test('FINISH flushes what was sent', async () => {
    start();
    let got = 0, ended = false;
    const spec = await listen(net.createServer((socket) => socket.on('data', (chunk) => { got += chunk.length; }).on('end', () => { ended = true; })));
    const ch = await engine.opened(SL_TCP, spec);
    const n = engine.send(ch, Buffer.alloc(65536));
    engine.close(ch, door.SL_FINISH);
    expect(engine.send(ch, 'more')).toBe(door.SL_INVAL);
    await until(() => ended);
    expect(got).toBe(n);
    await until(() => host.channels === 0);
  });

  test('END_SEND keeps the channel for what the peer has to say', async () => {
    start();
    const spec = await listen(net.createServer({ allowHalfOpen: true }, (socket) => socket.resume().on('end', () => socket.end('you ended'))));
    const ch = await engine.opened(SL_TCP, spec);
    engine.close(ch, door.SL_END_SEND);
    expect((await engine.drain(ch)).toString()).toBe('you ended');
    engine.close(ch, door.SL_FINISH);
    await until(() => host.channels === 0);
  });

  test('the peer\'s end leaves our direction open', async () => {
    start();
    let got = '';
    const spec = await listen(net.createServer({ allowHalfOpen: true }, (socket) => { socket.end(); socket.on('data', (chunk) => { got += chunk; }); }));
    const ch = await engine.opened(SL_TCP, spec);
    expect((await engine.drain(ch)).length).toBe(0);
    expect(engine.send(ch, 'still here')).toBe(10);
    await until(() => got === 'still here');
  });

  test('ABORT resets', async () => {
    start();
    const spec = await listen(net.createServer((socket) => socket.resume()));
    const ch = await engine.opened(SL_TCP, spec);
    await until(() => sockets.length === 1);
    engine.close(ch, door.SL_ABORT);
    await until(() => sockets[0].destroyed);
    expect(sockets[0].seen.code).toBe('ECONNRESET');
    await until(() => host.channels === 0);
  });

  test('an engine may close a channel inside its own event, and from a sink', async () => {
    start();
    const spec = await listen(net.createServer((socket) => socket.write(Buffer.alloc(100000))));
    for (const how of [door.SL_ABORT, door.SL_FINISH]) {
      const ch = await engine.opened(SL_TCP, spec);
      let told = 0;
      engine.sinks.set(9, (chunk) => { engine.close(ch, how); return chunk.length; });
      engine.on.set(ch, () => { told++; engine.move(ch, 9); });
      engine.want(ch, SL_IN);
      await until(() => told === 1);
    }
    await until(() => host.channels === 0);
    expect(host.caught).toBeUndefined();
  });
});

describe('unix sockets', () => {
  test('echo', async () => {
    start();
    const dir = mkdtempSync(join(tmpdir(), 'sluice-'));
    try {
      const spec = await listen(net.createServer(echo), { path: join(dir, 's') });
      const ch = await engine.opened(SL_TCP, spec);
      expect(engine.info(ch, door.SL_INFO_PEER)).toBe(spec.unix);
      engine.send(ch, 'through a file');
      engine.want(ch, SL_IN);
      await engine.event(ch, SL_IN);
      expect(engine.recv(ch).toString()).toBe('through a file');
      engine.close(ch, door.SL_ABORT);
      await until(() => host.channels === 0);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('TLS', () => {
  let certs;
  beforeAll(() => { certs = makeCertificates(); });
  const secure = (options, on) => listen(tls.createServer({ ...certs.server, ALPNProtocols: ['http/1.1'], ...options }, on));

  test('with a trusted CA: ALPN, version, times, an exact echo', async () => {
    start();
    const spec = await secure({}, echo);
    const ca = host.registerTls({ ca: certs.ca });
    expect(host.registerTls({ ca: Buffer.from(certs.ca) })).not.toBe(''); // bytes are welcome too
    expect(host.registerTls({ ca: certs.ca })).toBe(ca);
    expect(host.registerTls({ ca: certs.ca, servername: 'localhost' })).not.toBe(ca);
    const ch = await engine.opened(SL_TLS, { name: 'localhost', port: spec.port, alpn: 'h2,http/1.1', ca });
    expect(engine.info(ch, door.SL_INFO_ALPN)).toBe('http/1.1');
    expect(engine.info(ch, door.SL_INFO_TLS)).toMatch(/^TLSv1\.[23] \S+$/);
    const [, connected, secured] = engine.info(ch, door.SL_INFO_TIMES, 'numbers');
    expect(secured).toBeGreaterThanOrEqual(connected);
    const data = randomBytes(4 * MiB);
    let at = 0, received = 0;
    const sum = createHash('sha256');
    engine.sinks.set(1, (chunk) => { sum.update(chunk); received += chunk.length; return chunk.length; });
    engine.on.set(ch, () => {
      for (let n = 1; n > 0 && at < data.length; at += Math.max(n, 0)) n = engine.send(ch, data.subarray(at, at + 60000));
      while (engine.move(ch, 1) > 0);
    });
    engine.want(ch, SL_IN | SL_OUT);
    await until(() => received === data.length);
    expect(sum.digest('hex')).toBe(sha(data));
    engine.close(ch, door.SL_FINISH);
    await until(() => host.channels === 0);
  });

  test('pausing in the middle: the other records of a read are kept, the peer stops, going on is exact', async () => {
    start();
    const data = randomBytes(32 * MiB);
    const spec = await secure({}, (socket) => socket.end(data));
    const ch = await engine.opened(SL_TLS, { ...spec, verify: 0 });
    const sum = createHash('sha256');
    let received = 0, pauses = 0, most = 0, done = false, wants = SL_IN;
    engine.on.set(ch, () => {
      expect(wants).toBe(SL_IN);
      const some = engine.recv(ch, 16384);
      if (typeof some === 'number') return;
      if (some.length === 0) return void (done = true);
      sum.update(some);
      received += some.length;
      if (++pauses % 16) return;
      engine.want(ch, (wants = 0));
      setTimeout(() => {
        most = Math.max(most, engine.info(ch, door.SL_INFO_HELD, 'numbers')[0]);
        engine.want(ch, (wants = SL_IN));
      }, 1);
    });
    engine.want(ch, SL_IN);
    await until(() => done);
    expect(received).toBe(data.length);
    expect(sum.digest('hex')).toBe(sha(data));
    expect(most).toBeLessThanOrEqual(2 * door.SL_HOST_HELD_MAX);
  });

  test('a certificate nobody vouches for is TLS_VERIFY, a wrong name too; verify 0 takes it', async () => {
    start();
    const spec = await secure({}, echo);
    const ca = host.registerTls({ ca: certs.ca, servername: 'elsewhere.test' });
    for (const one of [{ ...spec }, { name: 'localhost', port: spec.port, ca }]) {
      const ch = engine.open(SL_TLS, one);
      await engine.event(ch, SL_GONE);
      expect(engine.recv(ch)).toBe(door.SL_TLS_VERIFY);
      expect(engine.info(ch, door.SL_INFO_ERROR)).not.toBe('');
    }
    await engine.opened(SL_TLS, { ...spec, verify: 0 });
  });

  test('a peer that does not speak TLS, and one that hangs up on it, are TLS_FAILED', async () => {
    start();
    const plain = await listen(net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const rude = await listen(net.createServer((socket) => socket.once('data', () => socket.destroy())));
    for (const spec of [plain, rude]) {
      const ch = engine.open(SL_TLS, spec);
      await engine.event(ch, SL_GONE);
      expect(engine.recv(ch)).toBe(door.SL_TLS_FAILED);
    }
  });

  test('words nobody registered, and contents that cannot be used, are refused at once', () => {
    start();
    expect(engine.open(SL_TLS, { name: 'x', port: 1, ca: 'unknown' })).toBe(door.SL_TLS_CA);
    expect(engine.open(SL_TLS, { name: 'x', port: 1, cert: 'unknown' })).toBe(door.SL_TLS_CERT);
    const refused = (options) => {
      try {
        return host.registerTls(options);
      } catch (error) {
        return [error.errno, error.message];
      }
    };
    expect(refused({ cert: 'no PEM', key: 'no PEM' })).toEqual([58, expect.stringMatching(/^tls\.cert, tls\.key: /)]);
    expect(refused({ ca: 'no PEM' })).toEqual([77, expect.stringMatching(/^tls\.ca: no certificate in it that can be read, it must be PEM/)]);
    expect(refused({ ca: [certs.ca, Buffer.from('no PEM')] })).toEqual([77, expect.stringMatching(/^tls\.ca: /)]);
    expect(host.caught).toBeUndefined();
  });

  test('a client certificate', async () => {
    start();
    let subject;
    const spec = await secure({ requestCert: true, rejectUnauthorized: true, ca: certs.ca }, (socket) => {
      subject = socket.getPeerCertificate().subject.CN;
      socket.end('welcome');
    });
    const word = host.registerTls({ ca: certs.ca, ...certs.client });
    const ch = await engine.opened(SL_TLS, { name: 'localhost', port: spec.port, ca: word });
    expect((await engine.drain(ch)).toString()).toBe('welcome');
    expect(subject).toBe('client');
  });

  test('TLS put on an open stream', async () => {
    start();
    const context = tls.createSecureContext(certs.server);
    const data = randomBytes(MiB);
    const spec = await listen(net.createServer((socket) => socket.once('data', () => {
      socket.write('go ahead');
      const secured = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
      sockets.push(secured);
      secured.on('error', () => {}).on('data', () => secured.end(data));
    })));
    const ch = await engine.opened(SL_TCP, spec);
    engine.send(ch, 'tunnel?');
    engine.want(ch, SL_IN);
    await engine.event(ch, SL_IN);
    expect(engine.recv(ch).toString()).toBe('go ahead');
    engine.want(ch, 0);
    expect(engine.startTls(ch, { name: 'localhost', ca: host.registerTls({ ca: certs.ca }) })).toBe(0);
    expect(engine.recv(ch)).toBe(SL_AGAIN);
    await engine.event(ch, SL_OPENED);
    engine.send(ch, 'hello');
    expect(sha(await engine.drain(ch))).toBe(sha(data));
    engine.close(ch, door.SL_FINISH);
    await until(() => host.channels === 0);
  });
});
