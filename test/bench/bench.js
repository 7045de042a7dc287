// ./build.sh bench [ROW ...] [--quick] [--peer NAME ...] [--profile]: every peer and Sluice side by side, on loopback.
//
// Each run is a fresh process, pinned to one core; the servers are pinned to another, kept awake by a spinner of idle
// priority. Runs of a row alternate between the peers. Figures are medians; ratios are to the row's base in the same call.
// --profile: a CPU profile of each run of Sluice (or of the peers asked for), summed up here, and no goals.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { hottest } from './profile.js';
import { PEERS, PROGRAMS, QUICK_PEERS, ROWS } from './rows.js';
import { startPlain, startSpinner, startTls, stopServers } from './servers.js';
import { measureSizes } from './sizes.js';

const RUN_MS = 90_000; // a run that takes longer has failed
const HOST = '127.0.0.1';
const PROFILES = 'build/bench/profiles';
const say = (line = '') => process.stdout.write(`${line}\n`);

function readArguments(words) {
  const asked = { rows: [], peers: [], quick: false, profile: false };
  for (let i = 0; i < words.length; i++) {
    if (words[i] === '--quick') asked.quick = true;
    else if (words[i] === '--profile') asked.profile = true;
    else if (words[i] === '--peer') asked.peers.push(words[++i]);
    else asked.rows.push(words[i]);
  }
  const names = [...Object.keys(ROWS), 'size'];
  for (const row of asked.rows) if (!names.includes(row)) throw new Error(`there is no row ${row}; rows: ${names.join(' ')}`);
  const known = [...new Set(Object.values(ROWS).flatMap((row) => row.peers ?? PEERS))];
  for (const peer of asked.peers) if (!known.includes(peer)) throw new Error(`there is no peer ${peer}; peers: ${known.join(' ')}`);
  if (asked.profile && asked.peers.length === 0) asked.peers = ['sluice'];
  if (asked.rows.length === 0) asked.rows = names;
  return asked;
}

/** Pins this process, and so all clients, to one core. @returns {{ pin: string[], words: string }} what pins the servers to another */
function pinToCores() {
  try {
    const list = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1];
    const cores = list.split(',').flatMap((part) => {
      const [from, to = from] = part.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });
    if (cores.length < 2) return { pin: [], words: 'not pinned: there is one core' };
    execFileSync('taskset', ['-acp', String(cores[0]), String(process.pid)], { stdio: 'ignore' });
    return { pin: ['taskset', '-c', String(cores[1])], words: `clients on core ${cores[0]}, servers on core ${cores[1]}` };
  } catch {
    return { pin: [], words: 'not pinned: no taskset here' };
  }
}

/** One run. @returns {Promise<Record<string, number> | { skip: string }>} */
function run(peer, row, target, profile) {
  const { client, bytes = 0, count = 0, connections = 1, gc } = row;
  const { port, cafile } = target;
  const origin = `${row.secure ? 'https' : 'http'}://${HOST}:${port}`;
  const startedAt = Number(process.hrtime.bigint()) / 1e6;
  const settings = { host: HOST, port, origin, secure: row.secure === true, cafile: row.secure ? cafile : undefined, bytes, count, connections, startedAt };
  const flags = [...(gc ? ['--expose-gc'] : []), ...(profile ? ['--cpu-prof', `--cpu-prof-dir=${PROFILES}`, '--cpu-prof-interval=200'] : [])];
  const command = peer in PROGRAMS
    ? [PROGRAMS[peer], client, origin, bytes, count, connections, ...(row.secure ? [cafile] : [])].map(String)
    : [process.execPath, ...flags, new URL(row.program ?? 'client.js', import.meta.url).pathname, peer, client, JSON.stringify(settings)];
  const env = { ...process.env };
  if (row.secure) env.NODE_EXTRA_CA_CERTS = cafile; // all that fetch listens to
  if (profile) env.SLUICE_BENCH_WASM = 'build/bench/sluice.wasm';
  return new Promise((done) => {
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_MS, killSignal: 'SIGKILL', env });
    let out = '', err = '';
    child.stdout.on('data', (text) => { out += text; });
    child.stderr.on('data', (text) => { err += text; });
    child.on('error', (error) => done({ skip: error.message }));
    child.on('close', (code, signal) => {
      try {
        const figures = JSON.parse(out);
        if ('at' in figures) figures.ms = figures.at - startedAt;
        done(figures);
      } catch {
        done({ skip: `failed (${signal ?? `exit ${code}`}): ${/^\w*Error.*$/m.exec(err)?.[0] ?? err.trim().split('\n').at(-1)}` });
      }
    });
  });
}

const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const show = (value) => (value === undefined ? '–' : value !== 0 && Math.abs(value) < 10 ? value.toFixed(value < 1 ? 3 : 2) : value.toFixed(Math.abs(value) < 100 ? 1 : 0));

/** Columns aligned; the first to the left. */
function table(lines) {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  for (const line of lines) say(`  ${line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`);
}

