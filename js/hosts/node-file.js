// js/hosts/node-file.js: kind SL_FILE of the Node host: what a channel has for a socket when it is a file.
//
// One asynchronous call at the file at a time; so the descriptor is closed only when nobody uses it, and at most the
// one chunk whose reading had begun before a pause comes after it. Into the read buffer nothing is read before the
// channel has given its last chunk away. Nothing here keeps the process alive but a call that is on.
//
// Only what is read and written without waiting for others is opened: the other kinds could hold one of Node's few threads
// for ever. A pipe (FIFO) that is read is a socket to Node, which waits for it without a thread.
import { builtin } from '../builtin.js';
import { SL_INVAL, SL_IO, SL_NOMEM } from './door.js';
import { CHUNK, nowUs } from './node-channel.js';

const fs = builtin('node:fs'), { fileURLToPath } = builtin('node:url');
/** @typedef {import('./node-channel.js').Channel} Channel */
/**
 * What the host does for every channel.
 * @typedef {object} Tell
 * @property {(c: Channel) => void} opened
 * @property {(c: Channel) => void} look Something about it has changed.
 * @property {(c: Channel, code: number, words: string, error: Error) => void} gone
 * @property {(c: Channel) => void} closed Its descriptor is.
 * @property {import('./node-channel.js').Buffers} buffers
 */

const MODE = 0o644; // of a new file, as libcurl
const { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC, O_NONBLOCK = 0, O_NOCTTY = 0 } = fs.constants;

/**
 * The file a spec's `path` names: its bytes, where names are bytes.
 * @param {string} path
 * @returns {string | Buffer | null} null: malformed
 */
