// js/hosts/node.js: the door (c/include/sluice/host.h) over node:net and node:tls.
//
// Owns every socket, and one receive buffer of 64 KiB that all of them read into, outside Wasm memory. A read
// runs the engine inside the socket's callback, on that buffer; what the engine left is copied aside before the
// callback returns (at most that one chunk), reading stops, and it is offered again from nextTick, never inside
// sl_want. Node's pause() is not trusted: bytes that come while nothing is wanted are kept and not delivered.
//
// Sockets never keep the process alive; whoever runs transfers does (core.js). Handlers are one function for
// all sockets (`this` is the socket); what a socket is to the engine hangs on it under CHANNEL.
import { createHash, randomFillSync } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import * as door from './door.js';

const { SL_IN, SL_OUT, SL_GONE, SL_OPENED, SL_AGAIN, SL_INVAL, SL_NOSYS, SL_RESET, SL_HOST_SEND_MAX } = door;
const CHUNK = 65536; // bytes; measured best
const HEAD_MAX = 16384; // bytes sent as a latin1 string: faster than a copy for heads
const FINISH_MS = 2000; // a peer that does not take what was left to flush loses it
const CHANNEL = Symbol('sluice channel');
/** @typedef {net.Socket & { [CHANNEL]: Channel }} Socket */

class Channel {
  socket = /** @type {Socket} */ (/** @type {unknown} */ (null));
  id; kind; name; registered;
  wants = 0; // SL_IN | SL_OUT
  chunk = /** @type {Buffer | null} */ (null); // unread: chunk[off .. end]
  off = 0;
  end = 0;
  taken = 0; // by the latest recv, what unrecv may give back
  busy = false; // the engine runs on this channel's event: what is left is settled after
  queued = false; // a look is due on nextTick
  flowing = false; // reading was asked of the socket
  opened = false;
  secure; // TLS is on, or being put on
  ended = false; // the peer's end was read
  ending = false; // SL_END_SEND was said
  closed = false; // the engine has closed it; only the socket's own close is outstanding
  code = 0; // why it is gone
  error = '';
  resolvedUs = 0n;
  connectedUs = 0n;
  securedUs = 0n;

  /** @param {number} id @param {number} kind @param {string} name @param {string} registered word of registerTls */
  constructor(id, kind, name, registered) {
    this.id = id;
    this.kind = kind;
    this.name = name;
    this.registered = registered;
    this.secure = kind === door.SL_TLS;
  }
}

const nowUs = () => process.hrtime.bigint() / 1000n;
const BUSY = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
const RESET = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'ESHUTDOWN', 'ERR_STREAM_DESTROYED']);
const VERIFY = /CERT|ISSUER|CRL|HOSTNAME|LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/;

/** @param {any} error @param {Channel} c @returns {number} enum sl_code */
function codeOf(error, c) {
  const code = String(error?.code ?? '');
  if (BUSY.has(code)) return door.SL_BUSY;
  if (error?.syscall === 'getaddrinfo' || code.startsWith('EAI_') || code === 'ENOTFOUND') return door.SL_RESOLVE;
  if (c.connectedUs === 0n) return door.SL_REFUSED;
  if (!code.startsWith('ERR_SSL') && VERIFY.test(code)) return door.SL_TLS_VERIFY;
  if (c.secure && (!c.opened || /^ERR_(SSL|TLS)|^EPROTO$/.test(code))) return door.SL_TLS_FAILED;
  return RESET.has(code) ? SL_RESET : door.SL_IO;
}

/** An AggregateError of several addresses has no message of its own. @param {any} error */
const wordsOf = (error) => String(error?.message || error?.errors?.map((/** @type {any} */ e) => e.message).join('; ') || error);

/** What may be told to the engine now. @param {Channel} c */
function eventsOf(c) {
  if (c.closed) return 0;
  let events = 0;
  if (c.code !== 0 && (c.wants !== 0 || !c.opened)) events |= SL_GONE;
  if (c.wants & SL_IN && (c.off < c.end || c.ended)) events |= SL_IN;
  if (c.wants & SL_OUT && c.opened && c.socket.writableLength < SL_HOST_SEND_MAX) events |= SL_OUT;
  return events;
}

