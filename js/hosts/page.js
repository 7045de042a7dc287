// js/hosts/page.js: what is different about fetch() where a browser runs it, in a page or a worker. fetch.js asks here; the
// table of what cannot be done is at its head.
import { SL_DENIED, SL_HOST_HELD_MAX, SL_NOSYS, SL_REFUSED } from './door.js';
import { soon } from '../soon.js';

/** Whose fetch is its own, whatever else of a browser is there: tests bring a document (jsdom), Deno's workers a WorkerNavigator. */
function ofServers() {
  const { process, Deno } = /** @type {any} */ (globalThis);
  return Deno !== undefined || (process?.versions?.node !== undefined && process.type === undefined); // Electron's pages have a type
}
/** In a browser. */
export const inPage = (typeof document === 'object' || 'WorkerNavigator' in globalThis) && !ofServers();

/**
 * A page that is left may be kept for a return, frozen with all that it has open. That is not closing, and lasts for minutes.
 * A worker is not told of it.
 * @param {() => void} leave @returns {() => void} it is not to be told any more
 */
export function onLeave(leave) {
  if (typeof document !== 'object') return () => {};
  const hide = (/** @type {PageTransitionEvent} */ { persisted }) => { if (persisted) leave(); };
  globalThis.addEventListener('pagehide', hide);
  return () => globalThis.removeEventListener('pagehide', hide);
}

/** How long the failure of a request waits to be explained: nothing else may end it by then. */
const ASK_MS = 5000;

/** Bytes: what a page keeps of a request's body before it sends it, where that cannot go as it comes. */
export const UPLOAD_MAX = 64 * 1024 * 1024;

/** What is said to fetch beside the request: libcurl has no cache, and one would let the second of two equal requests wait for the first. @type {RequestInit} */
export const INIT = inPage ? { credentials: 'same-origin', cache: 'no-store' } : {};

/** @typedef {{ code: number, error: string }} Failure SL_* and words */
/** @typedef {{ enqueue: (bytes: Uint8Array) => void, close: () => void }} Sending what the request's body goes to */

/**
 * @typedef {object} Reader
 * @property {() => Promise<{ done: boolean, value?: Uint8Array }>} read
 * @property {() => void} [keep] The bytes it read stay as they are; without it they do always. Else they are good until it reads on.
 */

/**
 * Who reads a response's body. In browsers bodies are streams of bytes, and each read goes into the same SL_HOST_HELD_MAX
 * bytes: Chromium's own chunks are of up to 2 MiB, which would be held, and each anew costs more than many small reads.
 * @param {ReadableStream<Uint8Array>} body @returns {Reader}
 */
export function readerOf(body) {
  if (!inPage) return body.getReader();
  try {
    return into(body.getReader({ mode: 'byob' }));
  } catch { // of chunks: a caller's own fetch may answer with such a one
    return body.getReader();
  }
}
/** @param {ReadableStreamBYOBReader} reader @returns {Reader} */
function into(reader) {
  let space = /** @type {ArrayBuffer | null} */ (null); // null: it is away, and lost with the stream
  return {
    read() {
      const to = new Uint8Array(space ?? new ArrayBuffer(SL_HOST_HELD_MAX));
      space = null;
      return reader.read(to).then(({ done, value }) => {
        space = value?.buffer ?? null;
        return { done, value: /** @type {Uint8Array | undefined} */ (value) };
      });
    },
    keep() { space = null; }, // a read would take it away from who borrows
  };
}

/** Whether browsers can send a body as it comes at all. */
function streams() {
  let asked = false;
  try {
    const init = /** @type {RequestInit} */ ({ method: 'POST', body: new ReadableStream(), get duplex() { return (asked = true) && 'half'; } });
    return !new Request('https://h.invalid/', init).headers.has('content-type') && asked;
  } catch {
    return false;
  }
}

/**
 * How a request's body goes: kept until its end when that is allowed, because a body goes as it comes only over HTTP/2, and
 * nobody can know that before.
 * @param {string} url @param {number} size -1: not known
 * @returns {'gather' | 'stream'}
 * @throws {TypeError} it cannot go
 */
export function uploadWay(url, size) {
  if (!inPage) return 'stream';
  if (size <= UPLOAD_MAX) return 'gather';
  if (url.startsWith('https:') && streams()) return 'stream';
  throw new TypeError(tooLarge());
}

