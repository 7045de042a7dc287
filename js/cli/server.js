// js/cli/server.js: the other end of the scenes: an HTTP server on loopback that knows exactly what it has given away.
import { once } from 'node:events';
import { builtin } from '../builtin.js';

const BLOCK = 65536; // bytes

/**
 * What the server knows of one request.
 * @typedef {object} Visit
 * @property {number} sent bytes of body that the kernel has taken: the next block is written when the last one was
 * @property {Promise<number>} closed when the server sees the end of it, on the clock of performance.now()
 *
 * @typedef {import('node:http').ServerResponse} Response
 */

/** @param {Response} response @param {Uint8Array} block @param {Visit} visit @returns {Promise<boolean>} false: nobody takes it any more */
async function give(response, block, visit) {
  const error = await new Promise((resolve) => response.write(block, resolve));
  if (!error) visit.sent += block.length;
  return !error && !response.destroyed;
}

/** @param {Response} response @param {Uint8Array} body @param {Visit} visit @returns {Promise<boolean>} likewise */
async function pour(response, body, visit) {
  for (let at = 0; at < body.length; at += BLOCK) {
    if (!(await give(response, body.subarray(at, at + BLOCK), visit))) return false;
  }
  return true;
}

/** @type {Record<string, (response: Response, body: Uint8Array, visit: Visit) => Promise<void>>} */
const ANSWERS = {
  /** The whole body. */
  async '/whole'(response, body, visit) {
    response.setHeader('Content-Length', body.length);
    if (await pour(response, body, visit)) response.end();
  },
  /** The body again and again, without end. */
  async '/endless'(response, body, visit) {
    while (await pour(response, body, visit));
  },
  /** 10 bytes every 100 ms, without end. */
  async '/trickle'(response, body, visit) {
    const timer = setInterval(() => give(response, body.subarray(0, 10), visit), 100);
    response.on('close', () => clearInterval(timer));
    await give(response, body.subarray(0, 10), visit);
  },
  /** 1000 bytes of a larger body, then nothing. */
  async '/silent'(response, body, visit) {
    response.setHeader('Content-Length', body.length);
    await give(response, body.subarray(0, 1000), visit);
  },
};

/** @param {Record<string, Uint8Array>} bodies by the part of the path behind the answer: /whole/NAME */
export async function startServer(bodies) {
  let latest = /** @type {Visit} */ ({ sent: 0, closed: Promise.resolve(0) });
  const server = builtin('node:http').createServer((request, response) => {
    const [, answer, name] = /** @type {string} */ (request.url).split('/');
    const visit = latest = { sent: 0, closed: once(response, 'close').then(() => performance.now()) };
    ANSWERS[`/${answer}`](response, bodies[name], visit);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    port,
    /** @param {string} path */
    url: (path) => `http://127.0.0.1:${port}${path}`,
    /** The request that came last. */
    get latest() { return latest; },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
