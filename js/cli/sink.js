// js/cli/sink.js: where the bytes go. A file is opened when the first of them comes, and written at once. A stream is
// written in its own time: what it does not take at once holds the transfer.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/**
 * @typedef {object} Sink
 * @property {string} name
 * @property {number} bytes written
 * @property {Error | null} fault why no more can be written
 * @property {number} from bytes that were there and stay, set before the first write
 * @property {boolean} exact whether `bytes` is all: nothing is on its way
 * @property {(chunk: Uint8Array) => void | Promise<void>} write A file has read the chunk when this returns, a stream keeps it.
 * @property {(whole: boolean) => void | Promise<void>} end not whole: nothing is waited for
 */

/** @param {string} name @returns {Sink} */
export function fileSink(name) {
  let fd = -1;
  const open = () => {
    fd = openSync(name, sink.from > 0 ? 'r+' : 'w');
    if (sink.from > 0) ftruncateSync(fd, sink.from);
  };
  /** @type {Sink} */
  const sink = {
    name,
    bytes: 0,
    fault: null,
    from: 0,
    exact: true,
    write(chunk) {
      try {
        if (fd < 0) open();
        for (let at = 0; at < chunk.length; ) {
          const n = writeSync(fd, chunk, at, chunk.length - at, sink.from > 0 ? sink.from + sink.bytes : null);
          sink.bytes += n;
          at += n;
        }
      } catch (error) {
        throw (sink.fault ??= /** @type {Error} */ (error));
      }
    },
    end(whole) {
      if (whole && fd < 0) sink.write(new Uint8Array(0)); // an empty body makes an empty file
      if (fd >= 0) closeSync(fd);
      fd = -1;
    },
  };
  return sink;
}

/** @param {NodeJS.WriteStream} stream @param {string} name @param {() => void} onFault it broke @returns {Sink} */
export function streamSink(stream, name, onFault) {
  let written = Promise.resolve();
  let given = 0;
  /** @param {Error | null | undefined} error */
  const broke = (error) => {
    if (!error || sink.fault !== null) return;
    sink.fault = error;
    onFault();
  };
  /** @type {Sink} */
  const sink = {
    name,
    bytes: 0,
    fault: null,
    from: 0,
    get exact() { return given === sink.bytes; },
    write(chunk) {
      if (sink.fault !== null) throw sink.fault;
      let room = true;
      given += chunk.length;
      written = new Promise((resolve) => {
        room = stream.write(chunk, (error) => {
          if (!error) sink.bytes += chunk.length;
          broke(error);
          resolve();
        });
      });
      return room ? undefined : written;
    },
    async end(whole) {
      if (!whole) return;
      await written;
      if (sink.fault !== null) throw sink.fault;
    },
  };
  stream.on('error', broke);
  return sink;
}
