// What TypeScript sees of the package, as strictly as it can; test/package.test.js checks it with several releases and libraries.
import { Multi, Remote, Transfer, TransferError, fetchHost, nodeHost } from 'sluice';
import type { Code, Head, Host, Progress, Result, State, TransferOptions } from 'sluice';

const options: TransferOptions = { lowSpeed: { bytesPerSecond: 1, ms: 2 }, headers: { a: 'b' }, timeoutMs: 1000 };
const transfer = new Transfer('http://127.0.0.1/', { ...options, multi: new Multi({ host: nodeHost(), maxPerHost: 6 }), onData: (chunk) => void chunk.length });
export const result: Result = await transfer.perform();
export const head: Head = await transfer.response;
export const text: string | null = head.headers.get('x');
const host: Host = fetchHost();
new Multi({ host });

// Every event by its name.
transfer.addEventListener('head', ({ detail }) => { const status: number = detail.status; return status; });
transfer.addEventListener('progress', function ({ detail }) { const { received }: Progress = detail; this.pause('recv'); return received; }, { once: true });
transfer.addEventListener('state', (event) => { const state: State = event.detail; return state === 'active'; });
transfer.addEventListener('done', { handleEvent: ({ detail }) => detail.errno });
transfer.addEventListener('anything', (event) => event.type);
transfer.removeEventListener('state', ({ detail }) => detail);
// @ts-expect-error: the detail of this event is a state
transfer.addEventListener('state', ({ detail }) => detail.status);
// @ts-expect-error: a listener is a function
transfer.addEventListener('head', 5);

// What onData may answer.
new Transfer('http://127.0.0.1/', { onData: () => 'pause' });
new Transfer('http://127.0.0.1/', { onData: async (chunk) => { await Promise.resolve(chunk); } });
new Transfer('http://127.0.0.1/', { onData(chunk) { this.pause(); return chunk.length > 5 ? 'pause' : undefined; } });
// @ts-expect-error: it is 'pause'
new Transfer('http://127.0.0.1/', { onData: () => 'paused' });
// @ts-expect-error: a chunk is of bytes
new Transfer('http://127.0.0.1/', { onData: (chunk: string) => void chunk });

// Codes are a union.
try {
  await transfer.perform();
} catch (error) {
  if (!(error instanceof TransferError)) throw error;
  const code: Code = error.code, again: boolean = error.retryable, errno: number = error.errno;
  if (code === 'CURLE_OPERATION_TIMEDOUT') console.log(error.result.received, again, errno, error.name === 'TimeoutError');
  // @ts-expect-error: there is no such code
  if (error.code === 'CURLE_TIMEOUT') console.log('never');
}

// Options are checked.
// @ts-expect-error: a speed is a number
new Transfer('http://127.0.0.1/', { maxRecvSpeed: 'fast' });
// @ts-expect-error: there is no such option
new Transfer('http://127.0.0.1/', { timeout: 1 });
// @ts-expect-error: there is no such direction
await transfer.pause('up');
await transfer.pause('recv');
new Transfer('http://127.0.0.1/', { body: new URLSearchParams({ a: 'b' }), headers: [['a', 'b']], signal: AbortSignal.timeout(5) });
new Transfer('http://127.0.0.1/', { body: (async function* () { yield new Uint8Array(1); })(), headers: new Headers({ a: 'b' }) });
new Transfer('http://127.0.0.1/', { to: new WritableStream<Uint8Array>() });
new Transfer('http://127.0.0.1/', { to: { path: 'x', offset: 5 } });
new Transfer('http://127.0.0.1/', { to: { path: new URL('file:///x'), atomic: true } });
// @ts-expect-error: where
new Transfer('http://127.0.0.1/', { to: { offset: 5 } });
// A Writable as Node has it.
declare const writable: { writable: boolean; write(chunk: any, done?: (error?: Error | null) => void): boolean; write(chunk: any, encoding: string, done?: () => void): boolean;
  end(done?: () => void): unknown; destroy(error?: Error): unknown; on(event: string | symbol, listener: (...args: any[]) => void): unknown };
new Transfer('http://127.0.0.1/', { to: writable });
new Transfer('http://127.0.0.1/', { borrow: true, onData: () => undefined });
for await (const chunk of new Transfer(new URL('http://127.0.0.1/'))) export_(chunk);
const stream: ReadableStream<Uint8Array> = new Transfer('http://127.0.0.1/').body;
function export_(chunk: Uint8Array) { return [chunk, stream]; }

// From another thread.
const remote = transfer.remote();
const { port1 } = new MessageChannel();
export const paused: boolean = await Remote.from(port1).pause();
remote.port.close();
// @ts-expect-error: a remote is made from a port
Remote.from('port');

// What is of this package's own inside is not seen.
// @ts-expect-error: no such member
new Multi().core;
