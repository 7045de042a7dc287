// The page of the tests: drives transfers here or in its worker.
import { drive } from './driver.js';

let worker, lastId = 0;
const waiting = new Map();

async function driveWorker(command, args) {
  if (worker === undefined) {
    worker = new Worker('/test/browser/worker.js', { type: 'module' });
    await new Promise((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = reject;
    });
    worker.onmessage = ({ data: { id, value, error } }) => {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    };
  }
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, command, args }, args.port ? [args.port] : []);
  });
}

globalThis.run = (where, command, args) => (where === 'worker' ? driveWorker : drive)(command, args);
/** Gives a remote handle of `name`, which runs at `from`, to the other one. */
globalThis.lend = async (from, to, name) => globalThis.run(to, 'borrow', { name, port: await globalThis.run(from, 'lend', { name }) });
/** A transfer at `from` whose onData waits until a remote handle of it, at `to`, was told what to do: all that came after it. */
globalThis.blocked = async (from, to, { name, url, what, arg }) => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  await globalThis.run(from, 'start', { name, url, paused: 'recv', blocks: words });
  await globalThis.lend(from, to, name);
  const paused = await globalThis.run(to, 'remote', { name, what: 'pause' }); // and the words are there
  const other = to === 'worker' ? globalThis.run(to, 'meanwhile', { name, what, arg, words }) : null;
  const going = globalThis.run(from, 'resume', { name });
  const answer = await (other ?? globalThis.run(to, 'meanwhile', { name, what, arg, words }));
  await going;
  return { paused, answer, look: await globalThis.run(from, 'look', { name }) };
};
globalThis.loseWorker = () => worker.terminate();
document.title = 'ready';