const tooLarge = () => `the request's body is larger than the ${UPLOAD_MAX} bytes that are kept of it, and fetch takes no stream here`;

/**
 * A body that is kept. One larger than UPLOAD_MAX is failed.
 * @param {(sending: Sending) => void} begun @param {() => void} more the next piece may come @param {(failure: Failure) => void} fail
 * @returns {Promise<Blob>} when its end was said; never, when it was failed
 */
export const gather = (begun, more, fail) => new Promise((resolve) => {
  const chunks = /** @type {BlobPart[]} */ ([]);
  let size = 0;
  begun({
    enqueue(bytes) {
      size += bytes.length;
      chunks.push(/** @type {BlobPart} */ (bytes));
      if (size <= UPLOAD_MAX) return more();
      chunks.length = 0;
      fail({ code: SL_NOSYS, error: tooLarge() });
    },
    close() {
      if (size <= UPLOAD_MAX) resolve(new Blob(chunks));
    },
  });
});

/**
 * Whether the page's own policy lets nothing go to that origin: there is an event for it, a turn later.
 * @param {string} origin @returns {() => Promise<boolean>} to be called once, after what may have been refused
 */
function watchPolicy(origin) {
  const place = typeof document === 'object' ? document : globalThis;
  let refused = false;
  const see = (/** @type {any} */ { blockedURI, effectiveDirective }) => {
    refused ||= effectiveDirective === 'connect-src' && String(blockedURI).startsWith(origin);
  };
  place.addEventListener('securitypolicyviolation', see);
  return () => new Promise((resolve) => {
    soon(() => {
      place.removeEventListener('securitypolicyviolation', see);
      resolve(refused);
    });
  });
}

/**
 * Why a request failed before its answer: a page is only told "Failed to fetch". Another origin that answers where nobody
 * may read the answer is there, and then it was CORS that refused; of what the page's policy refuses there is an event.
 * A streamed body takes HTTP/2, and the question would not: nobody tells whether it was that.
 * @param {string} url @param {unknown} error @param {AbortSignal} signal @param {typeof globalThis.fetch} fetch
 * @param {boolean} streamed whether its body was to go as it comes
 * @returns {Promise<Failure>}
 */
export async function whyFailed(url, error, signal, fetch, streamed) {
  const { origin } = new URL(url), words = error instanceof Error ? error.message : String(error);
  const also = streamed ? ', or takes no streamed body (that needs HTTP/2)' : '';
  const unreachable = { code: SL_REFUSED, error: `${words}: ${origin} cannot be reached, or broke off, or the browser blocks it${also}` };
  if (origin === globalThis.location?.origin) return unreachable;
  const wasRefused = watchPolicy(origin);
  const patience = AbortSignal.any?.([signal, AbortSignal.timeout(ASK_MS)]) ?? signal;
  const init = /** @type {RequestInit} */ ({ method: 'HEAD', mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: patience });
  const there = await fetch(url, init).then(() => true, () => false);
  if (await wasRefused()) return { code: SL_DENIED, error: `${words}: the policy of this page (connect-src) lets nothing go to ${origin}` };
  if (!there) return unreachable;
  return { code: streamed ? SL_REFUSED : SL_DENIED, error: `${words}: ${origin} is there, but does not let this page read the answer (CORS)${also}` };
}

/**
 * A Referer, as fetch takes it. It drops those of other origins, and the page's own policy would cut it.
 * @param {string} value @returns {RequestInit} @throws {TypeError} it does not take that one
 */
export function referrerOf(value) {
  let origin;
  try {
    ({ origin } = new URL(value));
  } catch {} // no URL at all
  if (origin !== globalThis.location?.origin) throw new TypeError(`fetch sends no referer but one of the page's own origin: ${value}`);
  return { referrer: value, referrerPolicy: 'unsafe-url' };
}

/**
 * Headers of a response as they may be believed. Another origin shows Content-Length, and hides whether the body was coded
 * and so is of another length here.
 * @param {Response} response @returns {Iterable<[string, string]>}
 */
export function headersOf({ type, headers }) {
  if (type !== 'cors' || !inPage) return headers;
  return [...headers].filter(([name]) => name !== 'content-length');
}
