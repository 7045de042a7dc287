// js/file-sink.js: a file as the place of a response's body, where there is Node's fs.
//
// It is opened when the head comes, and only for what is to be in it: a status of 200 to 299, and of parts the one that was
// asked for (range.js). So no error, and no wrong part, changes a file that is there.
import { builtin } from './builtin.js';
import { PARTIAL_FILE, RANGE_ERROR } from './errors.js';
import { SL_SINK_FAILED } from './hosts/door.js';
import { NodeWritable, drop, isWritable } from './node-sink.js';
import { missingOf, partOf, readRange } from './range.js';

const { constants, statSync } = builtin('node:fs'), { open, realpath, rename, stat, unlink } = builtin('node:fs/promises');
const { basename, dirname, join } = builtin('node:path'), { fileURLToPath } = builtin('node:url');
/** @typedef {import('./sinks.js').Taker} Taker */
/** @typedef {import('node:fs/promises').FileHandle} FileHandle */
/**
 * Where in which file.
 * @typedef {object} Place
 * @property {string} path
 * @property {number | undefined} offset bytes
 * @property {boolean} append
 * @property {boolean} atomic
 * @property {import('./range.js').Asked | null} asked null: all of the resource
 */

const PLACE = new Set(['path', 'offset', 'append', 'atomic']);
const HELP = "a part goes with { path, offset } or { path, append: true } into a file that is there";

