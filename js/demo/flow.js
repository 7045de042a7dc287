// js/demo/flow.js: one transfer of the page: its Transfer, and of what is shown only what a Transfer does not keep itself.
import { Transfer } from '../browser.js';

const MiB = 1024 ** 2;
const KEPT_MS = 61000; // of samples
const SMOOTH_MS = 1950; // what a sample is the mean of: a rate limit gives its bytes about once a second
const LEAST_MS = 1000; // and at least of so long: the first bytes come at once
/** Of this page: the server tells it of its own. */
export const PAGE = crypto.randomUUID().slice(0, 8);

export const KINDS = {
  fast: { name: 'Download', size: 128 * MiB, rate: 4 * MiB },
  slow: { name: 'Slow server', size: 24 * MiB, query: { rate: MiB } },
  stalls: { name: 'Stalling server', size: 16 * MiB, query: { rate: MiB, stall: 3 * MiB }, lowSpeed: { bytesPerSecond: 16 * 1024, ms: 8000 } },
  upload: { name: 'Upload', size: 16 * MiB, rate: 2 * MiB },
};

let count = 0;
let blob; // what is uploaded

export class Flow {
  number = ++count;
  id = `${PAGE}-${this.number}`;
  halves = { send: 'none', recv: 'none' };
  edge = ''; // 'IDLE PENDING': the latest transition
  outcome = null; // { ok, aborted, code, text }
  server = null; // as it told us: { sent, received, open }
  samples = []; // { at, bytes, speed }
  #life = 'idle';

  /** @param {keyof typeof KINDS} kind @param {import('../browser.js').Multi} multi @param {{ log: (flow: Flow, text: string) => void, change: () => void }} hear */
  constructor(kind, multi, hear) {
    const { name, size, query = {}, rate = 0, lowSpeed = { bytesPerSecond: 0, ms: 0 } } = KINDS[kind];
    this.name = name;
    this.size = size;
    this.uploads = kind === 'upload';
    this.limits = { maxRecvSpeed: rate, maxSendSpeed: rate, lowSpeed, timeoutMs: 0 };
    this.hear = hear;
    const url = new URL(`/${this.uploads ? 'upload' : 'download'}?${new URLSearchParams({ id: this.id, size, ...query })}`, location.href);
    const options = this.uploads ? { body: (blob ??= new Blob([new Uint8Array(size)])) } : { onData() {} };
    this.transfer = new Transfer(url, { ...options, ...this.limits, multi, failOnError: true, debug: (event) => this.#trace(event) });
    this.transfer.addEventListener('head', ({ detail }) => hear.log(this, `head: status ${detail.status}`));
    for (const event of ['state', 'pause', 'resume']) this.transfer.addEventListener(event, hear.change);
  }

  async start() {
    this.outcome = this.server = null;
    this.samples = [];
    this.hear.log(this, `start: ${this.name}`);
    const performing = this.transfer.perform();
    this.hear.change();
    try {
      const result = await performing;
      this.outcome = { ok: true, aborted: false, code: result.code, text: 'complete' };
    } catch (error) {
      this.outcome = { ok: false, aborted: error.name === 'AbortError', code: error.code ?? error.name, text: error.message };
    }
    this.hear.log(this, `done: ${this.words}`);
    this.hear.change();
  }
  /** An abort is what was asked for, and no fault. */
  get failed() { return this.outcome !== null && !this.outcome.ok && !this.outcome.aborted; }
  /** How it ended; errors with libcurl's name. */
  get words() {
    const { ok, aborted, code, text } = this.outcome;
    if (aborted) return 'aborted';
    return ok || text === code ? text : `${code}: ${text}`;
  }
  pause() { if (this.running) this.transfer.pause(); }
  resume() { this.transfer.resume(); }
  abort() { this.transfer.abort(); }
  /** @param {import('../api.js').Limits} limits */
  limit(limits) {
    Object.assign(this.limits, limits);
    this.transfer.limits(limits);
  }

  get state() { return this.transfer.state.toUpperCase(); }
  /** Begun and not ended. */
  get running() { return this.state !== 'IDLE' && this.state !== 'DONE'; }
  /** For one of those that run to end. */
  get waiting() { return this.state === 'PENDING'; }
  get paused() {
    const { recv, send } = this.transfer.paused;
    return this.running && (recv || send);
  }
  /** Bytes of body that have passed the engine. */
  get bytes() { return this.uploads ? this.transfer.progress.sent : this.transfer.progress.received; }
  get speed() {
    const { sendSpeed, receiveSpeed } = this.transfer.progress;
    return this.running ? (this.uploads ? sendSpeed : receiveSpeed) : 0;
  }

  /** @param {number} at milliseconds */
  sample(at) {
    const { bytes, samples } = this;
    let first = samples.length - 1;
    while (first > 0 && at - samples[first].at < SMOOTH_MS) first--;
    const before = samples[first];
    samples.push({ at, bytes, speed: before ? Math.max(0, bytes - before.bytes) * 1000 / Math.max(LEAST_MS, at - before.at) : 0 });
    while (samples[0].at < at - KEPT_MS) samples.shift();
  }

  #trace(event) {
    const { log, change } = this.hear;
    switch (event.what) {
      case 'state': {
        const { life, send, recv } = event;
        if (life !== this.#life) this.edge = `${this.#life} ${life}`.toUpperCase();
        this.#life = life;
        this.halves = { send, recv };
        log(this, life === 'active' ? `ACTIVE: send ${send}, receive ${recv}` : life.toUpperCase());
        break;
      }
      case 'gate': log(this, event.paused === 'none' ? 'gates open' : `gates closed: ${event.paused}, by ${event.by}`); break;
      case 'stop': log(this, `stop: ${event.cause}, ${event.code}`); break;
      default: return; // bytes, mostly
    }
    change();
  }
}
