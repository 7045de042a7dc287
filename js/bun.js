// js/bun.js: the package's face in Bun: over its fetch. Its sockets do not lend a buffer to read into, as nodeHost() needs.
import { files } from './file-sink.js';
import { fetchHost } from './hosts/fetch.js';
import { defaultModule } from './module.js';
import { setPlatform } from './platform.js';

setPlatform({ host: () => fetchHost(), module: defaultModule, files, agent: true });
export { Multi, Remote, Transfer, TransferError, fetchHost } from './api.js';
export { nodeHost } from './hosts/node.js';
