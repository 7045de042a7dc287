// js/hosts/node-channel.js: what one socket or file is to the engine: what is unread, what is wanted, why it is gone, and
// what follows from that. Nothing here calls the engine; node.js does.
import * as door from './door.js';

const { SL_IN, SL_OUT, SL_GONE, SL_AGAIN, SL_INVAL, SL_NOSYS, SL_HOST_SEND_MAX } = door;
/** Where a socket carries its channel. */
export const CHANNEL = Symbol('sluice channel');
/** Bytes read at once; measured best. */
export const CHUNK = 65536;
const SPARE_MAX = 16; // buffers
/** @typedef {import('node:net').Socket & { [CHANNEL]: Channel }} Socket */

/** Implements door.Lender for its chunk. */
export class Channel {
  socket = /** @type {Socket} */ (/** @type {unknown} */ (null));
  wants = 0; // SL_IN | SL_OUT
  buffer = /** @type {Buffer | null} */ (null); // what is read into, where that may be the chunk
  owns = false; // the buffer is its own, not the one that is shared
  lending = false; // the sink of this event borrows: the next read is to go into a buffer of its own
  loan = false; // what lend() gave is in the buffer
  lent = /** @type {PromiseLike<unknown> | null} */ (null); // bytes of the buffer, until then
  chunk = /** @type {Buffer | null} */ (null); // unread: chunk[off .. end]
  off = 0;
  end = 0;
  taken = 0; // by the latest recv: what unrecv may give back
  busy = false; // the engine runs on an event of this channel; what it leaves is settled after
  queued = false; // a look is due on nextTick
  flowing = false; // reading was asked of the socket
  opened = false;
  ended = false; // the peer's end was read
  corked = false; // what is sent in this turn goes at its end
  ending = false; // SL_END_SEND was said
  closed = false; // by the engine; only the socket's own close is outstanding
  code = 0; // why it is gone
  sendCode = 0; // why nothing more can be sent; what the peer has sent is still read
  reads = 0; // so often bytes came
  lasting = false; // somebody watches for the last of them
  error = '';
  size = /** @type {bigint | null} */ (null); // of a file, -1n: not known; null: it is none
  resolvedUs = 0n;
  connectedUs = 0n;
  securedUs = 0n;

  /** @param {Buffers} buffers of its host @param {number} id @param {string} place path of a unix socket @param {boolean} secure @param {boolean} named has a name to look up */
  constructor(buffers, id, place, secure, named) {
    this.buffers = buffers;
    this.id = id;
    this.place = place;
    this.secure = secure;
    this.named = named;
  }

  /**
   * What was copied aside is lent as it is: nothing is ever read into that. What is in the shared buffer goes to the same place
   * of one of its own, which it reads into from then on. @param {Uint8Array} bytes
   */
  lend(bytes) {
    const { shared } = this.buffers, isShared = this.chunk === shared;
    this.lending = true;
    this.loan = isShared || this.chunk === this.buffer;
    if (!isShared) return bytes;
    if (!this.owns) this.buffer = this.buffers.take();
    this.owns = true;
    const { buffer, byteOffset } = /** @type {Buffer} */ (this.buffer);
    const copy = new Uint8Array(buffer, byteOffset + bytes.byteOffset - shared.byteOffset, bytes.length);
    copy.set(bytes);
    return copy;
  }
  /** @param {PromiseLike<unknown>} until */
  keep(until) {
    if (!this.loan) return;
    this.lent = this.lent === null ? until : Promise.allSettled([this.lent, until]);
  }
}

/** What the channels of a host read into. */
export class Buffers {
  /** By all; what is in it is used up, or copied aside, when the read that brought it has been told. */
  shared = Buffer.allocUnsafeSlow(CHUNK);
  #spare = /** @type {Buffer[]} */ ([]);
  /** One for a single channel, which may be lent. */
  take() { return this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK); }
  /** Nothing is read into it any more, and nobody uses it once `until` has settled. @param {Buffer} buffer @param {PromiseLike<unknown> | null} until */
  give(buffer, until) {
    const back = () => void (this.#spare.length < SPARE_MAX && this.#spare.push(buffer));
    if (until === null) back();
    else until.then(back, back);
  }
}

export const nowUs = () => process.hrtime.bigint() / 1000n;

