// js/demo/limits.js: low speed and total time of the chosen transfer, and what its clocks say.
import { seconds } from './units.js';

const TIMES = { 'low-speed': 1024, 'low-time': 1000, total: 1000 }; // KiB/s to bytes/s, seconds to milliseconds

/** @param {HTMLFormElement} form @param {(flow: import('./flow.js').Flow, text: string) => void} log */
export function makeLimits(form, log) {
  let shown = null;
  const fields = form.elements, clock = form.querySelector('.clock');
  const value = (name) => Math.round(Math.max(0, Number(fields[name].value) || 0) * TIMES[name]);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('change', () => {
    const limits = { lowSpeed: { bytesPerSecond: value('low-speed'), ms: value('low-time') }, timeoutMs: value('total') };
    try {
      shown.limit(limits);
      log(shown, `limits: below ${fields['low-speed'].value} KiB/s for ${fields['low-time'].value} s; ${fields.total.value} s in all`);
    } catch (error) {
      log(shown, error.message);
    }
  });

  /** @param {import('./flow.js').Flow | null} flow */
  return (flow) => {
    if (flow !== shown) {
      shown = flow;
      form.querySelector('fieldset').disabled = flow === null;
      const { lowSpeed = { bytesPerSecond: 0, ms: 0 }, timeoutMs = 0 } = flow?.limits ?? {};
      fields['low-speed'].value = lowSpeed.bytesPerSecond / TIMES['low-speed'];
      fields['low-time'].value = lowSpeed.ms / TIMES['low-time'];
      fields.total.value = timeoutMs / TIMES.total;
    }
    const progress = flow?.transfer.progress;
    clock.textContent = progress ? `${seconds(progress.elapsedMs)} since the start, ${seconds(progress.pausedMs)} of it paused` : '';
  };
}
