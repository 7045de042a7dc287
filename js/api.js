// js/api.js: what every entry of the package gives.
export { TransferError } from './errors.js';
export { fetchHost } from './hosts/fetch.js';
export { Multi } from './multi.js';
export { Remote } from './remote.js';
export { Transfer } from './transfer.js';

/** @typedef {import('./options.js').TransferOptions} TransferOptions */
/** @typedef {import('./options.js').Limits} Limits */
/** @typedef {import('./result.js').Result} Result */
/** @typedef {import('./result.js').Head} Head */
/** @typedef {import('./result.js').Progress} Progress */
/** @typedef {import('./transfer.js').Direction} Direction */
/** @typedef {import('./transfer.js').State} State */
/** @typedef {import('./hosts/door.js').Host} Host */
/** @typedef {import('./errors.js').Code} Code */
/** @typedef {import('./transfer.js').TransferEvents} TransferEvents */
/** @typedef {import('./hosts/door.js').TlsOptions} TlsOptions */
/** @typedef {import('./trace.js').TraceEvent} TraceEvent */
