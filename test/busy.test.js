// A process that was stopped, or whose loop was blocked, is no silent, slow or unreachable peer (B17): what arrived in that
// time is taken in before any limit is judged. The client is a process of its own; its server goes on meanwhile.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { rawServer } from './support/rawserver.js';

const INDEX = new URL('../js/index.js', import.meta.url).href;
const HERE = fileURLToPath(new URL('.', import.meta.url));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const servers = [], children = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  return Promise.all(servers.map((server) => server.close()));
});

async function serve(answer) {
  const server = await rawServer(async (peer) => answer(peer, await peer.request()));
  servers.push(server);
  return server;
}
/** Half the body at once, the rest so much later. */
const halves = (ms) => serve(async (peer) => {
  await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(10000)}`);
  await pause(ms);
  await peer.send('x'.repeat(10000));
});
const nothing = () => serve(() => new Promise(() => {}));

/**
 * Run a transfer in a process: it says 'begun' with the first bytes (or at once), and how it ended.
 * @param {string} url @param {string} options as source text @param {string} [meanwhile] source text that runs behind perform()
 */
function client(url, options, meanwhile = '') {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `
    import { Transfer } from ${JSON.stringify(INDEX)};
    const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const transfer = new Transfer(process.argv[1], ${options});
    transfer.addEventListener('head', () => console.log('begun'));
    const performing = transfer.perform();
    ${meanwhile};
    await performing.then(({ received, elapsedMs }) => console.log(JSON.stringify({ code: 'CURLE_OK', received, elapsedMs })),
      ({ code, message, result }) => console.log(JSON.stringify({ code, message, received: result.received, elapsedMs: result.elapsedMs })));
  `, url], { cwd: HERE, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
  const ended = new Promise((resolve, reject) => child.on('close', () => (text.includes('{') ? resolve(JSON.parse(text.trim().split('\n').at(-1))) : reject(new Error('the client said nothing')))));
  ended.catch(() => {});
  children.push(child);
  return {
    child,
    ended,
    begun: new Promise((resolve) => {
      const look = () => (text.includes('begun') || child.exitCode !== null ? resolve() : setTimeout(look, 10));
      look();
    }),
  };
}
const WHOLE = { code: 'CURLE_OK', received: 20000 };

describe('B17, U4: a process that was stopped for 4 s', () => {
  test.concurrent.each([
    ['the silence of the peer', '{ silenceTimeoutMs: 1000 }'],
    ['low speed', '{ lowSpeed: { bytesPerSecond: 1000, ms: 1000 } }'],
  ])('%s: what came meanwhile is taken in first', async (_, options) => {
    const server = await halves(600);
    const { child, begun, ended } = client(server.url(), options);
    await begun;
    child.kill('SIGSTOP');
    await pause(4000);
    child.kill('SIGCONT');
    expect(await ended).toMatchObject(WHOLE);
  });

  test.concurrent('a peer that is silent indeed is found so soon after', async () => {
    const server = await serve(async (peer) => {
      await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n');
      await new Promise(() => {});
    });
    const { child, begun, ended } = client(server.url(), '{ silenceTimeoutMs: 1000 }');
    await begun;
    child.kill('SIGSTOP');
    await pause(2500);
    child.kill('SIGCONT');
    const { code, message, elapsedMs } = await ended;
    expect(code).toBe('CURLE_OPERATION_TIMEDOUT');
    expect(message).toMatch(/^Peer silent for 1000 milliseconds/);
    expect(elapsedMs).toBeGreaterThan(2000);
    expect(elapsedMs).toBeLessThan(20000);
  });
});

describe('B17, U4: a loop that is blocked for 1.5 s', () => {
  test.concurrent.each([
    ['connecting by address', '127.0.0.1', 'connectTimeoutMs: 1000', 'block(1500)'],
    ['connecting by name', 'localhost', 'connectTimeoutMs: 1000', 'block(1500)'],
    ['silence', '127.0.0.1', 'silenceTimeoutMs: 1000', 'await transfer.response; await sleep(50); block(1500)'],
    ['low speed', '127.0.0.1', 'lowSpeed: { bytesPerSecond: 1000, ms: 1000 }', 'await transfer.response; await sleep(50); block(1500)'],
    ['a consumer that was about to go on', '127.0.0.1', 'pausedTimeoutMs: 1000, async onData() { await sleep(200); }',
      'await transfer.response; await sleep(50); block(1500)'],
  ])('%s', async (_, host, options, meanwhile) => {
    const server = await halves(300);
    const { ended } = client(server.url().replace('127.0.0.1', host), `{ ${options} }`, meanwhile);
    expect(await ended).toMatchObject(WHOLE);
  });

  test.concurrent('the total time goes on all the same (T1)', async () => {
    const server = await nothing();
    const { ended } = client(server.url(), '{ timeoutMs: 1000 }', 'block(1500)');
    expect(await ended).toMatchObject({ code: 'CURLE_OPERATION_TIMEDOUT', received: 0 });
  });
});
