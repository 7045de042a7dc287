// What the row of Chromium measures, in a page: each takes the body of `url` and says how long each chunk is.
import { Transfer } from '/js/browser.js';

const peers = {
  async fetch(url, onChunk) {
    const reader = (await fetch(url, { cache: 'no-store' })).body.getReader(); // as Sluice asks
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onChunk(value.length);
    }
  },
  sluice: (url, onChunk) => new Transfer(url, { onData: (chunk) => { onChunk(chunk.length); } }).perform(),
};

/** @returns {Promise<number>} seconds */
globalThis.measure = async (peer, url, bytes) => {
  const at = performance.now();
  let got = 0;
  await peers[peer](url, (n) => { got += n; });
  if (got !== bytes) throw new Error(`${got} bytes of ${bytes}`);
  return (performance.now() - at) / 1000;
};
document.title = 'ready';
