// js/deno.js: the package's face in Deno, which has Node's sockets and files.
export * from './index.js';
