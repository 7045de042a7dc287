// The sandbox of plugin.js: a worker in which the program runs. It imports the door, which is answered by the thread that
// started this worker, and of WASI what a C program needs to have arguments and to print.
import { parentPort, workerData } from 'node:worker_threads';
import { webcrypto } from 'node:crypto';

const { module, args, shared } = workerData;
const state = new Int32Array(shared, 0, 2), window = new Uint8Array(shared, 16);
const SL_NOSYS = -2, SL_INVAL = -3, WASI_BADF = 8;
let memory;
const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);
const view = () => new DataView(memory.buffer);

/** Ask the owner and sleep until the answer is there. */
function ask(name, ...words) {
  Atomics.store(state, 0, 0);
  parentPort.postMessage({ name, args: words });
  while (Atomics.load(state, 0) === 0) Atomics.wait(state, 0, 0); // the notification of an earlier answer may come late, and wakes it too
  return state[1];
}
/** What fits through the window of the bytes from `at` on. @returns {number} how many */
function give(at, length) {
  const n = Math.min(length, window.length);
  window.set(bytes(at, n));
  return n;
}
/** What was answered through the window, @param {number} n bytes of it. */
const take = (at, n) => bytes(at, n).set(window.subarray(0, n));

const door = {
  sl_now_us: () => process.hrtime.bigint() / 1000n,
  sl_unix_ms: () => BigInt(Date.now()),
  sl_random: (_loop, at, n) => { for (let i = 0; i < n; i += 65536) webcrypto.getRandomValues(bytes(at + i, Math.min(65536, n - i))); },
  sl_open: (loop, kind, at, length) => (length > window.length ? SL_INVAL : ask('sl_open', loop, kind, give(at, length))),
  sl_start_tls: () => SL_NOSYS,
  sl_recv(ch, at, cap) {
    const n = ask('sl_recv', ch, Math.min(cap, window.length));
    if (n > 0) take(at, n);
    return n;
  },
  sl_unrecv: () => SL_NOSYS, // needed beside sl_move only
  sl_move: () => SL_NOSYS,
  sl_send: (ch, at, length) => ask('sl_send', ch, give(at, length)),
  sl_move_out: () => SL_NOSYS,
  sl_info(ch, what, at, cap) {
    const n = ask('sl_info', ch, what, Math.min(cap, window.length));
    if (n > 0) take(at, Math.min(n, cap));
    return n;
  },
  sl_want: (ch, events) => void ask('sl_want', ch, events),
  sl_close: (ch, how) => void ask('sl_close', ch, how),
  sl_wait(loop, at, cap, timeoutUs) {
    const n = ask('sl_wait', loop, cap, Number(timeoutUs));
    if (n > 0) take(at, 8 * n);
    return n;
  },
};

class Exit { constructor(code) { this.code = code; } }
const words = ['guest', ...args].map((word) => Buffer.from(`${word}\0`));
const wasi = {
  args_sizes_get(count, size) {
    view().setUint32(count, words.length, true);
    view().setUint32(size, Buffer.concat(words).length, true);
    return 0;
  },
  args_get(argv, at) {
    for (const word of words) {
      view().setUint32(argv, at, true);
      bytes(at, word.length).set(word);
      argv += 4;
      at += word.length;
    }
    return 0;
  },
  fd_write(fd, vectors, count, written) {
    let n = 0;
    for (let i = 0; i < count; i++) {
      const [at, length] = [view().getUint32(vectors + 8 * i, true), view().getUint32(vectors + 8 * i + 4, true)];
      parentPort.postMessage({ fd, output: bytes(at, length).slice() });
      n += length;
    }
    view().setUint32(written, n, true);
    return 0;
  },
  proc_exit(code) { throw new Exit(code); },
};

/** Nothing else of WASI: no files, no clock, no environment. */
const nothing = Object.fromEntries(WebAssembly.Module.imports(module)
  .filter((wanted) => wanted.module === 'wasi_snapshot_preview1').map(({ name }) => [name, () => WASI_BADF]));
const { exports } = new WebAssembly.Instance(module, { sluice_host_1: door, wasi_snapshot_preview1: { ...nothing, ...wasi } });
memory = exports.memory;
let exit = 0;
try {
  exports._start();
} catch (error) {
  if (!(error instanceof Exit)) throw error;
  exit = error.code;
}
parentPort.postMessage({ exit });
