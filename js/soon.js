// js/soon.js: after what is waiting already, and before any timer. setImmediate where there is one; in a page a message to
// itself, which is not slowed in the background as timers are.

/** @typedef {{ run: (() => void) | null }} Soon what cancel takes */

const queue = /** @type {Soon[]} */ ([]);
let port = /** @type {MessagePort | null} */ (null);

/** @param {() => void} run @returns {Soon} */
function message(run) {
  if (port === null) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => queue.shift()?.run?.();
    port = port2;
  }
  const one = { run };
  queue.push(one);
  port.postMessage(0);
  return one;
}

const native = typeof setImmediate === 'function';
/** @type {(run: () => void) => Soon | NodeJS.Immediate} */
export const soon = native ? setImmediate : message;
/** @type {(one: any) => void} */
export const cancel = native ? clearImmediate : (one) => { one.run = null; };
