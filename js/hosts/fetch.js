// js/hosts/fetch.js: the door (c/include/sluice/host.h) over fetch(): exchanges, and nothing else. Nothing of Node's is
// used, so it is the browser's as well.
//
// Owns, for each exchange, one chunk at most of the response (streams.js): in a page of SL_HOST_HELD_MAX bytes at most;
// elsewhere it is what fetch makes of it, and one that is larger is kept whole and counted. Of the request's body one chunk
// waits to be pulled.
//
// What fetch cannot do, and what is said. "page": in browsers, where page.js says how (their workers included).
//
//   what is asked for                       where     what happens
//   sockets, files                          all       CURLE_UNSUPPORTED_PROTOCOL
//   tls, socketPath, CURLOPT_INTERFACE ...  all       CURLE_NOT_BUILT_IN: fetch has no word for it
//   Host, Connection, Expect and the like   all       CURLE_NOT_BUILT_IN, the header is named
//   Cookie, Origin and the like             page      CURLE_NOT_BUILT_IN, the header is named
//   Referer                                 page      one of the page's own origin goes as it is; else CURLE_NOT_BUILT_IN
//   User-Agent                              page      where the browser drops it its own goes; the trace says so (SL_INFO_LEFT)
//   CONNECT, TRACE; GET with a body         all       CURLE_NOT_BUILT_IN
//   redirects, none followed, or not all    page      a 3xx ends with CURLE_NOT_BUILT_IN: nobody is shown where it leads
//   schemes
//   redirects, followed                     page      the browser follows, 20 at most; `redirects` is 0 and `url` the first one.
//                                                     That a lower limit was asked for, the trace says (SL_INFO_LEFT)
//   a body that goes as it comes            page      kept until its end, at most UPLOAD_MAX; a larger one of known size goes as it
//                                                     comes over https where fetch takes streams; else CURLE_NOT_BUILT_IN. `sent`,
//                                                     rate and pause are those of the keeping
//   another origin that does not let read   page      CURLE_REMOTE_ACCESS_DENIED: it is asked once more, HEAD without CORS
//   HTTP/1.1, for a body that goes as it    page      CURLE_COULDNT_CONNECT, the words name both: what refused is not told
//   comes; CORS, for such a one
//   what the page's own policy refuses      page      CURLE_REMOTE_ACCESS_DENIED, for another origin
//   no such name, nobody there, blocked     page      CURLE_COULDNT_CONNECT: fetch has one word for all
//   the same, TLS, a reset before the head  workerd   CURLE_COULDNT_CONNECT: fetch has one word for all
//   the size of another origin's body       page      unknown: whether it was decoded is hidden
//   a body cut short                        all       CURLE_RECV_ERROR: fetch has one word for all
//   a connect limit                         all       lasts until the head is here, or the body is asked for
//   the body of a 205                       all       dropped by fetch, as none should be there
//   1xx, trailers, addresses, phases        all       there are none
//   connections, at once and kept           all       fetch's own: 6 to a host over HTTP/1 in browsers, the others wait
//   Accept-Encoding, decoding               all       fetch's own: bytes are counted decoded
//   time limits of its own                  Node.js   10 s to connect, 300 s of silence
//   a page that is left, kept for a return  page      CURLE_RECV_ERROR, at once; workers are frozen, with what they have open
//   timers in a hidden page                 page      once a second, later once a minute: limits are as late
//
// Before the engine reads, fetch takes in what it likes, which is neither counted nor told here: Chromium up to 64 MiB, as it
// empties its cache's pipe, unless the response says Cache-Control: no-store; then about a megabyte, as Node.js. To that
// comes what kernels take. None of it grows while paused. Firefox is another matter: its fetch has no back-pressure at all, and
// takes the whole body into its own memory, paused or limited or not; what is delivered and counted here is as it should
// be, and an abort frees it. Node's fetch keeps what was streamed of a request's body until its end.
import * as door from './door.js';
import { INIT, gather, headersOf, inPage, onLeave, readerOf, referrerOf, uploadWay, whyFailed } from './page.js';
import { StreamChannel, streamHost } from './streams.js';

const { SL_AGAIN, SL_INVAL, SL_NOSYS, SL_IO, SL_HOST_SEND_MAX } = door;
/** What of an open spec fetch has no word for. */
const REFUSED = ['unix', 'local', 'family', 'verify', 'ca', 'cert', 'key'];
/** What of a RequestInit is a transfer's own. */
const OWN = ['method', 'headers', 'body', 'duplex', 'redirect', 'signal'];

class Exchange extends StreamChannel {
  head = ''; // latin1; empty: not here yet
  headTaken = false;
  left = 0; // SL_LEFT_*
  reader = /** @type {import('./page.js').Reader | null} */ (null);
  sending = /** @type {import('./page.js').Sending | null} */ (null); // the request's body, until its end
  pulls = 0;
  pulled = false; // fetch asked for the next chunk of it
  aborter = new AbortController();

