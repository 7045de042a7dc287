// undici.stream into a Writable: undici's fastest way. A write that is not called back is a pause.
import { Writable } from 'node:stream';
import { Pool } from 'undici';

export default ({ origin, ca, connections }) => {
  const pool = new Pool(origin, { connections, pipelining: 1, bodyTimeout: 0, headersTimeout: 0, connect: { ca } });
  const sink = (write) => new Writable({ write, highWaterMark: 65536 });
  const drop = (_chunk, _encoding, callback) => callback();
  return {
    transfer(path, onChunk) {
      let paused = false, held = null;
      const stop = new AbortController();
      function write(chunk, encoding, callback) {
        if (paused) {
          held = () => write(chunk, encoding, callback);
          return;
        }
        onChunk(chunk.length);
        if (paused) held = callback;
        else callback();
      }
      const writable = sink(write);
      const done = pool.stream({ path, method: 'GET', signal: stop.signal }, () => writable).catch(() => {});
      return {
        done,
        pause: () => { paused = true; },
        resume() {
          paused = false;
          const callback = held;
          held = null;
          callback?.();
        },
        abort: () => stop.abort(),
      };
    },
    get: (path) => pool.stream({ path, method: 'GET' }, () => sink(drop)),
    close: () => pool.destroy(),
  };
};
