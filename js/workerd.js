// js/workerd.js: the package's face in workerd, where a module is imported and nothing else may be compiled. Over fetch unless
// a Multi is given nodeHost(): what that name has in Node.js, sockets, it has here.
// @ts-expect-error: an import of the platform's own kind
import module from '../dist/sluice.wasm';
import { fetchHost } from './hosts/fetch.js';
import { workerdHost } from './hosts/workerd.js';
import { setPlatform } from './platform.js';

setPlatform({ host: () => fetchHost(), module: () => module, files: null, agent: true, shares: false });
export { Multi, Remote, Transfer, TransferError, fetchHost } from './api.js';
export { workerdHost as nodeHost };
