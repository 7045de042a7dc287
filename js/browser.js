// js/browser.js: the package's face in pages and their workers. Its module is fetched, when the first transfer starts, from
// beside the package: bundlers that understand `new URL(..., import.meta.url)` take it along.
import { once, overFetch } from './web.js';

/** @param {URL} place @returns {Promise<WebAssembly.Module>} */
async function load(place) {
  try {
    const response = await fetch(place, { credentials: 'same-origin' });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const streams = /^application\/wasm$/i.test(response.headers.get('content-type') ?? ''); // else, with a charset too, it would be refused
    return await (streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer()));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    if (/\bCSP\b|content security policy/i.test(String(why))) // a CompileError, in Safari an EvalError
      throw new Error(`cannot compile ${place.href} (${why}): the page's policy has to allow it: script-src 'wasm-unsafe-eval'`, { cause });
    throw new Error(`cannot load ${place.href} (${why}): put sluice-fetch.wasm of the package there, or import 'sluice/inline', ` +
      'which brings it along, or pass a WebAssembly.Module: new Multi({ module })', { cause });
  }
}

overFetch(once(() => load(new URL('../dist/sluice-fetch.wasm', import.meta.url))));
export { Multi, Remote, Transfer, TransferError, fetchHost, nodeHost } from './web.js';
