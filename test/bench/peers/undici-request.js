// undici.request
import { Readable } from 'node:stream';
import { Pool } from 'undici';

export default ({ origin, ca, connections }) => {
  const pool = new Pool(origin, { connections, pipelining: 1, bodyTimeout: 0, headersTimeout: 0, connect: { ca } });
  return {
    transfer(path, onChunk) {
      let body = null;
      const done = (async () => {
        ({ body } = await pool.request({ path, method: 'GET' }));
        await new Promise((resolve) => body.on('data', (chunk) => onChunk(chunk.length)).on('end', resolve).on('error', resolve));
      })();
      return { done, pause: () => body.pause(), resume: () => body.resume(), abort: () => body.destroy() };
    },
    async get(path) {
      const { body } = await pool.request({ path, method: 'GET' });
      await body.dump();
    },
    async put(path, chunk, times) {
      function* chunks() { while (times-- > 0) yield chunk; }
      const { body } = await pool.request({ path, method: 'PUT', body: Readable.from(chunks(), { objectMode: false }), headers: { 'content-length': String(chunk.length * times) } });
      await body.dump();
    },
    close: () => pool.destroy(),
  };
};
