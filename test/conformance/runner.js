// The conformance scenarios in JavaScript, for every place where that runs: nothing is imported but the words of text.js, and
// nothing used but what the web has. runner.c is the same in C, and says what the words of a scenario mean.
import { urlOf } from './text.js';

/** @typedef {import('./reduce.js').Scenario} Scenario */
/** @typedef {import('./reduce.js').Run} Run */

const POLL_MS = 20000;

/** One scenario. */
class Scene {
  /** @type {Run} */
  run;
  #client; #at; #face; #multi; #transfer;
  #next = 0; // step
  #busy = false;
  #delivered = 0; #refused = false;
  #life = ''; #send = ''; #recv = ''; #paused = false; #head = false; #exchange = false; #ended = false;
  #since = 0;
  #timer = /** @type {any} */ (undefined);
  #over = () => {};

  /** @param {Scenario} scenario @param {{ base: string, refused: string }} at @param {any} face */
  constructor(scenario, at, face) {
    const { name, client = {} } = scenario, { maxFileSize, ...options } = client.options ?? {};
    this.run = { name, events: [], errno: -1 };
    this.#client = client;
    this.#at = urlOf(scenario, at);
    this.#face = face;
    this.#multi = face.makeMulti();
    this.#transfer = { url: this.#at, options: {
      ...options, multi: this.#multi, debug: (/** @type {any} */ event) => this.#onTrace(event), ...this.#bodyOptions(client),
      ...(client.head ? { method: 'HEAD' } : {}),
      ...(maxFileSize === undefined ? { onData: (/** @type {Uint8Array} */ chunk) => this.#onData(chunk) } : { maxBody: maxFileSize }),
    } };
  }
  /** @param {import('./reduce.js').Client} client */
  #bodyOptions({ method, body }) {
    if (body === undefined) return method === undefined ? {} : { method };
    const bytes = new Uint8Array(body.size).fill(120);
    if (!body.stream) return { method, body: bytes };
    const stream = (async function* () { for (let at = 0; at < bytes.length; at += 10000) yield bytes.subarray(at, at + 10000); })();
    return { method, body: stream, headers: body.untold ? {} : { 'content-length': String(body.size) } };
  }

  async play() {
    const over = new Promise((resolve) => { this.#over = () => resolve(undefined); });
    let transfer;
    try {
      transfer = this.#transfer = new this.#face.Transfer(this.#transfer.url, this.#transfer.options);
    } catch (error) {
      this.run.events.push({ what: 'said', words: `refused: ${/** @type {Error} */ (error).name}` });
      return this.run;
    }
    while (this.#client.steps?.[this.#next]?.[0] === 'before') await this.#do();
    const { progress } = this.#client;
    if (progress) transfer.addEventListener('progress', (/** @type {any} */ { detail }) => void (detail.received >= progress && transfer.abort()));
    this.#since = performance.now();
    transfer.perform().then(() => 0, (/** @type {any} */ error) => error.errno ?? String(error)).then((/** @type {number} */ errno) => {
      this.run.errno = errno;
      this.#ended = true;
      this.#look();
    });
    this.#look();
    await over;
    clearTimeout(this.#timer);
    await this.#multi[Symbol.asyncDispose]();
    return this.run;
  }

  /** @param {any} event */
  #onTrace(event) {
    this.run.events.push(event);
    if (event.what === 'state') [this.#life, this.#send, this.#recv] = [event.life, event.send, event.recv];
    if (event.what === 'gate') this.#paused = event.paused !== 'none';
    if (event.what === 'open') this.#exchange = event.kind === 'exchange';
    if (event.what === 'write' && event.part === 'head') this.#head = true;
    queueMicrotask(() => this.#look()); // outside the engine
  }
  /** @param {Uint8Array} chunk */
  #onData(chunk) {
    const { write } = this.#client, reached = this.#delivered + chunk.length;
    if (write && !this.#refused && reached >= write.at) {
      if (write.do !== 'pause') throw new Error('the callback fails');
      this.#refused = true;
      return 'pause';
    }
    this.#delivered = reached;
  }

  // Steps.

  /** @param {string} when */
  #isDue(when) {
    const [word, n] = when.split(' ');
    switch (word) {
      case 'started': return this.#life !== '';
      case 'requested': return (this.#life === 'active' && this.#send === 'end') || (this.#life === 'connecting' && this.#exchange);
      case 'head': return this.#head && ['body', 'end'].includes(this.#recv);
      case 'body': return this.#delivered >= Number(n);
      case 'paused': return this.#paused;
      case 'ms': return performance.now() - this.#since >= Number(n);
      default: return word === 'done' && this.#ended;
    }
  }
  async #do() {
    const [what, dir] = (this.#client.steps?.[this.#next]?.[1] ?? 'none').split(' '), transfer = /** @type {any} */ (this.#transfer);
    if (what === 'pause') transfer.pause(dir);
    else if (what === 'resume') transfer.resume(dir);
    else if (what === 'abort') transfer.abort();
    else if (what === 'wakeup') this.#multi.wakeup();
    else if (what === 'ask') await this.#ask();
    else if (what === 'poll') {
      const why = await this.#multi.poll(POLL_MS);
      this.run.events.push({ what: 'said', words: why === 'wakeup' ? 'poll' : `poll ${why}` });
    }
    this.#next++;
    this.#since = performance.now();
  }
  async #ask() {
    const response = await fetch(`${this.#at}?ask`);
    await response.arrayBuffer();
  }
  async #look() {
    if (this.#busy) return;
    this.#busy = true;
    clearTimeout(this.#timer);
    for (let step; (step = this.#client.steps?.[this.#next]) && this.#isDue(step[0]);) await this.#do();
    this.#busy = false;
    const step = this.#client.steps?.[this.#next];
    if (this.#ended) {
      if (step) this.run.events.push({ what: 'said', words: `missed ${step[0].split(' ')[0]}` });
      this.#over();
    } else if (step?.[0].startsWith('ms ')) {
      const left = Number(step[0].slice(3)) - (performance.now() - this.#since);
      this.#timer = setTimeout(() => this.#look(), Math.max(0, left) + 1);
    }
  }
}

/**
 * Run scenarios, one after the other.
 * @param {{ Transfer: any, Multi: any, base: string, refused: string, scenarios: Scenario[], makeMulti?: () => any }} face
 *   Transfer, Multi: the package's. base: the origin of server.js. refused: one where nobody listens. makeMulti: for each
 *   scenario one of its own, closed at its end; when not given, `new Multi()`.
 * @returns {Promise<Run[]>} may be sent as JSON to whoever compares (reduce.js)
 */
export async function runScenarios({ Transfer, Multi, base, refused, scenarios, makeMulti = () => new Multi() }) {
  const runs = [];
  for (const scenario of scenarios) runs.push(await new Scene(scenario, { base, refused }, { Transfer, makeMulti }).play());
  return runs;
}
