// js/hosts/node.js: the door (c/include/sluice/host.h) over node:net and node:tls; files are in node-file.js.
//
// Owns every socket, and one receive buffer that all of them read into, outside Wasm memory; but for those whose sink
// borrows (B19): from its second read on each has a buffer of its own, and another one while that is lent. Which one is said
// by a function that Node asks after each read: so a buffer is never used again before its socket has another one. A read
// runs the engine inside the socket's callback, on that buffer; what the engine left is copied aside before the callback
// returns (at most that one chunk), reading stops, and it is offered again later, never inside sl_want. Node's
// pause() is not trusted: bytes that come while nothing is wanted are kept and not delivered.
//
// Sockets never keep the process alive; whoever runs transfers does (core.js). Handlers are one function for all
// sockets (`this` is the socket); what a socket is to the engine hangs on it under CHANNEL.
import { builtin } from '../builtin.js';
import * as door from './door.js';
import { Buffers, CHANNEL, CHUNK, Channel, eventsOf, flow, infoOf, keep, nowUs, phaseOf, reads, unread, writeInfo } from './node-channel.js';
import { Faults } from './faults.js';
import { openFile } from './node-file.js';
import { codeOf, tlsWords, wordsOf } from './node-tls.js';

const { SL_IN, SL_OPENED, SL_AGAIN, SL_INVAL, SL_NOSYS, SL_RESET, SL_HOST_SEND_MAX } = door;
const TEXT_MAX = 16384; // bytes sent as a latin1 string, which is faster than a copy for heads
const TURN_SEND_MAX = 8 * CHUNK; // bytes by reference in one turn, when all was flushed before: one system call
const NOTHING = Buffer.alloc(0);
/** @param {import('./node-channel.js').Socket} socket @param {Error} [error] */
const destroyNow = (socket, error) => Object.getPrototypeOf(socket).destroy.call(socket, error);
const FINISH_MS = 2000; // a peer that does not take what was left to flush loses it
/**
 * The host for Node.js: TCP, TLS and unix sockets, and files.
 * @param {{ lookup?: import('../types.js').Lookup }} [options] lookup: instead of dns.lookup
 * @returns {door.Host & { readonly channels: number, readonly caught: unknown }} channels: sockets and files not closed yet;
 *   caught: the last exception that was kept from crossing into Wasm.
 */
