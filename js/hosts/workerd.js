// js/hosts/workerd.js: the door (c/include/sluice/host.h) over workerd's own sockets: connect() of cloudflare:sockets.
//
// Owns, for each socket, one buffer that is read into, which the sockets of the platform fill no further than they are asked
// to, and a count of what was given to them to send and not yet taken. That goes through a pipe which can be cut, because
// close() waits for what the peer does not take, and closes nothing once the socket's own streams were aborted. Every socket
// is opened in plain, and TLS put on it: so connecting and TLS are told apart, and both kinds are one.
//
// What these sockets cannot do, and what is said.
//
//   what is asked for                       what happens
//   files                                   CURLE_UNSUPPORTED_PROTOCOL
//   socketPath, CURLOPT_INTERFACE,          CURLE_NOT_BUILT_IN: there is no word for it
//   CURLOPT_IPRESOLVE
//   tls options but servername              CURLE_NOT_BUILT_IN: trust is the configuration's (network: tlsOptions);
//                                           without those there is no https:
//   ALPN                                    none is offered, none is agreed on: HTTP/1
//   no such name, nobody there, an address  CURLE_COULDNT_CONNECT: one word for all. What the configuration's network does
//   that may not be connected to            not allow is refused: loopback needs allow = ["private", "public"]
//   a certificate not trusted, TLS broken   CURLE_SSL_CONNECT_ERROR: JavaScript is told "internal error", the log has why
//   the time a name took, the own address,  not known; of a peer that was connected to by name, the name
//   TLS version and cipher
//   an abort                                closes; a reset only where the peer's bytes are unread. While TLS shakes hands the
//                                           transfer ends at once, the connection with the handshake or the request
//   another request's sockets               cannot be used: a Multi is of the request that its first transfer began in, and the
//                                           platform ends one that waits for another's connection ("had hung"). Transfers
//                                           without a Multi have each their own
//   what runs when a request has ended      nothing: its transfers end with it, unless ctx.waitUntil() is given their promise
//   the clock                               where it stands still between events (Cloudflare), time that code takes is not
//                                           counted: limits and rates go by the times of events, no limit is early
//   connections at once                     the platform's own limit (Cloudflare: 6 in a request); others wait, their clocks run
// @ts-expect-error: a module of the platform's own
import { connect } from 'cloudflare:sockets';
import * as door from './door.js';
import { StreamChannel, nowUs, streamHost } from './streams.js';

const { SL_AGAIN, SL_INVAL, SL_NOSYS, SL_HOST_SEND_MAX, SL_HOST_HELD_MAX } = door;
const FINISH_MS = 2000; // a peer that does not take what was left to flush loses it
/** What of an open spec there is no word for. */
const REFUSED = ['unix', 'local', 'family', 'verify', 'cert', 'key'];
const NO_WORD = '?'; // for TLS options that there is no word for; no host is called so
const nothing = () => {};

/**
 * What connect() answers, as far as it is used.
 * @typedef {object} PlatformSocket
 * @property {ReadableStream<Uint8Array>} readable
 * @property {WritableStream<Uint8Array>} writable
 * @property {Promise<{ remoteAddress?: string }>} opened
 * @property {Promise<void>} closed
 * @property {() => Promise<void>} close
 * @property {(options?: { expectedServerHostname: string }) => PlatformSocket} startTls
 */

class Socket extends StreamChannel {
  sockets = /** @type {PlatformSocket[]} */ ([]); // the plain one, and what TLS made of it
  reader = /** @type {ReadableStreamBYOBReader | null} */ (null);
  writer = /** @type {WritableStreamDefaultWriter<Uint8Array> | null} */ (null);
  unsent = 0; // bytes given to the writer that it has not taken
  ending = false; // SL_END_SEND was said
  sent = Promise.resolve(); // all of it
  aborter = new AbortController(); // of the sending
  peer = '';
  phase = /** @type {'connect' | 'tls' | 'open'} */ ('connect');
  connectedUs = 0n;
  securedUs = 0n;
  #buffer = /** @type {ArrayBuffer | null} */ (null); // for the next read: the one before gives it back, unless it was lent to a sink

