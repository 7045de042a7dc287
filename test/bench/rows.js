// The rows of the bench: what is measured, against which base, and what we aim at (PERFORMANCE.md).
//
// metrics: what a run answers, in the order of the columns; the first is the one that ratios are of.
// goals: [name, metric, at most, of which peer: a ratio; absolute when there is none].
// runs: at most so many. least: at least so many, but with `--quick`. quick: what `--quick` changes. peers: only these.
// program: what runs a peer, instead of client.js.
const GIB = 2 ** 30;
const cpu = ['cpu', 'CPU s'], wall = ['wall', 'wall s'];
const each = [['cpu', 'CPU µs'], ['wall', 'wall µs']];

/** In the order of the tables. C peers are programs, built by the verb. */
export const PEERS = ['net-onread', 'net-data', 'http', 'undici-stream', 'undici-request', 'fetch', 'node-libcurl', 'libcurl', 'sluice', 'sluice-native'];
/** Sluice gives chunks away, as node:net's 'data' does, or with `borrow` lends them, as its onread does. */
const WITH_BORROWED = PEERS.flatMap((peer) => (peer === 'sluice' ? ['sluice', 'sluice-borrow'] : [peer]));

export const ROWS = {
  download: {
    title: '1 GiB over HTTP/1.1',
    client: 'download', bytes: GIB, quick: { bytes: GIB / 2 }, base: 'net-data',
    metrics: [cpu, wall, ['rss', 'RSS MiB']],
    peers: WITH_BORROWED,
    goals: [['chunks of the caller\'s', 'cpu', 0.8, 'net-data'], ['borrowed', 'cpu', 0.47, 'net-data', 'sluice-borrow'], ['C engine', 'cpu', 1, 'libcurl', 'sluice-native']],
  },
  tls: {
    title: '1 GiB over TLS (nginx)',
    client: 'download', secure: true, bytes: GIB, quick: { bytes: GIB / 4 }, base: 'net-data',
    metrics: [cpu, wall, ['rss', 'RSS MiB']],
    peers: WITH_BORROWED,
    goals: [['goal', 'cpu', 0.9, 'net-data'], ['borrowed', 'cpu', 0.9, 'net-data', 'sluice-borrow']],
  },
  get1: {
    title: 'small GET, 1 connection',
    client: 'get', count: 8000, connections: 1, quick: { count: 3000 }, base: 'net-data',
    metrics: each,
    goals: [['goal', 'cpu', 0.95, 'net-data'], ['C engine', 'cpu', 1, 'libcurl', 'sluice-native']],
  },
  get64: {
    title: 'small GET, 64 connections',
    client: 'get', count: 12000, connections: 64, quick: { count: 6000 }, base: 'net-data',
    metrics: each,
    goals: [['goal', 'cpu', 0.75, 'net-data'], ['at the least', 'cpu', 1, 'undici-stream'], ['C engine', 'cpu', 1, 'libcurl', 'sluice-native']],
  },
  'get64-long': { // what is left when V8 has optimised everything: a server's case
    title: 'small GET, 64 connections, 100,000 of them',
    client: 'get', count: 100000, connections: 64, quick: { count: 50000 }, base: 'net-data', runs: 1,
    metrics: each,
    goals: [['goal', 'cpu', 1, 'libcurl']],
  },
  put: {
    title: 'PUT of 1 GiB',
    client: 'put', bytes: GIB, quick: { bytes: GIB / 4 }, base: 'net-data',
    metrics: [cpu, wall],
    goals: [['goal', 'cpu', 0.8, 'net-data'], ['at the least', 'cpu', 1, 'net-data']],
  },
  paused: {
    title: '1,000 paused transfers',
    client: 'paused', count: 1000, connections: 1100, base: 'net-data', gc: true,
    metrics: [['rss', 'RSS KiB each']],
    peers: WITH_BORROWED,
    goals: [['chunks of the caller\'s', 'rss', 1, 'libcurl'], ['borrowed', 'rss', 14, undefined, 'sluice-borrow']],
  },
  'paused-tls': {
    title: '1,000 paused transfers over TLS',
    client: 'paused', secure: true, count: 1000, connections: 1100, quick: { count: 300 }, base: 'net-data', gc: true, runs: 1,
    metrics: [['rss', 'RSS KiB each']],
    goals: [['goal', 'rss', 70]],
  },
  slow: {
    title: '10,000 concurrent transfers at 64 bytes a second',
    client: 'slow', count: 10000, connections: 12000, quick: { count: 2000 }, base: 'net-data', gc: true, runs: 1,
    peers: ['net-onread', 'net-data', 'http', 'undici-request', 'libcurl', 'sluice', 'sluice-native'],
    metrics: [['rss', 'RSS KiB each'], ['open', 'CPU µs to open each'], ['steady', 'CPU % while they drip']],
    goals: [],
  },
  start: {
    title: 'process start to first byte',
    client: 'start', base: 'net-data', connections: 1,
    metrics: [['ms', 'ms']],
    goals: [['goal', 'ms', 1.05, 'net-data']],
  },
  stop: {
    title: 'after pause() and abort(): bytes delivered, ms until the server sees the close',
    client: 'stop', count: 20, connections: 4, base: 'net-data', runs: 1,
    peers: ['net-onread', 'net-data', 'http', 'undici-stream', 'undici-request', 'fetch', 'sluice'],
    metrics: [['pause', 'bytes after pause'], ['abort', 'bytes after abort'], ['running', 'ms to close, running'], ['paused', 'ms to close, paused']],
    goals: [['goal', 'pause', 0], ['goal', 'abort', 0], ['goal', 'running', 0.5], ['goal', 'paused', 0.5]],
  },
  remote: {
    title: 'from another thread: µs from abort() until the transfer has ended, from pause() until its last byte',
    client: 'remote', count: 200, connections: 4, quick: { count: 50 }, base: 'sluice', runs: 1,
    peers: ['sluice', 'sluice-native'],
    metrics: [['idle', 'abort, waiting'], ['idle99', '99 of 100'], ['running', 'abort, running'], ['running99', '99 of 100'], ['pause', 'pause'], ['pause99', '99 of 100']],
    goals: [['goal', 'idle', 1000], ['C engine', 'idle', 200, undefined, 'sluice-native'], ['goal', 'pause', 100], ['C engine', 'pause', 100, undefined, 'sluice-native']],
  },
  chromium: {
    title: '256 MiB in a page of Chromium, beside reading the body of fetch()',
    program: 'chromium.js', client: 'chromium', bytes: GIB / 4, base: 'fetch', least: 5,
    peers: ['fetch', 'sluice'], quick: { peers: ['fetch', 'sluice'] }, // Chromium's own fetch
    metrics: [wall, ['cpu', "CPU s of the page's process"]],
    goals: [['goal', 'wall', 1.05, 'fetch'], ['goal', 'cpu', 1.05, 'fetch']],
  },
};

export const PROGRAMS = { libcurl: 'build/bench/libcurl', 'sluice-native': 'build/bench/sluice-native' };
export const QUICK_PEERS = ['net-onread', 'net-data', 'http', 'undici-stream', 'libcurl', 'sluice', 'sluice-borrow', 'sluice-native'];
