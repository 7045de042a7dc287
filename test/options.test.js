import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Multi, Transfer } from '../js/index.js';
import { VERSION, readLimits, readOptions } from '../js/options.js';

const URL_ = 'http://sluice.test/';
/** What the engine is given, read as it reads it (embed.h: sl_embed_configure). */
function asked(url, options) {
  const { words, numbers: limits } = readOptions(url, options);
  const read = { numbers: Object.fromEntries(limits), texts: {}, headers: [] };
  for (let at = 0; at < words.length;) {
    const [all, kind, option, value] = /^([nth])(\d+)=(-?\d+):/.exec(words.slice(at));
    at += all.length;
    const text = kind === 'n' ? '' : words.slice(at, at + Number(value));
    at += text.length;
    if (kind === 'n') read.numbers[option] = Number(value);
    else if (kind === 't') read.texts[option] = text;
    else read.headers.push(text);
  }
  return read;
}
const numbers = (options) => asked(URL_, options).numbers;
const texts = (url, options) => asked(url, options).texts;

describe('refused', () => {
  test.each([
    ['a negative time', { timeoutMs: -1 }, RangeError, 'timeoutMs must be a number of milliseconds >= 0, got -1'],
    ['NaN', { connectTimeoutMs: NaN }, RangeError, 'connectTimeoutMs must be a number of milliseconds >= 0, got NaN'],
    ['Infinity', { pausedTimeoutMs: Infinity }, RangeError, 'pausedTimeoutMs must be a number of milliseconds >= 0, got Infinity'],
    ['a time as text', { silenceTimeoutMs: '5' }, TypeError, 'silenceTimeoutMs must be a number of milliseconds >= 0, got "5"'],
    ['null', { timeoutMs: null }, TypeError, 'timeoutMs must be a number of milliseconds >= 0, got null'],
    ['a negative speed', { maxRecvSpeed: -5 }, RangeError, 'maxRecvSpeed must be a number of bytes per second >= 0, got -5'],
    ['a speed that is an object', { maxSendSpeed: {} }, TypeError, 'maxSendSpeed must be a number of bytes per second >= 0, got an object'],
    ['lowSpeed that is a number', { lowSpeed: 5 }, TypeError, 'lowSpeed must be an object, got 5'],
    ['half a lowSpeed', { lowSpeed: { ms: 5 } }, TypeError, 'lowSpeed.bytesPerSecond must be a number of bytes per second >= 0, got undefined'],
    ['a lowSpeed with a stranger', { lowSpeed: { bytesPerSecond: 1, ms: 1, time: 1 } }, TypeError, 'there is no option lowSpeed.time'],
    ['maxBody', { maxBody: -1 }, RangeError, 'maxBody must be a number of bytes >= 0, got -1'],
    ['an unknown option', { colour: 1 }, TypeError, 'there is no option colour'],
    ['a misspelt option', { timeoutMS: 1 }, TypeError, 'there is no option timeoutMS; did you mean timeoutMs?'],
    ['another', { maxRcvSpeed: 1 }, TypeError, 'there is no option maxRcvSpeed; did you mean maxRecvSpeed?'],
    ['a method that is no token', { method: 'GE T' }, TypeError, 'method must be a token such as PUT, got "GE T"'],
    ['an empty method', { method: '' }, TypeError, 'method must be a token such as PUT, got ""'],
    ['a method that is no text', { method: 1 }, TypeError, 'method must be a token such as PUT, got 1'],
    ['CONNECT', { method: 'CONNECT' }, TypeError, 'method: CONNECT opens a tunnel'],
    ['HEAD with a body', { method: 'HEAD', body: '' }, TypeError, 'body: a HEAD request has none'],
    ['follow', { follow: 'yes' }, TypeError, 'follow must be true, false or a number of redirects, got "yes"'],
    ['follow below 0', { follow: -1 }, RangeError, 'follow must be true, false or a number of redirects, got -1'],
    ['follow as a fraction', { follow: 1.5 }, RangeError, 'got 1.5'],
    ['failOnError', { failOnError: 1 }, TypeError, 'failOnError must be true or false, got 1'],
    ['decompress', { decompress: true }, TypeError, 'decompress: content is not decoded yet, only false is accepted, got true'],
    ['a body that is a number', { body: 5 }, TypeError, 'body must be a string, bytes, Blob, FormData, URLSearchParams, ReadableStream, or an iterable or async iterable of chunks, got number'],
    ['a body that is a plain object', { body: {} }, TypeError, 'got Object'],
    ['a body that is an array of no chunks', { body: ['x', 5] }, TypeError, 'body: a chunk must be bytes or a string, got number in an array; what is to be JSON is given as json'],
    ['two bodies', { body: 'x', json: 1 }, TypeError, 'json and body: a request has one body'],
    ['json that is none', { json: () => 1 }, TypeError, 'json: there is no JSON for it, got a function'],
    ['json that cannot be', { json: 1n }, TypeError, 'json: it cannot be written as JSON: '],
    ['json in a circle', { json: (() => { const a = {}; return (a.a = a); })() }, TypeError, 'json: it cannot be written as JSON: Converting circular'],
    ['a type of one\'s own for a form', { body: new FormData(), headers: { 'Content-Type': 'multipart/form-data' } }, TypeError, 'headers: the content-type of FormData'],
    ['a body whose length is another', { body: 'abc', headers: { 'Content-Length': 4 } }, TypeError, 'headers: content-length is 4, but the body has 3 bytes'],
    ['a length without a body', { headers: { 'Content-Length': 4 } }, TypeError, 'headers: content-length and transfer-encoding speak of a body'],
    ['a length that is none', { body: 'abc', headers: { 'Content-Length': '+3' } }, TypeError, 'content-length must be a number of bytes, got "+3"'],
    ['two lengths', { body: 'abc', headers: [['Content-Length', '3'], ['content-length', '4']] }, TypeError, 'content-length is given twice'],
    ['chunked and a length', { body: 'abc', headers: { 'Content-Length': 3, 'Transfer-Encoding': 'chunked' } }, TypeError, 'transfer-encoding can only be chunked'],
    ['another coding', { body: 'abc', headers: { 'Transfer-Encoding': 'gzip' } }, TypeError, 'transfer-encoding can only be chunked'],
    ['to that is no path', { to: '' }, TypeError, 'to must be a path, a file: URL, { path, offset, append, atomic }, a WritableStream or a Writable of Node\'s, got ""'],
    ['to that is a web URL', { to: new URL('http://x/') }, TypeError, 'got http:'],
    ['to and onData', { to: 'x', onData() {} }, TypeError, 'onData and to: a body goes to one place'],
    ['onData', { onData: 'x' }, TypeError, 'onData must be a function, got "x"'],
    ['signal', { signal: {} }, TypeError, 'signal must be an AbortSignal, got an object'],
    ['multi', { multi: {} }, TypeError, 'multi must be a Multi, got an object'],
    ['tls', { tls: 'x' }, TypeError, 'tls must be an object, got "x"'],
    ['tls.verify', { tls: { verify: 0 } }, TypeError, 'tls.verify must be true or false, got 0'],
    ['tls.ca', { tls: { ca: 5 } }, TypeError, 'tls.ca must be PEM text or bytes, got 5'],
    ['something strange among tls.ca', { tls: { ca: [1n] } }, TypeError, 'tls.ca must be PEM text or bytes, got 1 in an array'],
    ['tls.servername', { tls: { servername: 5 } }, TypeError, 'tls.servername must be a string, got 5'],
    ['a stranger in tls', { tls: { cacert: 'x' } }, TypeError, 'there is no option tls.cacert'],
    ['options that are text', 'GET', TypeError, 'options must be an object, got "GET"'],
    ['a header value with CR', { headers: { a: 'x\ry' } }, TypeError, /the value of a has a character/],
    ['a header value with LF', { headers: { a: 'x\ny' } }, TypeError, /the value of a has a character/],
    ['a header value with NUL', { headers: { a: 'x\0' } }, TypeError, /the value of a has a character/],
    ['a header value beyond latin1', { headers: { a: '\u20ac' } }, TypeError, /the value of a has a character/],
    ['a header name with a colon', { headers: { 'a:b': 'x' } }, TypeError, 'headers: "a:b" is not a header name'],
    ['a header name with LF', { headers: { 'a\nb': 'x' } }, TypeError, 'headers: "a\\nb" is not a header name'],
    ['an empty header name', { headers: { '': 'x' } }, TypeError, 'headers: "" is not a header name'],
    ['headers that are pairs of three', { headers: [['a', 'b', 'c']] }, TypeError, 'headers: undefined is not a header name'],
    ['headers that are text', { headers: 'a: b' }, TypeError, /headers must be an object/],
  ])('%s', (_what, options, kind, message) => {
    expect(() => new Transfer(URL_, options)).toThrow(kind);
    expect(() => new Transfer(URL_, options)).toThrow(message);
  });

  test.each([
    ['nonsense', 'url must be an absolute URL, got "nonsense"'], ['/path', 'url must be an absolute URL, got "/path"'],
    ['ftp://x/', 'url must be http:, https: or file:, got ftp:'],
    ['http://a%3Ab:c@x/', /cannot contain a colon/], ['http://a:%0d%0a@x/', /cannot contain CR, LF or NUL/],
    [undefined, 'url must be an absolute URL, got undefined'], [null, 'url must be an absolute URL, got null'],
    [5, 'url must be an absolute URL, got 5'], [{}, 'url must be an absolute URL, got an object'],
  ])('url %s', (url, message) => {
    expect(() => new Transfer(url)).toThrow(TypeError);
    expect(() => new Transfer(url)).toThrow(message);
  });

  test('no arguments, no options', () => {
    expect(() => new Transfer()).toThrow(new TypeError('url must be an absolute URL, got undefined'));
    expect(() => new Transfer(URL_, null)).toThrow(new TypeError('options must be an object, got null'));
  });

  test('limits() takes the limits that may change, and no others', () => {
    const transfer = new Transfer(URL_);
    expect(() => transfer.limits({ timeoutMs: -1 })).toThrow('timeoutMs must be a number of milliseconds >= 0, got -1');
    expect(() => transfer.limits({ drainMaxBytes: 1 })).toThrow('there is no option drainMaxBytes');
    expect(() => transfer.limits(5)).toThrow('limits must be an object, got 5');
    expect(readLimits({ maxRecvSpeed: 7, lowSpeed: { bytesPerSecond: 3, ms: 1500 } })).toEqual([[30146, 7], [19, 3], [20, 2]]);
  });

  test('B10: directions nobody knows', () => {
    const transfer = new Transfer(URL_);
    for (const dir of ['receive', 1, 0x40, null, 'toString', ['recv'], Object.create(null), Symbol('recv')]) {
      expect(() => transfer.pause(dir)).toThrow(TypeError);
      expect(() => transfer.resume(dir)).toThrow("direction must be 'recv', 'send' or 'both'");
    }
  });

  test('a signal that cannot be left again', () => {
    expect(() => new Transfer(URL_, { signal: { addEventListener() {} } })).toThrow(new TypeError('signal must be an AbortSignal, got an object'));
  });

  test('a host and a module that are none', () => {
    expect(() => new Multi({ host: {} })).toThrow('host must be a Host');
    expect(() => new Multi({ module: {} })).toThrow('module must be a WebAssembly.Module');
  });
});

