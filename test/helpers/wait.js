// Waiting for something to become true, with a bound: the event loop is looked at, nothing is timed.

/** @param {() => unknown} condition @param {string} [what] @param {number} [ms] */
export async function until(condition, what = String(condition), ms = 15000) {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`did not happen in ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Resolves when `value()` has not changed for `ms`. @param {() => unknown} value @param {number} [ms] */
export async function settled(value, ms = 250) {
  let last = value(), since = Date.now();
  const end = since + 20000;
  while (Date.now() - since < ms) {
    if (Date.now() > end) throw new Error('never settled');
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (value() !== last) [last, since] = [value(), Date.now()];
  }
  return last;
}
