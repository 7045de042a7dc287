// The bounded drain (B11): a stopped transfer whose response has little left leaves a connection that is used again. One
// connection at a time, so that the next transfer begins when the drain is over, either way.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Multi, Transfer, nodeHost } from '../js/index.js';
import { until } from './helpers/wait.js';
import { failure, within } from './support/bytes.js';
import { rawServer } from './support/rawserver.js';

const HALF = 'x'.repeat(50000);

let host, multi, server, goOn;
/** Every first answer is half of a body, the other half when `goOn` is called; later ones on a connection are "again". */
beforeEach(async () => {
  host = nodeHost();
  multi = new Multi({ host, maxPerHost: 1 });
  const asked = new Promise((resolve) => { goOn = resolve; });
  server = await rawServer(async (peer) => {
    await peer.request();
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${HALF}`);
    if (peer.number === 1) await asked;
    await peer.send(HALF);
    for (;;) {
      await peer.request();
      await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain');
    }
  });
});
afterEach(async () => {
  await multi[Symbol.asyncDispose]();
  await server.close();
  expect(server.faults).toEqual([]);
  expect(host.caught).toBeUndefined();
});

/** A transfer that is stopped by `stop` when half of its body has come. */
async function stopped(options, stop) {
  let bytes = 0;
  const transfer = new Transfer(server.url(), { multi, onData: (chunk) => { bytes += chunk.length; }, ...options });
  const performed = failure(transfer.perform());
  await until(() => bytes === HALF.length || transfer.paused.recv);
  const before = bytes;
  stop(transfer);
  const error = await within(performed, 15000, 'the stop');
  return { error, more: () => bytes - before };
}
const next = () => within(new Transfer(server.url(), { multi }).perform(), 15000, 'the next transfer');

describe('B11: asked for', () => {
  test.each([['abort', {}, (transfer) => transfer.abort(), 42],
    ['remove', {}, (transfer) => multi.remove(transfer), 42],
    ['a paused one', { onData: () => 'pause' }, (transfer) => transfer.abort(), 42]])('%s', async (_, options, stop, errno) => {
    const { error, more } = await stopped({ drainMaxBytes: 100000, ...options }, stop);
    expect(error.errno).toBe(errno);
    goOn();
    const result = await next();
    expect([result.reused, new TextDecoder().decode(result.body)]).toEqual([true, 'again']);
    expect([server.peers.length, more()]).toEqual([1, 0]);
  });

  test('a limit, and an onData that throws', async () => {
    goOn();
    const error = await failure(new Transfer(server.url(), { multi, drainMaxBytes: 1e9, onData() { throw new Error('no more'); } }).perform());
    expect(error.code).toBe('CURLE_WRITE_ERROR');
    expect((await next()).reused).toBe(true);
    const transfer = new Transfer(server.url(), { multi, drainMaxBytes: 1e9, onData: () => 'pause' });
    const slow = failure(transfer.perform());
    await until(() => transfer.paused.recv); // the head has come: there is something to read out
    transfer.limits({ timeoutMs: 1 });
    expect((await slow).code).toBe('CURLE_OPERATION_TIMEDOUT');
    expect((await next()).reused).toBe(true);
    expect(server.peers.length).toBe(1);
  });

  test('what does not come in time closes it', async () => {
    await stopped({ drainMaxBytes: 100000 }, (transfer) => transfer.abort());
    const result = await next();
    expect([result.reused, server.peers.length, result.body.length]).toEqual([false, 2, 100000]);
    await within(server.peers[0].closed, 15000, 'the close');
    goOn();
  });

  test('a Multi that is closed meanwhile closes it', async () => {
    await stopped({ drainMaxBytes: 100000 }, (transfer) => transfer.abort());
    expect(host.channels).toBe(1);
    await multi[Symbol.asyncDispose]();
    await within(server.peers[0].closed, 15000, 'the close');
    await until(() => host.channels === 0);
    goOn();
  });
});

describe('B11: closed', () => {
  test.each([['not asked for', {}], ['zero', { drainMaxBytes: 0 }], ['too much is left', { drainMaxBytes: 49999 }]])('%s', async (_, options) => {
    await stopped(options, (transfer) => transfer.abort());
    await within(server.peers[0].closed, 15000, 'the close');
    expect((await next()).reused).toBe(false);
    goOn();
  });
});
