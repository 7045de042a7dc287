// js/bun.js: the package's face in Bun, which has Node's sockets, files and fs.
export * from './index.js';
