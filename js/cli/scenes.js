// js/cli/scenes.js: what Sluice does, on real transfers over loopback. Every scene checks what it shows; the figures
// are measured, the server's at the server.
import { setTimeout as delay } from 'node:timers/promises';
import { builtin } from '../builtin.js';
import { Multi, Transfer, TransferError, nodeHost } from '../index.js';
import { VERSION } from '../options.js';
import { startServer } from './server.js';
import { Line, amount, duration, progressText } from './text.js';

const MIB = 1024 * 1024;
const BIG = 64 * MIB; // more than the kernel buffers on loopback, about 10 MiB
const SMALL = 6 * MIB;
const PAUSE_AT = 8 * MIB;
const HOLD_MS = 1000; // how long the pause is watched
const QUIET_MS = 250; // the kernel's buffers are full when the server has been stuck for so long
const RATE = 2 * MIB; // bytes a second
const LOW_SPEED = { bytesPerSecond: 1000, ms: 2000 };
const TIMEOUT_MS = 1500;
const LATE_MS = 1000; // a machine may be busy
const SCENE_MS = 15000; // a scene that takes longer has failed

/**
 * @typedef {{ server: Awaited<ReturnType<typeof startServer>>, sums: Record<string, string>, multi: Multi, line: Line, held?: Held }} Stage
 * @typedef {{ transfer: Transfer, done: Promise<import('../index.js').Result>, sum: ReturnType<typeof summing> }} Held a transfer that one scene leaves to the next
 * @typedef {{ story: string, measured: string }} Told
 * @typedef {{ name: string, wanted: string, play: (stage: Stage) => Promise<Told> }} Scene
 */

/** @param {unknown} fact @param {string} words what is wrong otherwise @returns {asserts fact} */
function check(fact, words) {
  if (!fact) throw new Error(words);
}

/** Bytes that show when some are lost, doubled or swapped. @param {number} size @param {number} seed */
function pattern(size, seed) {
  const words = new Uint32Array(size / 4);
  let x = seed;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer);
}

/** An onData that sums and counts. */
function summing() {
  const hash = builtin('node:crypto').createHash('sha256');
  const sum = {
    bytes: 0,
    /** @param {Uint8Array} chunk */
    add(chunk) {
      hash.update(chunk);
      sum.bytes += chunk.length;
    },
    hex: () => hash.copy().digest('hex'),
  };
  return sum;
}

/** How a transfer that must not complete ended. @param {Promise<unknown>} done @returns {Promise<TransferError>} */
async function failure(done) {
  try {
    await done;
  } catch (error) {
    if (error instanceof TransferError) return error;
    throw error;
  }
  throw new Error('it completed');
}

/** @type {Scene} */
const start = {
  name: 'start',
  wanted: `${amount(BIG)}, sha256 as the server's`,
  async play({ server, sums, multi, line }) {
    const sum = summing();
    const transfer = new Transfer(server.url('/whole/big'), { multi, onData: sum.add });
    line.follow(() => progressText(transfer.progress));
    const result = await transfer.perform();
    check(sum.bytes === BIG && sum.hex() === sums.big, `${sum.bytes} bytes came, or wrong ones`);
    return {
      story: `${amount(sum.bytes)} came in ${duration(result.elapsedMs)}, every byte as it was sent`,
      measured: `${amount(result.averageReceiveSpeed)}/s`,
    };
  },
};