/** @returns {object[]} each goal with what was measured; those that cannot be told are left out */
function judge(row, figures) {
  const judged = [];
  for (const [name, metric, limit, of, peer = 'sluice'] of row.goals) {
    const value = figures[peer]?.[metric]?.median, base = of === undefined ? 1 : figures[of]?.[metric]?.median;
    if (value === undefined || base === undefined) continue;
    const measured = value / base, unit = row.metrics.find(([key]) => key === metric)[1];
    const reached = measured <= limit;
    judged.push({ name, peer, metric, limit, of, measured, reached });
    const factor = of === undefined ? '' : '×';
    say(`  ${reached ? 'reached' : 'MISSED '} ${name}: ${peer} ${unit} ${factor}${show(measured)}, at most ${factor}${limit}${of ? ` of ${of}` : ''}`);
  }
  return judged;
}

async function measure(name, asked, targets, runs) {
  const row = { ...ROWS[name], ...(asked.quick ? ROWS[name].quick : {}) };
  const usual = asked.quick ? ROWS[name].quick?.peers ?? QUICK_PEERS : ROWS[name].peers ?? PEERS;
  const wanted = (row.peers ?? PEERS).filter((peer) => (asked.peers.length > 0 ? asked.peers : usual).includes(peer));
  const results = {}, skipped = {};
  const times = Math.max(Math.min(runs, row.runs ?? runs), asked.quick ? 1 : row.least ?? 1);
  for (let i = 0; i < times; i++) {
    for (const peer of wanted) {
      if (peer in skipped) continue;
      if (peer in PROGRAMS ? !existsSync(PROGRAMS[peer]) : peer === 'node-libcurl' && !existsSync('build/bench/node-libcurl/node_modules')) {
        skipped[peer] = 'not built here';
        continue;
      }
      const figures = await run(peer, row, row.secure ? targets.tls : targets.plain, asked.profile);
      if ('skip' in figures) skipped[peer] = figures.skip;
      else (results[peer] ??= []).push(figures);
    }
  }
  const figures = {};
  for (const [peer, list] of Object.entries(results)) {
    figures[peer] = Object.fromEntries(row.metrics.map(([key]) => {
      const all = list.map((one) => one[key]);
      return [key, { median: median(all), all }];
    }));
  }
  const [first] = row.metrics[0];
  const base = figures[row.base]?.[first].median;
  say(`\n${name}: ${row.title}${asked.quick && row.quick ? ' (less of it)' : ''}${times > 1 ? `, medians of ${times}` : ''}`);
  table([
    ['', ...row.metrics.map(([, unit]) => unit), `× ${row.base}`],
    ...Object.keys(figures).map((peer) => [
      peer, ...row.metrics.map(([key]) => show(figures[peer][key].median)), base ? show(figures[peer][first].median / base) : '–',
    ]),
  ]);
  for (const [peer, why] of Object.entries(skipped)) say(`  no ${peer}: ${why}`);
  return { name, title: row.title, settings: { bytes: row.bytes, count: row.count, connections: row.connections }, base: row.base, runs: times, figures, skipped, goals: asked.profile ? [] : judge(row, figures) };
}

async function main() {
  const asked = readArguments(process.argv.slice(2));
  const runs = Number(process.env.BENCH_RUNS ?? (asked.quick || asked.profile ? 1 : 3));
  if (!(runs >= 1)) throw new Error(`BENCH_RUNS must be a number of runs, got ${process.env.BENCH_RUNS}`);
  const load = os.loadavg()[0];
  const { pin, words } = pinToCores();
  say(`Node ${process.versions.node}, ${os.cpus()[0].model}, ${words}; load before: ${load.toFixed(1)}`);
  if (load > 0.7) say('this machine is busy: compare ratios, and those with care');
  rmSync(PROFILES, { recursive: true, force: true });
  if (pin.length > 0) startSpinner(pin);
  const rows = asked.rows.filter((name) => name !== 'size' && !(asked.profile && ROWS[name].program)); // a profile is of a process of Node
  const sizes = rows.map((name) => (asked.quick && ROWS[name].quick?.bytes) || ROWS[name].bytes || 1_000_000);
  const targets = {
    plain: rows.length > 0 ? { port: await startPlain(pin) } : null,
    tls: rows.some((name) => ROWS[name].secure) ? await startTls(pin, sizes) : null,
  };
  const report = { date: new Date().toISOString(), node: process.versions.node, cpu: os.cpus()[0].model, pinned: words, load, quick: asked.quick, rows: [] };
  for (const name of rows) report.rows.push(await measure(name, asked, targets, runs));
  if (asked.rows.includes('size')) {
    say('\nsize: bytes, gzip -9');
    const { lines, goals, figures } = measureSizes();
    table(lines);
    for (const { reached, name, limit, measured } of goals) say(`  ${reached ? 'reached' : 'MISSED '} goal: ${name} ${measured}, at most ${limit}`);
    report.rows.push({ name: 'size', figures, goals });
  }
  if (asked.profile) for (const file of readdirSync(PROFILES)) hottest(`${PROFILES}/${file}`, say);
  else {
    const goals = report.rows.flatMap((row) => row.goals);
    say(`\n${goals.filter((goal) => goal.reached).length} of ${goals.length} goals reached; all figures: build/bench.json`);
    writeFileSync('build/bench.json', `${JSON.stringify(report, null, 1)}\n`);
  }
}

mkdirSync('build/bench', { recursive: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
process.on('exit', stopServers);
await main().catch((error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
process.exit();
