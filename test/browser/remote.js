// Another thread that has a remote handle of a transfer.
import { Remote } from '/js/browser.js';

addEventListener('message', async ({ data: { port, commands } }) => {
  const remote = Remote.from(port);
  const answers = [];
  for (const command of commands) answers.push(await remote[command]());
  postMessage(answers);
});