/** @type {Scene} */
const pause = {
  name: 'pause',
  wanted: `at ${amount(PAUSE_AT)}: the server stops sending`,
  async play(stage) {
    const { server, multi, line } = stage;
    const sum = summing();
    let reached = () => {};
    const paused = new Promise((resolve) => { reached = () => resolve(undefined); });
    const transfer = new Transfer(server.url('/whole/big'), {
      multi,
      onData(chunk) {
        sum.add(chunk);
        if (sum.bytes < PAUSE_AT || sum.bytes - chunk.length >= PAUSE_AT) return;
        transfer.pause();
        reached();
      },
    });
    const done = transfer.perform();
    done.catch(() => {}); // resume says it
    await Promise.race([paused, done]);
    stage.held = { transfer, done, sum };
    const { latest } = server, delivered = sum.bytes;
    line.follow(() => `paused: ${amount(sum.bytes)} delivered, ${amount(latest.sent)} sent by the server, ${amount(transfer.progress.held)} held here`);
    let stuck = latest.sent;
    for (let since = performance.now(); performance.now() - since < QUIET_MS; await delay(10)) {
      if (latest.sent !== stuck) [stuck, since] = [latest.sent, performance.now()];
    }
    await delay(HOLD_MS);
    check(sum.bytes === delivered, `${sum.bytes - delivered} bytes were delivered while paused`);
    check(latest.sent === stuck && stuck < BIG, `the server sent ${latest.sent - stuck} bytes more, ${latest.sent} of ${BIG}`);
    return {
      story: `the server is stuck after ${amount(stuck)} of ${amount(BIG)}: ${amount(delivered)} were delivered, ${amount(stuck - delivered)} wait in the kernel`,
      measured: `0 B sent, 0 B delivered in ${duration(HOLD_MS)}`,
    };
  },
};

/** @type {Scene} */
const resume = {
  name: 'resume',
  wanted: 'the rest, byte-exact',
  async play({ held, sums, line }) {
    check(held, 'nothing is paused');
    const { transfer, done, sum } = held, before = sum.bytes, from = performance.now();
    line.follow(() => progressText(transfer.progress));
    await transfer.resume();
    const result = await done;
    check(sum.bytes === BIG && sum.hex() === sums.big, `${sum.bytes} bytes came, or wrong ones`);
    return {
      story: `after ${duration(result.pausedMs)} paused the other ${amount(BIG - before)} came, every byte as it was sent`,
      measured: `${amount(BIG - before)} in ${duration(performance.now() - from)}`,
    };
  },
};

/** @type {Scene} */
const rateLimit = {
  name: 'rate limit',
  wanted: `${amount(RATE)}/s`,
  async play({ server, sums, multi, line }) {
    const sum = summing();
    const transfer = new Transfer(server.url('/whole/small'), { multi, maxRecvSpeed: RATE, onData: sum.add });
    line.follow(() => `limited to ${amount(RATE)}/s: ${progressText(transfer.progress)}`);
    const from = performance.now();
    await transfer.perform();
    const ms = performance.now() - from, speed = (sum.bytes / ms) * 1000;
    check(sum.hex() === sums.small, 'wrong bytes came');
    check(speed <= RATE * 1.1, `${amount(speed)}/s is too fast`);
    check(speed >= RATE * 0.7, `${amount(speed)}/s is too slow`);
    return { story: `${amount(sum.bytes)} took ${duration(ms)}`, measured: `${amount(speed)}/s` };
  },
};

/** @type {Scene} */
const lowSpeed = {
  name: 'low speed',
  wanted: `code 28 after ${duration(LOW_SPEED.ms)} below ${LOW_SPEED.bytesPerSecond} B/s`,
  async play({ server, multi, line }) {
    const sum = summing();
    const transfer = new Transfer(server.url('/trickle/small'), { multi, lowSpeed: LOW_SPEED, onData: sum.add });
    line.follow(() => `slower than ${LOW_SPEED.bytesPerSecond} B/s: ${progressText(transfer.progress)}`);
    const { errno, result } = await failure(transfer.perform());
    check(errno === 28, `it ended with ${errno}`);
    check(result.elapsedMs >= LOW_SPEED.ms && result.elapsedMs <= LOW_SPEED.ms + 2000, `it ended after ${duration(result.elapsedMs)}`);
    return {
      story: `a server that sends 100 B/s was given up, ${sum.bytes} bytes had come`,
      measured: `code ${errno} after ${duration(result.elapsedMs)}`,
    };
  },
};

