// The global fetch. A reader that does not read is a pause. It has no option for a certificate: NODE_EXTRA_CA_CERTS.
export default ({ origin }) => ({
  transfer(path, onChunk) {
    let go = null, wait = null;
    const stop = new AbortController();
    const done = (async () => {
      const { body } = await fetch(origin + path, { signal: stop.signal });
      const reader = body.getReader();
      for (;;) {
        if (wait !== null) await wait;
        const { done: over, value } = await reader.read();
        if (over) return;
        onChunk(value.length);
      }
    })().catch(() => {});
    return {
      done,
      pause: () => { wait ??= new Promise((resolve) => { go = resolve; }); },
      resume() {
        wait = null;
        go?.();
      },
      abort: () => stop.abort(),
    };
  },
  async get(path) {
    await (await fetch(origin + path)).arrayBuffer();
  },
  close() {},
});
