// The engine stands in layers: a file uses only what stands below it. The arrows are derived from the sources, from what a
// file includes and from what it calls; the list below says what stands where.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TOP = fileURLToPath(new URL('../c/', import.meta.url));

/** From the bottom up. A part is a .c file with its header; parts of one line do not use each other. */
const LAYERS = [
  ['engine/base'],
  ['engine/list', 'engine/text', 'engine/gate', 'engine/limits', 'engine/timers', 'face/strerror', 'face/curl_absent'],
  ['engine/state', 'engine/url', 'engine/route', 'face/global', 'face/curl_text'], // lists of strings are global's: curl_slist_*
  ['engine/options'],
  ['engine/model'],
  ['engine/agenda', 'engine/remote', 'engine/connection', 'protocol/protocol'],
  ['engine/ready', 'engine/request'],
  ['engine/clocks', 'protocol/fields'],
  ['engine/pool'],
  ['engine/transfer'],
  ['engine/expiry', 'engine/upload'],
  ['engine/redirect'],
  ['engine/receive'],
  ['protocol/body'],
  ['protocol/http1', 'protocol/exchange', 'protocol/file'],
  ['protocol/table'],
  ['protocol/table_exchange'], // in its place
  ['protocol/spec'],
  ['engine/lifecycle'],
  ['engine/multi'],
  ['face/embed', 'face/handle', 'face/curl_share'],
  ['face/easy_options'],
  ['face/easy_user'],
  ['face/easy'],
  ['face/easy_info', 'face/curlm'],
  ['face/curl_notify'],
  ['face/curl_socket'],
  ['face/curl_multi'],
  ['face/curl_fds', 'face/curl_multi_set'],
];
const level = new Map(LAYERS.flatMap((parts, i) => parts.map((part) => [part, i])));

const plain = (text) => text.replace(/\/\*[^]*?\*\//g, ' ').replace(/'(?:\\.|[^'\\])'|"(?:\\.|[^"\\])*"/g, '""');
const partOf = (file) => file.replace(/\.[ch]$/, '');

/** { part: its .c and .h, with their comments and texts taken out } */
function readParts(read = readFileSync) {
  const parts = new Map();
  for (const folder of ['engine', 'protocol', 'face']) {
    for (const name of readdirSync(TOP + folder)) {
      if (!/\.[ch]$/.test(name)) continue;
      const file = `${folder}/${name}`, text = String(read(TOP + file));
      const part = parts.get(partOf(file)) ?? { code: '', includes: [], calls: new Set(), defines: new Set(), own: new Set() };
      parts.set(partOf(file), part);
      for (const [, to] of text.matchAll(/^#include "([^"]+)"/gm)) {
        const at = new URL(to, `file:///${folder}/`).pathname.slice(1);
        if (at.startsWith('host/')) continue; // the door's own headers
        part.includes.push(partOf(at));
      }
      if (!name.endsWith('.c')) continue;
      const code = plain(text);
      for (const [, isStatic, fn] of code.matchAll(/^(static\s+)?(?:inline\s+)?[A-Za-z_][\w \t*]*?\b(\w+)\s*\([^;{}]*\)\s*\{/gm)) (isStatic ? part.own : part.defines).add(fn);
      for (const [word] of code.matchAll(/\b[A-Za-z_]\w+\b/g)) part.calls.add(word);
    }
  }
  return parts;
}

/** [from, to, by what] of every arrow. */
function arrowsOf(parts) {
  const where = new Map();
  for (const [part, { defines }] of parts) for (const fn of defines) where.set(fn, [...(where.get(fn) ?? []), part]);
  const arrows = [];
  for (const [part, { includes, calls, own, defines }] of parts) {
    for (const to of includes) if (to !== part) arrows.push([part, to, '#include']);
    for (const word of calls) {
      const to = where.get(word);
      if (to?.length === 1 && to[0] !== part && !own.has(word) && !defines.has(word)) arrows.push([part, to[0], `${word}()`]); // of two one is linked
    }
  }
  return arrows;
}
const upward = (arrows) => arrows.filter(([from, to]) => level.get(to) >= level.get(from)).map(([from, to, by]) => `${from} -> ${to} (${by})`);

test('every part has its place', () => {
  expect([...readParts().keys()].filter((part) => !level.has(part))).toEqual([]);
  expect([...level.keys()].filter((part) => !readParts().has(part))).toEqual([]);
});

test('no arrow runs upward', () => {
  const arrows = arrowsOf(readParts());
  expect(arrows.length).toBeGreaterThan(200);
  expect(upward(arrows)).toEqual([]);
});

test('an arrow that runs upward is named', () => {
  const parts = readParts((file) => readFileSync(file, 'utf8') + (file.endsWith('/gate.c') ? '\nvoid x(void) { sl_multi_run(0); }\n' : file.endsWith('/ready.h') ? '\n#include "pool.h"\n' : ''));
  expect(upward(arrowsOf(parts))).toEqual(expect.arrayContaining(['engine/gate -> engine/multi (sl_multi_run())', 'engine/ready -> engine/pool (#include)']));
});
