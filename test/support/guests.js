// Programs that emcc made as ES modules, run in Node.js or in a page of Chromium; what they print is told line by line.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { ROOT, start } from './command.js';

const RUNNER = join(ROOT, 'test/support/guest-runner.js');
const TYPES = { '.mjs': 'text/javascript', wasm: 'application/wasm' };

/** The Chromium to test with, if there is one. */
export const chromium = process.env.SLUICE_CHROMIUM ??
  (process.env.PATH ?? '').split(delimiter).map((path) => join(path, 'chromium')).find((path) => existsSync(path));

/**
 * @param {string} module @param {string[]} args @param {(line: string) => void} onLine
 * @returns {Promise<number | null>} its exit code
 */
export async function runInNode(module, args, onLine) {
  const { child, done } = start(process.execPath, [RUNNER, module, ...args], { read: false });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  const { code, stderr } = await done;
  if (stderr) onLine(`stderr: ${stderr}`);
  return code;
}

/**
 * The same in a page: `site` serves the page, the program, and takes its lines.
 * @param {{ origin: string, on: (listener: import('node:http').RequestListener) => void }} site @param {string} module
 * @param {string[]} args @param {(line: string) => void} onLine @param {() => Promise<void>} [after] its exit: the page waits
 * @returns {Promise<number | null>}
 */
export async function runInPage(site, module, args, onLine, after = async () => {}) {
  const name = basename(module), folder = dirname(module);
  const profile = mkdtempSync(join(tmpdir(), 'sluice-chromium-'));
  let over;
  const exit = new Promise((resolve) => (over = resolve));
  site.on(async (request, response) => {
    const path = request.url ?? '';
    if (path === '/page') return response.setHeader('content-type', 'text/html').end(page(name, args));
    if (path.startsWith(`/${name.slice(0, -3)}`)) return response.setHeader('content-type', TYPES[path.slice(-4)]).end(await readFile(join(folder, path)));
    if (request.method !== 'POST') return response.writeHead(404).end();
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    response.end();
    if (path === '/exit') over(text === '' ? null : Number(text));
    else onLine(text);
  });
  const browser = spawn(/** @type {string} */ (chromium), ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${profile}`, `${site.origin}/page`], { stdio: 'ignore', detached: true });
  const gone = new Promise((resolve) => browser.on('close', resolve).on('error', resolve));
  try {
    const code = await Promise.race([exit, gone.then(() => { throw new Error('Chromium ended'); })]);
    await after();
    return code;
  } finally {
    // The whole group: its helpers write to the profile as long as they live.
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL');
    await gone;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Lines go one after the other: they are requests. @param {string} name @param {string[]} args */
const page = (name, args) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">
  import make from './${name}';
  let last = Promise.resolve();
  const send = (path, body) => (last = last.then(() => fetch(path, { method: 'POST', body })));
  const print = (line) => send('/line', line);
  make({ arguments: ${JSON.stringify(args)}, print, printErr: (line) => print('stderr: ' + line), onExit: (code) => send('/exit', String(code)) })
    .catch((error) => { print('stderr: ' + error); send('/exit', ''); });
</script>`;
