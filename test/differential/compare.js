// What a scene printed with libcurl against what it printed with Sluice: times may be half a second apart.

const TOLERANCE_S = 0.5;
const TIME = /~(\d+\.\d+)|\b(\d+) (?:milliseconds|ms\b)/g;
const PORT = /(127\.0\.0\.1(?: port)? )\d+/g;

/** @param {string} line */
const times = (line) => [...line.matchAll(TIME)].map(([, seconds, ms]) => (seconds === undefined ? ms / 1000 : Number(seconds)));

/** @param {string} a @param {string} b */
export function same(a, b) {
  if (a === b) return true;
  if (a.replace(TIME, '~').replace(PORT, '$1N') !== b.replace(TIME, '~').replace(PORT, '$1N')) return false;
  const other = times(b);
  return times(a).every((time, i) => Math.abs(time - other[i]) <= TOLERANCE_S);
}

/**
 * The fewest lines that make one trace the other: "- line" only libcurl printed, "+ line" only Sluice.
 * @param {string[]} libcurl @param {string[]} sluice
 */
export function difference(libcurl, sluice) {
  const n = libcurl.length, m = sluice.length;
  const common = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1)); // of what is left from there on
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--)
      common[i][j] = same(libcurl[i], sluice[j]) ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const lines = [];
  for (let i = 0, j = 0; i < n || j < m;) {
    if (i < n && j < m && same(libcurl[i], sluice[j])) [i, j] = [i + 1, j + 1];
    else if (j === m || (i < n && common[i + 1][j] >= common[i][j + 1])) lines.push(`- ${libcurl[i++]}`);
    else lines.push(`+ ${sluice[j++]}`);
  }
  return lines;
}

/** @param {string[]} a @param {string[]} b */
export const agree = (a, b) => a.length === b.length && a.every((line, i) => same(line, b[i]));

/**
 * differences.txt: a scene's name, the reasons (indented, each begins with its row), the lines that differ.
 * @param {string} text @returns {Map<string, { reasons: string[], lines: string[] }>}
 */
export function parse(text) {
  const listed = new Map();
  let entry;
  for (const line of text.split('\n')) {
    if (!line.trim() || line.startsWith('#')) continue;
    const [, indented, lead, rest] = /^(\s*)([-+] )?(.*)$/.exec(line);
    if (!indented) {
      if (listed.has(line)) throw new Error(`differences.txt has "${line}" twice`);
      listed.set(line, (entry = { reasons: [], lines: [] }));
    } else if (lead) entry.lines.push(lead + rest);
    else entry.reasons.push(rest);
  }
  return listed;
}
