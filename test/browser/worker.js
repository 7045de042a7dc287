// The driver in a worker: one answer to each message.
import { drive } from './driver.js';

addEventListener('message', async ({ data: { id, command, args } }) => {
  try {
    const value = await drive(command, args);
    postMessage({ id, value }, value instanceof MessagePort ? [value] : []);
  } catch (error) {
    postMessage({ id, error: `${error.stack}` });
  }
});
postMessage({ id: 0 });
