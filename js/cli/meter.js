// js/cli/meter.js: the meter on a terminal, and what its keys do to the transfer.
import { amount, doneText, part, remaining } from './text.js';

const KEYS = '[space - + q]';
const SLOWEST = 1024; // bytes a second: no limit is set below

export class Meter {
  #transfer; #from; #limit;

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
      if (this.#paused) this.#transfer.resume();
      else this.#transfer.pause();
    } else if (key === '+' || key === '=') {
      if (this.#limit > 0) this.#setLimit(this.#limit * 2);
    } else if (key === '-') {
      this.#setLimit(Math.max(SLOWEST, Math.round((this.#limit || part(this.#transfer.progress, 0).speed) / 2)));
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
    const limit = this.#limit > 0 && !without.has('limit') ? `at most ${amount(this.#limit)}/s` : '';
    const done = doneText(now, !without.has('total'));
    /** @type {string[]} */
    let words;
    if (this.#paused) words = ['paused', done, `${amount(progress.held)} held`, limit];
    else if (state !== 'active' && state !== 'done') words = ['connecting', remaining(progress.elapsedMs), limit];
    else {
      const left = progress.eta === undefined || without.has('left') ? '' : `${remaining(progress.eta)} left`;
      words = [this.#limit > 0 ? 'limited' : 'running', done, without.has('speed') ? '' : `${amount(now.speed)}/s`, left, limit];
    }
    const [name, ...rest] = words;
    return `${name.padEnd(10)}  ${rest.filter(Boolean).join(', ')}`;
  }
}
