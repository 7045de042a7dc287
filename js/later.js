// js/later.js: setTimeout for any number of milliseconds. The platforms' own fire at once beyond 2^31 - 1 of them.
const TIMER_MAX = 0x7fffffff; // milliseconds

/**
 * @param {() => void} run once, never early
 * @param {number} ms
 * @returns {() => void} what cancels it
 */
export function later(run, ms) {
  const due = performance.now() + ms;
  let timer = /** @type {NodeJS.Timeout | undefined} */ (undefined);
  const arm = () => {
    const left = Math.max(1, due - performance.now());
    timer = setTimeout(left > TIMER_MAX ? arm : run, Math.min(left, TIMER_MAX));
  };
  arm();
  return () => clearTimeout(timer);
}