/** Read exactly when bytes are wanted and none are kept. @param {Channel} c */
function flow(c) {
  if (!c.opened || c.closed || c.busy) return;
  const should = (c.wants & SL_IN) !== 0 && c.chunk === null && !c.ended && c.code === 0;
  if (should === c.flowing) return;
  c.flowing = should;
  if (should) c.socket.resume();
  else c.socket.pause();
}

/** Keep bytes that cannot be delivered now. TLS may bring several chunks of one read. @param {Channel} c @param {Buffer} bytes */
function keep(c, bytes) {
  c.chunk = c.chunk === null || c.off === c.end ? Buffer.from(bytes) : Buffer.concat([c.chunk.subarray(c.off, c.end), bytes]);
  c.off = 0;
  c.end = c.chunk.length;
  c.taken = 0;
}

/**
 * The host for Node.js: TCP, TLS and unix sockets.
 * @param {{ lookup?: import('node:net').LookupFunction }} [options] lookup: instead of dns.lookup
 * @returns {door.Host & { readonly channels: number, readonly caught: unknown }} channels: sockets not closed yet;
 *   caught: the last exception that was kept from crossing into Wasm.
 */
export function nodeHost({ lookup } = {}) {
  const shared = Buffer.allocUnsafeSlow(CHUNK);
  const channels = /** @type {Map<number, Channel>} */ (new Map());
  const registered = /** @type {Map<string, { options: door.TlsOptions, context?: tls.SecureContext }>} */ (new Map([['', { options: {} }]]));
  let engine = /** @type {door.Engine | null} */ (null);
  let view = Buffer.alloc(0); // over Wasm memory; its length is 0 once that has grown
  let lastId = 0;
  let caught = /** @type {unknown} */ (undefined);

  const memory = () => {
    if (view.length === 0 && engine) view = Buffer.from(engine.memory().buffer);
    return view;
  };
  /** @param {number} ptr @param {number} len */
  const text = (ptr, len) => memory().latin1Slice(ptr, ptr + len);
  /** The channel, undefined when it is dead for the engine. @param {number} ch */
  const channel = (ch) => {
    const c = channels.get(ch);
    return c === undefined || c.closed ? undefined : c;
  };

  /** Tell the engine, then settle what it left. @param {Channel} c @param {number} events */
  function tell(c, events) {
    c.busy = true;
    engine?.ready(c.id, events);
    c.busy = false;
    if (c.closed) return;
    if (c.off === c.end) c.chunk = null;
    else if (c.wants & SL_IN) setImmediate(look, c); // it had its turn; the others first
    flow(c);
  }
  /** @param {Channel} c */
  function look(c) {
    c.queued = false;
    const events = c.busy ? 0 : eventsOf(c);
    if (events !== 0) tell(c, events);
    else if (!c.busy && c.off === c.end) {
      c.chunk = null;
      flow(c);
    }
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
  /** @param {Channel} c @param {number} code @param {string} words */
  function gone(c, code, words) {
    if (c.code === 0) {
      c.code = code;
      c.error = words;
    }
    look(c);
  }

  /** @this {Socket} @param {number} n @param {Uint8Array} buffer */
  function onRead(n, buffer) {
    const c = this[CHANNEL];
    if (c.closed) return false;
    if (c.busy || c.chunk !== null || !(c.wants & SL_IN)) {
      keep(c, /** @type {Buffer} */ (buffer).subarray(0, n));
      if (c.wants & SL_IN) lookSoon(c);
      return (c.flowing = false);
    }
    c.chunk = /** @type {Buffer} */ (buffer);
    c.off = 0;
    c.end = n;
    c.busy = true;
    engine?.ready(c.id, SL_IN);
    c.busy = false;
    if (c.off < c.end && !c.closed) {
      c.chunk = Buffer.from(shared.subarray(c.off, c.end));
      c.end -= c.off;
      c.off = c.taken = 0;
      if (c.wants & SL_IN) setImmediate(look, c);
      return (c.flowing = false);
    }
    c.chunk = null;
    return (c.flowing = (c.wants & SL_IN) !== 0 && !c.closed);
  }
  /** The socket of sl_start_tls: Node has no onread for it. @this {Socket} @param {Buffer} chunk */
  function onData(chunk) {
    const c = this[CHANNEL];
    if (c.closed) return;
    keep(c, chunk);
    c.flowing = false;
    this.pause();
    if (c.wants & SL_IN) look(c);
  }
  /** @this {Socket} @param {Error | null} error */
  function onLookup(error) {
    if (!error && this[CHANNEL].resolvedUs === 0n) this[CHANNEL].resolvedUs = nowUs();
  }
  /** @this {Socket} */
  function onConnect() {
    const c = this[CHANNEL];
    this.unref(); // connection racing has made handles of its own
    c.connectedUs = nowUs();
    if (!c.closed && !c.secure) opened(c);
  }
  /** @this {Socket} */
  function onSecure() {
    const c = this[CHANNEL];
    c.securedUs = nowUs();
    c.flowing = true; // the handshake has read
    if (!c.closed) opened(c);
  }
  /** @this {Socket} */
  function onEnd() {
    this[CHANNEL].ended = true;
    look(this[CHANNEL]);
  }
  /** @this {Socket} */
  function onDrain() {
    look(this[CHANNEL]);
  }
  /** @this {Socket} @param {Error} error */
  function onError(error) {
    const c = this[CHANNEL];
    if (!c.closed) gone(c, codeOf(error, c), wordsOf(error));
  }
  /** @this {Socket} */
  function onClose() {
    const c = this[CHANNEL];
    if (c.socket !== this) return; // TLS was put on it since
    if (c.closed) channels.delete(c.id);
    else gone(c, c.opened ? SL_RESET : door.SL_REFUSED, 'the socket was closed');
  }

  /** @param {Channel} c @param {Socket} socket */
  function adopt(c, socket) {
    c.socket = socket;
    socket[CHANNEL] = c;
    socket.on('end', onEnd).on('drain', onDrain).on('error', onError).on('close', onClose).unref();
    if (c.secure) socket.on('secureConnect', onSecure);
  }

  /** TLS options of a spec, or a code. @param {Record<string, string>} spec @param {string} word */
  function secureOptions(spec, word) {
    const entry = registered.get(word);
    if (entry === undefined) return spec.ca ? door.SL_TLS_CA : door.SL_TLS_CERT;
    try {
      entry.context ??= tls.createSecureContext(/** @type {tls.SecureContextOptions} */ (entry.options));
    } catch {
      return entry.options.cert || entry.options.key ? door.SL_TLS_CERT : door.SL_TLS_CA;
    }
    const servername = entry.options.servername ?? (net.isIP(spec.name) ? '' : spec.name);
    return { secureContext: entry.context, servername, rejectUnauthorized: spec.verify !== '0', ALPNProtocols: spec.alpn?.split(',') };
  }

  /** @param {number} kind @param {string} words */
  function open(kind, words) {
    if (kind !== door.SL_TCP && kind !== door.SL_TLS) return SL_NOSYS;
    const spec = door.parseSpec(words);
    const port = Number(spec?.port);
    if (spec === null || !spec.name || !(spec.unix || (port >= 1 && port <= 65535)) || (spec.local && !net.isIP(spec.local))) return SL_INVAL;
    const secure = kind === door.SL_TLS ? secureOptions(spec, spec.ca ?? spec.cert ?? '') : {};
    if (typeof secure === 'number') return secure;
    do lastId = lastId === 0x7fffffff ? 1 : lastId + 1;
    while (channels.has(lastId));
    const c = new Channel(lastId, kind, spec.unix ?? spec.name, spec.ca ?? spec.cert ?? '');
    const options = {
      ...secure, lookup, onread: { buffer: shared, callback: onRead }, host: spec.name, allowHalfOpen: true, noDelay: true, autoSelectFamily: true,
      ...(spec.unix ? { path: spec.unix } : { port, family: Number(spec.family ?? 0), localAddress: spec.local }),
    };
    const socket = /** @type {Socket} */ (c.secure ? tls.connect(options) : net.connect(options));
    adopt(c, socket);
    socket.on('connect', onConnect);
    if (!spec.unix && !net.isIP(spec.name)) socket.on('lookup', onLookup);
    if (!c.secure) socket.pause(); // before it connects: nothing is read until wanted
    channels.set(c.id, c);
    return c.id;
  }

  /** Unread bytes from off on: at most max, 0 at the end, or a code. @param {Channel} c @param {number} max */
  const unread = (c, max) => (c.off < c.end ? Math.min(max, c.end - c.off) : c.ended ? 0 : c.code !== 0 ? c.code : SL_AGAIN);
  /** @param {Channel} c @param {number} n */
  function take(c, n) {
    c.off += n;
    if (c.off === c.end && !c.busy) lookSoon(c); // not inside an event of its own: the chunk is dropped then
  }

  /** @param {Channel} c @param {number} what @returns {string | bigint[] | number} */
  function info(c, what) {
    const { socket } = c;
    if (what === door.SL_INFO_PHASE) return c.opened ? 'open' : c.connectedUs ? 'tls' : c.resolvedUs || socket.listenerCount('lookup') === 0 ? 'connect' : 'resolve';
    if (what === door.SL_INFO_ERROR) return c.error;
    if (what === door.SL_INFO_HELD) return [BigInt(c.end - c.off)];
    if (what === door.SL_INFO_TIMES) return [c.resolvedUs, c.connectedUs, c.securedUs];
    if (what < door.SL_INFO_ALPN || what > door.SL_INFO_TLS) return SL_NOSYS;
    if (!c.opened) return SL_AGAIN;
    if (what === door.SL_INFO_PEER) return socket.remoteAddress ? `${socket.remoteAddress} ${socket.remotePort}` : c.name;
    if (what === door.SL_INFO_LOCAL) return socket.localAddress ? `${socket.localAddress} ${socket.localPort}` : '';
    const secured = c.secure ? /** @type {tls.TLSSocket} */ (/** @type {unknown} */ (socket)) : null;
    if (what === door.SL_INFO_ALPN) return (secured && secured.alpnProtocol) || '';
    return secured ? `${secured.getProtocol()} ${secured.getCipher()?.name}` : '';
  }

  const imports = {
    sl_now_us: nowUs,
    sl_unix_ms: () => BigInt(Date.now()),
    sl_random: (/** @type {number} */ _loop, /** @type {number} */ ptr, /** @type {number} */ n) => void randomFillSync(memory(), ptr, n),
    sl_open: (/** @type {number} */ _loop, /** @type {number} */ kind, /** @type {number} */ ptr, /** @type {number} */ len) => open(kind, text(ptr, len)),
    sl_start_tls: (/** @type {number} */ ch, /** @type {number} */ ptr, /** @type {number} */ len) => {
      const c = channel(ch);
      const spec = door.parseSpec(text(ptr, len));
      if (!c || !spec?.name || !c.opened || c.secure || c.off < c.end) return SL_INVAL;
      const secure = secureOptions(spec, spec.ca ?? spec.cert ?? '');
      if (typeof secure === 'number') return secure;
      c.opened = false;
      c.secure = true;
      const socket = /** @type {Socket} */ (tls.connect({ ...secure, host: spec.name, socket: c.socket }));
      adopt(c, socket);
      socket.on('data', onData);
      return 0;
    },
    sl_recv: (/** @type {number} */ ch, /** @type {number} */ ptr, /** @type {number} */ cap) => {
      const c = channel(ch);
      if (!c) return SL_INVAL;
      const n = unread(c, cap);
      c.taken = Math.max(n, 0);
      if (n <= 0) return n;
      /** @type {Buffer} */ (c.chunk).copy(memory(), ptr, c.off, c.off + n);
      take(c, n);
      return n;
    },
    sl_unrecv: (/** @type {number} */ ch, /** @type {number} */ n) => {
      const c = channel(ch);
      if (!c || c.chunk === null || n > c.taken) return SL_INVAL;
      c.off -= n;
      c.taken -= n;
      return 0;
    },
    sl_move: (/** @type {number} */ ch, /** @type {number} */ sink, /** @type {number} */ max) => {
      const c = channel(ch);
      if (!c || !engine) return SL_INVAL;
      const n = unread(c, max);
      c.taken = 0;
      if (n <= 0) return n;
      const accepted = engine.sink(sink, /** @type {Buffer} */ (c.chunk).subarray(c.off, c.off + n));
      if (accepted > 0 && !c.closed) take(c, accepted);
      return accepted;
    },
    sl_send: (/** @type {number} */ ch, /** @type {number} */ ptr, /** @type {number} */ len) => {
      const c = channel(ch);
      if (!c || c.ending) return SL_INVAL;
      if (c.code !== 0) return c.code;
      const n = Math.min(len, SL_HOST_SEND_MAX - c.socket.writableLength);
      if (!c.opened || n <= 0) return SL_AGAIN;
      if (n <= HEAD_MAX) c.socket.write(text(ptr, n), 'latin1');
      else c.socket.write(Buffer.from(memory().subarray(ptr, ptr + n)));
      return n;
    },
    sl_move_out: () => SL_NOSYS,
    sl_info: (/** @type {number} */ ch, /** @type {number} */ what, /** @type {number} */ ptr, /** @type {number} */ cap) => {
      const c = channel(ch);
      if (!c) return SL_INVAL;
      const answer = info(c, what);
      if (typeof answer === 'number') return answer;
      if (typeof answer === 'string') {
        memory().write(answer, ptr, cap, 'utf8');
        return Buffer.byteLength(answer);
      }
      if (cap >= answer.length * 8) answer.forEach((value, i) => memory().writeBigInt64LE(value, ptr + i * 8));
      return answer.length * 8;
    },
    sl_want: (/** @type {number} */ ch, /** @type {number} */ events) => {
      const c = channel(ch);
      if (!c) return;
      c.wants = events;
      if (c.busy) return; // settled when the event's handler is done
      if (eventsOf(c) !== 0) lookSoon(c);
      flow(c);
    },
    sl_close: (/** @type {number} */ ch, /** @type {number} */ how) => {
      const c = channel(ch);
      if (!c) return;
      if (how === door.SL_END_SEND) {
        c.ending = true;
        c.socket.end();
        return;
      }
      drop(c, how);
    },
    sl_wait: () => SL_NOSYS,
  };

  /** @param {Channel} c @param {number} how */
  function drop(c, how) {
    const { socket } = c;
    c.closed = true;
    c.wants = 0;
    c.chunk = null;
    c.off = c.end = 0;
    if (socket.closed) channels.delete(c.id);
    else if (how === door.SL_FINISH && c.opened && c.code === 0) {
      if (socket.writableLength > 0) socket.setTimeout(FINISH_MS, socket.destroy);
      socket.destroySoon();
    } else if (how === door.SL_ABORT && c.opened && !c.secure && socket.remotePort) socket.resetAndDestroy();
    else socket.destroy();
  }

  return {
    name: 'node',
    get channels() { return channels.size; },
    get caught() { return caught; },
    attach(to) {
      if (engine !== null) throw new Error('this host is attached to an engine already');
      engine = to;
      return door.guard(imports, (error) => { caught = error; });
    },
    registerTls(options) {
      const word = createHash('sha256').update(JSON.stringify(Object.entries(options).sort(), (_key, value) =>
        value?.type === 'Buffer' ? value.data : value instanceof Uint8Array ? [...value] : value)).digest('hex').slice(0, 32);
      if (!registered.has(word)) registered.set(word, { options: { ...options } });
      return word;
    },
    close() {
      engine = null;
      for (const c of channels.values()) if (!c.closed || !c.socket.destroyed) drop(c, door.SL_ABORT);
    },
  };
}
