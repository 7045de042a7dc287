// What becomes of a request's body: whatever ends the transfer, it is ended exactly once, read or not, and no descriptor stays.
import { createReadStream, mkdtempSync, openAsBlob, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, fetchHost, nodeHost } from '../js/index.js';
import { platform, setPlatform } from '../js/platform.js';
import { until } from './helpers/wait.js';
import { webServer } from './support/bodies.js';
import { failure, pattern, sha256, within } from './support/bytes.js';
import { CLI, run } from './support/command.js';
import { rawServer } from './support/rawserver.js';

const CHUNK = pattern(1000);
const EMPTY_MODULE = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
const descriptors = () => readdirSync('/proc/self/fd').length;

let folder, file;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-bodies-'));
  file = join(folder, 'large');
  writeFileSync(file, pattern(4 * 1024 * 1024));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An iterator that never ends by itself: what was asked of it. @param {'async' | 'sync'} kind */
function endless(kind) {
  const seen = { ends: 0, taken: 0 };
  const iterator = {
    next: () => (kind === 'sync' ? { value: CHUNK } : ++seen.taken > 3 ? new Promise(() => {}) : Promise.resolve({ value: CHUNK })),
    return: () => {
      seen.ends++;
      return kind === 'sync' ? { done: true } : Promise.resolve({ done: true });
    },
  };
  return { body: { [kind === 'sync' ? Symbol.iterator : Symbol.asyncIterator]: () => iterator }, ends: () => seen.ends };
}
/** How often a generator was returned, started or not. @param {any} generator */
function spied(generator) {
  const back = generator.return.bind(generator);
  let ends = 0;
  generator.return = (value) => {
    ends++;
    return back(value);
  };
  return { body: generator, ends: () => ends };
}
function nodeStream(make) {
  const stream = make();
  let ends = 0;
  const destroy = stream._destroy.bind(stream);
  stream._destroy = (error, done) => {
    ends++;
    destroy(error, done);
  };
  return { body: stream, ends: () => ends };
}
/** What never ends by itself, and how often it was ended. @type {Record<string, () => { body: any, ends: () => number, reason?: () => unknown }>} */
const KINDS = {
  'a web stream': () => {
    let ends = 0, reason;
    return {
      body: new ReadableStream({
        pull(controller) { controller.enqueue(CHUNK); },
        cancel(why) {
          ends++;
          reason = why;
        },
      }, { highWaterMark: 0 }),
      ends: () => ends,
      reason: () => reason,
    };
  },
  'an async iterator': () => endless('async'),
  'a sync iterator': () => endless('sync'),
  'an async generator': () => spied((async function* () { for (;;) yield CHUNK; })()),
  'a sync generator': () => spied((function* () { for (;;) yield CHUNK; })()),
  'a stream of Node\'s': () => nodeStream(() => new Readable({ read() { setImmediate(() => this.push(CHUNK)); } })),
  'a stream of a file': () => nodeStream(() => createReadStream(file)),
};

/** A host that fails at one of its calls. */
const broken = (make, change) => {
  const host = make();
  return { ...host, attach: host.attach, close: () => host.close(), registerTls: host.registerTls, ...change(host) };
};
const fault = () => { throw new Error('a fault'); };

/**
 * Ways to end: what to do with a server and a body, and what perform() rejects with (null: it resolves).
 * @type {Record<string, (at: { send: (options: any, to?: any) => Transfer, server: (script: any) => Promise<string>, make: () => any, body: any }) => Promise<unknown>>}
 */
