// node test/support/lint-package.js TARBALL: what publint and arethetypeswrong find in a packed package, as JSON lines; nothing
// when they find nothing. A process of its own: what they are made of does not take the objects of Jest's realm.
import { readFileSync } from 'node:fs';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const tarball = readFileSync(process.argv[2]);
const bytes = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
for (const message of messages) console.log(JSON.stringify({ publint: formatMessage(message, pkg, { color: false }), code: message.code }));
const { types, problems = [] } = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)));
if (types === false) console.log(JSON.stringify({ arethetypeswrong: 'there are no types' }));
// A .wasm has no types, and who ignores "exports" ("node10") knows the main entry only.
const counts = ({ entrypoint = '.', resolutionKind }) => !entrypoint.endsWith('.wasm') && (entrypoint === '.' || resolutionKind !== 'node10');
for (const problem of problems.filter(counts)) console.log(JSON.stringify({ arethetypeswrong: problem }));