/** @type {Scene} */
const timeout = {
  name: 'timeout',
  wanted: `code 28 at ${duration(TIMEOUT_MS)}`,
  async play({ server, multi, line }) {
    const sum = summing();
    const transfer = new Transfer(server.url('/silent/small'), { multi, timeoutMs: TIMEOUT_MS, onData: sum.add });
    line.follow(() => `waiting: ${duration(transfer.progress.elapsedMs)}`);
    const { errno, result } = await failure(transfer.perform());
    check(errno === 28, `it ended with ${errno}`);
    check(result.elapsedMs >= TIMEOUT_MS && result.elapsedMs <= TIMEOUT_MS + LATE_MS, `it ended after ${duration(result.elapsedMs)}`);
    return {
      story: `a server that fell silent after ${sum.bytes} bytes was given up`,
      measured: `code ${errno} at ${duration(result.elapsedMs)}`,
    };
  },
};

/** @type {Scene} */
const abort = {
  name: 'abort',
  wanted: 'code 42, and the server sees it',
  async play({ server, multi, line }) {
    const sum = summing();
    let at = 0, bytes = 0;
    const transfer = new Transfer(server.url('/endless/big'), {
      multi,
      onData(chunk) {
        sum.add(chunk);
        if (at !== 0 || sum.bytes < PAUSE_AT) return;
        at = performance.now();
        bytes = sum.bytes;
        transfer.abort();
      },
    });
    line.follow(() => progressText(transfer.progress));
    const { errno } = await failure(transfer.perform());
    check(errno === 42, `it ended with ${errno}`);
    const ms = (await server.latest.closed) - at;
    check(ms <= LATE_MS, `the server saw it after ${duration(ms)}`);
    check(sum.bytes === bytes, `${sum.bytes - bytes} bytes came after the abort`);
    return {
      story: `an endless download was stopped at ${amount(bytes)}, nothing came after`,
      measured: `code ${errno}, seen by the server after ${ms.toFixed(1)} ms`,
    };
  },
};

const SCENES = [start, pause, resume, rateLimit, lowSpeed, timeout, abort];

/** @param {Scene} scene @param {Stage} stage @returns {Promise<Told & { ok: boolean }>} */
async function play(scene, stage) {
  const over = new AbortController();
  try {
    const late = delay(SCENE_MS, undefined, { signal: over.signal }).then(() => check(false, `not over after ${duration(SCENE_MS)}`));
    late.catch(() => {}); // the scene was faster
    return { ok: true, ...(await /** @type {Promise<Told>} */ (Promise.race([scene.play(stage), late]))) };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { ok: false, story: `FAILED: ${words}`, measured: words };
  } finally {
    over.abort();
  }
}

/** Cells in columns, as wide as their widest. @param {string[][]} rows @returns {string} */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('   ').trimEnd()}\n`).join('');
}

/** @param {NodeJS.WriteStream} out @param {import('../index.js').Host} [host] @param {Scene[]} [scenes] @returns {Promise<number>} exit code: 1 when a scene failed */
export async function playScenes(out, host = nodeHost(), scenes = SCENES) {
  out.on('error', () => process.exit(23)); // nobody reads on
  const bodies = { big: pattern(BIG, 1), small: pattern(SMALL, 2) };
  const sums = Object.fromEntries(Object.entries(bodies).map(([name, body]) => [name, builtin('node:crypto').createHash('sha256').update(body).digest('hex')]));
  const server = await startServer(bodies);
  const multi = new Multi({ host });
  const stage = { server, sums, multi, line: new Line(out) };
  const rows = [['scene', 'wanted', 'measured', '']];
  let failed = 0;
  out.write(`Sluice ${VERSION}: real transfers (host: ${host.name}) from a server on 127.0.0.1:${server.port}. Each scene is checked.\n\n`);
  for (const scene of scenes) {
    stage.line.show(scene.name);
    const { ok, story, measured } = await play(scene, stage);
    if (!ok) failed++;
    stage.line.end(`${scene.name.padEnd(10)}  ${story}`);
    rows.push([scene.name, scene.wanted, measured, ok ? 'ok' : 'FAILED']);
  }
  out.write(`\n${table(rows)}\n${failed === 0 ? 'All scenes did what they should.' : `${failed} of ${scenes.length} scenes failed.`} To download something: ${process.env.SLUICE_COMMAND ?? 'sluice'} URL\n`);
  await multi[Symbol.asyncDispose]();
  server.stop();
  return failed === 0 ? 0 : 1;
}
