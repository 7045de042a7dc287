// js/platform.js: what an entry of the package brings: the host and the module of a Multi that is given none, and files.
// Each entry (index.js for Node.js, browser.js, workerd.js ...) says it once, when it is imported; nothing is opened then.

/**
 * @typedef {object} Files How `to` writes a file, where there are any.
 * @property {(to: unknown, range: string | undefined) => import('./sinks.js').Target} target Of whatever `to` may be but a
 *   WritableStream; range: the request's own header. Throws a TypeError.
 * @property {(a: unknown, b: unknown) => boolean} isSame Whether two names (paths, file: URLs) lead to one file that is there.
 *
 * @typedef {object} Platform
 * @property {() => import('./hosts/door.js').Host} host
 * @property {() => WebAssembly.Module | Promise<WebAssembly.Module>} module Asked for at each first use; keeps what it
 *   compiled. Fails with words that name the other ways.
 * @property {Files | null} files
 * @property {boolean} [shares] Whether transfers that name no Multi share one; yes, unless what is opened belongs to one request.
 * @property {() => string | undefined} [base] What a relative URL is resolved against, now; absent: there is nothing.
 * @property {boolean} agent Whether a User-Agent of our own is sent. A page that did would need leave of every other origin.
 */

/** @type {Platform} */
export let platform = {
  host() { throw new Error('no entry of the package was imported: import sluice, or give the Multi a host'); },
  module() { throw new Error('no entry of the package was imported: import sluice, or give the Multi a module'); },
  files: null,
  agent: true,
};

/** @param {Platform} one */
export function setPlatform(one) {
  platform = one;
}
