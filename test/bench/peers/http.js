// node:http and node:https with a keep-alive agent.
import http from 'node:http';
import https from 'node:https';

export default ({ origin, secure, ca, connections }) => {
  const { request, Agent } = secure ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca });
  const send = (path, onResponse, options) => request(origin + path, { agent, ...options }, onResponse);
  const drained = (path) => new Promise((resolve) => send(path, (res) => res.resume().on('end', resolve)).end());
  return {
    transfer(path, onChunk) {
      let res = null;
      const done = new Promise((resolve) => {
        const req = send(path, (response) => {
          res = response;
          res.on('data', (chunk) => onChunk(chunk.length)).on('end', resolve).on('error', resolve);
        });
        req.on('error', resolve).end();
      });
      return { done, pause: () => res.pause(), resume: () => res.resume(), abort: () => res.destroy() };
    },
    get: drained,
    put: (path, chunk, times) => new Promise((resolve) => {
      const req = send(path, (res) => res.resume().on('end', resolve), { method: 'PUT', headers: { 'content-length': chunk.length * times } });
      const more = () => {
        while (times-- > 0) if (!req.write(chunk)) return;
        req.end();
      };
      req.on('drain', more);
      more();
    }),
    close: () => agent.destroy(),
  };
};
