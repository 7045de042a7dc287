// A server that is a script: it says exactly which bytes go out, in which pieces, and how the connection ends.
import { once } from 'node:events';
import net from 'node:net';

/**
 * One accepted connection.
 * @typedef {object} Peer
 * @property {net.Socket} socket
 * @property {number} number counted from 1
 * @property {() => Promise<string>} request the next request head; rejects when the client closes first
 * @property {(bytes: string | Uint8Array) => Promise<void>} send resolves when the kernel has them; strings are latin1
 * @property {(bytes: string | Uint8Array, size?: number) => Promise<void>} dribble in pieces of `size` (1), each one on its own
 * @property {() => void} end
 * @property {() => void} reset
 * @property {Promise<void>} closed
 */

/** To the event loop and back, so that the client reads what was sent before more is. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** @param {string | Uint8Array} bytes */
const toBuffer = (bytes) => (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes));

/** @param {net.Socket} socket @param {number} number @returns {Peer & { received: () => string }} */
function makePeer(socket, number) {
  let heads = '';
  let wake = () => {};
  let gone = false;
  socket.on('data', (bytes) => {
    heads += bytes.toString('latin1');
    wake();
  });
  socket.on('error', () => {}); // 'close' follows
  const closed = new Promise((resolve) => socket.on('close', resolve)).then(() => {
    gone = true;
    wake();
  });
  socket.on('end', () => wake());
  let seen = 0;
  const send = (bytes) =>
    new Promise((resolve) => {
      if (!socket.writable || toBuffer(bytes).length === 0) resolve();
      else socket.write(toBuffer(bytes), () => resolve());
    });
  return {
    socket,
    number,
    closed,
    received: () => heads,
    async request() {
      for (;;) {
        const end = heads.indexOf('\r\n\r\n', seen);
        if (end >= 0) {
          const head = heads.slice(seen, end + 4);
          seen = end + 4;
          return head;
        }
        if (gone || socket.readableEnded) throw new Error('the client closed');
        await new Promise((resolve) => (wake = () => resolve(undefined)));
      }
    },
    send,
    async dribble(bytes, size = 1) {
      const all = toBuffer(bytes);
      for (let at = 0; at < all.length && socket.writable; at += size) {
        await send(all.subarray(at, at + size));
        await turn();
      }
    },
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
  };
}

/**
 * @param {(peer: Peer) => unknown} script called for each connection; what it throws is kept in `faults` unless the
 *   client closed first.
 */
export async function rawServer(script) {
  const sockets = new Set();
  const peers = [];
  const faults = [];
  let whenEmpty = () => {};
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, async (socket) => {
    sockets.add(socket);
    const peer = makePeer(socket, peers.length + 1);
    peers.push(peer);
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) whenEmpty();
    });
    socket.on('end', () => socket.end()); // a client that closes is done
    try {
      await script(peer);
    } catch (error) {
      if (error.message !== 'the client closed') faults.push(error);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return {
    port,
    peers,
    faults,
    url: (path = '/') => `http://127.0.0.1:${port}${path}`,
    /** Connections open now. */
    get open() { return sockets.size; },
    /** Resolves when no connection is open. */
    empty: () => (sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => (whenEmpty = () => resolve(undefined)))),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Every request of every connection is answered with the same bytes. @param {string | Uint8Array} bytes @param {{ end?: boolean, piece?: number }} [how] */
export function answering(bytes, { end = false, piece = 0 } = {}) {
  return async (/** @type {Peer} */ peer) => {
    for (;;) {
      await peer.request();
      await (piece ? peer.dribble(bytes, piece) : peer.send(bytes));
      if (end) return peer.end();
    }
  };
}
