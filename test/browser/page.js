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
    worker.postMessage({ id, command, args });
  });
}

globalThis.run = (where, command, args) => (where === 'worker' ? driveWorker : drive)(command, args);
globalThis.loseWorker = () => worker.terminate();
document.title = 'ready';
