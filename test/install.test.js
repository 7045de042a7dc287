// The native library as it is installed: a program finds it with pkg-config alone, and Debian's valgrind reads what it is.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pattern, sha256 } from './support/bytes.js';
import { ROOT, example, run } from './support/command.js';

const body = pattern(3 * 1048576);
const there = (name) => { try { return execFileSync('which', [name]).length > 0; } catch { return false; } };
const compiler = ['cc', 'clang', 'clang-22'].find(there) ?? 'cc';
let folder, server, url;

/** In a shell, as a reader would. @param {string} command */
const shell = (command) => run('sh', ['-ec', command], { cwd: folder, env: { ...process.env, PKG_CONFIG_PATH: join(folder, 'usr/lib/pkgconfig') } });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-install-'));
  server = http.createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}/`;
  writeFileSync(join(folder, 'prog.c'), example('c'));
  const installed = await shell(`'${ROOT}/build.sh' install usr`); // relative to where it is said
  expect(installed).toMatchObject({ code: 0 });
}, 300000);
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});
const inPrefix = (name) => join(folder, 'usr', name);

test('what is installed: headers below a folder of their own, the archive, sluice.pc, license and notices', () => {
  expect(readdirSync(inPrefix('include'))).toEqual(['sluice']);
  expect(readdirSync(inPrefix('include/sluice/curl')).sort()).toEqual(readdirSync(join(ROOT, 'c/include/curl')).sort());
  expect(readdirSync(inPrefix('include/sluice/sluice'))).toEqual(expect.arrayContaining(['sluice.h', 'host.h']));
  for (const name of ['lib/libsluice.a', 'share/doc/sluice/LICENSE', 'share/doc/sluice/NOTICES']) expect([name, existsSync(inPrefix(name))]).toEqual([name, true]);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(readFileSync(inPrefix('lib/pkgconfig/sluice.pc'), 'utf8')).toContain(`Version: ${version}\n`);
});

(there('pkg-config') ? test : test.skip)('a program is compiled with the flags of pkg-config alone, and runs', async () => {
  const made = await shell(`${compiler} prog.c $(pkg-config --cflags --libs sluice) -Wall -Wextra -Werror -o prog`);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const { code, stdout } = await shell(`./prog ${url}`);
  expect([code, sha256(stdout)]).toEqual([0, sha256(body)]);
}, 60000);

test('DESTDIR goes before the prefix, and is not in sluice.pc', async () => {
  const { code } = await shell(`DESTDIR='${folder}/stage' '${ROOT}/build.sh' install /opt/sluice`);
  expect([code, existsSync(join(folder, 'stage/opt/sluice/lib/libsluice.a'))]).toEqual([0, true]);
  expect(readFileSync(join(folder, 'stage/opt/sluice/lib/pkgconfig/sluice.pc'), 'utf8')).toMatch(/^prefix=\/opt\/sluice$/m);
  const nowhere = await shell(`'${ROOT}/build.sh' install || exit 7`);
  expect([nowhere.code, nowhere.stderr]).toEqual([7, expect.stringContaining('install PREFIX')]);
}, 60000);

test('its debug information is DWARF 4: what the valgrind of Debian 12 reads', () => {
  const info = execFileSync('readelf', ['--debug-dump=info', '--dwarf-depth=1', inPrefix('lib/libsluice.a')], { maxBuffer: 1 << 28 }).toString();
  const versions = new Set([...info.matchAll(/^ *Version: +(\d+)$/gm)].map(([, version]) => version));
  expect([...versions]).toEqual(['4']);
});

(there('valgrind') ? test : test.skip)('valgrind runs a program, knows its lines, and finds nothing', async () => {
  const made = await shell(`${compiler} -gdwarf-4 prog.c -Iusr/include/sluice -Lusr/lib -lsluice -pthread -o checked`);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const { code, stdout, stderr } = await shell(`valgrind --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=99 ./checked ${url}`);
  expect([code, sha256(stdout)]).toEqual([0, sha256(body)]);
  expect(stderr).not.toMatch(/unhandled dwarf|DWARF version|Badly formed|can't read/i);
}, 120000);
