// js/inline-node.js: the package's face in Node.js as it is installed: index.js with the module inside, because beside a program
// that was bundled nobody would find the file. It runs when build.sh has bundled it (dist/index.js).
// @ts-expect-error: the bundler makes it text
import base64 from '../dist/sluice.wasm';
import { files } from './file-sink.js';
import { nodeHost } from './hosts/node.js';
import { setPlatform } from './platform.js';

let module = /** @type {WebAssembly.Module | null} */ (null);
setPlatform({ host: nodeHost, module: () => (module ??= new WebAssembly.Module(Buffer.from(base64, 'base64'))), files, agent: true });
export * from './api.js';
export { nodeHost };
