// js/hosts/fetch.js: the door (c/include/sluice/host.h) over fetch(): exchanges, and nothing else. Nothing of Node's is
// used, so it is the browser's as well.
//
// Owns, for each exchange, one chunk at most of the response: a read is asked of the stream only while bytes are wanted
// and none are kept, never from inside a call of the engine. A chunk is what fetch makes of it; one larger than
// SL_HOST_HELD_MAX is kept whole and counted. Of the request's body one chunk waits to be pulled.
//
// What fetch cannot do, and what is said. "page": in browsers, where page.js says how (their workers included).
//
//   what is asked for                       where     what happens
//   sockets, files                          all       CURLE_UNSUPPORTED_PROTOCOL
//   tls, socketPath, CURLOPT_INTERFACE ...  all       CURLE_NOT_BUILT_IN: fetch has no word for it
//   Host, Connection, Expect and the like   all       CURLE_NOT_BUILT_IN, the header is named
//   Cookie, Origin, Referer, User-Agent ... page      CURLE_NOT_BUILT_IN, unless fetch takes it
//   CONNECT, TRACE; GET with a body         all       CURLE_NOT_BUILT_IN
//   redirects, not or not all followed      page      a 3xx ends with CURLE_NOT_BUILT_IN: nobody is shown where it leads
//   redirects, 20 or more followed          page      the browser follows; `redirects` is 0 and `url` the first one
//   a body that goes as it comes            page      kept until its end, at most UPLOAD_MAX; a larger one of known size goes as it
//                                                     comes over https where fetch takes streams; else CURLE_NOT_BUILT_IN. `sent`,
//                                                     rate and pause are those of the keeping
//   another origin that does not let read   page      CURLE_REMOTE_ACCESS_DENIED: it is asked once more, HEAD without CORS
//   no such name, nobody there, blocked     page      CURLE_COULDNT_CONNECT: fetch has one word for all
//   the size of another origin's body       page      unknown: whether it was decoded is hidden
//   a body cut short                        all       CURLE_RECV_ERROR: fetch has one word for all
//   a connect limit                         all       lasts until the head is here, or the body is asked for
//   1xx, trailers, addresses, phases        all       there are none
//   connections, at once and kept           all       fetch's own: 6 to a host over HTTP/1 in browsers, the others wait
//   Accept-Encoding, decoding               all       fetch's own: bytes are counted decoded
//   time limits of its own                  Node.js   10 s to connect, 300 s of silence
//   timers in a hidden page                 page      once a second, later once a minute: limits are as late
//
// Before the engine reads, fetch takes in what it likes, which is neither counted nor told here: Chromium up to 64 MiB, as it
// empties its cache's pipe, unless the response says Cache-Control: no-store; then about a megabyte, as Node.js. To that
// comes what kernels take. None of it grows while paused. Node's fetch keeps what was streamed of a request's body until its end.
import * as door from './door.js';
import { soon } from '../soon.js';
import { INIT, gather, headersOf, inPage, uploadWay, whyFailed } from './page.js';

const { SL_IN, SL_OUT, SL_OPENED, SL_GONE, SL_AGAIN, SL_INVAL, SL_NOSYS, SL_IO, SL_HOST_SEND_MAX } = door;
/** What of an open spec fetch has no word for. */
const REFUSED = ['unix', 'local', 'family', 'verify', 'ca', 'cert', 'key'];

class Exchange {
  wants = 0; // SL_IN | SL_OUT
  opened = false;
  busy = false; // the engine runs on an event of this channel
  queued = false; // a look is due
  closed = false; // by the engine
  code = 0; // why it is gone
  error = '';
  head = ''; // latin1; empty: not here yet
  headTaken = false;
  reader = /** @type {ReadableStreamDefaultReader<Uint8Array> | null} */ (null);
  reading = false; // a read is on its way
  ended = false; // the response's end was read
  chunk = /** @type {Uint8Array | null} */ (null); // unread from off on
  off = 0;
  taken = 0; // by the latest recv: what unrecv may give back
  sending = /** @type {import('./page.js').Sending | null} */ (null); // the request's body, until its end
  pulls = 0;
  room = false; // fetch asked for the next chunk of it
  aborter = new AbortController();

  /** @param {number} id */
  constructor(id) {
    this.id = id;
  }
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
    if (this.wants & SL_IN && ((this.head !== '' && !this.headTaken) || this.held > 0 || this.ended)) events |= SL_IN;
    if (this.wants & SL_OUT && this.room) events |= SL_OUT;
    return events;
  }
  /** Whether to read: exactly when bytes are wanted and none are kept. */
  get reads() {
    return (this.wants & SL_IN) !== 0 && this.reader !== null && this.held === 0 && !this.reading && !this.ended && this.code === 0;
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
  for (const [name, value] of headersOf(response)) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} n */
