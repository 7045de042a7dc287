// What both ways to use node:net share: the least HTTP/1.1 that does it.
import net from 'node:net';
import tls from 'node:tls';

const END = '\r\n\r\n';

/**
 * @param {{ host: string, port: number, secure: boolean, ca?: string }} setup
 * @param {(options: object, onBytes: (bytes: Buffer) => void) => object} adapt adds onread, or leaves it to 'data'
 */
export function socketPeer({ host, port, secure, ca }, adapt) {
  const secureContext = secure ? tls.createSecureContext({ ca }) : undefined;
  const idle = [];

  /** A socket, and where its bytes go. */
  function open() {
    const one = { onBytes: null, socket: null };
    const options = adapt({ host, port, noDelay: true, secureContext }, (bytes) => one.onBytes(bytes));
    one.socket = secure ? tls.connect(options) : net.connect(options);
    if (!('onread' in options)) one.socket.on('data', (bytes) => one.onBytes(bytes));
    one.socket.on('error', (error) => { throw error; });
    return one;
  }
  /** Sends `head`; onBody is given the bytes of the body, onEnd called after the last. */
  function exchange(one, head, onBody, onEnd) {
    let left = -1;
    one.onBytes = (bytes) => {
      if (left < 0) {
        const text = bytes.latin1Slice(0, Math.min(bytes.length, 1024));
        const end = text.indexOf(END);
        left = Number(/content-length: *(\d+)/i.exec(text)[1]);
        bytes = bytes.subarray(end + END.length);
      }
      left -= bytes.length;
      if (bytes.length > 0) onBody(bytes.length);
      if (left === 0) onEnd();
    };
    one.socket.write(head, 'latin1');
  }
  const request = (method, path, more = '') => `${method} ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n${more}\r\n`;
  const nothing = () => {};

  return {
    transfer(path, onChunk) {
      const one = open();
      const done = new Promise((resolve) => exchange(one, request('GET', path), onChunk, () => resolve(one.socket.destroy())));
      return { done, pause: () => one.socket.pause(), resume: () => one.socket.resume(), abort: () => one.socket.resetAndDestroy() };
    },
    get: (path) => new Promise((resolve) => {
      const one = idle.pop() ?? open();
      exchange(one, request('GET', path), nothing, () => {
        idle.push(one);
        resolve();
      });
    }),
    put: (path, chunk, times) => new Promise((resolve) => {
      const one = open();
      exchange(one, request('PUT', path, `Content-Length: ${chunk.length * times}\r\n`), nothing, nothing);
      one.onBytes = () => resolve(one.socket.destroy());
      const more = () => {
        while (times-- > 0) if (!one.socket.write(chunk)) return;
      };
      one.socket.on('drain', more);
      more();
    }),
    close() {
      for (const { socket } of idle) socket.destroy();
    },
  };
}
