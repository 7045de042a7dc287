// js/cli/meter.js: the meter on a terminal, and what its keys do to the transfer.
import { amount, doneText, part, remaining } from './text.js';

const KEYS = '[space - + q]';
const SPAN_MS = 3000; // the speed is that of so long
const SLOWEST = 1024; // bytes a second: no limit is set below

export class Meter {
  #transfer; #from; #limit;
  #samples = /** @type {{ ms: number, bytes: number }[]} */ ([]);

  /** @param {import('../index.js').Transfer} transfer @param {number} limit bytes a second, 0: none @param {() => number} from bytes that were there already */
  constructor(transfer, limit, from) {
    this.#transfer = transfer;
    this.#limit = limit;
    this.#from = from;
  }
  get #paused() { return this.#transfer.paused.by === 'call'; }

  /** @param {string} key @returns {boolean} whether it is one of ours */
  press(key) {
    if (key === ' ') {
      this.#samples = [];
      if (this.#paused) this.#transfer.resume();
      else this.#transfer.pause();
    } else if (key === '+' || key === '=') {
      if (this.#limit > 0) this.#setLimit(this.#limit * 2);
    } else if (key === '-') {
      this.#setLimit(Math.max(SLOWEST, Math.round((this.#limit || this.#speed()) / 2)));
    } else if (key === '0') {
      this.#setLimit(0);
    } else {
      return false;
    }
    return true;
  }
  /** @param {number} limit */
  #setLimit(limit) {
    this.#limit = Math.min(limit, Number.MAX_SAFE_INTEGER);
    this.#transfer.limits({ maxRecvSpeed: this.#limit, maxSendSpeed: this.#limit });
  }

  /** What matters least is left out where all of it has no room. @param {boolean} keys whether they are heard @param {number} [width] */
  text(keys, width = Infinity) {
    const hint = keys ? `  ${KEYS}` : '';
    let text = '';
    for (const without of [[], ['total'], ['total', 'left'], ['total', 'left', 'speed'], ['total', 'left', 'speed', 'limit']]) {
      text = this.#words(new Set(without)) + hint;
      if (text.length <= width) break;
    }
    return text;
  }
  /** @param {Set<string>} without */
  #words(without) {
    const { progress, state } = this.#transfer, now = part(progress, this.#from());
    const speed = this.#speed();
    const limit = this.#limit > 0 && !without.has('limit') ? `at most ${amount(this.#limit)}/s` : '';
    const done = doneText(now, !without.has('total'));
    /** @type {string[]} */
    let words;
    if (this.#paused) words = ['paused', done, `${amount(progress.held)} held`, limit];
    else if (state !== 'active' && state !== 'done') words = ['connecting', remaining(progress.elapsedMs), limit];
    else {
      const left = now.total === undefined || speed === 0 || without.has('left') ? '' : `${remaining(((now.total - now.done) / Math.min(speed, this.#limit || Infinity)) * 1000)} left`;
      words = [this.#limit > 0 ? 'limited' : 'running', done, without.has('speed') ? '' : `${amount(speed)}/s`, left, limit];
    }
    const [name, ...rest] = words;
    return `${name.padEnd(10)}  ${rest.filter(Boolean).join(', ')}`;
  }

  /** Bytes a second of late. */
  #speed() {
    const ms = performance.now(), { done: bytes, speed } = part(this.#transfer.progress, this.#from());
    if (this.#samples.length > 0 && bytes < this.#samples[0].bytes) this.#samples = []; // what counts has changed
    this.#samples.push({ ms, bytes });
    while (ms - this.#samples[0].ms > SPAN_MS) this.#samples.shift();
    const [first] = this.#samples;
    return ms - first.ms < 100 ? speed : ((bytes - first.bytes) / (ms - first.ms)) * 1000;
  }
}
