// js/builtin.js: Node's own modules that many programs never need, loaded when one is first used: node:tls alone takes as long
// as everything here together. Bundlers leave the call alone. Node.js 20.16, Bun 1.2 and Deno 2.1 have it.

/** @type {typeof process.getBuiltinModule} */
export const builtin = (/** @type {string} */ name) => /** @type {any} */ (process.getBuiltinModule(name));
