// js/hosts/blocking.js: a host for an engine that waits in sl_wait, as C programs do, made of one for an engine that is
// driven by events. The program is suspended while it waits (Asyncify, JSPI), so the host's events come then only.
//
// Owns what the host has told and sl_wait has not: one set of events a channel. What was told and is no longer so is a
// spurious event. The host tells anew whenever the engine took bytes or changed what it wants.
import * as door from './door.js';

const EVENT_SIZE = 8; // sizeof(sl_event): int32 ch, uint32 events
const SLEEP_MAX_MS = 0x7fffffff;

/** After everything that is due now, and without the milliseconds that a timer of 0 takes. @param {() => void} then */
function turn(then) {
  if (typeof setImmediate === 'function') return void setImmediate(then);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    then();
  };
  port2.postMessage(0);
}

/**
 * @param {door.Host} host lent for good
 * @param {() => Uint8Array} memory of the program, as it is now
 * @returns {Record<string, (...args: any[]) => any>} The door's functions. sl_wait answers a number when there is
 *   something to tell, else a promise of one.
 */
export function blockingDoor(host, memory) {
  /** @typedef {{ id: number, waiter: (() => void) | null, told: Map<number, number>, channels: number }} Loop told: events by channel */
  const loops = /** @type {Map<number, Loop>} */ (new Map()); // those that have channels or wait
  const loopOf = /** @type {Map<number, Loop>} */ (new Map()); // by channel

  /** @param {number} id @returns {Loop} */
  function loopAt(id) {
    let loop = loops.get(id);
    if (loop === undefined) loops.set(id, loop = { id, waiter: null, told: new Map(), channels: 0 });
    return loop;
  }
  /** It may be gone: the next one at its address begins with nothing. @param {Loop} loop */
  function settle(loop) {
    if (loop.channels === 0 && loop.waiter === null) loops.delete(loop.id);
  }
  const imports = /** @type {Record<string, (...args: any[]) => any>} */ (host.attach({
    memory,
    ready(ch, events) {
      const loop = loopOf.get(ch);
      loop?.told.set(ch, (loop.told.get(ch) ?? 0) | events);
      loop?.waiter?.();
      return false;
    },
    sink: () => door.SL_SINK_FAILED, // nothing is moved: the bytes go into the program's memory
    source: () => door.SL_SINK_FAILED,
  }));

  /** @param {Loop} loop @param {number} to @param {number} cap @returns {number} How many events were written there. */
  function take({ told }, to, cap) {
    const bytes = memory(), view = new DataView(bytes.buffer, bytes.byteOffset);
    let n = 0;
    for (const [ch, events] of told) {
      if (n === cap) break;
      view.setInt32(to + n * EVENT_SIZE, ch, true);
      view.setUint32(to + n * EVENT_SIZE + 4, events, true);
      told.delete(ch);
      n++;
    }
    return n;
  }

  return {
    ...imports,
    sl_move: () => door.SL_NOSYS,
    sl_move_out: () => door.SL_NOSYS,
    sl_open(/** @type {number} */ id, /** @type {number} */ kind, /** @type {number} */ spec, /** @type {number} */ len) {
      const ch = imports.sl_open(id, kind, spec, len);
      if (ch <= 0) return ch;
      const loop = loopAt(id);
      loop.channels++;
      loopOf.set(ch, loop);
      return ch;
    },
    sl_close(/** @type {number} */ ch, /** @type {number} */ how) {
      imports.sl_close(ch, how);
      const loop = loopOf.get(ch);
      if (how === door.SL_END_SEND || loop === undefined) return;
      loopOf.delete(ch);
      loop.told.delete(ch);
      loop.channels--;
      settle(loop);
    },
    // With a timeout of 0 too the host gets a turn when there is nothing to tell: a program that only looks, and never
    // waits, would see nothing happen for ever.
    sl_wait(/** @type {number} */ id, /** @type {number} */ to, /** @type {number} */ cap, /** @type {bigint} */ timeoutUs) {
      const loop = loopAt(id), n = take(loop, to, cap);
      if (n > 0) return n;
      return new Promise((resolve) => {
        let timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
        const wake = () => {
          clearTimeout(timer);
          loop.waiter = null;
          settle(loop);
          resolve(take(loop, to, cap));
        };
        if (timeoutUs === 0n) return turn(wake);
        loop.waiter = wake;
        const ms = timeoutUs < 0n ? SLEEP_MAX_MS : Math.min(Math.ceil(Number(timeoutUs) / 1000), SLEEP_MAX_MS);
        timer = setTimeout(wake, ms); // without a limit too: it keeps the process alive
      });
    },
  };
}