/** @param {Channel} c */
export function phaseOf(c) {
  if (c.opened) return 'open';
  if (c.connectedUs !== 0n) return 'tls';
  return c.named && c.resolvedUs === 0n ? 'name' : 'connect';
}

/** What may be told to the engine now. @param {Channel} c */
export function eventsOf(c) {
  let events = 0;
  if (c.closed) return 0;
  if (c.code !== 0 && (c.wants !== 0 || !c.opened)) events |= SL_GONE;
  if (c.wants & SL_IN && c.opened && (c.off < c.end || c.ended)) events |= SL_IN;
  if (c.wants & SL_OUT && c.opened && (c.sendCode !== 0 || c.socket.writableLength < SL_HOST_SEND_MAX)) events |= SL_OUT;
  return events;
}

/** Whether to read: exactly when bytes are wanted and none are kept. @param {Channel} c */
export function reads(c) {
  return c.opened && (c.wants & SL_IN) !== 0 && c.chunk === null && !c.ended && c.code === 0;
}

/** Make it so. @param {Channel} c */
export function flow(c) {
  if (!c.opened || c.closed || c.busy) return;
  const should = reads(c);
  if (should === c.flowing) return;
  c.flowing = should;
  if (should) c.socket.resume();
  else c.socket.pause();
}

/** Keep bytes that cannot be delivered now; TLS may bring several chunks of one read. @param {Channel} c @param {Uint8Array} bytes */
export function keep(c, bytes) {
  c.chunk = c.chunk === null || c.off === c.end ? Buffer.from(bytes) : Buffer.concat([c.chunk.subarray(c.off, c.end), bytes]);
  c.off = c.taken = 0;
  c.end = c.chunk.length;
}

/** How many unread bytes there are, at most max; 0 at the end, or a code. @param {Channel} c @param {number} max */
export function unread(c, max) {
  if (c.opened && c.off < c.end) return Math.min(max, c.end - c.off);
  if (c.opened && c.ended) return 0;
  return c.code !== 0 ? c.code : SL_AGAIN;
}

/** Behind what is kept here lies what the system keeps, and that cannot be seen. @param {bigint} kept */
const unsentOf = (kept) => [kept, kept > 0n ? kept : -1n];

/** One row of enum sl_info_what: text, int64s, or a code. @param {Channel} c @param {number} what @returns {string | bigint[] | number} */
export function infoOf(c, what) {
  const { socket } = c;
  if (what === door.SL_INFO_PHASE) return phaseOf(c).replace('name', 'resolve');
  if (what === door.SL_INFO_ERROR) return c.error;
  if (what === door.SL_INFO_HELD) return [BigInt(c.end - c.off)];
  if (what === door.SL_INFO_TIMES) return [c.resolvedUs, c.connectedUs, c.securedUs];
  if (what === door.SL_INFO_HEAD || (what === door.SL_INFO_SIZE && c.size === null)) return SL_NOSYS;
  if (!c.opened) return SL_AGAIN;
  if (what === door.SL_INFO_UNSENT) return c.size === null ? unsentOf(BigInt(socket.writableLength)) : SL_NOSYS;
  if (what === door.SL_INFO_SIZE) return [/** @type {bigint} */ (c.size)];
  if (what === door.SL_INFO_PEER) return socket.remoteAddress ? `${socket.remoteAddress} ${socket.remotePort}` : c.place;
  if (what === door.SL_INFO_LOCAL) return socket.localAddress ? `${socket.localAddress} ${socket.localPort}` : '';
  const secured = c.secure ? /** @type {import('node:tls').TLSSocket} */ (/** @type {unknown} */ (socket)) : null;
  if (what === door.SL_INFO_ALPN) return (secured && secured.alpnProtocol) || '';
  if (what === door.SL_INFO_TLS) return secured ? `${secured.getProtocol()} ${secured.getCipher()?.name}` : '';
  return SL_INVAL;
}

/** Put such a row into memory: its length, or the code. @param {string | bigint[] | number} answer @param {Buffer} memory @param {number} ptr @param {number} cap */
export function writeInfo(answer, memory, ptr, cap) {
  if (typeof answer === 'number') return answer;
  if (typeof answer === 'string') {
    memory.write(answer, ptr, cap, 'utf8');
    return Buffer.byteLength(answer);
  }
  if (cap >= answer.length * 8) answer.forEach((value, i) => memory.writeBigInt64LE(value, ptr + i * 8));
  return answer.length * 8;
}