function latin1(bytes, from, n) {
  let text = '';
  for (let i = from; i < from + n; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/**
 * The host over fetch().
 * @param {{ fetch?: typeof globalThis.fetch, init?: RequestInit }} [options] fetch: instead of the global one. init: what each
 *   request says beside what a transfer does, such as credentials: 'include'; in a page credentials are 'same-origin' and the
 *   cache 'no-store' unless it says otherwise.
 * @returns {door.Host & { readonly channels: number, readonly caught: unknown }} channels: exchanges not closed yet;
 *   caught: the last exception that was kept from crossing into Wasm.
 */
export function fetchHost({ fetch = globalThis.fetch, init: added = {} } = {}) {
  const channels = /** @type {Map<number, Exchange>} */ (new Map());
  let engine = /** @type {door.Engine | null} */ (null);
  let lastId = 0;
  let caught = /** @type {unknown} */ (undefined);

  const memory = () => /** @type {door.Engine} */ (engine).memory();

  /** Tell the engine, then settle what it left. @param {Exchange} c @param {number} events */
  function tell(c, events) {
    c.busy = true;
    const ran = engine?.ready(c.id, events) !== false;
    c.busy = false;
    if (c.closed) return;
    if (c.held === 0) c.chunk = null;
    if (c.held === 0 || !(c.wants & SL_IN)) flow(c);
    else if (ran) soon(() => look(c)); // it had its turn; the others first
  }
  /** @param {Exchange} c */
  function look(c) {
    c.queued = false;
    if (c.busy || c.closed) return;
    const { events } = c;
    if (events !== 0) return tell(c, events);
    if (c.held === 0) c.chunk = null;
    flow(c);
  }
  /** When the engine has returned. @param {Exchange} c */
  function lookSoon(c) {
    if (c.queued || c.busy) return;
    c.queued = true;
    queueMicrotask(() => look(c));
  }
  /** @param {Exchange} c */
  function opened(c) {
    if (c.closed || c.opened) return;
    c.opened = true;
    tell(c, SL_OPENED | c.events);
  }
  /** @param {Exchange} c @param {number} code @param {string} error */
  function gone(c, code, error) {
    if (c.closed) return;
    if (c.code === 0) [c.code, c.error] = [code, error];
    look(c);
  }
  /** @param {Exchange} c @param {any} error what fetch or its stream rejected with */
  function broke(c, error) {
    const why = error?.cause ?? error, code = codeOf(why);
    if (c.code === 0 && !c.closed) [c.code, c.error] = [code, wordsOf(why)];
    if (code === door.SL_RESET || SEEN.test(String(why?.code ?? '')) || why?.name === 'HTTPParserError') opened(c); // the peer was there
    look(c);
  }

  /** @param {Exchange} c */
  function flow(c) {
    if (c.closed || c.busy || !c.reads) return;
    c.reading = true;
    /** @type {ReadableStreamDefaultReader<Uint8Array>} */ (c.reader).read().then(({ done, value }) => {
      c.reading = false;
      if (c.closed) return;
      c.ended = done;
      if (value !== undefined) [c.chunk, c.off, c.taken] = [value, 0, 0];
      look(c);
    }, (error) => {
      c.reading = false;
      broke(c, error);
    });
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
      c.room = true;
      queueMicrotask(() => (c.opened ? look(c) : opened(c)));
    },
    cancel() { // the peer has answered, or is gone: the response says it
      c.room = false;
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
    for (const name of headers.keys()) {
      if (OURS.has(name) || !taken.has(name)) throw new TypeError(`fetch does not send a header of one's own: ${name}`);
    }
    const size = Number(spec.body ?? 0);
    if (size > 0) headers.set('content-length', spec.body); // where fetch takes it the body is not sent chunked
    const redirect = inPage && spec.redirect !== undefined ? 'follow' : 'manual';
    return { ...INIT, ...added, method, headers, redirect, signal: c.aborter.signal };
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
    const body = gather((sending) => { c.sending = sending; }, () => { c.room = true; }, ({ code, error }) => {
      [c.code, c.error] = [code, error];
      lookSoon(c);
    });
    c.room = true;
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
      const why = await whyFailed(spec.url, error, c.aborter.signal, fetch);
      return gone(c, why.code, why.error);
    }
    if (c.closed) return;
    if (response.type === 'opaqueredirect') return gone(c, SL_NOSYS, 'a redirect: this fetch does not show where it leads, it can only follow all of them (20)');
    c.head = headOf(response);
    c.reader = response.body?.getReader() ?? null;
    c.ended = c.reader === null;
    if (c.opened) look(c);
    else opened(c);
  }

  /** @param {number} kind @param {string} specText */
  function open(kind, specText) {
    if (kind !== door.SL_EXCHANGE) return SL_NOSYS;
    const spec = door.parseSpec(specText);
    if (!spec?.method || !spec.url || !/^(-1|\d+)$/.test(spec.body ?? '0')) return SL_INVAL;
    do lastId = lastId === 0x7fffffff ? 1 : lastId + 1;
    while (channels.has(lastId));
    const c = new Exchange(lastId);
    channels.set(c.id, c);
    exchange(c, spec).catch((error) => gone(c, SL_IO, wordsOf(error))); // an answer that is none, or whose body is taken
    return c.id;
  }

  /** @param {Exchange} c @param {number} how */
  function close(c, how) {
    if (how === door.SL_END_SEND) {
      c.sending?.close();
      c.sending = null;
      return;
    }
    c.closed = true;
    c.wants = 0;
    c.chunk = null;
    channels.delete(c.id);
    if (!c.ended || c.sending !== null) c.aborter.abort();
  }

  /** @param {Exchange} c @param {number} n */
  function took(c, n) {
    c.off += n;
    lookSoon(c); // drops the chunk and reads on, or tells of what is left
  }
  /** One row of enum sl_info_what: latin1 text, an int64, or a code. @param {Exchange} c @param {number} what @returns {string | bigint | number} */
  function infoOf(c, what) {
    if (what === door.SL_INFO_PHASE) return c.opened ? 'open' : 'connect';
    if (what === door.SL_INFO_ERROR) return c.error;
    if (what === door.SL_INFO_HELD) return BigInt(c.held);
    if (what === door.SL_INFO_HEAD) return c.head === '' ? SL_AGAIN : c.head;
    return SL_NOSYS;
  }

  const imports = /** @type {Record<string, (...args: number[]) => any>} */ ({
    sl_now_us: () => BigInt(Math.floor(performance.now() * 1000)),
    sl_unix_ms: () => BigInt(Date.now()),
    sl_random: (_loop, ptr, n) => memory().set(crypto.getRandomValues(new Uint8Array(n)), ptr),
    sl_wait: () => SL_NOSYS,
    sl_start_tls: () => SL_NOSYS,
    sl_open: (_loop, kind, ptr, len) => open(kind, latin1(memory(), ptr, len)),
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
      if (!c || n > c.taken || n < 0) return SL_INVAL;
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
      const accepted = engine.sink(sink, /** @type {Uint8Array} */ (c.chunk).subarray(c.off, c.off + n));
      if (accepted > 0 && !c.closed) took(c, accepted);
      return accepted;
    },
    sl_send(ch, ptr, len) {
      const c = channels.get(ch);
      if (!c) return SL_INVAL;
      if (c.code !== 0) return c.code;
      if (!c.opened || !c.room || c.sending === null) return SL_AGAIN;
      const n = Math.min(len, SL_HOST_SEND_MAX);
      c.room = false;
      c.sending.enqueue(memory().slice(ptr, ptr + n));
      return n;
    },
    sl_move_out(ch, source, max) {
      const c = channels.get(ch);
      if (!c || !engine) return SL_INVAL;
      if (c.code !== 0) return c.code;
      if (!c.opened || !c.room || c.sending === null) return SL_AGAIN;
      const bytes = engine.source(source, Math.min(max, SL_HOST_SEND_MAX));
      if (typeof bytes === 'number' || c.closed || c.sending === null) return typeof bytes === 'number' ? bytes : SL_IO;
      c.room = false;
      c.sending.enqueue(bytes);
      return bytes.length;
    },
    sl_info(ch, what, ptr, cap) {
      const c = channels.get(ch);
      const answer = c ? infoOf(c, what) : SL_INVAL;
      if (typeof answer === 'number') return answer;
      const bytes = memory();
      if (typeof answer === 'bigint') {
        if (cap >= 8) new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(ptr, answer, true);
        return 8;
      }
      if (cap >= answer.length) {
        for (let i = 0; i < answer.length; i++) bytes[ptr + i] = answer.charCodeAt(i);
        if (what === door.SL_INFO_HEAD && c) c.headTaken = true;
      }
      return answer.length;
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
    name: 'fetch',
    get channels() { return channels.size; },
    get caught() { return caught; },
    attach(to) {
      if (engine !== null) throw new Error('this host is attached to an engine already');
      engine = to;
      return door.guard(imports, (error) => { caught = error; });
    },
    registerTls: () => 'refused', // a word that no open spec can have: it says so
    close() {
      engine = null;
      for (const c of [...channels.values()]) close(c, door.SL_ABORT);
    },
  };
}
