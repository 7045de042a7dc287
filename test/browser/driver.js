// Runs in a page or in a worker: transfers by name, and what a test wants done to them. Answers are plain data.
import { Multi, Remote, Transfer, TransferError, fetchHost, nodeHost } from '/js/browser.js';

const held = new Map(), remotes = new Map();
const sumOf = async (chunks) => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(chunks).arrayBuffer())), (byte) => byte.toString(16).padStart(2, '0')).join('');
/** Hold this thread until the word is so. */
function spin(words, value) {
  const end = performance.now() + 20000;
  while (Atomics.load(words, 0) !== value) if (performance.now() > end) throw new Error(`nobody wrote ${value}`);
}
const outcome = (error) => ({ type: error instanceof TransferError ? 'TransferError' : typeof error, name: error.name, code: error.code, errno: error.errno, message: error.message ?? String(error) });
const figures = ({ status, url, received, sent, receiveTotal, elapsedMs, pausedMs, redirects, trailers }) =>
  ({ status, url, received, sent, receiveTotal, elapsedMs, pausedMs, redirects, trailers: trailers && [...trailers].length });

/** Chunks of a body that is made when it is asked for. */
async function* bytes(total) {
  for (let at = 0; at < total; at += 65536) yield new Uint8Array(Math.min(65536, total - at)).fill(at / 65536);
}