const nobody = async () => {
  const server = await rawServer(silent), url = server.url();
  await server.close();
  return url;
};
const silent = (peer) => peer.request();
const answer = (bytes) => async (peer) => {
  await peer.request();
  await peer.send(bytes);
};
const ENDS = {
  'aborted, and never performed': async ({ send, body }) => void send({ body }).abort(new Error('enough')),
  'aborted before perform()': async ({ send, body }) => {
    const transfer = send({ body });
    transfer.abort(new Error('enough'));
    expect((await failure(transfer.perform())).message).toBe('enough');
  },
  'a signal that was aborted before': async ({ send, body }) => {
    const signal = AbortSignal.abort(new Error('enough'));
    expect((await failure(send({ body, signal }).perform())).message).toBe('enough');
  },
  'aborted at once': async ({ send, server, body }) => {
    const transfer = send({ body }, await server(silent)), ending = failure(transfer.perform());
    transfer.abort(new Error('enough'));
    expect((await ending).message).toBe('enough');
  },
  'a signal, after it was asked for': async ({ send, server, body }) => {
    const controller = new AbortController();
    const transfer = send({ body, signal: controller.signal }, await server(silent)), ending = failure(transfer.perform());
    await until(() => transfer.progress.sent >= 2000);
    controller.abort(new Error('enough'));
    expect((await ending).message).toBe('enough');
  },
  'aborted while paused': async ({ send, server, body }) => {
    const transfer = send({ body }, await server(silent)), ending = failure(transfer.perform());
    await until(() => transfer.progress.sent > 0);
    transfer.pause();
    transfer.abort(new Error('enough'));
    expect((await ending).message).toBe('enough');
  },
  'refused at the start': async ({ send, body }) => {
    const to = new WritableStream(), transfer = send({ body, to });
    to.getWriter();
    expect(await failure(transfer.perform())).toMatchObject({ errno: 23 });
  },
  'nobody there': async ({ send, body }) => { expect(await failure(send({ body }, await nobody()).perform())).toMatchObject({ errno: 7 }); },
  'removed from its Multi': async ({ send, server, body, multi }) => {
    const transfer = send({ body }, await server(silent)), ending = failure(multi.add(transfer));
    await until(() => transfer.progress.sent > 0);
    multi.remove(transfer);
    expect(await ending).toMatchObject({ errno: 42 });
  },
  'its Multi is closed': async ({ send, server, body, multi }) => {
    const transfer = send({ body }, await server(silent)), ending = failure(transfer.perform());
    await until(() => transfer.progress.sent > 0);
    await multi[Symbol.asyncDispose]();
    expect(await ending).toMatchObject({ errno: 42 });
  },
  'its Multi was closed before': async ({ send, body, multi }) => {
    await multi[Symbol.asyncDispose]();
    expect((await failure(send({ body }).perform())).message).toMatch(/^this Multi is closed/);
  },
  'a limit': async ({ send, server, body }) => {
    expect(await failure(send({ body, timeoutMs: 150 }, await server(silent)).perform())).toMatchObject({ errno: 28 });
  },
  'an early answer': async ({ send, server, body }) => {
    const url = await server(answer('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'));
    expect(await send({ body }, url).perform()).toMatchObject({ status: 413 });
  },
  'a reset': async ({ send, server, body }) => {
    const url = await server(async (peer) => {
      await peer.request();
      peer.reset();
    });
    expect([52, 55, 56]).toContain((await failure(send({ body }, url).perform())).errno);
  },
  'a redirect that drops it': async ({ send, server, body }) => {
    const url = await server(async (peer) => {
      const head = await peer.request();
      await peer.send(head.startsWith('POST') ? 'HTTP/1.1 303 See Other\r\nLocation: /other\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
        : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
      peer.end();
    });
    expect((await send({ body }, url).perform()).text()).toBe('ok');
  },
  'a host that does not attach': async ({ body, make }) => {
    const multi = new Multi({ host: broken(make, () => ({ attach: fault })) });
    expect(await failure(new Transfer('http://127.0.0.1/', { multi, body }).perform())).toMatchObject({ errno: 2, message: expect.stringMatching(/^a fault/) });
    expect(multi.running).toBe(0);
  },
  'a host that knows no TLS': async ({ body, make }) => {
    const multi = new Multi({ host: broken(make, () => ({ registerTls: fault })) });
    const tls = { servername: 'localhost' };
    expect(await failure(new Transfer('https://127.0.0.1/', { multi, body, tls }).perform())).toMatchObject({ errno: 2, message: expect.stringMatching(/^cannot start: a fault/) });
    expect(multi.running).toBe(0);
  },
  'a fault of the engine': async ({ body, make }) => {
    const multi = new Multi({ host: broken(make, ({ attach }) => ({ attach: (engine) => ({ ...attach(engine), sl_open: fault }) })) });
    expect(await failure(new Transfer('http://127.0.0.1/', { multi, body }).perform())).toMatchObject({ errno: 2 });
    expect(multi.running).toBe(0);
  },
  'a module that is none': async ({ body, make }) => {
    const multi = new Multi({ host: make(), module: EMPTY_MODULE });
    expect((await failure(new Transfer('http://127.0.0.1/', { multi, body }).perform())).message).toMatch(/the engine cannot start/);
    expect(multi.running).toBe(0);
  },
  'a module that cannot be loaded': async ({ send, body }) => {
    await comes(Promise.reject(new Error('no module')), async () => {
      expect((await failure(send({ body }).perform())).message).toMatch(/^no module/);
    });
  },
  'aborted while the module is loaded': async ({ send, body }) => {
    await comes(new Promise(() => {}), async () => {
      const transfer = send({ body }), ending = failure(transfer.perform());
      transfer.abort(new Error('enough'));
      expect((await ending).message).toBe('enough');
    });
  },
  'a limit while the module is loaded': async ({ send, body }) => {
    await comes(new Promise(() => {}), async () => { expect(await failure(send({ body, timeoutMs: 5 }).perform())).toMatchObject({ errno: 28 }); });
  },
};
/** The module comes as this promise says, for as long as `during` lasts. */
async function comes(module, during) {
  const before = platform;
  module.catch(() => {});
  setPlatform({ ...before, module: () => module });
  try {
    await during();
  } finally {
    setPlatform(before);
  }
}

describe.each([['nodeHost', nodeHost], ['fetchHost', fetchHost]])('B21, U2: whatever ends a transfer over %s', (_host, make) => {
  let host, multi, servers;
  beforeEach(() => {
    host = make();
    multi = new Multi({ host });
    servers = [];
  });
  afterEach(async () => {
    await multi[Symbol.asyncDispose]();
    await Promise.all(servers.map((server) => server.close()));
    expect(host.caught).toBeUndefined();
  });
  const send = (options, url = 'http://127.0.0.1:1/') => new Transfer(url, { multi, ...options });
  const server = async (script) => {
    const one = await rawServer(script);
    servers.push(one);
    return one.url();
  };

  for (const [kind, begin] of Object.entries(KINDS)) {
    test.each(Object.entries(ENDS))(`B21, U2: ${kind} is ended once: %s`, async (_end, act) => {
      const before = descriptors(), { body, ends, reason } = begin();
      await within(act({ send, server, body, multi, make }), 8000, 'the end');
      await until(() => ends() > 0, 'it is ended', 4000);
      expect(multi.running).toBe(0);
      await multi[Symbol.asyncDispose]();
      await Promise.all(servers.map((one) => one.close()));
      if (kind === 'a stream of a file') await until(() => body.closed && descriptors() <= before, 'its file is closed', 4000);
      expect(ends()).toBe(1);
      if (reason !== undefined && _end.includes('abort') && !_end.includes('early')) expect(reason()).toMatchObject({ message: 'enough' });
    });
  }

  test('B21: one that ended by itself is left alone', async () => {
    const web = await webServer();
    servers.push(web);
    const seen = [];
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(CHUNK);
        controller.close();
      },
      cancel() { seen.push('cancelled'); },
    }, { highWaterMark: 0 });
    const iterator = (kind) => {
      let given = 0;
      const next = () => (given++ ? { done: true } : { value: CHUNK });
      const end = () => seen.push(`${kind} returned`);
      return kind === 'sync' ? { [Symbol.iterator]: () => ({ next, return: end }) } : { [Symbol.asyncIterator]: () => ({ next: async () => next(), return: end }) };
    };
    for (const body of [stream, iterator('async'), iterator('sync')]) expect((await send({ body }, web.url()).perform()).json().bytes).toBe(1000);
    for (const body of [{ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('out')), return: () => seen.push('after a failure') }) }]) {
      expect(await failure(send({ body }, web.url()).perform())).toMatchObject({ errno: 26, cause: { message: 'out' } });
    }
    expect(seen).toEqual([]);
  });

  test('B21: of a Blob of a file no descriptor stays, when the answer comes early or it is aborted', async () => {
    const body = await openAsBlob(file);
    let before = 0;
    for (let i = 0; i < 20; i++) {
      if (i === 2) before = descriptors() + 1; // what fetch itself keeps open; each of the others may keep none
      const transfer = send({ body }, await server(i % 2 ? answer('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n') : silent));
      const ending = transfer.perform().catch(() => {});
      if (i % 2 === 0) {
        await until(() => transfer.progress.sent > 0);
        transfer.abort();
      }
      await ending;
    }
    await multi[Symbol.asyncDispose]();
    await Promise.all(servers.map((one) => one.close()));
    await until(() => descriptors() <= before, 'no descriptor stays', 4000);
  });

  test('U2: a stream that fails before it is asked ends the transfer with 26 and its cause, at any time', async () => {
    const url = await server(silent);
    for (const wait of [0, 1]) {
      const body = createReadStream(join(folder, 'missing'));
      const transfer = send({ body }, url);
      if (wait) body.once('error', () => {});
      if (wait) await until(() => body.errored);
      const error = await within(failure(transfer.perform()), 5000, 'the end');
      expect(error).toMatchObject({ errno: 26, code: 'CURLE_READ_ERROR', cause: { code: 'ENOENT' } });
      expect(error.message).toMatch(/^the body of the request failed: ENOENT/);
    }
    expect(multi.running).toBe(0);
  });

  test('U2: it fails while the module is loaded', async () => {
    await comes(new Promise(() => {}), async () => {
      const error = await within(failure(send({ body: createReadStream(join(folder, 'missing')) }).perform()), 5000, 'the end');
      expect(error).toMatchObject({ errno: 26, cause: { code: 'ENOENT' } });
    });
  });

  test('B21: what fails after the end is nobody\'s any more', async () => {
    const body = new Readable({ read() {}, destroy(error, done) { setTimeout(done, 5, new Error('late')); } });
    const transfer = send({ body }, await server(silent)), ending = failure(transfer.perform());
    transfer.abort();
    expect(await ending).toMatchObject({ errno: 42 });
    await until(() => body.closed);
  });

  test('a body that is neither performed nor aborted is not touched; one that was used is 65', async () => {
    const { body, ends } = KINDS['an async iterator']();
    send({ body });
    await new Promise((resolve) => setImmediate(resolve));
    expect(ends()).toBe(0);
    const transfer = send({ body });
    transfer.abort();
    await failure(transfer.perform());
    expect(await failure(transfer.perform())).toMatchObject({ errno: 65, message: expect.stringMatching(/^the body was a stream, and is used up/) });
    expect(ends()).toBe(1);
  });
});

