// A plugin host, as small as it can be, written from c/include/sluice/host.h alone: it runs a C program compiled to WebAssembly in
// a worker, lends it the door for TCP and nothing else, and keeps the sockets here. The program blocks in its calls, the
// worker with it; this thread answers them through shared memory (see plugin-guest.js for the other end). As a command:
//
//   node test/hosts/plugin.js PROGRAM.wasm [ARGUMENT ...]
import { readFileSync, realpathSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const SL_TCP = 1;
const SL_OPENED = 1, SL_IN = 2, SL_OUT = 4, SL_GONE = 8, SL_HELD = 16, SL_FREE = 32;
const SL_AGAIN = -1, SL_NOSYS = -2, SL_INVAL = -3, SL_IO = -5, SL_RESOLVE = -10, SL_REFUSED = -11, SL_RESET = -12, SL_DENIED = -13;
export const SL_CANCELED = -30, SL_QUOTA = -31, SL_DEADLINE = -32;
const PHASE = 1, ALPN = 2, PEER = 3, LOCAL = 4, TIMES = 6, HELD = 8, ERROR = 9; // SL_INFO_*
const FINISH = 0, END_SEND = 1; // SL_ABORT = 2
const HELD_MAX = 65536, SEND_MAX = 65536;
const TIMER_MAX_MS = 2 ** 31 - 1;
/** What of the door goes through shared memory, in bytes: one recv or send, or one spec. */
const WINDOW = 65536;

const KEYS = ['name', 'port', 'unix', 'local', 'family']; // those of a stream, in order
const REASONS = { ENOTFOUND: SL_RESOLVE, EAI_AGAIN: SL_RESOLVE, ECONNRESET: SL_RESET, EPIPE: SL_RESET };

const nowUs = () => process.hrtime.bigint() / 1000n;
const text = new TextDecoder(), bytes = new TextEncoder();

/** The spec as an object, or undefined if it is malformed. @param {string} spec */
function parse(spec) {
  const lines = spec.split('\n');
  if (lines.pop() !== '') return undefined;
  const pairs = lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]);
  const order = pairs.map(([key]) => KEYS.indexOf(key));
  return order.every((at, i) => at >= 0 && (i === 0 || at > order[i - 1])) ? Object.fromEntries(pairs) : undefined;
}

/** One TCP connection. It is read into one buffer, and only when that is empty and bytes are wanted. */
class Channel {
  wanted = 0;
  phase = 'resolve';
  unread = new Uint8Array(0);
  ended = false;
  error = /** @type {NodeJS.ErrnoException | undefined} */ (undefined);
  news = 0; // told once
  times = [0n, 0n, 0n];

  /** @param {number} loop @param {Record<string, string>} spec @param {() => void} changed */
  constructor(loop, spec, changed) {
    this.loop = loop;
    const onread = { buffer: new Uint8Array(HELD_MAX), callback: (n, buffer) => {
      this.unread = buffer.subarray(0, n);
      changed();
      return false; // read on when this is taken
    } };
    const where = spec.unix ? { path: spec.unix } : { host: spec.name, port: Number(spec.port), localAddress: spec.local, family: Number(spec.family ?? 0) };
    this.changed = changed;
    this.socket = net.connect({ ...where, onread, allowHalfOpen: true }).pause().setNoDelay(true)
      .on('lookup', () => { this.phase = 'connect'; this.times[0] = nowUs(); })
      .on('connect', () => { this.phase = 'open'; this.news |= SL_OPENED; this.times[1] = nowUs(); changed(); })
      .on('end', () => { this.ended = true; changed(); })
      .on('error', (error) => { this.error ??= error; this.news = this.phase === 'open' ? 0 : SL_GONE; changed(); });
  }

  /** What recv and send answer when the connection failed. */
  get code() { return REASONS[this.error?.code ?? ''] ?? (this.phase === 'open' ? SL_IO : SL_REFUSED); }
  get room() { return SEND_MAX - this.socket.writableLength; }

