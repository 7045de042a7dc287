// js/cli/download.js: one URL to a file or to standard output.
import { Transfer, TransferError } from '../index.js';
import { UsageError } from './args.js';
import { fileSink, streamSink } from './sink.js';
import { Line, amount, duration, progressText } from './text.js';

const WRITE_ERROR = 23, ABORTED = 42; // CURLcode
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM']);

/** @param {import('./args.js').Job} job @returns {Promise<number>} a CURLcode */
export async function download({ url, output, options }) {
  const sink = output === undefined ? streamSink(process.stdout, 'standard output', () => transfer.abort()) : fileSink(output);
  const transfer = create(url, { ...options, onData: (chunk) => sink.write(chunk) });
  const line = new Line(process.stderr);
  if (output !== undefined || !process.stdout.isTTY) line.follow(() => progressText(transfer.progress)); // two would mix
  let interrupt = () => {};
  /** @type {Promise<never>} */
  const interrupted = new Promise((_, reject) => { interrupt = () => reject(new Error('interrupted')); });
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    await Promise.race([run(transfer, sink, options.method === 'HEAD'), interrupted]);
    line.end(lastWords(/** @type {import('../index.js').Result} */ (transfer.result)));
    return 0;
  } catch (error) {
    await transfer.abort();
    sink.end(false);
    const { received } = transfer.progress;
    line.end(received > 0 ? progressText(transfer.progress) : '');
    const [code, words] = explain(error, sink);
    process.stderr.write(`sluice: (${code}) ${words}${sink.bytes > 0 ? `; ${sink.bytes} bytes were written to ${sink.name}` : ''}\n`);
    return code;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

/** @param {string} url @param {import('../index.js').TransferOptions} options */
function create(url, options) {
  try {
    return new Transfer(url, options);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new UsageError(message, message.startsWith('url') ? 3 : 2);
  }
}

/** @param {Transfer} transfer @param {import('./sink.js').Sink} sink @param {boolean} headOnly */
async function run(transfer, sink, headOnly) {
  const done = transfer.perform();
  if (headOnly) {
    const { text } = await transfer.response;
    await done;
    await sink.write(Buffer.from(text, 'latin1'));
  }
  await done;
  await sink.end(true);
}

/** @param {unknown} error @param {import('./sink.js').Sink} sink @returns {[code: number, words: string]} */
function explain(error, sink) {
  if (sink.fault !== null) return [WRITE_ERROR, `CURLE_WRITE_ERROR: cannot write to ${sink.name}: ${sink.fault.message}`];
  if (error instanceof TransferError) return [error.errno, error.message === error.code ? error.code : `${error.code}: ${error.message}`];
  return [ABORTED, `CURLE_ABORTED_BY_CALLBACK: ${error instanceof Error ? error.message : error}`];
}

/** @param {import('../index.js').Result} result */
function lastWords({ status, received, elapsedMs, receiveSpeed, headers }) {
  const elsewhere = status >= 300 && status < 400 && headers.get('location');
  return `${amount(received)} in ${duration(elapsedMs)}, ${amount(receiveSpeed)}/s, status ${status}` +
    (elsewhere ? `; redirects are not followed yet, this one goes to ${elsewhere}` : '');
}
