// A web server that says what it was sent, and bodies that are given piece by piece.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { pattern } from './bytes.js';

/**
 * @param {http.RequestListener} [handler] default: answers with JSON { method, url, headers, bytes, sum, chunks }
 */
export async function webServer(handler = echo) {
  const sockets = new Set();
  const server = http.createServer({ keepAliveTimeout: 0 }, handler);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return {
    port,
    server,
    sockets,
    url: (path = '/') => `http://127.0.0.1:${port}${path}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @type {http.RequestListener} */
export async function echo(request, response) {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of request) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch {
    return;
  }
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, headers, bytes, sum: hash.digest('hex') }));
}

/** A ReadableStream, and what became of it. @param {Uint8Array[]} chunks @param {{ error?: unknown, endless?: boolean }} [how] */
export function watchedStream(chunks, { error, endless = false } = {}) {
  let next = 0;
  const watched = { pulls: 0, cancelled: /** @type {unknown} */ (undefined), stream: new ReadableStream({
    pull(controller) {
      watched.pulls++;
      if (next < chunks.length) controller.enqueue(chunks[next++]);
      else if (error !== undefined) controller.error(error);
      else if (endless) return new Promise(() => {});
      else controller.close();
    },
    cancel(reason) { watched.cancelled = { reason }; },
  }, { highWaterMark: 0 }) };
  return watched;
}

/** An async generator, and what became of it. @param {Uint8Array} chunk @param {number} times */
export function watchedGenerator(chunk, times) {
  const watched = { given: 0, finished: false, async *[Symbol.asyncIterator]() {
    try {
      for (; watched.given < times; watched.given++) yield chunk;
    } finally {
      watched.finished = true;
    }
  } };
  return watched;
}

const TALK_BODY = 300000, TALK_PIECE = 100000;
/** For test/guests/raw.c: takes its request, then answers in three pieces, each after a while, and closes. */
export async function rawTalk() {
  const answer = pattern(3 * TALK_PIECE, 3);
  const sockets = new Set();
  let received = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let head = '';
    socket.on('error', () => {}).on('data', async (bytes) => {
      const before = received;
      if (!head.includes('\r\n\r\n')) {
        head += bytes.toString('latin1');
        received = head.includes('\r\n\r\n') ? head.length - head.indexOf('\r\n\r\n') - 4 : 0;
      } else received += bytes.length;
      if (before >= TALK_BODY || received < TALK_BODY) return;
      for (let at = 0; at < answer.length; at += TALK_PIECE) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        socket.write(answer.subarray(at, at + TALK_PIECE));
      }
      socket.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    answer,
    received: () => received,
    url: () => `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(resolve);
    }),
  };
}
