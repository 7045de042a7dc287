// The other thread of the row `remote`: holds one remote at a time and says, by the common clock, when it gave its command.
import { parentPort } from 'node:worker_threads';
import { Remote } from '../../dist/index.js';

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

parentPort.on('message', async ({ port, what, at }) => {
  const remote = Remote.from(port);
  await remote.resume('send'); // the way there is warm
  at[0] = nowMs();
  await remote[what]();
  port.close();
  parentPort.postMessage('done');
});
parentPort.postMessage('ready');