describe('accepted', () => {
  test('numbers go under libcurl\'s and our option numbers, fractions rounded up', () => {
    expect(numbers({ follow: false, timeoutMs: 1.2, connectTimeoutMs: 2, pausedTimeoutMs: 3, silenceTimeoutMs: 4, maxRecvSpeed: 5, maxSendSpeed: 6, drainMaxBytes: 7 }))
      .toEqual({ 30905: 7, 155: 2, 156: 2, 900: 3, 901: 4, 30146: 5, 30145: 6 });
    expect(numbers({ follow: false, lowSpeed: { bytesPerSecond: 100, ms: 1001 } })).toEqual({ 19: 100, 20: 2 });
    expect(numbers({ follow: false, timeoutMs: 0, maxRecvSpeed: undefined, lowSpeed: undefined })).toEqual({ 155: 0 });
  });

  test('methods', () => {
    const request = (options) => [numbers({ follow: false, ...options }), texts(URL_, options)[10036]];
    expect(request({ method: 'GET' })).toEqual([{}, undefined]);
    expect(request({ method: 'head' })).toEqual([{ 44: 1 }, undefined]);
    expect(request({ method: 'delete', decompress: false })).toEqual([{}, 'DELETE']);
    expect(request({ method: 'Brew' })).toEqual([{}, 'Brew']);
    expect(request({ method: 'POST' })).toEqual([{ 46: 1, 30115: 0 }, 'POST']);
    expect(request({ body: 'h\xe9' })).toEqual([{ 46: 1, 30115: 3 }, 'POST']);
    expect(request({ method: 'put', body: new Blob(['ab']) })).toEqual([{ 46: 1, 30115: 2 }, undefined]);
    expect(request({ method: 'PATCH', body: new ReadableStream() })).toEqual([{ 46: 1, 30115: -1 }, 'PATCH']);
    expect(request({ body: new ReadableStream(), headers: { 'content-length': 7 } })).toEqual([{ 46: 1, 30115: 7 }, 'POST']);
    expect(request({ body: 'x', headers: { 'transfer-encoding': 'chunked' } })).toEqual([{ 46: 1, 30115: -1 }, 'POST']);
  });

  test('redirects are followed by default, 20 of them', () => {
    expect(numbers({})).toEqual({ 52: 2, 68: 20 });
    expect(numbers({ follow: true })).toEqual({ 52: 2, 68: 20 });
    expect(numbers({ follow: 3, failOnError: true })).toEqual({ 52: 2, 68: 3 });
    expect(numbers({ follow: 0 })).toEqual({});
  });

  test('the type of a body, and an own one', () => {
    const type = (body, headers) => asked(URL_, { body, headers }).headers;
    expect(type('x')).toEqual(['Content-Type: text/plain;charset=UTF-8']);
    expect(type(new URLSearchParams({ a: 'b c' }))).toEqual(['Content-Type: application/x-www-form-urlencoded;charset=UTF-8']);
    expect(type(new Blob(['x'], { type: 'image/png' }))).toEqual(['Content-Type: image/png']);
    expect(type(new Blob(['x']))).toEqual([]);
    expect(type(new Uint8Array(1))).toEqual([]);
    expect(type('x', { 'content-type': 'a/b' })).toEqual(['content-type: a/b']);
  });

  test('the URL loses credentials and fragment; credentials are the bytes they stand for', () => {
    expect(texts('HTTP://u%20s:p%C3%A9@Host.Test:80/a b?c#d')).toEqual({
      10002: 'http://host.test/a%20b?c', 10005: 'u s:p\xc3\xa9', 10018: `sluice/${VERSION}`,
    });
    expect(texts(new URL('https://u@x/'))[10005]).toBe('u:');
    expect(texts('http://u:p@x/', { headers: { Authorization: 'Bearer x' } })[10005]).toBeUndefined();
    expect(texts('http://b\u00fccher.test/')[10002]).toBe('http://xn--bcher-kva.test/');
  });

  test('the version is the package\'s', () => {
    expect(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version).toBe(VERSION);
  });

  test('headers in every form, repeated, empty, an own User-Agent', () => {
    const lines = (headers) => asked(URL_, { headers }).headers;
    expect(lines({ Accept: 'a', 'X-N': 5 })).toEqual(['Accept: a', 'X-N: 5']);
    expect(lines([['A', '1'], ['a', ' 2 ']])).toEqual(['A: 1', 'a: 2']);
    expect(lines(new Headers([['Accept', 'a'], ['X', 'b']]))).toEqual(['accept: a', 'x: b']);
    expect(lines(new Map([['A', 'b']]))).toEqual(['A: b']);
    expect(lines({ 'X-Empty': '' })).toEqual(['X-Empty;']);
    expect(lines({ 'X-Latin': 'caf\xe9' })).toEqual(['X-Latin: caf\xe9']);
    expect(texts(URL_, { headers: { 'user-agent': 'mine' } })[10018]).toBeUndefined();
  });

  test('socketPath', () => {
    expect(texts(URL_, { socketPath: '/run/x.sock' })[10231]).toBe('/run/x.sock');
    for (const socketPath of ['', 5, null, 'a\nport 1', 'caf\xe9']) expect(() => readOptions(URL_, { socketPath })).toThrow(/^socketPath/);
    expect(() => readOptions('file:///x', { socketPath: '/x' })).toThrow('socketPath: a file needs no connection');
  });

  test('tls', () => {
    expect(readOptions(URL_, { tls: { verify: true } }).tls).toBeNull();
    expect(numbers({ follow: false, tls: { verify: false } })).toEqual({ 64: 0, 81: 0 });
    const pem = (what) => `-----BEGIN ${what}-----\nAA==\n-----END ${what}-----\n`;
    expect(readOptions(URL_, { tls: { ca: pem('CERTIFICATE'), cert: undefined } }).tls).toEqual({ ca: pem('CERTIFICATE') });
  });

  test('nothing happens at construction', () => {
    const transfer = new Transfer(URL_, { multi: new Multi() });
    expect([transfer.state, transfer.result]).toEqual(['idle', null]);
    expect(transfer.progress).toMatchObject({ received: 0, sent: 0, held: 0 });
  });
});
