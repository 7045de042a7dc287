// js/inline.js: sluice/inline for pages and their workers, with the module inside. It runs when build.sh has bundled it.
// @ts-expect-error: the bundler makes it text
import base64 from '../dist/sluice-fetch.wasm';
import { once, overFetch } from './web.js';

overFetch(once(() => WebAssembly.compile(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)))));
export { Multi, Remote, Transfer, TransferError, fetchHost, nodeHost } from './web.js';
