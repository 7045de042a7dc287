// js/module.js: where the WebAssembly module comes from in Node.js when the caller brings none.
import { builtin } from './builtin.js';

let compiled = /** @type {WebAssembly.Module | null} */ (null);

/** Compiled once a process, at first use: 3 ms, and asynchronously it would be no less. */
export function defaultModule() {
  if (compiled !== null) return compiled;
  const place = new URL('../dist/sluice.wasm', import.meta.url);
  let bytes;
  try {
    bytes = builtin('node:fs').readFileSync(place);
  } catch (cause) {
    throw new Error(`cannot read ${place.pathname}: build it with ./build.sh wasm, or pass a WebAssembly.Module: new Multi({ module })`, { cause });
  }
  return (compiled = new WebAssembly.Module(bytes));
}