/** One write at a time. @implements {Taker} */
class File {
  #place; #hold;
  #file = /** @type {FileHandle | null} */ (null);
  #last = /** @type {Promise<unknown>} */ (Promise.resolve()); // of what was begun
  #part = /** @type {import('./range.js').Part | null} */ (null);
  #taken = 0; // bytes
  #beside = ''; // where an atomic one is written, until it is renamed
  #over = false;
  borrows = true; // a write has read its bytes when it settles
  written = 0;
  /** @param {Place} place @param {import('./sinks.js').Hold} hold @throws {Error} a part would replace a file that is there */
  constructor(place, hold) {
    this.#place = place;
    this.#hold = hold;
    this.name = place.path;
    if (this.#new && isFilled(place.path)) throw new Error(`it is there, and would be replaced by a part: ${HELP}`);
  }
  /** Whether it has to be a new one, or empty. */
  get #new() {
    const { asked, offset, append } = this.#place;
    return asked !== null && offset === undefined && !append;
  }
  /** @param {import('./result.js').Head} head */
  begin({ status, headers }) {
    if (status !== 0 && (status < 200 || status > 299)) return false;
    const part = partOf(status, headers, this.#place.asked);
    if (typeof part === 'string') this.#hold.end(RANGE_ERROR, `${part}; ${this.name} stays as it is`);
    if (typeof part === 'string') return true;
    this.#part = part;
    this.#last = this.#open();
    this.#last.catch(() => {}); // the first write or the end says it
    return true;
  }
  async #open() {
    const { path, offset, append, atomic } = this.#place;
    if (atomic) return this.#openBeside();
    if (append) this.#file = await open(path, 'a');
    else if (offset === undefined) this.#file = await open(path, 'w');
    else this.#file = await open(path, constants.O_WRONLY | (offset === 0 ? constants.O_CREAT : 0), 0o666);
    const { size } = offset === undefined && !append ? { size: 0 } : await this.#file.stat();
    if (append && this.#part !== null && size !== this.#part.first) throw new Error(`it has ${size} bytes, and the part begins behind ${this.#part.first}`);
    if (offset !== undefined && size < offset) throw new Error(`it has ${size} bytes, less than the offset ${offset}`);
  }
  async #openBeside() {
    const { path } = this.#place;
    const real = await realpath(path).catch(() => path); // a link stays one
    const mode = await stat(real).then((about) => about.mode & 0o7777, () => 0o666);
    this.#place = { ...this.#place, path: real };
    const beside = join(dirname(real), `.${basename(real)}.${crypto.randomUUID()}.part`);
    this.#file = await open(beside, 'wx', mode);
    this.#beside = beside;
  }
  /** @param {Uint8Array} chunk */
  take(chunk) {
    this.#taken += chunk.length;
    if (this.#part !== null && this.#taken > this.#part.last - this.#part.first + 1) {
      this.#hold.end(RANGE_ERROR, `more came than the bytes ${this.#part.first} to ${this.#part.last} that the server announced`);
      return SL_SINK_FAILED;
    }
    return (this.#last = this.#write(chunk, this.#last));
  }
  /** @param {Uint8Array} chunk @param {Promise<unknown>} before */
  async #write(chunk, before) {
    await before;
    const { offset } = this.#place;
    for (let at = 0; at < chunk.length;) {
      const { bytesWritten } = await /** @type {FileHandle} */ (this.#file)
        .write(chunk, at, chunk.length - at, offset === undefined ? null : offset + this.written);
      at += bytesWritten;
      this.written += bytesWritten;
    }
  }
  complete() {
    const missing = this.#part === null ? '' : missingOf(this.#part, /** @type {import('./range.js').Asked} */ (this.#place.asked), this.#taken);
    if (missing !== '') return this.#hold.end(PARTIAL_FILE, missing);
    return (this.#last = this.#close(this.#last));
  }
  /** @param {Promise<unknown>} before */
  async #close(before) {
    await before;
    const file = this.#file, { path, offset } = this.#place;
    if (file === null) return; // there was no head
    const { first, last, size } = this.#part ?? { first: -1, last: 0, size: 0 };
    if (offset !== undefined && first === offset && last + 1 === size) await file.truncate(size); // what was behind is of another one
    if (this.#beside !== '') await file.sync();
    await file.close();
    if (this.#beside === '' || this.#over) return;
    await rename(this.#beside, path);
    this.#beside = '';
  }
  fail() {
    this.#over = true;
    this.#last.catch(() => {}).then(() => this.#drop()).catch(() => {});
  }
  async #drop() {
    await this.#file?.close();
    if (this.#beside !== '') await unlink(this.#beside);
  }
}

/** Whether there is something in a file that could be lost. @param {string} file */
export function isFilled(file) {
  const about = statSync(file, { throwIfNoEntry: false });
  return about !== undefined && about.isFile() && about.size > 0;
}

/**
 * Whether two names lead to one file that is there: reading the one while the other is written, which empties it first,
 * would find nothing. What cannot be looked at is not known to be the same.
 * @param {unknown} a @param {unknown} b a path, a file: URL, or anything else: not the name of a file
 */
export function isSameFile(a, b) {
  try {
    const [one, other] = [a, b].map((name) => {
      const file = String(name).startsWith('file:') ? fileURLToPath(String(name)) : name;
      return statSync(/** @type {string | Buffer} */ (file), { bigint: true });
    });
    return one.isFile() && one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}

/** @param {unknown} path @param {string} name @returns {string} */
function readPath(path, name) {
  if (path instanceof URL && path.protocol === 'file:') return fileURLToPath(path);
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw new TypeError(`${name} must be a path or a file: URL, got ${path instanceof URL ? path.protocol : typeof path === 'string' ? JSON.stringify(path) : String(path)}`);
}

/** @param {any} to @param {string | undefined} range the request's own Range @returns {Place} @throws {TypeError} */
function readPlace(to, range) {
  if (typeof to === 'string' || to instanceof URL) to = { path: to };
  for (const name in to) if (!PLACE.has(name)) throw new TypeError(`there is no option to.${name}`);
  const { offset, append = false, atomic = false } = to;
  if (offset !== undefined && !(Number.isSafeInteger(offset) && offset >= 0)) throw new TypeError(`to.offset must be a number of bytes, got ${String(offset)}`);
  for (const [name, value] of [['append', append], ['atomic', atomic]]) {
    if (typeof value !== 'boolean') throw new TypeError(`to.${name} must be true or false, got ${String(value)}`);
  }
  if (offset !== undefined && append) throw new TypeError('to.offset and to.append: bytes go to one place, give one of them');
  if (atomic && (append || offset !== undefined)) throw new TypeError('to.atomic: it makes a file anew, nothing of the old one stays before an offset or to append to');
  const asked = range === undefined ? null : readRange(range);
  if (range !== undefined && asked === null) throw new TypeError(`to: a file takes one range of bytes, and the header Range asks for ${JSON.stringify(range)}`);
  if (asked !== null && atomic) throw new TypeError(`to.atomic: a part is no file, and the header Range asks for one; ${HELP}`);
  return { path: readPath(to.path, 'path' in to && to.path === undefined ? 'to.path' : 'to'), offset, append, atomic, asked };
}

/** @type {import('./platform.js').Files} */
export const files = {
  target(to, range) {
    if (isWritable(to)) return { name: 'the Writable', path: null, open: (hold) => new NodeWritable(to, hold), drop: (error) => drop(to, error) };
    const place = readPlace(to, range);
    return { name: place.path, path: place.path, open: (hold) => new File(place, hold) };
  },
  isSame: isSameFile,
};
