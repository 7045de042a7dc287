// js/builtin.js: Node's own modules, without an import of theirs. So one that many programs never need is loaded when it is
// first used (node:tls takes as long as all of this package), and the others without what an import loads besides:
// that reads every export, and some of them are whole modules (ReadStream of node:fs, BlockList of node:net).
// Bundlers leave the call alone. Node.js 20.16, Bun 1.2 and Deno 2.1 have it.

/** @type {typeof process.getBuiltinModule} */
export const builtin = (/** @type {string} */ name) => /** @type {any} */ (process.getBuiltinModule(name));
