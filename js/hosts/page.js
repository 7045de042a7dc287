// js/hosts/page.js: what is different about fetch() where a browser runs it, in a page or a worker. fetch.js asks here; the
// table of what cannot be done is at its head.
import { SL_DENIED, SL_NOSYS, SL_REFUSED } from './door.js';

/** In a browser. */
export const inPage = typeof document === 'object' || 'WorkerNavigator' in globalThis;

/** How long the failure of a request waits to be explained: nothing else may end it by then. */
const ASK_MS = 5000;

/** Bytes: what a page keeps of a request's body before it sends it, where that cannot go as it comes. */
export const UPLOAD_MAX = 64 * 1024 * 1024;

/** What is said to fetch beside the request: libcurl has no cache, and one would let the second of two equal requests wait for the first. @type {RequestInit} */
export const INIT = inPage ? { credentials: 'same-origin', cache: 'no-store' } : {};

/** @typedef {{ code: number, error: string }} Failure SL_* and words */
/** @typedef {{ enqueue: (bytes: Uint8Array) => void, close: () => void }} Sending what the request's body goes to */

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
 * @returns {Promise<Blob>} when its end was said
 */
export const gather = (begun, more, fail) => new Promise((resolve) => {
  const chunks = /** @type {BlobPart[]} */ ([]);
  let size = 0;
  begun({
    enqueue(bytes) {
      size += bytes.length;
      chunks.push(/** @type {BlobPart} */ (bytes));
      if (size > UPLOAD_MAX) fail({ code: SL_NOSYS, error: tooLarge() });
      else more();
    },
    close: () => resolve(new Blob(chunks)),
  });
});

/**
 * Why a request failed before its answer: a page is only told "Failed to fetch". Another origin that answers where nobody
 * may read the answer is there, and then it was CORS that refused.
 * @param {string} url @param {unknown} error @param {AbortSignal} signal @param {typeof globalThis.fetch} fetch
 * @returns {Promise<Failure>}
 */
export async function whyFailed(url, error, signal, fetch) {
  const { origin } = new URL(url), words = error instanceof Error ? error.message : String(error);
  const unreachable = { code: SL_REFUSED, error: `${words}: ${origin} cannot be reached, or broke off, or the browser blocks it` };
  if (origin === globalThis.location?.origin) return unreachable;
  try {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
    await fetch(url, { method: 'HEAD', mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: patience });
    return { code: SL_DENIED, error: `${words}: ${origin} is there, but does not let this page read the answer (CORS)` };
  } catch {
    return unreachable;
  }
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
