// One run of one row by one peer, in a process of its own: node client.js PEER ROW SETTINGS. Prints what it measured as JSON.
//
// A peer is `(setup) => ({ transfer, get, put?, close })`:
//   transfer(path, onChunk)   a GET whose body goes to onChunk(length); { done, pause, resume, abort }
//   get(path)                 a small GET over a kept connection, at most `connections` at once
//   put(path, chunk, times)   an upload
// Those of the row `remote`: the transfer has remote() as well.
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const [name, row, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const { host, port, origin, secure, cafile, bytes, count, connections } = settings;
const peer = (await import(`./peers/${name}.js`)).default({
  host, port, origin, secure, connections, cafile, ca: secure ? readFileSync(cafile, 'utf8') : undefined,
});

const cpuUs = () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return userCPUTime + systemCPUTime;
};
const nowMs = () => Number(process.hrtime.bigint()) / 1e6; // the server's clock as well
const nothing = () => {};

/** CPU and wall time of `work`, divided by `per`. */
async function timed(work, per) {
  const cpu = cpuUs(), at = nowMs();
  await work();
  return { cpuUs: (cpuUs() - cpu) / per, wallUs: (nowMs() - at) * 1000 / per };
}
const seconds = ({ cpuUs: cpu, wallUs }) => ({ cpu: cpu / 1e6, wall: wallUs / 1e6 });

async function gets(n) {
  let left = n;
  await Promise.all(Array.from({ length: connections }, async () => {
    while (left-- > 0) await peer.get('/small');
  }));
}
/** Opens n transfers, `batch` at a time; each is there when its first bytes are. */
async function open(n, batch, path, onFirst) {
  const all = [];
  while (all.length < n) {
    await Promise.all(Array.from({ length: Math.min(batch, n - all.length) }, () => new Promise((resolve) => {
      let first = true;
      const transfer = peer.transfer(path, () => {
        if (!first) return;
        first = false;
        onFirst(transfer);
        resolve();
      });
      all.push(transfer);
    })));
  }
  return all;
}
async function rssKib() {
  await wait(300);
  globalThis.gc();
  await wait(300);
  return process.memoryUsage.rss() / 1024;
}
/** Asks the server, not through the peer. */
const ask = async (path) => {
  const { get } = await import('node:http'); // here, or it would count in the row `start`
  return new Promise((resolve, reject) => {
    get(origin + path, { agent: false }, (res) => {
      let answer = '';
      res.setEncoding('utf8').on('data', (part) => { answer += part; }).on('end', () => resolve(answer));
    }).on('error', reject);
  });
};
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

const rows = {
  async download() {
    let got = 0;
    const figures = seconds(await timed(() => peer.transfer(`/big/${bytes}`, (n) => { got += n; }).done, bytes / 2 ** 30));
    if (got !== bytes) throw new Error(`${got} bytes of ${bytes}`);
    return { ...figures, rss: process.resourceUsage().maxRSS / 1024 };
  },
  async get() {
    await gets(Math.min(count, 2000));
    const { cpuUs: cpu, wallUs: wall } = await timed(() => gets(count), count);
    return { cpu, wall };
  },
  async put() {
    const chunk = Buffer.alloc(65536);
    if (!peer.put) return { skip: 'not written' };
    try {
      return seconds(await timed(() => peer.put('/sink', chunk, bytes / chunk.length), bytes / 2 ** 30));
    } catch (error) {
      if (error instanceof TypeError) return { skip: error.message };
      throw error;
    }
  },
  async paused() {
    const hold = (transfer) => transfer.pause();
    const warm = await open(20, 20, '/endless', hold);
    const before = await rssKib();
    const all = await open(count, 50, '/endless', hold);
    return { rss: (await rssKib() - before) / count, all: all.length + warm.length };
  },
  async slow() {
    await open(20, 20, '/drip/600', nothing);
    const before = await rssKib();
    const { cpuUs: each } = await timed(() => open(count, 200, '/drip/600', nothing), count);
    const rss = (await rssKib() - before) / count;
    const { cpuUs: steady } = await timed(() => wait(5000), 5);
    return { rss, open: each, steady: steady / 1e6 * 100 };
  },
  async start() {
    await open(1, 1, '/big/1000000', nothing);
    return { ms: nowMs() - settings.startedAt };
  },
  async stop() {
    const bytesAfter = { pause: 0, abort: 0 };
    const closeMs = { running: [], paused: [] };
    for (let round = 0; round < count; round++) {
      for (const how of ['running', 'paused']) {
        let stopped = null, chunks = 0;
        const inside = round % 2 === 0; // in a callback of the transfer, or outside
        const before = Number((await ask('/closed')).split(' ')[0]);
        await new Promise((resolve) => {
          const transfer = peer.transfer('/endless', (n) => {
            if (stopped !== null) bytesAfter[stopped] += n;
            else if (++chunks === 20) inside ? act(transfer).then(resolve) : setImmediate(() => act(transfer).then(resolve));
          });
        });
        async function act(transfer) {
          if (how === 'paused') {
            transfer.pause();
            stopped = 'pause';
            await wait(30);
          }
          const at = nowMs();
          transfer.abort();
          stopped = 'abort';
          for (;;) {
            await wait(5);
            const [closed, ns] = (await ask('/closed')).split(' ').map(Number);
            if (closed > before) return closeMs[how].push(ns / 1e6 - at);
            if (nowMs() - at > 1000) return closeMs[how].push(1000);
          }
        }
      }
    }
    return { pause: bytesAfter.pause, abort: bytesAfter.abort, running: median(closeMs.running), paused: median(closeMs.paused) };
  },
  async remote() {
    const { Worker } = await import('node:worker_threads'); // here, as above
    const worker = new Worker(new URL('remote-worker.js', import.meta.url));
    const heard = () => new Promise((resolve) => { worker.once('message', resolve); });
    await heard();
    const at = new Float64Array(new SharedArrayBuffer(8));
    const took = { idle: [], running: [], pause: [] };
    for (let round = 0; round < count + 10; round++) {
      for (const [row, path, what] of [['idle', '/drip/600', 'abort'], ['running', '/endless', 'abort'], ['pause', '/endless', 'pause']]) {
        let last = 0, chunks = 0, ended = 0, begun;
        const there = new Promise((resolve) => { begun = resolve; });
        const transfer = peer.transfer(path, () => {
          last = nowMs();
          if (++chunks === (row === 'idle' ? 1 : 20)) begun();
        });
        const done = transfer.done.then(() => { ended = nowMs(); });
        await there;
        const { port } = transfer.remote();
        worker.postMessage({ port, what, at }, [port]);
        await heard();
        if (what === 'pause') {
          await wait(5);
          transfer.abort();
        }
        await done;
        if (round >= 10) took[row].push(Math.max(0, (what === 'pause' ? last : ended) - at[0]) * 1000); // the first ones warm up
      }
    }
    const of100 = (list, k) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * k / 100))];
    return Object.fromEntries(Object.entries(took).flatMap(([row, list]) => [[row, of100(list, 50)], [`${row}99`, of100(list, 99)]]));
  },
};

process.stdout.write(JSON.stringify(await rows[row]()), () => process.exit(0));
