// js/index.js: the package's face in Node.js.
import { files } from './file-sink.js';
import { nodeHost } from './hosts/node.js';
import { defaultModule } from './module.js';
import { setPlatform } from './platform.js';

setPlatform({ host: nodeHost, module: defaultModule, files, agent: true });
export * from './api.js';
export { nodeHost };

/** @typedef {import('./api.js').TransferOptions} TransferOptions */
/** @typedef {import('./api.js').Limits} Limits */
/** @typedef {import('./api.js').Result} Result */
/** @typedef {import('./api.js').Head} Head */
/** @typedef {import('./api.js').Progress} Progress */
/** @typedef {import('./api.js').Direction} Direction */
/** @typedef {import('./api.js').State} State */
/** @typedef {import('./api.js').Host} Host */
/** @typedef {import('./api.js').Code} Code */
/** @typedef {import('./api.js').TransferEvents} TransferEvents */
/** @typedef {import('./api.js').TlsOptions} TlsOptions */
/** @typedef {import('./api.js').TraceEvent} TraceEvent */
