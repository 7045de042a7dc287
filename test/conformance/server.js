// The server of the scenarios: what it does with /c/NAME is that scenario's `server`:
//
//   status, headers   200 and none where not given
//   length            bytes of the body; 'chunked'; 'closed': until the connection ends; 'echo': as many as the request had; 'none'
//   play              in this order; when not given, all of the body at once. "send N": so many bytes (the head goes with the first);
//                     "read": the request's body to its end; "echo": as many bytes; "wait": until somebody asks for
//                     /c/NAME?ask; "end": of the body; "cut", "reset": the connection ends, or is reset; "hold": nothing more,
//                     until the client closes
//
// Everything is open to other origins, so that pages may run the scenarios too.
import { once } from 'node:events';
import http from 'node:http';
import { webServer } from '../support/bodies.js';

/** @typedef {import('./reduce.js').Scenario} Scenario */

class Play {
  #request; #response; #server; #asked; #read = 0;
  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response @param {any} server @param {() => Promise<void>} asked */
  constructor(request, response, server, asked) {
    this.#request = request;
    this.#response = response;
    this.#server = server;
    this.#asked = asked;
  }
  #head() {
    const { status = 200, headers = {}, length } = this.#server, response = this.#response;
    if (response.headersSent) return;
    const size = length === 'echo' ? this.#read : length;
    if (length === 'closed') response.useChunkedEncodingByDefault = false; // and so the connection ends it
    response.writeHead(status, { ...headers, ...(typeof size === 'number' ? { 'content-length': size } : {}) });
    response.flushHeaders();
  }
  /** @param {number} n */
  async #send(n) {
    this.#head();
    if (n > 0) await new Promise((resolve) => { this.#response.write(Buffer.alloc(n, 'x'), resolve); });
  }
  /** @param {string} item */
  async #do(item) {
    const [what, n] = item.split(' '), response = this.#response;
    if (what === 'send') return this.#send(Number(n));
    if (what === 'read') for await (const chunk of this.#request) this.#read += chunk.length;
    else if (what === 'echo') return this.#send(this.#read);
    else if (what === 'wait') return this.#asked();
    else if (what === 'end') return this.#head(), void response.end();
    else if (what === 'cut') response.socket?.end();
    else if (what === 'reset') response.socket?.resetAndDestroy();
    else if (what === 'hold') await once(response, 'close');
    else throw new Error(`server: ${item}`);
  }
  async run() {
    const { length, play = [`send ${length}`, 'end'] } = this.#server;
    for (const item of play) await this.#do(item);
  }
}

/**
 * What answers at /c/*; `faults` gets what goes wrong with that.
 * @param {Scenario[]} scenarios @param {unknown[]} faults @returns {http.RequestListener}
 */
export function scenarioListener(scenarios, faults) {
  const servers = new Map(scenarios.map(({ name, server }) => [name, server]));
  const asks = /** @type {Map<string, { asked: () => void, done: Promise<void> }>} */ (new Map());
  /** Asked before or after it is waited for. @param {string} name */
  function ask(name) {
    let asked = () => {};
    if (!asks.has(name)) asks.set(name, { done: new Promise((resolve) => { asked = () => resolve(); }), asked: () => asked() });
    return /** @type {{ asked: () => void, done: Promise<void> }} */ (asks.get(name));
  }
  return async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://h'), name = decodeURIComponent(pathname.slice(3));
    response.setHeader('access-control-allow-origin', '*').setHeader('cache-control', 'no-store');
    if (search === '?ask') return ask(name).asked(), void response.writeHead(204).end();
    if (!servers.get(name)) return void response.writeHead(404).end();
    asks.delete(name);
    try {
      await new Play(request, response, servers.get(name), () => ask(name).done).run();
    } catch (error) {
      if (!response.destroyed) faults.push(error);
    }
  };
}

/** @param {Scenario[]} scenarios */
export async function scenarioServer(scenarios) {
  const faults = /** @type {unknown[]} */ ([]), listener = scenarioListener(scenarios, faults);
  let others = /** @type {http.RequestListener} */ ((_request, response) => void response.writeHead(404).end());
  const server = await webServer((request, response) => (request.url?.startsWith('/c/') ? listener : others)(request, response));
  return {
    ...server,
    faults,
    origin: server.url(''),
    /** What answers elsewhere. */
    on: (/** @type {http.RequestListener} */ one) => { others = one; },
  };
}

/** An origin where nobody listens. */
export async function refusedOrigin() {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
