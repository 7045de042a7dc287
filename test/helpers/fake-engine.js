// An engine written from c/include/sluice/host.h, in JavaScript: it drives a host alone.
import { SL_IN, SL_OPENED } from '../../js/hosts/door.js';
import { until } from './wait.js';

const SCRATCH = 1024, ROOM = 128 * 1024;

export class FakeEngine {
  events = new Map(); // channel -> all events told so far
  order = []; // [ch, events]
  on = new Map(); // channel -> what to do at an event
  sinks = new Map(); // token -> (chunk) => accepted
  inside = 0; // > 0: within ready
  memory = new WebAssembly.Memory({ initial: 4 });

  constructor(host) {
    this.host = host;
    this.imports = host.attach({
      memory: () => new Uint8Array(this.memory.buffer),
      ready: (ch, events) => {
        this.events.set(ch, (this.events.get(ch) ?? 0) | events);
        this.order.push([ch, events]);
        this.inside++;
        this.on.get(ch)?.(events);
        this.inside--;
      },
      sink: (token, chunk) => this.sinks.get(token)(chunk),
    });
  }
  #write(data) {
    const bytes = Buffer.from(data, 'latin1');
    bytes.copy(new Uint8Array(this.memory.buffer), SCRATCH);
    return bytes.length;
  }
  open(kind, spec) {
    const text = typeof spec === 'string' ? spec : Object.entries(spec).map(([key, value]) => `${key} ${value}\n`).join('');
    return this.imports.sl_open(0, kind, SCRATCH, this.#write(text));
  }
  startTls(ch, spec) {
    this.events.set(ch, 0);
    return this.imports.sl_start_tls(ch, SCRATCH, this.#write(Object.entries(spec).map(([key, value]) => `${key} ${value}\n`).join('')));
  }
  async opened(kind, spec) {
    const ch = this.open(kind, spec);
    if (ch < 0) throw new Error(`sl_open: ${ch}`);
    await this.event(ch, SL_OPENED);
    return ch;
  }
  event(ch, bits) {
    return until(() => (this.events.get(ch) ?? 0) & bits, `event ${bits} at channel ${ch}`);
  }
  want(ch, events) { this.imports.sl_want(ch, events); }
  close(ch, how) { this.imports.sl_close(ch, how); }
  send(ch, data) { return this.imports.sl_send(ch, SCRATCH, this.#write(data)); }
  /** A Buffer of what came (empty: the end), or a code. */
  recv(ch, cap = ROOM) {
    const n = this.imports.sl_recv(ch, SCRATCH, cap);
    return n < 0 ? n : Buffer.from(new Uint8Array(this.memory.buffer, SCRATCH, n));
  }
  unrecv(ch, n) { return this.imports.sl_unrecv(ch, n); }
  move(ch, token, max = 0x7fffffff) { return this.imports.sl_move(ch, token, max); }
  /** Text, or int64s as numbers, or a code. */
  info(ch, what, kind = 'text') {
    const n = this.imports.sl_info(ch, what, SCRATCH, ROOM);
    if (n < 0) return n;
    const bytes = Buffer.from(new Uint8Array(this.memory.buffer, SCRATCH, n));
    return kind === 'text' ? bytes.toString() : Array.from({ length: n / 8 }, (_, i) => Number(bytes.readBigInt64LE(i * 8)));
  }
  /** Receive all there is whenever told, until the end or a code; resolves to the bytes. */
  drain(ch, take = (chunk) => chunk) {
    const chunks = [];
    return new Promise((resolve, reject) => {
      const go = () => {
        for (;;) {
          const got = this.recv(ch, 16384);
          if (got === -1) return;
          if (typeof got === 'number') return reject(Object.assign(new Error(`recv: ${got}`), { code: got }));
          if (got.length === 0) return resolve(Buffer.concat(chunks));
          chunks.push(take(got));
        }
      };
      this.on.set(ch, go);
      this.want(ch, SL_IN);
    });
  }
}
