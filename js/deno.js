// js/deno.js: the package's face in Deno, which has Node's sockets, files and fs.
export * from './index.js';
