// js/bun.js: the package's face in Bun, which has Node's sockets and files.
export * from './index.js';