  get news() { return this.head !== '' && !this.headTaken; }
  get room() { return this.pulled && this.sending !== null ? SL_HOST_SEND_MAX : 0; }
  get source() { return this.reader && this.#read; }
  #read = () => /** @type {Promise<{ done: boolean, value?: Uint8Array }>} */ (this.reader?.read());
  /** @override */
  get gives() { return this.reader?.keep === undefined; }
  /** @override */
  keep() { this.reader?.keep?.(); }
  /** @param {number} what */
  info(what) {
    if (what === door.SL_INFO_PHASE) return this.opened ? 'open' : 'connect';
    if (what === door.SL_INFO_LEFT) return [BigInt(this.left)];
    if (what === door.SL_INFO_HEAD) return this.head === '' ? SL_AGAIN : this.head;
    return SL_NOSYS;
  }
  /** @param {number} what */
  informed(what) {
    if (what === door.SL_INFO_HEAD) this.headTaken = true;
  }
}

const BUSY = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
const REFUSAL = new Set(['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EACCES', 'UND_ERR_CONNECT_TIMEOUT']);
const RESET = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET']);
/** What shows that there was a peer to talk to. */
const SEEN = /^(HPE_|UND_ERR_(HEADERS|BODY|RE[SQ]))/;
/** Of the connection, which is fetch's own; some versions drop these without a word. */
const OURS = new Set(['host', 'connection', 'keep-alive', 'upgrade', 'expect', 'te', 'trailer', 'transfer-encoding']);
const UNABLE = new Set(['UND_ERR_NOT_SUPPORTED', 'UND_ERR_INVALID_ARG']);
const VERIFY = /CERT|ISSUER|CRL|HOSTNAME|LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/;

/** The door's word for what fetch or its stream rejected with. @param {any} error @returns {number} enum sl_code */
function codeOf(error) {
  const code = String(error?.code ?? ''), words = String(error?.message ?? '');
  if (BUSY.has(code)) return door.SL_BUSY;
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) return door.SL_RESOLVE;
  if (REFUSAL.has(code)) return door.SL_REFUSED;
  if (words.includes('before secure TLS connection') || /^ERR_(SSL|TLS_HANDSHAKE)|^EPROTO$/.test(code)) return door.SL_TLS_FAILED;
  if (VERIFY.test(code)) return door.SL_TLS_VERIFY;
  if (RESET.has(code)) return door.SL_RESET;
  if (UNABLE.has(code)) return SL_NOSYS;
  return words === 'bad port' ? door.SL_DENIED : SL_IO;
}

/** An AggregateError, of several addresses, has no message of its own. @param {any} error */
const wordsOf = (error) => String(error?.message || error?.errors?.map((/** @type {Error} */ one) => one.message).join('; ') || error);