test('U2: while it connects: nobody asks for it, and its failure is the end all the same', async () => {
  const multi = new Multi({ host: nodeHost({ lookup: () => {} }) }); // names are never found
  const transfer = new Transfer('http://example.invalid/', { multi, body: createReadStream('/missing/file') });
  expect(await within(failure(transfer.perform()), 5000, 'the end')).toMatchObject({ errno: 26, cause: { code: 'ENOENT' } });
  await multi[Symbol.asyncDispose]();
});

test('U2: the command with a file that goes away is 26, and does not crash', async () => {
  const { code, stderr } = await run(process.execPath, [CLI, '-T', join(folder, 'missing'), 'http://127.0.0.1:1/']);
  expect([code, stderr]).toEqual([26, expect.stringMatching(/^sluice: \(26\) CURLE_READ_ERROR: .*missing/)]);
});

test('B21: a request that a server passes on is not cut: its own answer still goes out', async () => {
  const backend = await rawServer(answer('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'));
  const multi = new Multi();
  const proxy = await webServer(async (request, response) => {
    const { status } = await new Transfer(backend.url(), { multi, body: request }).perform();
    response.writeHead(status).end('too large');
  });
  const request = http.request(proxy.url(), { method: 'POST', headers: { 'content-length': 10_000_000 } });
  request.on('error', () => {});
  request.write(pattern(100_000));
  const response = await within(new Promise((resolve) => request.on('response', resolve)), 8000, 'the answer');
  expect(response.statusCode).toBe(413);
  request.destroy();
  await multi[Symbol.asyncDispose]();
  await Promise.all([proxy.close(), backend.close()]);
});

