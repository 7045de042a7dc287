// js/hosts/streams.js: what hosts over web streams have in common (fetch.js, workerd.js): a channel that keeps one chunk at most
// of what it reads, and the door (c/include/sluice/host.h) over such channels. Nothing of one platform's is used.
//
// A read is asked of the stream only while bytes are wanted and none are kept, never from inside a call of the engine.
import * as door from './door.js';
import { Faults } from './faults.js';
import { soon } from '../soon.js';

const { SL_IN, SL_OUT, SL_OPENED, SL_GONE, SL_AGAIN, SL_INVAL, SL_NOSYS, SL_IO } = door;

/**
 * What each kind of channel says for itself: news, room, source, info. It implements door.Lender for its chunk: as long as a
 * stream gives chunks that are nobody else's, all of it may be lent, and nothing has to be done for it.
 */
export class StreamChannel {
  id = 0;
  wants = 0; // SL_IN | SL_OUT
  opened = false;
  busy = false; // the engine runs on an event of this channel
  queued = false; // a look is due
  closed = false; // by the engine
  code = 0; // why it is gone
  error = '';
  reading = false; // a read is on its way
  ended = false; // the end was read
  chunk = /** @type {Uint8Array | null} */ (null); // unread from off on
  off = 0;
  taken = 0; // by the latest recv: what unrecv may give back

  /** Whether there is something to be told beside bytes. */
  get news() { return false; }
  /** Bytes that may be sent now. */
  get room() { return 0; }
  /** What asks the stream for its next chunk, when there is a stream. @type {(() => Promise<{ done: boolean, value?: Uint8Array }>) | null} */
  get source() { return null; }
  /** One row of enum sl_info_what that is of this kind: text, int64s, or a code. @param {number} what @returns {string | bigint[] | number} */
  info(what) { return what > 0 ? SL_NOSYS : SL_INVAL; }
  /** Whether its chunks are memory of the stream's own making, which nobody uses again. */
  get gives() { return true; }
  /** @param {Uint8Array} bytes */
  lend(bytes) { return bytes; }
  /** @param {PromiseLike<unknown>} _until */
  keep(_until) {}
  /** It was written out whole. @param {number} what */
  informed(what) { void what; }

  get held() { return this.chunk === null ? 0 : this.chunk.length - this.off; }
  /** How many unread bytes there are, at most max; 0 at the end, or a code. @param {number} max */
  unread(max) {
    if (this.held > 0) return Math.min(max, this.held);
    if (this.ended) return 0;
    return this.code !== 0 ? this.code : SL_AGAIN;
  }
  /** What may be told to the engine now. */
  get events() {
    let events = 0;
    if (this.closed) return 0;
    if (this.code !== 0 && (this.wants !== 0 || !this.opened)) events |= SL_GONE;
    if (!this.opened) return events;
    if (this.wants & SL_IN && (this.news || this.held > 0 || this.ended)) events |= SL_IN;
    if (this.wants & SL_OUT && this.room > 0) events |= SL_OUT;
    return events;
  }
  /** Whether to read: exactly when bytes are wanted and none are kept. */
  get reads() {
    return (this.wants & SL_IN) !== 0 && this.source !== null && this.held === 0 && !this.reading && !this.ended && this.code === 0;
  }
}

/**
 * What a kind of channel calls when something has happened to one.
 * @template {StreamChannel} C
 * @typedef {object} Driver
 * @property {(c: C) => void} look Tell the engine what there is to be told, or read on. Not from inside a call of the engine.
 * @property {(c: C) => void} lookSoon The same when the engine has returned.
 * @property {(c: C) => void} opened
 * @property {(c: C, code: number, error: string) => void} gone The first code stays.
 * @property {(words: string, error: unknown) => string} note What the platform threw, behind these words.
 */
/**
 * What there is to a kind of channel.
 * @template {StreamChannel} C
 * @typedef {object} Kind
 * @property {string} name of the host
 * @property {(kind: number, spec: Record<string, string> | null) => C | number} open Tells nothing yet; or a code.
 * @property {(c: C, spec: Record<string, string> | null) => number} startTls
 * @property {(c: C, bytes: Uint8Array) => void} send At most `room` bytes, the channel's own from now on.
 * @property {(c: C) => void} endSend
 * @property {(c: C, how: number) => void} close SL_FINISH or SL_ABORT: the channel is dead for the engine.
 * @property {(c: C, error: unknown) => void} broke What its stream rejected with.
 * @property {(options: door.TlsOptions) => string} registerTls
 * @property {(channels: () => C[]) => () => void} [hook] into the platform, from the first transfer on; answers what undoes it.
 */

