// node guest-runner.js MODULE [ARGUMENT...]: runs a program that emcc made as an ES module.
import { pathToFileURL } from 'node:url';

const [, , path, ...programArguments] = process.argv;
const { default: make } = await import(pathToFileURL(path).href);
await make({ arguments: programArguments });