  events() {
    if (this.error && this.unread.length === 0) return this.news | (this.wanted ? SL_GONE : 0);
    const ready = (this.unread.length > 0 || this.ended ? SL_IN : 0) | (this.phase === 'open' && this.room > 0 ? SL_OUT : 0);
    return this.news | (ready & this.wanted);
  }
  want(events) {
    this.wanted = events;
    if (events & SL_IN && this.unread.length === 0) this.socket.resume();
    else this.socket.pause();
  }
  /** @param {Uint8Array} to */
  recv(to) {
    if (this.unread.length === 0) return this.error ? this.code : this.ended ? 0 : SL_AGAIN;
    const n = Math.min(to.length, this.unread.length);
    to.set(this.unread.subarray(0, n));
    this.unread = this.unread.subarray(n);
    this.want(this.wanted);
    return n;
  }
  /** @param {Uint8Array} from */
  send(from) {
    if (this.error) return this.code;
    const n = this.phase === 'open' ? Math.min(from.length, this.room) : 0;
    if (n <= 0) return SL_AGAIN;
    this.socket.write(from.slice(0, n), this.changed);
    return n;
  }
  info(what) {
    const { socket } = this;
    if (what === PHASE) return bytes.encode(this.phase);
    if (what === ALPN) return new Uint8Array(0);
    if (what === PEER) return this.phase === 'open' ? bytes.encode(`${socket.remoteAddress} ${socket.remotePort}`) : SL_AGAIN;
    if (what === LOCAL) return this.phase === 'open' ? bytes.encode(`${socket.localAddress} ${socket.localPort}`) : SL_AGAIN;
    if (what === TIMES) return new Uint8Array(BigInt64Array.from(this.times).buffer);
    if (what === HELD) return new Uint8Array(BigInt64Array.of(BigInt(this.unread.length)).buffer);
    if (what === ERROR) return this.error ? bytes.encode(this.error.message) : SL_AGAIN;
    return SL_NOSYS;
  }
  close(how) {
    if (how === END_SEND) return void this.socket.end();
    if (how === FINISH) this.socket.destroySoon();
    else if (this.phase === 'open') this.socket.resetAndDestroy();
    else this.socket.destroy();
  }
}

