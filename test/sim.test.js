// The simulator as a WebAssembly module: the same seeds give the same traces as natively, byte for byte.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modulePath = process.env.SLUICE_SIM_WASM ?? `${root}build/sim/sim.wasm`;
const nativePath = process.env.SLUICE_SIM ?? `${root}build/sim/sluice-sim`;
const COUNT = Number(process.env.SLUICE_SIM_SEEDS ?? 500);
const FROM = 1;
const PLANT_BYTE = 16; // sim.h: enum sim_plant, times SIM_PLANT

/** An instance, and what its exports mean. */
async function load() {
  const module = await WebAssembly.compile(readFileSync(modulePath));
  const { exports: sim } = await WebAssembly.instantiate(module, {});
  sim._initialize?.();
  const text = (ptr, n) => Buffer.from(sim.memory.buffer, ptr, n).toString('latin1');
  return {
    module,
    run: (seed, flags = 0) => sim.sim_export_run(seed, 0, flags) === 1,
    hash: () => {
      const hex = (n) => (n >>> 0).toString(16).padStart(8, '0');
      return hex(sim.sim_export_hash_hi()) + hex(sim.sim_export_hash_lo());
    },
    trace: () => text(sim.sim_export_trace_ptr(), sim.sim_export_trace_len()),
    message: () => text(sim.sim_export_message_ptr(), sim.sim_export_message_len()),
    pages: () => sim.memory.buffer.byteLength / 65536,
  };
}

describe('simulator in WebAssembly', () => {
  let sim;
  beforeAll(async () => {
    if (!existsSync(modulePath)) throw new Error(`${modulePath} is missing: ./build.sh sim makes it`);
    sim = await load();
  });

  test('the module imports nothing', () => {
    expect(WebAssembly.Module.imports(sim.module)).toEqual([]);
  });

  test(`invariants hold for ${COUNT} seeds, and traces are those of the native build (B13)`, () => {
    const native = execFileSync(nativePath, [`${FROM}`, `${COUNT}`, '--hashes'], { encoding: 'latin1', maxBuffer: 1 << 28 });
    const wasm = [];
    const violated = [];
    for (let seed = FROM; seed < FROM + COUNT; seed++) {
      if (!sim.run(seed)) violated.push(`seed ${seed}: ${sim.message()}`);
      wasm.push(`${seed} ${sim.hash()}`);
    }
    expect(violated).toEqual([]);
    expect(wasm).toEqual(native.trimEnd().split('\n'));
  });

  test('whole traces are equal, not only their hashes', () => {
    for (const seed of [1, 2, 3]) {
      sim.run(seed);
      const native = execFileSync(nativePath, [`${seed}`, '1', '--trace'], { encoding: 'latin1', maxBuffer: 1 << 28 });
      expect(native.startsWith(sim.trace())).toBe(true);
      expect(sim.trace()).toMatch(/^(\d+ \d+ \S -?\d+ -?\d+\n)+$/);
    }
  });

  test('a broken invariant is found: a byte that comes twice', () => {
    const found = [];
    for (let seed = 1; seed <= 20; seed++) if (!sim.run(seed, PLANT_BYTE)) found.push(sim.message());
    expect(found.length).toBeGreaterThan(5);
    for (const message of found) expect(message).toMatch(/body bytes lost, doubled or wrong/);
  });

  test('every invariant can fail: what is broken on purpose is found, as what it is', () => {
    const said = execFileSync(nativePath, ['1', '5000', '--self-test'], { encoding: 'latin1' });
    expect(said).not.toMatch(/NOT FOUND/);
    expect(said.match(/: found/g).length).toBeGreaterThan(20);
  });

  test('a violation is made small, and its script can be played again', () => {
    const run = (...args) => spawnSync(nativePath, args, { encoding: 'latin1', maxBuffer: 1 << 28 });
    const { stdout, status } = run('1', '100', '--plant', '1');
    expect(status).toBe(1);
    const [, what] = stdout.match(/made small in \d+ runs: (.*)/);
    const [, args] = stdout.match(/^replay: sluice-sim (.*)$/m);
    expect(run(...args.split(' ')).stdout).toContain(`VIOLATED ${what}`);
  });

  test('a run leaves no memory behind', () => {
    for (let seed = 1; seed <= 50; seed++) sim.run(seed);
    const before = sim.pages();
    for (let round = 0; round < 5; round++) for (let seed = 1; seed <= 50; seed++) sim.run(seed);
    expect(sim.pages()).toBe(before);
  });
});
