// node-libcurl (a native addon), installed in build/bench by the verb where it can be built.
import { createRequire } from 'node:module';

const { Curl, CurlPause, Easy, Multi } = createRequire(new URL('../../../build/bench/node-libcurl/', import.meta.url))('node-libcurl');

export default ({ origin, cafile }) => {
  const multi = new Multi();
  const idle = [];
  const waiting = new Map();
  multi.onMessage((error, easy) => {
    multi.removeHandle(easy);
    waiting.get(easy)();
    waiting.delete(easy);
  });
  function start(path, onChunk) {
    const easy = idle.pop() ?? new Easy();
    easy.setOpt(Curl.option.URL, origin + path);
    if (cafile) easy.setOpt(Curl.option.CAINFO, cafile);
    easy.setOpt(Curl.option.WRITEFUNCTION, onChunk);
    const done = new Promise((resolve) => waiting.set(easy, resolve));
    multi.addHandle(easy);
    return { easy, done };
  }
  return {
    transfer(path, onChunk) {
      const { easy, done } = start(path, (_data, size, n) => {
        onChunk(size * n);
        return size * n;
      });
      return {
        done,
        pause: () => { easy.pause(CurlPause.Recv); },
        resume: () => { easy.pause(CurlPause.Cont); },
        abort: () => { multi.removeHandle(easy); easy.close(); },
      };
    },
    async get(path) {
      const { easy, done } = start(path, (_data, size, n) => size * n);
      await done;
      idle.push(easy);
    },
    close: () => multi.close(),
  };
};
