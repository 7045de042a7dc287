// Sluice in Node. SLUICE_BENCH_WASM: another module to measure.
import { readFileSync } from 'node:fs';
import { Multi, Transfer } from '../../../dist/index.js';

const { SLUICE_BENCH_WASM: other } = process.env;

export default ({ origin, ca }, options = {}) => {
  const multi = other ? new Multi({ module: new WebAssembly.Module(readFileSync(other)) }) : undefined;
  const tls = ca === undefined ? undefined : { ca };
  const nothing = () => {};
  return {
    transfer(path, onChunk) {
      const transfer = new Transfer(origin + path, { ...options, tls, multi, onData: (chunk) => { onChunk(chunk.length); } });
      const done = transfer.perform().catch((error) => {
        if (error.name !== 'AbortError') throw error;
      });
      return { done, pause: () => { transfer.pause(); }, resume: () => { transfer.resume(); }, abort: () => { transfer.abort(); }, remote: () => transfer.remote() };
    },
    get: (path) => new Transfer(origin + path, { tls, multi, onData: nothing }).perform(),
    async put(path, chunk, times) {
      async function* chunks() { while (times-- > 0) yield chunk; }
      await new Transfer(origin + path, { tls, multi, method: 'PUT', body: chunks(), headers: { 'content-length': String(chunk.length * times) }, onData: nothing }).perform();
    },
    close() {},
  };
};