export function nodeHost({ lookup = (...asked) => builtin('node:dns').lookup(...asked) } = {}) {
  const buffers = new Buffers();
  const channels = /** @type {Map<number, Channel>} */ (new Map());
  const waits = /** @type {Set<{ left: Set<Channel>, end: () => void }>} */ (new Set()); // of settled()
  const words = tlsWords(), faults = new Faults();
  let engine = /** @type {door.Engine | null} */ (null);
  let view = /** @type {Buffer<ArrayBufferLike>} */ (Buffer.alloc(0)); // over Wasm memory; its length is 0 once that has grown
  let lastId = 0;
  let caught = /** @type {unknown} */ (undefined);

  const memory = () => (view.length || !engine ? view : (view = Buffer.from(/** @type {ArrayBuffer} */ (engine.memory().buffer))));
  const text = (/** @type {number} */ ptr, /** @type {number} */ len) => memory().toString('latin1', ptr, ptr + len);
  /** undefined when it is dead for the engine. @param {number} ch */
  function channel(ch) {
    const c = channels.get(ch);
    return c === undefined || c.closed ? undefined : c;
  }

  /** Tell the engine, then settle what it left. @param {Channel} c @param {number} events */
  function tell(c, events) {
    c.busy = true;
    engine?.ready(c.id, events);
    c.busy = false;
    if (c.closed) return;
    if (c.off === c.end) c.chunk = null;
    else if (c.wants & SL_IN) setImmediate(look, c); // it had its turn; the others first
    settle(c);
  }
  /** @param {Channel} c */
  function look(c) {
    c.queued = false;
    if (c.busy) return;
    const events = eventsOf(c);
    if (events !== 0) return tell(c, events);
    if (c.off === c.end) c.chunk = null;
    settle(c);
  }
  /** @param {Channel} c */
  function lookSoon(c) {
    if (c.queued) return;
    c.queued = true;
    process.nextTick(look, c);
  }
  /** @param {Channel} c */
  function opened(c) {
    c.opened = true;
    tell(c, SL_OPENED | eventsOf(c));
  }
  /** @param {Channel} c @param {number} code @param {string} error @param {unknown} [cause] */
  function gone(c, code, error, cause) {
    if (c.closed) return;
    if (c.code === 0) [c.code, c.error] = [code, cause === undefined ? error : faults.note(error, cause)];
    look(c);
  }

  /**
   * Node drops a socket at the first write that fails, and with it what the kernel still has from the peer: the answer of a
   * server that refuses a body and closes (U8). Such a socket is read to its end first. @this {import('./node-channel.js').Socket} @param {any} [error]
   */
  function destroy(error) {
    const c = this[CHANNEL];
    if (error?.syscall !== 'write' || !c.opened || c.closed || c.code !== 0 || c.sendCode !== 0) return destroyNow(this, error);
    [c.sendCode, c.error] = [codeOf(error, 'open', c.secure), wordsOf(error)];
    lookSoon(c);
    return this;
  }
  /** Behind a failed write nothing more can come: a turn of the loop that reads and brings nothing is the end. @param {Channel} c */
  function settle(c) {
    flow(c);
    if (c.sendCode === 0 || !c.flowing || c.lasting) return;
    c.lasting = true;
    setImmediate(last, c, -1);
  }
  /** @param {Channel} c @param {number} before c.reads a whole turn ago, -1: there was none yet */
  function last(c, before) {
    c.lasting = !c.closed && c.code === 0 && c.flowing;
    if (!c.lasting) return;
    if (before === c.reads) destroyNow(c.socket, new Error(c.error));
    else setImmediate(last, c, c.reads);
  }

  /**
   * What a socket reads into next; asked for when it is made, and after each read. One that is paused, other than by a
   * promise, gives its own buffer back: the first chunk after the pause is copied.
   * @param {Channel} c
   */
  function nextBuffer(c) {
    const own = c.lending && !c.closed && (c.lent !== null || (c.wants & SL_IN) !== 0);
    if (c.buffer === null || c.lent !== null || own !== c.owns) {
      if (c.owns && c.buffer !== null) buffers.give(c.buffer, c.lent);
      c.buffer = own ? buffers.take() : buffers.shared;
    }
    c.owns = own;
    c.lent = null;
    return c.buffer;
  }
  /** @param {Channel} c @param {number} n @param {Uint8Array} buffer */
  function onRead(c, n, buffer) {
    c.lending = false;
    if (c.closed) return false;
    c.reads++;
    if (c.busy || c.chunk !== null || !(c.wants & SL_IN)) {
      keep(c, buffer.subarray(0, n));
      if (c.wants & SL_IN) lookSoon(c);
      return (c.flowing = false);
    }
    c.chunk = /** @type {Buffer} */ (buffer);
    c.off = c.taken = 0;
    c.end = n;
    c.busy = true;
    engine?.ready(c.id, SL_IN);
    c.busy = false;
    if (c.off === c.end || c.closed) {
      c.chunk = null;
      return (c.flowing = (c.wants & SL_IN) !== 0);
    }
    c.chunk = Buffer.from(buffer.subarray(c.off, c.end));
    c.end -= c.off;
    c.off = c.taken = 0;
    if (c.wants & SL_IN) setImmediate(look, c);
    return (c.flowing = false);
  }
  /** After sl_start_tls: Node has no onread there. @this {import('./node-channel.js').Socket} @param {Buffer} bytes */
  function onData(bytes) {
    const c = this[CHANNEL];
    if (c.closed) return;
    keep(c, bytes);
    this.pause();
    c.flowing = false;
    look(c);
  }
  /** @this {import('./node-channel.js').Socket} */
  function onConnect() {
    const c = this[CHANNEL];
    this.unref(); // connection racing has made handles of its own
    c.connectedUs = nowUs();
    if (!c.closed && !c.secure) opened(c);
  }
  /** @this {import('./node-channel.js').Socket} */
  function onSecure() {
    const c = this[CHANNEL];
    c.securedUs = nowUs();
    c.flowing = c.chunk === null; // the handshake has read
    if (!c.closed) opened(c);
  }
  /** @this {import('./node-channel.js').Socket} */
  function onEnd() {
    const c = this[CHANNEL];
    if (c.closed) return;
    // libuv takes a hang-up behind the last bytes for the end, also when it was a reset: then the kernel still has the
    // error, and a write of nothing brings it out at once. EPIPE would be a reset after the end: that body is whole.
    if (!c.secure && this.writable && this.writableLength === 0) {
      this.write(NOTHING);
      if (/** @type {any} */ (this.errored)?.code === 'ECONNRESET') return; // onError follows
    }
    c.ended = true;
    look(c);
  }
  const onDrain = /** @this {import('./node-channel.js').Socket} */ function () { look(this[CHANNEL]); };
  /** @this {import('./node-channel.js').Socket} @param {Error} error */
  function onError(error) {
    const c = this[CHANNEL];
    gone(c, c.sendCode || codeOf(error, phaseOf(c), c.secure), wordsOf(error), error);
  }
  /** @this {import('./node-channel.js').Socket} */
  function onClose() {
    const c = this[CHANNEL];
    if (c.closed) forget(c);
    else if (c.socket === this) gone(c, c.opened ? SL_RESET : door.SL_REFUSED, 'the socket was closed');
  }
  /** @param {Channel} c @param {import('./node-channel.js').Socket} socket */
  function adopt(c, socket) {
    c.socket = socket;
    socket[CHANNEL] = c;
    socket.destroy = destroy;
    socket.on('end', onEnd).on('drain', onDrain).on('error', onError).on('close', onClose).unref();
    if (c.secure) socket.on('secureConnect', onSecure);
  }

  /** Node tells of a lookup only when it races nothing. @param {Channel} c @returns {import('node:net').LookupFunction} */
  const timed = (c) => (name, options, callback) => lookup(name, options, (error, ...answer) => {
    if (!error) c.resolvedUs = nowUs();
    callback(error, ...answer);
  });
  function newId() {
    do lastId = lastId === 0x7fffffff ? 1 : lastId + 1;
    while (channels.has(lastId));
    return lastId;
  }
  const files = { opened, look, gone, closed: (/** @type {Channel} */ c) => void (c.closed && forget(c)), buffers };
  /** @param {number} kind @param {string} specText */
  function open(kind, specText) {
    if (kind === door.SL_FILE) {
      const c = new Channel(buffers, newId(), '', false, false), code = openFile(c, door.parseSpec(specText), files);
      if (code === 0) channels.set(c.id, c);
      return code === 0 ? c.id : code;
    }
    if (kind !== door.SL_TCP && kind !== door.SL_TLS) return SL_NOSYS;
    const spec = door.parseSpec(specText);
    const port = Number(spec?.port);
    if (!spec?.name || (spec.local && !builtin('node:net').isIP(spec.local)) || !(spec.unix || (port >= 1 && port <= 65535))) return SL_INVAL;
    const secure = kind === door.SL_TLS ? words.options(spec) : {};
    if (typeof secure === 'number') return secure;
    const c = new Channel(buffers, newId(), spec.unix, kind === door.SL_TLS, !spec.unix && !builtin('node:net').isIP(spec.name));
    const options = {
      ...secure,
      ...(spec.unix ? { path: spec.unix } : { port, family: Number(spec.family ?? 0), localAddress: spec.local, lookup: c.named ? timed(c) : undefined }),
      host: spec.name, allowHalfOpen: true, noDelay: true, autoSelectFamily: true, onread: { buffer: () => nextBuffer(c), callback: (/** @type {number} */ n, /** @type {Uint8Array} */ buffer) => onRead(c, n, buffer) }, // `this` is the socket in Node.js only
    };
    const socket = c.secure ? builtin('node:tls').connect(options) : builtin('node:net').connect(options);
    adopt(c, /** @type {import('./node-channel.js').Socket} */ (socket));
    socket.on('connect', onConnect);
    if (!c.secure) socket.pause(); // before it connects: nothing is read until wanted
    channels.set(c.id, c);
    return c.id;
  }

  /** @param {Channel} c @param {string} specText */
  function startTls(c, specText) {
    const spec = door.parseSpec(specText);
    if (!spec?.name || !c.opened || c.secure || c.size !== null || c.off < c.end) return SL_INVAL;
    const secure = words.options(spec);
    if (typeof secure === 'number') return secure;
    c.opened = false;
    c.secure = true;
    adopt(c, /** @type {any} */ (builtin('node:tls').connect({ ...secure, host: spec.name, socket: c.socket })));
    c.socket.on('data', onData);
    return 0;
  }

  /** Its socket or file is closed. @param {Channel} c */
  function forget(c) {
    channels.delete(c.id);
    for (const wait of [...waits]) {
      if (wait.left.delete(c) && wait.left.size === 0) wait.end();
    }
  }
  /** @param {boolean} [closes] @returns {Promise<void>} */
  const settled = (closes = true) => new Promise((resolve) => {
    process.nextTick(() => { // reading has stopped or begun by then (lookSoon), and a callback that asked has returned
      if (!closes) return resolve();
      const left = new Set([...channels.values()].filter((c) => c.closed));
      if (left.size === 0) return resolve();
      const wait = { left, end: () => {
        waits.delete(wait);
        clearTimeout(timer);
        resolve();
      } };
      const timer = setTimeout(wait.end, FINISH_MS); // a peer that takes nothing
      waits.add(wait);
    });
  });

  /** @param {Channel} c @param {number} how */
  function close(c, how) {
    const { socket } = c;
    if (how === door.SL_END_SEND) {
      c.ending = true;
      socket.end();
      return;
    }
    const sound = c.opened && c.code === 0;
    c.closed = true;
    c.wants = c.off = c.end = 0;
    c.chunk = null;
    if (socket.closed) forget(c);
    else if (how === door.SL_FINISH && sound) {
      if (socket.writableLength > 0) socket.setTimeout(FINISH_MS, socket.destroy);
      socket.destroySoon();
    } else if (sound && !c.secure && c.place === undefined) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** What may be added to the send buffer. @param {Channel} c */
  const room = (c) => (c.corked ? TURN_SEND_MAX : SL_HOST_SEND_MAX) - c.socket.writableLength;
  /** @param {Channel} c */
  function uncork(c) {
    if (!c.corked) return;
    c.corked = false;
    c.socket.uncork();
    if (!c.busy && c.wants & door.SL_OUT) lookSoon(c);
  }

  /** The next n bytes of the chunk; a Uint8Array is made much faster than a Buffer. @param {Channel} c @param {number} n */
  function part({ chunk, off }, n) {
    const { buffer, byteOffset } = /** @type {Buffer} */ (chunk);
    return new Uint8Array(buffer, byteOffset + off, n);
  }
  const took = (/** @type {Channel} */ c, /** @type {number} */ n) => {
    c.off += n;
    if (c.off === c.end && !c.busy) lookSoon(c); // drops the chunk and reads on
  };
  const imports = /** @type {Record<string, (...args: number[]) => any>} */ ({
    sl_now_us: nowUs,
    sl_unix_ms: () => BigInt(Date.now()),
    sl_random: (_loop, ptr, n) => void builtin('node:crypto').randomFillSync(memory(), ptr, n),
    sl_wait: () => SL_NOSYS,
    sl_open: (_loop, kind, ptr, len) => open(kind, text(ptr, len)),
    sl_start_tls(ch, ptr, len) {
      const c = channel(ch);
      return c ? startTls(c, text(ptr, len)) : SL_INVAL;
    },
    sl_recv(ch, ptr, cap) {
      const c = channel(ch);
      if (!c) return SL_INVAL;
      const n = unread(c, cap);
      c.taken = n > 0 ? n : 0;
      if (n <= 0) return n;
      memory().set(part(c, n), ptr);
      took(c, n);
      return n;
    },
    sl_unrecv(ch, n) {
      const c = channel(ch);
      if (!c || n > c.taken || n < 0) return SL_INVAL;
      c.off -= n;
      c.taken -= n;
      return 0;
    },
    sl_move(ch, sink, max) {
      const c = channel(ch);
      if (!c || !engine) return SL_INVAL;
      const n = unread(c, max);
      c.taken = 0;
      if (n <= 0) return n;
      const accepted = engine.sink(sink, part(c, n), c);
      if (accepted > 0 && !c.closed) took(c, accepted);
      return accepted;
    },
    sl_send(ch, ptr, len) {
      const c = channel(ch);
      if (!c || c.ending) return SL_INVAL;
      if (c.code !== 0 || c.sendCode !== 0) return c.code || c.sendCode;
      const n = Math.min(len, room(c));
      if (!c.opened || n <= 0) return SL_AGAIN;
      if (n <= TEXT_MAX) c.socket.write(text(ptr, n), 'latin1');
      else c.socket.write(Buffer.from(memory().subarray(ptr, ptr + n)));
      return n;
    },
    sl_move_out(ch, source, max) {
      const c = channel(ch);
      if (!c || c.ending || !engine) return SL_INVAL;
      if (c.code !== 0 || c.sendCode !== 0) return c.code || c.sendCode;
      const n = Math.min(max, room(c));
      if (!c.opened || n <= 0) return SL_AGAIN;
      const bytes = engine.source(source, n);
      if (typeof bytes === 'number') return bytes;
      if (!c.corked && c.size === null) {
        c.corked = true;
        c.socket.cork();
        process.nextTick(uncork, c);
      }
      c.socket.write(bytes);
      return bytes.length;
    },
    sl_info(ch, what, ptr, cap) {
      const c = channel(ch);
      return c ? writeInfo(infoOf(c, what), memory(), ptr, cap) : SL_INVAL;
    },
    sl_want(ch, events) {
      const c = channel(ch);
      if (!c) return;
      c.wants = events;
      // Reading starts and stops when the engine has returned, before the loop can bring a byte: what is wanted
      // for a moment only costs no system call.
      if (!c.busy && (eventsOf(c) !== 0 || reads(c) !== c.flowing)) lookSoon(c);
    },
    sl_close(ch, how) {
      const c = channel(ch);
      if (c) close(c, how);
    },
  });

  return {
    name: 'node',
    get channels() { return channels.size; },
    get caught() { return caught; },
    attach(to) {
      if (engine !== null) throw new Error('this host is attached to an engine already');
      engine = to;
      return door.guard(imports, (error) => { caught = error; });
    },
    registerTls: words.register,
    settled,
    fault: (text) => faults.of(text),
    close() {
      engine = null;
      for (const c of channels.values()) {
        if (!c.closed) close(c, door.SL_ABORT);
        else c.socket.destroy();
      }
    },
  };
}
