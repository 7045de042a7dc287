// js/result.js: what a transfer says of itself: the response's head, its progress, its end.
import * as core from './core.js';
import { codeName } from './errors.js';

/**
 * Bytes are bytes of body, speeds bytes a second.
 * @typedef {object} Progress
 * @property {number} received as they came over the wire
 * @property {number | undefined} receiveTotal announced by the peer
 * @property {number} sent given to the system; what the host still keeps is not counted
 * @property {number | undefined} sendTotal to be sent; undefined: no body, or one of unknown size
 * @property {number} receiveSpeed over the last 3 s
 * @property {number} sendSpeed likewise
 * @property {number} averageReceiveSpeed since the start
 * @property {number} averageSendSpeed
 * @property {number | undefined} eta milliseconds until the body that moves now (the request's first, then the response's) is
 *   through, at the speed of the last 3 s; undefined: its size is unknown, or nothing moves
 * @property {number} elapsedMs since the start
 * @property {number} pausedMs of that, spent paused
 * @property {number} held received and not delivered yet, in the engine and its host
 */

/** Milliseconds since the start at which a phase was done; undefined: it did not happen.
 * @typedef {{ resolve?: number, connect?: number, tls?: number, firstByte?: number, total: number }} Timings */

/** Header lines of a head or of trailers. Read when asked for: most are never looked at. @param {string} text */
function readHeaders(text) {
  const headers = new Headers();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) continue; // the status line has none before its first space, the last line is empty
    try {
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    } catch {
      // a status line with a colon, or a name that Headers cannot carry
    }
  }
  return headers;
}

/** The head of the final response. */
export class Head {
  #text;
  #headers = /** @type {Headers | null} */ (null);