const commands = {
  /** bodySize: a Uint8Array of so many bytes; streamSize: the same as a stream. collect: keep the bytes, to sum them. pauseAt: bytes. blocks:
   * shared words, where the first call of onData writes 1, and then holds its thread until there is 2. sockets: not over fetch. */
  start({ name, url, options = {}, bodySize, streamSize, paused, pauseAt, blocks, collect = true, sockets = false }) {
    const one = { chunks: [], calls: 0, bytes: 0, afterPause: 0, states: [], left: [] };
    if (bodySize !== undefined) options.body = new Uint8Array(bodySize).map((_, i) => i * 7);
    if (streamSize !== undefined) options.body = bytes(streamSize);
    const onData = (chunk) => {
      one.calls++;
      one.bytes += chunk.length;
      if (blocks && Atomics.compareExchange(blocks, 0, 0, 1) === 0) spin(blocks, 2);
      if (one.transfer.paused.recv) one.afterPause += chunk.length;
      if (collect) one.chunks.push(chunk); // it is ours (B19)
      if (one.bytes - chunk.length < pauseAt && one.bytes >= pauseAt) one.transfer.pause();
    };
    one.multi = new Multi(sockets ? { host: nodeHost() } : {});
    one.transfer = new Transfer(url, { onData, multi: one.multi, debug: ({ what, names }) => { if (what === 'left') one.left.push(...names); }, ...options });
    one.transfer.addEventListener('state', ({ detail }) => one.states.push(detail));
    if (paused) one.transfer.pause(paused);
    one.done = one.transfer.perform().then((result) => ({ result }), (error) => ({ error }));
    held.set(name, one);
  },
  pause: ({ name, dir }) => held.get(name).transfer.pause(dir),
  resume: ({ name, dir }) => held.get(name).transfer.resume(dir),
  abort: ({ name }) => held.get(name).transfer.abort(),
  /** A remote handle's port, for whom it is sent to. */
  lend: ({ name }) => held.get(name).transfer.remote().port,
  borrow({ name, port }) {
    remotes.set(name, Remote.from(port));
  },
  remote: ({ name, what, arg }) => remotes.get(name)[what](arg),
  poll: ({ name, ms }) => held.get(name).multi.poll(ms),
  /** Does what is asked for, in the same turn in which `words` is set to 1 by onData, which waits meanwhile (see `blocks`). */
  meanwhile({ name, what, arg, words }) {
    spin(words, 1);
    const answer = remotes.get(name)[what](arg);
    Atomics.store(words, 0, 2);
    return answer;
  },
  limits: ({ name, limits }) => held.get(name).transfer.limits(limits),
  look({ name }) {
    const { transfer, calls, bytes: count, afterPause, states } = held.get(name);
    const { held: kept, sent } = transfer.progress;
    return { state: transfer.state, paused: transfer.paused, held: kept, sent, calls, bytes: count, afterPause, states };
  },
  async end({ name }) {
    const { done, chunks, multi, transfer, left } = held.get(name);
    const { result, error } = await done;
    held.delete(name);
    await multi[Symbol.asyncDispose]();
    const { size } = new Blob(chunks);
    const text = size < 1000 ? await new Blob(chunks).text() : undefined;
    return { error: error === undefined ? undefined : outcome(error), ...figures(transfer.result ?? {}), left, size, sum: await sumOf(chunks), text };
  },
  /** Many at once, each paused and resumed at random. Every other one borrows its chunks, and looks whether they stay as they are (B19). */
  async many({ count, url, urls = [url], seed, sockets = false }) {
    let x = seed;
    const random = (below) => (x = (x * 1103515245 + 12345) & 0x7fffffff) % below;
    const multi = new Multi(sockets ? { host: nodeHost() } : {});
    const all = Array.from({ length: count }, async (_, i) => {
      const chunks = [];
      const borrow = i % 2 === 1;
      let waits = random(4);
      const transfer = new Transfer(`${urls[i % urls.length]}/${i}`, { multi, borrow, onData(chunk) {
        if (transfer.paused.recv) throw new Error('delivered while paused');
        const kept = borrow ? chunk.slice() : chunk;
        chunks.push(kept);
        if (waits > 0 && random(3) === 0) {
          waits--;
          transfer.pause();
          setTimeout(() => transfer.resume(), random(40));
        }
        if (borrow) return new Promise((resolve) => { setTimeout(resolve, random(3)); }).then(() => { if (kept.some((byte, at) => byte !== chunk[at])) throw new Error('written into'); });
      } });
      const { received } = await transfer.perform();
      return { received, sum: await sumOf(chunks) };
    });
    const results = await Promise.all(all);
    await multi[Symbol.asyncDispose]();
    return results;
  },
  /**
   * A body that is only looked at, paused for some ms after each `pauseEach` bytes. Answers the sum (h * 31 + byte) of it,
   * and the most bytes that were held in a pause.
   */
  async flow({ url, pauseEach }) {
    const multi = new Multi();
    let sum = 0, next = pauseEach, seen = 0, held = 0, pauses = 0;
    const transfer = new Transfer(url, { multi, onData(chunk) {
      for (let i = 0; i < chunk.length; i++) sum = (sum * 31 + chunk[i]) | 0;
      seen += chunk.length;
      if (seen < next) return;
      next += pauseEach;
      pauses++;
      transfer.pause();
      setTimeout(() => {
        held = Math.max(held, transfer.progress.held);
        transfer.resume();
      }, 10);
    } });
    const { received } = await transfer.perform();
    await multi[Symbol.asyncDispose]();
    return { received, sum, held, pauses };
  },
  /** poll() of an engine that nothing happens to, and a handle in another thread that wakes it. */
  async wakeup({ url }) {
    const multi = new Multi();
    const transfer = new Transfer(url, { multi });
    transfer.pause();
    const done = transfer.perform().catch((error) => error.errno);
    while (await multi.poll(500) !== 'timeout');
    const polling = multi.poll(60000);
    const worker = new Worker('/test/browser/remote.js', { type: 'module' });
    const { port } = transfer.remote();
    worker.postMessage({ port, commands: ['wakeup'] }, [port]);
    const woken = await polling;
    const second = transfer.remote().port;
    worker.postMessage({ port: second, commands: ['resume', 'pause', 'abort'] }, [second]);
    const errno = await done;
    const answers = await new Promise((resolve) => { worker.onmessage = ({ data }) => data.length > 1 && resolve(data); });
    worker.terminate();
    await multi[Symbol.asyncDispose]();
    return { woken, errno, answers, isolated: self.crossOriginIsolated };
  },
  /** The first transfer of a page: its module is on the way. */
  async first({ url }) {
    const transfer = new Transfer(url), other = new Transfer(url), late = new Transfer(url, { timeoutMs: 1 });
    const performing = transfer.perform(), aborted = other.perform(), timed = late.perform();
    timed.catch(() => { globalThis.timedOut = true; });
    const state = transfer.state;
    transfer.pause();
    const paused = transfer.paused;
    other.abort();
    const errors = [await aborted.catch(outcome), await timed.catch(outcome)];
    transfer.resume();
    const { status } = await performing;
    return { state, paused, errors, status };
  },
  /** @returns {string[]} what calls say that cannot be answered here */
  refusals: () => [() => nodeHost(), () => new Transfer('http://h/', { to: 'file.bin' })].map((call) => {
    try {
      return String(call());
    } catch (error) {
      return error.message;
    }
  }),
  async file() {
    return outcome(await new Transfer('file:///etc/hostname').perform().catch((error) => error));
  },
  async credentials({ url }) {
    const multi = new Multi({ host: fetchHost({ init: { credentials: 'omit' } }) });
    const answers = [(await new Transfer(url).perform()).text(), (await new Transfer(url, { multi }).perform()).text()];
    await multi[Symbol.asyncDispose]();
    return answers;
  },
};

export const drive = async (command, args = {}) => commands[command](args);