  /** @param {string} name connected to */
  constructor(name) {
    super();
    this.name = name;
  }
  get room() { return this.writer === null || this.ending ? 0 : SL_HOST_SEND_MAX - this.unsent; }
  get source() { return this.reader && this.#read; }
  #read = async () => {
    const to = new Uint8Array(this.#buffer ?? new ArrayBuffer(SL_HOST_HELD_MAX));
    this.#buffer = null;
    const result = await /** @type {ReadableStreamBYOBReader} */ (this.reader).read(to);
    if (result.value) this.#buffer = /** @type {ArrayBuffer} */ (result.value.buffer);
    return result;
  };
  /** @override */
  get gives() { return false; }
  /** @override A read would take it away from who borrows. */
  keep() { this.#buffer = null; }
  /** @param {number} what @returns {string | bigint[] | number} */
  info(what) {
    if (what === door.SL_INFO_PHASE) return this.phase;
    if (what === door.SL_INFO_TIMES) return [0n, this.connectedUs, this.securedUs];
    if (what === door.SL_INFO_PEER || what === door.SL_INFO_ALPN) {
      if (!this.opened) return SL_AGAIN;
      return what === door.SL_INFO_PEER ? this.peer : '';
    }
    return SL_NOSYS;
  }
}

/** The platform's own advice in it leads nowhere here. @param {any} error */
const wordsOf = (error) => String(error?.message || error).split('. It looks like')[0];

/** "address:port" as the door has it. @param {string} address */
const peerOf = (address) => address.replace(/^\[?(.*?)\]?:(\d+)$/, '$1 $2');

/**
 * The host over workerd's sockets: TCP and TLS.
 * @param {{ lookup?: never }} [options] Node's own, which are not taken here.
 * @returns {ReturnType<typeof streamHost>} channels: sockets not closed yet
 * @throws {TypeError} there are options
 */
export function workerdHost(options = {}) {
  const [name] = Object.keys(options);
  if (name !== undefined) throw new TypeError(`nodeHost: there is no ${name} here, names are looked up by the platform`);
  return streamHost(sockets);
}

/** @param {import('./streams.js').Driver<Socket>} driver @returns {import('./streams.js').Kind<Socket>} */
function sockets({ look, opened, gone, note }) {
  /** @param {Socket} c @param {unknown} error what one of its promises rejected with */
  function broke(c, error) {
    const code = { connect: door.SL_REFUSED, tls: door.SL_TLS_FAILED, open: door.SL_RESET }[c.phase];
    gone(c, code, note(wordsOf(error), error));
  }
  /** @param {Socket} c @param {PlatformSocket} socket @returns {Promise<void>} when it is usable */
  async function adopt(c, socket) {
    c.sockets.push(socket);
    socket.closed.catch(nothing); // reads and writes say it
    const { remoteAddress = '' } = await socket.opened;
    c.peer = peerOf(remoteAddress) || c.peer;
  }
  /** @param {Socket} c */
  function ready(c) {
    const { readable, writable } = c.sockets[c.sockets.length - 1];
    c.phase = 'open';
    c.reader = readable.getReader({ mode: 'byob' });
    // @ts-expect-error: the platform's own; a pipe from a stream of JavaScript's could not be cut
    const pipe = new IdentityTransformStream(), writer = c.writer = pipe.writable.getWriter();
    c.sent = pipe.readable.pipeTo(writable, { signal: c.aborter.signal, preventAbort: true });
    c.sent.catch((/** @type {unknown} */ error) => broke(c, error));
    writer.closed.catch(nothing);
    opened(c);
  }
  /** @param {Socket} c @param {Record<string, string>} spec */
  async function secure(c, spec) {
    const expectedServerHostname = spec.ca ?? spec.name;
    c.phase = 'tls';
    // What was connected to is verified unasked; asked for, the platform writes a warning into its log.
    await adopt(c, c.sockets[0].startTls(expectedServerHostname === c.name ? undefined : { expectedServerHostname }));
    c.securedUs = nowUs();
  }
  /** @param {Socket} c @param {number} kind @param {Record<string, string>} spec */
  async function start(c, kind, spec) {
    await null; // nothing is told from inside sl_open
    if (c.closed) return;
    const key = spec.ca === NO_WORD ? 'tls' : REFUSED.find((one) => one in spec);
    if (key !== undefined) return gone(c, SL_NOSYS, `workerd's sockets have no word for: ${key}`);
    try {
      await adopt(c, connect({ hostname: spec.name, port: Number(spec.port) }, { secureTransport: 'starttls', allowHalfOpen: true }));
      c.connectedUs = nowUs();
      if (kind === door.SL_TLS && !c.closed) await secure(c, spec);
    } catch (error) {
      return broke(c, error);
    }
    if (c.closed) drop(c);
    else ready(c);
  }
  /** @param {Socket} c */
  async function drop(c) {
    c.aborter.abort();
    await c.sent.catch(nothing);
    for (const socket of c.sockets) socket.close().catch(nothing);
  }

  return {
    name: 'workerd',
    broke,
    open(kind, spec) {
      if (kind !== door.SL_TCP && kind !== door.SL_TLS) return SL_NOSYS;
      const port = Number(spec?.port);
      if (!spec?.name || !(spec.unix || (port >= 1 && port <= 65535))) return SL_INVAL;
      const c = new Socket(spec.name);
      start(c, kind, spec).catch((error) => broke(c, error));
      return c;
    },
    startTls: () => SL_NOSYS, // nothing that runs here asks for it
    send(c, bytes) {
      c.unsent += bytes.length;
      c.writer?.write(bytes).then(() => {
        c.unsent -= bytes.length;
        look(c);
      }, nothing); // c.sent says it
    },
    endSend(c) {
      c.ending = true;
      c.writer?.close().catch(nothing); // c.sent says it
    },
    close(c, how) {
      if (how !== door.SL_FINISH || c.writer === null) return drop(c);
      const late = setTimeout(drop, FINISH_MS, c);
      if (!c.ending) c.writer.close().catch(nothing);
      c.sent.catch(nothing).then(() => {
        clearTimeout(late);
        drop(c);
      });
    },
    registerTls: ({ servername, ...others }) => (servername && Object.values(others).every((one) => one === undefined) ? servername : NO_WORD),
  };
}