function fileOf(path) {
  if (path[0] !== '/' || /%(?![0-9a-f]{2})|%00/i.test(path)) return null;
  if (process.platform !== 'win32') {
    return Buffer.from(path.replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1');
  }
  try {
    return fileURLToPath(`file://${path}`);
  } catch {
    return null; // without a drive, or not UTF-8
  }
}

/** The members of net.Socket that node.js and node-channel.js use, over a file. */
export class FileSocket {
  #c; #writes; #tell;
  #fd = -1;
  #pipe = /** @type {import('node:net').Socket | null} */ (null); // owns the descriptor
  #working = true; // a call is on; the first one opens
  #wanted = false; // reading was asked for
  #queue = /** @type {Uint8Array[]} */ ([]);
  #ending = false; // close it when all is written
  #dropped = false; // close it now
  /** Bytes not in the file yet. */
  writableLength = 0;
  closed = false;

  /** @param {Channel} c @param {string | Buffer} file @param {boolean} writes @param {Tell} tell */
  constructor(c, file, writes, tell) {
    this.#c = c;
    this.#writes = writes;
    this.#tell = tell;
    const flags = (writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_NONBLOCK | O_NOCTTY;
    fs.open(file, flags, MODE, (error, fd) => {
      if (error) return this.#fail(error);
      this.#fd = fd;
      fs.fstat(fd, { bigint: true }, (failed, about) => this.#opened(failed, about));
    });
  }
  /** @param {Error | null} error @param {import('node:fs').BigIntStats} about */
  #opened(error, about) {
    if (error) return this.#fail(error);
    if (about.isDirectory()) return this.#fail(new Error('it is a directory'));
    if (this.#writes && about.isFIFO()) return this.#fail(new Error('it is a pipe, which is not written to'));
    if (this.#writes || !about.isFile()) return this.#ready(-1n, about.isFIFO());
    if (about.blocks > 0n) return this.#ready(about.size, false);
    // Files that are made as they are read announce 0, or a page, and have what they have.
    const at = about.size > 0n ? about.size - 1n : 0n;
    fs.read(this.#fd, Buffer.alloc(1), 0, 1, at, (_, n) => this.#ready(n === (about.size > 0n ? 1 : 0) ? about.size : -1n, false));
  }
  /** @param {bigint} size -1n: not known @param {boolean} isPipe */
  #ready(size, isPipe) {
    const c = this.#c;
    try {
      if (isPipe) this.#openPipe();
    } catch (error) { // some other runtime's net
      return this.#fail(/** @type {Error} */ (error));
    }
    this.#working = false;
    c.connectedUs = nowUs();
    c.size = size;
    if (!c.closed) this.#tell.opened(c);
    this.#next();
  }
  #openPipe() {
    this.#pipe = new (builtin('node:net').Socket)({ fd: this.#fd, readable: true, writable: false });
    this.#pipe.pause();
    this.#pipe.on('data', (bytes) => {
      this.#pipe?.pause();
      this.#read(null, bytes, bytes.length);
    }).on('end', () => this.#read(null, null, 0)).on('error', (error) => this.#read(error, null, 0));
  }
  /** @param {Error & { code?: string }} error */
  #fail(error) {
    this.#working = false;
    this.#dropped = true;
    this.#next();
    this.#tell.gone(this.#c, error.code === 'ENOMEM' ? SL_NOMEM : SL_IO, error.message, error);
  }

  /** The one next call, when none is on. */
  #next() {
    if (this.#working || this.closed) return;
    if (this.#dropped || (this.#ending && this.#queue.length === 0)) this.#close();
    else if (this.#queue.length > 0) this.#write();
    else if (this.#wanted && this.#pipe) this.#pipe.resume();
    else if (this.#wanted) this.#ask();
  }
  #ask() {
    this.#working = true;
    const c = this.#c, { buffers } = this.#tell;
    if (c.buffer !== null && c.lent !== null) {
      buffers.give(c.buffer, c.lent);
      c.buffer = c.lent = null;
    }
    c.owns = true;
    const buffer = c.buffer ??= buffers.take();
    fs.read(this.#fd, buffer, 0, CHUNK, null, (error, n) => this.#read(error, buffer, n));
  }
  /** @param {Error | null} error @param {Buffer | null} bytes the channel's buffer, or a pipe's chunk, which is nobody else's @param {number} n of them; 0: the end */
  #read(error, bytes, n) {
    const c = this.#c;
    this.#working = this.#wanted = c.flowing = false;
    if (c.closed) return this.#next();
    if (error) return this.#fail(error);
    if (n === 0) c.ended = true;
    else {
      c.chunk = bytes;
      c.off = c.taken = 0;
      c.end = n;
    }
    this.#tell.look(c); // reads on when all was taken
    this.#next();
  }
  #write() {
    this.#working = true;
    fs.writev(this.#fd, this.#queue, null, (error, n) => {
      this.#working = false;
      if (error) return this.#fail(error);
      this.writableLength -= n;
      while (this.#queue.length > 0 && n >= this.#queue[0].length) n -= /** @type {Uint8Array} */ (this.#queue.shift()).length;
      if (n > 0) this.#queue[0] = this.#queue[0].subarray(n);
      this.#next();
      if (!this.#c.closed) this.#tell.look(this.#c);
    });
  }
  #close() {
    const c = this.#c;
    this.closed = true;
    this.#queue = [];
    c.buffer = null;
    this.writableLength = 0;
    const closed = (/** @type {Error | null} */ error) => {
      if (error) this.#tell.gone(c, SL_IO, error.message, error); // a file of the network may say it only now
      else if (this.#ending && !this.#dropped && !c.closed) {
        c.ended = true; // all that was sent is in the file
        this.#tell.look(c);
      }
      this.#tell.closed(c);
    };
    if (this.#fd < 0) process.nextTick(closed, null);
    else if (this.#pipe) this.#pipe.once('close', () => closed(null)).destroy();
    else fs.close(this.#fd, closed);
  }

  resume() {
    this.#wanted = !this.#writes;
    this.#next();
  }
  pause() {
    this.#wanted = false;
    this.#pipe?.pause();
  }
  /** @param {Uint8Array | string} data borrowed until it is in the file @param {BufferEncoding} [encoding] */
  write(data, encoding) {
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data;
    this.#queue.push(bytes);
    this.writableLength += bytes.length;
    this.#next();
  }
  end() {
    if (!this.#writes) return;
    this.#ending = true;
    this.#next();
  }
  destroySoon() {
    this.#ending = true;
    this.#next();
  }
  destroy() {
    this.#dropped = true;
    this.#next();
  }
  setTimeout() {} // what was sent is written, however long it takes
}

/**
 * Begin to open what a spec names, for a channel that is new.
 * @param {Channel} c @param {Record<string, string> | null} spec @param {Tell} tell
 * @returns {number} 0, or SL_INVAL
 */
export function openFile(c, spec, tell) {
  const file = spec?.path ? fileOf(spec.path) : null;
  if (file === null || !spec || !/^(read|write)$/.test(spec.mode)) return SL_INVAL;
  const writes = spec.mode === 'write';
  c.size = -1n;
  c.ending = !writes; // nothing can be sent
  c.socket = /** @type {any} */ (new FileSocket(c, file, writes, tell));
  return 0;
}
