// The worker of the tests: one request drives transfers as long as its WebSocket is open; any other does one transfer.
import { Multi, Transfer, nodeHost } from 'sluice';
import { drive } from '../browser/driver.js';

let kept; // across requests, which must not be

function session() {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener('message', async ({ data }) => {
    const { id, command, args } = JSON.parse(data);
    let answer;
    try {
      answer = { id, value: await drive(command, args) };
    } catch (error) {
      answer = { id, error: `${error.stack}` };
    }
    server.send(JSON.stringify(answer));
  });
  server.addEventListener('close', () => server.close());
  return new Response(null, { status: 101, webSocket: client });
}

async function once({ url, how, sockets }) {
  let multi;
  if (how === 'kept') multi = kept ??= new Multi({ host: nodeHost() });
  if (how === 'own') multi = new Multi(sockets ? { host: nodeHost() } : {});
  if (how === 'own') await new Transfer(url, { multi }).perform();
  const result = await new Transfer(url, { multi }).perform().catch(({ code, message }) => ({ code, message }));
  return Response.json({ status: result.status, text: result.text?.(), code: result.code, message: result.message, address: result.remoteAddress, reused: result.reused });
}

export default {
  fetch: async (request) => (request.headers.get('upgrade') === 'websocket' ? session() : once(await request.json())),
};