  /** @param {string} text 'HTTP/1.1 200 OK' and header lines; empty: there was none @param {string} url @param {string} peer address and port, or a path */
  constructor(text, url, peer) {
    const space = text.indexOf(' ');
    this.#text = text;
    /** 0: no response came. @readonly */
    this.status = space > 0 ? Number(text.slice(space + 1, space + 4)) : 0;
    /** '1.0', '1.1', '2', or 'host' where the host did HTTP. @readonly */
    this.httpVersion = space > 5 ? text.slice(5, space) : 'host';
    /** Without credentials. @readonly */
    this.url = url;
    const port = peer.startsWith('/') ? -1 : peer.indexOf(' '); // the path of a unix socket may have spaces
    /** @readonly @type {string | undefined} */
    this.remoteAddress = port > 0 ? peer.slice(0, port) : peer || undefined;
  }
  /** Whether the status is one of 200 to 299, or there is none, as with a file. */
  get ok() { return this.status === 0 || (this.status >= 200 && this.status <= 299); }
  /** HTTP/1 text of the head, as it came. */
  get text() { return this.#text; }
  get headers() { return (this.#headers ??= readHeaders(this.#text)); }
}

/** Milliseconds, if anything moves. @param {number} bytes @param {number} speed */
const timeFor = (bytes, speed) => (bytes <= 0 ? 0 : speed > 0 ? (bytes * 1000) / speed : undefined);

/** @param {Float64Array} figures of the engine @returns {Progress} */
export function readProgress(figures) {
  const total = figures[core.TOTAL], sendTotal = figures[core.SEND_TOTAL];
  const received = figures[core.RECEIVED], sent = figures[core.SENT], us = figures[core.ELAPSED_US];
  const receiveSpeed = figures[core.RECEIVE_SPEED], sendSpeed = figures[core.SEND_SPEED];
  return {
    received,
    receiveTotal: total < 0 ? undefined : total,
    sent,
    sendTotal: sendTotal < 0 ? undefined : sendTotal,
    receiveSpeed,
    sendSpeed,
    averageReceiveSpeed: us > 0 ? received * 1e6 / us : 0,
    averageSendSpeed: us > 0 ? sent * 1e6 / us : 0,
    eta: sendTotal > sent ? timeFor(sendTotal - sent, sendSpeed) : total < 0 ? undefined : timeFor(total - received, receiveSpeed),
    elapsedMs: us / 1000,
    pausedMs: figures[core.PAUSED_US] / 1000,
    held: figures[core.HELD],
  };
}

/** @returns {Progress} of a transfer that has not started */
export const noProgress = () =>
  ({ received: 0, receiveTotal: undefined, sent: 0, sendTotal: undefined, receiveSpeed: 0, sendSpeed: 0, averageReceiveSpeed: 0, averageSendSpeed: 0,
    eta: undefined, elapsedMs: 0, pausedMs: 0, held: 0 });

/** @param {number} us */
const phase = (us) => (us < 0 ? undefined : us / 1000);

/** @param {Float64Array} figures of the engine @returns {Timings} */
export const readTimings = (figures) => ({
  resolve: phase(figures[core.RESOLVE_US]),
  connect: phase(figures[core.CONNECT_US]),
  tls: phase(figures[core.TLS_US]),
  firstByte: phase(figures[core.FIRST_US]),
  total: figures[core.ELAPSED_US] / 1000,
});

/** How a transfer ended, and all that is known of it. */
export class Result {
  #head; #trailerText;
  #trailers = /** @type {Headers | null} */ (null);

  /**
   * @param {Head} head @param {number} errno CURLcode @param {Progress} progress @param {Timings} timings
   * @param {{ reused: boolean, redirects: number, trailers: string }} more
   */
  constructor(head, errno, progress, timings, { reused, redirects, trailers }) {
    this.#head = head;
    this.#trailerText = trailers;
    /** 'CURLE_OK' or why it did not complete. */
    this.code = codeName(errno);
    /** libcurl's number of the code; 0: completed. */
    this.errno = errno;
    this.status = head.status;
    this.httpVersion = head.httpVersion;
    this.url = head.url;
    this.remoteAddress = head.remoteAddress;
    this.received = progress.received;
    this.receiveTotal = progress.receiveTotal;
    this.sent = progress.sent;
    this.sendTotal = progress.sendTotal;
    this.receiveSpeed = progress.receiveSpeed;
    this.sendSpeed = progress.sendSpeed;
    this.averageReceiveSpeed = progress.averageReceiveSpeed;
    this.averageSendSpeed = progress.averageSendSpeed;
    this.eta = progress.eta;
    this.elapsedMs = progress.elapsedMs;
    this.pausedMs = progress.pausedMs;
    this.held = progress.held;
    this.timings = timings;
    /** Redirects followed. */
    this.redirects = redirects;
    /** Whether it ran over a connection that was there already. */
    this.reused = reused;
    /**
     * The whole body, when it was collected and is complete; or at most 64 KiB of what a server says instead: with failOnError, or
     * when a file was to be written and the status is not one of 200 to 299.
     * @type {Uint8Array | undefined}
     */
    this.body = undefined;
    /** Bytes that are in place, when the body went `to` somewhere. @type {number | undefined} */
    this.written = undefined;
  }
  /** How it ended after all. @param {number} errno @param {Uint8Array | undefined} body @param {number | undefined} written @internal */
  end(errno, body, written) {
    this.code = codeName(errno);
    this.errno = errno;
    this.body = body;
    this.written = written;
  }
  /** Whether it completed, with a status of 200 to 299 or, as a file, without one. */
  get ok() { return this.errno === 0 && this.#head.ok; }
  get headers() { return this.#head.headers; }
  get trailers() { return (this.#trailers ??= readHeaders(this.#trailerText)); }

  /** The body as UTF-8. TypeError: it was not collected. @returns {string} */
  text() {
    if (this.body === undefined) throw new TypeError('there is no body: it was not collected, or did not arrive whole');
    return new TextDecoder().decode(this.body);
  }
  /** The body as JSON. SyntaxError: it is none. @returns {unknown} */
  json() {
    return JSON.parse(this.text());
  }
}