describe('what is sent', () => {
  let web, multi;
  beforeAll(async () => {
    web = await webServer(async (request, response) => {
      const chunks = [];
      try {
        for await (const chunk of request) chunks.push(chunk);
      } catch {
        return; // the sender went away
      }
      response.setHeader('x-seen', JSON.stringify(request.headers));
      response.end(Buffer.concat(chunks));
    });
  });
  afterAll(() => web.close());
  beforeEach(() => { multi = new Multi(); });
  afterEach(() => multi[Symbol.asyncDispose]());
  const send = async (options) => {
    const result = await new Transfer(web.url(), { multi, ...options }).perform();
    return { text: result.text(), bytes: result.body, headers: JSON.parse(result.headers.get('x-seen')) };
  };

  test.each([
    ['an array of strings and bytes', () => ['a', new Uint8Array([98, 99]), '', '\xe9']],
    ['a sync generator', () => (function* () { yield 'a'; yield new Uint8Array([98, 99]).buffer; yield new DataView(new ArrayBuffer(0)); yield Promise.resolve('\xe9'); })()],
    ['an async generator of strings', () => (async function* () { yield 'ab'; yield 'c\xe9'; })()],
    ['a web stream of strings', () => new ReadableStream({ start(controller) { for (const part of ['abc', '\xe9']) controller.enqueue(part); controller.close(); } })],
    ['a stream of Node\'s that decodes', () => Readable.from([Buffer.from('abc\xe9')]).setEncoding('utf8')],
  ])('%s: strings are UTF-8', async (_what, make) => {
    expect(await send({ body: make() })).toMatchObject({ text: 'abc\xe9', headers: { 'transfer-encoding': 'chunked' } });
  });

  test('a promise in a sync generator that rejects: 26, and the generator is returned', async () => {
    const { body, ends } = spied((function* () { for (;;) yield Promise.reject(new Error('out')); })());
    const error = await failure(new Transfer(web.url(), { multi, body }).perform());
    expect(error).toMatchObject({ errno: 26, cause: { message: 'out' } });
    expect(ends()).toBe(1);
  });

  test('json: the text, its type, what is accepted; own headers win', async () => {
    expect(await send({ json: { a: [1, '\xe9'] } })).toMatchObject({ text: '{"a":[1,"\xe9"]}', headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': '14' } });
    expect(await send({ json: null, method: 'PUT', headers: { accept: '*/*', 'content-type': 'application/x+json' } })).toMatchObject({
      text: 'null', headers: { 'content-type': 'application/x+json', accept: '*/*' } });
    const given = { n: 1 }, transfer = new Transfer(web.url(), { multi, json: given });
    given.n = 2; // it was taken down at once
    expect((await transfer.perform()).text()).toBe('{"n":1}');
  });

  test('FormData: as the web sends it, its size known, names escaped, files as they are', async () => {
    const form = new FormData(), bytes = pattern(200_000);
    form.append('text', 'one\ntwo\r\n\xe9');
    form.append('a "name"\r\nx', 'v');
    form.append('blob', new Blob(['<x>'], { type: 'text/html' }));
    form.append('file', new File([bytes], 'h\xe9 "quoted"\n.bin'));
    const sent = new Response(form), theirs = Buffer.from(await sent.arrayBuffer());
    const { bytes: ours, headers } = await send({ body: form });
    const boundary = /boundary=(.*)$/.exec(sent.headers.get('content-type'))[1], mine = /^multipart\/form-data; boundary=([\w-]+)$/.exec(headers['content-type'])[1];
    expect(headers).toMatchObject({ 'content-length': String(ours.length) });
    expect(mine).not.toBe(/boundary=(.*)$/.exec((await send({ body: form })).headers['content-type'])[1]);
    const plain = (buffer, mark) => Buffer.from(buffer).toString('latin1').replaceAll(mark, 'MARK').replace(/\r\n$/, '');
    expect(sha256(Buffer.from(plain(ours, mine)))).toBe(sha256(Buffer.from(plain(theirs, boundary))));
    const read = await new Response(ours, { headers: { 'content-type': headers['content-type'] } }).formData();
    expect(read.get('text')).toBe('one\r\ntwo\r\n\xe9');
    expect(sha256(new Uint8Array(await read.get('file').arrayBuffer()))).toBe(sha256(bytes));
  });

  test('FormData with a file that is on disk, given again after a redirect; an empty one', async () => {
    const form = new FormData();
    form.append('file', await openAsBlob(file), 'large');
    const hop = await webServer(async (request, response) => {
      for await (const chunk of request) void chunk;
      response.writeHead(307, { location: web.url() }).end();
    });
    const before = descriptors();
    const result = await new Transfer(hop.url(), { multi, body: form }).perform();
    const read = await new Response(result.body, { headers: { 'content-type': JSON.parse(result.headers.get('x-seen'))['content-type'] } }).formData();
    expect(sha256(new Uint8Array(await read.get('file').arrayBuffer()))).toBe(sha256(pattern(4 * 1024 * 1024)));
    await hop.close();
    await multi[Symbol.asyncDispose]();
    await until(() => descriptors() <= before, 'the file is closed', 4000);
    multi = new Multi();
    expect((await send({ body: new FormData() })).text).toMatch(/^--[\w-]+--\r\n$/);
  });
});