/** What a program prints, line by line; those of its standard error say so. @param {(line: string) => void} onLine */
function inLines(onLine) {
  let rest = '';
  return (fd, output) => {
    const lines = (rest + Buffer.from(output).toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(fd === 2 ? `stderr: ${line}` : line);
  };
}

/**
 * Runs a program. What it may do is connect where `allow` says yes.
 * @param {WebAssembly.Module} module
 * @param {{ args?: string[], onLine?: (line: string) => void, onOutput?: (fd: number, bytes: Uint8Array) => void, allow?: (spec: Record<string, string>) => boolean,
 *   before?: (name: string, args: number[]) => number | undefined }} [options] before: an answer instead of the host's own, where the call has one
 */
export function runGuest(module, { args = [], onLine = () => {}, onOutput = inLines(onLine), allow = () => true, before = () => undefined } = {}) {
  const shared = new SharedArrayBuffer(16 + WINDOW);
  const state = new Int32Array(shared, 0, 2), window = new Uint8Array(shared, 16);
  const channels = /** @type {Map<number, Channel>} */ (new Map());
  let last = 0, over = 0, held = false;
  let waiting = /** @type {{ loop: number, cap: number, untilUs: bigint, timer?: NodeJS.Timeout } | undefined} */ (undefined);

  function answer(value) {
    state[1] = value;
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  }
  /** Answers sl_wait, if there is something to tell. */
  function changed() {
    if (!waiting) return;
    const { loop, cap, untilUs, timer } = waiting;
    const found = new Int32Array(shared, 16);
    let n = 0;
    for (const [ch, channel] of [...channels]) {
      if (channel.loop !== loop || n === cap) continue;
      const events = channel.events();
      if (!events) continue;
      found.set([ch, events], 2 * n++);
      channel.news = 0;
      channels.delete(ch); // to the end: the next time it is the others' turn
      channels.set(ch, channel);
    }
    clearTimeout(timer);
    const left = untilUs - nowUs();
    if (over || n > 0 || left <= 0n) {
      waiting = undefined;
      return answer(over || n);
    }
    waiting.timer = setTimeout(changed, Math.min(Number(left / 1000n) + 1, TIMER_MAX_MS));
  }

  const door = {
    sl_open(loop, kind, len) {
      if (kind !== SL_TCP) return SL_NOSYS;
      const spec = parse(text.decode(window.slice(0, len)));
      if (!spec?.name || !(spec.unix || Number(spec.port) > 0 && Number(spec.port) < 65536)) return SL_INVAL;
      if (!allow(spec)) return SL_DENIED;
      const channel = new Channel(loop, spec, changed);
      if (held) channel.news |= SL_HELD;
      channels.set(++last, channel);
      return last;
    },
    sl_recv: (ch, cap) => channels.get(ch)?.recv(window.subarray(0, cap)) ?? SL_INVAL,
    sl_send: (ch, len) => channels.get(ch)?.send(window.subarray(0, len)) ?? SL_INVAL,
    sl_info(ch, what, cap) {
      const found = channels.get(ch)?.info(what) ?? SL_INVAL;
      if (typeof found === 'number') return found;
      window.set(found.subarray(0, cap));
      return found.length;
    },
    sl_want: (ch, events) => (channels.get(ch)?.want(events), 0),
    sl_close(ch, how) {
      channels.get(ch)?.close(how);
      if (how !== END_SEND) channels.delete(ch);
      return 0;
    },
  };
  function wait(loop, cap, timeoutUs) {
    waiting = { loop, cap: Math.min(cap, WINDOW / 8), untilUs: timeoutUs < 0 ? 2n ** 62n : nowUs() + BigInt(timeoutUs) };
    changed();
  }

  const worker = new Worker(new URL('./plugin-guest.js', import.meta.url), { workerData: { module, args, shared } });
  const done = new Promise((resolve, reject) => {
    worker.on('error', reject).on('message', (message) => {
      if (message.output !== undefined) return onOutput(message.fd, message.output);
      if (message.exit !== undefined) return resolve(message.exit);
      const { name, args: [...words] } = message;
      const answers = name !== 'sl_want' && name !== 'sl_close';
      const instead = answers ? before(name, words) ?? (over || undefined) : undefined;
      if (instead !== undefined) return answer(instead);
      if (name === 'sl_wait') return wait(...words);
      let value = SL_INVAL; // what Node.js refuses with an exception
      try { value = door[name](...words); } catch { /* a local address that is none, for one */ }
      answer(value);
    }).on('exit', () => reject(new Error('the guest was ended')));
  }).finally(() => {
    for (const channel of channels.values()) channel.close(2);
    clearTimeout(waiting?.timer);
  });

  return {
    /** Its exit code. */ done,
    get open() { return channels.size; },
    get bytesHeld() { return [...channels.values()].reduce((sum, channel) => sum + channel.unread.length, 0); },
    /** From now on everything is answered so. @param {number} code */
    end(code) { over = code; changed(); },
    /** Stop all its channels, or let them go on. @param {boolean} on */
    hold(on) {
      held = on;
      for (const channel of channels.values()) channel.news = (channel.news & (SL_OPENED | SL_GONE)) | (on ? SL_HELD : SL_FREE);
      changed();
    },
    terminate: () => worker.terminate(),
  };
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [file, ...args] = process.argv.slice(2);
  const onOutput = (fd, output) => void (fd === 2 ? process.stderr : process.stdout).write(output);
  process.exitCode = await runGuest(new WebAssembly.Module(readFileSync(file)), { args, onOutput }).done;
}