/** @param {Response} response as HTTP/1 text */
function headOf(response) {
  const words = response.statusText.replace(/[^\t -~\x80-\xff]/g, '?'); // Node.js reads them as UTF-8: their low bytes could end the line
  let text = `HTTP/host ${response.status} ${words}\r\n`;
  for (const [name, value] of headersOf(response)) {
    if (response.status === 205 && !response.body && name === 'content-length') continue; // fetch drops what it has no right to
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

/**
 * The host over fetch().
 * @param {{ fetch?: typeof globalThis.fetch, init?: RequestInit }} [options] fetch: instead of the global one. init: what each
 *   request says beside what a transfer does, such as credentials: 'include'; in a page credentials are 'same-origin' and the
 *   cache 'no-store' unless it says otherwise. What each transfer says itself is none of it: method, headers, body, duplex,
 *   redirect, signal.
 * @throws {TypeError} init has one of those
 * @returns {door.Host & { readonly channels: number, readonly caught: unknown }} channels: exchanges not closed yet;
 *   caught: the last exception that was kept from crossing into Wasm.
 */
export function fetchHost({ fetch = globalThis.fetch, init: added = {} } = {}) {
  const own = OWN.find((one) => one in added);
  if (own !== undefined) throw new TypeError(`fetchHost: init.${own} is said by each transfer itself`);
  return streamHost((/** @type {import('./streams.js').Driver<Exchange>} */ driver) => exchanges(driver, fetch, added));
}

/**
 * @param {import('./streams.js').Driver<Exchange>} driver @param {typeof globalThis.fetch} fetch @param {RequestInit} added
 * @returns {import('./streams.js').Kind<Exchange>}
 */
function exchanges({ look, opened, gone, note }, fetch, added) {
  /** @param {Exchange} c @param {any} error what fetch or its stream rejected with */
  function broke(c, error) {
    const why = error?.cause ?? error, code = codeOf(why);
    if (c.code === 0 && !c.closed) [c.code, c.error] = [code, note(wordsOf(why), why)];
    if (code === door.SL_RESET || SEEN.test(String(why?.code ?? '')) || why?.name === 'HTTPParserError') opened(c); // the peer was there
    look(c);
  }

  /**
   * The request's body. Its first pull says nothing, because fetch reads ahead: an empty chunk answers it, and the next
   * one comes when that was taken, so by a peer that is there.
   * @param {Exchange} c @returns {ReadableStream<Uint8Array>}
   */
  const bodyOf = (c) => new ReadableStream({
    start(controller) {
      c.sending = controller;
    },
    pull(controller) {
      if (++c.pulls === 1) return controller.enqueue(new Uint8Array(0));
      c.pulled = true;
      queueMicrotask(() => (c.opened ? look(c) : opened(c)));
    },
    cancel() { // the peer has answered, or is gone: the response says it
      c.pulled = false;
      c.sending = null;
    },
  }, { highWaterMark: 0 });

  /** @param {Exchange} c @param {Record<string, string>} spec @returns {RequestInit} */
  function requestOf(c, spec) {
    const headers = new Headers(), { method } = spec;
    for (const line of spec.header?.split('\n') ?? []) {
      const colon = line.indexOf(':');
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    const taken = new Request(spec.url, { method, headers, body: spec.body && '' }).headers; // throws what fetch would
    let referrer = /** @type {RequestInit} */ ({});
    for (const [name, value] of headers) {
      if (!OURS.has(name) && taken.has(name)) continue;
      if (inPage && name === 'user-agent') c.left |= door.SL_LEFT_AGENT;
      else if (inPage && name === 'referer') referrer = referrerOf(value);
      else throw new TypeError(`fetch does not send a header of one's own: ${name}`);
    }
    if (inPage && spec.redirect === 'counted') c.left |= door.SL_LEFT_REDIRECTS;
    const size = Number(spec.body ?? 0);
    if (size > 0) headers.set('content-length', spec.body); // where fetch takes it the body is not sent chunked
    const redirect = inPage && spec.redirect !== undefined ? 'follow' : 'manual';
    return { ...INIT, ...added, ...referrer, method, headers, redirect, signal: c.aborter.signal };
  }
  /** @param {Exchange} c @param {Record<string, string>} spec @returns {Promise<RequestInit>} */
  async function bodyFor(c, spec) {
    if (spec.body === undefined) return {};
    if (spec.body === '0') return { body: new Uint8Array(0) };
    if (uploadWay(spec.url, Number(spec.body)) === 'gather') return { body: await gathered(c) };
    return /** @type {RequestInit} */ ({ body: bodyOf(c), duplex: 'half' });
  }
  /** @param {Exchange} c */
  function gathered(c) {
    const body = gather((sending) => { c.sending = sending; }, () => { c.pulled = true; }, ({ code, error }) => {
      queueMicrotask(() => gone(c, code, error)); // the engine is still sending
    });
    c.pulled = true;
    opened(c);
    return body;
  }

  /** @param {Exchange} c @param {Record<string, string>} spec */
  async function exchange(c, spec) {
    let init, response;
    await null; // nothing is told from inside sl_open
    if (c.closed) return;
    try {
      const key = REFUSED.find((one) => one in spec);
      if (key !== undefined) throw new TypeError(`fetch has no word for: ${key}`);
      init = requestOf(c, spec);
      Object.assign(init, await bodyFor(c, spec));
    } catch (error) {
      return gone(c, SL_NOSYS, wordsOf(error));
    }
    if (c.closed) return;
    try {
      response = await fetch(spec.url, init);
    } catch (error) {
      if (!inPage || c.closed) return broke(c, error);
      const why = await whyFailed(spec.url, error, c.aborter.signal, fetch, 'duplex' in init);
      return gone(c, why.code, note(why.error, error));
    }
    if (c.closed) return;
    if (response.type === 'opaqueredirect') return gone(c, SL_NOSYS, 'a redirect: this fetch does not show where it leads, it can only follow all of them (20)');
    c.head = headOf(response);
    c.reader = response.body ? readerOf(response.body) : null;
    c.ended = c.reader === null;
    if (c.opened) look(c);
    else opened(c);
  }

  /** @param {number} kind @param {Record<string, string> | null} spec */
  function open(kind, spec) {
    if (kind !== door.SL_EXCHANGE) return SL_NOSYS;
    if (!spec?.method || !spec.url || !/^(-1|\d+)$/.test(spec.body ?? '0')) return SL_INVAL;
    const c = new Exchange();
    exchange(c, spec).catch((error) => gone(c, SL_IO, wordsOf(error))); // an answer that is none, or whose body is taken
    return c;
  }

  return {
    name: 'fetch',
    open,
    broke,
    startTls: () => SL_NOSYS,
    send(c, bytes) {
      c.pulled = false;
      c.sending?.enqueue(bytes);
    },
    endSend(c) {
      c.sending?.close();
      c.sending = null;
    },
    close(c) {
      if (!c.ended || c.sending !== null) c.aborter.abort();
    },
    registerTls: () => 'refused', // a word that no open spec can have: it says so
    /** The peers are to see it now, and who is paused hears of it later. */
    hook: (channels) => onLeave(() => {
      for (const c of channels()) {
        gone(c, door.SL_RESET, 'the page was left');
        c.aborter.abort();
      }
    }),
  };
}
