// The driver in a worker: one answer to each message.
import { drive } from './driver.js';

addEventListener('message', async ({ data: { id, command, args } }) => {
  try {
    postMessage({ id, value: await drive(command, args) });
  } catch (error) {
    postMessage({ id, error: `${error.stack}` });
  }
});
postMessage({ id: 0 });
