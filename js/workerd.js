// js/workerd.js: the package's face in workerd, where a module is imported and nothing else may be compiled.
// @ts-expect-error: an import of the platform's own kind
import module from '../dist/sluice-fetch.wasm';
import { overFetch } from './web.js';

overFetch(() => module);
export { Multi, Remote, Transfer, TransferError, fetchHost, nodeHost } from './web.js';
