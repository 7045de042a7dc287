// What is compared: the reduced trace of a run, from the engine's own trace. The scenarios are in scenarios.json.
//
// A scenario has
//   name, rows       of SPEC: what its trace shows
//   server           what the server does when it is asked for /c/NAME (server.js); none: it is not asked
//   client           what the client does (runner.c's head has the words): url, method, head, body { size, stream, untold },
//                    options (of Transfer, but for maxFileSize), write { at, do }, progress, steps [[when, do], ...]
//   trace            the reduced trace, the same on every host and in both faces
//   differs          where a platform or a face forces another one: { on, why, trace }, or { on, why } where it cannot be run. `on`
//                    has names of hosts or of groups of them (GROUPS). The first that fits counts.
//
// A reduced trace has, each only where it is not what was before it:
//   "pending", "connecting", "active SENDING/RECEIVING BYTES", "done BYTES"     the state; of the body that was delivered, in all
//   "paused recv by call", "open"                                               the gate
//   "write head", "write body", "write trailer"                                 kinds of delivery, however many
//   "stop CAUSE CODE", "result CODE"                                            why it ends; what the caller is told
//   "poll", "missed ..."                                                        what the runner says
import { codeName } from '../../js/errors.js';

/**
 * @typedef {{ what: 'said', words: string } | import('../../js/trace.js').TraceEvent} Event
 * @typedef {{ name: string, events: Event[], errno: number }} Run errno: a CURLcode; -1: it has not ended
 * @typedef {{ on: string[], why: string, trace?: string[] }} Difference
 * @typedef {object} Client
 * @property {string} [url]
 * @property {string} [method]
 * @property {boolean} [head]
 * @property {{ size: number, stream?: boolean, untold?: boolean }} [body]
 * @property {Record<string, any>} [options]
 * @property {{ at: number, do: 'pause' | 'error' | 'short' }} [write]
 * @property {number} [progress]
 * @property {Array<[when: string, what?: string]>} [steps]
 * @typedef {{ name: string, rows: string, server?: any, client?: Client, trace: string[], differs?: Difference[] }} Scenario
 */

/** Every host there is, in CI, in campaign, or wherever somebody tries. */
export const HOST_NAMES = ['native', 'plugin', 'emscripten', 'emscripten-jspi', 'node-sockets', 'node-fetch', 'bun', 'bun-fetch', 'deno',
  'deno-fetch', 'workerd', 'workerd-fetch', 'chromium', 'firefox'];

/** Words of `on` that mean several of them. */
const GROUPS = /** @type {Record<string, (host: string) => boolean>} */ ({
  c: (host) => /^(native|plugin|emscripten)/.test(host),
  js: (host) => !GROUPS.c(host),
  page: (host) => /^(chromium|firefox|emscripten)/.test(host),
  fetch: (host) => GROUPS.page(host) || host.endsWith('fetch'),
});

/** Whether a word of `on` means this host. @param {string} word @param {string} host */
export const isHere = (word, host) => word === host || (GROUPS[word]?.(host) ?? false);

/** @param {Scenario} scenario @param {string} host @returns {{ trace?: string[] }} what is to be seen there; no trace: it is not run */
export function expectedOn({ trace, differs = [] }, host) {
  if (!HOST_NAMES.includes(host)) throw new Error(`there is no host ${host}`);
  const other = differs.find(({ on }) => on.some((word) => isHere(word, host)));
  return other === undefined ? { trace } : { trace: other.trace };
}

const short = (/** @type {string} */ code) => code.replace('CURLE_', '');

/** @param {Run} run @returns {string[]} */
export function reduced({ events, errno }) {
  const trace = /** @type {string[]} */ ([]);
  let bytes = 0;
  const add = (/** @type {string} */ line) => void (trace.at(-1) !== line && trace.push(line));
  events.forEach((event, i) => {
    const next = events[i + 1];
    if (event.what === 'said') return add(event.words);
    if (event.what === 'state') {
      if (event.life === 'pending') bytes = 0;
      if (event.life === 'active') add(`active ${event.send}/${event.recv} ${bytes}`);
      else add(event.life === 'done' ? `done ${bytes}` : event.life);
    } else if (event.what === 'gate') {
      add(event.paused === 'none' ? 'open' : `paused ${event.paused} by ${event.by}`);
    } else if (event.what === 'write') {
      const refused = event.accepted < 0 || (event.accepted === 0 && (next?.what === 'gate' || next?.what === 'stop'));
      if (event.part === 'body' && event.accepted > 0) bytes += event.accepted;
      if (!refused) add(`write ${event.part}`);
    } else if (event.what === 'stop') {
      add(`stop ${event.cause} ${short(event.code)}`);
    }
  });
  add(`result ${errno < 0 ? 'none' : short(codeName(errno))}`);
  return trace;
}
