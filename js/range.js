// js/range.js: parts of a resource: which was asked for, which an answer says it is, and whether the one is the other.

/**
 * One range of bytes as it is asked for.
 * @typedef {object} Asked
 * @property {number} first -1: the last `last` bytes
 * @property {number} last Infinity: to the end
 *
 * What a Content-Range says.
 * @typedef {object} Part
 * @property {number} first -1: no part, of a 416
 * @property {number} last
 * @property {number} size of all of it, -1: not known
 */

/** @param {string} value of a header Range @returns {Asked | null} null: not one range of bytes */
export function readRange(value) {
  const [, first, last, tail] = /^\s*bytes\s*=\s*(?:(\d{1,15})\s*-\s*(\d{1,15})?|-\s*(\d{1,15}))\s*$/i.exec(value) ?? [];
  if (tail !== undefined) return { first: -1, last: Number(tail) };
  if (first === undefined || Number(first) > Number(last ?? Infinity)) return null;
  return { first: Number(first), last: Number(last ?? Infinity) };
}

/** As servers spell it: 'bytes 0-9/10', 'Bytes 0-9/10', 'bytes=0-9/10', with blanks or '*'. @param {string | null} value @returns {Part | null} null: it says none */
export function readContentRange(value) {
  const parts = /^\s*bytes\s*[\s=]\s*(?:(\d{1,15})\s*-\s*(\d{1,15})|\*)\s*\/\s*(\d{1,15}|\*)\s*$/i.exec(value ?? '');
  if (parts === null) return null;
  const [, first = -1, last = -1, size] = parts, part = { first: Number(first), last: Number(last), size: size === '*' ? -1 : Number(size) };
  const whole = part.first <= part.last && (part.size < 0 || part.last < part.size);
  return whole && (part.first >= 0 || part.size >= 0) ? part : null;
}

/**
 * What an answer with a status of 200 to 299 brings of what was asked for; or what is wrong with it.
 * @param {number} status @param {Headers} headers @param {Asked | null} asked null: all of it
 * @returns {Part | string | null} null: all of it
 */
export function partOf(status, headers, asked) {
  if (status !== 206) return asked === null || (asked.first === 0 && asked.last === Infinity) ? null : 'the server can only send all of it';
  if (asked === null) return 'the server sends a part, and all was asked for';
  if (/^\s*multipart\/byteranges/i.test(headers.get('content-type') ?? '')) return 'the server sends several parts in one';
  const part = readContentRange(headers.get('content-range'));
  if (part === null || part.first < 0) return 'the server sends a part and does not say which';
  const { first, last, size } = part, length = last - first + 1, announced = headers.get('content-length');
  const begins = asked.first >= 0 ? asked.first : size >= 0 ? Math.max(0, size - asked.last) : first;
  const where = asked.first >= 0 ? `the one from ${asked.first} on` : `the last ${asked.last} bytes`;
  if (first !== begins || (asked.first >= 0 && last > asked.last)) return `the server sends another part than ${where}: bytes ${first} to ${last}`;
  if (announced !== null && Number(announced) !== length) return `the server sends ${announced} bytes and calls them bytes ${first} to ${last}`;
  return part;
}

/**
 * What is missing when so many bytes of a part have come, and no more will.
 * @param {Part} part @param {Asked} asked @param {number} came @returns {string} empty: nothing
 */
export function missingOf({ first, last, size }, asked, came) {
  const length = last - first + 1, most = asked.first < 0 ? size - 1 : Math.min(asked.last, size - 1);
  if (came < length) return `${came} bytes came of the ${length} that the server announced as bytes ${first} to ${last}`;
  if (size >= 0 && last < most) return `the server sent bytes ${first} to ${last} only, of ${size}`;
  return '';
}
