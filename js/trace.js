// js/trace.js: the engine's trace (multi.h's enum sl_trace_kind) in words, for the debug hook.
import { codeName } from './errors.js';

/**
 * One thing the engine did for a transfer. A stop tells why it ends, also when all went well (cause 'complete').
 * @typedef {{ what: 'state', life: string, send: string, recv: string }
 *   | { what: 'gate', paused: string, by: string }
 *   | { what: 'write', part: string, accepted: number }
 *   | { what: 'stop', cause: string, code: string }
 *   | { what: 'open', kind: string, reused: boolean }
 *   | { what: 'remote', paused: string, abort: boolean }
 *   | { what: 'left', names: string[] }} TraceEvent accepted: bytes, or a code below zero; left: the browser does not let it through,
 *   and it was done without
 */

const LIVES = ['idle', 'pending', 'connecting', 'active', 'done'];
const SEND = ['none', 'head', 'wait', 'body', 'end'], RECV = ['none', 'head', 'body', 'end'];
const PAUSED = ['none', 'recv', '', '', 'send', 'both'];
const PARTS = ['head', 'body', 'trailer'];
const CAUSES = ['none', 'complete', 'peer', 'limit', 'callback', 'remove', 'abort', 'host', 'input'];
const LEFT = ['User-Agent', 'follow']; // SL_LEFT_*
const KINDS = ['', 'tcp', 'tls', 'exchange', 'file'];

/** Who paused a direction: enum sl_by, the bits of both directions. @param {number} bits */
const byOf = (bits) => ['call', 'callback', 'remote', 'host', 'sink'].filter((_name, i) => bits & (1 << i)).join(',') || 'none';

/** @param {number} kind @param {number} a @param {number} b @returns {TraceEvent} */
export function traceEvent(kind, a, b) {
  switch (kind) {
    case 0: return { what: 'state', life: LIVES[a], send: SEND[b >> 4], recv: RECV[b & 15] };
    case 1: return { what: 'gate', paused: PAUSED[a], by: byOf((b >> 4) | (b & 15)) };
    case 2: return { what: 'write', part: PARTS[a], accepted: b };
    case 3: return { what: 'stop', cause: CAUSES[a], code: codeName(b) };
    case 7: return { what: 'left', names: LEFT.filter((_name, i) => a & (1 << i)) };
    case 6: return { what: 'remote', paused: PAUSED[a], abort: b !== 0 };
    default: return { what: 'open', kind: KINDS[a], reused: b === 0 };
  }
}
