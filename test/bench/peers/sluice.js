// Sluice in Node. SLUICE_BENCH_JS: another js/ to measure.
const { Transfer } = await import(process.env.SLUICE_BENCH_JS ?? '../../../js/index.js');

export default ({ origin, ca }) => {
  const tls = ca === undefined ? undefined : { ca };
  const nothing = () => {};
  return {
    transfer(path, onChunk) {
      const transfer = new Transfer(origin + path, { tls, onData: (chunk) => { onChunk(chunk.length); } });
      const done = transfer.perform().catch((error) => {
        if (error.name !== 'AbortError') throw error;
      });
      return { done, pause: () => { transfer.pause(); }, resume: () => { transfer.resume(); }, abort: () => { transfer.abort(); } };
    },
    get: (path) => new Transfer(origin + path, { tls, onData: nothing }).perform(),
    async put(path, chunk, times) {
      async function* chunks() { while (times-- > 0) yield chunk; }
      await new Transfer(origin + path, { tls, method: 'PUT', body: chunks(), headers: { 'content-length': String(chunk.length * times) }, onData: nothing }).perform();
    },
    close() {},
  };
};