/** @param {Uint8Array} bytes @param {number} from @param {number} n */
function latin1(bytes, from, n) {
  let text = '';
  for (let i = from; i < from + n; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** Put a row of sl_info into memory: its length, or the code. @param {string | bigint[] | number} answer @param {Uint8Array} bytes @param {number} ptr @param {number} cap */
function writeInfo(answer, bytes, ptr, cap) {
  if (typeof answer === 'number') return answer;
  const size = typeof answer === 'string' ? answer.length : answer.length * 8;
  if (typeof answer === 'string') {
    for (let i = 0; i < Math.min(size, cap); i++) bytes[ptr + i] = answer.charCodeAt(i);
  } else if (size <= cap) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    answer.forEach((value, i) => view.setBigInt64(ptr + i * 8, value, true));
  }
  return size;
}

/** Microseconds, on the clock of all channels. */
export const nowUs = () => BigInt(Math.floor(performance.now() * 1000));

/**
 * A host of such channels.
 * @template {StreamChannel} C
 * @param {(driver: Driver<C>) => Kind<C>} make
 * @returns {door.Host & { readonly channels: number, readonly caught: unknown }} channels: those not closed yet; caught: the last
 *   exception that was kept from crossing into Wasm.
 */
export function streamHost(make) {
  const channels = /** @type {Map<number, C>} */ (new Map());
  let engine = /** @type {door.Engine | null} */ (null);
  let lastId = 0;
  const faults = new Faults();
  let caught = /** @type {unknown} */ (undefined);
  let unhook = () => {};

  const memory = () => /** @type {door.Engine} */ (engine).memory();

  /** Tell the engine, then settle what it left. @param {C} c @param {number} events */
  function tell(c, events) {
    c.busy = true;
    const ran = engine?.ready(c.id, events) !== false;
    c.busy = false;
    if (c.closed) return;
    if (c.held === 0) c.chunk = null;
    if (c.held === 0 || !(c.wants & SL_IN)) flow(c);
    else if (ran) soon(() => look(c)); // it had its turn; the others first
  }
  /** @param {C} c */
  function look(c) {
    c.queued = false;
    if (c.busy || c.closed) return;
    const { events } = c;
    if (events !== 0) return tell(c, events);
    if (c.held === 0) c.chunk = null;
    flow(c);
  }
  /** @param {C} c */
  function lookSoon(c) {
    if (c.queued || c.busy) return;
    c.queued = true;
    queueMicrotask(() => look(c));
  }
  /** @param {C} c */
  function opened(c) {
    if (c.closed || c.opened) return;
    c.opened = true;
    tell(c, SL_OPENED | c.events);
  }
  /** @param {C} c @param {number} code @param {string} error */
  function gone(c, code, error) {
    if (c.closed) return;
    if (c.code === 0) [c.code, c.error] = [code, error];
    look(c);
  }
  /** @param {C} c */
  function flow(c) {
    if (c.closed || c.busy || !c.reads) return;
    c.reading = true;
    /** @type {NonNullable<C['source']>} */ (c.source)().then(({ done, value }) => {
      c.reading = false;
      if (c.closed) return;
      c.ended = done;
      if (!done && value !== undefined) [c.chunk, c.off, c.taken] = [value, 0, 0];
      look(c);
    }, (error) => {
      c.reading = false;
      own.broke(c, error);
    });
  }
  const own = make({ look, lookSoon, opened, gone, note: (words, error) => faults.note(words, error) });

  /** @param {number} kind @param {string} specText */
  function open(kind, specText) {
    const c = own.open(kind, door.parseSpec(specText));
    if (typeof c === 'number') return c;
    do lastId = lastId === 0x7fffffff ? 1 : lastId + 1;
    while (channels.has(lastId));
    c.id = lastId;
    channels.set(c.id, c);
    return c.id;
  }
  /** @param {C} c @param {number} how */
  function close(c, how) {
    if (how === door.SL_END_SEND) return own.endSend(c);
    c.closed = true;
    c.wants = 0;
    c.chunk = null;
    channels.delete(c.id);
    own.close(c, how);
  }
  /** @param {C} c @param {number} n */
  function took(c, n) {
    c.off += n;
    lookSoon(c); // drops the chunk and reads on, or tells of what is left
  }

  const imports = /** @type {Record<string, (...args: number[]) => any>} */ ({
    sl_now_us: nowUs,
    sl_unix_ms: () => BigInt(Date.now()),
    sl_random: (_loop, ptr, n) => memory().set(crypto.getRandomValues(new Uint8Array(n)), ptr),
    sl_wait: () => SL_NOSYS,
    sl_open: (_loop, kind, ptr, len) => open(kind, latin1(memory(), ptr, len)),
    sl_start_tls(ch, ptr, len) {
      const c = channels.get(ch);
      return c ? own.startTls(c, door.parseSpec(latin1(memory(), ptr, len))) : SL_INVAL;
    },
    sl_recv(ch, ptr, cap) {
      const c = channels.get(ch);
      if (!c) return SL_INVAL;
      const n = c.unread(cap);
      c.taken = n > 0 ? n : 0;
      if (n <= 0) return n;
      memory().set(/** @type {Uint8Array} */ (c.chunk).subarray(c.off, c.off + n), ptr);
      took(c, n);
      return n;
    },
    sl_unrecv(ch, n) {
      const c = channels.get(ch);
      if (!c || c.chunk === null || n > c.taken || n < 0) return SL_INVAL;
      c.off -= n;
      c.taken -= n;
      return 0;
    },
    sl_move(ch, sink, max) {
      const c = channels.get(ch);
      if (!c || !engine) return SL_INVAL;
      const n = c.unread(max);
      c.taken = 0;
      if (n <= 0) return n;
      const chunk = /** @type {Uint8Array} */ (c.chunk);
      // Given away only with all its memory: what is left of it could go to another thread, and small chunks would hold large ones.
      const accepted = n === chunk.buffer.byteLength && c.gives ? engine.sink(sink, chunk, null)
        : engine.sink(sink, chunk.subarray(c.off, c.off + n), c);
      if (accepted > 0 && !c.closed) took(c, accepted);
      return accepted;
    },
    sl_send(ch, ptr, len) {
      const c = channels.get(ch);
      if (!c) return SL_INVAL;
      if (c.code !== 0) return c.code;
      const n = Math.min(len, c.room);
      if (!c.opened || n <= 0) return SL_AGAIN;
      own.send(c, memory().slice(ptr, ptr + n));
      return n;
    },
    sl_move_out(ch, source, max) {
      const c = channels.get(ch);
      if (!c || !engine) return SL_INVAL;
      if (c.code !== 0) return c.code;
      if (!c.opened || c.room <= 0) return SL_AGAIN;
      const bytes = engine.source(source, Math.min(max, c.room));
      if (typeof bytes === 'number') return bytes;
      if (c.closed || c.room <= 0) return SL_IO; // inside its source
      own.send(c, bytes);
      return bytes.length;
    },
    sl_info(ch, what, ptr, cap) {
      const c = channels.get(ch);
      if (!c) return SL_INVAL;
      const answer = what === door.SL_INFO_ERROR ? c.error : what === door.SL_INFO_HELD ? [BigInt(c.held)] : c.info(what);
      const size = writeInfo(answer, memory(), ptr, cap);
      if (size >= 0 && size <= cap) c.informed(what);
      return size;
    },
    sl_want(ch, events) {
      const c = channels.get(ch);
      if (!c) return;
      c.wants = events;
      if (c.events !== 0 || c.reads) lookSoon(c);
    },
    sl_close(ch, how) {
      const c = channels.get(ch);
      if (c) close(c, how);
    },
  });

  return {
    name: own.name,
    get channels() { return channels.size; },
    get caught() { return caught; },
    attach(to) {
      if (engine !== null) throw new Error('this host is attached to an engine already');
      engine = to;
      if (own.hook) unhook = own.hook(() => [...channels.values()]);
      return door.guard(imports, (error) => { caught = error; });
    },
    registerTls: own.registerTls,
    fault: (text) => faults.of(text),
    /** What a platform does with what it is asked for is not known; it has been asked by then. */
    settled: () => new Promise((resolve) => { soon(() => resolve()); }),
    close() {
      engine = null;
      unhook();
      for (const c of [...channels.values()]) close(c, door.SL_ABORT);
    },
  };
}
