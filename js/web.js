// js/web.js: the package's face where there are no sockets and no files: over fetch, with the small module. Whoever imports
// this says where that module comes from: browser.js, or inline.js.
import { fetchHost } from './hosts/fetch.js';
import { inPage } from './hosts/page.js';
import { setPlatform } from './platform.js';

export * from './api.js';

/** Here to be the same names everywhere. @returns {never} @throws {Error} there are no sockets here */
export function nodeHost() {
  throw new Error('nodeHost: there are no sockets here; fetchHost() is the host of this platform');
}

/** As fetch does: a document's base, which a <base> may change, or the place of a worker. */
const base = () => /** @type {any} */ (globalThis).document?.baseURI ?? /** @type {any} */ (globalThis).location?.href;

/** @param {() => WebAssembly.Module | Promise<WebAssembly.Module>} module */
export const overFetch = (module) => setPlatform({ host: () => fetchHost(), module, files: null, base, agent: !inPage });

/**
 * Compiled once, when it is first wanted; tried again after a failure.
 * @param {() => Promise<WebAssembly.Module>} compile
 */
export function once(compile) {
  let module = /** @type {WebAssembly.Module | Promise<WebAssembly.Module> | null} */ (null);
  return () => (module ??= compile().then((compiled) => (module = compiled), (error) => {
    module = null;
    throw error;
  }));
}
