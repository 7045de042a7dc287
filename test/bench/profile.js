// The functions of a .cpuprofile in which most time was spent, themselves.
import { readFileSync } from 'node:fs';

const SHOWN = 18;

/** @param {string} path @param {(line: string) => void} say */
export function hottest(path, say) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const spent = new Map(), places = new Map();
  let total = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (functionName === '(idle)') return;
    const name = `${functionName || '(anonymous)'} ${url ? `${url.split('/').slice(-2).join('/')}:${lineNumber + 1}` : ''}`;
    spent.set(name, (spent.get(name) ?? 0) + timeDeltas[i]);
    const place = url.startsWith('node:') ? "Node's JavaScript" : url.startsWith('wasm:') ? 'Wasm' : url ? url.split('/').slice(-2).join('/') : functionName.startsWith('(') ? functionName : "Node's C++";
    places.set(place, (places.get(place) ?? 0) + timeDeltas[i]);
    total += timeDeltas[i];
  });
  say(`\n${path}: ${(total / 1000).toFixed(0)} ms without idling and reading`);
  for (const [title, map] of [['where', places], ['which', spent]]) {
    say(`  ${title}`);
    for (const [name, us] of [...map].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)) {
      say(`  ${(us / 1000).toFixed(1).padStart(8)} ms ${(us / total * 100).toFixed(1).padStart(5)} %  ${name}`);
    }
  }
}
